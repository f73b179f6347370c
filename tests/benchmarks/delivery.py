"""How fast the outbox is delivered to a local endpoint: 1,000 messages through the official HTTP notifier.

    .venv/bin/python tests/benchmarks/delivery.py

Everything a message costs is in it: claim, connection, POST, mark. The promise is at least 50 a second. Each message is
marked before the next one goes, so the disk's fsync is a good part of it on SQLite, and a busy machine shows.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="backfill-bench-"))
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

from airflow_backfill_provider.actions.deliver import deliver
from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.migrate import upgrade
from airflow_backfill_provider.store.tables import pipeline_notifications, pipelines

MESSAGES = 1_000
ROUNDS = 3
PROMISED = 50


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, SimulatorProcess(Path(folder) / "receiver") as simulator:
        hook = {"conn_type": "http", "host": "127.0.0.1", "port": simulator.port, "schema": "http"}
        os.environ["AIRFLOW_CONN_HOOK"] = json.dumps(hook)
        print(f"{MESSAGES} messages, {ROUNDS} rounds: median (lowest to highest) a second")
        for name, url in _databases(folder):
            _measure(name, url, simulator)
    return 0


def _databases(folder: str) -> list[tuple[str, str]]:
    found = [("SQLite", f"sqlite:///{folder}/registry.db")]
    if server := os.environ.get("BACKFILL_TEST_POSTGRES"):
        found.append(("Postgres", server))
    return found


def _measure(name: str, url: str, simulator: SimulatorProcess) -> None:
    upgrade(url, datetime.now(UTC))
    registry = Registry(url)
    rates = []
    for number in range(ROUNDS):
        simulator.client.reset()
        _fill(registry, number)
        began = time.perf_counter()
        while any(True for _ in deliver(registry, replace(load(), digest_after=10 * MESSAGES * ROUNDS))):
            pass
        rates.append(MESSAGES / (time.perf_counter() - began))
        arrived = {one["key"] for one in simulator.client.messages()}
        assert len(arrived) == MESSAGES, f"{len(arrived)} of {MESSAGES} have arrived"
    with registry.writing() as conn:
        conn.execute(pipeline_notifications.delete())
        conn.execute(pipelines.delete())
    registry.dispose()
    median = statistics.median(rates)
    print(f"{name:9} {median:6.0f} ({min(rates):.0f} to {max(rates):.0f}); promised: {PROMISED}")


def _fill(registry: Registry, number: int) -> None:
    with registry.writing() as conn:
        if number == 0:
            details = json.dumps({"conn_id": "hook", "to": "/hooks/data"})
            row = {"pipeline_id": "orders", "notification_channel": "webhook", "notification_details": details}
            conn.execute(pipelines.insert().values(row))
        events = [
            Notice(pipeline_id="orders", type=NoticeType.FAILURE, key=f"{number}-{each}", why="Table is empty")
            for each in range(MESSAGES)
        ]
        assert notify(conn, events, datetime.now(UTC)) == MESSAGES


if __name__ == "__main__":
    sys.exit(main())
