/** An answer of the API that stays true: asked for again while somebody looks at the page. */

import { useCallback, useEffect, useRef, useState } from "react";

import { get, type Refused } from "../api";
import { follow } from "../logic/follow";
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
    const following = follow<Answer>({
      ask: (signal) => get<Answer>(path, signal),
      every: (answer) => pace.current(answer),
      isLookedAt: () => !document.hidden,
      onAnswer: (answer) => setState((old) => shared(old, { path, answer, problem: null })),
      // What was shown stays; the problem stands beside it.
      onProblem: (problem) => setState((old) => ({ path, answer: old.path === path ? old.answer : null, problem: problem as Refused })),
    });
    document.addEventListener("visibilitychange", following.wake);
    return () => {
      document.removeEventListener("visibilitychange", following.wake);
      following.stop();
    };
  }, [path, round]);
  const again = useCallback(() => setRound((number) => number + 1), []);
  const current = state.path === path;
  return { answer: current ? state.answer : null, problem: current ? state.problem : null, again };
};
