import { expect, test } from "vitest";

import { addDays, isDay, longDay, monthRows, monthsUpTo, range, weekday } from "../src/logic/dates";

test("days go on over months, years and leap days", () => {
  expect(addDays("2024-02-28", 1)).toBe("2024-02-29");
  expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
  expect(addDays("2026-03-01", -1)).toBe("2026-02-28");
});

test("a range has both ends, whichever comes first", () => {
  expect(range("2026-02-27", "2026-03-02")).toEqual(["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
  expect(range("2026-03-02", "2026-02-27")).toEqual(range("2026-02-27", "2026-03-02"));
});

test("weeks begin on Monday", () => {
  expect(weekday("2026-11-23")).toBe(0);
  expect(weekday("2026-11-29")).toBe(6);
});

test.each([2024, 2025, 2026, 2027, 2100])("the months of %i hold each of its days once, under its weekday", (year) => {
  const days = Array.from({ length: 12 }, (_, month) => monthRows(year, month + 1)).flat();
  for (const row of days) {
    expect(row).toHaveLength(7);
    row.forEach((day, column) => day && expect(weekday(day)).toBe(column));
  }
  expect(days.flat().filter(Boolean)).toEqual(range(`${year}-01-01`, `${year}-12-31`));
});

test("a year has months up to that of the last day, the newest first", () => {
  expect(monthsUpTo(2026, "2026-03-31")).toEqual([3, 2, 1]);
  expect(monthsUpTo(2026, "2026-04-01")).toEqual([4, 3, 2, 1]);
  expect(monthsUpTo(2026, "2027-01-01")).toHaveLength(12);
  expect(monthsUpTo(2027, "2027-01-01")).toEqual([1]);
  expect(monthsUpTo(2027, "2026-12-31")).toEqual([]);
});

test.each(["2026-13-01", "2026-02-30", "2026-2-3", "", "x", "20260101"])("%j is no day", (text) => {
  expect(isDay(text)).toBe(false);
});

test("a day in words", () => expect(longDay("2026-11-28")).toBe("Sat 28 Nov 2026"));
