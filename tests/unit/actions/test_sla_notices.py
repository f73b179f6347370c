"""What is told about the deadlines of the dates of one tick together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from airflow_backfill_provider.actions.sla_notices import withdrawal_notices
from airflow_backfill_provider.backfill.sla import Deadline, SlaStatus

TICK = datetime(2026, 3, 2, 5, tzinfo=UTC)
NOW = TICK + timedelta(hours=1)
FIRST, SECOND = (
    Deadline(
        pipeline_id="orders",
        run_date=day,
        tick_at=TICK,
        deadline_at=TICK + timedelta(hours=4),
        urgent_at=TICK,
        warned_at=TICK,
    )
    for day in (date(2026, 3, 1), date(2026, 3, 2))
)


def test_dates_of_a_tick_that_are_promised_no_more_are_told_together() -> None:
    [notice] = withdrawal_notices([(SECOND, "changed"), (FIRST, "changed")], [], NOW)
    assert notice.run_dates == (FIRST.run_date, SECOND.run_date)
    assert notice.why == "changed; the deadline was 2026-03-02 09:00 UTC"


def test_an_incident_goes_on_while_another_date_of_its_tick_is_late_or_may_be() -> None:
    breached = replace(SECOND, status=SlaStatus.BREACHED, warned_at=None)
    for other in (SECOND, breached):
        assert withdrawal_notices([(FIRST, "changed")], [other], NOW) == []


def test_an_incident_ends_when_the_other_dates_of_its_tick_are_well() -> None:
    never_in_danger, done = replace(SECOND, warned_at=None), replace(SECOND, done_at=NOW)
    for other in (never_in_danger, done, FIRST):
        assert len(withdrawal_notices([(FIRST, "changed")], [other], NOW)) == 1
