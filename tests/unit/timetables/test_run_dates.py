"""The timetable as Airflow uses it: one run a tick, the newest due one first, and backfills by run date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, TimeRestriction

from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.timetables.run_dates import RunDateTimetable
from airflow_backfill_provider.timetables.run_ids import made_at, make_run_id

ALWAYS = TimeRestriction(earliest=None, latest=None, catchup=False)
START = date(2025, 1, 1)


def timetable(schedule_type: str = "daily", frequency: str = "", **more: object) -> RunDateTimetable:
    own = {name: more.pop(name) for name in ("multi_date", "not_before", "ticking") if name in more}
    spec = ScheduleSpec(schedule_type=schedule_type, frequency=frequency, **{"start_date": START} | more)  # type: ignore[arg-type]
    return RunDateTimetable(Schedule.parse(spec), **own)  # type: ignore[arg-type]


def following(table: RunDateTimetable, last: DagRunInfo | None = None) -> DagRunInfo | None:
    return table.next_dagrun_info_v2(last_dagrun_info=last, restriction=ALWAYS)


def test_a_new_dag_runs_its_newest_tick_that_is_due_and_then_the_next_one() -> None:
    table = timetable()
    first = following(table)
    assert first is not None
    assert first.run_after.date() == datetime.now(UTC).date()
    second = following(table, first)
    assert second is not None
    assert second.run_after - first.run_after == timedelta(days=1)
    assert first.partition_date == first.run_after, "the reference is the tick, not the run date"


def test_without_a_start_date_nothing_before_the_pipeline_was_created_is_run() -> None:
    created = datetime.now(UTC) - timedelta(minutes=1)
    info = following(timetable("daily", "at 00:00", start_date=None, not_before=created))
    assert info is not None
    assert info.run_after >= created


def test_a_reference_run_in_the_future_is_ignored() -> None:
    """Somebody's backfill up to next month must not move the next tick to next month."""
    table = timetable()
    future = datetime.now(UTC) + timedelta(days=30)
    info = following(table, DagRunInfo(run_after=future, data_interval=None, partition_date=future))  # type: ignore[arg-type]
    assert info is not None
    assert info.run_after <= datetime.now(UTC)


def test_a_switched_off_or_manual_pipeline_never_ticks() -> None:
    assert following(timetable(ticking=False)) is None
    assert following(timetable("manual")) is None
    assert timetable(ticking=False).summary.startswith("switched off")


def test_a_window_is_carried_whole_or_by_its_newest_date() -> None:
    weekly = {"date_offset": -1, "date_window": "week"}
    whole, newest = (following(timetable("weekly", "mon", multi_date=multi, **weekly)) for multi in (True, False))
    assert whole is not None
    assert newest is not None
    assert whole.partition_key is not None
    assert whole.partition_key.split("..")[1] == newest.partition_key


def test_backfills_name_run_dates_and_never_a_future_tick() -> None:
    table = timetable("daily", date_offset=-1)
    today = datetime.now(UTC)
    infos = list(
        table.iter_partition_dagrun_infos(earliest=today - timedelta(days=3), latest=today + timedelta(days=9))
    )
    days = [(today - timedelta(days=back)).date().isoformat() for back in (3, 2, 1)]
    assert [info.partition_key for info in infos] == days
    assert all(info.run_after <= today for info in infos)


@pytest.mark.parametrize(
    ("earliest", "latest"),
    [
        ("2025-01-01T00:00:00Z", "2025-01-03T00:00:00Z"),  # airflow backfill create --from-date 2025-01-01
        ("2025-01-01T00:00:00+02:00", "2025-01-03T00:00:00+02:00"),
        ("2024-12-31T23:00:00Z", "2025-01-03T22:59:59.999Z"),  # Airflow's page, read in Berlin
        ("2025-01-01T08:00:00Z", "2025-01-04T07:59:59.999Z"),  # and in Los Angeles
        ("2024-12-31T11:00:00Z", "2025-01-03T10:59:59.999Z"),  # and in Auckland
    ],
)
@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "Asia/Tokyo"])
def test_a_backfill_of_three_days_has_those_days_wherever_it_was_asked_for(
    earliest: str, latest: str, timezone: str
) -> None:
    table = timetable("daily", timezone=timezone, start_date=date(2024, 12, 1))
    bounds = (datetime.fromisoformat(bound) for bound in (earliest, latest))
    infos = table.iter_partition_dagrun_infos(**dict(zip(("earliest", "latest"), bounds, strict=True)))
    assert [info.partition_key for info in infos] == ["2025-01-01", "2025-01-02", "2025-01-03"]


def test_dates_of_one_tick_differ_by_seconds_and_the_newest_shares_the_scheduled_run_s_instant() -> None:
    table = timetable("weekly", "mon", date_offset=-1, date_window="week")
    week = {"earliest": datetime(2026, 11, 9, tzinfo=UTC), "latest": datetime(2026, 11, 15, tzinfo=UTC)}
    infos = list(table.iter_partition_dagrun_infos(**week))
    tick = datetime(2026, 11, 16, tzinfo=UTC)
    assert [info.partition_date - tick for info in infos] == [timedelta(seconds=late) for late in range(6, -1, -1)]  # type: ignore[operator]
    assert table.resolve_partition_date("2026-11-15") == tick
    assert table.resolve_partition_date("2026-11-09") == tick + timedelta(seconds=6)


def test_a_partition_key_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(InvalidPartitionKeyError, match="yesterday"):
        timetable().resolve_partition_date("yesterday")


def test_what_airflow_stores_makes_an_equal_timetable() -> None:
    table = timetable("monthly", "last business day", calendar="DE", timezone="Europe/Berlin", multi_date=True)
    again = RunDateTimetable.deserialize(table.serialize())
    assert again.serialize() == table.serialize()
    assert following(again) == following(table)


def test_an_error_in_the_next_tick_is_logged_and_never_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow would drop the DAG from scheduling without a word."""
    table = timetable()
    monkeypatch.setattr(table, "_next", lambda *_: 1 / 0)
    assert following(table) is None


def test_run_ids_carry_the_date_and_the_instant_and_no_path() -> None:
    now = datetime(2026, 11, 22, 5, 0, 0, 123000, tzinfo=UTC)
    made = make_run_id("scheduled", "2026-11-16..2026-11-22", now)
    assert made.startswith("scheduled__2026-11-16_2026-11-22__")
    assert ".." not in made
    assert made_at(made) == now
    assert made_at("manual__2026-11-22T05:00:00+00:00") is None
    assert make_run_id("manual", None, now) != make_run_id("manual", None, now)
    assert len(make_run_id("manual", "x" * 500, now)) <= 250


@pytest.mark.parametrize("key", ["2026-11-22", "2026-11-16..2026-11-22", "2026-11-16..2026-11-22~0a1b2c3d", None])
def test_an_id_of_ours_tells_when_it_was_made(key: str | None) -> None:
    now = datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert made_at(make_run_id("asset_triggered", key, now)) == now


@pytest.mark.parametrize("typed", ["orders__202611221530", "manual__reprocessing", "manual__2026__reprocessing"])
def test_an_id_that_a_person_chose_tells_nothing(typed: str) -> None:
    """Read as an instant these are in the years 2148 and 4420."""
    assert made_at(typed) is None
