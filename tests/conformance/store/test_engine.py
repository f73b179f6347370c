"""Transactions, types, and what is said when the registry cannot be used."""

from __future__ import annotations

import multiprocessing
import re
import sqlite3
import threading
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from airflow_backfill_provider.errors import ConfigError, StoreError
from airflow_backfill_provider.store import engine as engine_module
from airflow_backfill_provider.store.engine import Registry, parse_url
from airflow_backfill_provider.store.engine import registry as registry_at
from airflow_backfill_provider.store.tables import pipeline_changes, pipelines, run_date_holds

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
DAY = date(2026, 3, 1)


def _hold(registry: Registry, **values: object) -> None:
    with registry.writing() as conn:
        conn.execute(insert(run_date_holds).values(pipeline_id="orders", run_date=DAY, **values))


def _submission(registry: Registry) -> int:
    with registry.reading() as conn:
        return conn.execute(select(run_date_holds.c.submission)).scalar_one()


def _count_up(url: str, times: int) -> None:
    registry = Registry(url)
    for _ in range(times):
        with registry.writing() as conn:
            number = conn.execute(select(run_date_holds.c.submission).with_for_update()).scalar_one()
            conn.execute(update(run_date_holds).values(submission=number + 1))
    registry.dispose()


def test_a_writing_block_commits_at_its_end(registry: Registry) -> None:
    _hold(registry, submission=3)
    assert _submission(registry) == 3


def test_a_writing_block_that_raises_leaves_nothing(registry: Registry) -> None:
    def write_and_stop() -> None:
        with registry.writing() as conn:
            conn.execute(insert(run_date_holds).values(pipeline_id="orders", run_date=DAY))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop()
    with registry.reading() as conn:
        assert conn.execute(select(func.count()).select_from(run_date_holds)).scalar_one() == 0


def test_a_reading_block_cannot_write(registry: Registry) -> None:
    with pytest.raises(StoreError, match="a reading block cannot write"), registry.reading() as conn:
        conn.execute(insert(run_date_holds).values(pipeline_id="orders", run_date=DAY))
    _hold(registry)  # the connection that came back to the pool can write again


def test_a_reading_block_sees_one_snapshot(registry: Registry) -> None:
    _hold(registry)
    with registry.reading() as conn:
        before = conn.execute(select(run_date_holds.c.submission)).scalar_one()
        with registry.writing() as other:
            other.execute(update(run_date_holds).values(submission=9))
        assert conn.execute(select(run_date_holds.c.submission)).scalar_one() == before
    assert _submission(registry) == 9


def test_processes_that_write_lose_no_update(registry: Registry, registry_url: str) -> None:
    _hold(registry)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count_up, args=(registry_url, 50)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert _submission(registry) == 100


