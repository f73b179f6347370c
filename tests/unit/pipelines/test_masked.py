"""What looks like a secret is not shown, and comes back when it is handed in as it was shown."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.pipelines.masked import half_hidden, masked, unmasked

STORED: dict[str, Any] = {
    "owner": "ann",
    "max_retry_attempts": 3,
    "trigger_url": "https://ann:s3cr3t@jobs.example/x",
    "platform_job_id": "call load(password => 's3cr3t')",
    "parameters": [
        {"name": "country", "value": "de"},
        {"name": "api_key", "value": "s3cr3t"},
        {"name": "token", "value": "{{ var.token }}"},
    ],
    "quality_checks": [{"check_name": "one", "check_type": "custom_sql", "sql": "select f('token=s3cr3t')", "min": 1}],
    "tags": ["sales"],
}


def test_secrets_are_hidden_and_nothing_else() -> None:
    shown = masked(STORED)
    assert "s3cr3t" not in str(shown)
    assert shown["parameters"] == [
        {"name": "country", "value": "de"},
        {"name": "api_key", "value": "***"},
        {"name": "token", "value": "{{ var.token }}"},
    ]
    assert {name: shown[name] for name in ("owner", "max_retry_attempts", "tags")} == {
        name: STORED[name] for name in ("owner", "max_retry_attempts", "tags")
    }


def test_what_was_shown_means_what_is_stored() -> None:
    assert unmasked(masked(STORED), STORED) == STORED


def test_an_entry_beside_a_secret_may_change() -> None:
    shown = masked(STORED)
    shown["parameters"] = [{"name": "a", "value": "b"}, *shown["parameters"][1:]]
    shown["quality_checks"] = [shown["quality_checks"][0] | {"min": 2}]
    found = unmasked(shown, STORED)
    assert found["parameters"] == [{"name": "a", "value": "b"}, *STORED["parameters"][1:]]
    assert found["quality_checks"] == [STORED["quality_checks"][0] | {"min": 2}]
    assert half_hidden(found, STORED) == []


@pytest.mark.parametrize(
    "given",
    [
        {"trigger_url": "https://***@other.example/x"},
        {"parameters": [{"name": "renamed_key", "value": "***"}]},
        {"platform_job_id": "call load2(password => '***')"},
    ],
)
def test_a_secret_that_would_be_lost_is_a_flaw_of_its_column(given: dict[str, Any]) -> None:
    found = unmasked(given, STORED)
    assert [flaw.path for flaw in half_hidden(found, STORED)] == [(next(iter(given)),)]


def test_stars_that_hide_nothing_are_stars() -> None:
    given = {"owner": "***", "parameters": [{"name": "cron", "value": "***"}]}
    assert half_hidden(unmasked(given, {"owner": "ann", "parameters": []}), {"owner": "ann", "parameters": []}) == []
