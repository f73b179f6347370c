"""The queue against procrastinate: jobs claimed and finished in a second, on a Postgres with its defaults (fsync on).

procrastinate lives in an environment of its own, made by uv; where it cannot be had, this says so and measures nothing.
Its worker runs tasks that do nothing, ten at once; ours claims and finishes dates in batches of 100 with an event for
each move. Medians of five, in turns; both sides must have finished every job.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import queue_vs_sql as ours
from sqlalchemy import text

from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade

ROUNDS, JOBS = 5, 1_000
WORKER = """
import asyncio, json, sys, time
import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1]))

@app.task(name="fill_date")
async def fill_date(day):
    pass

async def main(count):
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        done = len(list(await app.job_manager.list_jobs_async(status="succeeded")))
        await fill_date.batch_defer_async(*[{"day": number} for number in range(count)])
        began = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=10, install_signal_handlers=False, listen_notify=False)
        took = time.perf_counter() - began
        now = len(list(await app.job_manager.list_jobs_async(status="succeeded")))
        print(json.dumps({"seconds": took, "finished": now - done}))

asyncio.run(main(int(sys.argv[2])))
"""


def peer(folder: Path) -> Path | None:
    """The interpreter of an environment that has procrastinate, or None."""
    python = folder / "peer" / "bin" / "python"
    uv = str(Path(sys.executable).parent / "uv")
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder / "peer")],
        [uv, "pip", "install", "--quiet", "--python", str(python), "procrastinate>=3", "psycopg[binary]"],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"procrastinate cannot be installed, so nothing is compared: {done.stderr.strip()[-300:]}")
            return None
    return python


def their_seconds(python: Path, conninfo: str) -> float:
    done = subprocess.run([python, "-c", WORKER, conninfo, str(JOBS)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"procrastinate: {done.stderr.strip()[-600:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["finished"] == JOBS, said
    return float(said["seconds"])


def our_seconds(registry: Registry) -> float:
    with registry.reading() as conn:
        ids = ours.ids_of_pending(conn)[:JOBS]
    assert len(ids) == JOBS
    return ours.timed(ours.claim_and_finish, registry, ids)


def main() -> None:
    server = parse_url(os.environ.get("BACKFILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"))
    names = [f"backfill_bench_{uuid.uuid4().hex[:8]}_{side}" for side in ("ours", "theirs")]
    admin = open_engine(server, isolation_level="AUTOCOMMIT")
    with tempfile.TemporaryDirectory() as folder:
        python = peer(Path(folder))
        if python is None:
            return
        with admin.connect() as conn:
            for name in names:
                conn.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            url = server.set(database=names[0]).render_as_string(hide_password=False)
            upgrade(url, ours.NOW)
            registry = Registry(url)
            ours.on_defaults(registry)
            with registry.writing() as conn:
                conn.execute(
                    text(
                        "INSERT INTO pipelines (pipeline_id, platform, schedule_type) "
                        "SELECT 'p' || n, 'sql', 'manual' FROM generate_series(0, 99) n"
                    )
                )
            ours.enqueue(registry)
            theirs = server.set(database=names[1], drivername="postgresql").render_as_string(hide_password=False)
            times: dict[str, list[float]] = {"ours": [], "theirs": []}
            for _ in range(ROUNDS):
                times["ours"].append(our_seconds(registry))
                times["theirs"].append(their_seconds(python, theirs))
            registry.dispose()
        finally:
            with admin.connect() as conn:
                for name in names:
                    conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    mine, other = (statistics.median(times[side]) for side in ("ours", "theirs"))
    print(f"claim and finish {JOBS:,}: {JOBS / mine:,.0f}/s, procrastinate {JOBS / other:,.0f}/s")
    print(f"  speed / procrastinate: {other / mine:.1f}   (promised at least 5)")


if __name__ == "__main__":
    main()
