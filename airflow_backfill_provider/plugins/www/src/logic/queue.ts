/** Which requests the queue shows, by the URL, and what it says when there are none. */

export interface QueueFilter {
  state: "" | "live" | "ended";
  name: string;
  /** What is said when there is no such request, and what can be done then. */
  nothing: string;
  hint: string;
}

export const QUEUE_FILTERS: readonly [QueueFilter, ...QueueFilter[]] = [
  {
    state: "", name: "All",
    nothing: "Nobody has asked for dates", hint: "Open a pipeline, pick dates and fill them: the request stands here.",
  },
  {
    state: "live", name: "Waiting or working",
    nothing: "No request waits or works", hint: "Requests that are over stand under 'Ended'.",
  },
  {
    state: "ended", name: "Ended",
    nothing: "No request has ended", hint: "Requests that go on stand under 'Waiting or working'.",
  },
];

/** A state that is not known is as if it were not there. */
export const queueFilter = (url: URLSearchParams): QueueFilter =>
  QUEUE_FILTERS.find((filter) => filter.state === url.get("state")) ?? QUEUE_FILTERS[0];
