"""What a message says, what a template may do, and what a digest tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from airflow_backfill_provider.pipelines.digest import digest
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.pipelines.wording import Message, dates_in_words, message, template_problem

NOTICE = Notice(
    pipeline_id="orders",
    type=NoticeType.SLA_BREACH,
    key="2026-11-26",
    run_dates=(date(2026, 11, 26),),
    since=datetime(2026, 11, 27, 6, 0, tzinfo=UTC),
    why="no run was created: the DAG is paused",
    doing="the date goes to the front of the queue",
    dag_run_id="scheduled__2026-11-27T05:00:00+00:00",
    external_url="https://platform.example/runs/1",
)
FACTS = {"pipeline_name": "Orders, daily", "owner": "ann"}


def words(notice: Notice = NOTICE, template: str | None = None) -> Message:
    return message(notice, FACTS, key="k1", base_url="https://airflow.example/", template=template)


def test_a_message_says_what_which_dates_since_when_why_and_what_happens() -> None:
    assert words().text.splitlines() == [
        "Orders, daily missed its deadline for 2026-11-26",
        "Pipeline: Orders, daily (orders)",
        "Run dates: 2026-11-26",
        "Since: 2026-11-27 06:00 UTC",
        "Why: no run was created: the DAG is paused",
        "What happens now: the date goes to the front of the queue",
        "Owner: ann",
        "Run in Airflow: https://airflow.example/dags/orders/runs/scheduled__2026-11-27T05%3A00%3A00%2B00%3A00",
        "Run on its platform: https://platform.example/runs/1",
    ]


def test_without_a_run_the_link_is_that_of_the_pipeline() -> None:
    assert dict(words(replace(NOTICE, dag_run_id=None)).links)["Pipeline in Airflow"] == (
        "https://airflow.example/dags/orders"
    )


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    assert "Run on its platform" not in dict(words(replace(NOTICE, external_url="javascript:alert(1)")).links)


def test_many_dates_are_said_shortly() -> None:
    days = [date(2026, 1, day) for day in range(1, 32)]
    assert dates_in_words(days[:2]) == "2026-01-01, 2026-01-02"
    assert dates_in_words(days) == "2026-01-01 to 2026-01-31 (31 dates)"


def test_every_type_has_a_headline() -> None:
    assert all(words(replace(NOTICE, type=kind)).subject for kind in NoticeType)


def test_a_subject_is_one_line_whatever_the_pipeline_is_called() -> None:
    named = message(NOTICE, {"pipeline_name": "Orders\nBcc: x"}, key="k1", base_url="", template=None)
    assert named.subject == "Orders Bcc: x missed its deadline for 2026-11-26"


def test_what_a_template_shows_in_slack_is_no_markup_of_slacks() -> None:
    loud = replace(NOTICE, why="<!channel> & more")
    for kind, why in (("slack", "&lt;!channel&gt; &amp; more"), ("email", "<!channel> & more")):
        told = message(loud, FACTS, key="k1", base_url="", template="<!here> {{ why }}", kind=kind)
        assert told.own_text == f"<!here> {why}"


def test_a_template_sees_the_facts() -> None:
    own = words(template="{{ owner }}: {{ pipeline_id }} {{ run_dates | join(' ') }} {{ airflow_url }}").text
    assert own.startswith("ann: orders 2026-11-26 https://airflow.example/dags/orders/runs/")


@pytest.mark.parametrize(
    "template",
    [
        "{{ subject.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ run_dates.append('x') }}",
        "{{ nothing }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{% import 'os' as os %}",
    ],
)
def test_a_template_runs_no_code_and_is_refused_before_it_is_used(template: str) -> None:
    assert template_problem(template) is not None


def test_a_template_that_fails_on_an_event_does_not_cost_the_message() -> None:
    told = words(replace(NOTICE, run_dates=()), template="{{ run_dates[0].x }}").text
    assert told.startswith("Orders, daily missed its deadline\n")
    assert "template of this channel could not be used" in told


def test_a_digest_names_the_first_and_counts_all() -> None:
    many = [replace(NOTICE, pipeline_id=f"p{number}", key=str(number)) for number in range(30)]
    told = digest([*many, replace(NOTICE, type=NoticeType.FAILURE)])
    lines = told.why.splitlines()
    assert lines[0] == "30 sla_breach, 1 failure of 31 pipelines"
    assert lines[1] == "p0 2026-11-26: sla_breach: no run was created: the DAG is paused"
    assert lines[-1] == "… and 11 more"
    assert told.pipeline_id is None


def test_the_same_notices_make_the_same_digest() -> None:
    one, two = NOTICE, replace(NOTICE, key="2026-11-27")
    assert digest([one, two]).key == digest([two, one]).key != digest([one]).key


def test_a_notice_survives_its_json() -> None:
    assert Notice.from_json(NOTICE.to_json()) == NOTICE


def test_a_breach_and_its_recovery_are_one_incident() -> None:
    breach = replace(NOTICE, incident="sla:2026-11-26")
    recovery = replace(breach, type=NoticeType.SLA_RECOVERED, key="other")
    assert breach.incident_key == recovery.incident_key == "orders:sla:2026-11-26"
    assert NOTICE.incident_key != replace(NOTICE, key="2026-11-27").incident_key
