"""The walk from dates to those that wait for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from airflow_backfill_provider.backfill.downstream import reached

D = [date(2026, 1, day) for day in range(1, 9)]


def any_day(name: str, days: Collection[date]) -> set[date]:
    return {day for day in days if D[0] <= day <= D[-1]}


def test_what_waits_for_what_waits_is_reached_with_the_upstream_that_led_there() -> None:
    waiting = {"a": [("b", -1)], "b": [("c", 0)]}
    assert reached({"a": D[:2]}, waiting, any_day) == {"b": {D[1]: "a", D[2]: "a"}, "c": {D[1]: "b", D[2]: "b"}}


def test_a_day_that_a_pipeline_cannot_run_ends_the_walk() -> None:
    waiting = {"a": [("b", 0)], "b": [("c", 0)]}
    assert reached({"a": D[:3]}, waiting, lambda name, days: set(days) - {D[1]}) == {
        "b": {D[0]: "a", D[2]: "a"},
        "c": {D[0]: "b", D[2]: "b"},
    }


def test_nothing_is_reached_through_a_pipeline_that_does_nothing_anew() -> None:
    waiting = {"a": [("off", 0)], "off": [("c", 0)]}
    assert reached({"a": D[:1]}, waiting, any_day, ends={"off"}) == {"off": {D[0]: "a"}}


def test_what_is_there_already_is_not_reached_again() -> None:
    waiting = {"a": [("b", 0), ("c", 0)], "b": [("c", 0), ("a", -1)]}
    assert reached({"a": D, "b": D[:3]}, waiting, any_day) == {
        "b": dict.fromkeys(D[3:], "a"),
        "c": dict.fromkeys(D, "a"),
    }


def test_each_date_of_a_chain_is_looked_at_once() -> None:
    asked: list[date] = []

    def noted(name: str, days: Collection[date]) -> set[date]:
        asked.extend(days)
        return any_day(name, days)

    assert list(reached({"a": D[:1]}, {"a": [("a", -1)]}, noted)["a"]) == D[1:]
    assert len(asked) == len(D)
