"""Pipelines' rows: what they can say, how one stands, what a change would do, changing it, and who did."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import MISSING
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException
from sqlalchemy import Connection

from airflow_backfill_provider.actions import edit_pipeline
from airflow_backfill_provider.actions.edit_pipeline import Draft, Stored
from airflow_backfill_provider.api import asking
from airflow_backfill_provider.api import definition_answers as answers
from airflow_backfill_provider.api.access import Viewer, ViewerDep, no_such_pipeline
from airflow_backfill_provider.api.asking import PageDep
from airflow_backfill_provider.api.hidden import without_hidden
from airflow_backfill_provider.api.refusal_answers import ProblemAnswer
from airflow_backfill_provider.dates.coming import coming, why_picked
from airflow_backfill_provider.dates.deadline import deadline
from airflow_backfill_provider.errors import NotFound
from airflow_backfill_provider.pipelines.changes import Change, FieldChange
from airflow_backfill_provider.pipelines.columns import REQUIRED
from airflow_backfill_provider.pipelines.connections import connections_of
from airflow_backfill_provider.pipelines.fields import FIELDS, GROUPS, Field
from airflow_backfill_provider.pipelines.masked import masked
from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, path_text
from airflow_backfill_provider.pipelines.quality_checks import KINDS
from airflow_backfill_provider.store import pipeline_changes
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["Definitions"])
_SHOWN_DATES = 30


@router.get("/definitions/fields")
def fields(viewer: ViewerDep) -> answers.FieldsAnswer:
    """What a row can say: its columns, what each means and may hold."""
    return answers.FieldsAnswer(
        can_create=viewer.edits_all,
        can_choose_connection=viewer.may_choose(),
        groups=[answers.GroupAnswer(name=name, title=title) for name, title in GROUPS.items()],
        fields=[_field(field) for field in FIELDS],
        check_kinds=[
            answers.CheckKindAnswer(kind=name, needs=[*kind.needs], one_of=[*kind.one_of], may=[*kind.may])
            for name, kind in KINDS.items()
        ],
    )


@router.get("/pipelines/{pipeline_id}/definition")
def definition(pipeline_id: str, viewer: ViewerDep) -> answers.DefinitionAnswer:
    """The row of a pipeline, every column with its value or default."""
    viewer.see_definition(pipeline_id)
    with registry().reading() as conn:
        found = _stored(conn, pipeline_id)
    return answers.DefinitionAnswer(
        pipeline_id=pipeline_id,
        version=found.version,
        can_edit=viewer.may_edit(pipeline_id),
        can_choose_connection=viewer.may_choose(),
        values={name: value for name, value in _shown(found.values, viewer).items() if name != "pipeline_id"},
        problems=[
            ProblemAnswer(where=_column(one.where), message=_words(one.message, viewer)) for one in found.problems
        ],
        created_at=found.row["created_at"],
        updated_at=found.row["updated_at"],
    )


@router.post("/definitions/check")
def check(body: answers.DraftBody, viewer: ViewerDep) -> answers.DraftAnswer:
    """What is wrong with a row, what saving it would change, and which dates it picks next. Nothing is saved."""
    new = body.version is None
    viewer.must_edit(body.pipeline_id, new=new)
    now, row = asking.now(), {**body.values, "pipeline_id": body.pipeline_id}
    with registry().reading() as conn:
        before = None if new else _stored(conn, body.pipeline_id)
        draft = edit_pipeline.judge(conn, row, before, visible=viewer.knows_of, now=now)
        taken = new and _is_there(conn, body.pipeline_id)
    problems = [ProblemAnswer(where=path_text(flaw.path), message=_words(flaw.message, viewer)) for flaw in draft.flaws]
    if taken:
        problems.append(ProblemAnswer(where="pipeline_id", message=f"there is a pipeline {body.pipeline_id!r} already"))
    foreign = _not_to_choose(draft, before, viewer)
    problems += [ProblemAnswer(where=column, message=_no_choice(name)) for name, column in foreign.items()]
    change = None if taken or foreign else draft.change
    return answers.DraftAnswer(
        problems=problems,
        warnings=[_words(sentence, viewer) for sentence in draft.warnings],
        change=_kind(change),
        fields=_fields(change, viewer),
        schedule=draft.schedule.describe() if draft.schedule else None,
        manual=draft.schedule is not None and draft.schedule.spec.schedule_type == "manual",
        next_dates=_next_dates(draft, now),
    )


@router.put("/pipelines/{pipeline_id}/definition")
def save(pipeline_id: str, body: answers.ValuesBody, viewer: ViewerDep) -> answers.SavedAnswer:
    """Save a row, or make a new pipeline; 409 when the row is no longer the one that was seen."""
    viewer.must_edit(pipeline_id, new=body.version is None)
    now, row = asking.now(), {**body.values, "pipeline_id": pipeline_id}
    with registry().reading() as conn:
        before = None if body.version is None else _stored(conn, pipeline_id)
        draft = edit_pipeline.judge(conn, row, before, visible=viewer.knows_of, now=now)
    if foreign := _not_to_choose(draft, before, viewer):
        raise HTTPException(403, "; ".join(map(_no_choice, foreign)))
    change = edit_pipeline.save(registry(), row, body.version, who=viewer.name, visible=viewer.knows_of, now=now)
    with registry().reading() as conn:
        version = _stored(conn, pipeline_id).version
    return answers.SavedAnswer(
        pipeline_id=pipeline_id, version=version, change=_kind(change), fields=_fields(change, viewer)
    )


@router.get("/pipelines/{pipeline_id}/changes")
def changes(pipeline_id: str, viewer: ViewerDep, page: PageDep) -> answers.ChangesAnswer:
    """Who changed which column, when, from what to what."""
    viewer.see_definition(pipeline_id)
    with registry().reading() as conn:
        _stored(conn, pipeline_id)
        total = pipeline_changes.history_length(conn, pipeline_id)
        rows = pipeline_changes.history(conn, pipeline_id, page.limit, page.offset)
    return answers.ChangesAnswer(
        pipeline_id=pipeline_id,
        total=total,
        limit=page.limit,
        offset=page.offset,
        changes=[
            answers.ChangeAnswer(
                field=row["field"],
                old=_one_shown(row["field"], row["old_value"], viewer),
                new=_one_shown(row["field"], row["new_value"], viewer),
                changed_by=row["changed_by"],
                changed_at=row["changed_at"],
            )
            for row in rows
        ],
    )


def _field(field: Field) -> answers.FieldAnswer:
    default = DEFAULTS[field.name]
    return answers.FieldAnswer(
        name=field.name,
        group=field.group,
        about=field.about,
        kind=field.kind,  # type: ignore[arg-type]
        allowed=[*field.allowed],
        minimum=field.minimum,
        default=None if default is MISSING else list(default) if isinstance(default, tuple) else default,
        required=field.name in REQUIRED,
    )


def _stored(conn: Connection, pipeline_id: str) -> Stored:
    try:
        return edit_pipeline.stored(conn, pipeline_id)
    except NotFound:
        raise no_such_pipeline(pipeline_id) from None


def _not_to_choose(draft: Draft, before: Stored | None, viewer: Viewer) -> dict[str, str]:
    """The connections, each with its column, that the row did not use before and that the user may not choose."""
    wanted = connections_of(draft.pipeline.to_json()) if draft.pipeline else {}
    had = connections_of(before.values) if before else {}
    return {name: column for name, column in wanted.items() if name not in had and not viewer.may_choose(name)}


def _no_choice(connection_id: str) -> str:
    return f"you may not choose the connection {connection_id!r}; that takes the right to read connections"


def _is_there(conn: Connection, pipeline_id: str) -> bool:
    try:
        return bool(edit_pipeline.stored(conn, pipeline_id))
    except NotFound:
        return False


def _shown(values: dict[str, Any], viewer: Viewer) -> dict[str, Any]:
    """Without secrets, and without upstreams that the user may not see."""
    shown = masked(values)
    upstreams = shown.get("dependencies")
    if isinstance(upstreams, list):
        named = viewer.knows_of(each["upstream_id"] for each in upstreams)
        shown["dependencies"] = [each for each in upstreams if each["upstream_id"] in named]
    return shown


def _one_shown(field: str, text: str | None, viewer: Viewer) -> Any:
    return None if text is None else _shown({field: json.loads(text)}, viewer)[field]


def _words(text: str, viewer: Viewer) -> str:
    return without_hidden(text, viewer.knows_of)


def _column(where: str) -> str:
    """'pipeline 'orders', frequency' is the place of a stored row's problem."""
    return where.rpartition(", ")[2]


def _kind(change: Change | None) -> Any:
    return change.kind.value if change else None


def _fields(change: Change | None, viewer: Viewer) -> list[answers.FieldChangeAnswer]:
    def shown(found: Iterable[FieldChange]) -> Iterable[answers.FieldChangeAnswer]:
        for one in found:
            old, new = (_shown({one.name: value}, viewer)[one.name] for value in (one.old, one.new))
            yield answers.FieldChangeAnswer(field=one.name, old=old, new=new)

    return list(shown(change.fields)) if change else []


def _next_dates(draft: Draft, now: datetime) -> list[answers.NextDateAnswer]:
    schedule = draft.schedule
    due = draft.pipeline.sla_time if draft.pipeline else None
    return [] if schedule is None else [
        answers.NextDateAnswer(
            run_date=pick.run_date,
            tick_at=pick.tick_at,
            deadline_at=None if due is None else deadline(pick.tick_at, due, schedule.spec.timezone),
            why=why_picked(schedule, pick),
        )
        for pick in coming(schedule, now, _SHOWN_DATES)
    ]  # fmt: skip
