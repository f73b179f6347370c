"""Jobs whose run has died go on: the next run for the date takes them up, and until then their end is noted here.

They are most when a platform was away for long. So a turn asks a connection that does not answer only once, and asks
none for longer than a while: what else the controller has to do does not wait for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.hold import SubmissionStatus
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import ItemStatus
from airflow_backfill_provider.errors import BackfillError, PlatformError
from airflow_backfill_provider.platforms.base import ExternalRun, Submission, Target
from airflow_backfill_provider.platforms.registry import platform_for
from airflow_backfill_provider.store import holds, pipelines, queue_reads
from airflow_backfill_provider.store.engine import Registry

log = logging.getLogger(__name__)

MOST_SECONDS = 20.0
"""For so long a turn begins to ask about jobs; those that are left are the first ones of a later turn."""


def follow(registry: Registry, before: datetime, grace: timedelta) -> Iterator[Story]:
    """Look at the jobs that nobody holds and that have not been looked at since ``before``; yields what was found.

    ``grace`` is how long a lost submit may take to show up. A job that cannot be seen does not stop the others.
    """
    with registry.reading() as conn:
        orphans = holds.open_submissions(conn, before)
    until = time.monotonic() + MOST_SECONDS
    silent: dict[tuple[str, str | None], int] = {}
    unseen: list[str] = []
    for place, orphan in enumerate(orphans):
        if time.monotonic() >= until:
            yield Story(f"{len(orphans) - place} job(s) whose runs have died are looked at in a later turn")
            break
        target = Target.from_json(orphan.target)
        connection = (target.platform, target.connection_id)
        if connection in silent:
            silent[connection] += 1
            unseen.append(orphan.key)
            continue
        try:
            yield from _see_to_its_end(registry, orphan, grace)
        except PlatformError as error:
            if error.retryable:  # whatever is asked of it next is asked in vain
                silent[connection] = 0
            unseen.append(orphan.key)
            name = orphan.external_id or orphan.key
            yield Story(f"job {name} of {orphan.pipeline_id} cannot be seen just now: {error}")
        except BackfillError as error:
            log.exception("job %s of %s could not be compared", orphan.key, orphan.pipeline_id)
            yield Story(f"job {orphan.key} of {orphan.pipeline_id}: could not be compared: {error}")
    if unseen:
        with registry.writing() as conn:
            holds.looked_at(conn, unseen, datetime.now(UTC))
    for (platform, connection_id), count in silent.items():
        if count:
            where = f"connection {connection_id!r}" if connection_id else platform
            yield Story(f"{where} does not answer: {count} more job(s) on it are looked at later")


def _see_to_its_end(registry: Registry, orphan: holds.OpenSubmission, grace: timedelta) -> Iterator[Story]:
    platform = platform_for(Target.from_json(orphan.target))
    if orphan.external_id is None and _unwanted(registry, orphan.pipeline_id):
        # A look-up may submit the wish again, and nobody wants it any more.
        with registry.writing() as conn:
            now = datetime.now(UTC)
            holds.ended(conn, orphan.pipeline_id, orphan.key, SubmissionStatus.REFUSED, now, message="not looked up")
        yield Story(f"a submit of the deleted pipeline {orphan.pipeline_id} was given up")
        return
    if orphan.external_id is None:
        yield from _look_up(registry, orphan, grace)
        return
    seen = platform.poll(orphan.external_id)
    if not seen.status.ended and (why := why_unwanted(registry, orphan)):
        platform.cancel(orphan.external_id)
        yield Story(f"job {orphan.external_id}: {why}, cancelled")
    now = datetime.now(UTC)
    with registry.writing() as conn:
        if not seen.status.ended:
            holds.accepted(conn, orphan.pipeline_id, orphan.key, orphan.external_id, seen.url, now)
            return
        ended = SubmissionStatus(seen.status.value)
        holds.ended(conn, orphan.pipeline_id, orphan.key, ended, now, message=seen.message)
    yield Story(f"job {orphan.external_id} of {orphan.pipeline_id}, whose run had died, ended as {seen.status}")


def _look_up(registry: Registry, orphan: holds.OpenSubmission, grace: timedelta) -> Iterator[Story]:
    asked_at = datetime.now(UTC)
    wish = Submission(
        pipeline_id=orphan.pipeline_id, run_dates=orphan.dates, parameters=orphan.parameters, idempotency_key=orphan.key
    )
    found: ExternalRun | None = platform_for(Target.from_json(orphan.target)).find(wish)
    with registry.writing() as conn:
        now = datetime.now(UTC)
        if found is not None:
            holds.accepted(conn, orphan.pipeline_id, orphan.key, found.external_id, found.url, now)
            yield Story(f"job {found.external_id} of {orphan.pipeline_id} was found by its key")
        elif asked_at >= orphan.submitted_at + grace:
            never_taken = holds.ended(
                conn,
                orphan.pipeline_id,
                orphan.key,
                SubmissionStatus.REFUSED,
                now,
                message="never taken",
                submitted_at=orphan.submitted_at,
            )
            if never_taken:
                yield Story(f"a submit of {orphan.pipeline_id} was never taken by the platform")


def why_unwanted(registry: Registry, orphan: holds.OpenSubmission) -> str | None:
    """Why nobody wants the result of a job whose run has died; None when somebody may."""
    if _unwanted(registry, orphan.pipeline_id):
        return f"its pipeline {orphan.pipeline_id} is deleted"
    with registry.reading() as conn:
        items = queue_reads.items_of_dates(conn, orphan.pipeline_id, orphan.dates)
    newest = {item.run_date: item for item in items}
    cancelled = all(_cancelled_since(newest.get(day), orphan.submitted_at) for day in orphan.dates)
    return "its dates were cancelled" if cancelled else None


def _cancelled_since(item: Item | None, submitted_at: datetime) -> bool:
    """Whether a person cancelled the date after its job was submitted, and not some time before."""
    return (
        item is not None
        and item.status is ItemStatus.CANCELLED
        and (item.finished_at is None or item.finished_at >= submitted_at)
    )


def _unwanted(registry: Registry, pipeline_id: str) -> bool:
    with registry.reading() as conn:
        return pipelines.is_deleted(conn, pipeline_id)
