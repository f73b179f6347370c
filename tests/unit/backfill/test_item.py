"""What becomes of an item whose run has failed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from airflow_backfill_provider.backfill.item import Failure, GiveUp, Item, TryAgain, after_failure
from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.backfill.status import ItemStatus

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WAITS = RetrySchedule.parse("5m, 1h")


def item(submissions: int = 0) -> Item:
    return Item(
        backfill_id="1",
        pipeline_id="orders",
        run_date=date(2026, 11, 24),
        status=ItemStatus.IN_PROGRESS,
        priority=0,
        requested_at=NOW,
        submissions=submissions,
    )


def failure(submissions: int = 1, batch_size: int = 1, fatal: bool = False) -> Failure:
    return Failure(batch_size=batch_size, submissions=submissions, fatal=fatal, at=NOW)


def test_it_is_tried_again_after_the_wait_of_the_schedule() -> None:
    first = after_failure(item(), failure(), WAITS, 3)
    assert isinstance(first, TryAgain)
    assert (first.not_before, first.submissions) == (NOW + timedelta(minutes=5), 1)
    second = after_failure(item(1), failure(), WAITS, 3)
    assert isinstance(second, TryAgain)
    assert second.not_before == NOW + timedelta(hours=1)


def test_attempts_are_spent_with_the_submissions_of_all_its_runs() -> None:
    """N resubmissions: with three, the fourth submission is the last one, whoever made it."""
    assert isinstance(after_failure(item(2), failure(), WAITS, 3), TryAgain)
    assert after_failure(item(3), failure(), WAITS, 3) == GiveUp(4, "4 submission(s), attempts are spent")
    assert isinstance(after_failure(item(), failure(4), WAITS, 3), GiveUp)


def test_a_run_that_died_before_it_submitted_does_not_repeat_for_ever() -> None:
    assert isinstance(after_failure(item(3), failure(0), WAITS, 3), GiveUp)


def test_no_retry_without_retries_or_when_it_cannot_help() -> None:
    assert isinstance(after_failure(item(), failure(), None, 3), GiveUp)
    assert isinstance(after_failure(item(), failure(fatal=True, batch_size=8), WAITS, 3), GiveUp)


def test_a_batch_is_run_again_in_halves_at_once_and_spends_nothing() -> None:
    for size, half in ((8, 4), (5, 3), (2, 1)):
        found = after_failure(item(), failure(batch_size=size), WAITS, 3)
        assert isinstance(found, TryAgain)
        assert (found.batch_limit, found.not_before, found.submissions) == (half, NOW, 0)
