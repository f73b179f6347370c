/**
 * Requests with how far they are, and the verbs that steer them: by mouse, or by a letter on the focused row.
 *
 * Each verb but a step of the priority by + and − asks first, and takes a reason. Arrows move between rows.
 */

import { type KeyboardEvent, useState } from "react";
import { Link } from "react-router-dom";

import { type BackfillRequest, type Moved, post, type Refused } from "../api";
import { isLive, questionOf, saidOf, type Verb, verbOfKey, verbsOf } from "../logic/steer";
import { instant, until } from "../logic/words";
import { Ask } from "./Ask";
import { pipelineUrl, Problem } from "./bits";

interface Props {
  requests: BackfillRequest[];
  selected: string | null;
  onSelect: (requestId: string | null) => void;
  /** After something was done. */
  onDone: () => void;
}

export const RequestTable = ({ requests, selected, onSelect, onDone }: Props) => {
  const [refused, setRefused] = useState<Refused | null>(null);
  const [asked, setAsked] = useState<{ request: BackfillRequest; verb: Verb; priority: number } | null>(null);
  const ask = (request: BackfillRequest, verb: Verb) => setAsked({ request, verb, priority: request.priority });
  const [said, setSaid] = useState("");
  const steer = async (request: BackfillRequest, verb: Verb, body: object = {}) => {
    setRefused(null);
    setSaid("");
    try {
      const moved = await post<Moved>(`/requests/${request.request_id}/${verb}`, body);
      setSaid(saidOf(verb, moved));
      onDone();
    } catch (error) {
      setRefused(error as Refused);
    }
  };
  const nudge = (request: BackfillRequest, by: number) =>
    void steer(request, "reprioritize", { priority: request.priority + by });
  const onKeyDown = (event: KeyboardEvent, request: BackfillRequest) => {
    if (event.target !== event.currentTarget) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onSelect(selected === request.request_id ? null : request.request_id);
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = event.key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling";
      ((event.currentTarget as HTMLElement)[next] as HTMLElement | null)?.focus();
    }
    // Ctrl+R and its like are the browser's, and a key that is held down is pressed once.
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const verb = verbOfKey(event.key, request);
    if (!verb || !request.can_act) return;
    if (typeof verb === "number") nudge(request, verb);
    else {
      event.preventDefault(); // the letter is not the first one of the reason
      ask(request, verb);
    }
  };
  return (
    <div className="bf-stack">
      {refused && <Problem problem={refused} />}
      <div className={said ? "bf-done-note" : "bf-hidden"} role="status">
        {said}
      </div>
      <table className="bf-table bf-cards" role="grid" aria-label="Requests">
        <thead role="rowgroup">
          <tr role="row">
            {HEADS.map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {requests.map((request) => (
            <tr
              key={request.request_id}
              role="row"
              tabIndex={0}
              aria-selected={selected === request.request_id}
              aria-label={`Request ${request.request_id}, ${request.state}, ${request.percent} percent ended`}
              onKeyDown={(event) => onKeyDown(event, request)}
            >
              <td role="gridcell" style={{ minWidth: 190 }}>
                <button className="bf-pick" style={{ marginInlineStart: -4 }} type="button" aria-expanded={selected === request.request_id} onClick={() => onSelect(selected === request.request_id ? null : request.request_id)}>
                  <b>{request.request_id}</b> <span className="bf-chip">{request.state}</span>
                </button>
                <div className="bf-muted bf-small-print">
                  {request.requested_by}, {instant(request.requested_at)}
                </div>
                {request.why && <div>{request.why}</div>}
              </td>
              <td role="gridcell" style={{ minWidth: 140 }}>
                {request.pipelines.slice(0, SHOWN).map((name) => (
                  <div key={name}>
                    <Link to={pipelineUrl(name)}>{name}</Link>
                  </div>
                ))}
                {request.pipelines.length > SHOWN && <span className="bf-muted">and {request.pipelines.length - SHOWN} more</span>}
              </td>
              <td role="gridcell" style={{ minWidth: 190 }}>
                <Bar request={request} />
              </td>
              <td role="gridcell" style={{ whiteSpace: "nowrap" }}>
                <span className="bf-card-label" aria-hidden>
                  Priority{" "}
                </span>
                <Priority request={request} onStep={(by) => nudge(request, by)} onAsk={() => ask(request, "reprioritize")} />
              </td>
              <td role="gridcell">
                {request.can_act && (
                  <div className="bf-row bf-verbs">
                    {verbsOf(request).map((verb) => (
                      <button className={`bf-button bf-small${verb === "cancel" ? " bf-danger" : ""}`} key={verb} type="button" aria-label={`${verb} ${request.request_id}`} onClick={() => ask(request, verb)}>
                        {verb}
                      </button>
                    ))}
                  </div>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="bf-muted bf-wide bf-small-print">
        On a row: Enter shows its dates, p pauses, or resumes what is paused, c cancels, r retries, + and − change the priority.
      </div>
      {asked && (
        <Ask
          {...questionOf(asked.verb, asked.request)}
          reason
          onNo={() => setAsked(null)}
          onYes={(why) => {
            setAsked(null);
            void steer(asked.request, asked.verb, { why: why || null, ...(asked.verb === "reprioritize" && { priority: asked.priority }) });
          }}
        >
          {questionOf(asked.verb, asked.request).words}
          {asked.verb === "reprioritize" && (
            <label className="bf-label" style={{ marginTop: 12 }}>
              Priority
              <input className="bf-input" type="number" min={-1000000} max={1000000} value={asked.priority} onChange={(event) => setAsked({ ...asked, priority: Math.trunc(Number(event.target.value)) || 0 })} />
            </label>
          )}
        </Ask>
      )}
    </div>
  );
};

const HEADS = ["Request", "Pipelines", "Progress", "Priority", "Steer"];
const SHOWN = 3;

/** The priority, with a step down and up where it may be changed. */
const Priority = ({ request, onStep, onAsk }: { request: BackfillRequest; onStep: (by: 1 | -1) => void; onAsk: () => void }) =>
  request.can_act && isLive(request) ? (
    <>
      <button className="bf-button bf-small" type="button" aria-label={`Lower the priority of ${request.request_id}`} onClick={() => onStep(-1)}>
        −
      </button>{" "}
      <button className="bf-pick" type="button" title="Change the priority, with a reason" aria-label={`${request.priority}: change the priority of ${request.request_id}`} onClick={onAsk}>
        {request.priority}
      </button>{" "}
      <button className="bf-button bf-small" type="button" aria-label={`Raise the priority of ${request.request_id}`} onClick={() => onStep(1)}>
        +
      </button>
    </>
  ) : (
    <>{request.priority}</>
  );

const PARTS = [
  ["success", "success-solid", "done"],
  ["failed", "failed-solid", "failed"],
  ["in_progress", "running-solid", "running"],
  ["cancelling", "running-solid", "being cancelled"],
  ["skipped", "skipped-solid", "filled otherwise"],
  ["cancelled", "queued-solid", "cancelled"],
  ["pending", "", "waiting"],
] as const;

export const Bar = ({ request }: { request: BackfillRequest }) => {
  const words = PARTS.filter(([status]) => request.counts[status]).map(([status, , name]) => `${request.counts[status]} ${name}`);
  const eta = until(request.eta_at, Date.now());
  return (
    <>
      <div className="bf-bar" role="progressbar" aria-valuemin={0} aria-valuemax={100} aria-valuenow={request.percent} aria-label={`Progress of ${request.request_id}`}>
        {PARTS.map(([status, color]) =>
          color && request.counts[status] ? (
            <span key={status} style={{ width: `${(100 * request.counts[status]) / request.items}%`, background: `var(--chakra-colors-${color})` }} />
          ) : null,
        )}
      </div>
      <div style={{ fontSize: 13 }}>
        {words.join(", ")}
        {eta && <span className="bf-muted">; ready {eta}</span>}
        {request.kept_back > 0 && <span className="bf-muted">; {request.kept_back} kept back until you resume</span>}
      </div>
    </>
  );
};
