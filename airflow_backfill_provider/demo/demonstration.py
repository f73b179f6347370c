"""The demo's story: start everything, let each pipeline run and backfill with answers lost on the way, compare."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_backfill_provider.backfill.status import UNFINISHED
from airflow_backfill_provider.dates.schedule import Pick
from airflow_backfill_provider.demo import sample
from airflow_backfill_provider.demo.agreement import Job, Row, compare, table, ticks_since_the_first_run
from airflow_backfill_provider.demo.airflow_stack import AirflowStack, StackError
from airflow_backfill_provider.demo.bookings import ARCHIVE, ARCHIVE_JOB, mend_books
from airflow_backfill_provider.demo.sample import FILLED, LATE, WEEKLY
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.store import pipelines
from airflow_backfill_provider.store.engine import Registry, registry

VENDORS = {"databricks": r"/jobs/run-now$", "dbt_cloud": r"/run/?$", "snowflake": r"/api/v2/statements/?$"}
"""Where each vendor takes a job: there one answer is lost."""
BACKFILLED_DATES = 5
MANUAL = "corrections"
HOLES_FROM = 2
"""The first so many of the dates that :data:`FILLED` fills were run before, with an older definition."""
PAUSED = "campaigns_daily"
"""Is asked for dates while it is paused."""
_JOB_SECONDS = 2
_STORY_SECONDS = 1200
_LONG_AGO = date(2000, 1, 1)


class Demonstration:
    """One simulator and one Airflow in a folder of their own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home.absolute()
        self._corrections = self.home / "corrections.db"
        self.simulator = SimulatorProcess(self.home / "simulator", job_seconds=_JOB_SECONDS)
        self._port = port
        self.airflow: AirflowStack
        self._started = False

    def start(self) -> None:
        """Bring both up and apply the sample. Raises when something does not start."""
        self.home.mkdir(parents=True, exist_ok=True)
        _say("starting the simulator of the three vendors")
        self.simulator.start()
        sample.fill_sources(self.simulator.url, self._corrections, bad_newest=True)
        self.airflow = AirflowStack(
            self.home / "airflow",
            connections=sample.connections(self.simulator, self._corrections),
            options=sample.trust(self.simulator) | _QUICK,
            port=self._port,
        )
        self._started = True
        _say("making Airflow's database and the registry")
        self.airflow.run("db", "migrate")
        self.airflow.run("pipelines", "init")
        self._now = datetime.now(UTC)
        self._today = self._now.date()
        self._fills_from = self._today - timedelta(days=7)
        self._poisoned = self._fills_from + timedelta(days=HOLES_FROM + 1)
        self._apply(as_it_was=True)
        for vendor, where in VENDORS.items():
            self.simulator.client.fault(vendor, "drop_after_accept", method="POST", path_regex=where, times=1)
        self.simulator.client.job("databricks", "103", poisoned=[self._poisoned.isoformat()], max_concurrent=3)
        self.simulator.client.job("databricks", JOBS[WEEKLY][1], fail_first=1, fail_message="The source was down.")
        self.simulator.client.job("databricks", JOBS[LATE][1], duration_seconds=sample.LATE_JOB_SECONDS)
        _say("starting Airflow (on each vendor the answer to the first job will be lost)")
        self.airflow.start()
        self._make_history()

    def _apply(self, *, as_it_was: bool = False) -> None:
        (self.home / "pipelines.yaml").write_text(sample.manifest(self._now, as_it_was=as_it_was), encoding="utf-8")
        self.airflow.run("pipelines", "apply", "-f", str(self.home / "pipelines.yaml"))

    def _make_history(self) -> None:
        """Let real runs leave holes, a failed week, bad data and dates of an older definition; then free the rules."""
        last = self._fills_from + timedelta(days=HOLES_FROM - 1)
        _say(f"making history: {FILLED} runs {self._fills_from}..{last}, the source of {WEEKLY} is down")
        self.airflow.wait_until(lambda: self._has_dag(FILLED), f"DAG {FILLED} is there", seconds=300)
        self.airflow.run(
            "backfill", "create", "--dag-id", FILLED, "--from-date", str(self._fills_from), "--to-date", str(last),
            "--max-active-runs", "2",
        )  # fmt: skip
        ran = {FILLED: 1 + HOLES_FROM, WEEKLY: 1, ARCHIVE: 1}
        self._until(lambda: self._all_finished(ran), "the history is made")
        stale = {row["run_date"] for row in self._records(FILLED) if row["status"] == "success"}
        self._refused = {row["run_date"] for row in self._records(ARCHIVE) if row["data_quality_passed"] is False}
        counts = Counter(row["status"] for name in (FILLED, WEEKLY, ARCHIVE) for row in self._owed_rows(name))
        owed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        _say(f"owed: {owed}; {len(stale)} stale as soon as {FILLED} gets its new definition")
        _say(f"{self._records(ARCHIVE)[0]['error_message']}: the owner mends the source of {ARCHIVE}")
        mend_books(self.simulator.url)
        self.simulator.client.job("databricks", JOBS[LATE][1], duration_seconds=_JOB_SECONDS)
        self._apply()
        _say(f"all three fill by themselves now; {self._poisoned} of {FILLED} cannot be read by its job")

    def stop(self) -> None:
        """End every process that :meth:`start` began."""
        if self._started:
            self.airflow.stop()
        self.simulator.stop()

    def check(self, falsify: str | None = None) -> int:
        """Let every pipeline run and backfill, then compare records, Airflow and ledger; 0 only if all agree."""
        waiting = self._ask_of_the_paused()
        _say("waiting for the newest tick of each pipeline")
        self._until(lambda: self._all_finished(dict.fromkeys(_SCHEDULED, 1)), "each pipeline ran its newest tick")
        for name in _SCHEDULED:
            dates = self._dates_to_fill(name)
            _say(f"airflow backfill create --dag-id {name} --from-date {dates[0]} --to-date {dates[-1]}")
            self.airflow.run(
                "backfill", "create", "--dag-id", name, "--from-date", dates[0], "--to-date", dates[-1],
                "--max-active-runs", "2",
            )  # fmt: skip
        manual_date = date(2025, 1, 2).isoformat()
        self.airflow.run("dags", "trigger", MANUAL, "--conf", json.dumps({"run_date": manual_date}))
        self._until(lambda: self._all_finished(self._wanted()), "all runs have ended", self._wanted())
        self._until(lambda: self._owed(FILLED) == [f"{self._poisoned} failed"], f"{FILLED} has filled its gaps")
        for name in (WEEKLY, ARCHIVE):
            self._until(lambda name=name: not any("failed" in one for one in self._owed(name)), f"{name} is mended")
        self._until(lambda: not _TO_TELL - self._told().keys(), "everybody has been told")
        if falsify:
            self._falsify(falsify)
        return self._verdict(waiting)

    def _ask_of_the_paused(self) -> str:
        """Pause a pipeline and ask for three of its dates; returns the request, which must wait."""
        self.airflow.wait_until(lambda: self._has_dag(PAUSED), f"DAG {PAUSED} is there", seconds=300)
        self.airflow.run("dags", "pause", "--yes", PAUSED)
        today = datetime.now(UTC).date()
        dates = f"{today - timedelta(days=9)}..{today - timedelta(days=7)}"
        _say(f"airflow pipelines backfill create {PAUSED} --dates {dates}   (it is paused: they wait)")
        said = self.airflow.run("pipelines", "backfill", "create", PAUSED, "--dates", dates, "-o", "json").stdout
        return str(json.loads(said)["request_id"])

    def _has_dag(self, name: str) -> bool:
        try:
            return bool(self.airflow.api("GET", f"/dags/{name}"))
        except StackError:
            return False

    def _wanted(self) -> dict[str, int]:
        """How many DagRuns each pipeline must have by now: the demo may run while one of them ticks."""
        wanted = {name: self._ticks(name) + BACKFILLED_DATES for name in _SCHEDULED} | {MANUAL: 1}
        filled = sum(pick.tick_at <= datetime.now(UTC) for pick in self._picks(FILLED, self._fills_from))
        return wanted | {
            FILLED: len({row["dag_run_id"] for row in self._as_it_was()}) + filled,
            WEEKLY: wanted[WEEKLY] + 1,
            ARCHIVE: wanted[ARCHIVE] + 1,
        }

    def _ticks(self, name: str) -> int:
        """How often it has ticked since Airflow knows it."""
        picks = self._picks(name, self._today - timedelta(days=732))
        return ticks_since_the_first_run(self.airflow.dag_runs(name), picks, datetime.now(UTC))

    def _picks(self, name: str, first: date) -> list[Pick]:
        """The run dates that its schedule has picked from that one on, and may pick today."""
        with self._registry.reading() as conn:
            return pipelines.get(conn, name).schedule().picks(first, datetime.now(UTC).date())

    def _owed(self, name: str) -> list[str]:
        return [f"{row['run_date']} {row['status']}" for row in self._owed_rows(name)]

    def _owed_rows(self, name: str) -> list[dict[str, Any]]:
        first = self._fills_from if name == FILLED else self._today - sample.FILLS_FROM[name]
        said = self.airflow.run("pipelines", "owed", name, "--from", str(first), "-o", "json").stdout
        return list(json.loads(said))

    def _waiting(self, request: str) -> list[str]:
        """What is wrong with a request that must wait; nothing when all of it waits."""
        said = self.airflow.run("pipelines", "backfill", "show", request, "-o", "json").stdout
        return [
            f"{PAUSED}: {item['run_date']} is {item['status']}, but its DAG is paused"
            for item in json.loads(said)["items"]
            if item["status"] != "pending"
        ]

    def _compared(self) -> list[Row]:
        """Hold records, Airflow and ledger against each other at a moment when no pipeline ticks."""
        while True:
            wanted = self._wanted()
            self._until(lambda wanted=wanted: self._all_finished(wanted), "all runs have ended", wanted)
            stale = {row["run_date"] for row in self._as_it_was() if row["status"] == "success"}
            again = {FILLED: stale, ARCHIVE: self._refused}
            rows = [
                compare(
                    name, self._records(name), self.airflow.dag_runs(name), self._jobs(name), runs, again.get(name, ())
                )
                for name, runs in wanted.items()
            ]  # fmt: skip
            if wanted == self._wanted():
                return rows

    def _verdict(self, waiting: str) -> int:
        rows = self._compared()
        print(table(rows))
        lost = sum(fault["fired"] for fault in self.simulator.client.faults())
        differences = [words for row in rows for words in row.differences] + self._waiting(waiting)
        if not self._refused:
            differences.append(f"{ARCHIVE}: its first run loaded bad data, and its check did not refuse it")
        told = self._told()
        differences += [
            f"{name}: {kind} was told {told[name, kind]} times" for name, kind in _TO_TELL if told[name, kind] != 1
        ]
        if lost < len(VENDORS):
            differences.append(f"only {lost} of {len(VENDORS)} answers were lost: the story was not told")
        for words in differences:
            print(f"DIFFERENT  {words}")
        if not differences:
            print(f"records, Airflow and ledger agree on every date; {lost} answers were lost on the way")
            print(f"{LATE} was late and is done; bad data of {ARCHIVE} was found and mended; all of it was told, once")
            print(f"owed: {self._poisoned} of {FILLED}, which failed twice; waiting: request {waiting} of {PAUSED}")
        return 1 if differences else 0

    def _told(self) -> Counter[tuple[str, str]]:
        """How many messages of each kind have left for the receivers, by pipeline."""
        said = self.airflow.run("pipelines", "notify", "list", "--status", "sent", "-o", "json").stdout
        return Counter((row["pipeline_id"], row["notification_type"]) for row in json.loads(said))

    def _dates_to_fill(self, name: str) -> list[str]:
        """The last five run dates before the scheduled run's own."""
        oldest = date.fromisoformat(min(record["run_date"] for record in self._records(name)))
        with self._registry.reading() as conn:
            schedule = pipelines.get(conn, name).schedule()
        earlier = schedule.run_dates(_LONG_AGO, oldest - timedelta(days=1))
        return [day.isoformat() for day in earlier[-BACKFILLED_DATES:]]

    def _records(self, name: str) -> list[dict[str, Any]]:
        with self._registry.reading() as conn:
            rows = pipelines.runs_of(conn, name, limit=None)
        return [row | {"run_date": row["run_date"].isoformat()} for row in rows]

    def _all_finished(self, runs: Mapping[str, int]) -> bool:
        return all(self._finished(name, count) for name, count in runs.items())

    def _as_it_was(self) -> list[dict[str, Any]]:
        """The records of what :data:`FILLED` ran by its older definition."""
        with self._registry.reading() as conn:
            version = pipelines.get(conn, FILLED).definition_version
        return [row for row in self._records(FILLED) if row["definition_version"] not in (None, version)]

    def _finished(self, name: str, runs: int) -> bool:
        try:
            states = [run["state"] for run in self.airflow.dag_runs(name)]
        except StackError:
            return False  # the DAG is not there yet
        if len(states) < runs or any(state not in ("success", "failed") for state in states):
            return False
        return all(record["status"] not in UNFINISHED for record in self._records(name))

    def _jobs(self, name: str) -> list[Job]:
        if name == MANUAL:
            with closing(sqlite3.connect(self._corrections)) as database:
                rows = database.execute("SELECT run_date FROM corrections").fetchall()
            return [Job(external_id="-", run_dates=(day,), state="success") for (day,) in rows]
        platform, job = JOBS[name]
        return [
            Job(external_id=entry["external_id"], run_dates=tuple(entry["run_dates"]), state=entry["state"])
            for entry in self.simulator.client.ledger(platform, job)
        ]

    def _falsify(self, what: str) -> None:
        _say(f"falsifying: {what}")
        if what == "record":
            with closing(sqlite3.connect(self.home / "airflow" / "backfill.db")) as registry, registry:
                registry.execute("UPDATE pipeline_run_log SET status = 'failed' WHERE pipeline_id = 'orders_daily'")
        else:
            sample.start_again(self.simulator, JOBS["orders_daily"][1], self._records("orders_daily")[0]["run_date"])

    @property
    def _registry(self) -> Registry:
        return registry(f"sqlite:///{self.home / 'airflow' / 'backfill.db'}")

    def _until(self, condition: Any, what: str, wanted: Mapping[str, int] | None = None) -> None:
        told = -1

        def ask() -> bool:
            nonlocal told
            ledger = self.simulator.client.ledger()
            ended = sum(one["state"] == "success" and (one["platform"], one["job"]) in JOBS.values() for one in ledger)
            if ended != told:
                told = ended
                goal = f" of {sum(wanted.values()) - 1}" if wanted else ""
                _say(f"{ended}{goal} jobs have succeeded on the platforms")
            return bool(condition())

        self.airflow.wait_until(ask, what, seconds=_STORY_SECONDS, pause=2)


