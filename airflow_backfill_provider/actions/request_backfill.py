"""A person asks for dates: one plan, shown by a dry run and saved by the real one."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions, read_some
from airflow_backfill_provider.actions.plan_dates import ANY, plan_dates
from airflow_backfill_provider.actions.plan_dependents import add_dependents
from airflow_backfill_provider.backfill.owed import OWED, DateStatus
from airflow_backfill_provider.backfill.plan import PipelinePlan, RequestPlan
from airflow_backfill_provider.dates.selection import parse_selection
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.errors import Conflict, InvalidRequest, NotFound, Problem, all_of
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import queue, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.pipeline_heads import heads


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person typed."""

    pipeline_ids: tuple[str, ...] = ()
    tag: str | None = None
    all_pipelines: bool = False
    dates: str
    only: str | None = None
    """missing, failed, stale as comma text, or any; None means everything that is owed."""
    priority: int = 0
    newest_first: bool = False
    max_active: int | None = None
    first_n: int | None = None
    why: str | None = None
    downstream: bool = False


def plan_request(conn: Connection, wish: Wish, now: datetime, among: Collection[str] | None = None) -> RequestPlan:
    """What the wish means now. ``among``: the pipelines that may be part of it; None means every one there is.

    Raises :class:`~airflow_backfill_provider.errors.InvalidRequest` or
    :class:`~airflow_backfill_provider.errors.NotFound` with everything that is wrong with it.
    """
    meant = _meant(conn, wish, among)
    definitions = _definitions(conn, wish, meant, among)
    errors: list[InvalidRequest | NotFound] = []
    chosen = _chosen(definitions, wish, meant, errors)
    broken = {name: definitions.broken[name] for name in meant or () if name in definitions.broken}
    wanted = _statuses(wish, errors)
    found: dict[str, PipelinePlan] = {}
    if _readable(wish.dates, chosen, now, errors):
        try:
            found = plan_dates(conn, definitions, chosen, wish.dates, wanted, now)
        except InvalidRequest as error:
            errors.append(error)
    if errors:
        raise all_of(errors)
    if wish.downstream:
        add_dependents(conn, definitions, found, now)
    found |= {name: PipelinePlan(pipeline_id=name, dates=(), problems=why) for name, why in broken.items()}
    plan = RequestPlan(
        pipelines=tuple(_within(one, wish.max_active) for one in found.values()),
        priority=wish.priority,
        newest_first=wish.newest_first,
        max_active=wish.max_active,
        first_n=wish.first_n,
    )
    if not plan.count:
        raise InvalidRequest(_nothing_left(plan))
    return plan


def save_request(
    registry: Registry, wish: Wish, *, who: str, now: datetime, among: Collection[str] | None = None
) -> tuple[str, RequestPlan]:
    """Plan and save in one transaction: what is saved is what a dry run at this instant would show.

    Raises what :func:`plan_request` raises, and :class:`~airflow_backfill_provider.errors.Conflict` when another
    transaction enqueued one of the dates between the plan and its saving.
    """
    request_id = f"bf-{secrets.token_hex(4)}"
    with registry.writing() as conn:
        plan = plan_request(conn, wish, now, among)
        names = [one.pipeline_id for one in plan.pipelines if one.dates]
        requests.save(
            conn,
            {
                "request_id": request_id,
                "pipeline_id": names[0] if len(names) == 1 else None,
                "requested_by": who,
                "requested_at": now,
                "why": wish.why,
                "selection": wish.dates,
                "priority": wish.priority,
                "newest_first": wish.newest_first,
                "max_active": wish.max_active,
                "first_n": wish.first_n,
                "updated_at": now,
            },
        )
        why = f"request {request_id}" + (f": {wish.why}" if wish.why else "")
        added = queue.enqueue(conn, plan.items(request_id), who=who, why=why, now=now)
        if added != plan.count:
            raise Conflict(
                f"somebody else asked for {plan.count - added} of the {plan.count} date(s) at this moment; "
                "nothing was written, ask again"
            )
    return request_id, plan


def _within(plan: PipelinePlan, max_active: int | None) -> PipelinePlan:
    """The plan with no more runs at once than the request may have."""
    return plan if max_active is None else replace(plan, at_once=min(plan.at_once, max_active))


