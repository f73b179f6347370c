"""What is allowed in a schedule and yet worth a second look."""

from __future__ import annotations

from datetime import date

from airflow_backfill_provider.dates.frequency import MONTHS_IN, Frequency, written_place
from airflow_backfill_provider.dates.plan import Plan
from airflow_backfill_provider.dates.recurrence import Place
from airflow_backfill_provider.dates.spec import ScheduleSpec

_SHORTEST = {1: 28, 3: 90, 12: 365}
_SHORTEST_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LOOK_AT = 4 * 366
"""Days that are looked at for dates picked twice or never: they hold a leap year."""


def warnings(spec: ScheduleSpec, frequency: Frequency, plan: Plan) -> tuple[str, ...]:
    """Sentences for a person, most important first."""
    if spec.schedule_type == "manual":
        return ()
    found = [_missing_day(frequency, place) for place in frequency.places if frequency.skip == "omit"]
    found += [_quarter_months(frequency), _unused_calendar(spec, frequency), *_coverage(plan)]
    return tuple(text for text in found if text)


def _missing_day(frequency: Frequency, place: Place) -> str:
    months = MONTHS_IN[frequency.schedule_type]
    shortest = _SHORTEST[months]
    if place.month is not None:
        shortest = min(_SHORTEST_MONTH[place.month :: months])
    if place.unit != "day" or abs(place.number) <= shortest:
        return ""
    period = {1: "months", 3: "quarters", 12: "years"}[months]
    last = written_place(Place(-1, "day", place.month))
    return (
        f"'{written_place(place)}' leaves out the {period} that have no such day; "
        f"'{last}' is the last day of every one, and 'skip backward' or 'skip forward' moves to the nearest"
    )


def _quarter_months(frequency: Frequency) -> str:
    if frequency.schedule_type != "quarterly":
        return ""
    named = [place for place in frequency.places if place.month is not None]
    if not named:
        return ""
    text = written_place(named[0])
    same = ", ".join(_months_like(named[0]))
    return f"'{text}' means that month of every quarter: {same}; for once a year use yearly"


def _months_like(place: Place) -> list[str]:
    assert place.month is not None, "only called for places with a month"
    return [written_place(Place(place.number, place.unit, month)) for month in range(place.month, 12, 3)]


def _unused_calendar(spec: ScheduleSpec, frequency: Frequency) -> str:
    counts = frequency.only == "business day" or any(place.unit == "business day" for place in frequency.places)
    if not spec.calendar or counts or spec.calendar_roll or spec.date_offset_unit == "business_day":
        return ""
    return f"calendar '{spec.calendar}' has no effect: nothing counts business days and calendar_roll is not set"


def _coverage(plan: Plan) -> list[str]:
    """One example each of a date that two ticks pick and of one that no tick picks between two that do."""
    begin = max(plan.first_day, date(2024, 1, 1).toordinal()) if plan.first_day < plan.last_day else plan.first_day
    days = plan.days(begin, min(begin + _LOOK_AT, plan.last_day))
    if not days:
        return ["no tick has a run date between start_date and end_date"] if plan.last_day < begin + _LOOK_AT else []
    bounds = [plan.bounds(day) for day in days]
    pairs = list(zip(zip(days, bounds, strict=True), list(zip(days, bounds, strict=True))[1:], strict=False))
    twice = next(((one, other) for one, other in pairs if other[1][0] <= one[1][1]), None)
    found = []
    if twice:
        (one, _), (other, (low, _)) = twice
        found.append(
            f"several ticks pick the same date: {_text(low)} is picked on {_text(one)} and again on {_text(other)}; "
            "it belongs to the first and is processed again by each later one"
        )
    gap = next(((one, other) for one, other in pairs if other[1][0] > one[1][1] + 1), None)
    if gap and _meant_to_cover(plan):
        (one, (_, high)), (other, _) = gap
        found.append(
            f"some dates can never be picked: {_text(high + 1)} lies between what {_text(one)} and {_text(other)} pick"
        )
    return found


def _meant_to_cover(plan: Plan) -> bool:
    """Whether gaps are a surprise: a window of several days, or an offset that jumps."""
    return plan.run_dates.window != 1 or (plan.run_dates.unit == "month" and len(plan.days(738_000, 738_030)) > 20)


def _text(day: int) -> str:
    return date.fromordinal(day).isoformat()
