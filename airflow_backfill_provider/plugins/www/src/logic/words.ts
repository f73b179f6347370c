/** Instants and durations for people. */

/** The time zone that the person chose in Airflow's menu; before that the browser's own. */
export const zone = (): string => {
  try {
    const chosen: unknown = JSON.parse(localStorage.getItem("timezone") ?? "null");
    if (typeof chosen === "string") {
      new Intl.DateTimeFormat("en", { timeZone: chosen });
      return chosen;
    }
  } catch {
    // a value of another program's, or a zone this browser does not know
  }
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
};

/** "2026-11-28 14:05 CET" */
export const instant = (iso: string | null | undefined, timeZone: string = zone()): string => {
  if (!iso) return "";
  const at = new Date(iso);
  const parts = new Intl.DateTimeFormat("sv-SE", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    timeZone,
  }).format(at);
  const name = new Intl.DateTimeFormat("en", { timeZoneName: "short", timeZone })
    .formatToParts(at)
    .find((part) => part.type === "timeZoneName")?.value;
  return `${parts} ${name ?? timeZone}`;
};

/** "about 3 minutes" */
export const duration = (seconds: number | null | undefined): string => {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} seconds`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
  if (seconds < 172_800) return `about ${Math.round(seconds / 3600)} hours`;
  return `about ${Math.round(seconds / 86_400)} days`;
};

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** "in 4 minutes"; "any moment" when it should have been. */
export const until = (iso: string | null | undefined, now: number): string => {
  if (!iso) return "";
  const seconds = (Date.parse(iso) - now) / 1000;
  return seconds <= 0 ? "any moment" : `in ${duration(seconds).replace("about ", "")}`;
};
