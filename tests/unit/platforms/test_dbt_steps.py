from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.dbt_steps import steps_with_vars

DATE = {"run_date": "2026-11-22"}


@pytest.mark.parametrize(
    ("step", "changed"),
    [
        ("dbt build", """dbt build --vars '{"run_date": "2026-11-22"}'"""),
        ("dbt run --select 'tag:a b'", """dbt run --select 'tag:a b' --vars '{"run_date": "2026-11-22"}'"""),
        ("dbt --warn-error run", """dbt --warn-error run --vars '{"run_date": "2026-11-22"}'"""),
        ("dbt source freshness", """dbt source freshness --vars '{"run_date": "2026-11-22"}'"""),
        (
            """dbt run --vars '{"a": 1, "run_date": "old"}' -s x""",
            """dbt run -s x --vars '{"a": 1, "run_date": "2026-11-22"}'""",
        ),
        ("dbt run --vars='a: 1'", """dbt run --vars '{"a": 1, "run_date": "2026-11-22"}'"""),
        ("dbt run --vars ''", """dbt run --vars '{"run_date": "2026-11-22"}'"""),
        ("dbt deps", "dbt deps"),
        ("dbt deps --target test", "dbt deps --target test"),
        ("dbt debug", "dbt debug"),
        ("echo run", "echo run"),
        ("", ""),
    ],
)
def test_commands(step: str, changed: str) -> None:
    assert steps_with_vars([step, "dbt run"], DATE)[0] == changed


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "no command"),
        (["dbt deps"], "no command"),
        (["dbt run --select 'open"], "cannot be read"),
        (["dbt run --vars 'just text'"], "expected a YAML mapping"),
        (["dbt run --vars '{a: '"], "expected a YAML mapping"),
    ],
)
def test_a_job_that_cannot_get_run_dates_is_refused_for_good(steps: list[str], words: str) -> None:
    with pytest.raises(PlatformError, match=words) as raised:
        steps_with_vars(steps, DATE)
    assert not raised.value.retryable


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_what_dbt_reads_is_what_was_meant(variables: dict[str, str]) -> None:
    (step,) = steps_with_vars(["dbt build"], variables)
    assert "\n" not in step
    words = shlex.split(step)
    assert words[:3] == ["dbt", "build", "--vars"]
    assert len(words) == 4
    assert YAML(typ="safe", pure=True).load(words[3]) == variables
