"""What every test stands on: an Airflow home of its own, a Postgres database and a browser where there are any.

Environment: ``BACKFILL_TEST_POSTGRES`` is the URL of a server in which databases may be made; without it one on
127.0.0.1:5432 is used, or else one is started from the server's binaries. ``BACKFILL_CHROMIUM`` is the path of a
browser. ``BACKFILL_REQUIRE_POSTGRES=1`` and ``BACKFILL_REQUIRE_CHROMIUM=1`` turn such a skip into a failure.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

# Airflow reads its home once, when it is imported. Nothing of the person's own Airflow may leak into a test.
for _name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
    del os.environ[_name]
_AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="backfill-tests-"))
os.environ["AIRFLOW_HOME"] = str(_AIRFLOW_HOME)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] = "False"

LOCAL_POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
_START_SECONDS = 180


def pytest_unconfigure() -> None:
    shutil.rmtree(_AIRFLOW_HOME, ignore_errors=True)


# -- Postgres ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> str:
    """SQLAlchemy URL of a Postgres server in which databases may be made; skips, with the reason, if there is none."""
    named = os.environ.get("BACKFILL_TEST_POSTGRES")
    if named:
        url = named.replace("postgresql://", "postgresql+psycopg://", 1)
        if problem := _why_not(url):
            pytest.fail(f"BACKFILL_TEST_POSTGRES: {problem}")
        return url
    problem = _why_not(LOCAL_POSTGRES)
    if problem is None:
        return LOCAL_POSTGRES
    binaries = _postgres_binaries()
    if binaries is None:
        reason = f"no Postgres: none on 127.0.0.1:5432 ({problem}), and no initdb and postgres to start one with"
        if os.environ.get("BACKFILL_REQUIRE_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(f"{reason}; set BACKFILL_TEST_POSTGRES")
    return request.getfixturevalue("_own_postgres")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """SQLAlchemy URL of an empty database that is dropped after the test."""
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.pool import NullPool

    name = f"backfill_{uuid.uuid4().hex}"
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(scope="session")
def _own_postgres() -> Iterator[str]:
    """A server of this session, without durability, that ends with it."""
    binaries = _postgres_binaries()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="backfill-postgres-"))
    user = _unprivileged(folder)
    port = _free_port()
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    try:
        initdb = [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--no-sync"], check=True, capture_output=True, user=user, cwd=folder)
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                cwd=folder,
            )
        try:
            url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
            _wait_for(server, url, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait(timeout=_START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while problem := _why_not(url):
        if server.poll() is not None or time.monotonic() > end:
            pytest.fail(f"the Postgres server that was started does not answer ({problem}):\n{log.read_text()}")
        time.sleep(0.1)


def _why_not(url: str) -> str | None:
    """None if the server answers, otherwise why it does not, in one line."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.pool import NullPool

    try:
        with create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5}).connect():
            return None
    except OperationalError as error:
        return str(error.orig).strip().splitlines()[0]


def _postgres_binaries() -> Path | None:
    """The folder that has both initdb and postgres: that of the PATH, or Debian's newest."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))[::-1]
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


def _unprivileged(folder: Path) -> int | None:
    """The user to run the server as: Postgres refuses root, so root takes 'nobody', who gets the folder."""
    import pwd

    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, nobody, -1)
    return nobody


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- Chromium ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a Chromium for Playwright's ``executable_path``; skips, with the reason, if there is none."""
    named = os.environ.get("BACKFILL_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    found = found or _playwrights_own()
    if found and Path(found).exists():
        return found
    reason = f"no Chromium: {named or 'chromium, chromium-browser, google-chrome'} not found"
    if os.environ.get("BACKFILL_REQUIRE_CHROMIUM") == "1":
        pytest.fail(reason)
    pytest.skip(f"{reason}; install it (Debian: apt-get install chromium) or set BACKFILL_CHROMIUM")


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


@pytest.fixture(autouse=True)
def _what_the_marks_need(request: pytest.FixtureRequest) -> None:
    """Skip, or fail where it is required, a marked test whose server or browser is not there."""
    if request.node.get_closest_marker("postgres"):
        request.getfixturevalue("postgres_server")
    if request.node.get_closest_marker("browser"):
        request.getfixturevalue("chromium_path")
