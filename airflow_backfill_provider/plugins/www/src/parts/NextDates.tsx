/** Which run dates a row picks next, and when their ticks come. */

import { useState } from "react";

import type { Draft } from "../api";
import { longDay } from "../logic/dates";
import { instant, plural } from "../logic/words";

const FEW = 10;

export const NextDates = ({ draft, active }: { draft: Draft | null; active: boolean }) => {
  const [all, setAll] = useState(false);
  const dates = draft?.next_dates ?? [];
  return (
    <section className="bf-card" aria-label="Next dates">
      <h2>Next dates</h2>
      {!draft && <span className="bf-muted">Asking…</span>}
      {draft && draft.schedule === null && <span className="bf-muted">They are shown once its schedule can be read.</span>}
      {draft?.schedule && (
        <>
          <div>{draft.schedule}</div>
          {!active && <div className="bf-muted">It is switched off: nothing of this is started.</div>}
          {draft.manual && <div className="bf-muted">It has no ticks; people pick its dates.</div>}
          {!draft.manual && !dates.length && <div className="bf-muted">It picks no date any more.</div>}
          <ol className="bf-dates" aria-live="off">
            {(all ? dates : dates.slice(0, FEW)).map((one) => (
              <li key={one.run_date} title={one.why}>
                <b>{longDay(one.run_date)}</b>
                <span className="bf-muted" style={{ textAlign: "end" }}>
                  <span style={{ display: "block" }}>ticks {instant(one.tick_at)}</span>
                  {one.deadline_at && <span style={{ display: "block" }}>done by {instant(one.deadline_at)}</span>}
                </span>
              </li>
            ))}
          </ol>
          {dates.length > FEW && (
            <button className="bf-button bf-small" type="button" aria-expanded={all} onClick={() => setAll(!all)}>
              {all ? "Show fewer" : `Show ${plural(dates.length, "date")}`}
            </button>
          )}
        </>
      )}
    </section>
  );
};
