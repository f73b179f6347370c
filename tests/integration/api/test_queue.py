"""The queue through the API, whoever asked for its dates: what waits, why, and what is done about single dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from tests.integration.api.conftest import DOWNSTREAM, HIDDEN, SEEN, TODAY
from tests.integration.api.test_permissions import fail, make

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
AUTH_MANAGERS = ("simple", "simple on postgres")
D1, D2, D3 = (TODAY - timedelta(days=n) for n in (3, 2, 1))
TURN = "for its turn in the queue"


def found_by_a_rule(*days: date, name: str = SEEN, reason: str = "missing", **more: Any) -> None:
    """Let dates be in the queue for which no request asks."""
    from airflow_backfill_provider.backfill.item import NewItem
    from airflow_backfill_provider.store import queue
    from airflow_backfill_provider.store.engine import registry

    new = [NewItem(pipeline_id=name, run_date=day, reason=reason, **more) for day in days]
    with registry().writing() as conn:
        queue.enqueue(conn, new, who="auto_backfill", why=reason, now=datetime.now(UTC))


def rows(ask: Ask, query: str = "", role: str = "user") -> list[dict[str, Any]]:
    found: dict[str, Any] = ask(role, "GET", f"/api/queue{query}").json()
    assert found["total"] == len(found["items"])
    return list(found["items"])


def days(ask: Ask, query: str = "", role: str = "user") -> list[tuple[str, str]]:
    return [(one["pipeline_id"], one["run_date"]) for one in rows(ask, query, role)]


def move(ask: Ask, verb: str, *days: date, name: str = SEEN, reason: str = "") -> Any:
    body = {"dates": [str(day) for day in days], "why": reason}
    return ask("user", "POST", f"/api/pipelines/{name}/dates/{verb}", json=body)


def test_what_rules_found_stands_in_the_queue_beside_what_people_asked_for(ask: Ask) -> None:
    asked = make(ask, DOWNSTREAM, dates=str(D3))
    found_by_a_rule(D1, D2)
    assert days(ask, "?by=person") == [(DOWNSTREAM, str(D3))]
    assert days(ask, "?by=rule") == [(SEEN, str(D1)), (SEEN, str(D2))]
    assert sorted(days(ask)) == sorted(days(ask, "?by=person") + days(ask, "?by=rule"))
    (rule, _) = rows(ask, "?by=rule")
    assert (rule["request_id"], rule["requested_by"], rule["reason"]) == (None, "auto_backfill", "missing")
    assert [one["request_id"] for one in rows(ask, "?by=person")] == [asked]


def test_the_queue_can_be_narrowed_to_one_pipeline(ask: Ask) -> None:
    found_by_a_rule(D1)
    found_by_a_rule(D2, name=DOWNSTREAM)
    assert days(ask, f"?pipeline_id={DOWNSTREAM}") == [(DOWNSTREAM, str(D2))]
    assert ask("user", "GET", "/api/queue?by=nobody").status_code == 422


def test_pages_of_the_queue_meet_without_a_gap(ask: Ask) -> None:
    found_by_a_rule(D1, D2, D3)
    pages = [ask("user", "GET", f"/api/queue?limit=2&offset={n}").json() for n in (0, 2)]
    assert [[one["run_date"] for one in page["items"]] for page in pages] == [[str(D1), str(D2)], [str(D3)]]
    assert {(page["total"], page["limit"]) for page in pages} == {(3, 2)}


def test_the_hidden_is_neither_in_the_queue_nor_counted(ask: Ask) -> None:
    found_by_a_rule(D1)
    found_by_a_rule(D1, D2, name=HIDDEN)
    assert days(ask) == [(SEEN, str(D1))]
    assert len(days(ask, role="admin")) == 3


def test_no_entry_names_a_hidden_upstream(ask: Ask) -> None:
    found_by_a_rule(D1, name=DOWNSTREAM, reason=f"stale: upstream {HIDDEN} re-ran at {TODAY} 03:00 UTC")
    assert HIDDEN in rows(ask, role="admin")[0]["reason"]
    assert rows(ask)[0]["reason"] == f"stale: upstream another pipeline re-ran at {TODAY} 03:00 UTC"


def test_who_may_not_start_a_pipeline_sees_that_its_dates_are_not_theirs_to_cancel(ask: Ask) -> None:
    found_by_a_rule(D1)
    assert [rows(ask, role=role)[0]["can_act"] for role in ("viewer", "user", "op", "admin")] == [False, *[True] * 3]


def test_why_a_date_waits_is_told_wherever_its_item_is(ask: Ask) -> None:
    asked = make(ask, SEEN, dates=str(D1))
    assert ask("user", "POST", f"/api/requests/{asked}/pause", json={}).is_success
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    found_by_a_rule(D2, not_before=later)
    found_by_a_rule(D3)
    waits = {one["run_date"]: one["waits"] for one in rows(ask)}
    assert waits == {
        str(D1): "for 'backfill resume'",
        str(D2): f"until {later:%Y-%m-%d %H:%M:%S} UTC",
        str(D3): TURN,
    }
    (of_request,) = ask("user", "GET", f"/api/requests/{asked}").json()["rows"]
    assert of_request["waits"] == waits[str(D1)]
    for day, words in waits.items():
        (of_story,) = ask("user", "GET", f"/api/pipelines/{SEEN}/dates/{day}").json()["items"]
        assert of_story["waits"] == words


def test_a_run_tells_why_its_date_waits_for_another_one(ask: Ask) -> None:
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import backfill_queue

    found_by_a_rule(D1)
    with registry().writing() as conn:
        conn.execute(backfill_queue.update().values(dag_run_id="queue__first"))
    (item,) = ask("user", "GET", f"/api/pipelines/{SEEN}/runs/queue__first").json()["items"]
    assert item["waits"] == TURN


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_paused": True}, "for its DAG, which is paused in Airflow"),
        ({"is_stale": True}, "for its DAG, which Airflow does not have"),
    ],
)
def test_a_date_whose_dag_rests_says_so_and_not_when_it_is_looked_at_again(
    ask: Ask, change: dict[str, bool], words: str
) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    def set_dag(**values: bool) -> None:
        with create_session() as session:
            for name, value in values.items():
                setattr(session.get(DagModel, SEEN), name, value)

    found_by_a_rule(D1, not_before=datetime.now(UTC) + timedelta(minutes=1))  # as the dispatcher puts it off
    set_dag(**change)
    try:
        assert rows(ask)[0]["waits"] == words
        (of_story,) = ask("user", "GET", f"/api/pipelines/{SEEN}/dates/{D1}").json()["items"]
        assert of_story["waits"] == words
    finally:
        set_dag(is_paused=False, is_stale=False)


def test_a_date_of_a_pipeline_that_is_switched_off_says_that_nothing_will_come(ask: Ask) -> None:
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import pipelines

    def switch(on: bool) -> None:
        with registry().writing() as conn:
            conn.execute(pipelines.update().where(pipelines.c.pipeline_id == SEEN).values(is_active=on))

    found_by_a_rule(D1)
    switch(False)
    try:
        assert rows(ask)[0]["waits"] == "for nothing that will come: its pipeline is switched off; cancel it"
        assert move(ask, "cancel", D1).json() == {"pipeline_id": SEEN, "dates": 1}
    finally:
        switch(True)


def test_a_date_that_works_or_has_ended_waits_for_nothing(ask: Ask) -> None:
    asked = make(ask, SEEN, dates=str(D1))
    fail(asked)
    (ended,) = ask("user", "GET", f"/api/requests/{asked}").json()["rows"]
    assert (ended["status"], ended["waits"]) == ("failed", None)


def test_a_page_asks_no_more_of_the_registry_for_many_dates_than_for_few(ask: Ask) -> None:
    from airflow_backfill_provider.store.engine import registry

    asked: list[str] = []

    def statements(path: str) -> int:
        asked.clear()
        assert ask("user", "GET", path).is_success
        return len(asked)

    name = make(ask, SEEN, DOWNSTREAM, dates=f"{D1}..{D3}")
    engine = registry()._engine
    note = lambda *given: asked.append(given[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    try:
        for path in ("/api/queue", f"/api/requests/{name}"):
            # Four: one of them has an upstream, which is asked about for all of them at once.
            assert statements(f"{path}?limit=4") == statements(path) > 0
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_dates_that_a_rule_asked_for_are_cancelled_and_tried_again(ask: Ask) -> None:
    found_by_a_rule(D1, D2, D3)
    cancelled = move(ask, "cancel", D1, D2, reason="the source is gone")
    assert (cancelled.status_code, cancelled.json()) == (200, {"pipeline_id": SEEN, "dates": 2})
    assert days(ask) == [(SEEN, str(D3))]
    retried = move(ask, "retry", D1, reason="it is back")
    assert (retried.status_code, retried.json()) == (200, {"pipeline_id": SEEN, "dates": 1})
    assert sorted(days(ask)) == [(SEEN, str(D1)), (SEEN, str(D3))]
    lines = " ".join(ask("user", "GET", f"/api/pipelines/{SEEN}/dates/{D1}").json()["lines"])
    assert "the source is gone" in lines
    assert "user retries: it is back" in lines


def test_dates_that_stand_otherwise_are_passed_over(ask: Ask) -> None:
    found_by_a_rule(D1)
    found_by_a_rule(D2, name=DOWNSTREAM)
    assert move(ask, "cancel", D1, D1, D2, D3).json()["dates"] == 1
    assert days(ask) == [(DOWNSTREAM, str(D2))]


@pytest.mark.parametrize(
    ("verb", "words"),
    [("cancel", "waits or works in the queue"), ("retry", "failed or was cancelled in the queue")],
)
def test_a_verb_that_moves_none_of_the_dates_is_refused_with_their_names(ask: Ask, verb: str, words: str) -> None:
    answer = move(ask, verb, D1, D2)
    assert answer.status_code == 409
    assert answer.json()["detail"] == f"no date of {SEEN!r} in '{D1}..{D2}' {words}"


def test_a_date_that_another_item_fills_is_not_tried_again(ask: Ask) -> None:
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import backfill_queue

    found_by_a_rule(D1)
    assert move(ask, "cancel", D1).is_success
    make(ask, SEEN, dates=str(D1))
    with registry().writing() as conn:  # the cancelled one is the newest again
        rule = backfill_queue.c.request_id.is_(None)
        later = datetime.now(UTC) + timedelta(minutes=1)
        conn.execute(backfill_queue.update().where(rule).values(requested_at=later))
    answer = move(ask, "retry", D1)
    assert answer.status_code == 409
    assert f"other requests work on {SEEN} {D1}; wait for them, or cancel them" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"dates": []}, "dates"),
        ({"dates": [str(D1)] * 3001}, "dates"),
        ({"dates": str(D1)}, "dates"),
        ({"dates": ["today"]}, "dates.0"),
        ({"dates": [0]}, "dates.0"),
        ({"dates": [f"{D1}T00:00:00"]}, "dates.0"),
        ({"dates": ["2026-02-30"]}, "dates.0"),
        ({"dates": [str(D1)], "why": ["a list"]}, "why"),
        ({"dates": [str(D1)], "why": "a\0b"}, "why"),
        ({"dates": [str(D1)], "why": "x" * 2001}, "why"),
        ({"dates": [str(D1)], "reason": "x"}, "reason"),
    ],
)
@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_what_is_wrong_with_a_body_of_dates_is_said_with_its_place(
    ask: Ask, verb: str, body: dict[str, Any], where: str
) -> None:
    answer = ask("user", "POST", f"/api/pipelines/{SEEN}/dates/{verb}", json=body)
    assert answer.status_code == 422, answer.text
    assert [problem["where"] for problem in answer.json()["problems"]] == [where]


def test_what_is_no_day_in_the_address_of_a_story_is_still_told_so(ask: Ask) -> None:
    answer = ask("user", "GET", f"/api/pipelines/{SEEN}/dates/today")
    assert answer.status_code == 422
    assert "no day was read" in answer.json()["detail"]
