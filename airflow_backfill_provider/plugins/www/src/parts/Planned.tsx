/** A plan: its numbers for each pipeline, what is left out and why, and on demand each date with its reason. */

import { useState } from "react";

import type { Plan } from "../api";
import { duration, plural } from "../logic/words";
import { PLAN_DATES, PLAN_PIPELINES } from "../logic/wish";
import { Pages } from "./Pages";
import type { Planning } from "./usePlan";

const LINES = 5;

type Part = Plan["pipelines"][number];

export const Planned = ({ plan, planning, pipelineId }: { plan: Plan; planning: Planning; pipelineId: string }) => {
  const [each, setEach] = useState(false);
  const { page, go } = planning;
  const longest = Math.max(0, ...plan.pipelines.map((one) => Math.max(one.count, one.left_out_lines)));
  const show = () => {
    setEach(!each);
    if (page.dates) go({ ...page, dates: 0 });
  };
  return (
    <div className="bf-stack" style={{ gap: 6 }}>
      <div className="bf-stack" style={{ gap: 6 }} aria-live="polite">
        {plan.total > 1 && (
          <div>
            <b>{plural(plan.count, "date")}</b> of {plural(plan.total, "pipeline")} in {plural(plan.runs, "run")}
          </div>
        )}
        {plan.pipelines.map((one) => (
          <OfPipeline key={one.pipeline_id} part={one} named={plan.total > 1 || one.pipeline_id !== pipelineId} each={each} />
        ))}
      </div>
      <Pages label="Pages of pipelines of the plan" total={plan.total} size={PLAN_PIPELINES} page={page.pipelines} onPage={(to) => go({ pipelines: to, dates: 0 })} />
      <button className="bf-pick bf-more" type="button" aria-expanded={each} onClick={show}>
        {each ? "Hide the dates" : "Each date, and why"}
      </button>
      {each && <Pages label="Pages of dates of the plan" total={longest} size={PLAN_DATES} page={page.dates} onPage={(to) => go({ ...page, dates: to })} />}
    </div>
  );
};

const OfPipeline = ({ part, named, each }: { part: Part; named: boolean; each: boolean }) => {
  const shown = part.left_out.slice(0, each ? undefined : LINES);
  const more = each ? 0 : part.left_out_lines - shown.length;
  return (
    <div>
      {named && <b>{part.pipeline_id}: </b>}
      <b>{plural(part.count, "date")}</b> in {plural(part.runs, "run")}
      {part.estimated_seconds ? `, ${duration(part.estimated_seconds)} by past runs` : ""}
      {each && part.dates.length > 0 && (
        <ul className="bf-lines" aria-label={`Dates of ${part.pipeline_id}`}>
          {part.dates.map((day) => (
            <li key={day.run_date}>
              {day.run_date} <span className="bf-muted">{day.reason}</span>
            </li>
          ))}
        </ul>
      )}
      {shown.length > 0 && (
        <ul className="bf-lines bf-muted" aria-label="Left out">
          {shown.map((words) => (
            <li key={words}>left out: {words}</li>
          ))}
          {more > 0 && <li>and {more} more</li>}
        </ul>
      )}
    </div>
  );
};
