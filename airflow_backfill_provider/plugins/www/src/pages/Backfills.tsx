/** The entry in Airflow's navigation: all pipelines, the queue, and one pipeline. */

import { Link, useSearchParams } from "react-router-dom";

import { GridPage } from "./GridPage";
import { Queue } from "./Queue";
import { RunDates } from "./RunDates";

export const Backfills = () => {
  const [url] = useSearchParams();
  const pipelineId = url.get("pipeline");
  const queue = url.get("view") === "queue";
  return (
    <div className="bf-stack" style={{ padding: 12 }}>
      <nav className="bf-tabs" aria-label="Backfills">
        <Link to="/plugin/backfills" aria-current={!queue && !pipelineId ? "page" : undefined}>
          Pipelines
        </Link>
        <Link to="/plugin/backfills?view=queue" aria-current={queue ? "page" : undefined}>
          Queue
        </Link>
        {pipelineId && !queue && (
          <Link to={`?pipeline=${encodeURIComponent(pipelineId)}`} aria-current="page">
            {pipelineId}
          </Link>
        )}
      </nav>
      {queue ? <Queue /> : pipelineId ? <RunDates key={pipelineId} pipelineId={pipelineId} titled /> : <GridPage />}
    </div>
  );
};
