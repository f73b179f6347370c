"""Where the factory's knowledge comes from: the registry, or, while it is away or a row is broken, the snapshot."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from airflow_backfill_provider.dag_factory import readings, snapshot
from airflow_backfill_provider.dag_factory.factory import build_dags, raise_broken
from airflow_backfill_provider.dag_factory.readings import Reading, read_all
from airflow_backfill_provider.dates import schedule
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.plan import Plan, compile_plan
from airflow_backfill_provider.dates.spec import ScheduleSpec
from airflow_backfill_provider.errors import InvalidRequest, StoreError
from airflow_backfill_provider.pipelines.pipeline import parse_pipeline
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.engine import registry as shared_registry
from airflow_backfill_provider.store.migrate import upgrade
from airflow_backfill_provider.store.tables import pipelines

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
ROW = {"platform": "databricks", "platform_job_id": "1", "schedule_type": "daily", "is_active": True, "created_at": NOW}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    url = f"sqlite:///{tmp_path / 'backfill.db'}"
    monkeypatch.setenv("AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN", url)
    monkeypatch.setenv("AIRFLOW__BACKFILL__SNAPSHOT_PATH", str(tmp_path / "snapshot.json"))
    upgrade(url, NOW)
    opened = Registry(url)
    yield opened
    opened.dispose()


def write(registry: Registry, pipeline_id: str, **cells: Any) -> None:
    with registry.writing() as conn:
        conn.execute(pipelines.delete().where(pipelines.c.pipeline_id == pipeline_id))
        conn.execute(pipelines.insert().values(**ROW | cells | {"pipeline_id": pipeline_id}))


def take_away(registry: Registry, tmp_path: Path) -> None:
    registry.dispose()
    shared_registry().dispose()
    for file in tmp_path.glob("backfill.db*"):
        file.unlink()
    (tmp_path / "backfill.db").mkdir()


def ticking(only: str | None = None) -> dict[str, bool]:
    return {reading.pipeline.pipeline_id: reading.ticking for reading in read_all(only).good}


def test_a_row_that_turned_bad_keeps_its_last_good_dag_without_ticks(registry: Registry) -> None:
    write(registry, "good")
    write(registry, "spoilt")
    assert ticking() == {"good": True, "spoilt": True}
    write(registry, "spoilt", frequency="evry day")
    assert ticking() == {"good": True, "spoilt": False}
    assert ticking() == {"good": True, "spoilt": False}, "also when the snapshot was written with the row broken"
    write(registry, "spoilt", frequency="every 2 days", start_date=date(2026, 1, 1))
    assert ticking() == {"good": True, "spoilt": True}


def test_the_snapshot_is_read_once_however_many_rows_are_broken(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reading of a long file takes a while, and Airflow gives up a file that takes too long."""
    names = [f"spoilt_{number}" for number in range(5)]
    for name in names:
        write(registry, name)
    assert ticking() == dict.fromkeys(names, True)
    for name in names:
        write(registry, name, frequency="evry day")
    read: list[Path] = []
    really = snapshot.read
    monkeypatch.setattr(snapshot, "read", lambda path: (read.append(path), really(path))[1])
    before = len(read)
    assert ticking() == dict.fromkeys(names, False)
    assert len(read) - before <= 2  # for the broken rows, and to see whether it has to be written


def test_a_row_that_never_was_good_has_no_dag_and_is_shown(registry: Registry) -> None:
    write(registry, "good")
    write(registry, "bad", timezone="Europe/Atlantis")
    assert list(build_dags()) == ["good"]
    with pytest.raises(InvalidRequest, match="Europe/Atlantis"):
        raise_broken()


def test_nothing_is_shown_when_no_row_is_broken(registry: Registry) -> None:
    write(registry, "good")
    raise_broken()


def test_a_mistyped_path_makes_no_file_and_is_told(registry: Registry, tmp_path: Path) -> None:
    mistyped = tmp_path / "backfil.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN", f"sqlite:///{mistyped}")
        for load in (build_dags, raise_broken):
            with pytest.raises(StoreError, match=r"does not exist; .* run 'airflow pipelines db migrate'"):
                load()
    assert not mistyped.exists()


def test_without_the_registry_the_dags_are_those_of_the_snapshot(registry: Registry, tmp_path: Path) -> None:
    write(registry, "good")
    write(registry, "other")
    assert sorted(build_dags()) == ["good", "other"]
    take_away(registry, tmp_path)
    assert sorted(build_dags()) == ["good", "other"]
    assert ticking("other") == {"other": True}
    with pytest.raises(InvalidRequest, match="DAGs are those of"):
        raise_broken()


