from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.binds import in_style, names_in, refuse_lost_dates, statements_of

VALUES = {"run_date": "2026-11-22", "region": "EU"}


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT :run_date", ["run_date"]),
        ("SELECT (:run_date), :region,:region", ["run_date", "region", "region"]),
        ("a=:run_date", ["run_date"]),
        ("SELECT ':run_date', \"x:region\"", []),
        ("SELECT 'it''s :run_date'", []),
        ("SELECT 1 -- :run_date\n, :region", ["region"]),
        ("SELECT /* :run_date */ :region", ["region"]),
        ("SELECT $$ :run_date $$, $tag$ :run_date $tag$", []),
        ("SELECT now()::date, x::text", []),
        ("SELECT payload:customer.name, payload['a']:region", []),  # paths into JSON
        ("SELECT a[1:2]", []),
    ],
)
def test_bind_variables_are_found_where_they_are_meant(sql: str, names: list[str]) -> None:
    assert [name for pieces in statements_of(sql) for name in names_in(pieces)] == names


def test_backslashes_are_read_as_the_dialect_does() -> None:
    assert names_in(statements_of(r"SELECT 'C:\', :run_date")[0]) == ["run_date"]
    assert names_in(statements_of(r"SELECT 'it\'s :region', :run_date", backslash_escapes=True)[0]) == ["run_date"]


def test_statements_are_split_outside_quotes() -> None:
    found = statements_of("DELETE FROM a WHERE x = ';';\n ; INSERT INTO a VALUES (:region); -- ;\n/* ; */")
    assert ["".join(piece.text for piece in pieces).strip() for pieces in found] == [
        "DELETE FROM a WHERE x = ';'",
        "INSERT INTO a VALUES (:region)",
    ]


@pytest.mark.parametrize(
    ("style", "text", "values"),
    [
        ("qmark", "x LIKE 'a%' AND d = ? AND r = ?", ("2026-11-22", "EU")),
        ("format", "x LIKE 'a%%' AND d = %s AND r = %s", ("2026-11-22", "EU")),
        ("pyformat", "x LIKE 'a%%' AND d = %(run_date)s AND r = %(region)s", VALUES),
        ("named", "x LIKE 'a%' AND d = :run_date AND r = :region", VALUES),
        ("numeric", "x LIKE 'a%' AND d = :1 AND r = :2", ["2026-11-22", "EU"]),
    ],
)
def test_paramstyles(style: str, text: str, values: object) -> None:
    (pieces,) = statements_of("x LIKE 'a%' AND d = :run_date AND r = :region")
    assert in_style(pieces, VALUES, style) == (text, values)


def test_without_bind_variables_the_text_is_left_alone() -> None:
    assert in_style(statements_of("SELECT '100%'")[0], VALUES, "format") == ("SELECT '100%'", None)


@pytest.mark.parametrize("style", ["qmark", "named"])
@given(value=st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")))
def test_a_database_gets_the_value_unchanged(style: str, value: str) -> None:
    (pieces,) = statements_of("SELECT :region")
    text, values = in_style(pieces, {"region": value}, style)
    connection = sqlite3.connect(":memory:")
    assert connection.execute(text, values).fetchone() == (value,)  # type: ignore[arg-type]
    connection.close()


def test_a_batch_must_not_lose_dates() -> None:
    for names in (["run_dates"], ["run_date", "first_run_date", "last_run_date"], ["region"], []):
        refuse_lost_dates(names, 3)
    refuse_lost_dates(["run_date"], 1)
    with pytest.raises(PlatformError, match="3 run dates") as raised:
        refuse_lost_dates(["run_date", "last_run_date"], 3)
    assert not raised.value.retryable
