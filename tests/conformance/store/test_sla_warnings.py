"""Who is warned that a date may be late, and is told when it was done in time after all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store import sla
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_run_log, pipelines, sla_deadlines
from tests.conformance.store.test_sla import (
    HOUR,
    MINUTE,
    add,
    begin,
    deadlines,
    due_again,
    end,
    pass_deadline,
    records,
    run_of,
    told,
    types,
    watch,
    why_due,
)
from tests.conformance.store.test_sla import settings as settings
from tests.conformance.store.test_sla import tick as tick


def test_a_warning_comes_once_before_the_deadline_when_nothing_says_it_will_be_kept(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    begin(registry, run_of(tick))
    assert "may miss its deadline" in watch(registry, settings)[-1]
    due_again(registry)
    assert watch(registry, settings) == []
    assert types(registry) == ["sla_warning"]
    pass_deadline(registry)
    watch(registry, settings)
    assert types(registry) == ["sla_breach", "sla_warning"]


def test_who_was_warned_is_told_once_that_it_was_done_in_time_and_the_incident_ends(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120, notification_details='{"on": ["sla_warning"]}')
    run = run_of(tick)
    begin(registry, run)
    watch(registry, settings)
    end(registry, run, RecordStatus.SUCCESS)
    assert records(registry) == [("success", True)]
    assert why_due(registry, settings) == "deadlines to look at"
    assert "is done in time after all: done at " in watch(registry, settings)[-1]
    assert watch(registry, settings) == []
    [row] = deadlines(registry)
    assert row.look_at is None
    assert types(registry) == ["sla_met", "sla_warning"]
    assert len({notice.incident_key for notice in told(registry)}) == 1


def test_a_warned_date_that_another_program_did_in_time_is_told_too(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    watch(registry, settings)
    values = {"run_id": "theirs", "pipeline_id": "orders", "run_date": tick.date(), "status": "success"}
    with registry.writing() as conn:
        conn.execute(insert(pipeline_run_log).values(**values, start_time=tick, end_time=tick + HOUR))
    due_again(registry)
    watch(registry, settings)
    assert types(registry) == ["sla_met", "sla_warning"]


def test_a_warning_the_breach_and_the_recovery_are_one_incident(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    watch(registry, settings)
    pass_deadline(registry)
    watch(registry, settings)
    with registry.writing() as conn:
        sla.done(conn, "orders", [tick.date()], datetime.now(UTC))
    watch(registry, settings)
    assert types(registry) == ["sla_breach", "sla_recovered", "sla_warning"]
    assert len({notice.incident_key for notice in told(registry)}) == 1


def test_no_warning_where_past_runs_say_that_it_will_be_done(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    with registry.writing() as conn:
        for number in range(3):
            began = tick - timedelta(days=number + 1)
            values = {"run_id": str(number), "pipeline_id": "orders", "run_date": began.date(), "status": "success"}
            conn.execute(insert(pipeline_run_log).values(**values, start_time=began, end_time=began + 20 * MINUTE))
    begin(registry, run_of(tick))
    watch(registry, settings)
    assert told(registry) == []
    [row] = deadlines(registry)
    assert row.look_at is not None
    assert row.look_at > datetime.now(UTC)


def test_all_is_clear_when_the_last_date_of_the_tick_is_done_also_when_nobody_was_warned_about_that_one(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    days = [tick.date() - timedelta(days=number) for number in (2, 1, 0)]
    weekly = {"schedule_type": "weekly", "frequency": f"on {tick:%a} at {tick:%H:%M}", "date_window": "7"}
    more = {"multi_date_allowed": True, "start_date": days[0], "sla_warning_minutes": 120}
    add(registry, tick, tick + 4 * HOUR, **weekly, **more)
    watch(registry, settings)
    with registry.writing() as conn:
        conn.execute(update(sla_deadlines).where(sla_deadlines.c.run_date == days[2]).values(warned_at=None))
        sla.done(conn, "orders", days[:2], datetime.now(UTC))
    watch(registry, settings)
    assert types(registry) == ["sla_warning"]
    with registry.writing() as conn:
        sla.done(conn, "orders", days[2:], datetime.now(UTC))
    due_again(registry)  # at the deadline
    watch(registry, settings)
    assert types(registry) == ["sla_met", "sla_warning"]
    assert next(one for one in told(registry) if one.type.value == "sla_met").run_dates == tuple(days)
    assert {row.look_at for row in deadlines(registry)} == {None}


def test_a_tick_of_which_a_date_missed_the_deadline_is_not_all_clear(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    days = [tick.date() - timedelta(days=number) for number in (2, 1, 0)]
    weekly = {"schedule_type": "weekly", "frequency": f"on {tick:%a} at {tick:%H:%M}", "date_window": "7"}
    more = {"multi_date_allowed": True, "start_date": days[0], "sla_warning_minutes": 120}
    add(registry, tick, tick + 4 * HOUR, **weekly, **more)
    watch(registry, settings)
    with registry.writing() as conn:
        sla.done(conn, "orders", days[:2], datetime.now(UTC))
    watch(registry, settings)
    pass_deadline(registry)
    watch(registry, settings)
    due_again(registry)
    watch(registry, settings)
    assert types(registry) == ["sla_breach", "sla_warning"]


def change(registry: Registry, **values: Any) -> None:
    with registry.writing() as conn:
        conn.execute(update(pipelines).values(updated_at=datetime.now(UTC), **values))


@pytest.mark.parametrize(
    ("change_to", "why"),
    [
        ({"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, "the pipeline is deleted"),
        ({"is_active": False}, "the pipeline is switched off"),
        ({"sla_time": None}, "its schedule or its deadline was changed"),
    ],
)
@pytest.mark.parametrize("breached", [False, True])
def test_who_was_told_that_a_date_is_late_is_told_when_it_is_promised_no_more_and_the_incident_ends(
    registry: Registry,
    settings: options.Settings,
    tick: datetime,
    change_to: dict[str, Any],
    why: str,
    breached: bool,
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    watch(registry, settings)
    if breached:
        pass_deadline(registry)
        watch(registry, settings)
    before = types(registry)
    change(registry, **change_to)
    assert f"{tick.date()}: its deadline counts no more: {why}" in "".join(watch(registry, settings))
    assert watch(registry, settings) == []
    assert types(registry) == sorted([*before, "sla_withdrawn"])
    assert len({notice.incident_key for notice in told(registry)}) == 1


def test_a_promise_that_nobody_was_told_to_be_in_danger_goes_without_a_word(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    change(registry, is_active=False)
    assert watch(registry, settings) == []
    assert (told(registry), deadlines(registry)) == ([], [])


def test_who_does_not_want_to_hear_of_deadlines_is_not_told_that_there_is_none_any_more(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120, sla_breach_notification=False)
    watch(registry, settings)
    change(registry, is_active=False)
    assert "its deadline counts no more" in "".join(watch(registry, settings))
    assert told(registry) == []


def test_a_tick_whose_deadline_was_moved_is_the_same_incident_until_it_is_done(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    run = run_of(tick)
    begin(registry, run)
    watch(registry, settings)
    change(registry, sla_time=(tick + 5 * HOUR).time())
    watch(registry, settings)
    assert types(registry) == ["sla_warning"]
    [row] = deadlines(registry)
    assert row.deadline_at == tick + 5 * HOUR
    end(registry, run, RecordStatus.SUCCESS)
    watch(registry, settings)
    assert types(registry) == ["sla_met", "sla_warning"]
    assert len({notice.incident_key for notice in told(registry)}) == 1


def test_a_warned_date_whose_tick_is_another_one_now_has_no_deadline_of_the_old_one(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    watch(registry, settings)
    change(registry, frequency=f"at {moved(tick):%H:%M}")
    watch(registry, settings)
    assert types(registry).count("sla_withdrawn") == 1


def test_what_is_in_danger_again_after_it_was_switched_off_and_on_is_told_again_to_its_end(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    watch(registry, settings)
    change(registry, is_active=False)
    watch(registry, settings)
    change(registry, is_active=True)
    watch(registry, settings)
    assert types(registry) == ["sla_warning", "sla_warning", "sla_withdrawn"]
    pass_deadline(registry)
    watch(registry, settings)
    change(registry, is_active=False)
    watch(registry, settings)
    assert types(registry) == ["sla_breach", "sla_warning", "sla_warning", "sla_withdrawn", "sla_withdrawn"]


def test_the_incident_of_a_breach_ends_when_its_date_is_wanted_no_more(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    pass_deadline(registry)
    watch(registry, settings)
    earlier = tick.date() - timedelta(days=2)
    change(registry, start_date=earlier, end_date=earlier)
    watch(registry, settings)
    assert types(registry) == ["sla_breach", "sla_withdrawn"]
    [row] = deadlines(registry)
    assert row.status.value == "breached"


def test_a_breach_whose_date_is_still_wanted_goes_on_when_the_rule_changes(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    pass_deadline(registry)
    watch(registry, settings)
    change(registry, frequency=f"at {moved(tick):%H:%M}")
    watch(registry, settings)
    assert types(registry) == ["sla_breach"]


def moved(tick: datetime) -> datetime:
    """Ten minutes away on the same day: on another one it would be another date's."""
    return tick - 10 * MINUTE if tick.hour == 23 else tick + 10 * MINUTE


