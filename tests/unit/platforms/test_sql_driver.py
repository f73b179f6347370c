"""Which errors of a driver lie in the statement."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from airflow_backfill_provider.platforms.sql_driver import is_hopeless


@pytest.mark.parametrize("statement", ["SELEC 1", "SELECT * FROM nowhere", "SELECT nothing"])
def test_a_statement_that_sqlite_cannot_compile_is_hopeless(statement: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(sqlite3.OperationalError) as raised:
        connection.execute(statement)
    assert is_hopeless(raised.value)


def test_a_locked_sqlite_file_is_not(tmp_path: object) -> None:
    file = f"{tmp_path}/warehouse.db"
    with closing(sqlite3.connect(file)) as other, closing(sqlite3.connect(file, timeout=0)) as connection:
        other.execute("CREATE TABLE orders (day TEXT)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked") as raised:
            connection.execute("SELECT * FROM orders")
    assert not is_hopeless(raised.value)


class DatabaseError(Exception):
    """As every driver of MySQL has it: the server's number comes first."""


class OperationalError(DatabaseError):
    pass


@pytest.mark.parametrize(
    ("number", "hopeless"),
    [(1054, True), (1064, True), (1146, True), (1205, False), (2013, False), ("1054", False), ({"C": "1054"}, False)],
)
def test_mysqls_numbers_for_what_does_not_compile_are_known(number: object, hopeless: bool) -> None:
    assert is_hopeless(OperationalError(number, "words")) is hopeless


def test_a_number_of_anything_but_a_database_says_nothing() -> None:
    assert not is_hopeless(OSError(1054, "words"))
    assert not is_hopeless(OperationalError())
