/** The checks of a pipeline, each with what it measured as a line over time. */

import { type Check, type Checks, pathOf, type Quality } from "../api";
import { type DayRange, rangeQuery } from "../logic/view";
import { lineLabel, lineOf } from "../logic/watch";
import { Empty, Problem, Waiting } from "./bits";
import { useLive } from "./useLive";

const WIDTH = 320;
const HEIGHT = 60;
const token = (name: string): string => `var(--chakra-colors-${name})`;

interface Props {
  pipelineId: string;
  range: DayRange;
}

export const CheckLines = ({ pipelineId, range }: Props) => {
  const live = useLive<Checks>(pathOf(pipelineId, "/checks"), () => 60);
  if (live.problem) return <Problem problem={live.problem} again={live.again} />;
  if (!live.answer) return <Waiting rows={3} />;
  if (!live.answer.checks.length) return <Empty title={`${pipelineId} has no checks`}>'airflow pipelines quality set' defines one.</Empty>;
  return (
    <>
      {!live.answer.switched_on && <div className="bf-muted">data_quality_check is false, so they do not run after the job.</div>}
      <div className="bf-year" style={{ gridTemplateColumns: "repeat(auto-fill,minmax(min(100%,300px),1fr))" }}>
        {live.answer.checks.map((check) => (
          <OneCheck key={check.check_name} check={check} pipelineId={pipelineId} range={range} />
        ))}
      </div>
    </>
  );
};

const OneCheck = ({ check, pipelineId, range }: Props & { check: Check }) => {
  const query = new URLSearchParams({ pipeline_id: pipelineId, check: check.check_name, limit: "500", ...rangeQuery(range) });
  const live = useLive<Quality>(`/quality?${query}`, () => 60);
  const between = [check.low === null ? "" : `at least ${check.low}`, check.high === null ? "" : `at most ${check.high}`];
  return (
    <section className="bf-card" aria-label={`Check ${check.check_name}`}>
      <h2>{check.check_name}</h2>
      <div className="bf-muted">{[check.kind, check.severity, ...between].filter(Boolean).join(", ")}</div>
      {live.problem && <Problem problem={live.problem} again={live.again} />}
      {!live.answer && !live.problem && <Waiting rows={2} />}
      {live.answer && <Line check={check} results={live.answer.results} />}
    </section>
  );
};

const Line = ({ check, results }: { check: Check; results: Quality["results"] }) => {
  const line = lineOf(results, [check.low, check.high], WIDTH, HEIGHT);
  if (!line.points.length) return <div className="bf-muted">{results.length ? "What it observed is no number." : "It did not run for these days."}</div>;
  const newest = line.points.at(-1);
  return (
    <>
      <svg role="img" aria-label={lineLabel(check.check_name, line.points)} viewBox={`-6 -6 ${WIDTH + 12} ${HEIGHT + 12}`} style={{ width: "100%", marginTop: 8 }}>
        {line.bounds.map((y, index) => (
          <line key={index} x1={0} x2={WIDTH} y1={y} y2={y} stroke={token("fg-muted")} strokeDasharray="4 4" />
        ))}
        <polyline points={line.points.map((one) => `${one.x},${one.y}`).join(" ")} fill="none" stroke={token("fg-info")} strokeWidth={1.5} />
        {line.points.map((one) =>
          one.failed ? (
            <path key={one.day} d={`M${one.x - 4},${one.y - 4}l8,8m0,-8l-8,8`} stroke={token("failed-fg")} strokeWidth={2}>
              <title>{`${one.day}: ${one.value}, not passed`}</title>
            </path>
          ) : (
            <circle key={one.day} cx={one.x} cy={one.y} r={2.5} fill={token("fg-info")}>
              <title>{`${one.day}: ${one.value}`}</title>
            </circle>
          ),
        )}
      </svg>
      <div className="bf-between bf-muted bf-small-print">
        <span>{line.points[0]?.day}</span>
        <span>
          newest {newest?.day}: <b>{newest?.value}</b>
        </span>
      </div>
    </>
  );
};
