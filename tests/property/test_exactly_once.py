"""However often runs are killed, answers lost and jobs failed: never two jobs alive for one date.

The registry, the holds and the decisions are the real ones, on SQLite. The vendor is the model: it keeps jobs by their
key, as Databricks does by its token and the other adapters do by looking the key up.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.backfill.hold import Decision, Done, Follow, RunRef, Submit, Wait
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation
from airflow_backfill_provider.store import run_log_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.migrate import upgrade
from airflow_backfill_provider.store.tables import metadata, pipelines

DAYS = (date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22))
PIPELINE = parse_pipeline(
    {
        "pipeline_id": "orders",
        "platform": "databricks",
        "platform_job_id": "1",
        "schedule_type": "manual",
        "multi_date_allowed": True,
    }
)


@dataclass
class VendorJob:
    dates: tuple[date, ...]
    external_id: str
    state: ExternalStatus = ExternalStatus.RUNNING


@dataclass
class Vendor:
    """Starts a job once for each key."""

    jobs: dict[str, VendorJob] = field(default_factory=dict)

    def submit(self, key: str, dates: tuple[date, ...]) -> VendorJob:
        return self.jobs.setdefault(key, VendorJob(dates, f"run-{len(self.jobs) + 1}"))

    def alive(self, day: date) -> list[VendorJob]:
        return [job for job in self.jobs.values() if job.state is ExternalStatus.RUNNING and day in job.dates]

    def successes(self, day: date) -> int:
        return sum(job.state is ExternalStatus.SUCCESS and day in job.dates for job in self.jobs.values())


crash = st.booleans()


class ExactlyOnce(RuleBasedStateMachine):
    """Runs come, work step by step, die at any of them; jobs end as they like."""

    registry: Registry
    pipeline: Pipeline = PIPELINE
    looks_by_submitting = False
    """As Databricks does, which shows a run's key to nobody."""

    @initialize()
    def begin(self) -> None:
        self.registry = fresh_registry()
        self.vendor = Vendor()
        self.runs: dict[str, AskedRun] = {}
        self.wanted: set[date] = set()
        self.count = 0

    @rule(days=st.sets(st.sampled_from(DAYS), min_size=1))
    def somebody_asks(self, days: set[date]) -> None:
        self.count += 1
        ref = RunRef(dag_id="orders", dag_run_id=f"run_{self.count}")
        self.runs[ref.dag_run_id] = AskedRun(
            pipeline_id="orders",
            ref=ref,
            try_number=1,
            dates=tuple(sorted(days)),
            asked_at=datetime.now(UTC),
            origin="manual",
            tick_at=None,
        )
        self.wanted |= days

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), crash=crash, gives_up=st.booleans())
    def a_run_makes_a_step(self, data: st.DataObject, crash: bool, gives_up: bool) -> None:
        run = self.runs[data.draw(st.sampled_from(sorted(self.runs)))]
        self.act(run, run_job.begin(self.registry, run, self.pipeline), crash, gives_up)

    def act(self, run: AskedRun, decision: Decision, crash: bool, gives_up: bool) -> None:
        if isinstance(decision, Done):
            self.end(run, RecordStatus.SUCCESS if decision.by_me else RecordStatus.SKIPPED)
        elif isinstance(decision, Submit):
            if crash and gives_up:
                return  # killed before the vendor heard of it
            job = self.vendor.submit(decision.key, decision.dates)
            if not crash:
                run_job.accept(self.registry, run, decision.key, ExternalRun(external_id=job.external_id))
        elif isinstance(decision, Follow):
            self.follow(run, decision, crash, gives_up)
        else:
            assert isinstance(decision, Wait)

    def follow(self, run: AskedRun, decision: Follow, crash: bool, gives_up: bool) -> None:
        key = decision.last.key
        if decision.last.external_id is None and self.looks_by_submitting:
            self.vendor.submit(key, decision.last.batch_dates)
        job = self.vendor.jobs.get(key)
        if crash:
            return
        if decision.last.external_id is None:
            if job is None:
                run_job.never_started(self.registry, run, key)
            else:
                run_job.accept(self.registry, run, key, ExternalRun(external_id=job.external_id))
        elif job is not None and job.state.ended:
            ours = run_job.settle(
                self.registry, run, self.pipeline, key, Observation(status=job.state, vendor_state="ended")
            )
            assert ours == decision.ours
            if ours and job.state is not ExternalStatus.SUCCESS and gives_up:
                self.end(run, RecordStatus.FAILED)

    def end(self, run: AskedRun, status: RecordStatus) -> None:
        record_run.ended(self.registry, run.ref, None, status)
        del self.runs[run.ref.dag_run_id]

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def a_run_dies_on_its_last_try(self, data: st.DataObject) -> None:
        self.end(self.runs[data.draw(st.sampled_from(sorted(self.runs)))], RecordStatus.FAILED)

    @rule(data=st.data(), good=st.booleans())
    def a_job_ends(self, data: st.DataObject, good: bool) -> None:
        alive = [job for job in self.vendor.jobs.values() if job.state is ExternalStatus.RUNNING]
        if alive:
            job = data.draw(st.sampled_from(alive))
            job.state = ExternalStatus.SUCCESS if good else ExternalStatus.FAILED

    @invariant()
    def never_two_alive(self) -> None:
        if hasattr(self, "vendor"):
            for day in DAYS:
                assert len(self.vendor.alive(day)) <= 1, (day, self.vendor.jobs)

    def teardown(self) -> None:
        if not hasattr(self, "vendor"):
            return
        self.everything_comes_to_an_end()
        self.registry.dispose()

    def everything_comes_to_an_end(self) -> None:
        """Nobody dies any more and every job succeeds: then every run ends, and what it wanted is done."""
        before = {day: self.vendor.successes(day) for day in DAYS}
        still_wanted = {day for run in self.runs.values() for day in run.dates}
        rounds = 0
        while self.runs:
            rounds += 1
            assert rounds < 200, "runs wait for each other for ever"
            for run in list(self.runs.values()):
                self.act(run, run_job.begin(self.registry, run, self.pipeline), crash=False, gives_up=False)
                self.never_two_alive()
                for job in self.vendor.jobs.values():
                    if job.state is ExternalStatus.RUNNING:
                        job.state = ExternalStatus.SUCCESS
        for day in still_wanted:
            assert self.vendor.successes(day) >= 1, day
            assert self.vendor.successes(day) - before[day] <= 1, (day, "done twice although all had asked before")
        with self.registry.reading() as conn:
            assert run_log_reads.unfinished(conn, datetime.now(UTC) + timedelta(days=1)) == []


_registries: list[Registry] = []


def fresh_registry() -> Registry:
    """One migrated file for all examples, emptied for each."""
    if not _registries:
        url = f"sqlite:///{Path(tempfile.mkdtemp()) / 'registry.db'}"
        upgrade(url, datetime.now(UTC))
        _registries.append(Registry(url))
    registry = _registries[0]
    with registry.writing() as conn:
        for table in reversed(metadata.sorted_tables):
            conn.execute(table.delete())
        conn.execute(
            pipelines.insert().values(
                pipeline_id="orders", platform="databricks", platform_job_id="1", schedule_type="manual"
            )
        )
    return registry


class ExactlyOnceBySubmitting(ExactlyOnce):
    """The same, on a platform on which a look-up is a second submit of the same wish."""

    looks_by_submitting = True


_MANY = settings(max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestExactlyOnce = ExactlyOnce.TestCase
TestExactlyOnce.settings = _MANY
TestExactlyOnceBySubmitting = ExactlyOnceBySubmitting.TestCase
TestExactlyOnceBySubmitting.settings = _MANY
