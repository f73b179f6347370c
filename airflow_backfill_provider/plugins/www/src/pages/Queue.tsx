/** The queue: requests with who and why, how far they are, and their dates. */

import { Link, useSearchParams } from "react-router-dom";

import type { Item, RequestItems, Requests } from "../api";
import { pageOf } from "../logic/watch";
import { withValues } from "../logic/view";
import { instant, plural } from "../logic/words";
import { Empty, pipelineUrl, Problem, RunLink, Waiting } from "../parts/bits";
import { Pages } from "../parts/Pages";
import { RequestTable } from "../parts/RequestTable";
import { useLive } from "../parts/useLive";

const PAGE = 25;
const ITEMS = 100;

export const Queue = () => {
  const [url, setUrl] = useSearchParams();
  const selected = url.get("request");
  const state = url.get("state") ?? "";
  const page = pageOf(url);
  const query = new URLSearchParams({ limit: String(PAGE), offset: String(page * PAGE) });
  if (state === "live" || state === "ended") query.set("state", state);
  const list = useLive<Requests>(`/requests?${query}`, (answer) => (answer?.requests.some((one) => one.state === "open") ? 3 : 10));
  const set = (values: Record<string, string | null>) => setUrl((old) => withValues(old, values), { replace: true });
  const shown = list.answer;
  const there = shown?.requests.some((one) => one.request_id === selected);
  return (
    <div className="bf-stack">
      <div className="bf-row" role="group" aria-label="Which requests">
        {[["", "All"], ["live", "Waiting or working"], ["ended", "Ended"]].map(([value, name]) => (
          <button className="bf-chip" key={value} type="button" aria-pressed={state === value} onClick={() => set({ state: value || null })}>
            {name}
          </button>
        ))}
        {shown && <span className="bf-muted">{plural(shown.total, "request")}</span>}
      </div>
      {list.problem && <Problem problem={list.problem} again={list.again} />}
      {!shown && !list.problem && <Waiting rows={8} />}
      {shown && !shown.total && (
        <Empty title="Nobody has asked for dates">Open a pipeline, pick dates and fill them: the request stands here.</Empty>
      )}
      {shown && shown.total > 0 && (
        <RequestTable requests={shown.requests} selected={selected} onSelect={(request) => set({ request, items: null, page: page ? String(page) : null })} onDone={list.again} />
      )}
      {shown && <Pages label="Pages of requests" total={shown.total} size={PAGE} page={page} onPage={(to) => set({ page: to ? String(to) : null })} names={["Newer", "Older"]} />}
      {selected && <Details key={selected} requestId={selected} alone={!there} page={pageOf(url, "items")} onPage={(to) => set({ items: to ? String(to) : null, page: page ? String(page) : null })} />}
    </div>
  );
};

interface DetailsProps {
  requestId: string;
  /** Whether the list above does not show it. */
  alone: boolean;
  page: number;
  onPage: (page: number) => void;
}

/** A request's dates, page by page, and what people did with it. */
const Details = ({ requestId, alone, page, onPage }: DetailsProps) => {
  const found = useLive<RequestItems>(`/requests/${encodeURIComponent(requestId)}?limit=${ITEMS}&offset=${page * ITEMS}`, (answer) =>
    answer?.state === "open" ? 3 : 15,
  );
  return (
    <section className="bf-card bf-stack" aria-label={`Dates of ${requestId}`}>
      <h2 style={{ margin: 0 }}>Dates of {requestId}</h2>
      {alone && found.answer && (
        <span className="bf-muted">
          {found.answer.state}, {found.answer.percent} % ended, asked for by {found.answer.requested_by}
        </span>
      )}
      {found.problem && <Problem problem={found.problem} again={found.again} />}
      {!found.answer && !found.problem && <Waiting rows={4} />}
      {found.answer && (
        <>
          <ItemTable items={found.answer.rows} />
          <Pages label={`Pages of dates of ${requestId}`} total={found.answer.items} size={ITEMS} page={page} onPage={onPage} />
          <History request={found.answer} />
        </>
      )}
    </section>
  );
};

const History = ({ request }: { request: RequestItems }) => (
  <section aria-label={`History of ${request.request_id}`}>
    <h3>History</h3>
    <ol className="bf-lines">
      <li>
        {instant(request.requested_at)}: asked for by {request.requested_by}
        {request.why && <q>{request.why}</q>}
      </li>
      {request.history.map((event) => (
        <li key={`${event.acted_at} ${event.action}`}>
          {instant(event.acted_at)}: {event.action} by {event.acted_by}
          {event.details && ` (${event.details})`}
          {event.why && <q>{event.why}</q>}
        </li>
      ))}
    </ol>
  </section>
);

export const ItemTable = ({ items }: { items: Item[] }) => (
  <div className="bf-scroll" tabIndex={0} role="region" aria-label="Dates in the queue">
    <table className="bf-table">
      <thead>
        <tr>
          {["Pipeline", "Run date", "Status", "Why", "Attempt", "Run", "Ended"].map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={item.backfill_id}>
            <td>{item.pipeline_id}</td>
            <td style={{ whiteSpace: "nowrap" }}>
              <Link to={pipelineUrl(item.pipeline_id, `&date=${item.run_date}`)}>{item.run_date}</Link>
            </td>
            <td>
              {item.status}
              {item.kept_back && <div className="bf-muted">kept back</div>}
            </td>
            <td>
              {item.reason}
              {item.error_message && <div className="bf-danger">{item.error_message}</div>}
            </td>
            <td>{item.attempt}</td>
            <td>{item.dag_run_id && <RunLink dagId={item.pipeline_id} runId={item.dag_run_id} />}</td>
            <td style={{ whiteSpace: "nowrap" }}>{instant(item.finished_at)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
