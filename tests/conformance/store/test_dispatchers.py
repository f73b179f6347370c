"""Several dispatchers at once, a turn of the controller and runs that hand their slot on: every limit holds for all.

Between planning and claiming a dispatcher asks Airflow whether the DAG is paused: what others do in that moment is done
there.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import control, record_run
from airflow_backfill_provider.actions.dispatch import dispatch
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.dag_runs import Started
from airflow_backfill_provider.store import queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_turn import D1, D2, Airflow, add, ask, fail, items, settings, statuses

assert settings  # a fixture
ANNA = Person("anna", None)
DISPATCHERS = 8
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(8)]


@dataclass
class Meanwhile(Airflow):
    """An Airflow that lets something happen while it is asked, once."""

    happens: Callable[[], Any] | None = None

    def is_paused(self, dag_id: str) -> bool | None:
        if self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        return super().is_paused(dag_id)


def go(registry: Registry, airflow: Airflow, settings: options.Settings) -> list[str]:
    return [told.text for told in dispatch(registry, airflow, settings)]


def test_what_another_dispatcher_took_meanwhile_counts_against_the_pipelines_limit(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    ask(registry, D1)
    airflow = Meanwhile()

    def the_other_one() -> None:
        ask(registry, D2, priority=9)
        go(registry, airflow, settings)

    airflow.happens = the_other_one
    assert go(registry, airflow, settings) == []
    assert statuses(registry, D1, D2) == ["pending", "in_progress"]


@pytest.mark.parametrize("limit", ["max_active_runs_per_platform", "max_active_backfill_runs"])
def test_what_another_dispatcher_took_meanwhile_counts_against_the_limits_of_all(
    registry: Registry, settings: options.Settings, limit: str
) -> None:
    settings = replace(settings, **{limit: 1})
    add(registry)
    add(registry, "visits")
    ask(registry, D1)
    airflow = Meanwhile()

    def the_other_one() -> None:
        ask(registry, D1, pipeline_id="visits", priority=9)
        go(registry, airflow, settings)

    airflow.happens = the_other_one
    assert go(registry, airflow, settings) == []
    assert statuses(registry, D1) == ["pending"]
    assert len(airflow.runs) == 1


def test_a_request_that_is_paused_between_choice_and_claim_starts_nothing(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    now = datetime.now(UTC)
    with registry.writing() as conn:
        requests.save(conn, {"request_id": "bf-1", "requested_by": "anna", "requested_at": now})
    ask(registry, D1, request_id="bf-1")
    airflow = Meanwhile(happens=lambda: control.pause(registry, "bf-1", ANNA, now=now))
    assert go(registry, airflow, settings) == []
    assert statuses(registry, D1) == ["pending"]
    assert not airflow.runs


def test_an_item_that_was_tried_between_choice_and_claim_is_not_claimed_for_the_run_that_has_ended(
    registry: Registry, settings: options.Settings
) -> None:
    """It would wait for the end of a run that has ended, instead of for its retry."""
    add(registry, retry_schedule="every 5 minutes", max_retry_attempts=3)
    ask(registry, D1)
    airflow = Meanwhile()

    def tried_meanwhile() -> None:
        go(registry, airflow, settings)
        fail(registry, next(iter(airflow.runs)))

    airflow.happens = tried_meanwhile
    assert go(registry, airflow, settings) == []
    assert statuses(registry, D1) == ["pending"]
    assert items(registry, D1)[0].attempt == 1
    assert [run["started"] for run in airflow.runs.values()] == [1]


def test_who_can_claim_nothing_stops_and_does_not_plan_for_ever(registry: Registry, settings: options.Settings) -> None:
    add(registry)
    ask(registry, D1)
    asked = Counter[str]()

    class Busy(Airflow):
        def is_paused(self, dag_id: str) -> bool | None:
            asked[dag_id] += 1
            return False

    with registry.reading() as conn:
        (item,) = queue_reads.items_of_dates(conn, "orders", [D1])
    if registry.url.get_backend_name() != "postgresql":
        pytest.skip("one writer at a time: nobody meets a locked item")
    with registry.writing() as conn:
        queue.lock(conn, queue.of([item.backfill_id]))  # somebody cancels it and has not committed
        assert go(registry, Busy(), settings) == []
    assert asked == {"orders": 1}


@dataclass
class Counting(Airflow):
    """Notes how much is at work whenever a run is started."""

    registry: Registry | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    most: Counter[str] = field(default_factory=Counter)
    dags: dict[str, str] = field(default_factory=dict)
    here: threading.local = field(default_factory=threading.local)
    """``planned``: what the thread does once, when it has chosen and has claimed nothing yet."""

    def is_paused(self, dag_id: str) -> bool | None:
        planned, self.here.planned = getattr(self.here, "planned", None), None
        if planned is not None:
            planned()
        return False

    def start(self, dag_id: str, dag_run_id: str, *more: Any) -> Started:
        assert self.registry is not None
        with self.registry.reading() as conn:
            working = [run.pipeline_id for run in queue_reads.at_work(conn)]
        with self.lock:
            counts = Counter(working) + Counter(_platform(name) for name in working)
            for name, count in [*counts.items(), ("everywhere", len(working))]:
                self.most[name] = max(count, self.most[name])
            self.dags[dag_run_id] = dag_id
            return super().start(dag_id, dag_run_id, *more)


def _platform(pipeline_id: str) -> str:
    return "databricks" if int(pipeline_id[1:]) % 2 else "snowflake"


def test_many_dispatchers_together_keep_every_limit_and_start_everything(
    registry: Registry, registry_url: str, settings: options.Settings
) -> None:
    """Each has planned for dates of its own before the first one claims; then runs that end hand their slots on."""
    settings = replace(settings, max_active_backfill_runs=5, max_active_runs_per_platform=3)
    names = [f"p{number}" for number in range(DISPATCHERS)]
    for name in names:
        add(registry, name, platform=_platform(name), max_active_backfills=2)
    airflow = Counting(registry=registry)
    ended: set[str] = set()
    turn = [threading.Event() for _ in names]
    all_have_planned = threading.Barrier(DISPATCHERS, timeout=60)

    def work(number: int) -> None:
        mine = Registry(registry_url)

        def planned() -> None:
            turn[number].set()
            all_have_planned.wait()

        if number:
            assert turn[number - 1].wait(60)
        ask(mine, *DAYS, pipeline_id=names[number], priority=number)
        airflow.here.planned = planned
        while len(ended) < len(names) * len(DAYS):
            go(mine, airflow, settings)
            for run in _take(airflow, ended):
                record_run.ended(mine, run, None, RecordStatus.SUCCESS)
        mine.dispose()

    with ThreadPoolExecutor(DISPATCHERS) as pool:
        list(pool.map(work, range(DISPATCHERS)))
    assert airflow.most["everywhere"] == 5
    assert airflow.most["databricks"] <= 3
    assert airflow.most["snowflake"] <= 3
    assert max(airflow.most[name] for name in names) <= 2
    assert {run["started"] for run in airflow.runs.values()} == {1}
    for name in names:
        assert {item.status.value for item in items(registry, *DAYS, pipeline_id=name)} == {"success"}


def _take(airflow: Counting, ended: set[str]) -> list[RunRef]:
    """A run that has been started and that nobody else ends, as a list of one or none."""
    with airflow.lock:
        for dag_run_id in airflow.runs:
            if dag_run_id not in ended:
                ended.add(dag_run_id)
                return [RunRef(dag_id=airflow.dags[dag_run_id], dag_run_id=dag_run_id)]
    return []
