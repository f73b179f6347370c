import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { follow } from "../src/logic/follow";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A page that follows a number, and a server that answers when it is told to. */
const page = () => {
  const told: unknown[] = [];
  const under: { answer: (value: number) => Promise<unknown>; refuse: () => Promise<unknown>; signal: AbortSignal }[] = [];
  const state = { looks: true, told, under };
  const settled = () => vi.advanceTimersByTimeAsync(0);
  const following = follow<number>({
    ask: (signal) =>
      new Promise((resolve, reject) =>
        under.push({
          answer: (value) => (resolve(value), settled()),
          refuse: () => (reject(new Error("refused")), settled()),
          signal,
        }),
      ),
    every: (answer) => (answer === null ? 20 : 3),
    isLookedAt: () => state.looks,
    onAnswer: (answer) => told.push(answer),
    onProblem: (problem) => told.push((problem as Error).message),
  });
  return { ...following, state };
};

test("a page that is looked at again while an answer is under way asks no second time", async () => {
  const { wake, state } = page();
  wake();
  wake();
  expect(state.under).toHaveLength(1);
  await state.under[0]!.answer(1);
  await vi.advanceTimersByTimeAsync(3000);
  expect(state.under).toHaveLength(2); // one chain goes on, not three
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state.under).toHaveLength(2);
});

test("a page that nobody looks at rests, and asks at once when somebody does", async () => {
  const { wake, state } = page();
  await state.under[0]!.answer(1);
  state.looks = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state.under).toHaveLength(1);
  state.looks = true;
  wake();
  expect(state.under).toHaveLength(2);
});

test("what is refused is told and asked again", async () => {
  const { state } = page();
  await state.under[0]!.refuse();
  await vi.advanceTimersByTimeAsync(20_000);
  await state.under[1]!.answer(7);
  expect(state.told).toEqual(["refused", 7]);
});

test("an answer that comes after the end is not told", async () => {
  const { stop, state } = page();
  stop();
  expect(state.under[0]!.signal.aborted).toBe(true);
  await state.under[0]!.answer(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([state.told, state.under.length]).toEqual([[], 1]);
});
