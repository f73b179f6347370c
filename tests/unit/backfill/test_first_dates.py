"""Which dates start when only the first few of a request are to."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_backfill_provider.backfill.first_dates import Line, first_dates

D = [date(2026, 1, day) for day in range(1, 9)]


def told(lines: dict[str, Line], most: int, *, newest_first: bool = False) -> list[str]:
    return sorted(f"{name}{day.day}" for name, day in first_dates(lines, most, newest_first=newest_first))


@pytest.mark.parametrize(
    ("offset", "own", "newest_first", "most", "first"),
    [
        (1, D[0:3], False, 1, ["a2"]),
        (1, D[0:3], False, 3, ["a2", "a3", "b1"]),
        (0, D[1:4], False, 3, ["a2", "a3", "b2"]),
        (-1, D[2:5], True, 1, ["a4"]),
        (-1, D[2:5], True, 3, ["a3", "a4", "b5"]),
        (0, D[1:4], False, 99, ["a2", "a3", "a4", "b2", "b3", "b4"]),
    ],
)
def test_a_date_counts_only_with_what_it_waits_for(
    offset: int, own: list[date], newest_first: bool, most: int, first: list[str]
) -> None:
    lines = {"b": Line(dates=own, needs=[("a", offset)]), "a": Line(dates=D[1:4])}
    assert told(lines, most, newest_first=newest_first) == first


def test_what_is_not_part_of_the_request_is_not_waited_for() -> None:
    assert told({"b": Line(dates=D[:2], needs=[("a", 0), ("b", -1)])}, 1) == ["b1"]


@pytest.mark.parametrize("line", [Line(dates=D[:4], in_order=True), Line(dates=D[:4], needs=[("s", -1)])])
def test_what_runs_oldest_first_starts_with_its_oldest_dates_also_newest_first(line: Line) -> None:
    assert told({"s": line}, 2, newest_first=True) == ["s1", "s2"]


def test_a_pipeline_that_runs_in_order_comes_as_early_as_the_others() -> None:
    lines = {"s": Line(dates=D[:4], in_order=True), "p": Line(dates=D[:4])}
    assert told(lines, 4, newest_first=True) == ["p3", "p4", "s1", "s2"]


def test_a_pipeline_that_runs_in_order_skips_no_date_that_waits() -> None:
    lines = {"s": Line(dates=D[:2], needs=[("a", 6)], in_order=True), "a": Line(dates=D[6:7])}
    assert told(lines, 2) == ["a7", "s1"]


def test_dates_that_wait_for_each_other_in_a_circle_are_never_first() -> None:
    lines = {"a": Line(dates=D[:1], needs=[("b", 0)]), "b": Line(dates=D[:2], needs=[("a", 0)])}
    assert told(lines, 3) == ["b2"]
