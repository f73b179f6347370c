/** A pipeline's row as a form: judged while it is written, looked at as a difference, then saved. Also a new one. */

import { useEffect, useMemo, useState } from "react";
import { Link, useLocation, useNavigate } from "react-router-dom";

import { type Draft, type Field, type Fields, pathOf, put, type Refused, type Saved } from "../api";
import { emptyRow, LISTS, problemsAt, problemsElsewhere, same, type Values } from "../logic/form";
import { instant, plural } from "../logic/words";
import { Empty, pipelineUrl, Problem, Waiting } from "../parts/bits";
import { FormField } from "../parts/FormField";
import { Dependencies, Parameters, QualityChecks } from "../parts/FormLists";
import { NextDates } from "../parts/NextDates";
import { Review } from "../parts/Review";
import { type Editing, useEditing, useJudged } from "../parts/useDraft";
import { useLive } from "../parts/useLive";

const ID: Pick<Field, "name"> = { name: "pipeline_id" };
const NO_OTHER = "To choose another one takes the right to read connections.";
const NO_CHOICE = "To choose one takes the right to read connections.";

export const EditPipeline = ({ pipelineId }: { pipelineId: string | null }) => {
  const fields = useLive<Fields>("/definitions/fields", () => 600);
  const start = useMemo(() => (pipelineId === null && fields.answer ? emptyRow(fields.answer.fields) : null), [pipelineId, fields.answer !== null]);
  const editing = useEditing(pipelineId, start);
  if (fields.problem && !fields.answer) return <Problem problem={fields.problem} again={fields.again} />;
  if (editing.problem && !editing.row) return <Problem problem={editing.problem} again={() => void editing.read(true)} />;
  if (!fields.answer || !Object.keys(editing.values).length) return <Waiting rows={12} />;
  if (pipelineId === null && !fields.answer.can_create)
    return <Empty title="You may not make pipelines">That takes the right to see and to edit every DAG.</Empty>;
  return <Form pipelineId={pipelineId} fields={fields.answer} editing={editing} />;
};

