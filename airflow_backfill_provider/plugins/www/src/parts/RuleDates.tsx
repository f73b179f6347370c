/** Dates in the queue that no request asks for: there is no request to steer, so each date is cancelled by itself. */

import { useState } from "react";

import { type MovedDates, pathOf, post, type QueueItem, type QueueItems, type Refused } from "../api";
import { questionOfDate, saidOfDate } from "../logic/steer";
import { plural } from "../logic/words";
import { Ask } from "./Ask";
import { Problem } from "./bits";
import { ItemTable } from "./ItemTable";
import { Pages } from "./Pages";
import { useLive } from "./useLive";
import { usePages } from "./usePages";

const PAGE = 50;

type Verb = "cancel" | "retry";
type Dated = Pick<QueueItem, "pipeline_id" | "run_date">;

export const RuleDates = () => {
  const [page, go] = usePages("rules");
  const live = useLive<QueueItems>(`/queue?by=rule&limit=${PAGE}&offset=${page * PAGE}`, (answer) => (answer?.total ? 4 : 15));
  const [asked, setAsked] = useState<{ verb: Verb; date: Dated } | null>(null);
  const [done, setDone] = useState<{ verb: Verb; date: Dated } | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const steer = async (verb: Verb, date: Dated, why: string) => {
    setRefused(null);
    setDone(null);
    try {
      await post<MovedDates>(pathOf(date.pipeline_id, `/dates/${verb}`), { dates: [date.run_date], why: why || null });
      setDone({ verb, date });
      live.again();
    } catch (error) {
      setRefused(error as Refused);
    }
  };
  if (live.problem && !live.answer) return <Problem problem={live.problem} again={live.again} />;
  if (!live.answer?.total && !done && !refused) return null; // most queues have none, and need not say so
  return (
    <section className="bf-stack">
      <div>
        <h2 style={{ margin: 0 }}>Dates without a request</h2>
        <span className="bf-muted">
          {plural(live.answer?.total ?? 0, "date")} that rules found, or that Airflow's own runs work on. Any other date is steered with its request.
        </span>
      </div>
      {live.problem && <Problem problem={live.problem} again={live.again} />}
      {refused && <Problem problem={refused} />}
      <div className={done ? "bf-done-note bf-between" : "bf-hidden"} role="status">
        {done && (
          <>
            <span>{saidOfDate(done.verb, done.date)}</span>
            {done.verb === "cancel" && (
              <button className="bf-button bf-small" type="button" aria-label={`retry ${done.date.run_date} of ${done.date.pipeline_id}`} onClick={() => setAsked({ verb: "retry", date: done.date })}>
                retry
              </button>
            )}
          </>
        )}
      </div>
      {live.answer && live.answer.total > 0 && (
        <div aria-busy={live.isOld}>
          <ItemTable
            label="Dates without a request"
            items={live.answer.items}
            steer={(item) =>
              item.can_act &&
              item.status !== "cancelling" && (
                <button className="bf-button bf-small bf-danger" type="button" aria-label={`cancel ${item.run_date} of ${item.pipeline_id}`} onClick={() => setAsked({ verb: "cancel", date: item })}>
                  cancel
                </button>
              )
            }
          />
        </div>
      )}
      {live.answer && <Pages label="Pages of dates without a request" total={live.answer.total} size={PAGE} page={page} onPage={go} />}
      {asked && (
        <Ask
          {...questionOfDate(asked.verb, asked.date)}
          reason
          onNo={() => setAsked(null)}
          onYes={(why) => {
            setAsked(null);
            void steer(asked.verb, asked.date, why);
          }}
        >
          {questionOfDate(asked.verb, asked.date).words}
        </Ask>
      )}
    </section>
  );
};
