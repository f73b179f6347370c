"""The sample's rows, as they are and as they were before they filled by themselves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_backfill_provider.demo.sample import FILLED, WEEKLY, manifest
from airflow_backfill_provider.pipelines.manifest import read_manifest
from airflow_backfill_provider.pipelines.pipeline import Pipeline

TODAY = date(2026, 11, 28)


def rows(**more: bool) -> dict[str, Pipeline]:
    return {one.pipeline_id: one for one in read_manifest(manifest(TODAY, **more)).pipelines}


def test_only_the_two_that_fill_by_themselves_have_a_history() -> None:
    now, before = rows(), rows(as_it_was=True)
    assert {name for name in now if now[name] != before[name]} == {FILLED, WEEKLY}
    assert all(now[name].auto_backfill and not before[name].auto_backfill for name in (FILLED, WEEKLY))
    assert now[FILLED].definition_version != before[FILLED].definition_version
    assert now[FILLED].auto_backfill_from == TODAY - timedelta(days=7)


@pytest.mark.parametrize("day", [TODAY + timedelta(days=number) for number in range(7)])
def test_the_week_of_the_newest_monday_is_within_reach_on_every_day(day: date) -> None:
    monday = day - timedelta(days=day.weekday())
    first = {one.pipeline_id: one for one in read_manifest(manifest(day)).pipelines}[WEEKLY].auto_backfill_from
    assert first is not None
    assert first <= monday - timedelta(days=7)
