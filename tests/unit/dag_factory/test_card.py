"""What Airflow's UI is told about a pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.dag_factory.card import doc_md, tags_of
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline


def pipeline(**cells: Any) -> Pipeline:
    row = {"pipeline_id": "orders", "platform": "databricks", "platform_job_id": "1", "schedule_type": "daily"}
    return parse_pipeline(row | cells)


def test_tags_name_the_platform_and_the_row_s_own() -> None:
    assert tags_of(pipeline(tags=["sales"])) == ["databricks", "pipeline", "sales"]


def test_the_page_tells_the_schedule_and_every_unusual_setting() -> None:
    text = doc_md(pipeline(date_offset=-1, parameters={"country": "DE"}), "Every day")
    assert "Every day." in text
    assert "| date_offset | `-1` |" in text
    assert "| `country` | `DE` |" in text
    assert "date_window" not in text, "the usual setting is not worth a line"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://adb.example.net/jobs/1?o=2", True),
        ("/jobs/start", False),  # a path is no link that a person could follow
    ],
)
def test_the_job_s_page_is_a_link_when_it_is_one(url: str, shown: bool) -> None:
    row = {"platform": "http", "platform_job_id": None, "trigger_url": url}
    assert (f"]({url})" in doc_md(pipeline(**row), "Every day")) is shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:s3cr3t@jobs.example/x", "`https://***@jobs.example/x`"),
        ("https://jobs.example/x?sig=s3cr3t&v=1", "`https://jobs.example/x?sig=***&v=1`"),
    ],
)
def test_the_job_s_page_is_shown_without_what_looks_like_a_secret(url: str, shown: str) -> None:
    text = doc_md(pipeline(platform="http", platform_job_id=None, trigger_url=url), "Every day")
    assert "s3cr3t" not in text
    assert f"The job on http: {shown}" in text


def test_what_a_user_typed_is_no_markup() -> None:
    text = doc_md(pipeline(pipeline_name="<script>x</script> [here](http://elsewhere.example)"), "Every day")
    assert text.splitlines()[0] == r"### \<script\>x\</script\> \[here\](http://elsewhere.example)"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a < b & c", "`a < b & c`"),  # code shows these as they are: entities would be shown as entities
        ("a|b", r"`a\|b`"),  # or the table would have one column more
        ("SELECT `x`", "`` SELECT `x` ``"),
        ("two\nlines", "`two lines`"),
        ("", ""),
    ],
)
def test_a_value_is_shown_as_it_was_typed(value: str, cell: str) -> None:
    lines = doc_md(pipeline(parameters={"what": value}), "Every day").splitlines()
    assert lines[-1] == f"| `what` | {cell} |"
