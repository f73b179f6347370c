"""The web API with 10,000 pipelines and 3.65 million records on a Postgres with its defaults, authorisation included.

Airflow's own API server application, with its auth manager and middleware, is asked in this process, so that no network
is measured; both its database and the registry are on the server of ``BACKFILL_TEST_POSTGRES``, in databases that are
dropped. Cold is the first question that a process answers at all, warm are those after it. A route's bare query is what
it asks both databases, asked again by the driver alone; by hand is one statement over the records that comes to the
same numbers. The numbers of the API are compared with it.

``--pipelines 1000`` does it with fewer, ``--auth fab`` under the other auth manager, ``--profile summary`` says where
the time of a route goes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import multiprocessing
import os
import pstats
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, event, text
from sqlalchemy.engine import URL

from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url

RECORDED = 365
MISSING = 4
WARM = 100
NOW = datetime.now(UTC)
TODAY = NOW.date()
FIRST = TODAY - timedelta(days=RECORDED + MISSING)
NAME = "p00042"

PIPELINES = """
INSERT INTO pipelines (pipeline_id, pipeline_name, platform, trigger_url, platform_job_id, schedule_type, frequency,
  timezone, start_date, sla_time, tags, auto_backfill, created_at, updated_at)
SELECT 'p' || lpad(n::text, 5, '0'), 'Pipeline ' || n, (ARRAY['http', 'databricks', 'snowflake'])[1 + n % 3],
  CASE WHEN n % 3 = 0 THEN '/x' END, (ARRAY[NULL, '1', 'select 1'])[1 + n % 3],
  'daily', 'at 0' || n % 5 || '\\:30', (ARRAY['UTC', 'Europe/Berlin', 'America/New_York'])[1 + n % 3],
  CAST(:first AS date), CASE WHEN n % 3 = 0 THEN TIME '09:00' END, 'team' || n % 20, false, :now, :now
FROM generate_series(1, :count) n
"""
RECORDS = """
INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, start_time, end_time, dag_id, dag_run_id,
  definition_version, retry_attempts)
SELECT pipeline_id || '-' || day, pipeline_id, CAST(:first AS date) + day,
  CASE WHEN (n * 37 + day * 53) % 100 = 0 THEN 'failed' ELSE 'success' END,
  CAST(:first AS timestamp) + day * interval '1 day', CAST(:first AS timestamp) + day * interval '25 hours',
  pipeline_id, 'r' || day, version, 0
FROM versions, generate_series(0, :days - 1) day
WHERE day % :each <> n % :each OR day / :each >= :missing
"""
WAITING = """
INSERT INTO backfill_requests (request_id, requested_by, requested_at, selection, priority, updated_at)
SELECT 'bf-' || n, 'ada', :now, 'today', 0, :now FROM generate_series(1, :count / 50) n;
"""
ITEMS = """
INSERT INTO backfill_queue (backfill_id, pipeline_id, date_to_process, status, priority, requested_at, request_id,
  reason, requested_by, updated_at)
SELECT pipeline_id || day, pipeline_id, CAST(:today AS date) - day, 'pending', 0, :now, 'bf-' || n / 50, 'missing',
  'ada', :now
FROM versions, generate_series(5, 9) day WHERE n % 5 = 0 AND n >= 50
"""
BY_HAND = {
    "grid": """
SELECT pipeline_id, run_date, status FROM pipeline_run_log WHERE run_date BETWEEN :first60 AND :today
  AND pipeline_id IN (SELECT pipeline_id FROM pipeline_run_log WHERE run_date BETWEEN :first60 AND :today
    GROUP BY pipeline_id ORDER BY count(*) FILTER (WHERE status = 'success'), pipeline_id LIMIT 100)""",
    "calendar": "SELECT run_date, status FROM pipeline_run_log WHERE pipeline_id = :name AND run_date >= :new_year",
    "summary": """
