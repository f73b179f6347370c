from __future__ import annotations

import pytest

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.failures import Asked, Failure, said_in, vendor_errors


@pytest.mark.parametrize(
    ("status", "sent", "submit", "poll", "lost"),
    [
        # what came back, whether it was sent, retry a submit?, a poll?, may the job run all the same?
        (400, True, False, False, False),
        (401, True, False, True, False),  # a token may be renewed while a run is followed
        (403, True, False, True, False),
        (404, True, False, False, False),
        (408, True, True, True, True),
        (409, True, False, False, False),
        (429, True, True, True, False),  # a clear refusal
        (500, True, True, True, True),
        (503, True, True, True, True),
        (200, True, True, True, True),  # an answer that could not be read
        (None, True, True, True, True),  # no answer
        (None, False, True, True, False),  # never connected
    ],
)
def test_what_an_answer_means(status: int | None, sent: bool, submit: bool, poll: bool, lost: bool) -> None:
    failure = Failure(status, "words", sent)
    assert failure.retryable(Asked.SUBMIT) is submit
    assert failure.retryable(Asked.POLL) is poll
    assert failure.lost is lost


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error_code": "INVALID", "message": "Job 7 does not exist."}', "INVALID: Job 7 does not exist."),
        ('{"status": {"code": 404, "user_message": "Not found"}, "data": null}', "Not found"),
        ('{"code": "390303", "message": "Invalid token"}', "390303: Invalid token"),
        ('{"error": {"message": "deep"}}', "deep"),
        ("<html>\n  <b>Bad</b>", "<html> <b>Bad</b>"),
        ("[1, 2]", "[1, 2]"),
        ("", ""),
    ],
)
def test_the_vendors_own_words(body: str, words: str) -> None:
    assert said_in(body) == words


def test_only_a_submit_can_have_started_a_job() -> None:
    for asked, accepted in ((Asked.SUBMIT, True), (Asked.LOOK, False), (Asked.POLL, False)):
        with (
            pytest.raises(PlatformError, match="it did not work: gone") as raised,
            vendor_errors("it did not work", asked),
        ):
            raise ConnectionResetError("gone")
        assert raised.value.retryable
        assert raised.value.accepted is accepted


def test_our_own_errors_pass_unchanged() -> None:
    ours = PlatformError("ours", retryable=False)
    with pytest.raises(PlatformError) as raised, vendor_errors("what", Asked.SUBMIT):
        raise ours
    assert raised.value is ours
