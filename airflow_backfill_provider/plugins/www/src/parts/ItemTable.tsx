/** Dates in the queue: how each stands, what it waits for, and its run. */

import type { ReactNode } from "react";
import { Link } from "react-router-dom";

import type { Item } from "../api";
import { instant } from "../logic/words";
import { pipelineUrl, RunLink } from "./bits";
import { DataTable } from "./DataTable";

const HEADS = ["Pipeline", "Run date", "Status", "Why", "Attempt", "Run", "Ended"];

interface Props<Shown extends Item> {
  items: Shown[];
  label?: string;
  /** What may be done with one, where something may. */
  steer?: (item: Shown) => ReactNode;
}

export const ItemTable = <Shown extends Item>({ items, label = "Dates in the queue", steer }: Props<Shown>) => (
  <DataTable
    label={label}
    heads={steer ? [...HEADS, "Steer"] : HEADS}
    rows={items.map((item) => ({
      key: item.backfill_id,
      cells: [
        <Link to={pipelineUrl(item.pipeline_id)}>{item.pipeline_id}</Link>,
        <Link className="bf-count" to={pipelineUrl(item.pipeline_id, `&date=${item.run_date}`)}>
          {item.run_date}
        </Link>,
        <>
          {item.status}
          {item.kept_back && <div className="bf-muted">kept back</div>}
          {item.waits && <div className="bf-muted">waits {item.waits}</div>}
        </>,
        <>
          {item.reason}
          {item.error_message && <div className="bf-danger">{item.error_message}</div>}
        </>,
        item.attempt,
        item.dag_run_id && <RunLink dagId={item.pipeline_id} runId={item.dag_run_id} />,
        item.finished_at && <span className="bf-count">{instant(item.finished_at)}</span>,
        ...(steer ? [steer(item)] : []),
      ],
    }))}
  />
);
