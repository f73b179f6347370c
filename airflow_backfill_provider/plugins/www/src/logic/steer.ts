/** What may be done with a request as it stands. */

import type { BackfillRequest, Item, Moved, Retried } from "../api";
import { plural } from "./words";

export type Verb = "pause" | "resume" | "cancel" | "retry" | "reprioritize";
type Steered = Pick<BackfillRequest, "state" | "kept_back" | "counts">;

export const isLive = (request: Steered): boolean => request.state === "open" || request.state === "paused";

/** What is asked before a verb is done, and what the button says. */
export const questionOf = (verb: Verb, request: Pick<BackfillRequest, "request_id" | "state">): { title: string; yes: string; words: string } => {
  const { done, words } = QUESTIONS[verb];
  const waits = verb === "retry" && request.state === "paused" ? ` ${WAITS}` : "";
  return { title: `${done} ${request.request_id}?`, yes: `Yes, ${done.toLowerCase()} it`, words: words + waits };
};

const WAITS = "It is paused: nothing starts until it is resumed.";

const QUESTIONS: Record<Verb, { done: string; words: string }> = {
  pause: { done: "Pause", words: "None of its dates starts any more; what works goes on." },
  resume: { done: "Resume", words: "It goes on, also with the dates that were kept back." },
  cancel: { done: "Cancel", words: "What waits ends, and what works is stopped with its external jobs." },
  retry: { done: "Retry", words: "Its failed dates are tried again, with all their attempts; of a cancelled request also the cancelled ones." },
  reprioritize: { done: "Reprioritize", words: "A higher priority starts first." },
};

export type Dated = Pick<Item, "pipeline_id" | "run_date">;
export type DateVerb = "cancel" | "retry";

/** Whether a date can be tried again by itself: its newest item, the last one, failed or was cancelled. */
export const canRetry = (items: Pick<Item, "status">[]): boolean => ["failed", "cancelled"].includes(items.at(-1)?.status ?? "");

/** The same for a single date, whoever asked for it. */
export const questionOfDate = (verb: DateVerb, { pipeline_id, run_date }: Dated): { title: string; yes: string; words: string } => ({
  title: `${QUESTIONS[verb].done} ${run_date} of ${pipeline_id}?`,
  yes: `Yes, ${verb} it`,
  words: {
    cancel: "It waits no longer; if it is at work, it is stopped with its external job. No rule asks for it again.",
    retry: "It is tried again, with all its attempts.",
  }[verb],
});

export const saidOfDate = (verb: DateVerb, { pipeline_id, run_date }: Dated): string =>
  ({
    cancel: `${run_date} of ${pipeline_id} is cancelled.`,
    retry: `${run_date} of ${pipeline_id} will be tried again.`,
  })[verb];

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

/** What was done, in words. */
export const saidOf = (verb: Verb, moved: Moved | Retried): string => {
  const dates = plural(moved.dates, "date");
  return {
    pause: `${moved.request_id} is paused: ${dates} will wait until it is resumed.`,
    resume: `${moved.request_id} goes on: ${dates} will start in turn.`,
    cancel: `${moved.request_id} is cancelled, with ${dates} that waited or worked.`,
    retry: `${dates} of ${moved.request_id} will be tried again.${moved.state === "paused" ? ` ${WAITS}` : ""}${"left_out" in moved ? notTried(moved) : ""}`,
    reprioritize: `${moved.request_id} has another priority, for ${dates} that will start in turn.`,
  }[verb];
};

const NAMED = 5;

const notTried = ({ left_out: all }: Retried): string => {
  const named = all.slice(0, NAMED).map((one) => ` Not ${plural(one.count, "date")} of ${one.pipeline_id} (${one.dates}): ${one.why}.`);
  const more = all.length - named.length;
  return named.join("") + (more > 0 ? ` Nor those of ${plural(more, "more pipeline")}, which its history names.` : "");
};
