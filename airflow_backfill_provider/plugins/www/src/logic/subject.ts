/** What a question is about, whichever part of it is asked for. */

/**
 * The place and the pipeline. Pages, years and filters choose a part of the same: the part before can stand until the
 * next one comes. What is told of one pipeline must never stand as another one's.
 */
export const subjectOf = (path: string): string => {
  const [place = "", query = ""] = path.split("?");
  return `${place} ${new URLSearchParams(query).get("pipeline_id") ?? ""}`;
};
