/**
 * What people do with single dates of the queue, whoever asked for them: the question that stands before it, and what
 * became of it.
 */

import { type ReactNode, useState } from "react";

import { type MovedDates, pathOf, post, type Refused } from "../api";
import { type Dated, type DateVerb, questionOfDate, saidOfDate } from "../logic/steer";
import { Ask } from "./Ask";
import { Problem } from "./bits";

interface Step {
  verb: DateVerb;
  date: Dated;
}

export interface DateSteering {
  ask: (verb: DateVerb, date: Dated) => void;
  /** What was done or refused last is there to be read. */
  hasTold: boolean;
  /** The question, and what was done or refused. */
  words: ReactNode;
}

/** @param onDone after something was done */
export const useDateSteering = (onDone: () => void): DateSteering => {
  const [asked, setAsked] = useState<Step | null>(null);
  const [done, setDone] = useState<Step | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const steer = async ({ verb, date }: Step, why: string) => {
    setRefused(null);
    setDone(null);
    try {
      await post<MovedDates>(pathOf(date.pipeline_id, `/dates/${verb}`), { dates: [date.run_date], why: why || null });
      setDone({ verb, date });
      onDone();
    } catch (error) {
      setRefused(error as Refused);
    }
  };
  return {
    ask: (verb, date) => setAsked({ verb, date }),
    hasTold: done !== null || refused !== null,
    words: (
      <>
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
        {asked && (
          <Ask
            {...questionOfDate(asked.verb, asked.date)}
            reason
            onNo={() => setAsked(null)}
            onYes={(why) => {
              setAsked(null);
              void steer(asked, why);
            }}
          >
            {questionOfDate(asked.verb, asked.date).words}
          </Ask>
        )}
      </>
    ),
  };
};
