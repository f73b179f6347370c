/** A pipeline's row in a form: what stands in its fields, what they say, and what a change of somebody else does to it. */

import type { CheckKind, Field, HistoryEntry } from "../api";

export type Values = Record<string, unknown>;
export interface Problem {
  where: string;
  message: string;
}

/** "retry_schedule" is "Retry schedule" for people; what is an abbreviation stays one. */
export const labelOf = (name: string): string => {
  const words = name.replaceAll("_", " ").replace(/\b(id|url|sla)\b/g, (word) => word.toUpperCase());
  return words[0]!.toUpperCase() + words.slice(1);
};

/** What stands in a field. */
export const textOf = (field: Pick<Field, "kind">, value: unknown): string => {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.join(", ");
  const text = String(value);
  return field.kind === "time" ? text.replace(/^(\d\d:\d\d):00$/, "$1") : text;
};

/** What a field says; an empty one says nothing. What is no number is kept, for the server to say so. */
export const valueOf = (field: Pick<Field, "kind">, text: string): unknown => {
  if (!text.trim()) return null;
  return field.kind === "integer" && /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) : text;
};

/** Of words with commas: with one of them, or without it; in the order of those allowed. */
export const wordsWith = (field: Pick<Field, "allowed">, value: unknown, word: string, on: boolean): string => {
  const now = new Set(wordsIn(value));
  if (on) now.add(word);
  else now.delete(word);
  return field.allowed.filter((one) => now.has(one)).join(",");
};

export const wordsIn = (value: unknown): string[] =>
  String(value ?? "").split(",").map((one) => one.trim()).filter(Boolean);

/** A new row: what the columns mean when they say nothing. */
export const emptyRow = (fields: Pick<Field, "name" | "default">[]): Values =>
  Object.fromEntries(fields.filter((field) => field.name !== "pipeline_id").map((field) => [field.name, field.default]));

/** The entries of a list that stands in a row; what is none of ours is not shown. */
export const entriesOf = (value: unknown): Values[] =>
  Array.isArray(value) ? value.filter((one): one is Values => typeof one === "object" && one !== null && !Array.isArray(one)) : [];

/** What is said at a column, or at an entry of it: "parameters[0].name" is of parameters[0], and of parameters. */
export const problemsAt = (problems: Problem[], place: string): Problem[] =>
  problems.filter(({ where }) => where === place || where.startsWith(`${place}.`));

/** What is said of a list as a whole, or of an entry that is not shown. */
export const problemsOfList = (problems: Problem[], column: string, shown: number): Problem[] =>
  problems.filter(({ where }) => {
    const entry = /^(\w+)\[(\d+)\]/.exec(where);
    return where === column || (entry !== null && entry[1] === column && Number(entry[2]) >= shown);
  });

export const LISTS = ["parameters", "dependencies", "quality_checks"] as const;

/** What is said of no field of the form. */
export const problemsElsewhere = (problems: Problem[], names: readonly string[]): Problem[] =>
  problems.filter(({ where }) => !names.includes(/^\w*/.exec(where)![0]));

export const same = (one: unknown, other: unknown): boolean => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** Columns in which two rows differ. */
export const differing = (one: Values, other: Values): string[] =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => !same(one[name], other[name]));

/** My changes to a row on top of what it became meanwhile. */
export const rebased = (mine: Values, seen: Values, fresh: Values): Values => ({
  ...fresh,
  ...Object.fromEntries(differing(mine, seen).map((name) => [name, mine[name] ?? null])),
});

/** A draft, and the row that it was written on. */
export interface Kept {
  version: string | null;
  base: Values;
  values: Values;
}

/** A draft of before on the row as it is now. */
export const restored = (kept: Kept, version: string | null, fresh: Values): Values =>
  kept.version === version ? kept.values : rebased(kept.values, kept.base, fresh);

/** A value of a difference, for people. */
export const shown = (value: unknown): string => {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!Array.isArray(value)) return typeof value === "object" ? pairs(value as Values) : String(value);
  if (!value.length) return "–";
  const lines = value.map((one) => (typeof one === "object" && one !== null ? entry(one as Values) : String(one)));
  return lines.join(typeof value[0] === "object" ? "\n" : ", ");
};

const entry = (value: Values): string => {
  if ("upstream_id" in value) return `${String(value.upstream_id)}${value.offset ? `, ${String(value.offset)} days` : ""}`;
  const keys = Object.keys(value);
  return keys.length === 2 && keys.includes("name") && keys.includes("value") ? `${String(value.name)} = ${String(value.value)}` : pairs(value);
};

const pairs = (value: Values): string =>
  Object.entries(value).map(([key, one]) => `${key}: ${typeof one === "object" ? JSON.stringify(one) : String(one)}`).join(", ");

const LISTED = new Set(["values", "select"]);
const NUMBERS = new Set(["min", "max", "expected", "max_failures", "max_age_hours", "max_change_percent", "days_before"]);

/** The settings of a kind of check, those it needs first. */
export const settingsOf = (kinds: CheckKind[], kind: unknown): { name: string; needed: boolean }[] => {
  const found = kinds.find((one) => one.kind === kind);
  if (!found) return [];
  return [...found.needs.map((name) => ({ name, needed: true })), ...[...found.one_of, ...found.may].map((name) => ({ name, needed: false }))];
};

export const settingText = (value: unknown): string => (Array.isArray(value) ? value.join(", ") : value === null || value === undefined ? "" : String(value));

/** What a setting's field says: numbers are numbers, and some settings are lists with commas. */
export const settingValue = (name: string, text: string): unknown => {
  if (!text.trim()) return null;
  const one = (part: string): unknown => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : part);
  if (LISTED.has(name)) return text.split(",").map((part) => one(part.trim())).filter((part) => part !== "");
  return NUMBERS.has(name) ? one(text.trim()) : text;
};

/** A check of another kind: what the new kind does not know goes. */
export const ofKind = (kinds: CheckKind[], check: Values, kind: string): Values => {
  const known = new Set(["check_name", "severity", ...settingsOf(kinds, kind).map(({ name }) => name)]);
  return { ...Object.fromEntries(Object.entries(check).filter(([name]) => known.has(name))), check_type: kind };
};

export interface HistoryStep {
  at: string;
  by: string;
  changes: HistoryEntry[];
}

/** Changes of one person at one instant belong together; newest first. */
export const steps = (changes: HistoryEntry[]): HistoryStep[] => {
  const found: HistoryStep[] = [];
  for (const one of changes) {
    const last = found.at(-1);
    if (last && last.at === one.changed_at && last.by === one.changed_by) last.changes.push(one);
    else found.push({ at: one.changed_at, by: one.changed_by, changes: [one] });
  }
  return found;
};
