"""Who may see and do what beyond the permission table: tags, dependents, and words that could tell of the hidden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import DOWNSTREAM, HIDDEN, SEEN, TODAY
from tests.integration.api.managers import ROLES

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
AUTH_MANAGERS = ("simple", "fab")
LOGGED_IN = frozenset(ROLES) - {"nobody"}


def wish(*pipelines: str, dates: str | None = None, **more: Any) -> dict[str, Any]:
    return {"pipeline_ids": list(pipelines), "dates": dates or "last 15 days", "only": "any", **more}


def set_free(ask: Ask) -> None:
    """Let no date wait in the queue."""
    for row in ask("admin", "GET", "/api/requests?state=live&limit=500").json()["requests"]:
        ask("admin", "POST", f"/api/requests/{row['request_id']}/cancel", json={})


def make(ask: Ask, *pipelines: str, **more: Any) -> str:
    """A request of the admin's; dates that are in the queue already are set free first."""
    set_free(ask)
    made = ask("admin", "POST", "/api/requests", json=wish(*pipelines, **more))
    assert made.status_code == 201, made.text
    return str(made.json()["request_id"])


def a_run(pipeline_id: str, day: date = TODAY, name: str = "manual", ended_at: datetime | None = None) -> str:
    """A record of a DagRun of the pipeline's, which works, or ended well at that instant."""
    from airflow_backfill_provider.backfill.hold import RunRef
    from airflow_backfill_provider.backfill.status import RecordStatus
    from airflow_backfill_provider.store import run_log
    from airflow_backfill_provider.store.engine import registry

    run = RunRef(dag_id=pipeline_id, dag_run_id=f"{name}__{pipeline_id}")
    start = run_log.Started(
        pipeline_id=pipeline_id, run=run, try_number=1, run_dates=(day,), origin="manual", is_backfill=False,
        definition_version="x", retry_schedule_used=None, tick_at=None,
    )  # fmt: skip
    with registry().writing() as conn:
        run_log.started(conn, start, ended_at or datetime.now(UTC))
        if ended_at is not None:
            run_log.finish(conn, run, None, RecordStatus.SUCCESS, ended_at)
    return run.dag_run_id


def fail(request_id: str) -> None:
    """Let the dates of a request have failed."""
    from sqlalchemy import text

    from airflow_backfill_provider.store.engine import registry

    with registry().writing() as conn:
        failed = text("UPDATE backfill_queue SET status = 'failed' WHERE request_id = :request_id")
        conn.execute(failed, {"request_id": request_id})