JOBS = {
    LATE: ("databricks", "101"),
    WEEKLY: ("databricks", "102"),
    "finance_close": ("dbt_cloud", "201"),
    "marts_weekdays": ("dbt_cloud", "202"),
    "positions_quarterly": ("snowflake", "load_positions"),
    ARCHIVE: ("snowflake", ARCHIVE_JOB),
    "partner_export": ("http", "partner-export"),
    FILLED: ("databricks", "103"),
    PAUSED: ("dbt_cloud", "203"),
}
"""How the ledger calls the job of each sample pipeline."""
_SCHEDULED = [name for name in JOBS if name not in (FILLED, PAUSED)]
_TO_TELL = {(LATE, "sla_breach"), (LATE, "sla_recovered"), (ARCHIVE, "quality_failed")}
"""What people must hear of, once."""
_QUICK = {
    "AIRFLOW__BACKFILL__SLA_URGENT_MINUTES": "0",  # a deadline that comes before Airflow is up starts no second run
    "AIRFLOW__BACKFILL__POLL_SECONDS": "2",
    "AIRFLOW__BACKFILL__SUBMIT_GRACE_SECONDS": "10",
    "AIRFLOW__BACKFILL__BUSY_WAIT_SECONDS": "3",
    "AIRFLOW__BACKFILL__RECONCILE_SECONDS": "20",
    "AIRFLOW__BACKFILL__OWED_SECONDS": "10",
    "AIRFLOW__BACKFILL__LOST_TICK_GRACE_SECONDS": "120",
}


def _say(words: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {words}", flush=True)  # noqa: DTZ005 - a person's wall clock
