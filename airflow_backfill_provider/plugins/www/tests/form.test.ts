import { expect, test } from "vitest";

import {
  differing, emptyRow, entriesOf, labelOf, ofKind, problemsAt, problemsElsewhere, problemsOfList, rebased, restored, settingsOf,
  settingValue, shown, steps, textOf, valueOf, wordsWith,
} from "../src/logic/form";

const KINDS = [
  { kind: "row_count", needs: ["table"], one_of: [], may: ["min", "max"] },
  { kind: "custom_sql", needs: ["sql"], one_of: ["min", "max", "expected"], may: [] },
];

test("columns have names for people", () => {
  expect(["retry_schedule", "sla_time", "pipeline_id", "trigger_url"].map(labelOf)).toEqual([
    "Retry schedule", "SLA time", "Pipeline ID", "Trigger URL",
  ]);
});

test("a field shows a value and reads it back; an empty one says nothing", () => {
  expect(textOf({ kind: "time" }, "06:30:00")).toBe("06:30");
  expect(textOf({ kind: "time" }, "06:30:15")).toBe("06:30:15");
  expect(textOf({ kind: "names" }, ["a", "b"])).toBe("a, b");
  expect([null, undefined, 0].map((value) => textOf({ kind: "integer" }, value))).toEqual(["", "", "0"]);
  expect(valueOf({ kind: "integer" }, " -3 ")).toBe(-3);
  expect(valueOf({ kind: "integer" }, "three")).toBe("three");
  expect(valueOf({ kind: "text" }, "007")).toBe("007");
  expect(valueOf({ kind: "text" }, "  ")).toBeNull();
});

test("words with commas keep the order of those allowed", () => {
  const field = { allowed: ["missing", "failed", "stale"] };
  expect(wordsWith(field, "stale", "missing", true)).toBe("missing,stale");
  expect(wordsWith(field, "missing,failed", "missing", false)).toBe("failed");
});

test("a new row says what the columns mean when they say nothing", () => {
  const fields = [{ name: "pipeline_id", default: null }, { name: "timezone", default: "UTC" }];
  expect(emptyRow(fields)).toEqual({ timezone: "UTC" });
});

test("each problem is said in one place", () => {
  const problems = ["parameters[0].name", "parameters[1]", "parameters", "parameters[7]", "frequency", "frequncy", ""].map(
    (where) => ({ where, message: "m" }),
  );
  const places = (found: { where: string }[]) => found.map(({ where }) => where);
  expect(places(problemsAt(problems, "parameters[0]"))).toEqual(["parameters[0].name"]);
  expect(places(problemsAt(problems, "parameters[1]"))).toEqual(["parameters[1]"]);
  expect(places(problemsOfList(problems, "parameters", 2))).toEqual(["parameters", "parameters[7]"]);
  expect(places(problemsAt(problems, "frequency"))).toEqual(["frequency"]);
  expect(places(problemsElsewhere(problems, ["parameters", "frequency"]))).toEqual(["frequncy", ""]);
});

test("what is no list of entries shows none", () => {
  expect([null, "x", [1, ["a"], { name: "a" }]].map(entriesOf)).toEqual([[], [], [{ name: "a" }]]);
});

test("my changes go on top of what somebody else made of the row", () => {
  const seen = { owner: "ann", tags: ["a"], frequency: null };
  const mine = { ...seen, owner: "me", tags: ["a", "b"] };
  const fresh = { owner: "bob", tags: ["a"], frequency: "weekdays" };
  expect(differing(mine, seen)).toEqual(["owner", "tags"]);
  expect(rebased(mine, seen, fresh)).toEqual({ owner: "me", tags: ["a", "b"], frequency: "weekdays" });
  expect(differing({ a: null }, {})).toEqual([]);
});

test("a draft that waited while somebody else saved the row comes back on top of it", () => {
  const base = { owner: "ann", tags: ["a"], frequency: null };
  const kept = { version: "v1", base, values: { ...base, owner: "me" } };
  expect(restored(kept, "v1", base)).toEqual(kept.values);
  const fresh = { ...base, frequency: "weekdays" };
  expect(restored(kept, "v2", fresh)).toEqual({ owner: "me", tags: ["a"], frequency: "weekdays" });
  expect(restored(kept, "v3", { ...fresh, owner: "me" })).toEqual({ ...fresh, owner: "me" });
});

test("values of a difference are words", () => {
  expect([null, "", true, 0, ["a", "b"], []].map(shown)).toEqual(["–", "–", "yes", "0", "a, b", "–"]);
  expect(shown([{ name: "a", value: "b" }, { name: "c", value: "" }])).toBe("a = b\nc = ");
  expect(shown([{ upstream_id: "x", offset: -1 }, { upstream_id: "y", offset: 0 }])).toBe("x, -1 days\ny");
  expect(shown([{ check_name: "n", check_type: "k", values: [1] }])).toBe("check_name: n, check_type: k, values: [1]");
});

test("a check has the settings of its kind", () => {
  expect(settingsOf(KINDS, "custom_sql").map(({ name, needed }) => [name, needed])).toEqual([
    ["sql", true], ["min", false], ["max", false], ["expected", false],
  ]);
  expect(settingsOf(KINDS, "nothing")).toEqual([]);
  expect(settingValue("min", "5")).toBe(5);
  expect(settingValue("min", "2026-01-01")).toBe("2026-01-01");
  expect(settingValue("values", "open, 2,")).toEqual(["open", 2]);
  expect(settingValue("table", "7")).toBe("7");
  expect(settingValue("sql", " ")).toBeNull();
  const check = { check_name: "n", severity: "warn", check_type: "row_count", table: "t", min: 1 };
  expect(ofKind(KINDS, check, "custom_sql")).toEqual({ check_name: "n", severity: "warn", check_type: "custom_sql", min: 1 });
});

test("a history is told in steps", () => {
  const one = (field: string, changed_at: string, changed_by = "ann") => ({ field, changed_at, changed_by, old: null, new: 1 });
  const found = steps([one("a", "2"), one("b", "2"), one("a", "2", "bob"), one("a", "1")]);
  expect(found.map((step) => [step.by, step.at, step.changes.length])).toEqual([["ann", "2", 2], ["bob", "2", 1], ["ann", "1", 1]]);
});
