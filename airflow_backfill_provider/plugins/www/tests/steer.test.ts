import { expect, test } from "vitest";

import { canRetry, questionOf, questionOfDate, saidOf, saidOfDate, verbOfKey, verbsOf } from "../src/logic/steer";

const request = (state: "open" | "paused" | "ended" | "cancelled", more: object = {}) => ({ state, kept_back: 0, counts: {}, ...more });

const of = (state: "open" | "paused" | "ended") => ({ request_id: "bf-1", state });

test("p pauses an open request, also when it keeps dates back, and resumes only a paused one", () => {
  expect(verbOfKey("p", request("open"))).toBe("pause");
  expect(verbOfKey("p", request("open", { kept_back: 97 }))).toBe("pause");
  expect(verbOfKey("p", request("paused"))).toBe("resume");
  expect(verbsOf(request("open", { kept_back: 97 }))).toContain("resume");
});

test("keys do nothing to a request that has ended, but retry what failed", () => {
  for (const key of ["p", "c", "r", "+", "-", "x"]) expect(verbOfKey(key, request("ended"))).toBeNull();
  expect(verbOfKey("r", request("ended", { counts: { failed: 2 } }))).toBe("retry");
});

test("a cancelled request goes on with a retry, one that ended with a cancelled date does not", () => {
  expect(verbsOf(request("cancelled", { counts: { cancelled: 3 } }))).toEqual(["retry"]);
  expect(verbsOf(request("ended", { counts: { cancelled: 3 } }))).toEqual([]);
});

test("plus and minus are steps of the priority while a request lives", () => {
  expect(verbOfKey("+", request("open"))).toBe(1);
  expect(verbOfKey("-", request("paused"))).toBe(-1);
});

test("each verb asks in its own words before it is done", () => {
  expect(questionOf("cancel", of("open"))).toEqual({
    title: "Cancel bf-1?",
    yes: "Yes, cancel it",
    words: "What waits ends, and what works is stopped with its external jobs.",
  });
  expect(questionOf("retry", of("ended")).yes).toBe("Yes, retry it");
});

test("a date without a request is cancelled and retried by itself, in its own words", () => {
  const date = { pipeline_id: "orders", run_date: "2026-11-07" };
  expect(questionOfDate("cancel", date).title).toBe("Cancel 2026-11-07 of orders?");
  expect(questionOfDate("cancel", date).words).toContain("No rule asks for it again.");
  expect(questionOfDate("retry", date).yes).toBe("Yes, retry it");
  expect([saidOfDate("cancel", date), saidOfDate("retry", date)]).toEqual([
    "2026-11-07 of orders is cancelled.", "2026-11-07 of orders will be tried again.",
  ]);
});

test("a date is tried again by itself when the newest that was asked for it failed or was cancelled", () => {
  const items = (...statuses: string[]) => statuses.map((status) => ({ status }));
  for (const last of ["failed", "cancelled"]) expect(canRetry(items("success", last))).toBe(true);
  for (const last of ["pending", "in_progress", "cancelling", "success", "skipped"]) expect(canRetry(items("failed", last))).toBe(false);
  expect(canRetry([])).toBe(false);
});

test("a retry says what it left out and why, and names no more than one reads", () => {
  const calls = { pipeline_id: "calls", count: 2, dates: "2026-11-05..2026-11-06", why: "the pipeline is switched off, so nothing would start them" };
  const moved = { request_id: "bf-1", dates: 3, state: "open" as const };
  expect(saidOf("retry", { ...moved, left_out: [] })).toBe("3 dates of bf-1 will be tried again.");
  expect(saidOf("retry", { ...moved, left_out: [calls] })).toBe(
    "3 dates of bf-1 will be tried again. Not 2 dates of calls (2026-11-05..2026-11-06): the pipeline is switched off, so nothing would start them.",
  );
  const many = saidOf("retry", { ...moved, left_out: Array.from({ length: 8 }, () => calls) });
  expect(many.match(/ of calls /g)).toHaveLength(5);
  expect(many).toMatch(/ Nor those of 3 more pipelines, which its history names\.$/);
});

test("a retry of a paused request says that its dates wait, before and after", () => {
  expect(questionOf("retry", of("paused")).words).toContain("It is paused: nothing starts until it is resumed.");
  expect(questionOf("retry", of("ended")).words).not.toContain("paused");
  expect(questionOf("cancel", of("paused")).words).not.toContain("paused");
  const moved = { request_id: "bf-1", dates: 1 };
  expect(saidOf("retry", { ...moved, state: "paused" })).toBe(
    "1 date of bf-1 will be tried again. It is paused: nothing starts until it is resumed.",
  );
  expect(saidOf("retry", { ...moved, state: "open" })).toBe("1 date of bf-1 will be tried again.");
  expect(saidOf("pause", { ...moved, dates: 2, state: "paused" })).toBe("bf-1 is paused: 2 dates will wait until it is resumed.");
});
