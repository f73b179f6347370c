/** An answer of the API that stays true: asked for again while somebody looks at the page. */

import { useCallback, useEffect, useRef, useState } from "react";

import { get, type Refused } from "../api";
import { follow } from "../logic/follow";
import { shared } from "../logic/shared";
import { subjectOf } from "../logic/subject";

export interface Live<Answer> {
  answer: Answer | null;
  /** Whether the answer is of another page, year or filter than is asked for: its own is on the way. */
  isOld: boolean;
  problem: Refused | null;
  /** Ask now, for example after something was done. */
  again: () => void;
}

interface State<Answer> {
  answer: Answer | null;
  /** What the answer is of, and the problem. */
  of: string | null;
  problem: Refused | null;
  problemOf: string | null;
}

/**
 * @param path null asks for nothing
 * @param every seconds between an answer and the next question, by the newest answer
 */
export const useLive = <Answer>(path: string | null, every: (answer: Answer | null) => number): Live<Answer> => {
  const [state, setState] = useState<State<Answer>>({ answer: null, of: null, problem: null, problemOf: null });
  const [round, setRound] = useState(0);
  const pace = useRef(every);
  pace.current = every;
  useEffect(() => {
    if (path === null) return undefined;
    const following = follow<Answer>({
      ask: (signal) => get<Answer>(path, signal),
      every: (answer) => pace.current(answer),
      isLookedAt: () => !document.hidden,
      onAnswer: (answer) => setState((old) => shared(old, { answer, of: path, problem: null, problemOf: path })),
      // What was shown stays; the problem stands beside it.
      onProblem: (problem) => setState((old) => ({ ...old, problem: problem as Refused, problemOf: path })),
    });
    document.addEventListener("visibilitychange", following.wake);
    return () => {
      document.removeEventListener("visibilitychange", following.wake);
      following.stop();
    };
  }, [path, round]);
  const again = useCallback(() => setRound((number) => number + 1), []);
  const isOfSubject = path !== null && state.of !== null && subjectOf(state.of) === subjectOf(path);
  const answer = isOfSubject ? state.answer : null;
  return { answer, isOld: answer !== null && state.of !== path, problem: state.problemOf === path ? state.problem : null, again };
};
