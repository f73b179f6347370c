import { expect, test } from "vitest";

import { shared } from "../src/logic/shared";

const answer = () => ({ total: 2, rows: [{ id: "a", counts: { done: 1 } }, { id: "b", counts: { done: 2 } }], at: null });

test("an answer that says the same is the same", () => {
  const older = answer();
  expect(shared(older, answer())).toBe(older);
  expect(shared(null, older)).toBe(older);
});

test("only the parts that changed are new", () => {
  const older = answer();
  const newer = answer();
  newer.rows[1]!.counts.done = 3;
  const found = shared(older, newer);
  expect(found).toEqual(newer);
  expect(found).not.toBe(older);
  expect(found.rows[0]).toBe(older.rows[0]);
  expect(found.rows[1]).not.toBe(older.rows[1]);
});

test.each([
  [[1, 2], [1]],
  [[1], [1, 2]],
  [{ a: 1 }, { a: 1, b: undefined }],
  [{ a: 1, b: 2 }, { a: 1 }],
  [{ 0: 1 }, [1]],
  [null, { a: 1 }],
  [{ a: 1 }, null],
  ["1", 1],
])("%j is never taken for %j", (older: unknown, newer: unknown) => {
  expect(shared(older, newer)).toStrictEqual(newer);
  expect(shared(older, newer)).not.toBe(older);
});
