"""The coverage follows the run log in the same transaction: writers at once lose no bit, and it can be made anew."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Event

import pytest
from alembic import command
from sqlalchemy import delete, func, insert, select, text, update

from airflow_backfill_provider.backfill.coverage import YearBits, YearKey, day_bit, from_bytes
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store import coverage, migrate, run_log
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import (
    date_coverage,
    pipeline_dependencies,
    pipeline_run_log,
    pipelines,
    stale_dates,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(40)]
WRITERS = 8


def has(registry: Registry, *names: str, **needs: str) -> None:
    with registry.writing() as conn:
        for name in names:
            conn.execute(insert(pipelines).values(pipeline_id=name, platform="http", schedule_type="manual"))
        for name, upstream in needs.items():
            conn.execute(insert(pipeline_dependencies).values(pipeline_id=name, upstream_id=upstream, date_offset=0))


def start(registry: Registry, name: str, days: Iterable[date]) -> RunRef:
    run = RunRef(dag_id=name, dag_run_id=str(uuid.uuid4()))
    begin = run_log.Started(
        pipeline_id=name, run=run, try_number=1, run_dates=tuple(days), origin="manual", is_backfill=False,
        definition_version="v1", retry_schedule_used=None, tick_at=None,
    )  # fmt: skip
    with registry.writing() as conn:
        run_log.started(conn, begin, NOW)
    return run


def done(registry: Registry, name: str, days: Iterable[date]) -> None:
    run = start(registry, name, days)
    with registry.writing() as conn:
        run_log.finish(conn, run, 1, RecordStatus.SUCCESS, NOW)


def written(registry: Registry, name: str, day: date, status: str = "success", ended_at: datetime = NOW) -> None:
    """A record that another program writes: the coverage does not know of it."""
    row = {"run_id": str(uuid.uuid4()), "pipeline_id": name, "run_date": day, "status": status, "end_time": ended_at}
    with registry.writing() as conn:
        conn.execute(insert(pipeline_run_log).values(row))


def kept(registry: Registry, name: str = "orders") -> dict[YearKey, YearBits]:
    with registry.reading() as conn:
        rows = conn.execute(select(date_coverage).where(date_coverage.c.pipeline_id == name)).all()
    return {
        YearKey(row.pipeline_id, row.year, row.version): YearBits(
            from_bytes(row.success), from_bytes(row.failed), from_bytes(row.stale)
        )
        for row in rows
    }


def wrong(registry: Registry) -> dict[str, list[date]]:
    with registry.reading() as conn:
        return coverage.found_wrong(conn, coverage.everybody(conn))


def test_writers_of_one_year_at_once_lose_no_bit(registry: Registry) -> None:
    has(registry, "orders")
    runs = [(start(registry, "orders", [day]), day) for day in DAYS]
    together = Barrier(WRITERS)

    def finish(number: int) -> None:
        together.wait(30)
        for run, _ in runs[number::WRITERS]:
            with registry.writing() as conn:
                assert run_log.finish(conn, run, 1, RecordStatus.SUCCESS, NOW) == 1

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(finish, range(WRITERS)))
    assert kept(registry) == {YearKey("orders", 2026, "v1"): YearBits(success=sum(map(day_bit, DAYS)))}
    assert wrong(registry) == {}


@pytest.mark.parametrize("first", ["upstream", "dependent"])
def test_an_upstream_and_who_waits_for_it_end_at_once(registry: Registry, first: str) -> None:
    """The first has not committed when the second writes; the upstream ended later, so the other is stale."""
    has(registry, "upstream", "dependent", dependent="upstream")
    ended = {"upstream": NOW, "dependent": NOW - timedelta(seconds=1)}
    runs = {name: start(registry, name, DAYS[:1]) for name in ended}
    second = "dependent" if first == "upstream" else "upstream"
    is_written = Event()

    def finish_first() -> None:
        with registry.writing() as conn:
            run_log.finish(conn, runs[first], 1, RecordStatus.SUCCESS, ended[first])
            is_written.set()
            conn.execute(select(func.count()).select_from(pipeline_run_log))

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(finish_first)
        assert is_written.wait(30)
        with registry.writing() as conn:
            run_log.finish(conn, runs[second], 1, RecordStatus.SUCCESS, ended[second])
        waiting.result()
    (bits,) = kept(registry, "dependent").values()
    assert (bits.success, bits.stale) == (1, 1)
    assert wrong(registry) == {}


def test_a_transaction_that_fails_leaves_the_coverage_as_it_was(registry: Registry) -> None:
    has(registry, "orders")
    run = start(registry, "orders", DAYS[:2])
    with contextlib.suppress(RuntimeError), registry.writing() as conn:
        run_log.finish(conn, run, 1, RecordStatus.SUCCESS, NOW)
        raise RuntimeError
    assert kept(registry) == {}


def test_a_date_whose_data_turns_out_bad_is_followed(registry: Registry) -> None:
    has(registry, "orders")
    done(registry, "orders", DAYS[:2])
    with registry.writing() as conn:
        first = conn.execute(select(pipeline_run_log).order_by(pipeline_run_log.c.run_date)).mappings().first()
        assert first is not None
        assert run_log.judge(conn, first, RecordStatus.FAILED, NOW, passed=False)
    assert kept(registry) == {YearKey("orders", 2026, "v1"): YearBits(success=0b10, failed=0b01)}
    assert wrong(registry) == {}


def test_what_another_program_wrote_is_found_and_made_good(registry: Registry) -> None:
    has(registry, "orders", "rates")
    done(registry, "rates", DAYS[:3])
    written(registry, "orders", DAYS[0])
    written(registry, "orders", date(2024, 12, 31), "failed")
    written(registry, "orders", DAYS[1], "cancelled")  # decides nothing
    with registry.writing() as conn:
        conn.execute(update(pipeline_run_log).where(pipeline_run_log.c.run_date == DAYS[2]).values(status="failed"))
        conn.execute(insert(stale_dates).values(pipeline_id="rates", run_date=DAYS[1], marked_by="x", marked_at=NOW))
    assert wrong(registry) == {"orders": [date(2024, 12, 31), DAYS[0]], "rates": [DAYS[2]]}
    with registry.writing() as conn:
        conn.execute(update(stale_dates).values(marked_at=NOW + timedelta(seconds=1)))
    assert wrong(registry)["rates"] == DAYS[1:3]
    with registry.writing() as conn:
        assert coverage.rebuild(conn, ["orders"]) == 1
    assert list(wrong(registry)) == ["rates"]
    with registry.writing() as conn:
        assert coverage.rebuild(conn) == 2
    assert wrong(registry) == {}
    assert kept(registry) == {
        YearKey("orders", 2026, ""): YearBits(success=day_bit(DAYS[0])),
        YearKey("orders", 2024, ""): YearBits(failed=1 << 365),
    }


def test_records_that_are_gone_leave_no_bits(registry: Registry) -> None:
    has(registry, "orders")
    done(registry, "orders", DAYS[:3])
    with registry.writing() as conn:
        conn.execute(delete(pipeline_run_log).where(pipeline_run_log.c.run_date != DAYS[0]))
        coverage.follow(conn, "orders", DAYS[1:3])
    assert kept(registry) == {YearKey("orders", 2026, "v1"): YearBits(success=1)}
    with registry.writing() as conn:
        conn.execute(delete(pipeline_run_log))
        coverage.follow(conn, "orders", DAYS[:1])
    assert kept(registry) == {}


def test_everybody_is_told_in_parts(registry: Registry) -> None:
    has(registry, "c", "a", "b")
    with registry.writing() as conn:
        conn.execute(insert(date_coverage).values(pipeline_id="gone", year=2026, version="v1", success=b"\x01"))
        assert coverage.everybody(conn) == ["a", "b", "c", "gone"]
        assert coverage.everybody(conn, after="a", most=2) == ["b", "c"]
        assert coverage.everybody(conn, after="gone", most=2) == []
    assert wrong(registry) == {"gone": [date(2026, 1, 1)]}


def test_records_that_are_older_than_the_coverage_are_in_it_after_the_migration(empty_url: str) -> None:
    _migrate_to(empty_url, "0005")
    registry = Registry(empty_url)
    has(registry, "orders")
    for day in DAYS[:3]:
        written(registry, "orders", day)
    written(registry, "orders", DAYS[2], "failed", NOW + timedelta(minutes=1))
    migrate.upgrade(empty_url, NOW)
    assert kept(registry) == {YearKey("orders", 2026, ""): YearBits(success=0b011, failed=0b100)}
    with registry.reading() as conn:
        assert conn.execute(text("SELECT count(*) FROM pipeline_run_log")).scalar_one() == 4
    registry.dispose()


def _migrate_to(url: str, revision: str) -> None:
    with migrate._migrating(migrate.parse_url(url)) as conn:
        config = migrate.alembic_config()
        config.attributes.update(connection=conn, report=[], now=NOW)
        command.upgrade(config, revision)
