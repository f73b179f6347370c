import { expect, test } from "vitest";

import { QUEUE_FILTERS, queueFilter } from "../src/logic/queue";

const of = (text: string) => queueFilter(new URLSearchParams(text));

test("a URL that knows no such state shows all requests", () => {
  expect([of("").name, of("state=ended").name, of("state=drop").name]).toEqual(["All", "Ended", "All"]);
});

test("only the list of all requests says that nobody has asked for dates", () => {
  expect(of("").nothing).toBe("Nobody has asked for dates");
  expect(of("state=live").nothing).toBe("No request waits or works");
  expect(new Set(QUEUE_FILTERS.map((filter) => filter.nothing)).size).toBe(QUEUE_FILTERS.length);
});
