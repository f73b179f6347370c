"""Every cell of the permission table, and what hiding means: see :mod:`tests.integration.api.permission_table`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.conftest import HIDDEN, LOOKED_AT, MANIFEST, TODAY, Served
from tests.integration.api.managers import ROLES
from tests.integration.api.permission_table import LISTS, TABLE, Row
from tests.integration.api.test_permissions import AUTH_MANAGERS as AUTH_MANAGERS
from tests.integration.api.test_permissions import a_run, alike, fail, make, set_free, wish
from tests.integration.api.test_watching import a_breach, a_message, a_result

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
NEW = {"platform": "http", "trigger_url": "https://jobs.example/start", "schedule_type": "daily"}
MISSING = {HIDDEN: "n" * len(HIDDEN), "secret": "n" * len("secret")}
"""What is asked for instead of what is hidden."""
SAFE = ("GET",)
NOT_SEEING = [role for role in ROLES if role != "admin"]
LEDGER = f"""
  - {{pipeline_id: {LOOKED_AT}, platform: databricks, platform_job_id: "3", schedule_type: daily,
     start_date: {TODAY - timedelta(days=20)}, tags: "looked-at"}}
"""


@pytest.fixture(scope="module", autouse=True)
def ledger(airflow_app: Served) -> Iterator[None]:
    """A pipeline that under FAB may be looked at and no more; in the end rows are as other tests expect them."""
    _apply(MANIFEST + LEDGER)
    yield
    _apply(MANIFEST)


def _apply(text: str) -> None:
    from airflow_backfill_provider.actions.apply_manifest import apply_manifest
    from airflow_backfill_provider.store.engine import registry

    apply_manifest(registry(), text, who="test", now=datetime.now(UTC), prune=True)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A row of the table with what it is about filled in."""

    method: str
    path: str
    body: dict[str, Any] | None
    names: dict[str, str] = field(default_factory=dict)
    """What it names that was made for it, and what stands for it when it is not there."""

    def missing(self) -> Question:
        """The same about what does not exist."""
        return Question(method=self.method, path=self._exchanged(self.path), body=self._exchanged(self.body))

    def _exchanged(self, value: Any) -> Any:
        if isinstance(value, str):
            for name, instead in self.names.items():
                value = value.replace(name, instead)
            return value
        if isinstance(value, dict):
            return {key: self._exchanged(each) for key, each in value.items()}
        return [self._exchanged(each) for each in value] if isinstance(value, list) else value

    def ask(self, ask: Ask, role: str, **more: Any) -> Any:
        """Its answer to a role."""
        given = {} if self.body is None else {"json": self.body}
        return ask(role, self.method, self.path, **(given | more))


def question(ask: Ask, row: Row) -> Question:
    """What a row asks, about things that were made for it: no cell depends on another."""
    from airflow_backfill_provider.plugins.pages import BUNDLE

    parts: dict[str, str] = {"run_date": str(TODAY), "name": BUNDLE}
    names: dict[str, str] = dict(MISSING)
    if row.about:
        parts["pipeline_id"] = row.about[0]
    if row.takes.startswith("new"):
        parts["pipeline_id"] = f"new_{uuid.uuid4().hex}"
    if "{request_id}" in row.route:
        parts["request_id"] = made = make(ask, *row.about)
        names = {made: "bf-nothing0"}
        _prepare(ask, row, made)
    elif row.takes == "dates":
        _prepare(ask, row, make(ask, row.about[0], dates="last 2 days"))
    elif row.takes == "wish":
        set_free(ask)
    if "{dag_run_id}" in row.route:
        parts["dag_run_id"] = a_run(row.about[0])
    if "{notification_id}" in row.route:
        parts["notification_id"] = message = a_message(row.about[0])
        names = {message: str(uuid.uuid4())}
    path = row.route.format(**parts) + (f"?{row.query.format(**parts)}" if row.query else "")
    return Question(method=row.method, path=path, body=_body(ask, row, parts), names=names)


def _prepare(ask: Ask, row: Row, request_id: str) -> None:
    """Only what is paused can be resumed, and only what failed retried."""
    if row.route.endswith("/resume"):
        assert ask("admin", "POST", f"/api/requests/{request_id}/pause", json={}).status_code == 200
    if row.route.endswith("/retry"):
        fail(request_id)


def _body(ask: Ask, row: Row, parts: dict[str, str]) -> dict[str, Any] | None:
    plain: dict[str, Any] = {
        "why": {"why": "a cell of the table"},
        "dates": {"dates": [str(TODAY), str(TODAY - timedelta(days=1))], "why": "a cell of the table"},
        "priority": {"priority": 3},
        "nothing": {},
    }
    if not row.takes or row.takes in plain:
        return plain.get(row.takes)
    if row.takes == "wish":
        return {"dates": "last 5 days", "only": "any", **row.wish} if row.wish else wish(*row.about)
    pipeline_id = parts["pipeline_id"]
    drafted = {"pipeline_id": pipeline_id} if row.takes.endswith("draft") else {}
    if row.takes.startswith("new"):
        return {**drafted, "version": None, "values": NEW}
    stored = ask("admin", "GET", f"/api/pipelines/{pipeline_id}/definition").json()
    column = "connection_id" if row.takes == "moved row" else "owner"
    values = stored["values"] | {column: f"cell {uuid.uuid4()}"}
    return {**drafted, "version": stored["version"], "values": values}


def cells(*, rows: tuple[Row, ...] = TABLE) -> list[Any]:
    return [pytest.param(row, role, id=f"{row.id}-{role}") for row in rows for role in ROLES]