SELECT status, count(*) FROM pipeline_run_log WHERE run_date BETWEEN :first30 AND :today GROUP BY status""",
}
PATHS = {
    "grid": f"/api/grid?first={TODAY - timedelta(days=59)}&last={TODAY}&limit=100",
    "calendar": f"/api/pipelines/{NAME}/calendar?year={TODAY.year}",
    "summary": f"/api/summary?first={TODAY - timedelta(days=29)}&last={TODAY}",
}
PROMISED = {"grid": 0.1, "calendar": 0.1, "summary": 0.05}
HAND_VALUES = {
    "first60": TODAY - timedelta(days=59),
    "first30": TODAY - timedelta(days=29),
    "new_year": TODAY.replace(month=1, day=1),
    "today": TODAY,
    "name": NAME,
}

Ask = Callable[[str], Awaitable[Any]]
"""One GET of the API as a logged-in user."""


def filled(url: str, count: int) -> None:
    """A registry as after a year: each pipeline ran on 365 days, 4 it missed, one run in a hundred failed."""
    from airflow_backfill_provider.actions.known_pipelines import KnownPipelines
    from airflow_backfill_provider.store import coverage
    from airflow_backfill_provider.store.migrate import upgrade

    upgrade(url, NOW)
    registry = Registry(url)
    began = time.perf_counter()
    asked: dict[str, Any] = {"count": count, "first": FIRST, "now": NOW.replace(tzinfo=None), "today": TODAY}
    asked |= {"days": RECORDED + MISSING, "missing": MISSING, "each": RECORDED // MISSING}
    with registry.writing() as conn:
        conn.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        conn.execute(text(PIPELINES), asked)
        conn.exec_driver_sql("CREATE TEMPORARY TABLE versions (pipeline_id text, n int, version text)")
        rows = [
            {"name": each.pipeline_id, "n": int(each.pipeline_id[1:]), "version": each.version}
            for each in KnownPipelines().active(conn, NOW)
        ]
        conn.execute(text("INSERT INTO versions VALUES (:name, :n, :version)"), rows)
        assert len(rows) == count, "some rows cannot be read"
        records = conn.execute(text(RECORDS), asked).rowcount
        conn.execute(text(WAITING), asked)
        conn.execute(text(ITEMS), asked)
        coverage.rebuild(conn)
    vacuum(registry)
    registry.dispose()
    print(f"{count:,} pipelines and {records:,} records in {time.perf_counter() - began:.0f} s", flush=True)


def vacuum(registry: Registry) -> None:
    with registry._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")


def configured(home: Path, airflow: str, registry: str, auth: str) -> None:
    """Airflow's options; it reads them when it is imported first."""
    users = {"simple": "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "fab": "AIRFLOW__CORE__AUTH_MANAGER"}
    fab = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": airflow,
        "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "AIRFLOW__API__SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "AIRFLOW__API__BASE_URL": "http://airflow.example",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN": registry,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__FAB__CONFIG_FILE": str(home / "webserver_config.py"),
        users[auth]: fab if auth == "fab" else "user:user",
    }


def airflow_database(count: int) -> None:
    """Airflow's own, with the pipelines' DAGs."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session

    initdb()
    with create_session() as session:
        session.add(DagBundleModel(name="pipelines"))
        session.flush()
        session.add_all(
            DagModel(dag_id=f"p{n:05}", bundle_name="pipelines", fileloc="/pipelines.py", is_stale=False)
            for n in range(1, count + 1)
        )
    from airflow import settings

    settings.engine.dispose()


def application(auth: str) -> tuple[Any, str]:
    """The API server's application and the token of a user who may start runs."""
    from airflow.api_fastapi.app import create_app, get_auth_manager

    app = create_app(apps="core")
    manager: Any = get_auth_manager()
    if auth == "simple":
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        return app, manager.generate_jwt(SimpleAuthManagerUser(username="user", role="user", teams=[]))
    with manager.flask_app.app_context():
        security = manager.security_manager
        security.add_user("user", "Ada", "Test", "a@example.com", security.find_role("User"), password="not-used")
        return app, manager.generate_jwt(security.find_user(username="user"))


class Statement(NamedTuple):
    """What a route asked a database."""

    database: str
    words: str
    values: Any


