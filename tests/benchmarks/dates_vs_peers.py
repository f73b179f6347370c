"""How fast run dates and ticks are, beside python-dateutil's rrule and croniter.

Run as a script. Every line is the median of five runs over the same sixty years, with the spread, the rate, and the
ratio to each peer, measured in turns in one process, in CPU time so that a busy machine disturbs less. Before anything
is timed, all sides must give equal output. ``zoned`` is ticks in Europe/Berlin beside rrule's
times read in that zone; it is printed and has no goal.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter
from dateutil.rrule import rrulestr

from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec

FIRST, LAST = date(1996, 1, 1), date(2055, 12, 31)  # a leap year that begins on a Monday
START = datetime(1996, 1, 1)  # noqa: DTZ001 - the peers work on naive times
END = datetime(2056, 1, 1) - timedelta(seconds=1)  # noqa: DTZ001
BERLIN = ZoneInfo("Europe/Berlin")
ROUNDS = 5
GOALS = {"rrule": 10, "croniter": 100}
PEERS = {"dates": GOALS, "ticks": GOALS, "zoned": {"zoned rrule": 0}}


@dataclass(frozen=True)
class Case:
    schedule_type: str
    frequency: str
    rrule: str
    cron: str | None = None
    offset: int = 0


CASES = (
    Case("daily", "every 1 day", "FREQ=DAILY", "0 0 * * *"),
    Case("daily", "every 3 days", "FREQ=DAILY;INTERVAL=3"),
    Case("daily", "weekdays", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "0 0 * * 1-5"),
    Case("daily", "business days", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "0 0 * * 1-5"),
    Case("daily", "at 06:30", "FREQ=DAILY;BYHOUR=6;BYMINUTE=30", "30 6 * * *", offset=-1),
    Case("weekly", "every 1 week", "FREQ=WEEKLY;BYDAY=MO", "0 0 * * 1"),
    Case("weekly", "mon,thu", "FREQ=WEEKLY;BYDAY=MO,TH", "0 0 * * 1,4"),
    Case("weekly", "every 2 weeks on mon-wed", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE"),
    Case("monthly", "every 1 month", "FREQ=MONTHLY;BYMONTHDAY=1", "0 0 1 * *"),
    Case("monthly", "on 1,15,last", "FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "0 0 1,15,L * *"),
    Case("monthly", "on 31", "FREQ=MONTHLY;BYMONTHDAY=31", "0 0 31 * *"),
    Case("monthly", "first friday", "FREQ=MONTHLY;BYDAY=1FR", "0 0 * * 5#1"),
    Case("monthly", "last friday", "FREQ=MONTHLY;BYDAY=-1FR", "0 0 * * L5"),
    Case("monthly", "last business day", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    Case("monthly", "3rd business day", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=3"),
    Case("monthly", "every 3 months on -2", "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=-2"),
    Case("quarterly", "every 1 quarter", "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYMONTHDAY=1", "0 0 1 1,4,7,10 *"),
    Case("quarterly", "last", "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1", "0 0 L 3,6,9,12 *"),
    Case("yearly", "on 1 feb", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=1", "0 0 1 2 *"),
    Case("yearly", "every 4 years on 29 feb", "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29"),
    Case("yearly", "last business day", "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
)


def schedule_of(case: Case, timezone: str) -> Schedule:
    return Schedule.parse(
        ScheduleSpec(
            schedule_type=case.schedule_type,
            frequency=case.frequency,
            date_offset=case.offset,
            timezone=timezone,
            start_date=FIRST + timedelta(days=case.offset),
        )
    )


def by_rrule(case: Case) -> list[datetime]:
    # The peer has no offset: it makes the ticks, and the day before is then one subtraction that is not timed.
    return list(rrulestr(f"{case.rrule};UNTIL={LAST:%Y%m%d}T235959", dtstart=START))


def by_rrule_in_berlin(case: Case) -> list[datetime]:
    return [tick.replace(tzinfo=BERLIN).astimezone(UTC) for tick in by_rrule(case)]


def by_croniter(case: Case) -> list[datetime]:
    assert case.cron is not None
    found, steps = [], croniter(case.cron, START - timedelta(seconds=1), ret_type=datetime)
    while (tick := steps.get_next()) <= END:
        found.append(tick)
    return found


def check_equal(case: Case) -> None:
    """All sides give the same ticks and the same dates."""
    schedule, wanted = schedule_of(case, "UTC"), by_rrule(case)
    ticks = schedule.ticks(START.replace(tzinfo=UTC) - timedelta(seconds=1), END.replace(tzinfo=UTC))
    assert [tick.replace(tzinfo=None) for tick in ticks] == wanted, case
    dates = schedule.run_dates(FIRST + timedelta(days=case.offset), LAST + timedelta(days=case.offset))
    assert dates == [(tick + timedelta(days=case.offset)).date() for tick in wanted], case
    begin, end = datetime(1995, 12, 31, 23, tzinfo=BERLIN), END.replace(tzinfo=BERLIN)
    assert schedule_of(case, "Europe/Berlin").ticks(begin, end) == by_rrule_in_berlin(case), case
    if case.cron is not None:
        assert by_croniter(case) == wanted, case


def seconds(work: Callable[[], object], least: float = 0.02) -> float:
    """The CPU time of one run of ``work``, over as many runs as fill ``least`` seconds."""
    runs, spent = 0, 0.0
    while runs == 0 or spent < least:
        began = time.process_time()
        work()
        spent += time.process_time() - began
        runs += 1
    return spent / runs


def measure(case: Case) -> bool:
    check_equal(case)
    first, last = FIRST + timedelta(days=case.offset), LAST + timedelta(days=case.offset)
    begin, end = START.replace(tzinfo=UTC) - timedelta(seconds=1), END.replace(tzinfo=UTC)
    utc, berlin = schedule_of(case, "UTC"), schedule_of(case, "Europe/Berlin")
    works: dict[str, Callable[[], object]] = {
        "dates": lambda: utc.run_dates(first, last),
        "ticks": lambda: utc.ticks(begin, end),
        "zoned": lambda: berlin.ticks(begin, end),
        "rrule": lambda: by_rrule(case),
        "zoned rrule": lambda: by_rrule_in_berlin(case),
    }
    if case.cron is not None:
        works["croniter"] = lambda: by_croniter(case)
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            times[name].append(seconds(work, 0.0 if name == "croniter" else 0.02))
    return report(case, len(by_rrule(case)), times)


def report(case: Case, count: int, times: dict[str, list[float]]) -> bool:
    """Print the medians; whether dates and ticks reach both goals."""
    median = {name: statistics.median(values) for name, values in times.items()}
    fine = True
    print(f"{case.schedule_type} '{case.frequency}' ({count} ticks)")
    for name, seconds_taken in median.items():
        spread = (max(times[name]) - min(times[name])) / seconds_taken
        line = f"  {name:12} {count / seconds_taken / 1000:8.0f} thousand/s  spread {spread:5.0%}"
        for peer, least in PEERS.get(name, {}).items():
            if peer in median:
                ratio = median[peer] / seconds_taken
                fine &= ratio >= least
                line += f"  {ratio:6.1f} x {peer}"
        print(line)
    return fine


if __name__ == "__main__":
    missed = [case for case in CASES if not measure(case)]
    reached = f"{len(CASES) - len(missed)} of {len(CASES)} rules"
    print(f"{reached} reach 10 x rrule and 100 x croniter, in dates and in ticks")
    for case in missed:
        print(f"  missed: {case.schedule_type} '{case.frequency}'")
    sys.exit(1 if missed else 0)
