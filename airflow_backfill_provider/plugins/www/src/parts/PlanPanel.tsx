/** What will happen with the picked dates, and the button that makes it happen. */

import { type ReactNode, useState } from "react";
import { Link } from "react-router-dom";

import { type Created, post, type Refused } from "../api";
import { toText } from "../logic/selection";
import { duration, plural } from "../logic/words";
import { bodyOf, type Choice, commandOf, withoutAsked } from "../logic/wish";
import { Ask } from "./Ask";
import { Problem, requestUrl } from "./bits";
import { CopyButton } from "./CopyButton";
import { Planned } from "./Planned";
import { usePlan } from "./usePlan";

const ASK_ABOVE = 100;

interface Props {
  pipelineId: string;
  choice: Choice;
  /** By the choice as it is then, which may be another one than was shown. */
  onChoice: (change: (now: Choice) => Choice) => void;
  canStart: boolean;
  /** After a request was made. */
  onStarted: () => void;
}

export const PlanPanel = ({ pipelineId, choice, onChoice, canStart, onStarted }: Props) => {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<Created | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const planning = usePlan(pipelineId, choice, canStart);
  const { plan, problem, isCurrent } = planning;
  const set = (values: Partial<Choice>) => onChoice((now) => ({ ...now, ...values }));
  const start = async () => {
    setAsking(false);
    setBusy(true);
    setRefused(null);
    setMade(null);
    try {
      setMade(await post<Created>("/requests", bodyOf(pipelineId, choice)));
      onChoice((now) => withoutAsked(now, choice));
      onStarted();
    } catch (error) {
      setRefused(error as Refused);
    } finally {
      setBusy(false);
    }
  };
  const count = plan?.count ?? 0;
  return (
    <section className="bf-card bf-stack" aria-label="Fill dates">
      <div className="bf-between">
        <h2 style={{ margin: 0 }}>{choice.dates.size ? `${plural(choice.dates.size, "date")} picked` : "Fill dates"}</h2>
        {choice.dates.size > 0 && (
          <button className="bf-button bf-small" type="button" onClick={() => set({ dates: new Set() })}>
            Pick none
          </button>
        )}
      </div>
      {made && (
        <div className="bf-done-note" role="status">
          <strong>{plural(made.plan.count, "date")} asked for.</strong> Request{" "}
          <Link to={requestUrl(made.request_id)}>{made.request_id}</Link> works on them; this page follows it.
        </div>
      )}
      {!choice.dates.size && !made && (
        <>
          <span className="bf-muted">Click dates, drag over them, shift-click for a range, or use the buttons above the calendar.</span>
          <span className="bf-muted bf-small-print">
            By keyboard: arrows move, space picks, shift with an arrow goes on picking, w picks the weekday in its month, m the month, Enter tells the story.
          </span>
        </>
      )}
      {choice.dates.size > 0 && (
        <>
          <span className="bf-muted" style={{ overflowWrap: "anywhere", fontSize: 13 }}>
            {shortened(toText(choice.dates))}
          </span>
          {!canStart && <div className="bf-empty" style={{ padding: 12 }}>You may see this pipeline, but not start its runs.</div>}
          {canStart && (
            <>
              <Options choice={choice} set={set} />
              {problem && <Problem problem={problem} />}
              {plan && <Planned plan={plan} planning={planning} pipelineId={pipelineId} />}
              {refused && <Problem problem={refused} />}
              <button className="bf-button bf-main" type="button" disabled={busy || !plan || !isCurrent || !count} onClick={() => (count > ASK_ABOVE ? setAsking(true) : void start())}>
                {busy ? "Asking…" : plan && isCurrent ? `Fill ${plural(count, "date")}` : "Fill dates"}
              </button>
            </>
          )}
          <details>
            <summary>The same on the command line</summary>
            <code className="bf-code">{commandOf(pipelineId, choice)}</code>
            <CopyButton text={commandOf(pipelineId, choice)} label="Copy as CLI command" />
          </details>
        </>
      )}
      {asking && (
        <Ask title={`Fill ${plural(count, "date")}?`} yes={`Yes, fill ${count}`} onYes={() => void start()} onNo={() => setAsking(false)}>
          That makes {plural(plan?.runs ?? 0, "run")}
          {plan?.estimated_seconds ? `, ${duration(plan.estimated_seconds)} by past runs` : ""}.
        </Ask>
      )}
    </section>
  );
};

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)} …` : text);

const Options = ({ choice, set }: { choice: Choice; set: (values: Partial<Choice>) => void }) => (
  <div className="bf-stack" style={{ gap: 8 }}>
    <label className="bf-label">
      Why
      <input className="bf-input" maxLength={2000} placeholder="People read it in the story of each date" value={choice.why} onChange={(event) => set({ why: event.target.value })} />
    </label>
    <div className="bf-row">
      <label className="bf-label" style={{ flex: 1 }}>
        Priority
        <input className="bf-input" type="number" min={-1000000} max={1000000} value={choice.priority} onChange={(event) => set({ priority: Math.trunc(Number(event.target.value)) || 0 })} />
      </label>
      <label className="bf-label" style={{ flex: 1 }}>
        Order
        <select className="bf-input" value={choice.newestFirst ? "newest" : "oldest"} onChange={(event) => set({ newestFirst: event.target.value === "newest" })}>
          <option value="oldest">Oldest first</option>
          <option value="newest">Newest first</option>
        </select>
      </label>
    </div>
    <Check checked={choice.firstN !== null} onChange={(on) => set({ firstN: on ? 3 : null })}>
      Try three first; the others wait until I resume the request
    </Check>
    <Check checked={choice.again} onChange={(again) => set({ again })}>
      Run dates again that are done
    </Check>
    <Check checked={choice.downstream} onChange={(downstream) => set({ downstream })}>
      Also the matching dates of pipelines that wait for these
    </Check>
  </div>
);

const Check = ({ checked, onChange, children }: { checked: boolean; onChange: (on: boolean) => void; children: ReactNode }) => (
  <label className="bf-check">
    <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
    <span>{children}</span>
  </label>
);
