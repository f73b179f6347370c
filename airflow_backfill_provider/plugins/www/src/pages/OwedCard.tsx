/** A card on Airflow's dashboard: how much is owed and late. */

import { Link } from "react-router-dom";

import type { Summary } from "../api";
import { plural } from "../logic/words";
import { Problem, Waiting } from "../parts/bits";
import { useLive } from "../parts/useLive";

export const OwedCard = () => {
  const found = useLive<Summary>("/summary", () => 30);
  const summary = found.answer;
  return (
    <section className="bf-card bf-between" aria-label="Owed run dates">
      {found.problem && !summary && <Problem problem={found.problem} again={found.again} />}
      {!summary && !found.problem && <Waiting rows={1} />}
      {summary && (
        <>
          <span>
            <Link to="/plugin/backfills">
              <b>{summary.owed.toLocaleString("en")} owed</b>
            </Link>
            {", "}
            <Link to="/plugin/backfills?sort=late">{summary.late.toLocaleString("en")} late</Link>{" "}
            <span className="bf-muted">
              run dates of {plural(summary.pipelines, "pipeline")} in the last 30 days
            </span>
          </span>
          <Link to="/plugin/backfills?view=queue">
            {summary.waiting + summary.working ? `${summary.working} at work, ${summary.waiting} waiting` : "The queue is empty"}
          </Link>
        </>
      )}
    </section>
  );
};
