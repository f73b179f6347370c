"""The sample's rows, as they are and as they were before they filled by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from airflow_backfill_provider.demo.bookings import ARCHIVE
from airflow_backfill_provider.demo.sample import FILLED, LATE, WEEKLY, manifest
from airflow_backfill_provider.pipelines.manifest import read_manifest
from airflow_backfill_provider.pipelines.pipeline import Pipeline

NOW = datetime(2026, 11, 28, 23, 59, 50, tzinfo=UTC)


def rows(**more: bool) -> dict[str, Pipeline]:
    return {one.pipeline_id: one for one in read_manifest(manifest(NOW, **more)).pipelines}


def test_only_those_that_fill_by_themselves_have_a_history() -> None:
    now, before = rows(), rows(as_it_was=True)
    assert {name for name in now if now[name] != before[name]} == {FILLED, WEEKLY, ARCHIVE}
    assert all(now[name].auto_backfill and not before[name].auto_backfill for name in (FILLED, WEEKLY, ARCHIVE))
    assert now[FILLED].definition_version != before[FILLED].definition_version
    assert now[FILLED].auto_backfill_from == NOW.date() - timedelta(days=7)


@pytest.mark.parametrize("now", [NOW + timedelta(days=number) for number in range(7)])
def test_the_week_of_the_newest_monday_is_within_reach_on_every_day(now: datetime) -> None:
    day = now.date()
    monday = day - timedelta(days=day.weekday())
    first = {one.pipeline_id: one for one in read_manifest(manifest(now)).pipelines}[WEEKLY].auto_backfill_from
    assert first is not None
    assert first <= monday - timedelta(days=7)


def test_the_deadline_that_comes_too_early_is_one_of_the_pipelines_own_zone() -> None:
    late = rows()[LATE]
    assert late.sla_time == time(1, 0, 30)
    assert NOW + timedelta(seconds=40) == datetime(2026, 11, 29, 1, 0, 30, tzinfo=ZoneInfo(late.timezone))
