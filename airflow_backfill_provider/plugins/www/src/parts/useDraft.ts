/** A row that somebody writes: kept over a reload of the page, judged by the API when the hand rests. */

import { useEffect, useState } from "react";

import { type Draft, get, pathOf, post, type Definition, Refused } from "../api";
import { type Kept, rebased, restored, same, type Values } from "../logic/form";

const SETTLE_MS = 300;

/** Drafts outlive a walk to another page, in this tab only. */
const keptAt = (pipelineId: string | null): string => `backfill-draft ${pipelineId ?? ""}`;

const kept = (pipelineId: string | null): Kept | null => {
  try {
    const found = JSON.parse(sessionStorage.getItem(keptAt(pipelineId)) ?? "null") as Partial<Kept> | null;
    return found?.base && found.values ? (found as Kept) : null;
  } catch {
    return null;
  }
};

export interface Editing {
  /** The row as it was when it was read; null until then. */
  row: Definition | null;
  values: Values;
  problem: Refused | null;
  isDirty: boolean;
  /** Whether a draft of before is back, and on a row that somebody else has changed since. */
  back: "as it was" | "on another row" | null;
  set: (name: string, value: unknown) => void;
  /** Read the row again, and put my changes on it, or drop them. */
  read: (keep: boolean) => Promise<void>;
}

/** @param start the values of a new pipeline; for one that is there null */
export const useEditing = (pipelineId: string | null, start: Values | null): Editing => {
  const [row, setRow] = useState<Definition | null>(null);
  const [values, setValues] = useState<Values>({});
  const [problem, setProblem] = useState<Refused | null>(null);
  const [back, setBack] = useState<Editing["back"]>(null);
  const seen = row?.values ?? start;
  const isDirty = seen !== null && Object.keys(values).length > 0 && !same(sorted(values), sorted(seen));
  const read = async (keep: boolean) => {
    setProblem(null);
    try {
      const fresh = pipelineId === null ? null : await get<Definition>(pathOf(pipelineId, "/definition"));
      const base = fresh?.values ?? start ?? {};
      const version = fresh?.version ?? null;
      const draft = keep && !row ? kept(pipelineId) : null;
      const before = draft && restored(draft, version, base);
      setBack(!before || same(sorted(before), sorted(base)) ? null : draft?.version === version ? "as it was" : "on another row");
      setRow(fresh);
      setValues(keep && row ? rebased(values, row.values, base) : (before ?? base));
    } catch (error) {
      setProblem(error as Refused);
    }
  };
  useEffect(() => {
    if (pipelineId !== null || start !== null) void read(true);
  }, [pipelineId, start !== null]);
  useEffect(() => {
    if (seen !== null && isDirty) sessionStorage.setItem(keptAt(pipelineId), JSON.stringify({ version: row?.version ?? null, base: seen, values } satisfies Kept));
    else if (seen !== null && Object.keys(values).length) sessionStorage.removeItem(keptAt(pipelineId));
  }, [values, isDirty]);
  useEffect(() => {
    if (!isDirty) return undefined;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [isDirty]);
  const set = (name: string, value: unknown) => setValues((old) => ({ ...old, [name]: value }));
  return { row, values, problem, isDirty, back, set, read };
};

const sorted = (values: Values): [string, unknown][] => Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));

interface Judged {
  draft: Draft | null;
  problem: Refused | null;
  of: string | null;
}

/** What saving would do, of the newest values; until it comes the last answer stays to be read. */
export const useJudged = (body: object | null) => {
  const [round, setRound] = useState(0);
  const [state, setState] = useState<Judged>({ draft: null, problem: null, of: null });
  const text = body && JSON.stringify(body);
  useEffect(() => {
    if (!text) return undefined;
    const stop = new AbortController();
    const timer = window.setTimeout(async () => {
      try {
        const draft = await post<Draft>("/definitions/check", JSON.parse(text) as object, stop.signal);
        if (!stop.signal.aborted) setState({ draft, problem: null, of: text });
      } catch (error) {
        if (!stop.signal.aborted) setState((old) => ({ draft: old.draft, problem: error as Refused, of: text }));
      }
    }, SETTLE_MS);
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [text, round]);
  const isCurrent = state.of === text && state.problem === null;
  return { draft: state.draft, problem: state.problem, isCurrent, again: () => setRound((number) => number + 1) };
};
