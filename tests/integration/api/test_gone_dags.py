"""Requests with a pipeline whose DAG Airflow no longer has: who sees all still sees and steers them, nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.api.conftest import CLOSED_TEAM, DOWNSTREAM, HIDDEN, SEEN, Served
from tests.integration.api.test_permissions import AUTH_MANAGERS as AUTH_MANAGERS
from tests.integration.api.test_permissions import LOGGED_IN, a_run, alike, make

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
Verb = tuple[str, dict[str, Any]]
VERBS: tuple[Verb, ...] = (
    ("pause", {}),
    ("resume", {}),
    ("reprioritize", {"priority": 2}),
    ("cancel", {}),
    ("retry", {}),
)
OTHERS = sorted(LOGGED_IN - {"admin"})


@pytest.fixture
def gone(airflow_app: Served) -> Iterator[Callable[[str], None]]:
    """Takes a DAG away from Airflow; in the end all are there again."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    taken: list[tuple[str, str]] = []

    def take(dag_id: str) -> None:
        with create_session() as session:
            dag = session.get(DagModel, dag_id)
            assert dag is not None
            taken.append((dag_id, dag.bundle_name))
            session.delete(dag)

    yield take
    with create_session() as session:
        for dag_id, bundle in taken:
            session.add(
                DagModel(dag_id=dag_id, bundle_name=bundle, fileloc="/pipelines.py", is_stale=False, is_paused=False)
            )


@pytest.mark.parametrize("pipelines", [(SEEN, DOWNSTREAM), (DOWNSTREAM,)])
def test_who_sees_all_sees_a_request_whose_dag_is_gone(
    ask: Ask, gone: Callable[[str], None], pipelines: tuple[str, ...]
) -> None:
    name = make(ask, *pipelines, dates="last 2 days")
    gone(DOWNSTREAM)
    [listed] = ask("admin", "GET", "/api/requests?state=live").json()["requests"]
    assert (listed["request_id"], listed["pipelines"], listed["can_act"]) == (name, [*pipelines], True)
    of_it = ask("admin", "GET", f"/api/requests?pipeline_id={DOWNSTREAM}").json()["requests"]
    assert [one["request_id"] for one in of_it] == [name]
    shown = ask("admin", "GET", f"/api/requests/{name}").json()
    assert {row["pipeline_id"] for row in shown["rows"]} == {*pipelines}
    for verb, body in VERBS:
        answer = ask("admin", "POST", f"/api/requests/{name}/{verb}", json=body)
        assert answer.status_code == 200, (verb, answer.text)
    history = ask("admin", "GET", f"/api/requests/{name}/history").json()
    assert history["total"] == len(VERBS)


def test_a_run_names_its_request_to_who_sees_all_though_another_dag_of_it_is_gone(
    ask: Ask, gone: Callable[[str], None]
) -> None:
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import backfill_queue

    name, run = make(ask, SEEN, DOWNSTREAM, dates="today"), a_run(SEEN)
    with registry().writing() as conn:
        mine = backfill_queue.c.pipeline_id == SEEN
        conn.execute(backfill_queue.update().where(mine).values(dag_run_id=run))
    gone(DOWNSTREAM)
    told = {role: ask(role, "GET", f"/api/pipelines/{SEEN}/runs/{run}").json() for role in ("user", "admin")}
    assert [one["request_id"] for one in told["admin"]["requests"]] == [name]
    assert told["user"]["requests"] == []


@pytest.mark.parametrize("taken", [DOWNSTREAM, HIDDEN])
@pytest.mark.parametrize("role", OTHERS)
def test_to_others_it_is_byte_for_byte_like_one_that_there_is_not(
    ask: Ask, gone: Callable[[str], None], role: str, taken: str
) -> None:
    lists = ("/api/requests", "/api/requests?state=live", "/api/definitions/fields", "/api/facets")
    gone(taken)
    before = {path: ask(role, "GET", path).text for path in lists}
    name = _asked_for(SEEN, taken)
    assert ask("admin", "GET", f"/api/requests/{name}").status_code == 200
    assert {path: ask(role, "GET", path).text for path in lists} == before
    questions: list[tuple[str, str, dict[str, Any]]] = [("GET", "", {}), ("GET", "/history", {})]
    questions += [("POST", f"/{verb}", {"json": body}) for verb, body in VERBS]
    for method, more, given in questions:
        one, other = (ask(role, method, f"/api/requests/{each}{more}", **given) for each in (name, "bf-nothing0"))
        assert one.status_code == 404
        alike(one, other, {name: "bf-nothing0"})
    for of_one in ("/api/pipelines/{}/definition", "/api/requests?pipeline_id={}"):
        one, other = (ask(role, "GET", of_one.format(each)) for each in (taken, "nnnnnnn"))
        assert one.status_code == 404
        alike(one, other, {taken: "nnnnnnn"})


def test_a_pipeline_that_nobody_knows_has_no_requests_to_list(ask: Ask) -> None:
    answer = ask("admin", "GET", "/api/requests?pipeline_id=nnnnnnn")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "there is no pipeline 'nnnnnnn' that you may see; its DAG may not have been read yet",
    )


def _asked_for(*pipelines: str) -> str:
    """A request on the command line, which asks nobody for rights."""
    from datetime import UTC, datetime

    from airflow_backfill_provider.actions.request_backfill import Wish, save_request
    from airflow_backfill_provider.store.engine import registry

    wish = Wish(pipeline_ids=pipelines, dates="last 2 days")
    return save_request(registry(), wish, who="ann", now=datetime.now(UTC))[0]


def test_who_is_of_each_team_sees_it_and_who_may_only_look_does_not(
    ask: Ask, airflow_app: Served, gone: Callable[[str], None]
) -> None:
    if airflow_app.name == "fab":
        pytest.skip("FAB knows no teams")
    name = make(ask, SEEN, HIDDEN, dates="today")
    gone(HIDDEN)
    people = [*OTHERS, *(f"{role} of {CLOSED_TEAM}" for role in OTHERS), "admin"]
    codes = {person: ask(person, "GET", f"/api/requests/{name}").status_code for person in people}
    assert {person for person, code in codes.items() if code == 200} == {
        f"op of {CLOSED_TEAM}",
        f"user of {CLOSED_TEAM}",
        "admin",
    }
