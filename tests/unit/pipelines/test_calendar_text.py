"""A calendar's text that is no calendar: every problem with its line."""

from __future__ import annotations

import pytest

from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.calendar_text import read_calendar_csv


@pytest.mark.parametrize("text", ["", "\n\n", "  \n"])
def test_a_file_without_any_line_is_refused_because_it_would_take_every_day_away(text: str) -> None:
    with pytest.raises(InvalidRequest, match="calendar 'plant': the file has no line; expected day, is_open, day_name"):
        read_calendar_csv("plant", text)


def test_a_file_of_nothing_but_its_header_is_a_calendar_of_its_weekend() -> None:
    assert read_calendar_csv("plant", "day,is_open,day_name\n").calendar.closed == frozenset()


def test_a_field_that_is_too_long_for_csv_is_refused_with_its_line() -> None:
    text = f"day,is_open,day_name\n2026-12-24,no,Eve\n2026-12-25,no,{'x' * 131_073}\n"
    with pytest.raises(InvalidRequest) as refused:
        read_calendar_csv("plant", text)
    (problem,) = refused.value.problems
    assert str(problem).startswith("line 3: calendar 'plant': not CSV: field larger than field limit (131072)")
