"""A hundred dates from request to done, beside ``airflow backfill create`` over the same dates of an equal DAG.

One real Airflow and the simulator. Both sides: the same generated DAG but for its id, the same job of one second, eight
runs at once; the clock starts when the dates are asked for and stops when the last job has succeeded and its record and
item say so. Then a pipeline that takes a hundred dates at once: one DagRun, one job. CPU is that of all of Airflow's
processes, read from /proc. At last the controller is left alone for a minute with nothing to do: what the triggerer
uses then, and what it uses with the controller paused.

``python tests/benchmarks/end_to_end.py [dates]``. One round takes minutes, so there is one; run it on a quiet machine.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from airflow_backfill_provider.actions.request_backfill import Wish, save_request
from airflow_backfill_provider.demo import sample
from airflow_backfill_provider.demo.airflow_stack import PROCESSES, AirflowStack
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.store.engine import Registry

FIRST = date(2026, 1, 5)
AT_ONCE, JOB_SECONDS, IDLE_SECONDS = 8, 1.0, 60
OPTIONS = {
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__BACKFILL__POLL_SECONDS": "2",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}
TICK = os.sysconf("SC_CLK_TCK")


def row(pipeline_id: str, job: str, last: date, **more: Any) -> dict[str, Any]:
    """Due every day, and past its end: Airflow makes no run by itself but that of the last tick."""
    return {
        "pipeline_id": pipeline_id, "platform": "databricks", "platform_job_id": job, "schedule_type": "daily",
        "start_date": FIRST, "end_date": last, "max_active_backfills": AT_ONCE, "retry_schedule": "every 2 seconds",
    } | more  # fmt: skip


class Bench:
    """The simulator and the Airflow, and what is asked of them."""

    def __init__(self, home: Path, dates: int) -> None:
        self.dates = [FIRST + timedelta(days=number) for number in range(dates)]
        self.simulator = SimulatorProcess(home / "simulator", job_seconds=JOB_SECONDS)
        self.simulator.start()
        self.airflow = AirflowStack(
            home / "airflow",
            connections=sample.connections(self.simulator, home / "corrections.db"),
            options=sample.trust(self.simulator) | OPTIONS,
        )
        self.registry = Registry(f"sqlite:///{home / 'airflow' / 'backfill.db'}")
        self._home = home

    def start(self) -> None:
        self.airflow.run("db", "migrate")
        self.airflow.run("pipelines", "init")
        last = self.dates[-1]
        rows = [
            row("bench_ours", "901", last),
            row("bench_native", "902", last),
            row("bench_many", "903", last, multi_date_allowed=True, max_dates_per_run=100),
        ]
        with (self._home / "pipelines.yaml").open("w", encoding="utf-8") as out:
            YAML().dump({"pipelines": rows}, out)
        self.airflow.run("pipelines", "apply", "-f", str(self._home / "pipelines.yaml"))
        for one in rows:
            self.simulator.client.job("databricks", one["platform_job_id"], max_concurrent=100)
        self.airflow.start()
        for one in rows:
            self.until(lambda name=one["pipeline_id"]: self.all_ended(name, 1), f"{name_of(one)} ran its last tick")

    def stop(self) -> None:
        self.airflow.stop()
        self.simulator.stop()
        self.registry.dispose()

    def until(self, condition: Callable[[], Any], what: str) -> None:
        self.airflow.wait_until(condition, what, seconds=1800, pause=0.25)

    def all_ended(self, dag_id: str, runs: int) -> bool:
        """Whether so many DagRuns and their records have ended well."""
        with self.registry.reading() as conn:
            statuses = conn.exec_driver_sql(
                "SELECT status, count(DISTINCT dag_run_id) FROM pipeline_run_log WHERE pipeline_id = ? GROUP BY 1",
                (dag_id,),
            ).all()
        return dict(map(tuple, statuses)) == {"success": runs}

    def ask(self, dag_id: str) -> datetime:
        """Ask for all dates again; returns when that was."""
        now = datetime.now(UTC)
        dates = f"{self.dates[0]}..{self.dates[-1]}"
        save_request(self.registry, Wish(pipeline_ids=(dag_id,), dates=dates, only="any"), who="bench", now=now)
        return now

    def cpu(self, *names: str) -> float:
        """Seconds of CPU that these processes, and all that they started and waited for, have used."""
        return sum(_used(pid) for name in names or PROCESSES for pid in family(self.airflow.pid(name)))

    def successes(self, job: str) -> list[dict[str, Any]]:
        return [one for one in self.simulator.client.ledger("databricks", job) if one["state"] == "success"]


def name_of(one: dict[str, Any]) -> str:
    return str(one["pipeline_id"])


def family(pid: int) -> list[int]:
    """The process and every one below it."""
    parents = {int(each.name): _parent(int(each.name)) for each in Path("/proc").iterdir() if each.name.isdigit()}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return ["?", "0", *["0"] * 40]


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _used(pid: int) -> float:
    """User and system time of a process and of the children it has waited for."""
    return sum(map(int, _fields(pid)[11:15])) / TICK


def measure(bench: Bench, ask: Callable[[], Any], dag_id: str, runs: int) -> tuple[float, float]:
    """Seconds and seconds of CPU until so many runs have ended, from when the dates were asked for."""
    used, began = bench.cpu(), time.monotonic()
    ask()
    bench.until(lambda: bench.all_ended(dag_id, runs), f"{dag_id} is done")
    return time.monotonic() - began, bench.cpu() - used


def idle(bench: Bench) -> float:
    """Percent of a core that the triggerer uses."""
    used = bench.cpu("triggerer")
    time.sleep(IDLE_SECONDS)
    return 100 * (bench.cpu("triggerer") - used) / IDLE_SECONDS


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or Airflow's processes would outlive it
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), count)
        try:
            bench.start()
            report(bench, count)
        finally:
            bench.stop()


def report(bench: Bench, count: int) -> None:
    many, many_cpu = measure(bench, lambda: bench.ask("bench_many"), "bench_many", 2)
    jobs = bench.successes("903")[1:]
    assert [len(job["run_dates"]) for job in jobs] == [count], jobs
    asked_at = datetime.now(UTC) - timedelta(seconds=many)
    answered = (datetime.fromisoformat(jobs[0]["accepted_at"]) - asked_at).total_seconds()
    ours, ours_cpu = measure(bench, lambda: bench.ask("bench_ours"), "bench_ours", count + 1)
    native = (
        "backfill", "create", "--dag-id", "bench_native", "--from-date", str(bench.dates[0]), "--to-date",
        str(bench.dates[-1]), "--max-active-runs", str(AT_ONCE), "--reprocess-behavior", "completed",
    )  # fmt: skip
    theirs, theirs_cpu = measure(bench, lambda: bench.airflow.run(*native), "bench_native", count + 1)
    for job in ("901", "902"):
        assert len(bench.successes(job)) == count + 1
    print(f"{count} dates: {ours:.1f} s and {ours_cpu:.1f} s of CPU, natively {theirs:.1f} s and {theirs_cpu:.1f} s")
    print(f"  time / airflow backfill create: {ours / theirs:.2f}   (promised at most 1.2)")
    print(f"{count} dates in one run: done {many - JOB_SECONDS:.1f} s after the job's own time (promised at most 15)")
    print(f"  the job was started {answered:.1f} s after the request   (promised: answered within 10)")
    print(f"  CPU / natively: {many_cpu / theirs_cpu:.3f}   (promised at most 0.05)")
    awake = idle(bench)
    bench.airflow.api("PATCH", "/dags/backfill_controller", json={"is_paused": True})
    asleep = idle(bench)
    words = f"{awake:.2f} % of a core with the controller, {asleep:.2f} % with it paused"
    print(f"idle triggerer: {words}: {awake - asleep:.2f} %   (promised under 1)")
    print(json.dumps({"load": os.getloadavg()}))


if __name__ == "__main__":
    main()