@contextmanager
def overheard() -> Iterator[list[Statement]]:
    """What is asked of any database meanwhile."""
    found: list[Statement] = []

    def note(conn: Any, cursor: Any, words: str, values: Any, context: Any, many: bool) -> None:
        found.append(Statement(conn.engine.url.render_as_string(hide_password=False), words, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def asked_alone(statements: list[Statement], rounds: int = 21) -> float:
    """The median seconds of these statements on open connections, every row fetched by the driver."""
    import psycopg

    urls = {one.database: parse_url(one.database).set(drivername="postgresql") for one in statements}
    connections = {
        name: psycopg.connect(url.render_as_string(hide_password=False), autocommit=True, options="-c timezone=UTC")
        for name, url in urls.items()
    }
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        for one in statements:
            found = connections[one.database].execute(one.words, one.values)
            if found.description:
                found.fetchall()
        times.append(time.perf_counter() - began)
    for each in connections.values():
        each.close()
    return statistics.median(times)


def measured(app: Any, token: str, route: str, registry: str, profile: bool) -> None:
    """Ask one route, cold and warm, and print what came of it."""
    import httpx

    async def main() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow.example", headers=headers) as client:

            async def ask(path: str = PATHS[route]) -> tuple[float, float, Any]:
                began, worked = time.perf_counter(), time.process_time()
                answer = await client.get(f"/backfill{path}")
                took = time.perf_counter() - began, time.process_time() - worked
                assert answer.status_code == 200, answer.text
                return *took, answer

            cold, _, answer = await ask()
            warm = [(await ask())[:2] for _ in range(WARM)]
            floor = [(await ask("/api/health"))[0] for _ in range(WARM)]
            with overheard() as statements:
                await ask()
            bare = asked_alone(statements)
            by_hand = asked_alone([Statement(registry, *bound(BY_HAND[route]))])
            print(f"{route}: {PATHS[route]}   ({len(answer.content):,} bytes, {len(statements)} statements)")
            told(cold, warm, PROMISED[route])
            compared(statistics.median(took for took, _ in warm), bare, by_hand, statistics.median(floor))

    asyncio.run(main())
    if profile:
        profiled(app, token, route)


def bound(words: str) -> tuple[str, dict[str, Any]]:
    """A statement of ours as the driver wants it."""
    for name in HAND_VALUES:
        words = words.replace(f":{name}", f"%({name})s")
    return words, HAND_VALUES


def told(cold: float, warm: list[tuple[float, float]], promised: float) -> None:
    """How long it took, by the clock and in work of this process, which neighbours do not lengthen as much."""
    median, worked = (statistics.median(column) * 1000 for column in zip(*warm, strict=True))
    p95 = statistics.quantiles([took for took, _ in warm], n=20)[-1] * 1000
    print(f"  cold {cold * 1000:.0f} ms; warm: median {median:.1f} ms, p95 {p95:.1f} ms", end="")
    print(f"   (promised at most {promised * 1000:.0f}); of it {worked:.1f} ms of processor time")


def compared(median: float, bare: float, by_hand: float, floor: float) -> None:
    print(f"  bare query {bare * 1000:.1f} ms, ratio {median / bare:.2f}   (promised at most 2)")
    print(f"  one statement by hand {by_hand * 1000:.1f} ms, ratio {median / by_hand:.2f}")
    print(f"  a route that asks nothing takes {floor * 1000:.1f} ms", flush=True)


def profiled(app: Any, token: str, route: str) -> None:
    """Where the time goes: the route's work runs in a thread, so all threads are looked at."""
    import threading

    from fastapi.testclient import TestClient

    profile = cProfile.Profile()
    client = TestClient(app, base_url="http://airflow.example", headers={"Authorization": f"Bearer {token}"})
    threading.setprofile(lambda *_: profile.enable())
    for _ in range(20):
        client.get(f"/backfill{PATHS[route]}")
    threading.setprofile(None)
    profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


@contextmanager
def databases(server: URL) -> Iterator[tuple[str, str]]:
    """Two empty ones: Airflow's and the registry."""
    names = [f"backfill_bench_{uuid.uuid4().hex[:8]}" for _ in range(2)]
    admin = open_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as conn:
            for name in names:
                conn.exec_driver_sql(f"CREATE DATABASE {name}")
        airflow, registry = (server.set(database=name).render_as_string(hide_password=False) for name in names)
        yield airflow, registry
    finally:
        with admin.connect() as conn:
            for name in names:
                conn.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=10_000)
    parser.add_argument("--auth", choices=("simple", "fab"), default="simple")
    parser.add_argument("--profile", choices=tuple(PATHS))
    given = parser.parse_args()
    server = parse_url(os.environ.get("BACKFILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"))
    with databases(server) as (airflow, registry), tempfile.TemporaryDirectory() as home:
        configured(Path(home), airflow, registry, given.auth)
        filled(registry, given.pipelines)
        airflow_database(given.pipelines)
        app, token = application(given.auth)
        for route in PATHS:  # each in a process that has answered nothing yet
            process = multiprocessing.get_context("fork").Process(
                target=measured, args=(app, token, route, registry, given.profile == route)
            )
            process.start()
            process.join()
            assert process.exitcode == 0, route
    sys.stdout.flush()


if __name__ == "__main__":
    main()
