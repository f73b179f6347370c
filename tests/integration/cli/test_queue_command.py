"""``airflow pipelines queue`` through Airflow's own command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import ItemEvent
from airflow_backfill_provider.store import queue, queue_reads
from airflow_backfill_provider.store.engine import Registry
from tests.integration.cli.conftest import ORDERS_AND_WEEKLY

pytestmark = pytest.mark.airflow

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
D1, D2, D3 = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 12)


@pytest.fixture(autouse=True)
def opened(pipelines: Any, tmp_path: Path) -> Iterator[Registry]:
    """The registry, with two pipelines."""
    file = tmp_path / "pipelines.yaml"
    file.write_text(ORDERS_AND_WEEKLY)
    assert pipelines("apply", "-f", file).code == 0
    registry = Registry(f"sqlite:///{tmp_path / 'backfill.db'}")
    yield registry
    registry.dispose()


@pytest.fixture
def by_rule(opened: Registry) -> Callable[..., None]:
    """Let a rule put a date into the queue."""

    def put(name: str, day: date, reason: str = "missing", **more: Any) -> None:
        with opened.writing() as conn:
            queue.enqueue(conn, [NewItem(pipeline_id=name, run_date=day, reason=reason, **more)],
                          who="rule", why=reason, now=NOW)  # fmt: skip

    return put


@pytest.fixture
def move(opened: Registry) -> Callable[..., None]:
    """Let the newest item of a date move."""

    def to(name: str, day: date, event: ItemEvent, at: datetime = NOW, **values: Any) -> None:
        with opened.writing() as conn:
            item = queue_reads.items_of_dates(conn, name, [day])[-1]
            which = queue.of([item.backfill_id])
            assert queue.move(conn, event, which, who="system", why=None, now=at, values=values or None)

    return to


def told(pipelines: Any, *arguments: str) -> list[tuple[str, str]]:
    return [(row["pipeline_id"], row["run_date"]) for row in pipelines("queue", *arguments, "-o", "json").json]


def test_what_a_rule_and_what_a_person_asked_for_stand_side_by_side_with_why_they_wait(
    pipelines: Any, by_rule: Any
) -> None:
    by_rule("weekly", D1, priority=5)
    by_rule("orders", D1, "stale: upstream x re-ran", not_before=datetime.now(UTC) + timedelta(days=1))
    asked = pipelines("backfill", "create", "orders", "--dates", str(D2), "-o", "json").json["request_id"]
    weekly, stale, requested = pipelines("queue", "-o", "json").json
    assert (weekly["pipeline_id"], weekly["priority"], weekly["requested_by"], weekly["request_id"]) == (
        "weekly", 5, "rule", None,
    )  # fmt: skip
    assert (weekly["status"], weekly["attempt"], weekly["reason"]) == ("pending", 0, "missing")
    assert weekly["waits"] == f"for upstream orders {D1}"
    assert (stale["run_date"], stale["reason"]) == (str(D1), "stale: upstream x re-ran")
    assert stale["waits"].startswith("until ")
    assert (requested["run_date"], requested["request_id"], requested["waits"]) == (
        str(D2),
        asked,
        "for its turn in the queue",
    )
    assert told(pipelines, "weekly") == [("weekly", str(D1))]
    assert len(told(pipelines, "weekly", "orders")) == 3


def test_a_run_of_airflows_own_works_first_and_what_ended_is_shown_when_asked_for(
    pipelines: Any, by_rule: Any, move: Any, tmp_path: Path
) -> None:
    for day in (D1, D2, D3):
        by_rule("orders", day)
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute(
            "UPDATE backfill_queue SET status = 'in_progress', reason = 'airflow backfill', attempt = 1, "
            "dag_run_id = 'backfill__1', requested_by = 'airflow' WHERE date_to_process = ?",
            (str(D3),),
        )
    assert told(pipelines) == [("orders", str(D3)), ("orders", str(D1)), ("orders", str(D2))]
    (at_work,) = pipelines("queue", "--status", "in_progress", "-o", "json").json
    assert (at_work["reason"], at_work["dag_run_id"], at_work["waits"]) == ("airflow backfill", "backfill__1", None)
    for day, minutes in ((D1, 1), (D2, 2)):
        move("orders", day, ItemEvent.CANCELLED, NOW + timedelta(minutes=minutes), error_message="not wanted")
    assert told(pipelines) == [("orders", str(D3))]
    assert told(pipelines, "--status", "cancelled") == [("orders", str(D2)), ("orders", str(D1))]
    head, _, first, _ = pipelines("queue", "--status", "cancelled").out.splitlines()
    assert head.split()[-2:] == ["finished_at", "error_message"]
    assert first.endswith("2026-02-01T12:02:00+00:00  not wanted")


def test_the_outputs_say_the_same(pipelines: Any, by_rule: Any) -> None:
    by_rule("orders", D1)
    as_json = pipelines("queue", "-o", "json").json
    assert YAML(typ="safe").load(pipelines("queue", "-o", "yaml").out) == as_json
    head, _, line = pipelines("queue").out.splitlines()
    assert head.split() == [
        "pipeline_id", "run_date", "status", "priority", "attempt", "requested_by", "reason", "request_id", "waits",
    ]  # fmt: skip
    cells = ["orders", str(D1), "pending", "0", "0", "rule", "missing", *["for", "its", "turn", "in", "the", "queue"]]
    assert line.split() == cells


def test_what_the_limit_leaves_out_is_counted(pipelines: Any, by_rule: Any) -> None:
    for day in (D1, D2, D3):
        by_rule("orders", day)
    ended = pipelines("queue", "--limit", "1", "-o", "json")
    assert [row["run_date"] for row in ended.json] == [str(D1)]
    assert ended.err == "note: 2 more item(s) are not shown; --limit shows more\n"
    assert "not shown" not in pipelines("queue", "--limit", "3").out


def test_dates_of_a_pipeline_that_was_deleted_are_there_and_said_to_wait_in_vain(pipelines: Any, by_rule: Any) -> None:
    by_rule("weekly", D1)
    assert pipelines("delete", "weekly").code == 0
    (row,) = pipelines("queue", "weekly", "-o", "json").json
    assert row["waits"] == "for nothing that will come: its pipeline is deleted; cancel it"


def test_an_empty_queue_is_said_to_be_so(pipelines: Any) -> None:
    assert pipelines("queue").out == "Nothing waits or works in the queue.\n"
    assert pipelines("queue", "orders", "--status", "failed").out == "Nothing in the queue is failed.\n"
    assert pipelines("queue", "-o", "json").json == []


@pytest.mark.parametrize(
    ("arguments", "code", "lines"),
    [
        (("nope", "orders", "nope2"), 3, [
            f"there is no pipeline '{name}'; 'airflow pipelines list' shows those there are"
            for name in ("nope", "nope2")
        ]),
        (("--status", "failled"), 2, [
            "--status 'failled' is not known; expected one of pending, in_progress, success, failed, cancelling, "
            "cancelled, skipped; did you mean 'failed'?"
        ]),
        (("--limit", "0"), 2, ["--limit: '0' was read; expected a whole number from 1 to 1000000"]),
    ],
)  # fmt: skip
def test_what_is_refused(pipelines: Any, arguments: tuple[str, ...], code: int, lines: list[str]) -> None:
    ended = pipelines("queue", *arguments)
    assert (ended.code, ended.out, ended.err.splitlines()) == (code, "", lines)
