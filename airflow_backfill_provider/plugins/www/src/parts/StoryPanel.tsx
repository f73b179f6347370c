/** What happened to one date: why, runs, attempts, deadline, links. */

import type { ReactNode } from "react";

import { pathOf, type Run, type Story } from "../api";
import type { Status } from "../logic/cells";
import { longDay } from "../logic/dates";
import { canRetry } from "../logic/steer";
import { instant } from "../logic/words";
import { JobLink, Problem, RunLink, StatusMark, Waiting } from "./bits";
import { useDateSteering } from "./DateSteering";
import { useLive } from "./useLive";

interface Props {
  pipelineId: string;
  day: string;
  canStart: boolean;
  /** After something was done with the date. */
  onSteered: () => void;
}

export const StoryPanel = ({ pipelineId, day, canStart, onSteered }: Props) => {
  const story = useLive<Story>(pathOf(pipelineId, `/dates/${day}`), (answer) =>
    answer && ["running", "queued"].includes(answer.status) ? 4 : 30,
  );
  const onDone = () => {
    story.again();
    onSteered();
  };
  return (
    <section className="bf-card bf-stack" aria-label={`Story of ${day}`}>
      <div className="bf-between">
        <h2 style={{ margin: 0 }}>{longDay(day)}</h2>
        {story.answer && <StatusMark status={story.answer.status as Status} />}
      </div>
      {story.problem && <Problem problem={story.problem} again={story.again} />}
      {!story.answer && !story.problem && <Waiting rows={4} />}
      {story.answer && (
        <Told story={story.answer} pipelineId={pipelineId}>
          {canStart && <TryAgain key={day} story={story.answer} onDone={onDone} />}
        </Told>
      )}
    </section>
  );
};

/** The date is steered by itself, whether a request asks for it or not. */
const TryAgain = ({ story, onDone }: { story: Story; onDone: () => void }) => {
  const steering = useDateSteering(onDone);
  const can = canRetry(story.items);
  return (
    <>
      {/* once it was pressed it stays: a button that goes away would drop the focus of the keyboard */}
      {(can || steering.hasTold) && (
        <div>
          <button className="bf-button bf-small" type="button" aria-label={`Try again: ${story.run_date} of ${story.pipeline_id}`} aria-disabled={!can} onClick={() => can && steering.ask("retry", story)}>
            Try again
          </button>
        </div>
      )}
      {steering.words}
    </>
  );
};

/** @param children what can be done about it, where something can */
const Told = ({ story, pipelineId, children }: { story: Story; pipelineId: string; children: ReactNode }) => (
  <>
    {story.reason && <div style={{ overflowWrap: "anywhere" }}>{story.reason}</div>}
    {story.items.map(
      (item) =>
        item.waits && (
          <div className="bf-muted" key={item.backfill_id}>
            It waits {item.waits}
          </div>
        ),
    )}
    {children}
    <dl className="bf-facts">
      {story.tick_at && (
        <>
          <dt>due</dt>
          <dd>{instant(story.tick_at)}</dd>
        </>
      )}
      {story.deadline_at && (
        <>
          <dt>deadline</dt>
          <dd>{instant(story.deadline_at)}</dd>
        </>
      )}
    </dl>
    {story.runs.map((run) => (
      <RunFacts key={`${run.dag_run_id}${run.start_time}`} run={run} pipelineId={pipelineId} />
    ))}
    {story.lines.length > 1 && (
      <details open={!story.runs.length}>
        <summary>All that happened (UTC)</summary>
        <ol className="bf-lines" style={{ marginTop: 6 }}>
          {story.lines.map((line, index) => (
            <li key={index}>{line}</li>
          ))}
        </ol>
      </details>
    )}
  </>
);

export const RunFacts = ({ run, pipelineId }: { run: Run; pipelineId: string }) => (
  <dl className="bf-facts">
    <dt>run</dt>
    <dd>
      {run.dag_run_id ? (
        <RunLink dagId={pipelineId} runId={run.dag_run_id} />
      ) : run.status === "missed" ? (
        "none had begun by the deadline"
      ) : (
        "of another program"
      )}
    </dd>
    <dt>status</dt>
    <dd>
      {run.status}
      {run.retry_attempts > 0 && `, ${run.retry_attempts} retries`}
      {run.origin && ` (${run.origin})`}
    </dd>
    <dt>time</dt>
    <dd>
      {instant(run.start_time)}
      {run.end_time && ` – ${instant(run.end_time)}`}
    </dd>
    {run.external_run_id && (
      <>
        <dt>job</dt>
        <dd>
          <JobLink id={run.external_run_id} url={run.external_url} />
        </dd>
      </>
    )}
    {run.sla_met !== null && (
      <>
        <dt>SLA</dt>
        <dd>{run.sla_met ? "met" : "missed"}</dd>
      </>
    )}
    {run.data_quality_passed !== null && (
      <>
        <dt>quality</dt>
        <dd>{run.data_quality_passed ? "passed" : "failed"}</dd>
      </>
    )}
    {run.error_message && (
      <>
        <dt>error</dt>
        <dd className="bf-danger">{run.error_message}</dd>
      </>
    )}
  </dl>
);
