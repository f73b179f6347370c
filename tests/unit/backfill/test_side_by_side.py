"""Many pipelines in one bitmap come to what each comes to by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from random import Random

import pytest

from airflow_backfill_provider.backfill.coverage import (
    YEAR_BYTES,
    Covered,
    YearBits,
    YearKey,
    covered,
    span_bits,
    to_bytes,
)
from airflow_backfill_provider.backfill.owed import DateStatus
from airflow_backfill_provider.backfill.side_by_side import (
    Asked,
    KeptLanes,
    Order,
    YearPart,
    busy_of,
    covered_of,
    surveyed,
    width_of,
    year_parts,
)
from airflow_backfill_provider.backfill.survey import survey
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.dates.spec import ScheduleSpec

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NAMES = [f"p{n}" for n in range(7)]
RANGES = [
    (date(2026, 11, 28), date(2026, 11, 28)),
    (date(2026, 11, 1), date(2026, 11, 30)),
    (date(2026, 1, 1), date(2026, 12, 31)),
    (date(2024, 1, 1), date(2024, 12, 31)),
    (date(2025, 12, 31), date(2026, 1, 1)),
    (date(2025, 6, 5), date(2026, 6, 5)),
    (date(2024, 12, 28), date(2026, 1, 9)),
]
Kept = Mapping[YearKey, YearBits]


def some_years(random: Random, versions: tuple[str, ...]) -> Kept:
    """What might be kept: for each pipeline, year and version other dates; of one pipeline nothing."""
    found: dict[YearKey, YearBits] = {}
    for name in NAMES[1:]:
        for year in (2024, 2025, 2026):
            left = span_bits(0, 366 if year == 2024 else 365)
            for version in random.sample(versions, len(versions)):
                success, failed = random.getrandbits(366) & left, random.getrandbits(366) & left
                left &= ~(success | failed)
                found[YearKey(name, year, version)] = YearBits(
                    success, failed & ~success, success & random.getrandbits(366)
                )
    return found


def lanes(kept: Kept, first: date, last: date) -> list[tuple[YearPart, KeptLanes]]:
    """As the store tells of it: the bytes of each part, by id and version."""
    found = []
    for part in year_parts(first, last):
        keys = sorted(key for key in kept if key.year == part.year)
        cut = slice(part.skipped, part.skipped + part.length)
        bits = (
            b"".join((to_bytes(kept[key][n]) or bytes(YEAR_BYTES))[cut] for key in keys)
            for n in range(len(YearBits._fields))
        )
        found.append((part, KeptLanes([key.pipeline_id for key in keys], [key.version for key in keys], *bits)))
    return found


def daily(names: list[str]) -> Order:
    asked = Asked(Schedule(ScheduleSpec(schedule_type="daily", start_date=date(2024, 1, 1))), None, None)
    return Order((name, "v1", asked) for name in names)


@pytest.mark.parametrize(("first", "last"), RANGES)
@pytest.mark.parametrize("versions", [("v1",), ("v1", "v2", "")])
@pytest.mark.parametrize("names", [NAMES, NAMES[1:], ["p3", "unheard of"], []])
def test_side_by_side_each_pipeline_stands_as_by_itself(
    first: date, last: date, versions: tuple[str, ...], names: list[str]
) -> None:
    random = Random(f"{first} {versions}")
    kept = some_years(random, versions)
    rows = [(*key, *map(to_bytes, bits)) for key, bits in kept.items() if first.year <= key.year <= last.year]
    alone = covered(rows, dict.fromkeys(names, "v1"), first.toordinal())
    order = daily(names)
    at_work = [
        (date.fromordinal(random.randint(first.toordinal(), last.toordinal())), n % 2 == 0, NAMES[n:]) for n in range(4)
    ]
    known = covered_of(order, width_of(first, last), lanes(kept, first, last))
    found = surveyed(order, first, last, NOW, known, busy_of(order, first, last, at_work))
    each = found.rows(found.order.names)
    owed = dict(zip(order.names, found.of_each(found.survey.owed), strict=True))
    for name in names:
        running, queued = (
            sum({1 << (day - first).days for day, waits, theirs in at_work if name in theirs and waits is which})
            for which in (False, True)
        )
        schedule = Schedule(ScheduleSpec(schedule_type="daily", start_date=date(2024, 1, 1)))
        its = survey(schedule, None, first, last, NOW, known=alone.get(name, Covered()), running=running, queued=queued)
        told, late = each[name]
        assert ({status: told.bits.get(status, 0) for status in its.bits}, told.unmet) == (its.bits, its.unmet)
        assert (owed[name], late) == (its.owed.bit_count(), 0)
    assert found.survey.counts().get(DateStatus.EXCLUDED, 0) == 0
