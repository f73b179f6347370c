/** One column of a row as a field: its name, what it means, what it holds, and what is wrong with it. */

import { type ReactNode, useId } from "react";

import type { Field } from "../api";
import { labelOf, type Problem, textOf, valueOf, wordsIn, wordsWith } from "../logic/form";

interface Props {
  field: Field;
  value: unknown;
  problems: Problem[];
  changed: boolean;
  disabled: boolean;
  onChange: (value: unknown) => void;
}

export const FormField = (props: Props) => {
  const { field, value, problems, changed, disabled, onChange } = props;
  const id = useId();
  if (field.kind === "boolean")
    return (
      <div className="bf-field">
        <label className="bf-check">
          <input type="checkbox" checked={value === true} disabled={disabled} {...described(id, problems)} onChange={(event) => onChange(event.target.checked)} />
          <span>
            <Name field={field} changed={changed} />
          </span>
        </label>
        <Told id={id} about={field.about} problems={problems} />
      </div>
    );
  if (field.kind === "words")
    return (
      <fieldset className="bf-field" {...described(id, problems)}>
        <legend>
          <Name field={field} changed={changed} />
        </legend>
        <div className="bf-row" style={{ minHeight: 34 }}>
          {field.allowed.map((word) => (
            <label className="bf-check" key={word}>
              <input type="checkbox" checked={wordsIn(value).includes(word)} disabled={disabled || wordsIn(value).join() === word} onChange={(event) => onChange(wordsWith(field, value, word, event.target.checked))} />
              <span>{word}</span>
            </label>
          ))}
        </div>
        <Told id={id} about={field.about} problems={problems} />
      </fieldset>
    );
  return (
    <div className={`bf-field${field.kind === "json" ? " bf-broad" : ""}`}>
      <label htmlFor={id}>
        <Name field={field} changed={changed} />
      </label>
      <Input {...props} id={id} />
      <Told id={id} about={field.about} problems={problems} />
    </div>
  );
};

const TYPES: Partial<Record<Field["kind"], string>> = { date: "date", time: "time" };
const ZONES = (Intl as { supportedValuesOf?: (key: string) => string[] }).supportedValuesOf?.("timeZone") ?? [];

const Input = ({ field, value, problems, disabled, onChange, id }: Props & { id: string }) => {
  const shared = { id, className: "bf-input", disabled, required: field.required, ...described(id, problems) };
  const text = textOf(field, value);
  if (field.kind === "word") {
    // What a row of another program holds is shown, too.
    const options = text && !field.allowed.includes(text) ? [text, ...field.allowed] : field.allowed;
    return (
      <select {...shared} value={text} onChange={(event) => onChange(event.target.value || null)}>
        {(!text || field.default === null) && <option value="">{field.required ? "Choose…" : "–"}</option>}
        {options.map((word) => (
          <option key={word} value={word}>
            {word}
          </option>
        ))}
      </select>
    );
  }
  const change = (typed: string) => onChange(valueOf(field, typed));
  if (field.kind === "json" || (field.name === "platform_job_id" && text.includes("\n")))
    return <textarea {...shared} rows={3} spellCheck={false} value={text} onChange={(event) => change(event.target.value)} />;
  return (
    <>
      <input {...shared} type={TYPES[field.kind] ?? "text"} inputMode={field.kind === "integer" ? "numeric" : undefined} autoComplete="off" spellCheck={false} list={field.kind === "timezone" ? `${id}-zones` : undefined} value={text} onChange={(event) => change(event.target.value)} />
      {field.kind === "timezone" && (
        <datalist id={`${id}-zones`}>
          {["UTC", ...ZONES].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </>
  );
};

export const described = (id: string, problems: Problem[]) => ({
  "aria-describedby": `${id}-about${problems.length ? ` ${id}-wrong` : ""}`,
  "aria-invalid": problems.length > 0,
});

const Name = ({ field, changed }: { field: Field; changed: boolean }) => (
  <>
    {labelOf(field.name)}
    {field.required && <span aria-hidden> *</span>}
    {changed && <span className="bf-changed">changed</span>}
  </>
);

export const Told = ({ id, about, problems }: { id: string; about?: ReactNode; problems: Problem[] }) => (
  <>
    {about && (
      <span className="bf-about" id={`${id}-about`}>
        {about}
      </span>
    )}
    <Wrong id={`${id}-wrong`} problems={problems} />
  </>
);

export const Wrong = ({ id, problems }: { id?: string; problems: Problem[] }) => (
  <span id={id} style={{ display: "contents" }}>
    {problems.map((one) => (
      <span className="bf-wrong" key={one.where + one.message}>
        {one.message}
      </span>
    ))}
  </span>
);
