/** Dates in the queue that no request asks for: there is no request to steer, so each date is cancelled by itself. */

import type { QueueItems } from "../api";
import { plural } from "../logic/words";
import { Problem } from "./bits";
import { useDateSteering } from "./DateSteering";
import { ItemTable } from "./ItemTable";
import { Pages } from "./Pages";
import { useLive } from "./useLive";
import { usePages } from "./usePages";

const PAGE = 50;

export const RuleDates = () => {
  const [page, go] = usePages("rules");
  const live = useLive<QueueItems>(`/queue?by=rule&limit=${PAGE}&offset=${page * PAGE}`, (answer) => (answer?.total ? 4 : 15));
  const steering = useDateSteering(live.again);
  if (live.problem && !live.answer) return <Problem problem={live.problem} again={live.again} />;
  if (!live.answer?.total && !steering.hasTold) return null; // most queues have none, and need not say so
  return (
    <section className="bf-stack">
      <div>
        <h2 style={{ margin: 0 }}>Dates without a request</h2>
        <span className="bf-muted">
          {plural(live.answer?.total ?? 0, "date")} that rules found, or that Airflow's own runs work on. Any other date is steered with its request.
        </span>
      </div>
      {live.problem && <Problem problem={live.problem} again={live.again} />}
      {steering.words}
      {live.answer && live.answer.total > 0 && (
        <div aria-busy={live.isOld}>
          <ItemTable
            label="Dates without a request"
            items={live.answer.items}
            steer={(item) =>
              item.can_act &&
              item.status !== "cancelling" && (
                <button className="bf-button bf-small bf-danger" type="button" aria-label={`cancel ${item.run_date} of ${item.pipeline_id}`} onClick={() => steering.ask("cancel", item)}>
                  cancel
                </button>
              )
            }
          />
        </div>
      )}
      {live.answer && <Pages label="Pages of dates without a request" total={live.answer.total} size={PAGE} page={page} onPage={go} />}
    </section>
  );
};
