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
    ("failure", "gone"),
    [
        (Failure(404, "Not found", True), True),
        (Failure(410, "Gone", True), True),
        (Failure(400, "HTTP 400: INVALID_PARAMETER_VALUE: Run 7 does not exist.", True), True),
        (Failure(400, "HTTP 400: bad gateway configuration", True), False),  # says nothing of the run
        (Failure(405, "Method not allowed", True), False),
        (Failure(404, "connection databricks_default is not defined", False), False),  # nobody was asked
        (Failure(503, "does not exist", True), False),
    ],
)
def test_only_who_was_asked_and_says_so_does_not_know_a_run(failure: Failure, gone: bool) -> None:
    assert failure.gone is gone


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


@pytest.mark.parametrize(
    ("failure", "divisible"),
    [
        (Failure(422, "HTTP 422: no data on 2026-02-28", True), True),
        (Failure(413, "HTTP 413: too large", True), True),
        (Failure(400, "HTTP 400: Job 7 does not exist.", True), False),
        (Failure(400, "the connection has no host", False), False),
        (Failure(403, "HTTP 403: no permission", True), False),
        (Failure(None, "lost", True), False),
    ],
)
def test_a_part_of_what_was_refused_may_do_when_the_refusal_is_of_what_was_sent(
    failure: Failure, divisible: bool
) -> None:
    assert failure.divisible is divisible
