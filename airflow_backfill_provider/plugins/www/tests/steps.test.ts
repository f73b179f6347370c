import { expect, test } from "vitest";

import { stepping } from "../src/logic/steps";

/** A server that answers when it is told to. */
const server = () => {
  const sent: number[] = [];
  let answer: (isSaved: boolean) => void = () => undefined;
  const save = (_: string, value: number) => {
    sent.push(value);
    return new Promise<boolean>((resolve) => (answer = resolve));
  };
  const answers = async (isSaved: boolean) => {
    answer(isSaved);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { sent, save, answers };
};

test("three quick presses are three steps", async () => {
  const { sent, save, answers } = server();
  const steps = stepping(save, () => undefined);
  for (let press = 0; press < 3; press++) steps.step("bf-1", 5, 1);
  expect(steps.at("bf-1", 5)).toBe(8);
  expect(sent).toEqual([6]); // one question at a time: an older number must not land last
  await answers(true);
  expect(sent).toEqual([6, 8]);
  await answers(true);
  expect(sent).toEqual([6, 8]);
});

test("a press before the list is read anew goes on from the press before it", async () => {
  const { sent, save, answers } = server();
  const steps = stepping(save, () => undefined);
  steps.step("bf-1", 0, 1);
  await answers(true);
  steps.step("bf-1", 0, 1);
  expect(sent).toEqual([1, 2]);
});

test("a list that comes while a press is being saved does not undo it", async () => {
  const { save, answers } = server();
  const steps = stepping(save, () => undefined);
  steps.step("bf-1", 0, 1);
  steps.caughtUp();
  expect(steps.at("bf-1", 0)).toBe(1);
  await answers(true);
  steps.caughtUp();
  expect(steps.at("bf-1", 7)).toBe(7);
});

test("what is refused stands where it stood, and each request by itself", async () => {
  const { save, answers } = server();
  const steps = stepping(save, () => undefined);
  steps.step("bf-1", 3, -1);
  expect(steps.at("bf-2", 4)).toBe(4);
  await answers(false);
  expect(steps.at("bf-1", 3)).toBe(3);
});