def test_threads_that_write_lose_no_update(registry: Registry, registry_url: str) -> None:
    _hold(registry)
    threads = [threading.Thread(target=_count_up, args=(registry_url, 20)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert _submission(registry) == 80


def test_a_writer_waits_for_another_one(registry: Registry) -> None:
    _hold(registry)
    inside, ended = threading.Event(), threading.Event()

    def second() -> None:
        inside.wait(10)
        with registry.writing() as conn:
            number = conn.execute(select(run_date_holds.c.submission).with_for_update()).scalar_one()
            conn.execute(update(run_date_holds).values(submission=number + 1))
        ended.set()

    thread = threading.Thread(target=second)
    thread.start()
    with registry.writing() as conn:
        conn.execute(update(run_date_holds).values(submission=10))
        inside.set()
        assert not ended.wait(0.3)
    thread.join(10)
    assert _submission(registry) == 11


def test_a_writer_that_waited_too_long_says_so(tmp_path: Path) -> None:
    from airflow_backfill_provider.store.migrate import upgrade

    url = f"sqlite:///{tmp_path / 'busy.db'}"
    upgrade(url, datetime.now(UTC))
    patient, hurried = Registry(url), Registry(f"{url}?timeout=0.2")
    with (
        patient.writing(),
        pytest.raises(StoreError, match=r"busy\.db.*database is locked.*somebody else was writing"),
        hurried.writing(),
    ):
        pass
    with patient.writing(), hurried.reading() as conn:  # readers never wait for a writer
        conn.execute(select(pipelines)).all()
    patient.dispose()
    hurried.dispose()


def test_who_opens_a_new_file_waits_for_its_first_writer(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    first = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    first.execute("CREATE TABLE written (first INTEGER)")
    with (
        pytest.raises(StoreError, match="database is locked"),
        Registry(f"sqlite:///{file}?timeout=0.2").reading(),
    ):
        pass
    waiting = Registry(f"sqlite:///{file}")
    ends = threading.Timer(0.5, first.execute, ["COMMIT"])
    ends.start()
    with waiting.reading() as conn:
        assert conn.execute(text("SELECT count(*) FROM written")).scalar_one() == 0
        assert conn.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    ends.join()
    waiting.dispose()
    first.close()


def test_instants_come_back_aware_and_in_utc(registry: Registry) -> None:
    _hold(registry, acquired_at=NOW.astimezone(timezone(timedelta(hours=5, minutes=30))))
    with registry.reading() as conn:
        found = conn.execute(select(run_date_holds.c.acquired_at, run_date_holds.c.run_date)).one()
    assert found.acquired_at == NOW
    assert found.acquired_at.utcoffset() == timedelta(0)
    assert found.run_date == DAY


def test_naive_instants_are_refused(registry: Registry) -> None:
    with pytest.raises(StatementError, match="must be aware"):
        _hold(registry, acquired_at=datetime(2026, 3, 1))  # noqa: DTZ001


def test_an_instant_is_not_a_date(registry: Registry) -> None:
    with pytest.raises(StatementError, match="expected a date"), registry.reading() as conn:
        conn.execute(select(run_date_holds).where(run_date_holds.c.run_date == NOW))


@pytest.mark.parametrize("earlier", [timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=400)])
def test_instants_compare_as_instants(registry: Registry, earlier: timedelta) -> None:
    _hold(registry, updated_at=NOW.replace(microsecond=0))
    with registry.reading() as conn:
        query = select(func.count()).select_from(run_date_holds)
        moment = NOW.replace(microsecond=0)
        assert conn.execute(query.where(run_date_holds.c.updated_at < moment)).scalar_one() == 0
        assert conn.execute(query.where(run_date_holds.c.updated_at <= moment)).scalar_one() == 1
        assert conn.execute(query.where(run_date_holds.c.updated_at > moment - earlier)).scalar_one() == 1


def test_booleans_and_times_of_day(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(insert(pipelines).values(pipeline_id="a", auto_backfill=True, sla_time=time(6, 30)))
        conn.execute(insert(pipelines).values(pipeline_id="b", auto_backfill=False))
        found = conn.execute(select(pipelines).where(pipelines.c.auto_backfill)).one()
    assert (found.pipeline_id, found.auto_backfill, found.sla_time) == ("a", True, time(6, 30))


def test_a_registry_without_tables_says_how_to_make_them(empty_url: str) -> None:
    registry = Registry(empty_url)
    with pytest.raises(StoreError, match="run 'airflow pipelines db migrate'"), registry.reading() as conn:
        conn.execute(select(pipelines))
    registry.dispose()


def test_a_server_that_does_not_answer() -> None:
    registry = Registry("postgresql://someone:secret@127.0.0.1:9/nowhere")
    with pytest.raises(StoreError, match="see that the server runs") as caught, registry.reading():
        pass
    assert "secret" not in str(caught.value)
    assert "someone:***@127.0.0.1:9/nowhere" in str(caught.value)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path / 'nowhere' / 'registry.db'}")
    with pytest.raises(StoreError, match=r"see that the folder of .*nowhere/registry\.db' exists"), registry.writing():
        pass


def test_a_file_that_is_not_there_is_not_made_by_opening_it(tmp_path: Path) -> None:
    from airflow_backfill_provider.store.migrate import upgrade

    file = tmp_path / "registry.db"
    registry = Registry(f"sqlite:///{file}")
    words = f"the file '{file}' does not exist; .*, or run 'airflow pipelines db migrate', which makes it"
    for block in (registry.reading, registry.writing):
        with pytest.raises(StoreError, match=words), block():
            pass
    assert list(tmp_path.iterdir()) == []
    assert upgrade(f"sqlite:///{file}", NOW)
    _hold(registry)  # a process that could not open it need not be started anew
    registry.dispose()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}")
    words = f"'{tmp_path}' is a folder; expected a file in it, for example sqlite:///{tmp_path}/backfill.db"
    with pytest.raises(StoreError, match=re.escape(words)), registry.reading():
        pass


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database, but long enough to be read as one: " * 40)
    registry = Registry(f"sqlite:///{tmp_path / 'notes.db'}")
    with pytest.raises(StoreError, match=r"notes\.db"), registry.reading() as conn:
        conn.execute(text("SELECT 1 FROM pipelines"))


def test_a_statement_that_sqlite_refuses_is_no_fault_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "registry.db").touch()
    registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
    words = "syntax error; the file is healthy, but this statement does not suit what is in it; please report this"
    with pytest.raises(StoreError, match=re.escape(words)), registry.writing() as conn:
        conn.execute(text("CREATE TABLE pipelines (made DEFAULT datetime('now'))"))
    registry.dispose()


@pytest.mark.parametrize("url", ["postgres://h/d", "postgresql://h/d", "postgresql+psycopg2://h/d"])
def test_every_spelling_of_postgres_means_psycopg_3(url: str) -> None:
    assert parse_url(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "not a url"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="sql_alchemy_conn"):
        parse_url(url)


@pytest.mark.parametrize("url", ["postgresql://u:p@h:notaport/d", "sqlite:////tmp/x.db?timeout=abc"])
def test_a_part_of_the_url_that_is_no_number_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ConfigError, match="sql_alchemy_conn") as refused:
        Registry(url)
    assert "u:p" not in str(refused.value)


def test_broken_rules_are_not_hidden(registry: Registry) -> None:
    _hold(registry)
    with pytest.raises(IntegrityError):
        _hold(registry)


def _pid_and_reading(url: str, answer: multiprocessing.Queue[int]) -> None:
    child = registry_at(url)
    with child.reading() as conn:
        answer.put(conn.execute(select(func.count()).select_from(pipeline_changes)).scalar_one())


def test_one_registry_for_each_url_and_process(registry_url: str) -> None:
    ours = registry_at(registry_url)
    assert registry_at(registry_url) is ours
    with ours.reading() as conn:
        conn.execute(select(pipelines)).all()
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[int] = context.Queue()
    child = context.Process(target=_pid_and_reading, args=(registry_url, answer))
    child.start()
    assert answer.get(timeout=60) == 0
    child.join(60)
    assert child.exitcode == 0
    assert {key[0] for key in engine_module._registries} >= {registry_url}
    ours.dispose()