def test_of_a_tick_that_was_moved_it_is_told_when_its_date_is_due_now(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    deadline = tick + 4 * HOUR
    add(registry, tick, deadline, sla_warning_minutes=120)
    watch(registry, settings)
    change(registry, frequency=f"at {moved(tick):%H:%M}")
    watch(registry, settings)
    [notice] = [one for one in told(registry) if one.type.value == "sla_withdrawn"]
    assert f"it is due by {deadline:%Y-%m-%d %H:%M} UTC now" in notice.why


def test_a_deadline_that_was_moved_in_time_is_no_breach_although_nobody_looked_until_later(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    now = datetime.now(UTC)
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    with registry.writing() as conn:
        conn.execute(update(sla_deadlines).values(look_at=now - MINUTE, deadline_at=now - MINUTE))
        conn.execute(update(pipelines).values(sla_time=(tick + 5 * HOUR).time(), updated_at=now - 10 * MINUTE))
    watch(registry, settings)
    assert types(registry) == []
    [row] = deadlines(registry)
    assert (row.status.value, row.deadline_at) == ("open", tick + 5 * HOUR)


def test_who_does_not_want_to_hear_of_deadlines_hears_of_none_that_was_over_before_anybody_looked(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR, sla_breach_notification=False)
    run = run_of(tick)
    begin(registry, run)
    end(registry, run, RecordStatus.SUCCESS)
    assert "missed its deadline" in "".join(watch(registry, settings))
    assert told(registry) == []
