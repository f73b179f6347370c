"""Which ticks were lost."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from airflow_backfill_provider.backfill.heal import Tick, lost

D21, D22, D23, D24 = (date(2026, 11, day) for day in (21, 22, 23, 24))
T23, T24 = (datetime(2026, 11, day, 5, tzinfo=UTC) for day in (23, 24))


@pytest.mark.parametrize(
    ("ticks", "touched", "wanted", "why"),
    [
        ([Tick(T24, (D24,), False)], {}, [(D24, "missing")], "nobody ran it"),
        ([Tick(T24, (D24,), False)], {D24: T24}, [], "its run began at the tick"),
        ([Tick(T24, (D24,), False)], {D24: T23}, [(D24, "missing")], "what ran before the tick was another run"),
        ([Tick(T24, (D22, D23, D24), False)], {D24: T24}, [(D22, "window"), (D23, "window")], "only the newest ran"),
        ([Tick(T24, (D22, D23, D24), True)], dict.fromkeys((D22, D23, D24), T24), [], "one run carries them all"),
        ([Tick(T24, (D23, D24), True)], {}, [(D23, "missing"), (D24, "missing")], "that one run was lost"),
        ([Tick(T23, (D23,), False), Tick(T24, (D23, D24), False)], {D24: T24}, [(D23, "window")], "each date once"),
    ],
)
def test_lost(ticks: list[Tick], touched: dict[date, datetime], wanted: list[tuple[date, str]], why: str) -> None:
    assert lost(ticks, touched) == wanted, why


@pytest.mark.parametrize(("new", "wanted"), [(True, []), (False, [(D24, "missing")])])
def test_what_was_done_before_its_first_tick_is_not_missing(new: bool, wanted: list[tuple[date, str]]) -> None:
    """An offset was changed, say. But a tick that picks a date again wants it anew."""
    tick = Tick(T24, (D24,), False, frozenset({D24} if new else ()))
    assert lost([tick], {D24: T23}, {D24}) == wanted
