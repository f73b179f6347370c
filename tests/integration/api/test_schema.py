"""Whatever may be asked, after the OpenAPI document or against it, is answered as it says, and never by a 500."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.integration.api.conftest import DOWNSTREAM, SEEN, TODAY, Served
from tests.integration.api.full_demo import DAILY, full_demo
from tests.integration.api.test_permissions import make

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

AUTH_MANAGERS = ("simple", "simple on postgres", "fab")
EXAMPLES = 15
REFUSED_FOR_ITS_MEANING = ["2xx", "404", "409", "422"]
"""A document cannot say which dates are there to be filled, or what a row may say; the answer does, with a 422."""


def test_schemathesis_finds_no_fault_on_the_full_demo(ask: Callable[..., Any], airflow_app: Served) -> None:
    """All its checks in all its phases but the stateful one, which follows links; the document has none."""
    document = ask("admin", "GET", "/api/openapi.json").json()
    with full_demo(ask) as known:
        schema = schemathesis.openapi.from_dict(document, config=_config(airflow_app, known))
        schema.app = airflow_app.app
        done = _done_once(ask, schema, known)
        answered, faults = _asked(schema)
    assert faults == []
    assert answered.keys() == {found.ok().label for found in schema.get_all_operations()}
    assert [label for label, codes in answered.items() if not codes & {200, 201} and label not in done] == []


def _asked(schema: Any) -> tuple[dict[str, set[int]], list[str]]:
    """Ask all of it; the codes by operation, and what is wrong."""
    answered: dict[str, set[int]] = {}
    faults: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _note(event.recorder, answered, faults)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            faults.append(str(event))
    return answered, faults


def _done_once(ask: Callable[..., Any], schema: Any, known: dict[str, list[str]]) -> set[str]:
    """Ask for each change so that it is made, and for a run that is there: chance may not. Returns what was asked."""
    open_, _, _, failed, retried, *_ = known["request_id"]
    waiting = [one["run_date"] for one in ask("admin", "GET", f"/api/requests/{retried}").json()["rows"]]
    row = ask("admin", "GET", f"/api/pipelines/{DAILY}/definition").json()
    wish = {"pipeline_ids": ["campaigns_daily"], "dates": "2025-03-01", "only": "any"}
    changes: list[tuple[str, str, dict[str, str], dict[str, Any]]] = [
        ("POST", "/api/plan", {}, wish),
        ("POST", "/api/requests", {}, wish),
        *(
            ("POST", f"/api/requests/{{request_id}}/{verb}", {"request_id": name}, body)
            for verb, name, body in (
                ("pause", open_, {}),
                ("resume", open_, {}),
                ("reprioritize", open_, {"priority": 3}),
                ("cancel", open_, {}),
                ("retry", failed, {}),
            )
        ),
        *(
            ("POST", f"/api/pipelines/{{pipeline_id}}/dates/{verb}", {"pipeline_id": DAILY}, body)
            for verb, body in (
                ("cancel", {"dates": waiting, "why": "the source is gone"}),
                ("retry", {"dates": waiting[:1]}),
            )
        ),
        ("POST", "/api/notifications/{notification_id}/resend", {"notification_id": known["notification_id"][0]}, {}),
        (
            "PUT", "/api/pipelines/{pipeline_id}/definition", {"pipeline_id": DAILY},
            {"version": row["version"], "values": row["values"] | {"owner": "bob"}},
        ),
    ]  # fmt: skip
    run = {"pipeline_id": DAILY, "dag_run_id": known["dag_run_id"][0]}
    cases = [
        schema["/api/pipelines/{pipeline_id}/runs/{dag_run_id}"]["GET"].Case(path_parameters=run),
        *(
            schema[path][method].Case(path_parameters=names, body=body, media_type="application/json")
            for method, path, names, body in changes
        ),
    ]
    for case in cases:
        answer = case.call_and_validate(headers=schema.config.headers)
        assert answer.status_code in (200, 201), f"{case.operation.label}: {answer.text}"
    return {case.operation.label for case in cases}


def _config(served: Served, known: dict[str, list[str]]) -> SchemathesisConfig:
    """Half of all questions are about things that are there."""
    there = {
        **{f"path.{name}": name for name in known},
        "query.pipeline_id": "pipeline_id",
        "body.pipeline_id": "pipeline_id",
        "body.pipeline_ids[*]": "pipeline_id",
        "body.dates": "run_date",
        "body.dates[*]": "run_date",
    }
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "request-timeout": 120,  # how fast answers come is asked elsewhere; a busy machine may stand still for long
            "base-url": "http://airflow.example/backfill",
            "headers": {"Authorization": f"Bearer {served.token('admin')}"},
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "phases": {"stateful": {"enabled": False}},
            "checks": {"positive_data_acceptance": {"expected-statuses": REFUSED_FOR_ITS_MEANING}},
            "dictionaries": {name: {"values": values} for name, values in known.items()},
            "parameters": {place: {"dictionary": name, "probability": 0.5} for place, name in there.items()},
        }
    )


def _note(recorder: Any, answered: dict[str, set[int]], faults: list[str]) -> None:
    for case_id, exchange in recorder.interactions.items():
        if exchange.response is not None:
            label = recorder.cases[case_id].value.operation.label
            answered.setdefault(label, set()).add(exchange.response.status_code)
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info:
                failure = check.failure_info.failure
                faults.append(f"{failure.title}: {failure.message}\n{check.failure_info.code_sample}")


@pytest.mark.parametrize("day", ["0", "1796169600", "1e9", "20261129", "2026-11-29T00:00:00"])
def test_a_number_or_an_instant_is_no_day(ask: Callable[..., Any], day: str) -> None:
    for place in ("grid?first=", "summary?last=", f"pipelines/{SEEN}/dates/"):
        answer = ask("user", "GET", f"/api/{place}{day}")
        assert answer.status_code == 422, answer.text
    assert ask("user", "GET", f"/api/pipelines/{SEEN}/dates/{TODAY}").status_code == 200


@pytest.mark.parametrize("priority", [False, True, "3", 3.5])
def test_what_is_no_integer_is_no_priority(ask: Callable[..., Any], priority: Any) -> None:
    name = make(ask, DOWNSTREAM, dates="today")
    answer = ask("user", "POST", f"/api/requests/{name}/reprioritize", json={"priority": priority})
    assert answer.status_code == 422, answer.text
    assert [one["where"] for one in answer.json()["problems"]] == ["priority"]


def test_who_asks_by_a_method_that_a_path_has_not_is_told_all_that_it_has(ask: Callable[..., Any]) -> None:
    for path, methods in (
        ("/api/requests", "GET, POST"),
        (f"/api/pipelines/{SEEN}/definition", "GET, PUT"),
        ("/api/plan", "POST"),
        (f"/api/pipelines/{SEEN}/dates/{TODAY}", "GET"),
        (f"/api/pipelines/{SEEN}/dates/cancel", "POST"),
    ):
        answer = ask("user", "DELETE", path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, methods)


AWKWARD = ["\x00", "a\x00b", "\ud800", "é" * 300, "' or 1=1 --", "\n", "9" * 5000, ""]


@pytest.mark.parametrize("text", AWKWARD)
def test_an_awkward_text_is_refused_or_taken_but_breaks_nothing(ask: Callable[..., Any], text: str) -> None:
    """No database takes a NUL, no encoding a lone surrogate; both can be typed into JSON and into an address."""
    wish = {"pipeline_ids": [SEEN], "dates": "last 2 days", "only": "any"}
    day = str(TODAY)
    posts = [("/api/plan", wish | {name: text}) for name in ("dates", "only", "why", "tag")]
    posts += [("/api/plan", wish | {"pipeline_ids": [text]}), ("/api/requests", wish | {"why": text})]
    request = make(ask, DOWNSTREAM, dates="today")
    posts += [(f"/api/requests/{request}/cancel", {"why": text})]
    posts += [(f"/api/pipelines/{SEEN}/dates/cancel", {"dates": [text], "why": text})]
    posts += [(f"/api/pipelines/{quote(text, errors='surrogatepass')}/dates/retry", {"dates": [day], "why": text})]
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
    places += [f"/api/{name}?pipeline_id={quoted}" for name in ("queue", "sla", "quality", "notifications")]
    places += [f"/api/queue?by={quoted}", f"/api/quality?check={quoted}", f"/api/notifications?status={quoted}"]
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
