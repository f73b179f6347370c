/** Small things that every page is made of: cells, the legend, and what stands where there is nothing to show. */

import type { ReactNode } from "react";
import { Link } from "react-router-dom";

import type { Refused } from "../api";
import { type Cell, MARK, MEANS, STATUSES, type Status } from "../logic/cells";

export const CellMark = ({ cell, children }: { cell: Cell; children?: ReactNode }) => (
  <span className={`bf-cell bf-${cell.status}${cell.late ? " bf-late" : ""}${children ? " bf-day" : ""}`} aria-hidden>
    {children}
    {children ? <i>{MARK[cell.status]}</i> : MARK[cell.status] || "·"}
  </span>
);

export const StatusMark = ({ status }: { status: Status }) => (
  <span className={`bf-cell bf-${status}`} style={{ padding: "3px 7px", gap: 5 }}>
    <span aria-hidden>{MARK[status]}</span> {status}
  </span>
);

export const Legend = () => (
  <div className="bf-legend" aria-label="Legend">
    {STATUSES.map((status) => (
      <span key={status}>
        <CellMark cell={{ status, late: false }} />
        {MEANS[status]}
      </span>
    ))}
    <span>
      <CellMark cell={{ status: "missing", late: true }} />
      corner: past its deadline
    </span>
    <span>
      <CellMark cell={{ status: "excluded", late: false }} />
      not expected
    </span>
  </div>
);

export const Problem = ({ problem, again }: { problem: Refused; again?: () => void }) => (
  <div className="bf-problem" role="alert">
    <strong>{TITLES[problem.status] ?? "That did not work"}</strong>
    {problem.problems.length > 1 ? (
      <ul style={{ margin: "4px 0 0", paddingInlineStart: 18 }}>
        {problem.problems.map((one) => (
          <li key={`${one.where}${one.message}`}>
            {one.where && <b>{one.where}: </b>}
            {one.message}
          </li>
        ))}
      </ul>
    ) : (
      <div>{problem.message}</div>
    )}
    {problem.status === 401 ? (
      <button className="bf-button bf-small" style={{ marginTop: 8 }} type="button" onClick={() => window.location.reload()}>
        Load the page anew
      </button>
    ) : (
      again && (
        <button className="bf-button bf-small" style={{ marginTop: 8 }} type="button" onClick={again}>
          Try again
        </button>
      )
    )}
  </div>
);

const TITLES: Record<number, string> = {
  0: "No answer",
  401: "You are not logged in",
  403: "Not yours to do",
  404: "Not there, or not yours to see",
  409: "It changed meanwhile",
  422: "That cannot be done",
  503: "The registry does not answer",
};

export const Waiting = ({ rows = 6 }: { rows?: number }) => (
  <div className="bf-stack" role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, index) => (
      <div className="bf-wait" key={index} style={{ width: `${92 - ((index * 17) % 40)}%` }} />
    ))}
  </div>
);

export const Empty = ({ title, children }: { title: string; children?: ReactNode }) => (
  <div className="bf-empty">
    <strong style={{ display: "block" }}>{title}</strong>
    {children}
  </div>
);

interface StepProps {
  label?: string;
  isEnd: boolean;
  onStep: () => void;
  children: ReactNode;
}

/** A step to a neighbour. A button that is disabled at the end would drop the focus of the keyboard that pressed it. */
export const StepButton = ({ label, isEnd, onStep, children }: StepProps) => (
  <button className="bf-button bf-small" type="button" aria-label={label} aria-disabled={isEnd} onClick={() => !isEnd && onStep()}>
    {children}
  </button>
);

export const pipelineUrl = (pipelineId: string, more = ""): string =>
  `/plugin/backfills?pipeline=${encodeURIComponent(pipelineId)}${more}`;

export const requestUrl = (requestId: string): string => `/plugin/backfills?view=queue&request=${requestId}`;

export const RunLink = ({ dagId, runId }: { dagId: string; runId: string }) => (
  <Link to={`/dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}`}>{runId}</Link>
);

/** A job of a platform, by a link where it has a page. */
export const JobLink = ({ id, url }: { id: string; url: string | null }) =>
  url && /^https?:\/\//.test(url) ? (
    <a href={url} target="_blank" rel="noreferrer">
      {id} ↗
    </a>
  ) : (
    <>{id}</>
  );