def alike(one: Any, other: Any, names: dict[str, str]) -> None:
    """Byte for byte, but for the name that was asked for; headers too."""
    text = one.text
    for name, instead in sorted(names.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(name, instead)
    assert (one.status_code, text) == (other.status_code, other.text)
    clocks = {"date", "x-process-time", "content-length"}
    assert {k: v for k, v in one.headers.items() if k not in clocks} == {
        k: v for k, v in other.headers.items() if k not in clocks
    }


def test_the_manager_that_is_meant_is_asked(ask: Ask, airflow_app: Any) -> None:
    manager = type(airflow_app.app.state.auth_manager).__name__
    assert ask("admin", "GET", "/api/health").json() == {"status": "ok", "user": "admin"}
    assert manager == {"simple": "SimpleAuthManager", "fab": "FabAuthManager"}[airflow_app.name]


def test_another_dag_that_is_no_pipeline_answers_like_a_missing_one(ask: Ask) -> None:
    one, other = (ask("user", "GET", f"/api/pipelines/{name}") for name in ("foreign", "nnnnnnn"))
    alike(one, other, {"foreign": "nnnnnnn"})


def test_lists_and_counts_know_nothing_of_the_hidden(ask: Ask) -> None:
    make(ask, SEEN, HIDDEN)
    for role in LOGGED_IN - {"admin"}:
        for path in ("/api/grid", "/api/summary", "/api/facets", "/api/requests", "/api/grid?search=hid"):
            text = ask(role, "GET", path).text
            assert "hidden" not in text
            assert "secret" not in text
        assert ask(role, "GET", "/api/grid").json()["total"] == 2
        assert ask(role, "GET", "/api/summary").json()["pipelines"] == 2
        assert ask(role, "GET", "/api/requests?state=live").json()["total"] == 0
        waiting = ask(role, "GET", "/api/summary").json()["waiting"]
        assert waiting < ask("admin", "GET", "/api/summary").json()["waiting"]
    assert ask("admin", "GET", "/api/grid").json()["total"] == 3
    assert ask("admin", "GET", "/api/requests?state=live").json()["total"] == 1


def test_pages_of_a_filtered_list_are_full_and_meet_without_a_gap(ask: Ask) -> None:
    pages = [ask("user", "GET", f"/api/grid?sort=name&limit=1&offset={n}").json() for n in range(3)]
    assert [[row["pipeline_id"] for row in page["pipelines"]] for page in pages] == [[SEEN], [DOWNSTREAM], []]
    assert {page["total"] for page in pages} == {2}


@pytest.mark.parametrize("way", [{"tag": "sales"}, {"all_pipelines": True}])
def test_a_tag_and_all_mean_what_the_user_may_see(ask: Ask, way: dict[str, Any]) -> None:
    make(ask, DOWNSTREAM, dates="today")
    body = {"dates": "last 5 days", "only": "any", **way}
    names = {
        role: {one["pipeline_id"] for one in ask(role, "POST", "/api/plan", json=body).json()["pipelines"]}
        for role in ("user", "op", "admin")
    }
    assert names == {"user": {SEEN, DOWNSTREAM}, "op": {SEEN, DOWNSTREAM}, "admin": {SEEN, DOWNSTREAM, HIDDEN}}
    assert ask("viewer", "POST", "/api/plan", json=body).status_code == 403


def test_a_tag_of_hidden_pipelines_alone_answers_like_one_that_nobody_has(ask: Ask) -> None:
    one, other = (
        ask("user", "POST", "/api/plan", json={"tag": tag, "dates": "last 5 days"}) for tag in ("secret", "nnnnnn")
    )
    alike(one, other, {"secret": "nnnnnn"})
    assert one.status_code == 404


def test_downstream_goes_as_far_as_the_user_may_start(ask: Ask) -> None:
    make(ask, DOWNSTREAM, dates="today")
    body = wish(SEEN, dates="last 3 days", downstream=True)
    assert "hidden" not in ask("user", "POST", "/api/plan", json=body).text
    assert "hidden" in ask("admin", "POST", "/api/plan", json=body).text


@pytest.mark.parametrize("path", ["/api/plan", "/api/requests"])
def test_no_answer_and_no_error_names_a_hidden_upstream(ask: Ask, path: str) -> None:
    yesterday = str(TODAY - timedelta(days=1))
    make(ask, SEEN, dates=yesterday)
    day, now = TODAY - timedelta(days=3), datetime.now(UTC)
    a_run(DOWNSTREAM, day, "early", now - timedelta(hours=2))
    a_run(HIDDEN, day, "late", now - timedelta(hours=1))
    for only, status in (("missing", 422), ("stale", 201 if path == "/api/requests" else 200)):
        for role, named in (("admin", "upstream hidden re-ran"), ("user", "upstream another pipeline re-ran")):
            make(ask, SEEN, dates=yesterday)
            answer = ask(role, "POST", path, json=wish(DOWNSTREAM, dates=str(day)) | {"only": only})
            assert answer.status_code == status, answer.text
            assert named in answer.text
            assert role == "admin" or "hidden" not in answer.text
    story = f"/api/pipelines/{DOWNSTREAM}/dates/{day}"
    calendar = f"/api/pipelines/{DOWNSTREAM}/calendar?year={day.year}"
    for place in (story, calendar, f"/api/pipelines/{DOWNSTREAM}", "/api/requests?limit=1"):
        assert "hidden" not in ask("user", "GET", place).text
    assert "hidden" in ask("admin", "GET", story).text


def test_a_date_that_was_missed_because_of_a_hidden_upstream_does_not_name_it(ask: Ask) -> None:
    from airflow_backfill_provider.backfill.sla import Deadline
    from airflow_backfill_provider.store import attempts
    from airflow_backfill_provider.store.engine import registry

    day, now = TODAY - timedelta(days=5), datetime.now(UTC)
    row = Deadline(pipeline_id=DOWNSTREAM, run_date=day, tick_at=now, deadline_at=now, urgent_at=now)
    with registry().writing() as conn:
        attempts.missed(conn, [(row, f"it waits for upstream {HIDDEN} {day}")], now)
    story = f"/api/pipelines/{DOWNSTREAM}/dates/{day}"
    told = ask("user", "GET", story)
    assert [run["status"] for run in told.json()["runs"]] == ["missed"]
    assert HIDDEN not in told.text
    assert HIDDEN in ask("admin", "GET", story).json()["runs"][0]["error_message"]


def test_who_may_not_start_is_told_which(ask: Ask) -> None:
    answer = ask("viewer", "POST", "/api/plan", json=wish(SEEN, DOWNSTREAM))
    assert answer.status_code == 403
    assert "'orders', 'reports'" in answer.json()["detail"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://airflow.example.evil", "file://"])
def test_a_page_of_another_site_changes_nothing(ask: Ask, origin: str) -> None:
    make(ask, DOWNSTREAM, dates="today")
    before = ask("admin", "GET", "/api/requests").json()["total"]
    answer = ask("admin", "POST", "/api/requests", json=wish(SEEN), headers={"Origin": origin})
    assert answer.status_code == 403, answer.text
    assert ask("admin", "GET", "/api/requests").json()["total"] == before
    own = ask("admin", "POST", "/api/requests", json=wish(SEEN), headers={"Origin": "http://airflow.example"})
    assert own.status_code == 201


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_a_form_changes_nothing(ask: Ask, kind: str) -> None:
    request = make(ask, SEEN)
    answer = ask("admin", "POST", f"/api/requests/{request}/pause", content="{}", headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert ask("admin", "GET", f"/api/requests/{request}").json()["state"] == "open"


def test_the_pages_themselves_are_for_who_is_logged_in(ask: Ask) -> None:
    from airflow_backfill_provider.plugins.pages import BUNDLE

    assert ask("nobody", "GET", f"/static/{BUNDLE}").status_code == 401
    assert ask("viewer", "GET", "/static/..%2f..%2fplugin.py").status_code == 404
    assert ask("viewer", "GET", "/docs").status_code == 404
