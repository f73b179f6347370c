"""What a task's process pays for its one DAG among many, and what a callback costs on SQLite.

Run as a script: ``python tests/benchmarks/one_dag_of_many.py [number of pipelines]``. Medians of five, after imports.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import factory_vs_peers as factory
from airflow.sdk.definitions._internal.contextmanager import DagContext  # noqa: F401 - imported before the clock starts

from airflow_backfill_provider.actions import run_job
from airflow_backfill_provider.actions.asked_run import asked_run
from airflow_backfill_provider.callbacks import records
from airflow_backfill_provider.dag_factory.factory import build_dags
from airflow_backfill_provider.dag_factory.readings import read_all
from airflow_backfill_provider.store.engine import registry

ROUNDS = 5


def milliseconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def tell(name: str, taken: list[float], promise: str) -> None:
    print(f"  {name:<44}{statistics.median(taken):8.2f} ms   (min {min(taken):.2f}, max {max(taken):.2f}; {promise})")


def dag_run(number: int) -> Any:
    return SimpleNamespace(
        dag_id="pipeline_00007", run_id=f"manual__{number}", clear_number=0, run_type="manual", start_date=None,
        conf={"run_date": f"2026-01-{number + 1:02}"}, run_after=factory.CREATED, partition_key=None,
    )  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    factory.fill(count)
    from unittest.mock import patch

    from airflow.sdk.definitions.context import Context  # noqa: F401 - imported before the clock starts

    only = SimpleNamespace(dag_id="pipeline_04321" if count > 4321 else "pipeline_00007", task_id="run_pipeline")
    with patch("airflow_backfill_provider.dag_factory.factory.get_parsing_context", return_value=only):
        found = build_dags()
        assert list(found) == [only.dag_id], found
        print(f"one DAG among {count} pipelines; medians of {ROUNDS}, after imports")
        tell("a task's process finds its DAG", [milliseconds(build_dags) for _ in range(ROUNDS)], "at most 50 ms")
    pipeline = read_all("pipeline_00007").good[0].pipeline
    written: dict[str, list[float]] = {"on_success": [], "on_failure": [], "on_retry": [], "on_skipped": []}
    for number, name in enumerate(list(written) * ROUNDS):
        run = dag_run(number)
        run_job.begin(registry(), asked_run(run, 1), pipeline)
        context = {"dag_run": run, "ti": SimpleNamespace(try_number=1), "exception": RuntimeError("words")}
        written[name].append(milliseconds(lambda name=name, context=context: getattr(records, name)(context)))
    for name, taken in written.items():
        tell(f"callback {name}", taken, "at most 20 ms")


if __name__ == "__main__":
    main()
