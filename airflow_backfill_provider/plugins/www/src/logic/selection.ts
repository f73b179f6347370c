/** Picked dates as the text that the API and the command line read, and back. */

import { addDays, isDay, range, weekday } from "./dates";

/** Dates that follow one another as one part: "2026-11-01..2026-11-03", "2026-11-09". */
export const toParts = (dates: Iterable<string>): string[] => {
  const sorted = [...new Set(dates)].sort();
  const parts: string[] = [];
  for (let index = 0; index < sorted.length; ) {
    const first = sorted[index]!;
    let last = first;
    while (sorted[++index] === addDays(last, 1)) last = sorted[index]!;
    parts.push(first === last ? first : `${first}..${last}`);
  }
  return parts;
};

/** "2026-11-01..2026-11-03, 2026-11-09"; empty for nothing. */
export const toText = (dates: Iterable<string>): string => toParts(dates).join(", ");

/** The first parts, for a list that many dates would fill, and the dates after them. */
export const inShort = (dates: readonly string[], parts: number): { first: string[]; more: string[] } => {
  const first = toParts(dates).slice(0, parts);
  const last = first.at(-1)?.slice(-10) ?? "";
  return { first, more: dates.filter((day) => day > last) };
};

/** The dates of such a text; what cannot be read is left out, since anybody can write a URL. */
export const fromText = (text: string | null): Set<string> => {
  const found = new Set<string>();
  for (const part of (text ?? "").split(",").map((one) => one.trim())) {
    const [first = "", last = first] = part.split("..");
    if (isDay(first) && isDay(last) && last >= first && Number(last.slice(0, 4)) - Number(first.slice(0, 4)) <= 10)
      for (const day of range(first, last)) found.add(day);
  }
  return found;
};

/** With these dates, or without them. */
export const changed = (dates: ReadonlySet<string>, some: Iterable<string>, add: boolean): Set<string> => {
  const found = new Set(dates);
  for (const day of some) if (add) found.add(day);
  else found.delete(day);
  return found;
};

/** All of them picked, or, when they are already, none of them. */
export const toggledAll = (dates: ReadonlySet<string>, some: readonly string[]): Set<string> =>
  changed(dates, some, !some.every((day) => dates.has(day)));

export const onWeekday = (days: readonly string[], which: number): string[] =>
  days.filter((day) => weekday(day) === which);
