/** Calendar dates as ISO texts ("2026-11-28"): they sort as texts, and no time zone can move them. */

const DAY = 86_400_000;

const instant = (day: string): number => Date.parse(`${day}T00:00:00Z`);

export const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(instant(text)) && fromInstant(instant(text)) === text;

const fromInstant = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const addDays = (day: string, count: number): string => fromInstant(instant(day) + count * DAY);

export const daysBetween = (first: string, last: string): number => Math.round((instant(last) - instant(first)) / DAY);

/** Every day from one to the other, whichever comes first; both included. */
export const range = (one: string, other: string): string[] => {
  const [first, last] = one <= other ? [one, other] : [other, one];
  return Array.from({ length: daysBetween(first, last) + 1 }, (_, index) => addDays(first, index));
};

/** 0 is Monday, as in ISO weeks. */
export const weekday = (day: string): number => (new Date(instant(day)).getUTCDay() + 6) % 7;

export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;
export const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

/** The days of a month (1 to 12), in rows of seven from Monday; null where the row has no day of it. */
export const monthRows = (year: number, month: number): (string | null)[][] => {
  const first = `${year}-${String(month).padStart(2, "0")}-01`;
  const next = month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, "0")}-01`;
  const days: (string | null)[] = [...Array<null>(weekday(first)).fill(null), ...range(first, addDays(next, -1))];
  while (days.length % 7) days.push(null);
  return Array.from({ length: days.length / 7 }, (_, row) => days.slice(row * 7, row * 7 + 7));
};

/** The months of a year up to that of a day, the newest first: that is where the work is. */
export const monthsUpTo = (year: number, last: string): number[] =>
  MONTHS.map((_, index) => index + 1)
    .filter((month) => `${year}-${String(month).padStart(2, "0")}` <= last.slice(0, 7))
    .reverse();

/** "Sat 28 Nov 2026" */
export const longDay = (day: string): string =>
  new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })
    .format(instant(day))
    .replace(",", "");
