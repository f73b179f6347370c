"""What was late, what checks found and which messages went where: who sees it, and what the answers say."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import HIDDEN, SEEN, TODAY
from tests.integration.api.test_permissions import AUTH_MANAGERS as AUTH_MANAGERS

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
DAY = TODAY - timedelta(days=2)


def a_message(pipeline_id: str, kind: str = "slack", days: tuple[date, ...] = (DAY,)) -> str:
    """A message about a pipeline that could not be sent."""
    from sqlalchemy import text

    from airflow_backfill_provider.pipelines.channels import Channel
    from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
    from airflow_backfill_provider.store import outbox
    from airflow_backfill_provider.store.engine import registry

    key = uuid.uuid4().hex
    notice = Notice(pipeline_id=pipeline_id, type=NoticeType.SLA_BREACH, key=key, run_dates=days, why="it was slow")
    channel = Channel(kind=kind, conn_id="slack_default", to=("#data",))
    message = outbox.NewMessage(notice=notice, facts={}, channel=channel, channel_name=kind)
    with registry().writing() as conn:
        outbox.add(conn, [message], datetime.now(UTC))
        failed = text("UPDATE pipeline_notifications SET notification_status = 'failed' WHERE dedupe_key = :key")
        conn.execute(failed, {"key": message.dedupe_key})
        found = text("SELECT notification_id FROM pipeline_notifications WHERE dedupe_key = :key")
        return str(conn.execute(found, {"key": message.dedupe_key}).scalar_one())


def a_breach(pipeline_id: str, day: date = DAY, reason: str = "it waits for upstream hidden 2026-11-01") -> None:
    """A promised date that was done an hour and a half after its deadline."""
    from airflow_backfill_provider.backfill.sla import Deadline, SlaStatus
    from airflow_backfill_provider.store import sla
    from airflow_backfill_provider.store.engine import registry

    tick = datetime(day.year, day.month, day.day, tzinfo=UTC)
    row = Deadline(
        pipeline_id=pipeline_id, run_date=day, tick_at=tick, deadline_at=tick + timedelta(hours=6), urgent_at=tick,
        status=SlaStatus.OPEN, look_at=None,
    )  # fmt: skip
    values = {"status": SlaStatus.BREACHED.value, "done_at": tick + timedelta(hours=7.5), "reason": reason}
    with registry().writing() as conn:
        sla.promise(conn, [row])
        sla.judge(conn, [(row, values | {"look_at": None})])


def a_result(pipeline_id: str, passed: bool = False, observed: str | None = "12") -> None:
    """What the check 'enough rows' found."""
    from airflow_backfill_provider.backfill.hold import RunRef
    from airflow_backfill_provider.pipelines.quality_findings import Finding
    from airflow_backfill_provider.store import quality_log, run_log, run_log_reads
    from airflow_backfill_provider.store.engine import registry

    run = RunRef(dag_id=pipeline_id, dag_run_id=f"checked__{uuid.uuid4().hex}")
    start = run_log.Started(
        pipeline_id=pipeline_id, run=run, try_number=1, run_dates=(DAY,), origin="manual", is_backfill=False,
        definition_version="x", retry_schedule_used=None, tick_at=None,
    )  # fmt: skip
    one = Finding(
        check_name="enough rows", run_date=DAY, severity="error", passed=passed, observed=observed, details="12 row(s)"
    )
    with registry().writing() as conn:
        run_log.started(conn, start, datetime.now(UTC))
        record = str(run_log_reads.records_of(conn, run)[0]["run_id"])
        quality_log.add(conn, [(record, one)], datetime.now(UTC))


def resend(ask: Ask, role: str, message: str, **more: Any) -> Any:
    return ask(role, "POST", f"/api/notifications/{message}/resend", **({"json": {}} | more))


def test_what_is_resent_waits_to_be_sent(ask: Ask) -> None:
    message = a_message(SEEN)
    assert resend(ask, "user", message).status_code == 200
    page = ask("admin", "GET", f"/api/notifications?pipeline_id={SEEN}&limit=500").json()["messages"]
    assert [one["status"] for one in page if one["notification_id"] == message] == ["pending"]


def test_a_body_that_says_more_resends_nothing(ask: Ask) -> None:
    message = a_message(SEEN)
    assert resend(ask, "admin", message, json={"to": "#other"}).status_code == 422
    failed = ask("admin", "GET", "/api/notifications?status=failed&limit=500").json()["messages"]
    assert message in [one["notification_id"] for one in failed]


def test_lists_and_counts_know_nothing_of_the_hidden(ask: Ask) -> None:
    for pipeline_id in (SEEN, HIDDEN):
        a_message(pipeline_id)
        a_breach(pipeline_id)
        a_result(pipeline_id)
    for path in ("/api/sla", "/api/quality", "/api/notifications"):
        every = ask("admin", "GET", path).json()
        mine = ask("user", "GET", f"{path}?limit=1")
        assert "hidden" in json.dumps(every)
        assert "hidden" not in mine.text
        assert 0 < mine.json()["total"] < every["total"]
        rest = ask("user", "GET", f"{path}?limit=500")
        assert "hidden" not in rest.text
    met = {role: ask(role, "GET", "/api/sla").json()["months"][-1]["breached"] for role in ("user", "admin")}
    assert met["user"] < met["admin"]


def test_a_breach_says_by_how_much_and_names_no_hidden_upstream(ask: Ask) -> None:
    a_breach(SEEN)
    answer = ask("user", "GET", f"/api/sla?pipeline_id={SEEN}&first={DAY}&last={DAY}").json()
    assert [one["breached"] for one in answer["months"]] == [1]
    assert answer["months"][0]["percent_met"] == 0
    [breach] = answer["breaches"]
    assert (breach["run_date"], breach["late_seconds"]) == (str(DAY), 5400)
    assert breach["reason"] == "it waited for upstream another pipeline 2026-11-01"


def test_results_have_numbers_where_there_are_some(ask: Ask) -> None:
    for observed in ("12", "NaN", "2026-11-01 04:00", None):
        a_result(SEEN, observed=observed)
    a_result(SEEN, passed=True, observed="120")
    path = f"/api/quality?pipeline_id={SEEN}&check=enough%20rows&limit=500"
    found = {one["observed"]: one for one in ask("user", "GET", path).json()["results"]}
    values = {name: found[name]["value"] for name in ("12", "NaN", "2026-11-01 04:00", None, "120")}
    assert values == {"12": 12.0, "NaN": None, "2026-11-01 04:00": None, None: None, "120": 120.0}
    failed = ask("user", "GET", f"{path}&failed=true").json()
    assert {one["passed"] for one in failed["results"]} == {False}
    assert ask("user", "GET", f"{path}&check=other").json()["total"] == 0


def test_a_message_says_where_it_went_but_not_what_it_said(ask: Ask) -> None:
    message = a_message(SEEN)
    answer = ask("viewer", "GET", f"/api/notifications?pipeline_id={SEEN}&limit=500")
    row = next(one for one in answer.json()["messages"] if one["notification_id"] == message)
    assert (row["channel"], row["conn_id"], row["to"], row["can_act"]) == ("slack", "slack_default", ["#data"], False)
    assert row["run_dates"] == [str(DAY)]
    assert "it was slow" not in answer.text


def test_more_breaches_than_can_be_compared_are_still_counted_and_told_page_by_page(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_backfill_provider.api import sla

    days = [DAY - timedelta(days=n) for n in range(3)]
    for day in days:
        a_breach(SEEN, day)
    path = f"/api/sla?pipeline_id={SEEN}&first={days[-1]}&last={days[0]}&limit=1"
    pages = [ask("user", "GET", f"{path}&offset={n}").json() for n in range(4)]
    assert [[one["run_date"] for one in page["breaches"]] for page in pages] == [*([str(day)] for day in days), []]
    assert {page["total"] for page in pages} == {3}
    assert pages[0]["months"][0]["median_late_seconds"] == 5400
    monkeypatch.setattr(sla, "MOST_COMPARED", 2)
    many = ask("user", "GET", path).json()
    assert (many["total"], len(many["breaches"])) == (3, 1)
    assert sum(month["breached"] for month in many["months"]) == 3
    assert {month["median_late_seconds"] for month in many["months"]} == {None}
