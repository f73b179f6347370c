/** The queue: requests with who and why, how far they are, and their dates. */

import { useSearchParams } from "react-router-dom";

import type { Item, RequestItems, Requests } from "../api";
import { withValues } from "../logic/view";
import { instant, plural } from "../logic/words";
import { Empty, pipelineUrl, Problem, RunLink, Waiting } from "../parts/bits";
import { RequestTable } from "../parts/RequestTable";
import { useLive } from "../parts/useLive";
import { Link } from "react-router-dom";

const PAGE = 25;
const ITEMS = 100;

export const Queue = () => {
  const [url, setUrl] = useSearchParams();
  const selected = url.get("request");
  const state = url.get("state") ?? "";
  const page = Math.max(0, Math.trunc(Number(url.get("page"))) || 0);
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
        <RequestTable requests={shown.requests} selected={selected} onSelect={(request) => set({ request, page: page ? String(page) : null })} onDone={list.again} />
      )}
      {shown && shown.total > PAGE && (
        <nav className="bf-row" aria-label="Pages">
          <button className="bf-button bf-small" type="button" disabled={!page} onClick={() => set({ page: page > 1 ? String(page - 1) : null })}>
            Newer
          </button>
          <button className="bf-button bf-small" type="button" disabled={(page + 1) * PAGE >= shown.total} onClick={() => set({ page: String(page + 1) })}>
            Older
          </button>
        </nav>
      )}
      {selected && <Items requestId={selected} alone={!there} />}
    </div>
  );
};

const Items = ({ requestId, alone }: { requestId: string; alone: boolean }) => {
  const found = useLive<RequestItems>(`/requests/${encodeURIComponent(requestId)}?limit=${ITEMS}`, (answer) => (answer?.state === "open" ? 3 : 15));
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
          {found.answer.items > ITEMS && <span className="bf-muted">The first {ITEMS} of {found.answer.items}.</span>}
        </>
      )}
    </section>
  );
};

export const ItemTable = ({ items }: { items: Item[] }) => (
  <div className="bf-scroll">
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
