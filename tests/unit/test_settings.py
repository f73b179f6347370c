"""Options of ``[backfill]`` that cannot be used: refused by name, in their own unit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_backfill_provider import settings
from airflow_backfill_provider.errors import ConfigError

pytestmark = pytest.mark.airflow

SECONDS = "a number of seconds, from 0 to 3155760000"
MINUTES = "a number of minutes, from 0 to 52596000"
HOURS = "a number of hours, from 0 to 876600"
COUNT = "a whole number, from 1 to 1000000"


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        *[("poll_seconds", text, SECONDS) for text in ("nan", "inf", "1e300", "-1", "soon", "3155760001")],
        *[("sla_urgent_minutes", text, MINUTES) for text in ("nan", "an hour")],
        *[("lost_tick_hours", text, HOURS) for text in ("inf", "876601")],
        *[("max_active_backfill_runs", text, COUNT) for text in ("0", "2.5", "1000001", "9" * 5000)],
    ],
)
def test_an_option_that_is_out_of_bounds_is_refused_in_its_own_unit(
    monkeypatch: pytest.MonkeyPatch, option: str, text: str, expected: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW__BACKFILL__{option.upper()}", text)
    with pytest.raises(ConfigError) as refused:
        settings.load()
    assert str(refused.value) == f"[backfill] {option} is {text!r}; expected {expected}"


def test_the_greatest_and_the_least_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__BACKFILL__LOST_TICK_HOURS", "876600")
    monkeypatch.setenv("AIRFLOW__BACKFILL__SLA_WARNING_MINUTES", "1.5")
    monkeypatch.setenv("AIRFLOW__BACKFILL__CONTROLLER_SECONDS", "0")
    read = settings.load()
    assert (read.lost_tick_age, read.sla_warning, read.controller_interval) == (
        timedelta(days=36_525),
        timedelta(seconds=90),
        timedelta(0),
    )
