/** One pipeline: its year, what to pick, what will happen, and the story of a date. Also a tab of its DAG. */

import { type Dispatch, type SetStateAction, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router-dom";

import { type Calendar, pathOf, type Pipeline } from "../api";
import type { Status } from "../logic/cells";
import { isDay, WEEKDAYS } from "../logic/dates";
import { fromText, onWeekday, toggledAll, toText } from "../logic/selection";
import { WATCH_NAMES, WATCH_VIEWS } from "../logic/watch";
import { plural } from "../logic/words";
import { NOTHING, type Choice } from "../logic/wish";
import { Empty, Legend, pipelineUrl, Problem, StepButton, Waiting } from "../parts/bits";
import { PlanPanel } from "../parts/PlanPanel";
import { StoryPanel } from "../parts/StoryPanel";
import { useLive } from "../parts/useLive";
import { type DayState, YearCalendar } from "../parts/YearCalendar";

const WRITE_URL_MS = 300;

export const RunDates = ({ pipelineId, titled }: { pipelineId: string; titled: boolean }) => {
  const [url, setUrl] = useSearchParams();
  const look = url.get("date");
  const [lookedFirst] = useState(look); // looking at another date must not load the year anew
  const year = yearOf(url.get("year") ?? lookedFirst?.slice(0, 4) ?? null);
  const pipeline = useLive<Pipeline>(pathOf(pipelineId), () => 120);
  const calendar = useLive<Calendar>(pathOf(pipelineId, `/calendar${year ? `?year=${year}` : ""}`), (answer) =>
    answer && (answer.counts.running || answer.counts.queued) ? 3 : 20,
  );
  const [choice, setChoice] = useChoice();
  const side = useRef<HTMLDivElement>(null);
  const days = useMemo(
    () => new Map((calendar.answer?.dates ?? []).map((one): [string, DayState] => [one.run_date, one as DayState])),
    [calendar.answer],
  );
  const manual = pipeline.answer?.manual ?? false;
  const today = calendar.answer?.today ?? "";
  const pickable = useCallback((day: string) => days.has(day) || (manual && day <= today), [days, manual, today]);
  const pick = (dates: ReadonlySet<string>) => setChoice((now) => ({ ...now, dates }));
  const with_ = (...statuses: Status[]) =>
    [...days].filter(([, state]) => statuses.includes(state.status)).map(([day]) => day);
  const set = (name: string, value: string | null) =>
    setUrl(
      (old) => {
        const next = new URLSearchParams(old);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  // Every DAG has the tab. What is hidden and what is no pipeline look the same, as in the API's answers.
  if (pipeline.problem?.status === 404 && !titled)
    return <Empty title="No pipeline of yours runs as this DAG">Run dates are picked and filled here where a pipeline that you may see runs as the DAG.</Empty>;
  if (pipeline.problem && !pipeline.answer) return <Problem problem={pipeline.problem} again={pipeline.again} />;
  const shown = calendar.answer;
  const asked = year ?? shown?.year ?? 0;
  return (
    <div className="bf-stack">
      {pipeline.answer && <Head pipeline={pipeline.answer} titled={titled} />}
      {calendar.problem && <Problem problem={calendar.problem} again={calendar.again} />}
      {!shown && !calendar.problem && <Waiting rows={10} />}
      {shown && (
        <div className="bf-cols">
          <div className="bf-stack">
            <div className="bf-between">
              <div className="bf-row">
                <StepButton label={`The year ${asked - 1}`} isEnd={asked <= FIRST_YEAR} onStep={() => set("year", String(asked - 1))}>
                  ‹
                </StepButton>
                <h2 style={{ margin: 0 }}>{asked}</h2>
                <StepButton label={`The year ${asked + 1}`} isEnd={asked >= Number(shown.last.slice(0, 4))} onStep={() => set("year", String(asked + 1))}>
                  ›
                </StepButton>
                <span className="bf-muted" aria-busy={calendar.isOld}>
                  {shown.counts.missing + shown.counts.failed + shown.counts.stale} owed, {shown.late} late
                </span>
              </div>
              <div className="bf-row" role="group" aria-label="Pick">
                {(["missing", "failed", "stale"] as const).map((status) => (
                  <button className="bf-chip" key={status} type="button" disabled={calendar.isOld || !shown.counts[status]} onClick={() => pick(toggledAll(choice.dates, with_(status)))}>
                    All {status} ({shown.counts[status]})
                  </button>
                ))}
                <span className="bf-row" style={{ gap: 3 }} role="group" aria-label={`Every weekday of ${shown.year}`}>
                  <span className="bf-every">every</span>
                  {WEEKDAYS.map((name, index) => (
                    <button className="bf-chip bf-tight" key={name} type="button" disabled={calendar.isOld} title={`Pick every ${name} of ${shown.year}`} aria-label={`${name.slice(0, 2)}: every ${name} of ${shown.year}`} onClick={() => pick(toggledAll(choice.dates, onWeekday([...days.keys()], index)))}>
                      {name.slice(0, 2)}
                    </button>
                  ))}
                </span>
              </div>
            </div>
            {days.size || manual ? (
              <div aria-busy={calendar.isOld}>
                <YearCalendar year={shown.year} today={today} last={shown.last} days={days} pickable={pickable} picked={choice.dates} onPick={pick} onLook={(day) => set("date", day)} />
              </div>
            ) : calendar.isOld ? (
              <Waiting rows={10} />
            ) : (
              <Empty title={`No date is expected in ${shown.year}`}>Its schedule picks none, or it began later.</Empty>
            )}
            <Legend />
          </div>
          {choice.dates.size > 0 && (
            <button className="bf-button bf-main bf-jump" type="button" onClick={() => side.current?.scrollIntoView()}>
              {plural(choice.dates.size, "date")} picked: see what will happen
            </button>
          )}
          <div className="bf-side bf-stack" ref={side}>
            <PlanPanel pipelineId={pipelineId} choice={choice} onChoice={setChoice} canStart={pipeline.answer?.can_start ?? false} onStarted={calendar.again} />
            {look && isDay(look) && <StoryPanel pipelineId={pipelineId} day={look} canStart={pipeline.answer?.can_start ?? false} onSteered={calendar.again} />}
          </div>
        </div>
      )}
    </div>
  );
};

const FIRST_YEAR = 1900;

const yearOf = (text: string | null): number | null => (text && /^(19|20|21)\d\d$/.test(text) ? Number(text) : null);

/** What is picked and wished; the dates are in the URL too, written when the hand rests. */
const useChoice = (): [Choice, Dispatch<SetStateAction<Choice>>] => {
  const [url, setUrl] = useSearchParams();
  const [choice, setChoice] = useState<Choice>(() => ({ ...NOTHING, dates: fromText(url.get("dates")) }));
  const text = toText(choice.dates).replaceAll(" ", "");
  const first = useRef(true);
  const write = useRef(setUrl); // of the newest rendering: an older one would put an older URL back
  write.current = setUrl;
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return undefined;
    }
    const timer = window.setTimeout(() => {
      write.current(
        (old) => {
          const next = new URLSearchParams(old);
          if (text) next.set("dates", text);
          else next.delete("dates");
          return next;
        },
        { replace: true },
      );
    }, WRITE_URL_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return [choice, setChoice];
};

const Head = ({ pipeline, titled }: { pipeline: Pipeline; titled: boolean }) => (
  <div>
    <div className="bf-between">
      {titled && <h1 style={{ margin: 0 }}>{pipeline.name}</h1>}
      <div className="bf-row" style={{ gap: "4px 14px" }}>
        {titled && <Link to={`/dags/${encodeURIComponent(pipeline.pipeline_id)}`}>Its DAG</Link>}
        {WATCH_VIEWS.map((view) => (
          <Link key={view} to={pipelineUrl(pipeline.pipeline_id, `&view=${view}`)}>
            {WATCH_NAMES[view]}
          </Link>
        ))}
        <Link to={pipelineUrl(pipeline.pipeline_id, "&view=history")}>History</Link>
        {pipeline.can_edit && <Link to={pipelineUrl(pipeline.pipeline_id, "&view=edit")}>Edit</Link>}
      </div>
    </div>
    <div className="bf-row bf-muted">
      <span>
        {[pipeline.schedule, pipeline.sla_time && `done by ${pipeline.sla_time} ${pipeline.timezone}`].filter(Boolean).join("; ")}
      </span>
      <span className="bf-chip">{pipeline.platform}</span>
      {!pipeline.is_active && <span className="bf-chip">switched off</span>}
      {pipeline.tags.map((tag) => (
        <span className="bf-chip" key={tag}>
          {tag}
        </span>
      ))}
    </div>
    {pipeline.next_dates.length > 0 && (
      <div className="bf-muted">
        Next {plural(pipeline.next_dates.length, "date")}: {pipeline.next_dates.join(", ")}
      </div>
    )}
    {pipeline.problem && <div className="bf-problem">Its row cannot be read: {pipeline.problem}</div>}
  </div>
);
