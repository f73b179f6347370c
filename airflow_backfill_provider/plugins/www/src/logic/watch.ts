/** What the views of deadlines, checks and messages show, read from the URL; and numbers over time as a line. */

import { rangeOf, rangeQuery } from "./view";

export const WATCH_VIEWS = ["sla", "quality", "notifications"] as const;
export type WatchView = (typeof WATCH_VIEWS)[number];
export const WATCH_NAMES: Record<WatchView, string> = { sla: "SLA", quality: "Quality", notifications: "Notifications" };
export const WATCH_PAGE = 50;
export const MESSAGE_STATUSES = ["pending", "sent", "failed", "cancelled"] as const;

export const watchView = (url: URLSearchParams): WatchView | null =>
  WATCH_VIEWS.find((name) => name === url.get("view")) ?? null;

export const pageOf = (url: URLSearchParams, name = "page"): number => Math.max(0, Math.trunc(Number(url.get(name))) || 0);

/** The query of the API; a value of the URL that it does not know is as if it were not there. */
export const watchQuery = (view: WatchView, url: URLSearchParams): URLSearchParams => {
  const query = new URLSearchParams({ limit: String(WATCH_PAGE), offset: String(pageOf(url) * WATCH_PAGE) });
  const pipeline = url.get("pipeline");
  if (pipeline) query.set("pipeline_id", pipeline);
  if (view === "notifications") {
    const status = MESSAGE_STATUSES.find((name) => name === url.get("status"));
    if (status) query.set("status", status);
    return query;
  }
  for (const [name, value] of Object.entries(rangeQuery(rangeOf(url)))) query.set(name, value);
  if (view === "quality" && url.get("results") !== "all") query.set("failed", "true");
  return query;
};

/** "1 h 30 min" */
export const lateFor = (seconds: number): string => {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  if (!minutes) return "under a minute";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} days`;
};

export interface Measured {
  run_date: string;
  value: number | null;
  passed: boolean | null;
}

export interface Point {
  x: number;
  y: number;
  day: string;
  value: number;
  failed: boolean;
}

/** Of answers that come newest first: the newest of each run date that is a number, oldest date first. */
export const numbersOf = (results: Measured[]): (Measured & { value: number })[] => {
  const newest = new Map<string, Measured>();
  for (const one of results) if (!newest.has(one.run_date)) newest.set(one.run_date, one);
  return [...newest.values()]
    .filter((one): one is Measured & { value: number } => one.value !== null)
    .sort((a, b) => (a.run_date < b.run_date ? -1 : 1));
};

/** The numbers and the bounds in a box of that size; the bounds are inside it. */
export const lineOf = (
  results: Measured[],
  bounds: (number | null)[],
  width: number,
  height: number,
): { points: Point[]; bounds: number[] } => {
  const numbers = numbersOf(results);
  const given = bounds.filter((one): one is number => one !== null);
  const all = [...numbers.map((one) => one.value), ...given];
  const low = Math.min(...all);
  const extent = Math.max(...all) - low;
  const y = (value: number) => (extent ? height - ((value - low) / extent) * height : height / 2);
  const days = numbers.map((one) => Date.parse(one.run_date));
  const [first, last] = [days[0] ?? 0, days.at(-1) ?? 0];
  const x = (day: string) => (last > first ? ((Date.parse(day) - first) / (last - first)) * width : width / 2);
  return {
    points: numbers.map((one) => ({
      x: x(one.run_date), y: y(one.value), day: one.run_date, value: one.value, failed: one.passed === false,
    })),
    bounds: given.map(y),
  };
};

/** The line in words. */
export const lineLabel = (name: string, points: Point[]): string => {
  const values = points.map((one) => one.value);
  const failed = points.filter((one) => one.failed).map((one) => one.day);
  const range = `from ${Math.min(...values)} to ${Math.max(...values)}`;
  const words = failed.length ? `not passed on ${failed.join(", ")}` : "all passed";
  return `${name}: ${points.length} numbers ${range}, ${points[0]?.day} to ${points.at(-1)?.day}; ${words}`;
};
