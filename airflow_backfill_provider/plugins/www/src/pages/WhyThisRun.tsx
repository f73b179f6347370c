/** A tab of a DagRun: why it exists, who asked, its dates and jobs. */

import { Link } from "react-router-dom";

import { type DagRun, type Hold, pathOf } from "../api";
import { instant } from "../logic/words";
import { Empty, JobLink, pipelineUrl, Problem, requestUrl, RunLink, Waiting } from "../parts/bits";
import { Bar } from "../parts/RequestTable";
import { ItemTable } from "../parts/ItemTable";
import { RunFacts } from "../parts/StoryPanel";
import { useLive } from "../parts/useLive";

export const WhyThisRun = ({ dagId, runId }: { dagId: string; runId: string }) => {
  const run = useLive<DagRun>(pathOf(dagId, `/runs/${encodeURIComponent(runId)}`), (answer) =>
    answer?.runs.some((one) => one.status === "running" || one.status === "queued") ? 3 : 20,
  );
  if (run.problem?.status === 404)
    return <Empty title="Nothing is known of this run">It is not of a pipeline, or it has not begun to work on its dates.</Empty>;
  if (run.problem) return <Problem problem={run.problem} again={run.again} />;
  if (!run.answer) return <Waiting />;
  return (
    <div className="bf-stack">
      <div>
        <h2>Why this run exists</h2>
        <div className="bf-sentence">{run.answer.why}.</div>
      </div>
      {run.answer.requests.map((request) => (
        <section className="bf-card" key={request.request_id}>
          <div className="bf-row">
            <Link to={requestUrl(request.request_id)}>{request.request_id}</Link>
            <span className="bf-muted">by {request.requested_by}</span>
            {request.why && <span>{request.why}</span>}
          </div>
          <Bar request={request} />
        </section>
      ))}
      <div className="bf-stack">
        {run.answer.runs.map((record) => (
          <section className="bf-card" key={record.run_date}>
            <h2>
              <Link to={pipelineUrl(dagId, `&date=${record.run_date}`)}>{record.run_date}</Link>
            </h2>
            <RunFacts run={record} pipelineId={dagId} />
          </section>
        ))}
      </div>
      {run.answer.holds.length > 0 && (
        <section className="bf-card">
          <h2>Who may work on its dates</h2>
          <ul className="bf-lines">
            {run.answer.holds.map((hold) => (
              <li key={hold.run_date}>
                {hold.run_date}: <Held hold={hold} dagId={dagId} runId={runId} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {run.answer.items.length > 0 && (
        <section>
          <h2>Its dates in the queue</h2>
          <ItemTable items={run.answer.items} />
        </section>
      )}
    </div>
  );
};

/** Who holds a date, and the job that was started for it last. */
const Held = ({ hold, dagId, runId }: { hold: Hold; dagId: string; runId: string }) => (
  <>
    {hold.held_by === null && "held by no run; the next one takes it"}
    {hold.held_by === runId && "held by this run"}
    {hold.held_by !== null && hold.held_by !== runId && (
      <>
        held by <RunLink dagId={dagId} runId={hold.held_by} />
      </>
    )}
    {hold.external_status && (
      <>
        ; last job {hold.external_run_id && <JobLink id={hold.external_run_id} url={hold.external_url} />} {hold.external_status}
        {hold.ended_at ? `, ended ${instant(hold.ended_at)}` : hold.submitted_at && `, submitted ${instant(hold.submitted_at)}`}
      </>
    )}
  </>
);
