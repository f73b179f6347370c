"""Whatever the OpenAPI document allows to be asked is answered as the document says, and never by a 500."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import one_of
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.api.conftest import DOWNSTREAM, HIDDEN, SEEN, TODAY
from tests.integration.api.test_permissions import a_run, make
from tests.integration.api.test_watching import a_breach, a_message, a_result

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
AUTH_MANAGERS = ("simple", "simple on postgres")
EXAMPLES = 15
ALL = list(HealthCheck)


def test_every_route_answers_as_its_schema_says(ask: Callable[..., Any], airflow_app: Any) -> None:
    known = {"pipeline_id": [SEEN, DOWNSTREAM, HIDDEN], "request_id": [make(ask, SEEN, HIDDEN)]}
    known |= {"dag_run_id": [a_run(SEEN, TODAY)], "run_date": [str(TODAY)], "notification_id": [a_message(SEEN)]}
    a_breach(SEEN)
    a_result(SEEN)
    schema = schemathesis.openapi.from_dict(ask("admin", "GET", "/api/openapi.json").json())
    asked: dict[str, set[int]] = {}
    with asgi.get_client(airflow_app.app) as client:
        client.headers["Authorization"] = f"Bearer {airflow_app.token('admin')}"
        for found in schema.get_all_operations():
            operation = found.ok()
            operation.app = airflow_app.app
            asked[operation.label] = _ask(operation, known, client)
    # Otherwise only refusals were looked at.
    assert [label for label, codes in asked.items() if label.startswith("GET") and 200 not in codes] == []
    assert [label for label in WISHES if not asked[label] & {200, 201}] == []


WISHES = {"POST /api/plan": TODAY - timedelta(days=19), "POST /api/requests": TODAY - timedelta(days=18)}
"""A date that is free for each."""


def _aimed(case: Any) -> Any:
    """The same wish for a date that can be filled: any other is refused before it gets anywhere."""
    day = WISHES[case.operation.label]
    meant = {"pipeline_ids": [SEEN], "tag": None, "all_pipelines": False, "dates": str(day), "only": "any"}
    case.body = (case.body if isinstance(case.body, dict) else {}) | meant
    return case


def _ask(operation: Any, known: dict[str, list[str]], client: Any) -> set[int]:
    """Ask a route whatever its schema allows, in every second question about things that are there."""
    codes: set[int] = set()
    wild = operation.as_strategy()
    there = {each.name: known[each.name][0] for each in operation.path_parameters if each.name in known}
    strategies = [wild, operation.as_strategy(path_parameters=there)] if there else [wild]
    if operation.label in WISHES:
        strategies.append(wild.map(_aimed))

    @seed(1)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=ALL)
    @given(one_of(*strategies))
    def ask(case: Any) -> None:
        answer = case.call(base_url="http://airflow.example/backfill", session=client)
        codes.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()
    return codes


AWKWARD = ["\x00", "a\x00b", "\ud800", "é" * 300, "' or 1=1 --", "\n", "9" * 5000, ""]


@pytest.mark.parametrize("text", AWKWARD)
def test_an_awkward_text_is_refused_or_taken_but_breaks_nothing(ask: Callable[..., Any], text: str) -> None:
    """No database takes a NUL, no encoding a lone surrogate; both can be typed into JSON and into an address."""
    wish = {"pipeline_ids": [SEEN], "dates": "last 2 days", "only": "any"}
    posts = [("/api/plan", wish | {name: text}) for name in ("dates", "only", "why", "tag")]
    posts += [("/api/plan", wish | {"pipeline_ids": [text]}), ("/api/requests", wish | {"why": text})]
    request = make(ask, DOWNSTREAM, dates="today")
    posts += [(f"/api/requests/{request}/cancel", {"why": text})]
    values = {"platform": "http", "trigger_url": "/x", "schedule_type": "daily"}
    for column in ("pipeline_name", "frequency", "platform_job_id", "calendar", "tags", "notification_details"):
        posts += [("/api/definitions/check", {"pipeline_id": "awkward", "values": values | {column: text}})]
    posts += [("/api/definitions/check", {"pipeline_id": text, "values": values | {"parameters": {text: text}}})]
    codes = {}
    for path, body in posts:
        answer = ask("admin", "POST", path, content=json.dumps(body), headers={"Content-Type": "application/json"})
        codes[f"{path} {sorted(body)}"] = answer.status_code
    quoted = quote(text, errors="surrogatepass")
    places = [f"/api/grid?{name}={quoted}" for name in ("search", "tag", "platform", "first", "limit")]
    places += [f"/api/{name}?pipeline_id={quoted}" for name in ("sla", "quality", "notifications")]
    places += [f"/api/quality?check={quoted}", f"/api/notifications?status={quoted}"]
    places += [f"/api/requests?pipeline_id={quoted}", f"/api/requests/{quoted}", f"/api/pipelines/{quoted}"]
    places += [f"/api/pipelines/{SEEN}/{rest}/{quoted}" for rest in ("runs", "dates")]
    places += [f"/api/pipelines/{quoted}/{rest}" for rest in ("definition", "changes")]
    codes |= {path: ask("admin", "GET", path).status_code for path in places}
    assert {path: code for path, code in codes.items() if code not in (200, 201, 404, 409, 422)} == {}


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[]", b"null", b"", b"1e999", b'{"a":NaN}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(ask: Callable[..., Any], body: bytes) -> None:
    for path in ("/api/plan", "/api/requests", "/api/definitions/check", f"/api/requests/{make(ask, SEEN)}/pause"):
        answer = ask("admin", "POST", path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), f"{path}: {answer.status_code} {answer.text}"
        assert answer.json()["detail"]
