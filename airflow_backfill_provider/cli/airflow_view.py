"""What Airflow's own configuration and database say, for ``init`` and ``doctor``.

Commands run where Airflow's database may be reached, as Airflow's own commands do. Each question raises
:class:`~airflow_backfill_provider.errors.StoreError` when the database does not answer, and its
:class:`~airflow_backfill_provider.errors.OldSchema` when it has no tables yet.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_backfill_provider.errors import OldSchema, StoreError


@dataclass(frozen=True, kw_only=True, slots=True)
class DagView:
    """One DAG as the dag-processor last saw it."""

    dag_id: str
    stale: bool
    paused: bool
    parsed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportFailure:
    """A DAG file that Airflow cannot import."""

    file: str
    last_line: str


def dags_folder() -> Path:
    """Where Airflow looks for DAG files."""
    from airflow.configuration import conf

    return Path(conf.get("core", "dags_folder"))


def runs_on_one_machine() -> bool:
    """Whether every executor keeps its tasks on this machine."""
    from airflow.configuration import conf

    names = [name.strip().rpartition(".")[2] for name in conf.get("core", "executor").split(",")]
    return all(name in ("LocalExecutor", "SequentialExecutor") for name in names)


def connection_exists(connection_id: str) -> bool:
    """Whether Airflow knows the connection: in the environment, a secrets backend or its database."""
    return connection_type(connection_id) is not None


def connection_type(connection_id: str) -> str | None:
    """The type of a connection; None when Airflow does not know it."""
    from airflow.exceptions import AirflowNotFoundException
    from airflow.models.connection import Connection

    with _answering():
        try:
            return Connection.get_connection_from_secrets(connection_id).conn_type or ""
        except AirflowNotFoundException:
            return None


@contextmanager
def with_its_connections() -> Iterator[None]:
    """Hooks in this block find the connections of Airflow's database too, as they do in a task.

    A process that is no task gets only those of the environment and of a secrets backend, unless it says that it may
    reach the database. Airflow's ``connections test`` says it in the same way.
    """
    before = os.environ.get(_PROCESS_CONTEXT)
    os.environ[_PROCESS_CONTEXT] = "server"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PROCESS_CONTEXT]
        else:
            os.environ[_PROCESS_CONTEXT] = before


_PROCESS_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


def dags(dag_ids: Iterable[str]) -> dict[str, DagView]:
    """The DAGs of these ids that Airflow has ever seen."""
    from airflow.models.dag import DagModel
    from sqlalchemy import select

    columns = (DagModel.dag_id, DagModel.is_stale, DagModel.is_paused, DagModel.last_parsed_time)
    wanted = set(dag_ids)
    rows = [row for row in _ask(select(*columns)) if row.dag_id in wanted]
    return {
        row.dag_id: DagView(
            dag_id=row.dag_id, stale=bool(row.is_stale), paused=bool(row.is_paused), parsed_at=row.last_parsed_time
        )
        for row in rows
    }


def import_failures(names: Iterable[str]) -> list[ImportFailure]:
    """The DAG files of these names that Airflow cannot import."""
    from airflow.models.errors import ParseImportError
    from sqlalchemy import select

    wanted = set(names)
    rows = _ask(select(ParseImportError.filename, ParseImportError.stacktrace))
    return [
        ImportFailure(file=str(row.filename), last_line=(row.stacktrace or "").strip().rpartition("\n")[2])
        for row in rows
        if Path(row.filename or "").name in wanted
    ]


def last_heartbeat(job_type: str) -> datetime | None:
    """When a daemon of this kind (``TriggererJob``, say) was last alive; None when none ever was."""
    from airflow.jobs.job import Job
    from sqlalchemy import func, select

    rows = _ask(select(func.max(Job.latest_heartbeat).label("at")).where(Job.job_type == job_type))
    return rows[0].at if rows else None


def run_states(runs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """The state of each DagRun (DAG id, run id) that Airflow has."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select, tuple_

    wanted = sorted(set(runs))
    states: dict[tuple[str, str], str] = {}
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        found = _ask(
            select(DagRun.dag_id, DagRun.run_id, DagRun.state).where(tuple_(DagRun.dag_id, DagRun.run_id).in_(some))
        )
        states |= {(row.dag_id, row.run_id): str(getattr(row.state, "value", row.state)) for row in found}
    return states


def _ask(statement: Any) -> list[Any]:
    from airflow.utils.session import create_session

    with _answering(), create_session() as session:
        return list(session.execute(statement))


@contextmanager
def _answering() -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        words = str(cause).strip().splitlines()[0]
        if getattr(cause, "sqlstate", None) == "42P01" or "no such table" in words:
            raise OldSchema(f"Airflow's own database is not migrated: {words}; run 'airflow db migrate'") from error
        raise StoreError(f"Airflow's own database does not answer: {words}; run 'airflow db check'") from error
