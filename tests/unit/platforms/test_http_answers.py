from __future__ import annotations

import pytest

from airflow_backfill_provider.platforms.base import ExternalStatus
from airflow_backfill_provider.platforms.http_answers import Vocabulary, run_id_in

RUNNING, SUCCESS, FAILED = ExternalStatus.RUNNING, ExternalStatus.SUCCESS, ExternalStatus.FAILED


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"state": "SUCCESS"}, SUCCESS),
        ({"status": " Completed "}, SUCCESS),
        ({"state": "failed"}, FAILED),
        ({"state": "Cancelled"}, ExternalStatus.CANCELLED),
        ({"state": "pending"}, RUNNING),
        ({"state": "teleporting"}, RUNNING),
        ({"state": 200}, RUNNING),
        ({}, RUNNING),
        (["success"], RUNNING),
        (None, RUNNING),
    ],
)
def test_words_of_a_state(answer: object, status: ExternalStatus) -> None:
    assert Vocabulary.from_options({}).observation(answer, None).status is status


def test_an_endpoint_may_use_its_own_words_and_places() -> None:
    options = {
        "success_values": "GOOD, fine",
        "failure_values": "bad",
        "state_field": "data.run.phase",
        "run_id_field": "data.run.number",
    }
    vocabulary = Vocabulary.from_options(options)
    answer = {"state": "success", "data": {"run": {"phase": "Fine", "number": 12}}}
    assert vocabulary.observation(answer, None).status is SUCCESS
    assert run_id_in(answer, vocabulary) == "12"
    assert vocabulary.observation({"data": {"run": {"phase": "success"}}}, None).status is RUNNING


def test_a_failure_is_told_in_the_endpoints_words() -> None:
    seen = Vocabulary.from_options({}).observation({"state": "error", "message": "disk full"}, "https://x/1")
    assert (seen.message, seen.vendor_state, seen.url) == ("disk full", "error", "https://x/1")
