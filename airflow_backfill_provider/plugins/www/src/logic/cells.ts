/** How a date stands, as the grid's letters tell it. */

export type Status = "done" | "running" | "queued" | "missing" | "failed" | "stale" | "excluded";

export const STATUSES = ["missing", "failed", "stale", "running", "queued", "done"] as const;
export const OWED: ReadonlySet<string> = new Set(["missing", "failed", "stale"]);

const BY_LETTER: Record<string, Status> = {
  D: "done",
  R: "running",
  Q: "queued",
  M: "missing",
  F: "failed",
  S: "stale",
};

/** What stands in a cell: nobody has to tell colours apart. */
export const MARK: Record<Status, string> = {
  done: "✓",
  running: "▶",
  queued: "…",
  missing: "M",
  failed: "F",
  stale: "S",
  excluded: "",
};

export const MEANS: Record<Status, string> = {
  done: "done",
  running: "a run works on it",
  queued: "waits in the queue",
  missing: "owed: no run did it",
  failed: "owed: its last run failed",
  stale: "owed: done, but out of date",
  excluded: "not expected",
};

export interface Cell {
  status: Status;
  late: boolean;
}

export const cellOf = (letter: string): Cell => {
  const status = BY_LETTER[letter.toUpperCase()] ?? "excluded";
  return { status, late: status !== "excluded" && letter !== letter.toUpperCase() };
};

/** "Orders, 2026-11-28: failed, late" for who cannot see the cell. */
export const cellLabel = (name: string, day: string, cell: Cell): string =>
  `${name}, ${day}: ${cell.status === "excluded" ? "not expected" : cell.status}${cell.late ? ", late" : ""}`;
