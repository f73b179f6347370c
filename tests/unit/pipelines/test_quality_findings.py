"""A check's question is run where it is cheap, in SQLite, and its answer judged: what passes, what fails, and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_backfill_provider.pipelines.quality_checks import QualityCheck, read_quality_checks
from airflow_backfill_provider.pipelines.quality_findings import (
    Finding,
    NoAnswer,
    bounds,
    could_not_run,
    failures,
    finding,
    judge,
)
from airflow_backfill_provider.pipelines.quality_sql import Flavour, question

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
D5, D6 = date(2026, 1, 5), date(2026, 1, 6)
STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ROWS = [
    # day, order id, customer, amount, status, loaded
    ("2025-12-29", 1, "a", 10, "open", "2025-12-29 10:00:00"),
    ("2025-12-29", 2, "a", 10, "open", "2025-12-29 10:00:00"),
    ("2026-01-05", 3, "a", 10, "open", "2026-01-06 10:00:00"),
    ("2026-01-05 23:59:59", 4, "b", 20, "closed", "2026-01-06 11:30:00"),
    ("2026-01-06", 5, None, -5, "lost", "2026-01-01 00:00:00"),
    ("2026-01-06", 5, "c", 30, "open", "2026-01-01 00:00:00"),
]


@pytest.fixture
def orders() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as conn:
        conn.execute(
            'CREATE TABLE orders (day TEXT, id INT, customer TEXT, amount INT, "the status" TEXT, loaded TEXT)'
        )
        conn.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", ROWS)
        yield conn


def check_of(kind: str, **settings: Any) -> QualityCheck:
    entry = {"name": "q", "kind": kind, "table": "orders", **settings}
    if kind == "custom_sql":
        del entry["table"]
    found, flaws = read_quality_checks([entry])
    assert not flaws
    return found[0]


def ask(conn: sqlite3.Connection, check: QualityCheck, day: date) -> Finding:
    asked = question(check, day, {"run_date": day.isoformat()}, Flavour())
    return judge(check, day, conn.execute(asked.sql, asked.values).fetchone(), NOW)


DAY = {"date_column": "day"}
STATUS = '"the status"'
CASES: list[tuple[str, dict[str, Any], date, bool, str]] = [
    ("row_count", {"min": 2, **DAY}, D5, True, "2 row(s) in orders, expected at least 2"),
    ("row_count", DAY, date(2026, 1, 7), False, "0 row(s) in orders, expected at least 1"),
    ("row_count", {"min": 7}, D5, False, "6 row(s) in orders, expected at least 7"),
    ("row_count", {"max": 1, **DAY}, D6, False, "2 row(s) in orders, expected 0 to 1"),
    ("not_null", {"column": "customer", **DAY}, D5, True, "0 row(s) without customer"),
    ("not_null", {"column": "customer", **DAY}, D6, False, "1 row(s) without customer in orders, at most 0 allowed"),
    ("not_null", {"column": "customer", "max_failures": 1, **DAY}, D6, True, "at most 1 allowed"),
    ("unique", {"column": "id", **DAY}, D5, True, "0 value(s) of id"),
    ("unique", {"column": "id", **DAY}, D6, False, "1 value(s) of id that stand there more than once in orders"),
    ("unique", {"column": "id, customer", **DAY}, D6, True, "0 value(s) of id, customer"),
    ("accepted_range", {"column": "amount", "min": 0, "max": 30, **DAY}, D5, True, "0 row(s) below 0 or above 30"),
    ("accepted_range", {"column": "amount", "min": 0, **DAY}, D6, False, "1 row(s) below 0 (amount is -5 to 30)"),
    ("accepted_range", {"column": "loaded", "min": "2026-01-02", **DAY}, D6, False, "2 row(s) below 2026-01-02"),
    ("accepted_values", {"column": STATUS, "values": ["open", "closed"], **DAY}, D5, True, "is none of open, closed"),
    ("accepted_values", {"column": STATUS, "values": ["open"], **DAY}, D6, False, "1 row(s) whose"),
    ("accepted_values", {"column": STATUS, "values": ["open"], **DAY}, D6, False, "'lost' for example"),
    ("freshness", {"column": "loaded", "max_age_hours": 1, **DAY}, D5, True, "is 0.5 hour(s) old"),
    ("freshness", {"column": "loaded", "max_age_hours": 24, **DAY}, D6, False, "is 132.0 hour(s) old"),
    ("freshness", {"column": "loaded", "max_age_hours": 24, **DAY}, date(2026, 1, 7), False, "has no row with loaded"),
    ("compare", {"max_change_percent": 10, **DAY}, D5, True, "is 2, +0.0 % against 2 of 2025-12-29"),
    (
        "compare",
        {"max_change_percent": 40, "aggregate": "sum", "column": "amount", **DAY},
        D5,
        False,
        "sum of amount in orders is 30, +50.0 % against 20 of 2025-12-29, at most 40 % allowed",
    ),
    ("custom_sql", {"sql": "SELECT COUNT(*) FROM orders WHERE day = :run_date", "expected": 2}, D6, True, "says 2"),
    ("custom_sql", {"sql": "SELECT MIN(amount) FROM orders WHERE day = :run_date", "min": 0}, D6, False, "says -5"),
    ("custom_sql", {"sql": 'SELECT MAX("the status") FROM orders', "expected": "open"}, D6, True, "expected open"),
]


@pytest.mark.parametrize(("kind", "settings", "day", "passes", "words"), CASES)
def test_what_a_check_finds(
    orders: sqlite3.Connection, kind: str, settings: dict[str, Any], day: date, passes: bool, words: str
) -> None:
    found = ask(orders, check_of(kind, **settings), day)
    assert found.passed is passes
    assert words in found.details
    assert found.run_date == day


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("custom_sql", {"sql": "SELECT 'many'", "min": 1}, "'many', which is not a number"),
        ("custom_sql", {"sql": "SELECT NULL", "max": 1}, "None, which is not a number"),
        ("freshness", {"column": "customer", "max_age_hours": 1}, "'c' is not a timestamp"),
    ],
)
def test_an_answer_that_cannot_be_judged_is_no_pass(
    orders: sqlite3.Connection, kind: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(NoAnswer, match=words):
        ask(orders, check_of(kind, **settings), D6)


@pytest.mark.parametrize(("severity", "blocks"), [("warn", False), ("error", True)])
def test_nothing_before_fails_as_the_severity_of_the_check_says(
    orders: sqlite3.Connection, severity: str, blocks: bool
) -> None:
    found = ask(orders, check_of("compare", max_change_percent=5, severity=severity, **DAY), D6)
    assert (found.passed, found.severity, found.could_run, found.blocks) == (False, severity, True, blocks)
    assert found.details.startswith("there is nothing for 2025-12-30 to compare count of rows in orders with")


def test_nothing_before_may_be_allowed_to_pass(orders: sqlite3.Connection) -> None:
    check = check_of("compare", max_change_percent=5, if_nothing_before="pass", **DAY)
    assert ask(orders, check, D6).passed


def test_no_row_at_all_is_no_pass() -> None:
    with pytest.raises(NoAnswer, match="no row"):
        judge(check_of("custom_sql", sql="SELECT 1", min=0), D6, (), NOW)


@pytest.mark.parametrize(
    "newest",
    [
        "2026-01-06 11:00:00.000 +0000",
        "2026-01-06 12:00:00+01:00",
        datetime(2026, 1, 6, 11, tzinfo=UTC),
        date(2026, 1, 6),
    ],
)
def test_every_spelling_of_a_timestamp_is_understood(newest: object) -> None:
    assert judge(check_of("freshness", column="loaded", max_age_hours=12), D6, (newest,), NOW).passed


def test_numbers_that_come_as_text_are_numbers() -> None:
    found = judge(check_of("row_count", min=2), D6, ("10",), NOW)
    assert found.passed
    assert found.observed == "10"


@pytest.mark.parametrize(
    ("answers", "expected", "other"),
    [
        # what databases and their interfaces say, what the check expects, and what is not the same
        ((True, 1, 1.0, Decimal(1), "true", "TRUE", "t", "1"), True, (False, 0, "false", 2, None, "open")),
        ((False, 0, Decimal("0.0"), "false", "f"), False, (True, 1, "true", None, "")),
        ((True, "TRUE"), "TRUE", (False, "false", 1)),
        ((1, 1.0, "1", Decimal("1.00"), True), 1, ("true", "t", 2, False, "1 row")),
        (
            (
                date(2026, 1, 1),
                datetime.fromisoformat("2026-01-01"),
                datetime(2026, 1, 1, tzinfo=UTC),
                "2026-01-01 00:00:00",
            ),
            "2026-01-01",
            (date(2026, 1, 2), datetime.fromisoformat("2026-01-01T06:00"), "2026-01-01 00:00:00+01:00", 20260101, None),
        ),
        (
            (datetime.fromisoformat("2026-01-01T06:00"), "2026-01-01T06:00:00Z"),
            "2026-01-01 06:00",
            (date(2026, 1, 1), "6"),
        ),
        (("open",), "open", ("Open", None, True)),
    ],
)
def test_what_is_expected_is_told_from_how_a_database_spells_it(
    answers: tuple[Any, ...], expected: object, other: tuple[Any, ...]
) -> None:
    check = check_of("custom_sql", sql="SELECT 1", expected=expected)
    assert [answer for answer in answers if not judge(check, D6, (answer,), NOW).passed] == []
    assert [answer for answer in other if judge(check, D6, (answer,), NOW).passed] == []


def test_names_in_quotes_are_quoted_as_the_database_quotes() -> None:
    asked = question(check_of("not_null", column='"a`b"', table='x."the table"'), D5, {}, Flavour(quote="`"))
    assert "`a``b` IS NULL" in asked.sql
    assert "x.`the table`" in asked.sql


@given(text=st.text(max_size=30), column=st.sampled_from(["column", "date_column", "table"]))
def test_what_somebody_types_as_a_name_is_refused_or_stays_one_name(text: str, column: str) -> None:
    """No text gets out of its place: the statement has the same words around it as for a plain name."""
    entry: dict[str, Any] = {"name": "q", "kind": "not_null", "table": "t", "column": "c", "date_column": "d"}
    found, _ = read_quality_checks([entry | {column: text}])
    if not found:
        return
    asked = question(found[0], D5, {}, Flavour()).sql
    outside = asked.replace(str(found[0].options.get(column, "day_after")), "")
    assert "'" not in outside
    assert ";" not in outside
    assert "--" not in outside


@given(value=st.one_of(st.text(STORABLE, max_size=20), st.integers(), st.booleans()))
def test_values_are_bind_variables_whatever_they_are(value: object) -> None:
    found, flaws = read_quality_checks(
        [{"name": "q", "kind": "accepted_values", "table": "t", "column": "c", "values": [value]}]
    )
    assert not flaws
    asked = question(found[0], D5, {}, Flavour())
    assert "NOT IN (:value_0)" in asked.sql
    assert asked.values["value_0"] == value


def test_the_message_names_the_checks_and_their_numbers_for_each_date() -> None:
    check = check_of("row_count", min=1)
    good = finding(check, D5, True, 3, "3 row(s)")
    bad = finding(check, D6, False, 0, "0 row(s) in orders, expected at least 1")
    lost = could_not_run(check_of("row_count", severity="warn"), D6, "no such table: orders")
    assert failures([good, bad, lost]) == {
        D6: "quality check 'q': 0 row(s) in orders, expected at least 1; 'q': could not run: no such table: orders"
    }


def test_a_warning_fails_no_date_but_one_that_could_not_run_does() -> None:
    check = check_of("row_count", severity="warn")
    assert failures([finding(check, D5, False, 0, "0 row(s)")]) == {}
    assert set(failures([could_not_run(check, D5, "the database is away", retryable=True)])) == {D5}


@pytest.mark.parametrize(
    ("check", "between"),
    [
        (check_of("row_count"), (1, None)),
        (check_of("row_count", max=9), (0, 9)),
        (check_of("row_count", min=5, max=9), (5, 9)),
        (check_of("unique", column="id"), (None, 0)),
        (check_of("accepted_range", column="amount", min=3, max_failures=2), (None, 2)),
        (check_of("freshness", column="loaded", max_age_hours=2), (None, None)),
        (check_of("custom_sql", sql="select 1", expected=4), (4, 4)),
        (check_of("custom_sql", sql="select 1", max=4), (None, 4)),
    ],
)
def test_the_bounds_are_those_that_the_observed_value_is_judged_by(
    check: QualityCheck, between: tuple[object, object]
) -> None:
    assert bounds(check) == between
