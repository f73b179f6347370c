/** What may be done with a request as it stands. */

import type { BackfillRequest } from "../api";

export type Verb = "pause" | "resume" | "cancel" | "retry" | "reprioritize";
type Steered = Pick<BackfillRequest, "state" | "kept_back" | "counts">;

export const isLive = (request: Steered): boolean => request.state === "open" || request.state === "paused";

/** The verbs that have a button. */
export const verbsOf = (request: Steered): Verb[] => {
  const found: Verb[] = [];
  if (isLive(request)) {
    if (request.state === "open") found.push("pause");
    if (request.state === "paused" || request.kept_back > 0) found.push("resume");
    found.push("cancel");
  }
  if (request.counts.failed) found.push("retry");
  return found;
};

/** What a key means on a request: a verb, a step of its priority, or nothing. An open one is paused, never resumed. */
export const verbOfKey = (key: string, request: Steered): Verb | 1 | -1 | null => {
  if (key === "+" || key === "-") return isLive(request) ? (key === "+" ? 1 : -1) : null;
  const verb = ({ p: request.state === "paused" ? "resume" : "pause", c: "cancel", r: "retry" } as const)[key];
  return verb && verbsOf(request).includes(verb) ? verb : null;
};
