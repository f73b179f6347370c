"""Which pages may change something, and what is said of pipelines that somebody may not see."""

from __future__ import annotations

import pytest

from airflow_backfill_provider.api.hidden import without_hidden
from airflow_backfill_provider.api.origins import is_foreign


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        ("http://airflow.example", False),
        ("http://airflow.example:80", False),
        ("https://airflow.example", False),  # TLS ends at a proxy that keeps the host
        ("http://AIRFLOW.example", False),
        ("https://proxy.example:8443", False),
        ("http://airflow.example:8080", True),
        ("http://airflow.example.evil", True),
        ("http://evil.example", True),
        ("null", True),
        ("", True),
        ("file://", True),
        ("ftp://airflow.example", True),
    ],
)
def test_a_page_is_ours_when_it_has_our_host_and_port(origin: str, foreign: bool) -> None:
    assert is_foreign(origin, ("airflow.example", "proxy.example:8443")) is foreign


def test_nobody_is_ours_when_we_do_not_know_where_we_are() -> None:
    assert is_foreign("http://airflow.example", ("", ""))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("upstream orders re-ran at 2026-11-01 04:00 UTC", "upstream orders re-ran at 2026-11-01 04:00 UTC"),
        ("stale: upstream secret re-ran at 2026", "stale: upstream another pipeline re-ran at 2026"),
        (
            "it waits for upstream secret 2026-11-01, orders 2026-11-02 and 3 more",
            "it waits for upstream another pipeline 2026-11-01, orders 2026-11-02 and 3 more",
        ),
        ("for upstream secret 2026-11-01", "for upstream another pipeline 2026-11-01"),  # read after 'waits'
        ("for upstream secret 2026-11-01, which failed", "for upstream another pipeline 2026-11-01, which failed"),
        ("it waits for upstream orders 2026-11-01", "it waits for upstream orders 2026-11-01"),
        ("downstream of secret", "downstream of another pipeline"),
        ("downstream of reports", "downstream of reports"),
        (
            "waits for itself: orders → secret → orders; take",
            "waits for itself: orders → another pipeline → orders; take",
        ),
        ("waits for itself: secret → secret; take", "waits for itself: another pipeline → another pipeline; take"),
        ("the upstream system was down", "the upstream system was down"),
        ("due since 2026-11-01 04:00 UTC", "due since 2026-11-01 04:00 UTC"),
    ],
)
def test_a_reason_names_no_pipeline_that_is_hidden(text: str, shown: str) -> None:
    assert without_hidden(text, {"orders", "reports"}.intersection) == shown
