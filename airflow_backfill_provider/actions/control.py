"""What a person does with a request after it was made: pause, resume, cancel, retry, change its priority."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from airflow_backfill_provider.actions.control_dates import revive
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus
from airflow_backfill_provider.dates.selection import Selection
from airflow_backfill_provider.errors import Conflict, InvalidRequest, Problem
from airflow_backfill_provider.store import pipelines, queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry

HIGHEST = 1_000_000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a retry of a request leaves out of it: dates of a pipeline that starts nothing any more."""

    pipeline_id: str
    dates: tuple[date, ...]
    gone: str
    """To be read after the pipeline's name: 'is switched off'."""

    @property
    def selection(self) -> str:
        """The dates as the text that selects them."""
        return str(Selection.of(self.dates))

    @property
    def why(self) -> str:
        """In words."""
        return f"the pipeline {self.gone}, so nothing would start them"


@dataclass(frozen=True, slots=True)
class Retried:
    """What a retry of a request did."""

    request_id: str
    dates: int
    """How many are tried again."""
    left_out: tuple[LeftOut, ...] = ()


def pause(registry: Registry, name: str, person: Person, *, now: datetime) -> tuple[str, int]:
    """Start none of its dates any more; what works goes on. Returns the request's id and how many dates wait."""
    with registry.writing() as conn:
        request = _live_request(conn, name)
        if request["paused_at"] is not None:
            raise Conflict(f"request {request['request_id']!r} is paused already; 'backfill resume' lets it go on")
        requests.change(conn, request["request_id"], now, paused_at=now)
        waiting = _count(queue_reads.items_of_request(conn, request["request_id"]), ItemStatus.PENDING)
        requests.tell(conn, request["request_id"], "paused", person, now, f"{waiting} date(s) wait")
    return request["request_id"], waiting


def resume(registry: Registry, name: str, person: Person, *, now: datetime) -> tuple[str, int]:
    """Let a paused request go on, and release what ``--first`` kept back. Returns its id and how many dates wait."""
    with registry.writing() as conn:
        request = _open_request(requests.get(conn, name))
        queue.lock(conn, queue.of_request(request["request_id"]))
        items = queue_reads.items_of_request(conn, request["request_id"])
        if request["paused_at"] is None and not any(item.kept_back for item in items):
            raise Conflict(f"request {request['request_id']!r} is neither paused nor keeps dates back; it runs")
        requests.release(conn, request["request_id"], now)
        requests.change(conn, request["request_id"], now, paused_at=None)
        waiting = _count(items, ItemStatus.PENDING)
        requests.tell(conn, request["request_id"], "resumed", person, now, f"{waiting} date(s) wait")
    return request["request_id"], waiting


def cancel(registry: Registry, name: str, person: Person, *, now: datetime) -> tuple[str, int]:
    """End what waits, and stop what works with its external jobs. Returns its id and how many dates that were."""
    with registry.writing() as conn:
        request_id = _live_request(conn, name)["request_id"]
        mine = queue.of_request(request_id)
        queue.lock(conn, mine)  # or one that changes from working to waiting between two statements would escape
        moved = queue.move(conn, ItemEvent.CANCELLED, mine, who=person.who, why=person.why, now=now)
        requests.change(conn, request_id, now, cancelled_at=now)
        requests.tell(conn, request_id, "cancelled", person, now, f"{len(moved)} date(s)")
    return request_id, len(moved)