@pytest.mark.parametrize(("row", "role"), cells())
def test_a_role_is_answered_as_the_table_says(ask: Ask, airflow_app: Served, row: Row, role: str) -> None:
    """What is refused is then asked by the admin, who gets it: so the refusal was the role's, and changed nothing."""
    asked = question(ask, row)
    answer = asked.ask(ask, role)
    assert answer.status_code == row.code(role, airflow_app.name), answer.text
    if not answer.is_success:
        twin = asked.ask(ask, "admin")
        assert twin.is_success, twin.text


def test_the_table_has_every_route_and_no_other() -> None:
    from airflow_backfill_provider.api.app import application, openapi

    told = {(row.method, row.route) for row in TABLE}
    served = {(method, route.path_format) for route in application().routes for method in route.methods}
    documented = {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}
    assert told == served
    assert served - documented == {("GET", "/api/openapi.json"), ("GET", "/static/{name}")}


def test_every_route_is_described_for_people() -> None:
    page = (Path(__file__).parents[3] / "docs" / "web_ui.md").read_text(encoding="utf-8")
    steering = "/api/requests/{request_id}/"  # told together
    routes = {row.route for row in TABLE if row.route.startswith("/api") and not row.route.startswith(steering)}
    assert sorted(route for route in routes if f" /backfill{route}`" not in page) == ["/api/openapi.json"]


def test_each_row_has_an_id_of_its_own() -> None:
    assert len({row.id for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("manager", AUTH_MANAGERS)
def test_whatever_is_refused_to_one_is_allowed_to_another(manager: str) -> None:
    """Else a refusal could have any cause; the same question is meant, with the same body."""
    refused = [row for row in TABLE if {row.code(role, manager) for role in ROLES} & {401, 403, 404}]
    assert refused == list(TABLE)  # nobody is let in anywhere
    assert [row.id for row in refused if not {row.code(role, manager) for role in ROLES} & {200, 201}] == []


def test_every_route_about_pipelines_is_also_asked_about_a_hidden_one() -> None:
    def about_pipelines(row: Row) -> bool:
        return bool(row.about) or row.wish is not None

    def hidden(row: Row) -> bool:
        return HIDDEN in row.about or row.wish == {"tag": "secret"}

    routes = {(row.method, row.route, bool(row.query)) for row in TABLE if about_pipelines(row)}
    assert routes == {(row.method, row.route, bool(row.query)) for row in TABLE if hidden(row)}
    named = [row for row in TABLE if "{" in row.route and "{name}" not in row.route and not row.takes.startswith("new")]
    assert {(row.method, row.route) for row in named} <= {(method, route) for method, route, _ in routes}


OF_THE_HIDDEN = tuple(row for row in TABLE if HIDDEN in row.about or row.wish == {"tag": "secret"})


@pytest.mark.parametrize("role", NOT_SEEING)
@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in OF_THE_HIDDEN])
def test_what_is_hidden_answers_byte_for_byte_like_what_is_missing(ask: Ask, row: Row, role: str) -> None:
    asked = question(ask, row)
    alike(asked.ask(ask, role), asked.missing().ask(ask, role), asked.names)


@pytest.mark.parametrize("role", NOT_SEEING[1:])
@pytest.mark.parametrize("route", LISTS)
def test_a_list_and_its_numbers_are_the_same_whatever_happens_to_a_hidden_pipeline(
    ask: Ask, route: str, role: str
) -> None:
    set_free(ask)
    before, known = ask(role, "GET", route), ask("admin", "GET", route)
    _much_happens(ask)
    after = ask(role, "GET", route)
    assert (after.status_code, after.text) == (before.status_code, before.text)
    assert HIDDEN not in after.text
    assert "secret" not in after.text
    assert ask("admin", "GET", route).text != known.text


def _much_happens(ask: Ask) -> None:
    """A tag, a request, a run, a result, a breach and a message of the hidden pipeline."""
    from sqlalchemy import text

    from airflow_backfill_provider.store.engine import registry

    with registry().writing() as conn:
        tag = text("UPDATE pipelines SET tags = :tags WHERE pipeline_id = :name")
        conn.execute(tag, {"tags": f"sales,secret,secret-{uuid.uuid4()}", "name": HIDDEN})
    make(ask, HIDDEN, dates="last 2 days")
    a_result(HIDDEN)
    a_breach(HIDDEN, reason=f"it waits for {uuid.uuid4()}")
    a_message(HIDDEN)


def test_every_list_of_the_api_is_among_those(ask: Ask) -> None:
    from airflow_backfill_provider.api.app import openapi

    reading = {path for path, methods in openapi()["paths"].items() if "get" in methods and "{" not in path}
    assert reading - {"/api/health", "/api/definitions/fields"} == set(LISTS)


CHANGING = {row.route: row for row in reversed(TABLE) if row.method not in SAFE and HIDDEN not in row.about}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://airflow.example.evil", "file://"])
@pytest.mark.parametrize("route", CHANGING)
def test_a_page_of_another_site_is_refused_what_one_of_airflow_itself_may(ask: Ask, route: str, origin: str) -> None:
    asked = question(ask, CHANGING[route])
    refused = asked.ask(ask, "admin", headers={"Origin": origin})
    assert refused.status_code == 403, refused.text
    assert repr(origin) in refused.json()["detail"]
    assert asked.ask(ask, "admin", headers={"Origin": "http://airflow.example"}).is_success


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
@pytest.mark.parametrize("route", CHANGING)
def test_only_json_changes_anything(ask: Ask, route: str, kind: str) -> None:
    asked = question(ask, CHANGING[route])
    form = {"json": None, "content": json.dumps(asked.body)}
    assert asked.ask(ask, "admin", **form, headers={"Content-Type": kind}).status_code == 415
    assert asked.ask(ask, "admin", **form, headers={"Content-Type": "application/json; charset=utf-8"}).is_success
