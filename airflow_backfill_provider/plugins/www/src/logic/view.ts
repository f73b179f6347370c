/** What a page shows, read from its URL and written back: a link shows what I see. */

import { isDay } from "./dates";

export const SORTS = ["owed", "late", "name"] as const;
export const SPANS = [14, 30, 60, 90] as const;
export const PAGE = 50;

/** So many run dates up to a day. Where the URL names none, the API knows the latest that has begun anywhere. */
export interface DayRange {
  span: number;
  last: string | null;
}

export const rangeOf = (url: URLSearchParams): DayRange => {
  const span = Number(url.get("days"));
  const last = url.get("last") ?? "";
  return { span: Number.isInteger(span) && span >= 1 && span <= 366 ? span : 30, last: isDay(last) ? last : null };
};

/** The query of the API for it. */
export const rangeQuery = ({ span, last }: DayRange): Record<string, string> => ({ days: String(span), ...(last && { last }) });

export interface GridView {
  search: string;
  tags: string[];
  platform: string;
  statuses: string[];
  sort: string;
  range: DayRange;
  page: number;
}

export const gridView = (url: URLSearchParams): GridView => {
  const sort = url.get("sort") ?? "";
  return {
    search: url.get("search") ?? "",
    tags: url.getAll("tag"),
    platform: url.get("platform") ?? "",
    statuses: url.getAll("status"),
    sort: (SORTS as readonly string[]).includes(sort) ? sort : "owed",
    range: rangeOf(url),
    page: Math.max(0, Math.trunc(Number(url.get("page"))) || 0),
  };
};

/** The query of the API for it; the numbers above the list do not narrow with the statuses. */
export const gridQuery = (view: GridView, whole = true): URLSearchParams => {
  const query = new URLSearchParams(rangeQuery(view.range));
  if (view.search) query.set("search", view.search);
  if (view.platform) query.set("platform", view.platform);
  for (const tag of view.tags) query.append("tag", tag);
  if (!whole) return query;
  for (const status of view.statuses) query.append("status", status);
  query.set("sort", view.sort);
  query.set("limit", String(PAGE));
  query.set("offset", String(view.page * PAGE));
  return query;
};

/** The URL with some values changed; an empty one goes away, and any change but of the page starts at the first. */
export const withValues = (url: URLSearchParams, values: Record<string, string | string[] | null>): URLSearchParams => {
  const next = new URLSearchParams(url);
  if (!("page" in values)) next.delete("page");
  for (const [name, value] of Object.entries(values)) {
    next.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one) next.append(name, one);
  }
  return next;
};
