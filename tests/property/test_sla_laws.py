"""Laws of promises that hold for every schedule, zone and history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from airflow_backfill_provider.backfill.promise import promises
from airflow_backfill_provider.backfill.sla import Attempt, Deadline, Seen, SlaStatus, Verdict, decide, first_look
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.pipelines.pipeline import parse_pipeline

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
FREQUENCIES = [
    ("daily", "at 02:30"), ("daily", "weekdays at 23:45"), ("weekly", "on mon,thu at 00:15"), ("monthly", "last"),
    ("cron", "30 1 * * *"),
]  # fmt: skip
DUE = datetime(2026, 1, 9, 8, tzinfo=UTC)
ROW = Deadline(pipeline_id="p", run_date=DUE.date(), tick_at=DUE - timedelta(hours=3), deadline_at=DUE,
               urgent_at=DUE - timedelta(hours=1))  # fmt: skip
GRACE = timedelta(minutes=5)

instants = st.datetimes(datetime(2026, 1, 8), datetime(2026, 1, 10), timezones=st.just(UTC))  # noqa: DTZ001
ended = st.builds(
    Attempt,
    run_id=st.just("r"),
    status=st.sampled_from([RecordStatus.SUCCESS, RecordStatus.FAILED, RecordStatus.CANCELLED, RecordStatus.SKIPPED]),
    ended_at=instants,
)
warnings = st.none() | st.timedeltas(timedelta(minutes=1), timedelta(hours=6))
usuals = st.none() | st.timedeltas(timedelta(seconds=1), timedelta(hours=5))


@given(
    st.sampled_from(FREQUENCIES), st.sampled_from(ZONES), st.times().map(lambda at: at.replace(microsecond=0)),
    st.integers(1, 5), st.dates(date(2011, 1, 1), date(2027, 1, 1)), st.lists(st.integers(1, 40), min_size=1),
)  # fmt: skip
def test_however_the_time_is_cut_each_date_is_promised_once_by_its_first_tick(
    frequency: tuple[str, str], zone: str, sla_time: object, window: int, start: date, steps: list[int]
) -> None:
    row = {"pipeline_id": "p", "platform": "databricks", "platform_job_id": "1", "start_date": date(2010, 1, 1),
           "schedule_type": frequency[0], "frequency": frequency[1], "timezone": zone, "sla_time": sla_time,
           "date_window": str(window)}  # fmt: skip
    pipeline = parse_pipeline(row)
    schedule = pipeline.schedule()
    at = begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    found = []
    for step in steps:
        found += promises(pipeline, schedule, at, at + timedelta(hours=7 * step))
        at += timedelta(hours=7 * step)
    assert found == promises(pipeline, schedule, begin, at)
    assert len({one.run_date for one in found}) == len(found)
    for one in found[:20]:
        pick = schedule.pick_of(one.run_date)
        assert pick is not None
        assert pick.tick_at == one.tick_at
        assert one.tick_at < one.deadline_at <= one.tick_at + timedelta(days=2)


@given(st.lists(ended, max_size=4), instants, warnings, usuals)
def test_every_look_ends_or_names_a_later_one_and_none_passes_the_deadline(
    attempts: list[Attempt], now: datetime, warning: timedelta | None, usual: timedelta | None
) -> None:
    look = decide(ROW, Seen(attempts=attempts, usual=usual), warning, GRACE, now)
    if look.verdict in (Verdict.WAIT, Verdict.WARN):
        assert look.look_at is not None
        assert now < look.look_at <= ROW.deadline_at
    else:
        assert look.verdict in (Verdict.MET, Verdict.BREACH)
        assert look.look_at is None
    assert ROW.tick_at <= first_look(ROW, warning, GRACE) <= ROW.deadline_at


@given(st.lists(ended, max_size=4), st.lists(ended, max_size=4), instants)
def test_what_happens_after_the_deadline_changes_no_verdict(
    before: list[Attempt], after: list[Attempt], now: datetime
) -> None:
    """A backfill, a retry or a failure that comes later makes neither a breach look met nor the other way round."""
    late = [replace(one, ended_at=max(one.ended_at or DUE, DUE) + timedelta(seconds=1)) for one in after]
    in_time = [one for one in before if one.ended_at is not None and one.ended_at <= DUE]
    now = max(now, DUE)
    first = decide(ROW, Seen(attempts=in_time), None, GRACE, now)
    assert decide(ROW, Seen(attempts=[*in_time, *late]), None, GRACE, now).verdict is first.verdict
    breached = replace(ROW, status=SlaStatus.BREACHED)
    again = decide(breached, Seen(attempts=[*in_time, *late]), None, GRACE, now).verdict
    assert again in (Verdict.WAIT, Verdict.RECOVERY)
