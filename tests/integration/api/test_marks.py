"""A person marks a run or a task over Airflow's own API: the mark is noted, and only a mark is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from airflow_backfill_provider.plugins import marks
from airflow_backfill_provider.store.engine import registry
from airflow_backfill_provider.store.tables import run_marks
from tests.integration.api.conftest import SEEN, Served

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own
RUN = "manual__marked"
Patch = Callable[[str, dict[str, str]], None]


@pytest.fixture(scope="module")
def run_of_ours(airflow_app: Served) -> Iterator[None]:
    """A DagRun of a generated DAG that has ended well by itself."""
    from airflow.models.dag import DagModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    from airflow_backfill_provider.dag_factory.build import build_dag
    from airflow_backfill_provider.store import pipelines

    with registry().reading() as conn:
        dag = build_dag(pipelines.get(conn, SEEN))
    now = datetime.now(UTC)
    with create_session() as session:
        SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(dag), bundle_name="open", session=session)
        session.flush()
        stored = SerializedDagModel.get(SEEN, session=session)
        assert stored is not None
        made = stored.dag.create_dagrun(
            run_id=RUN, run_after=now, run_type=DagRunType.MANUAL, triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING, start_date=now, session=session,
        )  # fmt: skip
        for task in made.get_task_instances(session=session):
            task.state = TaskInstanceState.SUCCESS
        session.flush()
        made.dag = stored.dag
        made.update_state(session=session)
        assert made.state == DagRunState.SUCCESS
    yield
    with create_session() as session:
        session.delete(session.merge(made))
        session.query(SerializedDagModel).filter_by(dag_id=SEEN).delete()
        assert session.get(DagModel, SEEN) is not None


@pytest.fixture
def patch(airflow_app: Served, run_of_ours: None) -> Iterator[Patch]:
    """Marks the run, of which nothing is noted yet."""
    with registry().writing() as conn:
        conn.execute(run_marks.delete())
    client = TestClient(airflow_app.app, base_url="http://airflow.example")

    def send(path: str, body: dict[str, str]) -> None:
        headers = {"Authorization": f"Bearer {airflow_app.token('admin')}"}
        answer = client.patch(f"/api/v2/dags/{SEEN}/dagRuns/{RUN}{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    yield send
    client.close()


def noted() -> list[tuple[Any, ...]]:
    with registry().reading() as conn:
        rows = conn.execute(run_marks.select()).all()
    return [(row.dag_id, row.dag_run_id, row.marked_as, row.settled_at) for row in rows]


def test_marks_are_noted_and_the_run_s_own_end_is_none(patch: Patch) -> None:
    assert noted() == []
    patch("", {"state": "failed"})
    assert noted() == [(SEEN, RUN, "failed", None)]
    patch("", {"state": "success"})
    assert noted() == [(SEEN, RUN, "success", None)]
    patch("/taskInstances/run_pipeline", {"new_state": "failed"})
    assert noted() == [(SEEN, RUN, "failed", None)]


def test_marks_that_are_made_while_the_registry_is_away_are_noted_when_it_is_back(
    patch: Patch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(marks, "AGAIN_SECONDS", 0.05)
    with monkeypatch.context() as away:
        away.setenv("AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/missing/registry.db")
        patch("", {"state": "failed"})
        began = datetime.now(UTC)
        patch("", {"state": "success"})
    assert until_noted() == [(SEEN, RUN, "success", None)]
    with registry().reading() as conn:
        marked_at = conn.execute(run_marks.select()).one().marked_at
    assert began <= marked_at <= datetime.now(UTC)
    patch("", {"state": "failed"})
    assert noted() == [(SEEN, RUN, "failed", None)]


def until_noted() -> list[tuple[Any, ...]]:
    """What is noted when the newest mark is, or after half a minute."""
    end = time.monotonic() + 30
    while (found := noted()) != [(SEEN, RUN, "success", None)] and time.monotonic() < end:
        time.sleep(0.05)
    return found
