/** What a person asks for on a pipeline's page, as the API's body and as the command that does the same. */

import { changed, toText } from "./selection";

export interface Choice {
  dates: ReadonlySet<string>;
  again: boolean;
  priority: number;
  newestFirst: boolean;
  firstN: number | null;
  downstream: boolean;
  why: string;
}

export const NOTHING: Choice = {
  dates: new Set(),
  again: false,
  priority: 0,
  newestFirst: false,
  firstN: null,
  downstream: false,
  why: "",
};

/** What is left of the choice of now when dates were asked for: what was picked and written meanwhile stays. */
export const withoutAsked = (now: Choice, asked: Choice): Choice => ({ ...now, dates: changed(now.dates, asked.dates, false) });

export const bodyOf = (pipelineId: string, choice: Choice) => ({
  pipeline_ids: [pipelineId],
  dates: toText(choice.dates),
  only: choice.again ? "any" : null,
  priority: choice.priority,
  newest_first: choice.newestFirst,
  first_n: choice.firstN,
  downstream: choice.downstream,
  why: choice.why.trim() || null,
});

/** What a plan depends on: all but the reason, so that typing it asks for no new plan. */
export const planBodyOf = (pipelineId: string, choice: Choice) => bodyOf(pipelineId, { ...choice, why: "" });

export const PLAN_PIPELINES = 20;
export const PLAN_DATES = 50;

/** A page of a plan: some of its pipelines, and some dates of each. */
export const planQuery = (pipelines: number, dates: number): string =>
  new URLSearchParams({
    limit: String(PLAN_PIPELINES),
    offset: String(pipelines * PLAN_PIPELINES),
    dates_limit: String(PLAN_DATES),
    dates_offset: String(dates * PLAN_DATES),
  }).toString();

/** A word of a POSIX shell. */
export const quoted = (text: string): string =>
  /^[A-Za-z0-9_.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

export const commandOf = (pipelineId: string, choice: Choice): string =>
  [
    "airflow pipelines backfill create",
    quoted(pipelineId),
    `--dates ${quoted(toText(choice.dates))}`,
    choice.again && "--only any",
    choice.priority !== 0 && `--priority ${choice.priority}`,
    choice.newestFirst && "--newest-first",
    choice.firstN !== null && `--first ${choice.firstN}`,
    choice.downstream && "--downstream",
    choice.why.trim() && `--reason=${quoted(choice.why.trim())}`,
  ]
    .filter(Boolean)
    .join(" ");
