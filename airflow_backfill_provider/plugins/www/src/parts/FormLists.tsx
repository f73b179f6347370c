/** What a row has several of: parameters, upstreams, quality checks. */

import { type ReactNode, useId } from "react";

import type { CheckKind } from "../api";
import { entriesOf, labelOf, ofKind, type Problem, problemsAt, problemsOfList, settingsOf, settingText, settingValue, type Values } from "../logic/form";
import { described, Wrong } from "./FormField";

interface Props {
  value: unknown;
  problems: Problem[];
  changed: boolean;
  disabled: boolean;
  onChange: (value: Values[]) => void;
}

export const Parameters = (props: Props) => (
  <List {...props} column="parameters" one="parameter" about="Texts that the job is told besides its run dates; {{ run_date }} and the like are filled in." blank={{ name: "", value: "" }}>
    {(entry, set, place) => (
      <>
        <Text label="Name" value={entry.name} place={place} onChange={(name) => set({ ...entry, name })} />
        <Text label="Value" value={entry.value} place={place} onChange={(value) => set({ ...entry, value })} />
      </>
    )}
  </List>
);

export const Dependencies = (props: Props) => (
  <List {...props} column="dependencies" one="upstream" about="Pipelines whose dates must be done first. An offset of -1 means the day before the own date." blank={{ upstream_id: "", offset: 0 }}>
    {(entry, set, place) => (
      <>
        <Text label="Upstream" value={entry.upstream_id} place={place} onChange={(upstream_id) => set({ ...entry, upstream_id })} />
        <Text label="Offset in days" value={entry.offset} place={place} onChange={(offset) => set({ ...entry, offset: /^-?\d{1,9}$/.test(offset) ? Number(offset) : offset })} />
      </>
    )}
  </List>
);

export const QualityChecks = ({ kinds, ...props }: Props & { kinds: CheckKind[] }) => (
  <List {...props} column="quality_checks" one="check" about="What is asked of the data after a run. An error makes the date owed, a warning is told." blank={{ check_name: "", check_type: kinds[0]?.kind ?? "", severity: "error" }}>
    {(entry, set, place) => (
      <>
        <Text label="Name" value={entry.check_name} place={place} onChange={(check_name) => set({ ...entry, check_name })} />
        <Choice label="Kind" value={entry.check_type} options={kinds.map((one) => one.kind)} place={place} onChange={(kind) => set(ofKind(kinds, entry, kind))} />
        <Choice label="Severity" value={entry.severity} options={["error", "warn"]} place={place} onChange={(severity) => set({ ...entry, severity })} />
        {settingsOf(kinds, entry.check_type).map(({ name, needed }) => (
          <Text key={`${String(entry.check_type)} ${name}`} label={labelOf(name) + (needed ? " *" : "")} long={name === "sql"} value={settingText(entry[name])} place={place} at={name} onChange={(text) => set(withSetting(entry, name, settingValue(name, text)))} />
        ))}
      </>
    )}
  </List>
);

const withSetting = (entry: Values, name: string, value: unknown): Values => {
  const { [name]: _, ...others } = entry;
  return value === null ? others : { ...others, [name]: value };
};

interface Place {
  problems: Problem[];
  path: string;
  disabled: boolean;
}

interface ListProps extends Props {
  column: string;
  one: string;
  about: string;
  blank: Values;
  children: (entry: Values, set: (entry: Values) => void, place: Place) => ReactNode;
}

const List = ({ value, problems, changed, disabled, onChange, column, one, about, blank, children }: ListProps) => {
  const entries = entriesOf(value);
  const title = labelOf(column);
  return (
    <section className="bf-field bf-broad" aria-label={title}>
      <span className="bf-name-of">
        {title}
        {changed && <span className="bf-changed">changed</span>}
      </span>
      <span className="bf-about">{about}</span>
      <Wrong problems={problemsOfList(problems, column, entries.length)} />
      {entries.map((entry, index) => {
        const path = `${column}[${index}]`;
        const place = { problems, path, disabled };
        const inside = Object.keys(entry).map((name) => `${path}.${name}`);
        return (
          <div className="bf-entry" key={index} role="group" aria-label={`${one} ${index + 1}`}>
            <div className="bf-fields">{children(entry, (changedEntry) => onChange(entries.map((old, at) => (at === index ? changedEntry : old))), place)}</div>
            <Wrong problems={problemsAt(problems, path).filter(({ where }) => !inside.includes(where))} />
            {!disabled && (
              <button className="bf-button bf-small" style={{ alignSelf: "flex-start" }} type="button" onClick={() => onChange(entries.filter((_, at) => at !== index))}>
                Remove {one} {index + 1}
              </button>
            )}
          </div>
        );
      })}
      {!disabled && (
        <button className="bf-button bf-small" style={{ alignSelf: "flex-start", marginTop: 4 }} type="button" onClick={() => onChange([...entries, blank])}>
          Add {/^[aeiou]/.test(one) ? "an" : "a"} {one}
        </button>
      )}
      {disabled && !entries.length && <span className="bf-muted">None.</span>}
    </section>
  );
};

interface TextProps {
  label: string;
  value: unknown;
  place: Place;
  at?: string;
  long?: boolean;
  onChange: (text: string) => void;
}

const Text = ({ label, value, place, at, long, onChange }: TextProps) => {
  const id = useId();
  const name = at ?? label.toLowerCase();
  const wrong = place.problems.filter(({ where }) => where === `${place.path}.${name}`);
  const shared = { id, className: "bf-input", disabled: place.disabled, value: settingText(value), spellCheck: false, ...described(id, wrong) };
  return (
    <div className={`bf-field${long ? " bf-broad" : ""}`}>
      <label htmlFor={id}>{label}</label>
      {long ? (
        <textarea {...shared} rows={3} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input {...shared} autoComplete="off" onChange={(event) => onChange(event.target.value)} />
      )}
      <Wrong id={`${id}-wrong`} problems={wrong} />
    </div>
  );
};

const Choice = ({ label, value, options, place, onChange }: TextProps & { options: string[] }) => {
  const id = useId();
  const text = settingText(value);
  return (
    <div className="bf-field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="bf-input" disabled={place.disabled} value={text} onChange={(event) => onChange(event.target.value)}>
        {(options.includes(text) ? options : [text, ...options]).map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </div>
  );
};
