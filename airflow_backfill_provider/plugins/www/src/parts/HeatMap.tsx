/**
 * Pipelines and days: each cell says how a date stands. Arrow keys move, also to a pipeline's name; Enter opens.
 *
 * One place in it takes the Tab key, and the next Tab leaves it, however many pipelines there are.
 */

import { type FocusEvent, type KeyboardEvent, memo, type MouseEvent, useMemo, useRef, useState } from "react";
import { Link, useNavigate } from "react-router-dom";

import type { Grid, GridRow } from "../api";
import { cellLabel, cellOf } from "../logic/cells";
import { longDay, MONTHS, range, weekday } from "../logic/dates";
import { CellMark, pipelineUrl } from "./bits";

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The column of the names; the days follow it. */
const NAME = 0;

interface RowProps {
  row: GridRow;
  days: string[];
  /** The column that takes the Tab key; null when another row has it. */
  stop: number | null;
}

const Row = memo(({ row, days, stop }: RowProps) => (
  <tr>
    <th scope="row">
      <span className="bf-head">
        <Link className="bf-name" tabIndex={stop === NAME ? 0 : -1} to={pipelineUrl(row.pipeline_id)} title={`${row.name} (${row.pipeline_id})`}>
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
          tabIndex={stop === index + 1 ? 0 : -1}
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
  const [place, setPlace] = useState<{ id: string; column: number } | null>(null);
  const there = place && grid.pipelines.some((row) => row.pipeline_id === place.id);
  const stop = there ? place : { id: grid.pipelines[0]?.pipeline_id ?? "", column: days.length };
  const open = (cell: HTMLElement | null | undefined) => {
    if (cell?.dataset.day) navigate(pipelineUrl(cell.dataset.id ?? "", `&date=${cell.dataset.day}`));
  };
  const cellOfEvent = (event: MouseEvent) =>
    (event.target as HTMLElement).closest<HTMLTableCellElement>("td[data-id]");
  const onKeyDown = (event: KeyboardEvent) => {
    const cell = (event.target as HTMLElement).closest<HTMLTableCellElement>("th, td");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    if ((event.key === "Enter" || event.key === " ") && cell.dataset.id) {
      event.preventDefault();
      open(cell);
    }
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const row = cell.parentElement as HTMLTableRowElement;
    const next = body.current?.rows[row.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
    (next?.cellIndex === NAME ? next.querySelector("a") : next)?.focus();
  };
  const onFocus = (event: FocusEvent) => {
    const cell = (event.target as HTMLElement).closest<HTMLTableCellElement>("th, td");
    const row = cell && grid.pipelines[(cell.parentElement as HTMLTableRowElement).sectionRowIndex];
    if (row && !(stop.id === row.pipeline_id && stop.column === cell.cellIndex)) setPlace({ id: row.pipeline_id, column: cell.cellIndex });
  };
  return (
    <div className="bf-grid" tabIndex={-1} ref={toTheEnd}>
      <table role="grid" aria-label={`Run dates from ${grid.first} to ${grid.last}`} aria-rowcount={grid.total + 1}>
        <thead>
          <tr>
            <th scope="col">Pipeline</th>
            {days.map((day, index) => (
              <th key={day} scope="col" aria-label={day} title={longDay(day)} className={weekday(day) === 0 ? "bf-week" : undefined}>
                <b className="bf-month-name">{(index === 0 || day.endsWith("-01")) && MONTHS[Number(day.slice(5, 7)) - 1]?.slice(0, 3)}</b>
                {Number(day.slice(8))}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body} onClick={(event) => open(cellOfEvent(event))} onKeyDown={onKeyDown} onFocus={onFocus}>
          {grid.pipelines.map((row) => (
            <Row key={row.pipeline_id} row={row} days={days} stop={row.pipeline_id === stop.id ? stop.column : null} />
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
