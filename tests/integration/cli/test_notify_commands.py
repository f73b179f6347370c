"""``airflow pipelines notify`` and what ``doctor`` says of channels, through Airflow's own command line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.store.engine import Registry

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - pipeline_id: orders
    platform: http
    trigger_url: /x
    schedule_type: daily
    notification_channel: webhook
    notification_details: {conn_id: hook, to: /hooks/data}
"""


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("receivers")) as simulator:
        yield simulator


@pytest.fixture
def commands(console: Any, tmp_path: Path, simulator: SimulatorProcess) -> Callable[..., Any]:
    simulator.client.reset()
    hook = {"conn_type": "http", "host": "127.0.0.1", "port": simulator.port, "schema": "http"}
    url = f"sqlite:///{tmp_path / 'backfill.db'}"

    def run(*arguments: str | Path) -> Any:
        return console(
            *arguments,
            AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=url,
            AIRFLOW_CONN_HOOK=json.dumps(hook),
            NO_PROXY="127.0.0.1",
        )

    assert run("db", "migrate").code == 0
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert run("apply", "-f", file).code == 0
    return run


def change(tmp_path: Path, **cells: str) -> None:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        for name, value in cells.items():
            conn.execute(f"UPDATE pipelines SET {name} = ?", (value,))


def test_a_test_message_arrives_and_a_refusal_is_told_with_exit_code_5(
    commands: Callable[..., Any], simulator: SimulatorProcess
) -> None:
    ended = commands("notify", "test", "orders", "-o", "json")
    assert (ended.code, ended.json[0]["result"]) == (0, "sent")
    assert [one["title"] for one in simulator.client.messages()] == ["Test message of orders"]
    simulator.client.down("webhook")
    ended = commands("notify", "test", "orders", "-o", "json")
    assert ended.code == 5
    assert "503" in ended.json[0]["result"]


def test_messages_are_listed_and_a_failed_one_is_sent_again(commands: Callable[..., Any], tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path / 'backfill.db'}")
    notice = Notice(pipeline_id="orders", type=NoticeType.FAILURE, key="1", run_dates=(date(2026, 1, 1),), why="empty")
    with registry.writing() as conn:
        notify(conn, [notice], datetime.now(UTC))
    registry.dispose()
    with sqlite3.connect(tmp_path / "backfill.db") as db:
        db.execute("UPDATE pipeline_notifications SET notification_status = 'failed', attempts = 9")
    (row,) = commands("notify", "list", "orders", "--status", "failed", "-o", "json").json
    assert (row["notification_type"], row["attempts"]) == ("failure", 9)
    assert commands("notify", "resend", row["notification_id"]).code == 0
    (row,) = commands("notify", "list", "-o", "json").json
    assert (row["notification_status"], row["attempts"]) == ("pending", 0)


def test_a_message_without_a_channel_is_sent_once_the_row_is_mended(
    commands: Callable[..., Any], tmp_path: Path
) -> None:
    change(tmp_path, notification_channel="carrier pigeon")
    registry = Registry(f"sqlite:///{tmp_path / 'backfill.db'}")
    with registry.writing() as conn:
        notify(conn, [Notice(pipeline_id="orders", type=NoticeType.FAILURE, key="1")], datetime.now(UTC))
    registry.dispose()
    (row,) = commands("notify", "list", "-o", "json").json
    assert "'carrier pigeon' is not known" in row["error_message"]
    assert commands("notify", "resend", row["notification_id"]).code == 4
    change(tmp_path, notification_channel="webhook")
    assert commands("notify", "resend", row["notification_id"]).code == 0
    assert [one["notification_status"] for one in commands("notify", "list", "-o", "json").json] == [
        "pending",
        "failed",
    ]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"notification_details": '{"conn_id": "nobody"}'}, "'nobody' is missing"),
        ({"notification_details": '{"two": "x"}'}, "'two' is not known"),
        ({"notification_channel": "slack", "notification_details": '{"conn_id": "hook"}'}, "slack needs slackwebhook"),
    ],
)
def test_the_doctor_finds_channels_that_cannot_be_used(
    commands: Callable[..., Any], tmp_path: Path, cells: dict[str, str], words: str
) -> None:
    change(tmp_path, **cells)
    found = [one for one in commands("doctor", "-o", "json").json if one["check"].startswith("messages")]
    assert any(one["status"] == "problem" and words in one["detail"] for one in found), found


def test_a_bad_channel_is_refused_when_the_row_is_applied(commands: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(ROWS.replace("to: /hooks/data", "to: /hooks/data, token: x"))
    ended = commands("apply", "-f", file)
    assert ended.code == 2
    assert "'token' looks like a secret" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("notify", "test", "nowhere"), 3, "there is no pipeline 'nowhere'"),
        (("notify", "list", "nowhere"), 3, "there is no pipeline 'nowhere'"),
        (("notify", "list", "--status", "done"), 2, "expected one of pending, sent, failed, cancelled"),
        (("notify", "resend", "x"), 3, "there is no message 'x'"),
    ],
)
def test_what_is_refused(commands: Callable[..., Any], arguments: tuple[str, ...], code: int, words: str) -> None:
    ended = commands(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
