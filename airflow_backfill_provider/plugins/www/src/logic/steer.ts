/** What may be done with a request as it stands. */

import type { BackfillRequest } from "../api";

export type Verb = "pause" | "resume" | "cancel" | "retry" | "reprioritize";
type Steered = Pick<BackfillRequest, "state" | "kept_back" | "counts">;

export const isLive = (request: Steered): boolean => request.state === "open" || request.state === "paused";

/** What is asked before a verb is done, and what the button says. */
export const questionOf = (verb: Verb, requestId: string): { title: string; yes: string; words: string } => {
  const { done, words } = QUESTIONS[verb];
  return { title: `${done} ${requestId}?`, yes: `Yes, ${done.toLowerCase()} it`, words };
};

const QUESTIONS: Record<Verb, { done: string; words: string }> = {
  pause: { done: "Pause", words: "None of its dates starts any more; what works goes on." },
  resume: { done: "Resume", words: "It goes on, also with the dates that were kept back." },
  cancel: { done: "Cancel", words: "What waits ends, and what works is stopped with its external jobs." },
  retry: { done: "Retry", words: "Its failed dates are tried again, with all their attempts; of a cancelled request also the cancelled ones." },
  reprioritize: { done: "Reprioritize", words: "A higher priority starts first." },
};

/** The verbs that have a button. */
export const verbsOf = (request: Steered): Verb[] => {
  const found: Verb[] = [];
  if (isLive(request)) {
    if (request.state === "open") found.push("pause");
    if (request.state === "paused" || request.kept_back > 0) found.push("resume");
    found.push("cancel");
  }
  if (request.counts.failed || (request.state === "cancelled" && request.counts.cancelled)) found.push("retry");
  return found;
};

/** What a key means on a request: a verb, a step of its priority, or nothing. An open one is paused, never resumed. */
export const verbOfKey = (key: string, request: Steered): Verb | 1 | -1 | null => {
  if (key === "+" || key === "-") return isLive(request) ? (key === "+" ? 1 : -1) : null;
  const verb = ({ p: request.state === "paused" ? "resume" : "pause", c: "cancel", r: "retry" } as const)[key];
  return verb && verbsOf(request).includes(verb) ? verb : null;
};
