import { expect, test } from "vitest";

import { questionOf, questionOfDate, saidOf, saidOfDate, verbOfKey, verbsOf } from "../src/logic/steer";

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
