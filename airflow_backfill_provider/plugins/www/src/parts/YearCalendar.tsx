/**
 * A year of run dates to pick from: click, drag, shift-click, a weekday, a month; or the keyboard.
 *
 * One day takes the Tab key, and the next Tab leaves the year. What the heads do with the mouse, ``w`` and ``m`` do.
 */

import { type KeyboardEvent, memo, type PointerEvent, useRef, useState } from "react";

import { cellLabel, type Status } from "../logic/cells";
import { addDays, longDay, monthRows, MONTHS, monthsUpTo, range, weekday, WEEKDAYS } from "../logic/dates";
import { changed, onWeekday, toggledAll } from "../logic/selection";
import { CellMark } from "./bits";

export interface DayState {
  status: Status;
  reason: string;
  late: boolean;
}

interface Props {
  year: number;
  today: string;
  /** Today, or the last date after it that is expected already. */
  last: string;
  days: ReadonlyMap<string, DayState>;
  /** Whether a day can be picked. */
  pickable: (day: string) => boolean;
  picked: ReadonlySet<string>;
  onPick: (picked: ReadonlySet<string>) => void;
  /** The day whose story is told. */
  onLook: (day: string) => void;
}

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

interface Drag {
  from: string;
  add: boolean;
  before: ReadonlySet<string>;
}

export const YearCalendar = ({ year, today, last, days, pickable, picked, onPick, onLook }: Props) => {
  const root = useRef<HTMLDivElement>(null);
  const drag = useRef<Drag | null>(null);
  const anchor = useRef<string | null>(null);
  const [focused, setFocused] = useState(today);
  const can = (some: string[]) => some.filter(pickable);
  const months = monthsUpTo(year, last);
  const daysOf = (month: number) => can(monthRows(year, month).flat().filter((day) => day !== null));
  const stop = focused.startsWith(String(year)) && months.includes(Number(focused.slice(5, 7))) ? focused : firstOf(year, months[0] ?? 1);
  const stretch = (to: string) => {
    const { from, add, before } = drag.current!;
    onPick(changed(before, can(range(from, to)), add));
  };
  const dayAt = (target: EventTarget | null) =>
    (target as HTMLElement | null)?.closest<HTMLElement>("td[data-pick]")?.dataset.pick;
  const onPointerDown = (event: PointerEvent) => {
    const day = dayAt(event.target);
    if (!day || event.button !== 0) return;
    (event.target as Element).releasePointerCapture?.(event.pointerId);
    const from = event.shiftKey && anchor.current ? anchor.current : day;
    drag.current = { from, add: event.shiftKey || !picked.has(day), before: picked };
    anchor.current = event.shiftKey ? anchor.current : day;
    setFocused(day);
    stretch(day);
    onLook(day);
  };
  const onPointerOver = (event: PointerEvent) => {
    const day = dayAt(event.target);
    if (drag.current && day) stretch(day);
  };
  /** A finger that scrolls has picked nothing. */
  const onPointerCancel = () => {
    if (drag.current) onPick(drag.current.before);
    drag.current = null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const day = (event.target as HTMLElement).dataset.day;
    if (!day) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (event.key === " " && pickable(day)) onPick(changed(picked, [day], !picked.has(day)));
      anchor.current = day;
      onLook(day);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "w" || event.key === "m") {
      const all = daysOf(Number(day.slice(5, 7)));
      onPick(toggledAll(picked, event.key === "m" ? all : onWeekday(all, weekday(day))));
      return;
    }
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = addDays(day, step);
    const cell = root.current?.querySelector<HTMLElement>(`td[data-day="${next}"]`);
    if (!cell) return; // a day that is not drawn must not take the only tab stop
    if (event.shiftKey) onPick(changed(picked, can(range(day, next)), true));
    setFocused(next);
    cell.focus();
  };
  return (
    <div
      className="bf-year"
      ref={root}
      onPointerDown={onPointerDown}
      onPointerOver={onPointerOver}
      onPointerUp={() => (drag.current = null)}
      onPointerLeave={() => (drag.current = null)}
      onPointerCancel={onPointerCancel}
      onKeyDown={onKeyDown}
    >
      {months.map((month) => {
        const name = MONTHS[month - 1]!;
        const rows = monthRows(year, month);
        const all = daysOf(month);
        return (
          <section className="bf-month" key={name} aria-label={`${name} ${year}`}>
            <button className="bf-pick" type="button" tabIndex={-1} disabled={!all.length} title={`Pick every date of ${name}`} onClick={() => onPick(toggledAll(picked, all))}>
              <b>{name}</b>
            </button>
            <table role="grid" aria-multiselectable aria-label={`${name} ${year}`}>
              <thead>
                <tr>
                  {WEEKDAYS.map((called, which) => (
                    <th key={called} scope="col">
                      <button className="bf-pick" type="button" tabIndex={-1} title={`Pick every ${called} of ${name}`} aria-label={`${called.slice(0, 2)}: every ${called} of ${name}`} onClick={() => onPick(toggledAll(picked, onWeekday(all, which)))}>
                        {called.slice(0, 2)}
                      </button>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.find(Boolean)}>
                    {row.map((day, column) =>
                      day === null ? (
                        <td key={column} />
                      ) : (
                        <Day key={day} day={day} state={days.get(day)} can={pickable(day)} picked={picked.has(day)} focused={day === stop} today={day === today} />
                      ),
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        );
      })}
    </div>
  );
};

const firstOf = (year: number, month: number): string => `${year}-${String(month).padStart(2, "0")}-01`;

interface DayProps {
  day: string;
  state: DayState | undefined;
  can: boolean;
  picked: boolean;
  focused: boolean;
  today: boolean;
}

const Day = memo(({ day, state, can, picked, focused, today }: DayProps) => {
  const cell = state ?? { status: "excluded" as const, late: false };
  const label = cellLabel(longDay(day), day, cell) + (state?.reason ? `, ${state.reason}` : "");
  return (
    <td
      role="gridcell"
      className={today ? "bf-today" : undefined}
      tabIndex={focused ? 0 : -1}
      data-day={day}
      data-pick={can ? day : undefined}
      data-status={cell.status}
      aria-selected={can ? picked : undefined}
      title={label}
    >
      <span className="bf-hidden">{label}</span>
      <CellMark cell={cell}>{Number(day.slice(8))}</CellMark>
    </td>
  );
});
