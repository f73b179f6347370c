/** An answer of the API that stays true: asked for again while somebody looks at the page. */

import { useCallback, useEffect, useRef, useState } from "react";

import { get, type Refused } from "../api";
import { shared } from "../logic/shared";

export interface Live<Answer> {
  answer: Answer | null;
  problem: Refused | null;
  /** Ask now, for example after something was done. */
  again: () => void;
}

/**
 * @param path null asks for nothing
 * @param every seconds between an answer and the next question, by the newest answer
 */
export const useLive = <Answer>(path: string | null, every: (answer: Answer | null) => number): Live<Answer> => {
  const [state, setState] = useState<{ path: string | null; answer: Answer | null; problem: Refused | null }>({
    path,
    answer: null,
    problem: null,
  });
  const [round, setRound] = useState(0);
  const pace = useRef(every);
  pace.current = every;
  useEffect(() => {
    if (path === null) return undefined;
    const stop = new AbortController();
    let timer = 0;
    const ask = async () => {
      let newest: Answer | null = null;
      try {
        if (!document.hidden) {
          const answer = await get<Answer>(path, stop.signal);
          newest = answer;
          setState((old) => shared(old, { path, answer, problem: null }));
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        // What was shown stays; the problem stands beside it.
        setState((old) => ({ path, answer: old.path === path ? old.answer : null, problem: error as Refused }));
      }
      if (!stop.signal.aborted) timer = window.setTimeout(() => void ask(), 1000 * pace.current(newest));
    };
    const shown = () => {
      if (document.hidden) return;
      window.clearTimeout(timer);
      void ask();
    };
    void ask();
    document.addEventListener("visibilitychange", shown);
    return () => {
      stop.abort();
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [path, round]);
  const again = useCallback(() => setRound((number) => number + 1), []);
  const current = state.path === path;
  return { answer: current ? state.answer : null, problem: current ? state.problem : null, again };
};