def test_a_registry_that_never_answers_is_away_before_airflow_gives_the_file_up(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(registry, "good")
    build_dags()
    monkeypatch.setattr(readings, "PATIENCE_SECONDS", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"postgresql+psycopg://nobody@127.0.0.1:{silent.getsockname()[1]}/backfill"
        monkeypatch.setenv("AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN", url)
        assert list(build_dags()) == ["good"]
        with pytest.raises(InvalidRequest, match=r"did not answer within 0\.5 seconds"):
            raise_broken()


def test_without_registry_and_snapshot_airflow_is_told_by_an_error(registry: Registry, tmp_path: Path) -> None:
    take_away(registry, tmp_path)
    with pytest.raises(StoreError):
        build_dags()


def test_a_snapshot_that_cannot_be_written_takes_no_dag_away(registry: Registry, tmp_path: Path) -> None:
    write(registry, "good")
    (tmp_path / "snapshot.json").mkdir()
    assert list(build_dags()) == ["good"]


@pytest.mark.parametrize("damaged", ['{"good": ', "[1]", "null", "\ufeff"])
def test_a_damaged_snapshot_is_no_snapshot(registry: Registry, tmp_path: Path, damaged: str) -> None:
    write(registry, "good")
    write(registry, "bad", timezone="Europe/Atlantis")
    (tmp_path / "snapshot.json").write_text(damaged, encoding="utf-8")
    assert list(build_dags()) == ["good"]
    (tmp_path / "snapshot.json").write_text(damaged, encoding="utf-8")
    take_away(registry, tmp_path)
    with pytest.raises(StoreError):
        build_dags()


def test_a_snapshot_entry_of_another_version_takes_no_other_dag_with_it(registry: Registry, tmp_path: Path) -> None:
    write(registry, "good")
    write(registry, "old")
    build_dags()
    path = tmp_path / "snapshot.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries["old"]["pipeline"]["a_column_of_yore"] = 1
    entries["older"] = {"row": {}}
    path.write_text(json.dumps(entries), encoding="utf-8")
    take_away(registry, tmp_path)
    assert list(build_dags()) == ["good"]


def test_whatever_stands_in_a_cell_the_other_rows_have_their_dags(registry: Registry, tmp_path: Path) -> None:
    junk = [b"\xff\xfe", -1, 10**18, float("inf"), "\x00", "2026-13-45", "9" * 400, "every 0 days", "[1,"]
    columns = [column.name for column in pipelines.c if column.name not in ("pipeline_id", "adopted_key")]
    with closing(sqlite3.connect(tmp_path / "backfill.db")) as database:
        for number, (column, value) in enumerate(product(columns, junk)):
            cells = ROW | {"created_at": "2026-11-22 05:00:00.000000", "pipeline_id": f"junk{number}", column: value}
            named, marks = ", ".join(cells), ", ".join("?" * len(cells))
            with suppress(sqlite3.IntegrityError):  # the database itself refuses a few
                database.execute(f"INSERT INTO pipelines ({named}) VALUES ({marks})", list(cells.values()))
        database.commit()
    write(registry, "good")
    dags = build_dags()
    assert "good" in dags
    assert len(dags) > 1, "some of it is harmless"
    with pytest.raises(InvalidRequest, match="junk"):
        raise_broken()


def test_an_error_that_nobody_thought_of_stays_with_its_row(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def compile_some(spec: ScheduleSpec, calendar: BusinessCalendar | None) -> Plan:
        return compile_plan(spec, calendar) if spec.frequency else never(spec)

    def never(spec: ScheduleSpec) -> Plan:
        raise OverflowError("date value out of range")

    write(registry, "bad")
    write(registry, "good", frequency="weekdays")
    monkeypatch.setattr(schedule, "compile_plan", compile_some)
    assert list(build_dags()) == ["good"]
    assert "in never" in caplog.text, "the traceback is logged"
    words = "pipeline 'bad', frequency: cannot be read, because of OverflowError: date value out of range"
    with pytest.raises(InvalidRequest, match=words):
        raise_broken()


def test_an_empty_registry_is_no_outage(registry: Registry) -> None:
    assert build_dags() == {}


def test_a_task_s_process_builds_only_its_own_dag(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    write(registry, "mine")
    write(registry, "other", frequency="evry day")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "mine")
    assert list(build_dags()) == ["mine"]


def test_a_reading_comes_back_from_json_as_it_was() -> None:
    pipeline = parse_pipeline(
        {
            "pipeline_id": "orders",
            "platform": "databricks",
            "platform_job_id": "1",
            "schedule_type": "daily",
            "frequency": "business days",
            "calendar": "plant",
            "sla_time": time(8, 30),
            "parameters": {"country": "DE"},
            "created_at": NOW,
        },
        calendars={"plant": BusinessCalendar("plant", frozenset({date(2026, 12, 24)}))},
    )
    reading = Reading(
        pipeline=pipeline, ticking=True, calendar=BusinessCalendar("plant", frozenset({date(2026, 12, 24)}))
    )
    again = Reading.from_json(reading.to_json())
    assert again == reading
    assert again.pipeline.created_at == NOW
    assert Reading.from_json(reading.to_json(), ticking=False).ticking is False


def test_an_unchanged_snapshot_is_renewed_once_a_minute_to_say_that_it_is_still_good(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    snapshot.write(path, {"a": 1}, NOW)
    old = (NOW - timedelta(seconds=30)).timestamp()
    os.utime(path, (old, old))
    snapshot.write(path, {"a": 1}, NOW)
    assert path.stat().st_mtime == old, "half a minute old, and nothing changed"
    snapshot.write(path, {"a": 1}, NOW + timedelta(seconds=40))
    assert path.stat().st_mtime != old, "more than a minute old"
    snapshot.write(path, {"a": 2}, NOW)
    assert snapshot.read(path) is not None
    assert snapshot.read(path)[0] == {"a": 2}  # type: ignore[index]
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.json"], "no draft is left"
