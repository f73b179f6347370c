/** The entry in Airflow's navigation: all pipelines, the queue, deadlines, checks, messages, and one pipeline. */

import { Link, useSearchParams } from "react-router-dom";

import { WATCH_NAMES, WATCH_VIEWS, watchView } from "../logic/watch";
import { EditPipeline } from "./EditPipeline";
import { GridPage } from "./GridPage";
import { History } from "./History";
import { Queue } from "./Queue";
import { RunDates } from "./RunDates";
import { Watch } from "./Watch";

export const Backfills = () => {
  const [url] = useSearchParams();
  const pipelineId = url.get("pipeline");
  const queue = url.get("view") === "queue";
  const watch = watchView(url);
  const view = url.get("view");
  const row = view === "new" || (pipelineId && (view === "edit" || view === "history")) ? view : null;
  const grid = !queue && !watch && !row && !pipelineId;
  return (
    <div className="bf-stack" style={{ padding: 12 }}>
      <nav className="bf-tabs" aria-label="Backfills">
        <Link to="/plugin/backfills" aria-current={grid ? "page" : undefined}>
          Pipelines
        </Link>
        <Link to="/plugin/backfills?view=queue" aria-current={queue ? "page" : undefined}>
          Queue
        </Link>
        {WATCH_VIEWS.map((name) => (
          <Link key={name} to={`/plugin/backfills?view=${name}${pipelineId ? `&pipeline=${encodeURIComponent(pipelineId)}` : ""}`} aria-current={watch === name ? "page" : undefined}>
            {WATCH_NAMES[name]}
          </Link>
        ))}
        {row === "new" && (
          <Link to="/plugin/backfills?view=new" aria-current="page">
            New pipeline
          </Link>
        )}
        {pipelineId && !queue && row !== "new" && (
          <Link to={`/plugin/backfills?pipeline=${encodeURIComponent(pipelineId)}`} aria-current={watch ? undefined : "page"}>
            {pipelineId}
          </Link>
        )}
      </nav>
      {row === "new" ? <EditPipeline key="new" pipelineId={null} /> : row && pipelineId ? <OfRow key={pipelineId} pipelineId={pipelineId} view={row} /> : queue ? <Queue /> : watch ? <Watch key={watch} view={watch} /> : pipelineId ? <RunDates key={pipelineId} pipelineId={pipelineId} titled /> : <GridPage />}
    </div>
  );
};

const OfRow = ({ pipelineId, view }: { pipelineId: string; view: string }) =>
  view === "edit" ? <EditPipeline pipelineId={pipelineId} /> : <History pipelineId={pipelineId} />;
