"""Our values as answers of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from airflow_backfill_provider.actions.date_grid import GridRow
from airflow_backfill_provider.api import date_answers, pipeline_answers, request_answers
from airflow_backfill_provider.backfill.hold import Hold
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.owed import DateStatus
from airflow_backfill_provider.backfill.progress import eta_of
from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.errors import Problem
from airflow_backfill_provider.store.pipeline_heads import Head

if TYPE_CHECKING:
    from airflow_backfill_provider.api.access import Viewer

_NOT_EXPECTED = b"."
_CAPITALS = {status: bytes.maketrans(b"01", b"\0" + status.value[0].upper().encode()) for status in DateStatus}
_SMALL = bytes.maketrans(b"01", b"\0 ")
"""What makes a capital letter a small one in ASCII: the bit of a space."""


def counts(found: Mapping[DateStatus, int]) -> pipeline_answers.Counts:
    """Dates by status; excluded ones are of no interest to anybody."""
    return pipeline_answers.Counts(
        **{status.value: n for status, n in found.items() if status is not DateStatus.EXCLUDED}
    )


def cells(bits: Mapping[DateStatus, int], late: int, days: int) -> str:
    """One letter for each day of a range, from bitmaps: its dates in each status, small where they are late."""
    letters = told = 0
    for status, its in bits.items():
        letters |= _spread(its, _CAPITALS[status], days)
        told |= its
    letters |= _spread(late & told, _SMALL, days)
    return letters.to_bytes(days, "big")[::-1].replace(b"\0", _NOT_EXPECTED).decode()


def _spread(bits: int, letter: bytes, days: int) -> int:
    """A byte for each bit: the letter's, or 0."""
    return int.from_bytes(f"{bits:0{days}b}".encode().translate(letter), "big")


def head(value: Head, can_start: bool) -> dict[str, Any]:
    """The fields of a pipeline in short."""
    names = ("pipeline_id", "name", "platform", "owner", "is_active")
    return {name: getattr(value, name) for name in names} | {"tags": list(value.tags), "can_start": can_start}


def grid_row(row: GridRow, first: date, last: date, can_start: bool) -> pipeline_answers.GridRowAnswer:
    """A pipeline's line in the grid."""
    return pipeline_answers.GridRowAnswer(
        **head(row.head, can_start and not row.problems),
        cells=cells(row.bits, row.late, (last - first).days + 1),
        counts=counts(row.counts),
        owed=row.owed,
        late=row.late.bit_count(),
        problem=problem(row.problems),
    )


def problem(found: Iterable[Problem]) -> str | None:
    """What is wrong with a row, in one line; None when nothing is."""
    return "; ".join(str(one) for one in found) or None


def run(record: Mapping[str, Any], viewer: Viewer) -> date_answers.RunAnswer:
    """A row of ``pipeline_run_log``."""
    given = {name: record[name] for name in date_answers.RunAnswer.model_fields}
    given |= {"retry_attempts": record["retry_attempts"] or 0}
    return date_answers.RunAnswer(**given | {"error_message": _words(record["error_message"], viewer)})


def hold(value: Hold) -> date_answers.HoldAnswer:
    """A row of ``run_date_holds``."""
    last = value.last
    return date_answers.HoldAnswer(
        run_date=value.run_date,
        held_by=value.owner.dag_run_id if value.owner else None,
        external_run_id=last.external_id if last else None,
        external_url=last.external_url if last else None,
        external_status=last.status.value if last else None,
        submitted_at=last.submitted_at if last else None,
        ended_at=last.ended_at if last else None,
    )


def items(values: Iterable[Item], waits: Mapping[str, str], viewer: Viewer) -> list[request_answers.ItemAnswer]:
    """Items of the queue; ``waits`` says by their ids why those that are pending have not started."""
    return [_item(one, waits.get(one.backfill_id), viewer) for one in values]


def _item(value: Item, waits: str | None, viewer: Viewer) -> request_answers.ItemAnswer:
    given = {name: getattr(value, name) for name in request_answers.ItemAnswer.model_fields if name != "waits"}
    given |= {"status": value.status.value, "reason": viewer.words(value.reason), "waits": _words(waits, viewer)}
    return request_answers.ItemAnswer(**given | {"error_message": _words(value.error_message, viewer)})


def _words(text: str | None, viewer: Viewer) -> str | None:
    """What went wrong, or what is waited for: it may be an upstream."""
    return None if text is None else viewer.words(text)


def request(row: Mapping[str, Any], can_act: bool, now: datetime) -> dict[str, Any]:
    """The fields of a request's answer, from its row with the items counted."""
    by_status = {status.value: int(row[f"items_{status.value}"] or 0) for status in ItemStatus}
    live = sum(by_status[status.value] for status in LIVE)
    every, kept_back = int(row["items"] or 0), int(row["kept_back"] or 0)
    waits = bool(row["paused_at"] or kept_back)  # nobody can say for how long
    names = ("request_id", "requested_by", "requested_at", "why", "selection", "pipelines", "max_active", "first_n")
    return {name: row[name] for name in names} | {
        "priority": row["priority"] or 0,
        "newest_first": bool(row["newest_first"]),
        "state": _state(row, live),
        "kept_back": kept_back,
        "items": every,
        "counts": {status: n for status, n in by_status.items() if n},
        "percent": 100 * (every - live) // every if every else 100,
        "eta_at": None if waits else eta_of(row["began_at"], row["last_at"], int(row["paced"] or 0), live, now),
        "can_act": can_act,
    }


def latest_eta(rows: Iterable[Mapping[str, Any]], now: datetime) -> datetime | None:
    """When the last of these requests is done; None when nobody can say it of any of them."""
    return max(filter(None, (request(row, False, now)["eta_at"] for row in rows)), default=None)


def _state(row: Mapping[str, Any], live: int) -> str:
    if row["cancelled_at"]:
        return "cancelled"
    if not live:
        return "ended"
    return "paused" if row["paused_at"] else "open"
