/** Who changed what of a pipeline's row, and when. */

import { Link, useSearchParams } from "react-router-dom";

import { type History as Answer, pathOf } from "../api";
import { steps } from "../logic/form";
import { withValues } from "../logic/view";
import { pageOf } from "../logic/watch";
import { instant, plural } from "../logic/words";
import { Empty, pipelineUrl, Problem, Waiting } from "../parts/bits";
import { Differences } from "../parts/Differences";
import { Pages } from "../parts/Pages";
import { useLive } from "../parts/useLive";

const PAGE = 100;

export const History = ({ pipelineId }: { pipelineId: string }) => {
  const [url, setUrl] = useSearchParams();
  const page = pageOf(url);
  const live = useLive<Answer>(pathOf(pipelineId, `/changes?limit=${PAGE}&offset=${page * PAGE}`), () => 60);
  const go = (to: number) => setUrl((old) => withValues(old, { page: to ? String(to) : null }), { replace: true });
  if (live.problem && !live.answer) return <Problem problem={live.problem} again={live.again} />;
  if (!live.answer) return <Waiting rows={8} />;
  return (
    <div className="bf-stack">
      <div>
        <h1 style={{ margin: 0 }}>History of {pipelineId}</h1>
        <div className="bf-row bf-muted">
          <Link to={pipelineUrl(pipelineId)}>Run dates</Link>
          <Link to={pipelineUrl(pipelineId, "&view=edit")}>Its row</Link>
          <span>{plural(live.answer.total, "change")}</span>
        </div>
      </div>
      {live.problem && <Problem problem={live.problem} again={live.again} />}
      {!live.answer.total && <Empty title="Nothing was changed yet">The row came from another program, and stands as it came.</Empty>}
      <div className="bf-stack" aria-busy={live.isOld}>
        {steps(live.answer.changes).map((step) => (
          <section className="bf-card" key={`${step.at} ${step.by}`} aria-label={`${step.by}, ${instant(step.at)}`}>
            <div className="bf-between">
              <h2>{step.by}</h2>
              <span className="bf-muted">{instant(step.at)}</span>
            </div>
            <Differences label={`What ${step.by} changed`} changes={step.changes} />
          </section>
        ))}
      </div>
      <Pages label="Pages of the history" total={live.answer.total} size={PAGE} page={page} onPage={go} names={["Newer", "Older"]} />
    </div>
  );
};
