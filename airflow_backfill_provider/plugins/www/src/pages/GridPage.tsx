/** All pipelines and their recent days, what is owed first. */

import { useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router-dom";

import type { Facets, Grid, Summary } from "../api";
import { STATUSES } from "../logic/cells";
import { plural, until } from "../logic/words";
import { gridQuery, gridView, PAGE, SORTS, SPANS, withValues } from "../logic/view";
import { Empty, Legend, Problem, Waiting } from "../parts/bits";
import { HeatMap } from "../parts/HeatMap";
import { Pages } from "../parts/Pages";
import { useLive } from "../parts/useLive";

const TYPING_MS = 250;

export const GridPage = () => {
  const [url, setUrl] = useSearchParams();
  const view = gridView(url);
  const grid = useLive<Grid>(`/grid?${gridQuery(view)}`, (answer) => (answer && isMoving(answer) ? 4 : 20));
  const numbers = useLive<Summary>(`/summary?${gridQuery(view, false)}`, () => 10);
  const facets = useLive<Facets>("/facets", () => 300);
  const set = (values: Record<string, string | string[] | null>) =>
    setUrl((old) => withValues(old, values), { replace: true });
  const narrowed = Boolean(view.search || view.platform || view.tags.length || view.statuses.length);
  return (
    <div className="bf-stack">
      <Strip summary={numbers.answer} isOld={numbers.isOld} statuses={view.statuses} onPick={(statuses) => set({ status: statuses })} />
      <div className="bf-row bf-filters" role="search" aria-label="Filters">
        <Search value={view.search} onChange={(search) => set({ search })} />
        <Choice label="Platform" value={view.platform} options={facets.answer?.platforms ?? []} none="All platforms" onChange={(platform) => set({ platform })} />
        <Choice label="Tag" value={view.tags[0] ?? ""} options={facets.answer?.tags ?? []} none="All tags" onChange={(tag) => set({ tag })} />
        <Choice label="Order" value={view.sort} options={[...SORTS]} names={{ owed: "Owed first", late: "Late first", name: "By name" }} onChange={(sort) => set({ sort })} />
        <Choice label="Days" value={String(view.range.span)} options={SPANS.map(String)} names={Object.fromEntries(SPANS.map((span) => [String(span), `${span} days`]))} onChange={(days) => set({ days })} />
        <label className="bf-label">
          Until
          <input className="bf-input" type="date" value={view.range.last ?? grid.answer?.last ?? ""} onChange={(event) => set({ last: event.target.value })} />
        </label>
        {narrowed && (
          <button className="bf-button" style={{ alignSelf: "end" }} type="button" onClick={() => set({ search: null, platform: null, tag: null, status: null })}>
            Clear filters
          </button>
        )}
        {facets.answer?.can_create && (
          <Link className="bf-button bf-link-button" style={{ alignSelf: "end", marginInlineStart: "auto" }} to="/plugin/backfills?view=new">
            New pipeline
          </Link>
        )}
      </div>
      {grid.problem && <Problem problem={grid.problem} again={grid.again} />}
      {!grid.answer && !grid.problem && <Waiting rows={10} />}
      {grid.answer &&
        (grid.answer.total ? (
          <>
            <div aria-busy={grid.isOld}>
              <HeatMap key={`${grid.answer.first}${grid.answer.last}`} grid={grid.answer} />
            </div>
            <div className="bf-between">
              <Legend />
              <div className="bf-row">
                <span className="bf-muted" aria-busy={grid.isOld}>
                  {plural(grid.answer.total, "pipeline")}
                </span>
                <Pages label="Pages of pipelines" total={grid.answer.total} size={PAGE} page={view.page} onPage={(page) => set({ page: page ? String(page) : null })} />
              </div>
            </div>
          </>
        ) : grid.isOld ? (
          <Waiting rows={10} />
        ) : (
          <Empty title={narrowed ? "No pipeline is like that" : "There are no pipelines you may see"}>
            {narrowed
              ? "Clear a filter to see more."
              : "A pipeline appears here once Airflow has read its DAG: airflow pipelines apply -f pipelines.yaml makes some."}
          </Empty>
        ))}
    </div>
  );
};

const isMoving = (grid: Grid): boolean => grid.pipelines.some((row) => row.counts.running || row.counts.queued);

interface StripProps {
  summary: Summary | null;
  isOld: boolean;
  statuses: string[];
  onPick: (statuses: string[]) => void;
}

const Strip = ({ summary, isOld, statuses, onPick }: StripProps) => (
  <div className="bf-strip" aria-live="off" aria-busy={isOld}>
    <div className="bf-number">
      <b>{summary ? summary.owed.toLocaleString("en") : "–"}</b>owed
    </div>
    {STATUSES.map((status) => (
      <button
        className="bf-number"
        key={status}
        type="button"
        aria-pressed={statuses.includes(status)}
        title={`Show pipelines with a date that is ${status}`}
        onClick={() => onPick(statuses.includes(status) ? statuses.filter((one) => one !== status) : [...statuses, status])}
      >
        <b>{summary ? (summary.counts[status] ?? 0).toLocaleString("en") : "–"}</b>
        {status}
      </button>
    ))}
    <div className="bf-number" title="Dates that are not done though their deadline has passed">
      <b>{summary ? summary.late.toLocaleString("en") : "–"}</b>late
    </div>
    <div className="bf-number" title="Dates that wait in the queue, and when the requests at work are done if they go on as so far">
      <b>{summary ? summary.waiting.toLocaleString("en") : "–"}</b>in the queue, of any day
      {summary?.eta_at && <div className="bf-muted bf-small-print">done {until(summary.eta_at, Date.now())}</div>}
    </div>
  </div>
);

/** What is typed goes into the URL when the fingers rest. */
const Search = ({ value, onChange }: { value: string; onChange: (text: string) => void }) => {
  const [text, setText] = useState(value);
  const write = useRef(onChange); // of the newest rendering: an older one would put an older URL back
  write.current = onChange;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = window.setTimeout(() => write.current(text), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return (
    <label className="bf-label" style={{ flex: "1 1 180px" }}>
      Search
      <input className="bf-input" type="search" placeholder="A part of the id or name" value={text} onChange={(event) => setText(event.target.value)} />
    </label>
  );
};

interface ChoiceProps {
  label: string;
  value: string;
  options: string[];
  names?: Record<string, string>;
  none?: string;
  onChange: (value: string) => void;
}

const Choice = ({ label, value, options, names = {}, none, onChange }: ChoiceProps) => (
  <label className="bf-label">
    {label}
    <select className="bf-input" value={value} onChange={(event) => onChange(event.target.value)}>
      {none !== undefined && <option value="">{none}</option>}
      {(options.includes(value) || !value ? options : [value, ...options]).map((option) => (
        <option key={option} value={option}>
          {names[option] ?? option}
        </option>
      ))}
    </select>
  </label>
);