def _meant(conn: Connection, wish: Wish, among: Collection[str] | None) -> list[str] | None:
    """The active pipelines that a tag or 'all' means, broken ones too; None when the wish names its pipelines."""
    if wish.tag is None and not wish.all_pipelines:
        return None
    return [
        head.pipeline_id
        for head in heads(conn)
        if head.is_active
        and (wish.tag is None or wish.tag in head.tags)
        and (among is None or head.pipeline_id in among)
    ]


def _definitions(
    conn: Connection, wish: Wish, meant: Collection[str] | None, among: Collection[str] | None
) -> Definitions:
    """What the wish can touch: only the rows it means, when nothing follows them."""
    if meant is not None and not wish.downstream:
        return read_some(conn, meant)
    if wish.pipeline_ids and not wish.downstream and among is not None:
        return read_some(conn, set(wish.pipeline_ids) & set(among))
    found = read_definitions(conn)
    if among is None:
        return found
    good = tuple(pipeline for pipeline in found.good if pipeline.pipeline_id in among)
    return replace(found, good=good, broken={name: why for name, why in found.broken.items() if name in among})


def _statuses(wish: Wish, errors: list[InvalidRequest | NotFound]) -> frozenset[DateStatus]:
    """The wanted statuses; what cannot be read goes to ``errors``."""
    if wish.only is None:
        return OWED
    words = [word.strip().lower() for word in wish.only.split(",") if word.strip()]
    if words == ["any"]:
        return ANY
    known = {status.value: status for status in OWED}
    if not words or any(word not in known for word in words):
        expected = "expected missing, failed, stale (with commas), or any"
        errors.append(InvalidRequest(f"--only {wish.only!r} was read; {expected}"))
    return frozenset(known[word] for word in words if word in known)


def _chosen(
    definitions: Definitions, wish: Wish, meant: Collection[str] | None, errors: list[InvalidRequest | NotFound]
) -> list[Pipeline]:
    """The chosen pipelines; what cannot be chosen goes to ``errors``.

    A broken row that is named is such a case; one that only has the tag is left out, and the plan says so.
    """
    ways = sum((bool(wish.pipeline_ids), wish.tag is not None, wish.all_pipelines))
    if ways != 1:
        errors.append(InvalidRequest("name the pipelines in one way: by ID, by --tag, or with --all-pipelines"))
        return []
    if meant is not None:
        if wish.tag is not None and not meant:
            errors.append(NotFound(f"no active pipeline has the tag {wish.tag!r}; see airflow pipelines list"))
        wanted = set(meant)
        return [pipeline for pipeline in definitions.good if pipeline.pipeline_id in wanted]
    found: list[Pipeline] = []
    for name in dict.fromkeys(wish.pipeline_ids):
        try:
            pipeline = definitions.pipeline(name)
        except (InvalidRequest, NotFound) as error:
            errors.append(error)
            continue
        if not pipeline.is_active:
            words = f"pipeline {name!r} is switched off, so its dates would wait for ever; switch it on first"
            errors.append(InvalidRequest(f"{words} (airflow pipelines activate)"))
        found.append(pipeline)
    return found


def _readable(
    selection_text: str, chosen: Iterable[Pipeline], now: datetime, errors: list[InvalidRequest | NotFound]
) -> bool:
    """Whether any pipeline can read the selection. What is wrong with its text is said once, not for each of them."""
    todays = {now.astimezone(zone(pipeline.timezone)).date() for pipeline in chosen} or {now.date()}
    problems: tuple[Problem, ...] = ()
    for today in sorted(todays):
        try:
            parse_selection(selection_text, today)
        except InvalidRequest as error:
            problems = error.problems
        else:
            return True
    errors.append(InvalidRequest(Problem("--dates", one.message) for one in problems))
    return False


def _nothing_left(plan: RequestPlan) -> Iterable[Problem]:
    for one in plan.pipelines:
        reasons = "; ".join(one.reasons())
        unwanted = any(refused.reason.startswith("is ") for refused in one.left_out)
        advice = "; --only any fills them whatever their status" if unwanted else ""
        yield Problem(f"pipeline {one.pipeline_id!r}", f"nothing to fill: {reasons}{advice}")
    if not plan.pipelines:
        yield Problem("", "no pipeline is chosen; see airflow pipelines list")
