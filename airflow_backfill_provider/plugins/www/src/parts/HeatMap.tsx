/** Pipelines and days: each cell says how a date stands. Arrow keys move, Enter opens the date. */

import { type KeyboardEvent, memo, type MouseEvent, useMemo, useRef } from "react";
import { Link, useNavigate } from "react-router-dom";

import type { Grid, GridRow } from "../api";
import { cellLabel, cellOf } from "../logic/cells";
import { MONTHS, range, weekday } from "../logic/dates";
import { CellMark, pipelineUrl } from "./bits";

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

const Row = memo(({ row, days, first }: { row: GridRow; days: string[]; first: boolean }) => (
  <tr>
    <th scope="row">
      <span className="bf-head">
        <Link className="bf-name" to={pipelineUrl(row.pipeline_id)} title={`${row.name} (${row.pipeline_id})`}>
          {row.name}
        </Link>
        <span className="bf-count" title={`${row.counts.missing} missing, ${row.counts.failed} failed, ${row.counts.stale} stale; ${row.late} late`}>
          {row.owed > 0 && <b>{row.owed} owed</b>}
          {row.late > 0 && <span className="bf-muted bf-wide">, {row.late} late</span>}
        </span>
      </span>
      {row.problem && (
        <span className="bf-name bf-danger" title={row.problem} style={{ fontSize: 12 }}>
          ⚠ {row.problem}
        </span>
      )}
    </th>
    {days.map((day, index) => {
      const cell = cellOf(row.cells[index] ?? ".");
      const known = cell.status !== "excluded";
      return (
        <td
          key={day}
          className={weekday(day) === 0 ? "bf-week" : undefined}
          tabIndex={first && index === days.length - 1 ? 0 : -1}
          data-id={row.pipeline_id}
          data-day={known ? day : undefined}
          aria-label={cellLabel(row.name, day, cell)}
          title={known ? cellLabel(row.name, day, cell) : undefined}
        >
          <CellMark cell={cell} />
        </td>
      );
    })}
  </tr>
));

export const HeatMap = ({ grid }: { grid: Grid }) => {
  const navigate = useNavigate();
  const body = useRef<HTMLTableSectionElement>(null);
  const days = useMemo(() => range(grid.first, grid.last), [grid.first, grid.last]);
  const open = (cell: HTMLElement | null | undefined) => {
    if (cell?.dataset.day) navigate(pipelineUrl(cell.dataset.id ?? "", `&date=${cell.dataset.day}`));
  };
  const cellOfEvent = (event: MouseEvent | KeyboardEvent) =>
    (event.target as HTMLElement).closest<HTMLTableCellElement>("td[data-id]");
  const onKeyDown = (event: KeyboardEvent) => {
    const cell = cellOfEvent(event);
    if (!cell) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(cell);
    }
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const row = cell.parentElement as HTMLTableRowElement;
    const next = body.current?.rows[row.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
    if (next?.dataset.id) {
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  };
  return (
    <div className="bf-grid" tabIndex={-1} ref={toTheEnd}>
      <table role="grid" aria-label={`Run dates from ${grid.first} to ${grid.last}`} aria-rowcount={grid.total + 1}>
        <thead>
          <tr>
            <th scope="col">Pipeline</th>
            {days.map((day, index) => (
              <th key={day} scope="col" aria-label={day} className={weekday(day) === 0 ? "bf-week" : undefined}>
                {index === 0 || day.endsWith("-01") ? (
                  <b>{MONTHS[Number(day.slice(5, 7)) - 1]?.slice(0, 3)}</b>
                ) : (
                  Number(day.slice(8))
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body} onClick={(event) => open(cellOfEvent(event))} onKeyDown={onKeyDown}>
          {grid.pipelines.map((row, index) => (
            <Row key={row.pipeline_id} row={row} days={days} first={index === 0} />
          ))}
        </tbody>
      </table>
    </div>
  );
};

/** The newest days are what matters where not all fit. */
const toTheEnd = (element: HTMLDivElement | null): void => {
  if (element) element.scrollLeft = element.scrollWidth;
};
