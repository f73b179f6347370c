"""The coverage is compared with the log part by part, and definitions are read again only when they have changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, update

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import verify_coverage
from airflow_backfill_provider.actions.known_pipelines import KnownPipelines
from airflow_backfill_provider.actions.turn import due_work
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import NotFound
from airflow_backfill_provider.pipelines.calendar_text import CalendarText
from airflow_backfill_provider.store.calendars import save_calendar
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_run_log, pipelines

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 2, 1)


def has(registry: Registry, *names: str, **values: Any) -> None:
    row = {"platform": "http", "trigger_url": "/x", "schedule_type": "daily", "updated_at": NOW, **values}
    with registry.writing() as conn:
        for name in names:
            conn.execute(insert(pipelines).values(pipeline_id=name, **row))


def changed(registry: Registry, name: str, **values: Any) -> None:
    with registry.writing() as conn:
        conn.execute(update(pipelines).where(pipelines.c.pipeline_id == name).values(**values))


def written(registry: Registry, name: str, *days: date) -> None:
    """Records of another program, which the coverage does not know of."""
    row = {"pipeline_id": name, "status": "success", "end_time": NOW}
    with registry.writing() as conn:
        for day in days:
            conn.execute(insert(pipeline_run_log).values(run_id=str(uuid.uuid4()), run_date=day, **row))


def told(registry: Registry) -> list[str]:
    return [entry.text for entry in verify_coverage.verify_part(registry)]


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    yield said
    event.remove(conn, "before_cursor_execute", note)


def test_turns_go_round_and_mend_what_they_find(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_coverage, "A_PART", 2)
    has(registry, "a", "b", "c", "d", "e")
    written(registry, "b", DAY)
    written(registry, "c", *(DAY + timedelta(days=days) for days in range(4)))
    written(registry, "e", DAY)
    assert told(registry) == ["b: the coverage of 2026-02-01 was not what the run log says; made anew"]
    assert verify_coverage.verify(registry).keys() == {"c", "e"}
    assert told(registry) == [
        "c: the coverage of 4 dates from 2026-02-01 to 2026-02-04 was not what the run log says; made anew"
    ]
    assert [line.partition(":")[0] for line in told(registry)] == ["e"]
    written(registry, "a", DAY)
    assert [line.partition(":")[0] for line in told(registry)] == ["a"], "after the last comes the first"
    assert verify_coverage.verify(registry) == {}


def test_a_person_asks_for_some_or_for_all(registry: Registry) -> None:
    has(registry, "a", "b")
    written(registry, "a", DAY)
    written(registry, "b", DAY)
    assert verify_coverage.verify(registry, ["b"]) == {"b": [DAY]}
    assert verify_coverage.rebuild(registry, ["b"]) == 1
    assert verify_coverage.verify(registry) == {"a": [DAY]}
    assert verify_coverage.rebuild(registry) == 2
    assert verify_coverage.verify(registry) == {}
    with pytest.raises(NotFound, match=r"'x', and no record.*\n.*'nobody', and no record"):
        verify_coverage.verify(registry, ["a", "x", "nobody"])


def test_definitions_are_read_again_only_when_they_have_changed(registry: Registry) -> None:
    has(registry, "a", "b")
    has(registry, "broken", schedule_type="sometimes")
    has(registry, "off", is_active=False)
    known = KnownPipelines()
    with registry.reading() as conn:
        first = known.active(conn, NOW)
        assert [each.pipeline_id for each in first] == ["a", "b"]
        with statements(conn) as said:
            again = known.active(conn, NOW)
    assert len(said) == 2
    assert all(one is other for one, other in zip(first, again, strict=True))
    changed(registry, "b", trigger_url="/y", updated_at=NOW + timedelta(seconds=1))
    changed(registry, "off", is_active=True)
    changed(registry, "a", trigger_url="/hidden")  # nobody set updated_at
    with registry.reading() as conn:
        third = {each.pipeline_id: each for each in known.active(conn, NOW)}
        assert list(third) == ["a", "b", "off"]
        assert third["a"] is first[0]
        assert third["b"].version != first[1].version
        much_later = {each.pipeline_id: each for each in known.active(conn, NOW + timedelta(minutes=10))}
    assert much_later["a"].version != third["a"].version
    changed(registry, "b", deleted_at=NOW)
    with registry.reading() as conn:
        assert [each.pipeline_id for each in known.active(conn, NOW + timedelta(minutes=11))] == ["a", "off"]


def test_a_new_version_of_a_calendar_makes_other_schedules(registry: Registry) -> None:
    with registry.writing() as conn:
        one = BusinessCalendar("own", frozenset({DAY}))
        save_calendar(conn, CalendarText(calendar=one), who="anna", now=NOW)
    has(registry, "a", frequency="business days", calendar="own")
    monday = date(2026, 2, 2)
    known = KnownPipelines()
    with registry.reading() as conn:
        (before,) = known.active(conn, NOW)
    with registry.writing() as conn:
        save_calendar(
            conn, CalendarText(calendar=BusinessCalendar("own", frozenset({DAY, monday}))), who="anna", now=NOW
        )
    with registry.reading() as conn:
        (after,) = known.active(conn, NOW)
    assert before.schedule.run_dates(monday, monday) == [monday]
    assert after.schedule.run_dates(monday, monday) == []


def test_coverage_is_compared_now_and_then_though_nothing_else_is_due(registry: Registry) -> None:
    """Else what another program wrote into the log of an idle installation would never be found."""
    settings = options.load()
    assert due_work(registry, settings, NOW) is None  # there is nothing to compare
    has(registry, "a", schedule_type="manual")
    due = due_work(registry, settings, NOW)
    assert due is not None
    assert due.why == "coverage to compare"
    assert due_work(registry, settings, NOW, search=False) is None  # asked for by the searches only
    told(registry)
    at = datetime.now(UTC)
    assert due_work(registry, settings, at + timedelta(minutes=29)) is None
    assert due_work(registry, settings, at + timedelta(minutes=31)) is not None
