"""What is taken out of a vendor's words, and what stays."""

from __future__ import annotations

import pytest

from airflow_backfill_provider.pipelines.scrub import LONGEST, scrub

SECRET = "s3cr3tvalue"


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://bob:{SECRET}@host/x failed",
        f"POST https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"http://127.0.0.1:8080/services/T0/B0/{SECRET}",
        f"https://prod-1.westeurope.logic.azure.com:443/workflows/abc?sig={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f"xoxb-{SECRET}",
        f"password={SECRET}&user=bob",
        f"call load(password => '{SECRET}')",
        f'{{"routing_key": "{SECRET}", "event": 1}}',
        f"api-key: {SECRET}",
        f"AZURE_CLIENT_SECRET = {SECRET}",
    ],
)
def test_secrets_go(text: str) -> None:
    assert SECRET not in scrub(text)
    assert "***" in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "Table orders has 0 rows; expected 1 or more",
        "https://dbc.cloud.databricks.com/?o=1#job/1/run/2",
        "the token has expired",
        "SQL compilation error: invalid identifier 'PASSWORD_HASH'",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert scrub(text) == text


def test_a_page_is_cut() -> None:
    assert len(scrub("x" * 10_000)) == LONGEST
