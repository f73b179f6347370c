"""The registry's connections: one engine for each database and process, transactions that mean the same everywhere.

A reading transaction sees one snapshot and cannot write. A writing transaction commits when its block ends without an
error. On SQLite there is one writer at a time, and who wants to write waits for that at the start of the transaction:
a transaction that begins as a reader and writes later would fail at once, or lose an update.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from airflow_backfill_provider.errors import ConfigError, OldSchema, StoreError

BUSY_SECONDS = 30
"""How long a writer waits for another one, and how long a connection to Postgres may take.

``?timeout=5`` in the URL of a SQLite file sets it for that file.
"""
_WRITING = "backfill_writing"
_MIGRATE = "run 'airflow pipelines db migrate'"
_registries: dict[tuple[str, int], Registry] = {}
_registries_lock = threading.Lock()


class Registry:
    """One registry database. Threads may share it; processes may not. It is used here, and made by a migration only."""

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self._engine = open_engine(self.url)
        event.listen(self._engine, "do_connect", _refuses_missing_file(self.url))
        self._writer = self._engine.execution_options(**{_WRITING: True})
        self._reader = self._engine.execution_options(**_reading_options(self.url))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads one snapshot; writing in it is refused by the database.

        Raises :class:`~airflow_backfill_provider.errors.StoreError` when the registry cannot be read.
        """
        with translated(self.url), self._reader.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits when the block ends, and leaves nothing behind when it raises.

        Two that want the same rows must not wait for each other. So every transaction locks, or changes, what it needs
        in one order: items of the queue, records, deadlines, pipelines' rows (with the coverage), holds, requests;
        within a table by its key. Who may need more later locks it first: ``lock`` of the modules of the store.

        Raises :class:`~airflow_backfill_provider.errors.StoreError` when the registry cannot be written.
        """
        with translated(self.url), self._writer.begin() as conn:
            yield conn

    def dispose(self) -> None:
        """Close every idle connection. The registry can be used again afterwards."""
        self._engine.dispose()


def registry(url: str | None = None) -> Registry:
    """The registry at a URL, by default that of ``[backfill] sql_alchemy_conn``; the same one for a whole process.

    A forked process gets a registry of its own, because a connection cannot be shared with the parent.
    """
    if url is None:
        from airflow_backfill_provider.settings import registry_url

        url = registry_url()
    key = (url, os.getpid())
    with _registries_lock:
        if key not in _registries:
            _registries[key] = Registry(url)
        return _registries[key]


def parse_url(url: str) -> URL:
    """A SQLAlchemy URL with a driver we support; every spelling of Postgres means psycopg 3.

    Raises :class:`~airflow_backfill_provider.errors.ConfigError` for anything else.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise ConfigError(
            "[backfill] sql_alchemy_conn is not a SQLAlchemy URL; expected sqlite:////path/to/backfill.db or "
            "postgresql+psycopg://user:password@host/database"
        ) from None
    backend = parsed.drivername.partition("+")[0]
    if backend in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed.set(drivername="sqlite")
    raise ConfigError(
        f"[backfill] sql_alchemy_conn is {parsed.render_as_string()!r}; expected SQLite in a file or Postgres"
    )


def open_engine(url: URL, **options: Any) -> Engine:
    """An engine whose connections are set up as this module promises; nothing is connected yet."""
    try:
        if url.get_backend_name() == "sqlite":
            waiting = url.update_query_dict({"timeout": url.query.get("timeout", str(BUSY_SECONDS))})
            engine = create_engine(waiting, **options)
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        # The time zone decides how stored instants without a zone meet those with one.
        arguments = {"connect_timeout": BUSY_SECONDS, "options": _postgres_options(url)}
        return create_engine(url, connect_args=arguments, pool_pre_ping=True, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(
            f"the registry {shown(url)} needs a driver that is not installed ({error}); "
            "run pip install '.[postgres]' in a clone of the repository"
        ) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"[backfill] sql_alchemy_conn is {shown(url)!r}, and an option in it cannot be read ({error}); expected "
            f"for example ?timeout={BUSY_SECONDS}"
        ) from None


