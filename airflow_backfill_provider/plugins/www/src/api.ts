/** The API as functions: typed by its own OpenAPI document, asked with the session of Airflow's page. */

import type { components } from "./api-types";

type Schemas = components["schemas"];
export type Summary = Schemas["Summary"];
export type Grid = Schemas["GridAnswer"];
export type GridRow = Schemas["GridRowAnswer"];
export type Facets = Schemas["Facets"];
export type Pipeline = Schemas["PipelineAnswer"];
export type Calendar = Schemas["CalendarAnswer"];
export type Story = Schemas["StoryAnswer"];
export type Plan = Schemas["PlanAnswer"];
export type Created = Schemas["CreatedAnswer"];
export type Requests = Schemas["RequestsAnswer"];
export type BackfillRequest = Schemas["RequestAnswer"];
export type RequestItems = Schemas["RequestItemsAnswer"];
export type RequestHistory = Schemas["RequestHistoryAnswer"];
export type Moved = Schemas["MovedAnswer"];
export type Retried = Schemas["RetriedAnswer"];
export type DagRun = Schemas["DagRunAnswer"];
export type Run = Schemas["RunAnswer"];
export type Item = Schemas["ItemAnswer"];
export type QueueItem = Schemas["QueueItemAnswer"];
export type QueueItems = Schemas["QueueAnswer"];
export type MovedDates = Schemas["MovedDatesAnswer"];
export type Hold = Schemas["HoldAnswer"];
export type Sla = Schemas["SlaAnswer"];
export type Checks = Schemas["ChecksAnswer"];
export type Check = Schemas["CheckAnswer"];
export type Quality = Schemas["QualityAnswer"];
export type Messages = Schemas["MessagesAnswer"];
export type Message = Schemas["Message"];
export type Resent = Schemas["ResentAnswer"];
export type Fields = Schemas["FieldsAnswer"];
export type Field = Schemas["FieldAnswer"];
export type CheckKind = Schemas["CheckKindAnswer"];
export type Definition = Schemas["DefinitionAnswer"];
export type Draft = Schemas["DraftAnswer"];
export type FieldChange = Schemas["FieldChangeAnswer"];
export type Saved = Schemas["SavedAnswer"];
export type History = Schemas["ChangesAnswer"];
export type HistoryEntry = Schemas["ChangeAnswer"];

/** What the API refused, in its own words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly problems: { where: string; message: string }[] = [],
  ) {
    super(message);
  }
}

const address = (path: string): string => new URL(`backfill/api${path}`, document.baseURI).href;

const send = async <Answer>(path: string, options: RequestInit): Promise<Answer> => {
  let response: Response;
  try {
    response = await fetch(address(path), { credentials: "same-origin", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused(0, "Airflow's API server does not answer; see that it runs and that you are connected.");
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body === null)
    throw new Refused(401, "A page came in the place of an answer: your login has ended. Load the page anew to log in.");
  if (response.ok) return body as Answer;
  const said = (body ?? {}) as { detail?: string; problems?: { where: string; message: string }[] };
  throw new Refused(response.status, said.detail ?? response.statusText, said.problems ?? []);
};

export const get = <Answer>(path: string, signal?: AbortSignal): Promise<Answer> =>
  send<Answer>(path, signal ? { signal } : {});

export const post = <Answer>(path: string, body: object = {}, signal?: AbortSignal): Promise<Answer> =>
  hand<Answer>("POST", path, body, signal);

export const put = <Answer>(path: string, body: object): Promise<Answer> => hand<Answer>("PUT", path, body);

const hand = <Answer>(method: string, path: string, body: object, signal?: AbortSignal): Promise<Answer> =>
  send<Answer>(path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });

export const pathOf = (pipelineId: string, rest = ""): string =>
  `/pipelines/${encodeURIComponent(pipelineId)}${rest}`;
