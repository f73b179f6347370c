"""Parameters that could never be rendered, or that nobody would read, are refused when they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.job_parameters import OPTIONS
from airflow_backfill_provider.pipelines.pipeline import parse_pipeline

ROOT = Path(__file__).parents[3]
GOOD = {"pipeline_id": "orders", "platform": "http", "trigger_url": "/start", "schedule_type": "daily"}
REFUSED = [
    ({"u": "{{ 1 +"}, "parameters.u: '{{ 1 +' is not a template: unexpected 'end of template'"),
    (
        {"t": "{{ foo.bar }}"},
        "parameters.t: '{{ foo.bar }}' speaks of 'foo', which is not known here; known are run_date",
    ),
    ({"option.metod": "PUT"}, "parameters.option.metod: 'metod' is no option of http; it has method"),
    ({"option.metod": "PUT"}, "did you mean 'method'?"),
    ({"option.method": "DELETE"}, "'DELETE' cannot start a job; expected one of POST, PUT, PATCH"),
    ({"run_date": "mine"}, "'mine' would take the place of the run date that every job gets under this name"),
]
TAKEN = [
    {"run_date": "{{ run_date.strftime('%Y%m%d') }}"},
    {"days": "{% for day in run_dates %}{{ day }} {% endfor %}{{ range(3) | list }} of {{ pipeline.pipeline_id }}"},
    {"option.method": "put", "option.status_url": "/runs/{run_id}"},
    {"json": '{"a": 1}'},
]


@pytest.mark.parametrize(("parameters", "words"), REFUSED)
def test_a_parameter_that_no_run_could_use_is_refused(parameters: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(words)):
        parse_pipeline({**GOOD, "parameters": parameters})


@pytest.mark.parametrize("parameters", TAKEN)
def test_a_parameter_over_the_dates_is_taken(parameters: dict[str, str]) -> None:
    assert {one.name for one in parse_pipeline({**GOOD, "parameters": parameters}).parameters} == set(parameters)


def test_a_row_that_is_stored_keeps_its_dag() -> None:
    assert parse_pipeline({**GOOD, "parameters": {"u": "{{ 1 +"}}, stored=True).parameters


@pytest.mark.parametrize("platform", OPTIONS)
def test_the_document_has_every_option_of_a_platform(platform: str) -> None:
    text = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `") and f"`{platform}`" in line.split("|")[1]]
    assert {name for row in rows for name in re.findall(r"`option\.(\w+)`", row)} == set(OPTIONS[platform])
