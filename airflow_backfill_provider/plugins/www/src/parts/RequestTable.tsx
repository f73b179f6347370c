/**
 * Requests with how far they are, and the verbs that steer them: by mouse, or by a letter on the focused row.
 *
 * Arrows move between rows.
 */

import type { KeyboardEvent } from "react";
import { Link } from "react-router-dom";

import type { BackfillRequest } from "../api";
import { verbOfKey } from "../logic/steer";
import { instant, until } from "../logic/words";
import { pipelineUrl } from "./bits";
import { Priority, type Steering, Verbs } from "./Steering";

interface Props {
  requests: BackfillRequest[];
  selected: string | null;
  onSelect: (requestId: string | null) => void;
  steering: Steering;
}

export const RequestTable = ({ requests, selected, onSelect, steering }: Props) => {
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
    if (typeof verb === "number") steering.nudge(request, verb);
    else {
      event.preventDefault(); // the letter is not the first one of the reason
      steering.ask(request, verb);
    }
  };
  return (
    <div className="bf-stack">
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
                <Priority request={request} steering={steering} />
              </td>
              <td role="gridcell">
                <Verbs request={request} steering={steering} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="bf-muted bf-wide bf-small-print">
        On a row: Enter shows its dates, p pauses, or resumes what is paused, c cancels, r retries, + and − change the priority.
      </div>
    </div>
  );
};

const HEADS = ["Request", "Pipelines", "Progress", "Priority", "Steer"];
const SHOWN = 3;

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
