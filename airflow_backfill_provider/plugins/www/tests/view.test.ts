import { expect, test } from "vitest";

import { cellLabel, cellOf, MARK, STATUSES } from "../src/logic/cells";
import { gridQuery, gridView, withValues } from "../src/logic/view";
import { duration, instant, plural, until } from "../src/logic/words";

test("an empty URL shows the last thirty days, owed first", () => {
  const view = gridView(new URLSearchParams());
  expect(gridQuery(view).toString()).toBe("days=30&sort=owed&limit=50&offset=0");
});

test.each(["days=x", "days=0", "days=9999", "sort=drop", "last=2026-02-30", "page=-3", "page=x"])(
  "%s in a URL is as if it were not there",
  (text) => {
    expect(gridView(new URLSearchParams(text))).toEqual(gridView(new URLSearchParams()));
  },
);

test("only a link says where a range ends: the browser's own day would hide the newest dates from the west", () => {
  const query = (text: string) => gridQuery(gridView(new URLSearchParams(text)), false).toString();
  expect(query("days=7")).toBe("days=7");
  expect(query("days=7&last=2026-11-28")).toBe("days=7&last=2026-11-28");
});

test("filters go to the API; the numbers do not narrow with the statuses", () => {
  const view = gridView(new URLSearchParams("search=a%20b&tag=x&tag=y&platform=http&status=failed&page=2"));
  expect(gridQuery(view).getAll("tag")).toEqual(["x", "y"]);
  expect(gridQuery(view).get("offset")).toBe("100");
  expect(gridQuery(view, false).has("status")).toBe(false);
});

test("another filter starts at the first page; another page keeps the filters", () => {
  const url = new URLSearchParams("search=a&page=3");
  expect(withValues(url, { search: "b" }).toString()).toBe("search=b");
  expect(withValues(url, { page: "4" }).toString()).toBe("search=a&page=4");
  expect(withValues(url, { search: "", page: null }).toString()).toBe("");
});

test("a letter says how a date stands, a small one that it is late", () => {
  expect(cellOf("F")).toEqual({ status: "failed", late: false });
  expect(cellOf("m")).toEqual({ status: "missing", late: true });
  expect(cellOf(".")).toEqual({ status: "excluded", late: false });
  expect(cellLabel("Orders", "2026-11-28", cellOf("m"))).toBe("Orders, 2026-11-28: missing, late");
});

test("no two statuses look alike without colours", () => {
  expect(new Set(STATUSES.map((status) => MARK[status])).size).toBe(STATUSES.length);
});

test("instants are told in the zone that was chosen in Airflow", () => {
  expect(instant("2026-11-28T12:05:00Z", "UTC")).toBe("2026-11-28 12:05 UTC");
  expect(instant("2026-11-28T23:30:00Z", "Europe/Berlin")).toBe("2026-11-29 00:30 GMT+1");
  expect(instant(null)).toBe("");
});

test("durations in a unit that fits", () => {
  expect([5, 300, 7200, 200_000].map(duration)).toEqual([
    "about 5 seconds",
    "about 5 minutes",
    "about 2 hours",
    "about 2 days",
  ]);
  expect(until("2026-11-28T12:05:00Z", Date.parse("2026-11-28T12:00:00Z"))).toBe("in 5 minutes");
  expect(until("2026-11-28T11:00:00Z", Date.parse("2026-11-28T12:00:00Z"))).toBe("any moment");
  expect([plural(1, "date"), plural(1200, "date")]).toEqual(["1 date", "1,200 dates"]);
});
