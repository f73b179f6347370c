/** The plan of what is picked, a page of it at a time, asked for when the hand rests. */

import { useEffect, useState } from "react";

import { type Plan, post, type Refused } from "../api";
import { type Choice, planBodyOf, planQuery } from "../logic/wish";

const SETTLE_MS = 200;

interface State {
  plan: Plan | null;
  problem: Refused | null;
  /** What the plan is of; nothing may be started by the plan of something else. */
  of: string | null;
}

interface Place {
  /** The wish that it is a place in: another one is shown from its beginning. */
  of: string | null;
  pipelines: number;
  dates: number;
}

export interface Planning {
  plan: Plan | null;
  problem: Refused | null;
  /** Whether the plan is of the newest choice. Until it comes, the last one stays to be read. */
  isCurrent: boolean;
  /** The page of pipelines, and that of each one's dates. */
  page: Omit<Place, "of">;
  go: (page: Omit<Place, "of">) => void;
}

export const usePlan = (pipelineId: string, choice: Choice, canStart: boolean): Planning => {
  const [state, setState] = useState<State>({ plan: null, problem: null, of: null });
  const [place, setPlace] = useState<Place>({ of: null, pipelines: 0, dates: 0 });
  const body = canStart && choice.dates.size ? JSON.stringify(planBodyOf(pipelineId, choice)) : null;
  const page = place.of === body ? place : { pipelines: 0, dates: 0 };
  const query = planQuery(page.pipelines, page.dates);
  useEffect(() => {
    setState((old) => ({ ...old, plan: body ? old.plan : null, problem: null }));
    if (!body) return undefined;
    const stop = new AbortController();
    const timer = window.setTimeout(async () => {
      try {
        const plan = await post<Plan>(`/plan?${query}`, JSON.parse(body) as object, stop.signal);
        if (!stop.signal.aborted) setState({ plan, problem: null, of: body });
      } catch (error) {
        if (!stop.signal.aborted) setState({ plan: null, problem: error as Refused, of: body });
      }
    }, SETTLE_MS);
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [body, query]);
  return { ...state, isCurrent: state.of === body, page, go: (to) => setPlace({ of: body, ...to }) };
};
