from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import Submission, Target
from airflow_backfill_provider.platforms.snowflake_statements import statement_of, task_of

DAY = date(2026, 11, 22)


def wish(*days: date, **own: str) -> Submission:
    texts = [day.isoformat() for day in days or (DAY,)]
    standard = {"run_date": texts[-1], "run_dates": json.dumps(texts)}
    standard |= {"first_run_date": texts[0], "last_run_date": texts[-1]}
    return Submission(
        pipeline_id="p", run_dates=days or (DAY,), parameters={**standard, **own}, idempotency_key="backfill-1"
    )


def target(job: str | None, **options: str) -> Target:
    return Target(platform="snowflake", job_id=job, options=options)


@pytest.mark.parametrize(
    ("job", "options", "text", "values"),
    [
        ("load_orders", {}, "CALL load_orders(?, ?)", ["2026-11-22", "EU"]),
        ('db."My Schema".load', {}, 'CALL db."My Schema".load(?, ?)', ["2026-11-22", "EU"]),
        ("load", {"arguments": "region, run_dates"}, "CALL load(?, ?)", ["EU", '["2026-11-22"]']),
        ("load", {"arguments": ""}, "CALL load()", []),
        ("CALL load(?, ?)", {}, "CALL load(?, ?)", ["2026-11-22", "EU"]),
        ("CALL load(:region)", {}, "CALL load(?)", ["EU"]),
        ("CALL load();", {}, "CALL load()", []),
        ("SELECT ':x', :region, :region", {}, "SELECT ':x', ?, ?", ["EU", "EU"]),
        (None, {"sql": "DELETE FROM t WHERE d = :run_date"}, "DELETE FROM t WHERE d = ?", ["2026-11-22"]),
        (r"SELECT 'it\'s ;', :region", {}, r"SELECT 'it\'s ;', ?", ["EU"]),
    ],
)
def test_statements(job: str | None, options: dict[str, str], text: str, values: list[str]) -> None:
    statement = statement_of(target(job, **options), wish(region="EU"))
    assert statement.text == text
    bound = statement.bindings or {}
    assert [bound[str(number)] for number in range(1, len(bound) + 1)] == [
        {"type": "TEXT", "value": value} for value in values
    ]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (None, "nothing to run"),
        ("   ", "nothing to run"),
        ("load-orders", "cannot be run"),
        ("SELECT 1; SELECT 2", "cannot be run"),
        ("CALL load(:region); DROP TABLE x", "cannot be run"),
        ("a.b.c.d", "cannot be run"),
        ("CALL load(?, ?, ?)", "3 \\? but there are 2 arguments: run_date, region"),
        ("CALL load(?, :region)", "mixes"),
        ("CALL load(:regoin)", "no parameter is called 'regoin'"),
        ("task:a;DROP TABLE b", "cannot be run"),
    ],
)
def test_what_cannot_be_run_is_refused_for_good(job: str | None, words: str) -> None:
    with pytest.raises(PlatformError, match=words) as raised:
        statement_of(target(job), wish(region="EU"))
    assert not raised.value.retryable


def test_a_batch_of_dates_must_reach_the_procedure() -> None:
    days = DAY, date(2026, 11, 23)
    with pytest.raises(PlatformError, match="2 run dates"):
        statement_of(target("load"), wish(*days))
    assert statement_of(target("load", arguments="run_dates"), wish(*days)).text == "CALL load(?)"


@pytest.mark.parametrize(
    ("job", "parts"),
    [
        ("task:nightly", (None, None, "NIGHTLY")),
        ("TASK: db.s.nightly", ("DB", "S", "NIGHTLY")),
        ('EXECUTE  TASK s."Nightly ""x""";', (None, "S", 'Nightly "x"')),
    ],
)
def test_tasks(job: str, parts: tuple[str | None, str | None, str]) -> None:
    found = task_of(target(job))
    assert found is not None
    assert (found.database, found.schema, found.name) == parts
    assert task_of(target("nightly")) is None


def test_a_task_without_configuration() -> None:
    assert statement_of(target("task:nightly", task_config="false"), wish()).text == "EXECUTE TASK nightly"


@given(st.text())
def test_no_value_gets_out_of_the_configuration_of_a_task(value: str) -> None:
    text = statement_of(target("task:nightly"), wish(region=value)).text
    start = "EXECUTE TASK nightly USING CONFIG = $$"
    assert text.startswith(start)
    assert text.endswith("$$")
    literal = text[len(start) : -2]
    assert "$" not in literal
    assert json.loads(literal) == {**wish(region=value).parameters, "backfill_key": "backfill-1"}
