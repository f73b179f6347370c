"""Building and serialising DAGs from rows, against a hand-written loop that makes equal DAGs, and against dag-factory.

Run as a script: ``python tests/benchmarks/factory_vs_peers.py [number of DAGs]``. Prints medians of five, their spread,
and ratios measured in one run. dag-factory is installed into a folder of its own (``--dag-factory DIR``), because it
is no dependency of the project.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

HOME = Path(tempfile.mkdtemp())
os.environ["AIRFLOW_HOME"] = str(HOME)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

import yaml  # noqa: E402
from airflow.sdk import DAG  # noqa: E402
from airflow.serialization.serialized_objects import DagSerialization  # noqa: E402
from sqlalchemy import event  # noqa: E402

from airflow_backfill_provider.backfill.retry import RetrySchedule  # noqa: E402
from airflow_backfill_provider.callbacks import records  # noqa: E402
from airflow_backfill_provider.dag_factory.card import doc_md  # noqa: E402
from airflow_backfill_provider.dag_factory.factory import build_dags  # noqa: E402
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec  # noqa: E402
from airflow_backfill_provider.operators.retry_policy import RetryBySchedule  # noqa: E402
from airflow_backfill_provider.operators.run_pipeline import RunPipelineOperator  # noqa: E402
from airflow_backfill_provider.pipelines.pipeline import Parameter, Pipeline  # noqa: E402
from airflow_backfill_provider.store import tables  # noqa: E402
from airflow_backfill_provider.store.engine import registry  # noqa: E402
from airflow_backfill_provider.store.migrate import upgrade  # noqa: E402
from airflow_backfill_provider.timetables.run_dates import RunDateTimetable  # noqa: E402

SCHEDULES = [
    ("daily", "every 1 day at 05:00"),
    ("weekly", "mon,thu at 06:00"),
    ("monthly", "last business day"),
    ("cron", "30 6 * * 1-5"),
]
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 5
EMPTY_OPERATOR = "airflow.providers.standard.operators.empty.EmptyOperator"


def fill(count: int) -> None:
    """``count`` pipelines with two parameters each."""
    url = f"sqlite:///{HOME}/backfill.db"
    upgrade(url, CREATED)
    with registry().writing() as conn:
        for number in range(count):
            schedule_type, frequency = SCHEDULES[number % len(SCHEDULES)]
            conn.execute(
                tables.pipelines.insert().values(
                    pipeline_id=f"pipeline_{number:05}", pipeline_name=f"Pipeline {number}", platform="databricks",
                    platform_job_id=str(1000 + number), schedule_type=schedule_type, frequency=frequency,
                    date_offset=-1, timezone="Europe/Berlin", start_date=date(2025, 1, 1), is_active=True,
                    created_at=CREATED, updated_at=CREATED, owner="team",
                )
            )  # fmt: skip
            for name in ("country", "table"):
                conn.execute(
                    tables.pipeline_parameters.insert().values(
                        parameter_id=f"{number}-{name}", pipeline_id=f"pipeline_{number:05}", parameter_name=name,
                        parameter_value="x {{ run_date }}", created_at=CREATED,
                    )
                )  # fmt: skip


def by_hand(count: int) -> dict[str, DAG]:
    """What somebody would write who knows every value: no reading, no checking."""
    dags = {}
    retry = RetrySchedule.parse("every 5 minutes")
    for number in range(count):
        schedule_type, frequency = SCHEDULES[number % len(SCHEDULES)]
        pipeline = Pipeline(
            pipeline_id=f"pipeline_{number:05}", pipeline_name=f"Pipeline {number}", platform="databricks",
            platform_job_id=str(1000 + number), schedule_type=schedule_type, frequency=frequency, date_offset=-1,
            timezone="Europe/Berlin", start_date=date(2025, 1, 1), owner="team", created_at=CREATED, updated_at=CREATED,
            parameters=tuple(Parameter(name=name, value="x {{ run_date }}") for name in ("country", "table")),
        )  # fmt: skip
        spec = ScheduleSpec(
            schedule_type=schedule_type, frequency=frequency, date_offset=-1, timezone="Europe/Berlin",
            start_date=date(2025, 1, 1),
        )  # fmt: skip
        timetable = RunDateTimetable(Schedule.parse(spec))
        dag = DAG(
            dag_id=pipeline.pipeline_id, dag_display_name=pipeline.pipeline_name, schedule=timetable,
            description="databricks job of team", doc_md=doc_md(pipeline, timetable.summary),
            tags=["databricks", "pipeline"], catchup=False, is_paused_upon_creation=False, max_active_runs=18,
            on_failure_callback=records.on_dag_failure,
        )  # fmt: skip
        RunPipelineOperator(
            dag=dag, task_id="run_pipeline", owner="team", pipeline=pipeline, retries=3, retry_delay=retry.delay(1),
            retry_policy=RetryBySchedule(retry), on_success_callback=records.on_success,
            on_failure_callback=records.on_failure, on_retry_callback=records.on_retry,
            on_skipped_callback=records.on_skipped,
        )  # fmt: skip
        dags[dag.dag_id] = dag
    return dags


def serialised(dags: dict[str, DAG]) -> dict[str, Any]:
    for dag in dags.values():
        dag.fileloc = "dags/pipelines.py"  # as Airflow's DagBag does with whatever made the DAG
    return {name: DagSerialization.to_dict(dag) for name, dag in dags.items()}


def timed(work: Callable[[], Any]) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def tell(name: str, seconds: list[float], count: int) -> float:
    middle = statistics.median(seconds)
    print(f"  {name:<44}{middle / count * 1000:8.3f} ms a DAG   (min {min(seconds):.2f} s, max {max(seconds):.2f} s)")
    return middle


def queries_of(work: Callable[[], Any]) -> list[str]:
    seen: list[str] = []
    engine = registry()._engine  # the benchmark counts statements where they are executed

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    work()
    event.remove(engine, "before_cursor_execute", note)
    return seen


def against_dag_factory(folder: Path, count: int) -> None:
    """Building alone. dag-factory reads a YAML file, ours rows from SQLite; what it builds is lighter than ours.

    It has no partitioned timetable and no callbacks of ours, so it gets a cron text and an empty task: the ratio
    flatters it.
    """
    sys.path.insert(0, str(folder))
    from dagfactory import load_yaml_dags  # type: ignore[import-not-found]

    entries = {
        f"pipeline_{number:05}": {
            "default_args": {"owner": "team", "retries": 3, "retry_delay_sec": 300, "start_date": "2025-01-01"},
            "schedule": "0 5 * * *",
            "catchup": False,
            "tags": ["databricks", "pipeline"],
            "description": "databricks job of team",
            "doc_md": "### Pipeline",
            "tasks": [{"task_id": "run_pipeline", "operator": EMPTY_OPERATOR}],
        }
        for number in range(count)
    }
    file = HOME / "peers.yaml"
    file.write_text(yaml.safe_dump(entries), encoding="utf-8")
    theirs, ours = [], []
    for _ in range(ROUNDS):
        ours.append(timed(build_dags))
        theirs.append(timed(lambda: load_yaml_dags(globals_dict={}, config_filepath=str(file))))
    ratio = tell("rows → DAGs", ours, count) / tell("dag-factory from a YAML file", theirs, count)
    print(f"  ratio building alone, ours / dag-factory       {ratio:8.2f}   (promised: at most 0.45)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--dag-factory", type=Path, help="folder into which dag-factory 1.1 was installed")
    options = parser.parse_args()
    count = options.count
    fill(count)
    ours, theirs = (json.dumps(serialised(made), sort_keys=True) for made in (build_dags(), by_hand(count)))
    assert ours == theirs
    print(f"{count} DAGs, both sides equal to the last byte; medians of {ROUNDS}")
    print(f"  statements for all of them: {len(queries_of(build_dags))}")
    rows, hand, rows_built, hand_built = [], [], [], []
    for _ in range(ROUNDS):
        rows.append(timed(lambda: serialised(build_dags())))
        hand.append(timed(lambda: serialised(by_hand(count))))
        rows_built.append(timed(build_dags))
        hand_built.append(timed(lambda: by_hand(count)))
    ratio = tell("rows → DAGs → serialised", rows, count) / tell("hand-written loop → serialised", hand, count)
    print(f"  ratio rows / hand-written                      {ratio:8.2f}   (promised: at most 1.15)")
    built = tell("rows → DAGs", rows_built, count) / tell("hand-written loop", hand_built, count)
    print(f"  ratio of building alone                        {built:8.2f}")
    if options.dag_factory:
        against_dag_factory(options.dag_factory, count)


if __name__ == "__main__":
    main()
