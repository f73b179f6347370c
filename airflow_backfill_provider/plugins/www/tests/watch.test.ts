import { expect, test } from "vitest";

import { lateFor, lineLabel, lineOf, numbersOf, watchQuery, watchView } from "../src/logic/watch";

const url = (text: string) => new URLSearchParams(text);
const found = (run_date: string, value: number | null, passed = true) => ({ run_date, value, passed });

test("only our views are views", () => {
  expect(watchView(url("view=sla"))).toBe("sla");
  expect(watchView(url("view=queue"))).toBeNull();
  expect(watchView(url(""))).toBeNull();
});

test("what a URL says is what the API is asked", () => {
  expect(watchQuery("sla", url("pipeline=a%26b&days=14&page=2&last=2026-11-28")).toString()).toBe(
    "limit=50&offset=100&pipeline_id=a%26b&days=14&last=2026-11-28",
  );
  expect(watchQuery("quality", url("results=all")).toString()).toBe("limit=50&offset=0&days=30");
  expect(watchQuery("quality", url("")).get("failed")).toBe("true");
  expect(watchQuery("quality", url("results=all")).has("failed")).toBe(false);
  expect(watchQuery("notifications", url("status=failed")).toString()).toBe("limit=50&offset=0&status=failed");
});

test.each(["days=x", "days=0", "days=400", "last=2026-02-30", "page=-1", "status=drop"])("%s is as if not there", (text) => {
  for (const view of ["sla", "quality", "notifications"] as const)
    expect(watchQuery(view, url(text)).toString()).toBe(watchQuery(view, url("")).toString());
});

test("the newest answer of a date counts, and what is no number is left out", () => {
  const results = [found("2026-11-03", 7), found("2026-11-02", null), found("2026-11-01", 5), found("2026-11-01", 1, false)];
  expect(numbersOf(results).map((one) => [one.run_date, one.value])).toEqual([["2026-11-01", 5], ["2026-11-03", 7]]);
});

test("the line fills its box, and so do the bounds", () => {
  const line = lineOf([found("2026-11-05", 30), found("2026-11-02", 10, false), found("2026-11-01", 20)], [0, null], 100, 30);
  expect(line.points.map((one) => [one.x, one.y])).toEqual([[0, 10], [25, 20], [100, 0]]);
  expect(line.bounds).toEqual([30]);
  expect(lineLabel("rows", line.points)).toBe("rows: 3 numbers from 10 to 30, 2026-11-01 to 2026-11-05; not passed on 2026-11-02");
});

test("one number, or equal ones, stand in the middle", () => {
  expect(lineOf([found("2026-11-01", 4)], [null], 100, 30).points[0]).toMatchObject({ x: 50, y: 15 });
});

test("lateness is told as the command line tells it", () => {
  expect([59, 3540, 5400, 172_800].map(lateFor)).toEqual(["under a minute", "59 min", "1 h 30 min", "2 days"]);
});