def retry(registry: Registry, name: str, person: Person, *, now: datetime) -> Retried:
    """Let the failed dates of a request be tried again, with all their attempts; the dates are those it named.

    Of a cancelled request also the cancelled dates: it goes on where it was stopped. A date that was cancelled by
    itself stays so until somebody names it; one of a pipeline that is switched off or deleted is left out, and named.
    Raises :class:`~airflow_backfill_provider.errors.Conflict` with every date that another item fills meanwhile, while
    the cancel is still at work, or when nothing of any of its pipelines is started any more.
    """
    try:
        with registry.writing() as conn:
            request = requests.get(conn, name)
            request_id = request["request_id"]
            undone = _undone(conn, request)
            gone = pipelines.why_gone(conn, {item.pipeline_id for item in undone})
            left_out = tuple(_left_out(undone, gone))
            able = [item for item in undone if item.pipeline_id not in gone]
            if not able:
                which = ", ".join(f"{name!r} {why}" for name, why in sorted(gone.items()))
                raise Conflict(f"pipeline {which}, so its dates of request {request_id!r} would wait for ever")
            moved = revive(conn, able, person, now)
            requests.change(conn, request_id, now, cancelled_at=None)
            waits = "" if request["paused_at"] is None else "; they wait until it is resumed"
            left = "".join(f"; not {len(one.dates)} of {one.pipeline_id}, which {one.gone}" for one in left_out)
            requests.tell(conn, request_id, "retried", person, now, f"{moved} date(s){waits}{left}")
    except IntegrityError:  # one live item for each date
        raise Conflict(
            f"another request took one of the dates of {name!r} at this moment; nothing was changed, ask again"
        ) from None
    return Retried(request_id, moved, left_out)


def is_paused(registry: Registry, name: str) -> bool:
    """Whether its dates wait until a person resumes it."""
    with registry.reading() as conn:
        return requests.get(conn, name)["paused_at"] is not None


def reprioritize(registry: Registry, name: str, priority: int, person: Person, *, now: datetime) -> tuple[str, int]:
    """Give the dates of a request another priority, also to wait with again. Returns its id and how many wait now."""
    check_priority(priority)
    with registry.writing() as conn:
        request_id = _live_request(conn, name)["request_id"]
        queue.lock(conn, queue.of_request(request_id))
        requests.reprioritize(conn, request_id, priority, now)
        requests.change(conn, request_id, now, priority=priority)
        waiting = _count(queue_reads.items_of_request(conn, request_id), ItemStatus.PENDING)
        requests.tell(conn, request_id, "reprioritized", person, now, f"priority {priority} for {waiting} date(s)")
    return request_id, waiting


def check_priority(priority: int) -> None:
    """Raise InvalidRequest for a number that no database column holds."""
    if abs(priority) > HIGHEST:
        words = f"'{priority}' was read; expected a whole number from -{HIGHEST} to {HIGHEST}"
        raise InvalidRequest([Problem("--priority", words)])


def _undone(conn: Connection, request: dict[str, Any]) -> list[Item]:
    """The dates that a retry of a request is for. Raises Conflict when there is none, or not yet."""
    name, items = request["request_id"], queue_reads.items_of_request(conn, request["request_id"])
    again = {ItemStatus.FAILED}
    if request["cancelled_at"] is not None:
        if stopping := _count(items, ItemStatus.CANCELLING):
            raise Conflict(f"jobs of {stopping} date(s) of request {name!r} are still being stopped; ask again soon")
        again.add(ItemStatus.CANCELLED)
    undone = [item for item in items if item.status in again]
    if not undone:
        raise Conflict(f"request {name!r} has no failed date; 'backfill show {name}' lists its dates")
    return undone


def _left_out(undone: Iterable[Item], gone: Mapping[str, str]) -> Iterator[LeftOut]:
    """Those of the dates whose pipeline is gone, by pipeline."""
    dates: dict[str, list[date]] = {}
    for item in undone:
        if item.pipeline_id in gone:
            dates.setdefault(item.pipeline_id, []).append(item.run_date)
    for pipeline_id, days in sorted(dates.items()):
        yield LeftOut(pipeline_id, tuple(days), gone[pipeline_id])


def _live_request(conn: Connection, name: str) -> dict[str, Any]:
    """A request that is not cancelled and has dates which wait or work. Raises Conflict."""
    request = _open_request(requests.get(conn, name))
    request_id = request["request_id"]
    if not requests.live(conn, [request_id]):
        raise Conflict(f"request {request_id!r} has ended: none of its dates waits or works; 'backfill retry' can help")
    return request


def _open_request(request: dict[str, Any]) -> dict[str, Any]:
    if request["cancelled_at"] is not None:
        raise Conflict(
            f"request {request['request_id']!r} was cancelled at {request['cancelled_at']:%Y-%m-%d %H:%M} UTC; "
            "'backfill retry' lets it go on"
        )
    return request


def _count(items: list[Item], status: ItemStatus) -> int:
    return sum(item.status is status for item in items)
