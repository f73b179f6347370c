"""Requests on both databases: what is saved is what the dry run shows; a refusal leaves no trace."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, text

from airflow_backfill_provider.actions import control, plan_dates
from airflow_backfill_provider.actions.request_backfill import Wish, plan_request, save_request
from airflow_backfill_provider.backfill.item import Item, NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.plan import PlannedDate
from airflow_backfill_provider.backfill.status import ItemEvent
from airflow_backfill_provider.errors import BackfillError, Conflict, InvalidRequest, NotFound
from airflow_backfill_provider.store import queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import backfill_requests, metadata, pipeline_dependencies, pipeline_run_log
from airflow_backfill_provider.store.tables import pipelines as table

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def some_pipelines(registry: Registry) -> None:
    usual = {"platform": "databricks", "platform_job_id": "1", "start_date": date(2026, 1, 1), "created_at": CREATED}
    rows = [
        {"pipeline_id": "orders", "schedule_type": "daily", "tags": "sales", "multi_date_allowed": False},
        {"pipeline_id": "weekly", "schedule_type": "weekly", "tags": "sales", "multi_date_allowed": True},
        {"pipeline_id": "fixes", "schedule_type": "manual", "tags": None, "multi_date_allowed": False},
        {
            "pipeline_id": "off",
            "schedule_type": "daily",
            "tags": "asleep",
            "multi_date_allowed": False,
            "is_active": False,
        },
    ]
    with registry.writing() as conn:
        conn.execute(table.insert(), [usual | {"is_active": True, "multi_date_allowed": False} | row for row in rows])
        conn.execute(pipeline_dependencies.insert().values(pipeline_id="weekly", upstream_id="orders", date_offset=-1))


def wish(*pipeline_ids: str, dates: str, **more: Any) -> Wish:
    return Wish(pipeline_ids=pipeline_ids, dates=dates, **more)


def counts(registry: Registry) -> dict[str, int]:
    with registry.reading() as conn:
        return {
            name: conn.execute(select(func.count()).select_from(each)).scalar_one()
            for name, each in metadata.tables.items()
        }


def items(registry: Registry, request_id: str) -> list[Item]:
    with registry.reading() as conn:
        return queue_reads.items_of_request(conn, request_id)


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        (wish("orders", dates="2026-03-31..2026-01-01"), InvalidRequest, "the range is reversed"),
        (wish("orders", dates="2026-02-30"), InvalidRequest, "'2026-02-30' is no date"),
        (wish("orders", dates="2026-01-05, !2026-01-05"), InvalidRequest, "selects no date"),
        (wish("orders", dates="2026-11-20..2027-01-01"), InvalidRequest, "2026-11-26..2027-01-01 lies in the future"),
        (wish("weekly", dates="2026-01-06"), InvalidRequest, "2026-01-06 is not a date it can run: no tick picks it"),
        (wish("weekly", dates="2026-01-05, 2026-01-06, 2026-01-07"), InvalidRequest, "2026-01-06 is not a date it can"),
        (wish("weekly", dates="2026-01-05, 2026-01-06, 2026-01-07"), InvalidRequest, "2026-01-07 is not a date it can"),
        (wish("orders", dates="2025-12-31"), InvalidRequest, "lies before start_date 2026-01-01"),
        (wish("ordrs", dates="2026-01-05"), NotFound, "there is no pipeline 'ordrs'; did you mean 'orders'?"),
        (wish("ordrs", "fixs", dates="2026-01-05"), NotFound, "there is no pipeline 'fixs'"),
        (wish("weekly", dates="2026-01-06..2026-01-08"), InvalidRequest, "nothing to fill"),
        (wish("orders", dates="2026-01-05", only="lost"), InvalidRequest, "expected missing, failed, stale"),
        (wish("orders", dates="2026-01-05", only="failed"), InvalidRequest, "is missing"),
        (wish("orders", dates="2026-01-05", only="failed"), InvalidRequest, "; --only any fills them"),
        (wish(dates="2026-01-05"), InvalidRequest, "name the pipelines in one way"),
        (wish("orders", dates="2026-01-05", tag="sales"), InvalidRequest, "name the pipelines in one way"),
        (Wish(tag="nosuch", dates="2026-01-05"), NotFound, "no active pipeline has the tag 'nosuch'"),
        (wish("off", dates="2026-01-05"), InvalidRequest, "pipeline 'off' is switched off"),
        (Wish(tag="asleep", dates="2026-01-05"), NotFound, "no active pipeline has the tag 'asleep'"),
    ],
)
def test_a_refusal_says_why_and_writes_nothing(
    registry: Registry, asked: Wish, kind: type[BackfillError], words: str
) -> None:
    before = counts(registry)
    with pytest.raises(kind) as refused:
        save_request(registry, asked, who="anna", now=NOW)
    assert words in str(refused.value)
    assert counts(registry) == before


def test_everything_that_is_wrong_is_said_at_once(registry: Registry) -> None:
    with registry.reading() as conn, pytest.raises(InvalidRequest) as words:
        plan_request(conn, wish("ordrs", dates="2026-02-30, soon", only="lost"), NOW)
    assert [str(problem).partition(";")[0].partition(" (")[0] for problem in words.value.problems] == [
        "there is no pipeline 'ordrs'",
        "--only 'lost' was read",
        "--dates: selection '2026-02-30': '2026-02-30' is no date",
        "--dates: selection 'soon': 'soon' was read",
    ]
    with registry.reading() as conn, pytest.raises(InvalidRequest) as dates:
        plan_request(conn, wish("ordrs", "weekly", "orders", dates="2026-01-06, 2027-01-01"), NOW)
    assert [problem.message.partition(";")[0] for problem in dates.value.problems] == [
        "there is no pipeline 'ordrs'",
        "2026-01-06 is not a date it can run: no tick picks it: Monday 00:00 UTC",
        "2027-01-01 lies in the future",
        "2027-01-01 lies in the future",
    ]


def test_days_of_a_range_that_the_rule_does_not_pick_are_left_out(registry: Registry) -> None:
    for typed in (
        "2026-01-05..2026-01-06",
        "2026-01-06..2026-01-06, 2026-01-05",
        "2026-01-04..2026-01-06, !2026-01-04",
    ):
        with registry.reading() as conn:
            (one,) = plan_request(conn, wish("weekly", dates=typed), NOW).pipelines
        assert [day.run_date.day for day in one.dates] == [5]
        assert [day.run_date.day for day in one.left_out] == [6]


def test_two_who_ask_for_one_date_at_once_do_not_both_get_it(registry: Registry) -> None:
    """The second one has planned the date on Postgres, and finds it taken as it saves; SQLite lets it plan later."""
    asked = wish("orders", dates="2026-01-05..2026-01-06")
    taken = NewItem(pipeline_id="orders", run_date=date(2026, 1, 5), reason="missing")
    before = counts(registry)
    with ThreadPoolExecutor(1) as pool:
        with registry.writing() as conn:
            queue.enqueue(conn, [taken], who="ben", why=None, now=NOW)
            second = pool.submit(save_request, registry, asked, who="anna", now=NOW)
            if conn.dialect.name == "postgresql":
                wait_for_a_lock(registry, conn)
        if registry.url.get_backend_name() == "sqlite":
            assert second.result()[1].count == 1
            return
        with pytest.raises(Conflict, match=r"somebody else asked for 1 of the 2 date\(s\)"):
            second.result()
    one_item = {"backfill_queue": 1, "backfill_events": 1}
    assert counts(registry) == before | {name: before[name] + more for name, more in one_item.items()}


def wait_for_a_lock(registry: Registry, holder: Connection) -> None:
    """Return when somebody waits for the transaction of ``holder``; other tests use the same server."""
    pid = holder.execute(text("SELECT pg_backend_pid()")).scalar_one()
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE :pid = ANY(pg_blocking_pids(pid))")
    for _ in range(200):
        with registry.reading() as conn:
            if conn.execute(waiting, {"pid": pid}).scalar_one():
                return
        time.sleep(0.05)
    pytest.fail("the second request never waited for the first")


def test_what_is_saved_is_what_the_dry_run_shows(registry: Registry) -> None:
    asked = wish("orders", "weekly", dates="2026-01-05..2026-01-12, !2026-01-07", priority=7, why="reload")
    with registry.reading() as conn:
        plan = plan_request(conn, asked, NOW)
    request_id, saved = save_request(registry, asked, who="anna", now=NOW)
    assert saved == plan
    assert [(one.pipeline_id, len(one.dates), one.batches) for one in plan.pipelines] == [
        ("orders", 7, 7),
        ("weekly", 2, 1),
    ]
    found = items(registry, request_id)
    assert len(found) == plan.count == 9
    assert {item.priority for item in found} == {7}
    assert {item.reason for item in found} == {"missing"}
    with registry.reading() as conn:
        events = queue.events_of(conn, [item.backfill_id for item in found])
    assert {event.why for event in events} == {f"request {request_id}: reload"}


def test_dates_that_wait_already_are_left_out(registry: Registry) -> None:
    save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    _, plan = save_request(registry, wish("orders", dates="2026-01-05..2026-01-06"), who="ben", now=NOW)
    (one,) = plan.pipelines
    assert [day.run_date for day in one.dates] == [date(2026, 1, 6)]
    assert "waits in the queue already" in one.left_out[0].reason


def test_a_manual_pipeline_takes_any_day_up_to_today(registry: Registry) -> None:
    _, plan = save_request(registry, wish("fixes", dates="2026-11-25, 2026-01-03"), who="anna", now=NOW)
    assert plan.count == 2


def test_downstream_takes_the_matching_dates_along(registry: Registry) -> None:
    asked = wish("orders", dates="2026-01-01..2026-01-11", downstream=True)
    request_id, plan = save_request(registry, asked, who="anna", now=NOW)
    by_pipeline = {one.pipeline_id: [day.run_date.day for day in one.dates] for one in plan.pipelines}
    # weekly's Monday waits for the Sunday before it
    assert by_pipeline["weekly"] == [5, 12]
    assert {item.reason for item in items(registry, request_id) if item.pipeline_id == "weekly"} == {
        "downstream of orders"
    }


def test_a_done_date_that_is_downstream_is_planned_and_no_longer_left_out(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(
            pipeline_run_log.insert().values(
                run_id="1", pipeline_id="weekly", run_date=date(2026, 1, 12), status="success", end_time=NOW
            )
        )
    with registry.reading() as conn:
        plan = plan_request(conn, wish("orders", "weekly", dates="2026-01-11..2026-01-13", downstream=True), NOW)
    _, weekly = plan.pipelines
    assert weekly.dates == (PlannedDate(date(2026, 1, 12), "downstream of orders"),)
    assert [one.run_date.day for one in weekly.left_out] == [11, 13]


def test_first_n_starts_n_dates_and_resume_releases_the_rest(registry: Registry) -> None:
    asked = wish("orders", dates="2026-01-05..2026-01-08", first_n=1, newest_first=True)
    request_id, _ = save_request(registry, asked, who="anna", now=NOW)
    with registry.reading() as conn:
        assert [item.run_date for item in queue_reads.pending(conn, NOW, timedelta(hours=1))] == [date(2026, 1, 8)]
    assert control.resume(registry, request_id, Person("anna"), now=NOW) == (request_id, 4)
    with registry.reading() as conn:
        waiting = queue_reads.pending(conn, NOW, timedelta(hours=1))
        assert [item.run_date.day for item in waiting] == [8, 7, 6, 5]


def test_a_paused_request_starts_nothing(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    control.pause(registry, request_id[:6], Person("anna"), now=NOW)
    with registry.reading() as conn:
        assert queue_reads.pending(conn, NOW, timedelta(hours=1)) == []
    with pytest.raises(Conflict, match="is paused already"):
        control.pause(registry, request_id, Person("anna"), now=NOW)
    control.resume(registry, request_id, Person("anna"), now=NOW)
    with pytest.raises(Conflict, match="neither paused nor"):
        control.resume(registry, request_id, Person("anna"), now=NOW)


def test_cancel_ends_what_waits_and_marks_what_works(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05..2026-01-06"), who="anna", now=NOW)
    first = items(registry, request_id)[0]
    with registry.writing() as conn:
        assert queue.claim(conn, [first.backfill_id], "run_1", lease_until=NOW, who="system", now=NOW)
    assert control.cancel(registry, request_id, Person("ben", "wrong"), now=NOW) == (request_id, 2)
    assert [item.status.value for item in items(registry, request_id)] == ["cancelling", "cancelled"]
    for again in (control.cancel,):
        with pytest.raises(Conflict, match="was cancelled at"):
            again(registry, request_id, Person("ben"), now=NOW)
    with pytest.raises(Conflict, match="was cancelled at"):
        control.pause(registry, request_id, Person("anna"), now=NOW)


def test_a_request_that_has_ended_is_neither_paused_nor_cancelled(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    (item,) = items(registry, request_id)
    with registry.writing() as conn:
        queue.claim(conn, [item.backfill_id], "run_1", lease_until=NOW, who="system", now=NOW)
        queue.move(conn, ItemEvent.SUCCEEDED, queue.of([item.backfill_id]), who="system", why=None, now=NOW)
        unchanged = requests.get(conn, request_id)
    with pytest.raises(Conflict, match="has ended: none of its dates waits or works"):
        control.pause(registry, request_id, Person("anna"), now=NOW)
    with pytest.raises(Conflict, match="has ended"):
        control.cancel(registry, request_id, Person("ben"), now=NOW)
    with pytest.raises(Conflict, match="has ended"):
        control.reprioritize(registry, request_id, 3, Person("anna"), now=NOW)
    with registry.reading() as conn:
        assert requests.get(conn, request_id) == unchanged


def test_reprioritize_changes_what_waits(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    assert control.reprioritize(registry, request_id, 9, Person("anna"), now=NOW) == (request_id, 1)
    assert items(registry, request_id)[0].priority == 9
    with registry.reading() as conn:
        assert conn.execute(select(backfill_requests.c.priority)).scalar_one() == 9
    with pytest.raises(NotFound, match="there is no request 'bf-zz'"):
        control.reprioritize(registry, "bf-zz", 9, Person("anna"), now=NOW)


def test_a_date_at_work_waits_for_its_retry_with_the_priority_that_its_request_was_given_meanwhile(
    registry: Registry,
) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05..2026-01-06"), who="anna", now=NOW)
    at_work = [items(registry, request_id)[0].backfill_id]
    with registry.writing() as conn:
        queue.claim(conn, at_work, "run_1", lease_until=NOW, who="system", now=NOW)
    later = NOW + timedelta(minutes=1)
    assert control.reprioritize(registry, request_id, 9, Person("anna"), now=later) == (request_id, 1)
    with registry.reading() as conn:
        silent = queue_reads.silent_runs(conn, later)
    assert [run.dag_run_id for run in silent] == ["run_1"], "that is no sign of its run"
    with registry.writing() as conn:
        queue.move(conn, ItemEvent.RETRIED, queue.of(at_work), who="system", why="boom", now=later)
    assert [item.priority for item in items(registry, request_id)] == [9, 9]


def test_a_beginning_that_several_requests_share_is_refused_with_their_names(registry: Registry) -> None:
    days = ("2026-01-05", "2026-01-06")
    names = sorted(save_request(registry, wish("orders", dates=day), who="anna", now=NOW)[0] for day in days)
    with pytest.raises(InvalidRequest) as refused, registry.reading() as conn:
        requests.get(conn, "bf-")
    assert str(refused.value) == f"more than one request begins with 'bf-'; expected one of {', '.join(names)}"


def test_relative_dates_are_those_of_the_pipelines_zone_and_not_of_utc(registry: Registry) -> None:
    """At noon, UTC, the 26th has begun in Auckland: 'yesterday' is the 25th there, and is not left out."""
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "orders").values(timezone="Pacific/Auckland"))
    with registry.reading() as conn:
        plan = plan_request(conn, wish("orders", dates="yesterday, !2026-11-24"), NOW)
    assert [one.run_date for one in plan.pipelines[0].dates] == [date(2026, 11, 25)]


@pytest.mark.parametrize("way", [{"tag": "sales"}, {"all_pipelines": True}])
def test_a_broken_row_that_a_tag_or_all_means_is_left_out_and_named(registry: Registry, way: dict[str, Any]) -> None:
    break_row(registry, "weekly")
    with registry.reading() as conn:
        plan = plan_request(conn, Wish(dates="2026-01-05", **way), NOW)
    by_name = {one.pipeline_id: one for one in plan.pipelines}
    assert len(by_name["orders"].dates) == 1
    assert by_name["weekly"].dates == ()
    assert by_name["weekly"].reasons()[0].startswith("its row cannot be read: ")
    request_id, saved = save_request(registry, Wish(dates="2026-01-05", **way), who="ada", now=NOW)
    assert saved.pipelines == plan.pipelines
    assert "weekly" not in {item.pipeline_id for item in items(registry, request_id)}


def test_a_broken_row_that_is_named_stops_the_request(registry: Registry) -> None:
    break_row(registry, "weekly")
    with registry.reading() as conn, pytest.raises(InvalidRequest, match="frequency"):
        plan_request(conn, wish("orders", "weekly", dates="2026-01-05"), NOW)


def break_row(registry: Registry, pipeline_id: str) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == pipeline_id).values(frequency="every purple day"))


def test_a_plan_for_many_pipelines_takes_no_more_statements_than_for_one(registry: Registry) -> None:
    def statements(ask: Wish) -> int:
        found: list[str] = []
        with registry.reading() as conn:
            event.listen(conn, "before_cursor_execute", lambda *given: found.append(given[2]))
            plan_request(conn, ask, NOW)
        return len(found)

    few = statements(Wish(dates="2026-01-05", tag="sales"))
    usual = {"platform": "databricks", "platform_job_id": "1", "start_date": date(2026, 1, 1), "created_at": CREATED}
    rows = [usual | {"pipeline_id": f"many_{n}", "schedule_type": "daily", "tags": "sales"} for n in range(40)]
    with registry.writing() as conn:
        conn.execute(table.insert(), rows)
    assert statements(Wish(dates="2026-01-05", tag="sales")) == few


def test_too_many_dates_of_too_many_pipelines_are_refused_before_they_are_looked_at(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_dates, "MOST_LOOKED_AT", 10)
    with registry.reading() as conn, pytest.raises(InvalidRequest, match="12 dates of 3 pipelines are selected"):
        plan_request(conn, Wish(dates="2026-01-05..2026-01-08", all_pipelines=True), NOW)