const Form = ({ pipelineId, fields, editing }: { pipelineId: string | null; fields: Fields; editing: Editing }) => {
  const { row, values, set } = editing;
  const [newId, setNewId] = useState("");
  const [reviewing, setReviewing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const [saved, setSaved] = useState<Saved | null>(null);
  const made = useLocation().state as { made?: boolean } | null;
  const go = useNavigate();
  const canEdit = row === null || row.can_edit;
  const name = pipelineId ?? newId.trim();
  const body = canEdit ? { pipeline_id: name, version: row?.version ?? null, values } : null;
  const judged = useJudged(body);
  const touched = editing.isDirty || newId !== "";
  useEffect(() => {
    if (touched) setSaved(null);
  }, [values]);
  const nothing = judged.isCurrent && !judged.draft?.change;
  useEffect(() => {
    if (reviewing && nothing) setReviewing(false); // there is nothing to look at, or something to mend first
  }, [reviewing, nothing]);
  const save = async () => {
    setBusy(true);
    setRefused(null);
    try {
      const done = await put<Saved>(pathOf(name, "/definition"), { version: row?.version ?? null, values });
      setReviewing(false);
      if (pipelineId === null) {
        sessionStorage.removeItem("backfill-draft ");
        void go(pipelineUrl(name, "&view=edit"), { state: { made: true } });
        return;
      }
      await editing.read(false);
      setSaved(done);
    } catch (error) {
      setRefused(error as Refused);
    } finally {
      setBusy(false);
    }
  };
  // Nothing is saved before the row is there: what stands here until then would be refused again.
  const takeOver = async () => {
    setBusy(true);
    await editing.read(true);
    setRefused(null);
    setBusy(false);
  };
  // A new row is not reproached with what nobody has come to yet.
  const problems = row === null && judged.draft ? judged.draft.problems.filter((one) => touched && !isBlank(one, values, newId)) : (judged.draft?.problems ?? row?.problems ?? []);
  const names = [...fields.fields.map((field) => field.name), ...LISTS];
  const part = (column: (typeof LISTS)[number]) => ({
    value: values[column], problems, changed: row !== null && !same(values[column], row.values[column]), disabled: !canEdit,
    onChange: (value: Values[]) => set(column, value),
  });
  const canChoose = (row ?? fields).can_choose_connection;
  const keptAsItIs = (field: Field) => field.name === "connection_id" && canEdit && !canChoose;
  const flip = () => {
    set("is_active", values.is_active !== true);
    setReviewing(true);
  };
  return (
    <form className="bf-stack" aria-label={pipelineId ? `The row of ${pipelineId}` : "A new pipeline"} onSubmit={(event) => event.preventDefault()}>
      <Head pipelineId={pipelineId} editing={editing} canEdit={canEdit} onFlip={flip} />
      {editing.back && (
        <div className="bf-note bf-between">
          <span>
            {editing.back === "as it was"
              ? "What you had written here is back; it is not saved."
              : "The row changed meanwhile; your changes stand on top of it. They are not saved."}
          </span>
          <button className="bf-button bf-small" type="button" onClick={() => void editing.read(false)}>
            Drop it
          </button>
        </div>
      )}
      {!canEdit && <div className="bf-note">You may see this pipeline, but not change it: that takes the right to edit its DAG.</div>}
      {row === null && !canChoose && (
        <div className="bf-note">
          You can write and check a pipeline here, but not save it: each one uses an Airflow connection, its platform's usual one where it names
          none, and to choose one takes the right to read connections.
        </div>
      )}
      {row !== null && row.problems.length > 0 && <div className="bf-problem">This row cannot be read, so nothing runs. What is wrong is said at its fields.</div>}
      {problemsElsewhere(problems, names).map((one) => (
        <div className="bf-problem" key={one.where + one.message}>
          {one.where}: {one.message}
        </div>
      ))}
      <div className={canEdit ? "bf-cols" : undefined}>
        <div className="bf-stack">
          {fields.groups.map((group) => (
            <section className="bf-card" key={group.name} aria-label={group.title}>
              <h2>{group.title}</h2>
              <div className="bf-fields">
                {fields.fields
                  .filter((field) => field.group === group.name)
                  .map((field) =>
                    field.name === ID.name ? (
                      pipelineId === null && <FormField key={field.name} field={field} value={newId} problems={problemsAt(problems, field.name)} changed={false} disabled={false} onChange={(value) => setNewId(String(value ?? ""))} />
                    ) : (
                      <FormField key={field.name} field={keptAsItIs(field) ? { ...field, about: `${field.about} ${row === null ? NO_CHOICE : NO_OTHER}` } : field} value={values[field.name]} problems={problemsAt(problems, field.name)} changed={row !== null && !same(values[field.name], row.values[field.name])} disabled={!canEdit || keptAsItIs(field)} onChange={(value) => set(field.name, value)} />
                    ),
                  )}
                {group.name === "what" && <Parameters {...part("parameters")} />}
                {group.name === "when" && <Dependencies {...part("dependencies")} />}
                {group.name === "quality" && <QualityChecks {...part("quality_checks")} kinds={fields.check_kinds} />}
              </div>
            </section>
          ))}
        </div>
        {canEdit && (
          <div className="bf-side bf-stack">
            <NextDates draft={judged.draft} active={values.is_active === true} />
            {(judged.draft?.warnings ?? []).map((words) => (
              <div className="bf-note" key={words}>
                Note: {words}
              </div>
            ))}
          </div>
        )}
      </div>
      {canEdit && (
        <div className="bf-footer">
          {judged.problem ? (
            <Problem problem={judged.problem} again={judged.again} />
          ) : (
            <span role="status">
              {saved ? <Done saved={saved} /> : made?.made && !touched ? <Made pipelineId={name} /> : <span className="bf-muted">{standing(judged.isCurrent ? judged.draft : null, problems.length, row === null)}</span>}
            </span>
          )}
          <div className="bf-row">
            {editing.isDirty && (
              <button className="bf-button" type="button" onClick={() => void editing.read(false)}>
                Drop changes
              </button>
            )}
            <button className="bf-button bf-main" type="button" disabled={!judged.isCurrent || !judged.draft?.change} onClick={() => setReviewing(true)}>
              Review changes
            </button>
          </div>
        </div>
      )}
      {reviewing && judged.isCurrent && judged.draft?.change && (
        <Review
          pipelineId={name}
          draft={judged.draft}
          busy={busy}
          refused={refused}
          onSave={() => void save()}
          onClose={() => {
            setReviewing(false);
            setRefused(null);
          }}
          onFresh={() => void takeOver()}
        />
      )}
    </form>
  );
};

const isBlank = ({ where, message }: { where: string; message: string }, values: Values, newId: string): boolean =>
  message.startsWith("is missing") && (where === ID.name ? newId === "" : !values[where]);

const Head = ({ pipelineId, editing, canEdit, onFlip }: { pipelineId: string | null; editing: Editing; canEdit: boolean; onFlip: () => void }) => (
  <div className="bf-between">
    <div>
      <h1 style={{ margin: 0 }}>{pipelineId ?? "New pipeline"}</h1>
      <div className="bf-row bf-muted">
        {pipelineId && <Link to={pipelineUrl(pipelineId)}>Run dates</Link>}
        {pipelineId && <Link to={pipelineUrl(pipelineId, "&view=history")}>History</Link>}
        {editing.row?.updated_at && <span>changed last {instant(editing.row.updated_at)}</span>}
        {editing.row?.values.is_active === false && <span className="bf-chip">switched off</span>}
      </div>
    </div>
    {pipelineId && canEdit && (
      <button className="bf-button" type="button" disabled={editing.isDirty} title={editing.isDirty ? "Save or drop your changes first" : undefined} onClick={onFlip}>
        {editing.row?.values.is_active === false ? "Switch on" : "Switch off"}
      </button>
    )}
  </div>
);

const Done = ({ saved }: { saved: Saved }) => (
  <>
    <strong>✓ {saved.fields.length ? `${plural(saved.fields.length, "change")} saved.` : "Nothing differed."}</strong> Runs that begin from
    now on follow it. <Link to={pipelineUrl(saved.pipeline_id, "&view=history")}>Its history</Link>
  </>
);

const Made = ({ pipelineId }: { pipelineId: string }) => (
  <>
    <strong>✓ {pipelineId} is made.</strong> Airflow shows its DAG once it has read it, within about half a minute.
  </>
);

/** How the row stands, in words; without an answer it is being judged. */
const standing = (draft: Draft | null, problems: number, fresh: boolean): string => {
  if (!draft) return "Checking…";
  if (problems) return `${plural(problems, "thing")} to mend; see the fields marked ✗`;
  if (draft.problems.length) return "Fill in what is marked *";
  if (fresh) return "Nothing is wrong with it";
  return draft.change ? `${plural(draft.fields.length, "change")}, nothing wrong` : "No changes";
};
