"""What the yearly archive is made of: a table in the simulated warehouse, in which one amount is missing at first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import requests

ARCHIVE = "archive_yearly"
"""Archives a day; its quality check wants an amount in every booking of it."""
ARCHIVE_JOB = "INSERT INTO archived SELECT DISTINCT day FROM bookings WHERE day = ?"
"""How the ledger calls its job."""


def open_books(simulator_url: str, days: Iterable[date], bad: date | None = None) -> None:
    """Book something on each day; on ``bad`` without its amount."""
    _say(simulator_url, "CREATE TABLE bookings (day DATE, amount DOUBLE)")
    _say(simulator_url, "CREATE TABLE archived (day DATE)")
    _say(simulator_url, "CREATE VIEW archive AS SELECT * FROM bookings WHERE day IN (SELECT day FROM archived)")
    rows = ", ".join(f"('{day}', {'NULL' if day == bad else '12.50'})" for day in days)
    _say(simulator_url, f"INSERT INTO bookings VALUES {rows}")


def mend_books(simulator_url: str) -> None:
    """Do what the owner of the source does when he hears of it: fill in the amount."""
    _say(simulator_url, "UPDATE bookings SET amount = 9.99 WHERE amount IS NULL")


def _say(simulator_url: str, statement: str) -> None:
    answer = requests.post(
        f"{simulator_url}/api/v2/statements",
        headers={"Authorization": "Bearer demo-token", "User-Agent": "owner of the source"},
        json={"statement": statement, "database": "DEMO", "schema": "PUBLIC"},
        timeout=30,
    )
    answer.raise_for_status()
