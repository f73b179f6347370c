"""Who did what with a request and why; and what the page of a DagRun tells of its dates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import DOWNSTREAM, SEEN, TODAY, Served
from tests.integration.api.test_permissions import fail, make, wish

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
DAY = TODAY - timedelta(days=4)


def test_the_history_of_a_request_says_who_did_what_and_why(ask: Ask) -> None:
    name = make(ask, DOWNSTREAM, dates="last 2 days")
    for verb, body in (
        ("pause", {"why": "the source is down"}),
        ("resume", {}),
        ("reprioritize", {"priority": 7, "why": "month end"}),
    ):
        assert ask("op", "POST", f"/api/requests/{name}/{verb}", json=body).status_code == 200
    fail(name)
    ask("user", "POST", f"/api/requests/{name}/retry", json={"why": "it is up again"})
    ask("admin", "POST", f"/api/requests/{name}/cancel", json={"why": "enough"})
    history = ask("viewer", "GET", f"/api/requests/{name}/history").json()["events"]
    assert [(one["action"], one["acted_by"], one["why"]) for one in history] == [
        ("cancelled", "admin", "enough"),
        ("retried", "user", "it is up again"),
        ("reprioritized", "op", "month end"),
        ("resumed", "op", None),
        ("paused", "op", "the source is down"),
    ]
    assert history[2]["details"] == "priority 7 for 2 date(s)"


def test_what_was_done_is_answered_with_how_the_request_stands_now(ask: Ask) -> None:
    name = make(ask, DOWNSTREAM, dates="last 2 days")

    def steer(verb: str, **body: Any) -> tuple[int, str]:
        answer = ask("user", "POST", f"/api/requests/{name}/{verb}", json=body).json()
        return answer["dates"], answer["state"]

    assert steer("reprioritize", priority=2) == (2, "open")
    assert steer("pause") == (2, "paused")
    fail(name)
    assert steer("retry") == (2, "paused")  # so its dates wait
    assert steer("resume") == (2, "open")
    assert steer("cancel") == (2, "cancelled")


@pytest.fixture
def switch(airflow_app: Served) -> Iterator[Callable[..., None]]:
    """Switches a pipeline off, or writes other columns of its row; in the end it is on and there."""
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import pipelines

    def change(**values: Any) -> None:
        with registry().writing() as conn:
            conn.execute(pipelines.update().where(pipelines.c.pipeline_id == DOWNSTREAM).values(**values))

    yield change
    change(is_active=True, deleted_at=None)


@pytest.mark.parametrize(
    ("values", "gone"), [({"is_active": False}, "switched off"), ({"deleted_at": datetime.now(UTC)}, "deleted")]
)
def test_a_retry_answers_with_what_it_left_out_and_why(
    ask: Ask, switch: Callable[..., None], values: dict[str, Any], gone: str
) -> None:
    name = make(ask, SEEN, DOWNSTREAM, dates="last 2 days")
    fail(name)
    switch(**values)
    assert ask("user", "POST", f"/api/requests/{name}/retry", json={}).json() == {
        "request_id": name,
        "dates": 2,
        "state": "open",
        "left_out": [
            {
                "pipeline_id": DOWNSTREAM,
                "count": 2,
                "dates": f"{TODAY - timedelta(days=1)}..{TODAY}",
                "why": f"the pipeline is {gone}, so nothing would start them",
            }
        ],
    }


def test_pages_of_a_history_meet_without_a_gap(ask: Ask) -> None:
    name = make(ask, DOWNSTREAM, dates="today")
    for priority in range(1, 6):
        assert ask("op", "POST", f"/api/requests/{name}/reprioritize", json={"priority": priority}).is_success
    pages = [ask("viewer", "GET", f"/api/requests/{name}/history?limit=2&offset={n}").json() for n in (0, 2, 4, 6)]
    assert {(page["total"], page["limit"]) for page in pages} == {(5, 2)}
    told = [event["details"] for page in pages for event in page["events"]]
    assert told == [f"priority {n} for 1 date(s)" for n in (5, 4, 3, 2, 1)]
    assert ask("viewer", "GET", f"/api/requests/{name}/history?limit=0").status_code == 422


@pytest.mark.parametrize("verb", ["pause", "resume", "retry", "cancel", "reprioritize"])
def test_a_reason_that_is_no_text_is_refused(ask: Ask, verb: str) -> None:
    name = make(ask, DOWNSTREAM, dates="today")
    answer = ask("user", "POST", f"/api/requests/{name}/{verb}", json={"priority": 1, "why": ["a list"]})
    assert answer.status_code == 422


def test_a_run_remembers_its_request_after_its_date_was_retried_in_another(ask: Ask) -> None:
    from sqlalchemy import text

    from airflow_backfill_provider.backfill.hold import RunRef
    from airflow_backfill_provider.store import holds, run_log
    from airflow_backfill_provider.store.engine import registry

    made = make(ask, DOWNSTREAM, dates=str(DAY))
    (item,) = ask("user", "GET", f"/api/requests/{made}").json()["rows"]
    first = RunRef(dag_id=DOWNSTREAM, dag_run_id="queue__first")
    start = run_log.Started(
        pipeline_id=DOWNSTREAM, run=first, try_number=1, run_dates=(DAY,), origin="queue", is_backfill=True,
        definition_version="x", retry_schedule_used=None, tick_at=None, backfill_ids={DAY: item["backfill_id"]},
    )  # fmt: skip
    now = datetime.now(UTC)
    taken = text(
        "UPDATE backfill_queue SET dag_run_id = 'queue__second', status = 'in_progress' WHERE backfill_id = :id"
    )
    second = RunRef(dag_id=DOWNSTREAM, dag_run_id="queue__second")
    with registry().writing() as conn:
        run_log.started(conn, start, now)
        conn.execute(taken, {"id": item["backfill_id"]})
        holds.lock(conn, DOWNSTREAM, [DAY], now)
        holds.own(conn, DOWNSTREAM, [DAY], second, now)
    try:
        told = ask("viewer", "GET", f"/api/pipelines/{DOWNSTREAM}/runs/queue__first").json()
    finally:
        with registry().writing() as conn:
            holds.release(conn, second, now)
            run_log.finish(conn, first, None, run_log.RecordStatus.FAILED, now)
            conn.execute(text("UPDATE backfill_queue SET status = 'failed' WHERE dag_run_id = 'queue__second'"))
    assert [one["request_id"] for one in told["requests"]] == [made]
    assert f"asked for its dates, in request {made}" in told["why"]
    assert [one["dag_run_id"] for one in told["items"]] == ["queue__second"]
    (hold,) = told["holds"]
    assert (hold["run_date"], hold["held_by"], hold["external_status"]) == (str(DAY), "queue__second", None)


def test_the_numbers_say_when_what_is_at_work_will_be_done(ask: Ask) -> None:
    from sqlalchemy import text

    from airflow_backfill_provider.store.engine import registry

    name = make(ask, SEEN, dates="last 4 days")
    assert ask("user", "GET", "/api/summary").json()["eta_at"] is None
    rows = ask("user", "GET", f"/api/requests/{name}").json()["rows"]
    ended = text(
        "UPDATE backfill_queue SET status = 'success', dispatched_at = :began, finished_at = :ended "
        "WHERE backfill_id IN (SELECT value FROM json_each(:ids))"
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    given = {
        "began": str(now - timedelta(hours=2)),
        "ended": str(now),
        "ids": json.dumps([row["backfill_id"] for row in rows[:2]]),
    }
    with registry().writing() as conn:
        conn.execute(ended, given)
    eta = datetime.fromisoformat(ask("user", "GET", "/api/summary").json()["eta_at"])
    assert timedelta(hours=1, minutes=50) < eta - datetime.now(UTC) < timedelta(hours=2, minutes=10)
    ask("user", "POST", f"/api/requests/{name}/pause", json={})
    assert ask("user", "GET", "/api/summary").json()["eta_at"] is None
    assert ask("user", "POST", "/api/plan", json=wish(DOWNSTREAM, dates="today")).status_code == 200
