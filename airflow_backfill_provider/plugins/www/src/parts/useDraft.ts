/** A row that somebody writes: kept over a reload of the page, judged by the API when the hand rests. */

import { useEffect, useState } from "react";

import { type Draft, get, pathOf, post, type Definition, Refused } from "../api";
import { rebased, same, type Values } from "../logic/form";

const SETTLE_MS = 300;

interface Kept {
  version: string | null;
  values: Values;
}

/** Drafts outlive a walk to another page, in this tab only. */
const keptAt = (pipelineId: string | null): string => `backfill-draft ${pipelineId ?? ""}`;

const kept = (pipelineId: string | null, version: string | null): Values | null => {
  try {
    const found = JSON.parse(sessionStorage.getItem(keptAt(pipelineId)) ?? "null") as Kept | null;
    return found && found.version === version ? found.values : null;
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
  /** Whether a draft of before is back. */
  isBack: boolean;
  set: (name: string, value: unknown) => void;
  /** Read the row again, and put my changes on it, or drop them. */
  read: (keep: boolean) => Promise<void>;
}

/** @param start the values of a new pipeline; for one that is there null */
export const useEditing = (pipelineId: string | null, start: Values | null): Editing => {
  const [row, setRow] = useState<Definition | null>(null);
  const [values, setValues] = useState<Values>({});
  const [problem, setProblem] = useState<Refused | null>(null);
  const [isBack, setBack] = useState(false);
  const seen = row?.values ?? start;
  const isDirty = seen !== null && Object.keys(values).length > 0 && !same(sorted(values), sorted(seen));
  const read = async (keep: boolean) => {
    setProblem(null);
    try {
      const fresh = pipelineId === null ? null : await get<Definition>(pathOf(pipelineId, "/definition"));
      const base = fresh?.values ?? start ?? {};
      const before = kept(pipelineId, fresh?.version ?? null);
      setBack(keep && !row && before !== null && !same(sorted(before), sorted(base)));
      setRow(fresh);
      setValues(!keep ? base : row ? rebased(values, row.values, base) : (before ?? base));
    } catch (error) {
      setProblem(error as Refused);
    }
  };
  useEffect(() => {
    if (pipelineId !== null || start !== null) void read(true);
  }, [pipelineId, start !== null]);
  useEffect(() => {
    if (isDirty) sessionStorage.setItem(keptAt(pipelineId), JSON.stringify({ version: row?.version ?? null, values }));
    else if (seen !== null && Object.keys(values).length) sessionStorage.removeItem(keptAt(pipelineId));
  }, [values, isDirty]);
  useEffect(() => {
    if (!isDirty) return undefined;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [isDirty]);
  const set = (name: string, value: unknown) => setValues((old) => ({ ...old, [name]: value }));
  return { row, values, problem, isDirty, isBack, set, read };
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
