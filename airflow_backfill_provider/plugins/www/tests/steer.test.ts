import { expect, test } from "vitest";

import { questionOf, verbOfKey, verbsOf } from "../src/logic/steer";

const request = (state: "open" | "paused" | "ended" | "cancelled", more: object = {}) => ({ state, kept_back: 0, counts: {}, ...more });

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
  expect(questionOf("cancel", "bf-1")).toEqual({
    title: "Cancel bf-1?",
    yes: "Yes, cancel it",
    words: "What waits ends, and what works is stopped with its external jobs.",
  });
  expect(questionOf("retry", "bf-1").yes).toBe("Yes, retry it");
});
