import { expect, test } from "vitest";

import { range } from "../src/logic/dates";
import { changed, fromText, inShort, onWeekday, toggledAll, toText } from "../src/logic/selection";

test("dates that follow one another are a range", () => {
  expect(toText(["2026-11-03", "2026-11-01", "2026-11-02", "2026-11-09", "2026-11-03"])).toBe(
    "2026-11-01..2026-11-03, 2026-11-09",
  );
  expect(toText([])).toBe("");
});

test("many dates are told in short, with those that are left", () => {
  const days = ["2026-11-09", ...range("2026-11-02", "2026-11-04"), "2026-11-20", "2026-11-21", "2026-11-30"];
  expect(inShort(days, 2)).toEqual({ first: ["2026-11-02..2026-11-04", "2026-11-09"], more: ["2026-11-20", "2026-11-21", "2026-11-30"] });
  expect(inShort(["2026-11-09"], 2)).toEqual({ first: ["2026-11-09"], more: [] });
  expect(inShort([], 2)).toEqual({ first: [], more: [] });
});

test("what was written is read again", () => {
  const days = [...range("2026-01-30", "2026-02-03"), "2026-02-28", "2026-03-01"];
  expect([...fromText(toText(days))].sort()).toEqual(days);
});

test.each([null, "", "x..y", "2026-02-30", "2026-02-03..2026-02-01", "0001-01-01..9999-12-31"])(
  "%j in a URL picks nothing",
  (text) => expect(fromText(text).size).toBe(0),
);

test("a readable part of a URL is taken, the rest is left out", () => {
  expect([...fromText("2026-02-30,2026-02-01")]).toEqual(["2026-02-01"]);
});

test("all is a switch: on unless every one is on", () => {
  const one = new Set(["2026-11-01"]);
  const both = ["2026-11-01", "2026-11-02"];
  expect([...toggledAll(one, both)].sort()).toEqual(both);
  expect(toggledAll(new Set(both), both).size).toBe(0);
});

test("what was picked before stays as it was", () => {
  const before = new Set(["2026-11-01"]);
  expect(changed(before, ["2026-11-01"], false).size).toBe(0);
  expect(before.size).toBe(1);
});

test("every Monday", () => {
  expect(onWeekday(range("2026-11-01", "2026-11-30"), 0)).toEqual([
    "2026-11-02",
    "2026-11-09",
    "2026-11-16",
    "2026-11-23",
    "2026-11-30",
  ]);
});
