/** The entry in Airflow's navigation: all pipelines, the queue, deadlines, checks, messages, and one pipeline. */

import { useEffect, useRef } from "react";
import { Link, useSearchParams } from "react-router-dom";

import { WATCH_NAMES, WATCH_VIEWS, watchView } from "../logic/watch";
import { GridPage } from "./GridPage";
import { Queue } from "./Queue";
import { RunDates } from "./RunDates";
import { Watch } from "./Watch";

export const Backfills = () => {
  const [url] = useSearchParams();
  const pipelineId = url.get("pipeline");
  const queue = url.get("view") === "queue";
  const watch = watchView(url);
  const grid = !queue && !watch && !pipelineId;
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen the tabs scroll: the one that is open must be seen.
    tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [url.get("view"), pipelineId]);
  return (
    <div className="bf-stack" style={{ padding: 12 }}>
      <nav className="bf-tabs" aria-label="Backfills" ref={tabs}>
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
        {pipelineId && !queue && (
          <Link to={`/plugin/backfills?pipeline=${encodeURIComponent(pipelineId)}`} aria-current={watch ? undefined : "page"}>
            {pipelineId}
          </Link>
        )}
      </nav>
      {queue ? <Queue /> : watch ? <Watch key={watch} view={watch} /> : pipelineId ? <RunDates key={pipelineId} pipelineId={pipelineId} titled /> : <GridPage />}
    </div>
  );
};
