/** Asks one question again and again while somebody looks: never twice at once, so that no older answer lands last. */

export interface Question<Answer> {
  ask: (signal: AbortSignal) => Promise<Answer>;
  /** Seconds between an answer and the next question; null when there was none. */
  every: (answer: Answer | null) => number;
  isLookedAt: () => boolean;
  onAnswer: (answer: Answer) => void;
  onProblem: (problem: unknown) => void;
}

export interface Following {
  /** Somebody looks again: ask now, unless an answer is under way. */
  wake: () => void;
  /** Nothing is told from now on. */
  stop: () => void;
}

export const follow = <Answer>({ ask, every, isLookedAt, onAnswer, onProblem }: Question<Answer>): Following => {
  const end = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  const go = async () => {
    clearTimeout(timer);
    if (isAsking || !isLookedAt()) return;
    isAsking = true;
    let newest: Answer | null = null;
    try {
      newest = await ask(end.signal);
      if (!end.signal.aborted) onAnswer(newest);
    } catch (problem) {
      if (!end.signal.aborted) onProblem(problem);
    }
    isAsking = false;
    if (!end.signal.aborted) timer = setTimeout(() => void go(), 1000 * every(newest));
  };
  void go();
  return {
    wake: () => void go(),
    stop: () => {
      end.abort();
      clearTimeout(timer);
    },
  };
};
