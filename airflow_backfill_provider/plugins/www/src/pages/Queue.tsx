/** The queue: requests with who and why, how far they are, and their dates; and dates that no request asks for. */

import { useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router-dom";

import type { RequestHistory, RequestItems, Requests } from "../api";
import { pageOf } from "../logic/watch";
import { QUEUE_FILTERS, queueFilter } from "../logic/queue";
import { withValues } from "../logic/view";
import { instant, plural } from "../logic/words";
import { Empty, Problem, Waiting } from "../parts/bits";
import { ItemTable } from "../parts/ItemTable";
import { Pages } from "../parts/Pages";
import { Bar, RequestTable } from "../parts/RequestTable";
import { RuleDates } from "../parts/RuleDates";
import { Priority, type Steering, useSteering, Verbs } from "../parts/Steering";
import { useLive } from "../parts/useLive";
import { usePages } from "../parts/usePages";

const PAGE = 25;
const ITEMS = 100;
const EVENTS = 20;

export const Queue = () => {
  const [url, setUrl] = useSearchParams();
  const selected = url.get("request");
  const filter = queueFilter(url);
  const page = pageOf(url);
  const query = new URLSearchParams({ limit: String(PAGE), offset: String(page * PAGE) });
  if (filter.state) query.set("state", filter.state);
  const list = useLive<Requests>(`/requests?${query}`, (answer) => (answer?.requests.some((one) => one.state === "open") ? 3 : 10));
  const set = (values: Record<string, string | null>) => setUrl((old) => withValues(old, values), { replace: true });
  const shown = list.answer;
  const [steered, setSteered] = useState(0);
  const onDone = () => {
    list.again();
    setSteered((times) => times + 1);
  };
  const requests = useMemo(() => shown?.requests ?? [], [shown]);
  const steering = useSteering(requests, onDone);
  const isElsewhere = (shown !== null || list.problem !== null) && !requests.some((one) => one.request_id === selected);
  return (
    <div className="bf-stack">
      <div className="bf-row" role="group" aria-label="Which requests">
        {QUEUE_FILTERS.map(({ state, name }) => (
          <button className="bf-chip" key={state} type="button" aria-pressed={filter.state === state} onClick={() => set({ state: state || null })}>
            {name}
          </button>
        ))}
        {shown && (
          <span className="bf-muted" aria-busy={list.isOld}>
            {plural(shown.total, "request")}
          </span>
        )}
      </div>
      {list.problem && <Problem problem={list.problem} again={list.again} />}
      {(!shown || (!shown.total && list.isOld)) && !list.problem && <Waiting rows={8} />}
      {shown && !shown.total && !list.isOld && <Empty title={filter.nothing}>{filter.hint}</Empty>}
      {/* not in the table: what is said stays when the list is empty by it */}
      {steering.words}
      {shown && shown.total > 0 && (
        <div aria-busy={list.isOld}>
          <RequestTable requests={requests} selected={selected} onSelect={(request) => set({ request, items: null, events: null, page: page ? String(page) : null })} steering={steering} />
        </div>
      )}
      {shown && <Pages label="Pages of requests" total={shown.total} size={PAGE} page={page} onPage={(to) => set({ page: to ? String(to) : null })} names={["Newer", "Older"]} />}
      {selected && <Details key={selected} requestId={selected} alone={isElsewhere} steered={steered} onDone={onDone} />}
      {filter.state !== "ended" && <RuleDates />}
    </div>
  );
};

interface DetailsProps {
  requestId: string;
  /** Whether the list above does not show it. */
  alone: boolean;
  /** How often something was done: what is shown is asked for anew. */
  steered: number;
  /** After something was done. */
  onDone: () => void;
}

/** A request's dates and what people did with it, each page by page. */
const Details = ({ requestId, alone, steered, onDone }: DetailsProps) => {
  const [page, go] = usePages("items");
  const found = useLive<RequestItems>(`/requests/${encodeURIComponent(requestId)}?limit=${ITEMS}&offset=${page * ITEMS}`, (answer) =>
    answer?.state === "open" ? 3 : 15,
  );
  useEffect(() => {
    if (steered) found.again();
  }, [steered]);
  const requests = useMemo(() => (found.answer ? [found.answer] : []), [found.answer]);
  const steering = useSteering(requests, onDone);
  return (
    <section className="bf-card bf-stack" aria-label={`Dates of ${requestId}`}>
      <h2 style={{ margin: 0 }}>Dates of {requestId}</h2>
      {alone && found.answer && <Standing request={found.answer} steering={steering} />}
      {steering.words}
      {found.problem && <Problem problem={found.problem} again={found.again} />}
      {!found.answer && !found.problem && <Waiting rows={4} />}
      {found.answer && (
        <>
          <div aria-busy={found.isOld}>
            <ItemTable items={found.answer.rows} />
          </div>
          <Pages label={`Pages of dates of ${requestId}`} total={found.answer.items} size={ITEMS} page={page} onPage={go} />
          <History request={found.answer} steered={steered} />
        </>
      )}
    </section>
  );
};

/** How a request stands, and what may be done with it, where no row of a list says so. */
const Standing = ({ request, steering }: { request: RequestItems; steering: Steering }) => (
  <>
    <span className="bf-muted">
      {request.state}, {request.percent} % ended, asked for by {request.requested_by}
    </span>
    <div style={{ maxWidth: 420 }}>
      <Bar request={request} />
    </div>
    <div className="bf-row">
      <span>
        Priority <Priority request={request} steering={steering} />
      </span>
      <Verbs request={request} steering={steering} />
    </div>
  </>
);

/** What people did with a request, newest first; the oldest is that somebody asked for it. */
const History = ({ request, steered }: { request: RequestItems; steered: number }) => {
  const [page, go] = usePages("events");
  const live = useLive<RequestHistory>(`/requests/${encodeURIComponent(request.request_id)}/history?limit=${EVENTS}&offset=${page * EVENTS}`, () => 15);
  useEffect(() => {
    if (steered) live.again();
  }, [steered]);
  const isWhole = live.answer !== null && live.answer.offset + EVENTS >= live.answer.total;
  return (
    <section aria-label={`History of ${request.request_id}`}>
      <h3>History</h3>
      {live.problem && <Problem problem={live.problem} again={live.again} />}
      <ol className="bf-lines" aria-busy={live.isOld}>
        {(live.answer?.events ?? []).map((event) => (
          <li key={`${event.acted_at} ${event.action}`}>
            {instant(event.acted_at)}: {event.action} by {event.acted_by}
            {event.details && ` (${event.details})`}
            {event.why && <q>{event.why}</q>}
          </li>
        ))}
        {isWhole && (
          <li>
            {instant(request.requested_at)}: asked for by {request.requested_by}
            {request.why && <q>{request.why}</q>}
          </li>
        )}
      </ol>
      {live.answer && <Pages label={`Pages of the history of ${request.request_id}`} total={live.answer.total} size={EVENTS} page={page} onPage={go} names={["Newer", "Older"]} />}
    </section>
  );
};