def missing_file(url: URL) -> str | None:
    """The path of a file of SQLite that is not there: to open it would make an empty one, also to read it.

    None for one that SQLite could not make either, and will say so.
    """
    if url.get_backend_name() != "sqlite" or "uri" in url.query:
        return None
    file = os.path.abspath(url.database or "")
    writable = os.access(os.path.dirname(file), os.W_OK | os.X_OK)
    return file if writable and not os.path.exists(file) else None


def refuse_missing_file(url: URL) -> None:
    """Raise :class:`~airflow_backfill_provider.errors.OldSchema` for a file that only a migration may make."""
    if file := missing_file(url):
        raise OldSchema(
            f"there is no registry at {shown(url)}: the file {file!r} does not exist; see that "
            f"[backfill] sql_alchemy_conn names the right one, or {_MIGRATE}, which makes it"
        )


def _refuses_missing_file(url: URL) -> Callable[..., None]:
    return lambda *_: refuse_missing_file(url)


def _postgres_options(url: URL) -> str:
    given = url.query.get("options", "")
    ours = f"-c timezone=UTC -c lock_timeout={BUSY_SECONDS}s"
    return " ".join([*([given] if isinstance(given, str) else given), ours]).strip()


def _reading_options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {_WRITING: False}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: it begins them too late.
    connection.isolation_level = None
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0] / 1000
    trying = Retrying(
        retry=retry_if_exception(_is_busy), stop=stop_after_delay(patience), wait=wait_random(max=0.05), reraise=True
    )
    trying(_write_ahead, connection)
    connection.execute("PRAGMA foreign_keys = ON")


def _write_ahead(connection: Any) -> None:
    """Let readers and the writer of a file not wait for each other.

    Only a new file is turned. SQLite does not wait for another writer here, it refuses at once, so the caller waits:
    two may open, and migrate, a new registry at the same time.
    """
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


def _is_busy(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY  # the higher bits say what it is busy with


def _begin_sqlite(conn: Connection) -> None:
    writing = conn.get_execution_options().get(_WRITING, False)
    conn.exec_driver_sql(f"PRAGMA query_only = {int(not writing)}")
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def shown(url: URL) -> str:
    """A URL for people, its password hidden."""
    return url.render_as_string(hide_password=True)


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn what a database says when it cannot be used into a StoreError; leave broken rules and mistakes alone."""
    try:
        yield
    except DBAPIError as error:
        if advice := _advice(url, error):
            words = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
            raise StoreError(f"the registry {shown(url)} cannot be used: {words[0]}; {advice}") from error
        raise


def _advice(url: URL, error: DBAPIError) -> str | None:
    if url.get_backend_name() == "sqlite" and os.path.isdir(url.database or ""):
        return f"'{url.database}' is a folder; expected a file in it, for example {_file_in(url)}"
    words = str(error.orig).lower()
    state = getattr(error.orig, "sqlstate", None)
    for states, phrases, advice in _ADVICE:
        if state in states or any(phrase in words for phrase in phrases):
            return advice.format(folder=url.database)
    if not (isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated):
        return None
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return (
            "the file is healthy, but this statement does not suit what is in it; please report this, with what "
            f"sqlite3 '{url.database}' .schema shows"
        )
    if url.get_backend_name() == "sqlite":
        return "see that it is a healthy SQLite file on a local disk with space left"
    return "see that the server runs, can be reached from here and knows this user ([backfill] sql_alchemy_conn)"


def _file_in(folder: URL) -> str:
    return shown(folder.set(database=os.path.join(folder.database or "", "backfill.db")))


_ADVICE: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    # SQLSTATEs of Postgres, words of SQLite, what to do
    (("42P01", "42703"), ("no such table", "no such column"), f"its schema is missing or old: {_MIGRATE}"),
    (("25006",), ("readonly database",), "see that this user may write there; a reading block cannot write"),
    (
        ("55P03", "40P01"),
        ("database is locked", "database table is locked"),
        "somebody else was writing for too long; try again, and see who holds it",
    ),
    ((), ("not a database", "malformed"), "the file is damaged, or something else; restore a backup or name another"),
    ((), ("unable to open database file",), "see that the folder of '{folder}' exists and this user may write there"),
)
