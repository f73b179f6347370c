"""pipelines.yaml: what it means, every problem with its line, and back again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.manifest import read_manifest, write_manifest
from airflow_backfill_provider.pipelines.pipeline import (
    Dependency,
    Parameter,
    Pipeline,
    QualityCheck,
    parse_pipeline,
)

ROW = "{pipeline_id: %s, platform: databricks, platform_job_id: 1, schedule_type: daily}"
GOOD = parse_pipeline(
    {"pipeline_id": "orders", "platform": "databricks", "platform_job_id": "1", "schedule_type": "daily"}
)


def problems_of(text: str, **options: object) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        read_manifest(dedent(text), **options)  # type: ignore[arg-type]
    return [str(problem) for problem in refused.value.problems]


NOT_A_MANIFEST = [
    ("", "line 1: expected a list 'pipelines:' at the top of the file"),
    ("- a\n", "line 1: expected a list 'pipelines:' at the top of the file"),
    ("pipelines: [1\nb: 2\n", "line 2: not YAML: expected ',' or ']', but got ':'"),
    ("\nx: a: b\n", "line 2: not YAML: mapping values are not allowed here"),
    ("pipelines: []\n---\npipelines: []\n", "line 2: not YAML: but found another document"),
    ("pipelines: {a: 1}\n", "line 1: 'pipelines:' is not a list of rows"),
    ("pipelines:\n  - orders\n", "line 2: 'orders' is not a row of columns"),
    ("pipelines: &a [*a]\n", "line 1: nested too deep"),
    ("pipelines:\n  - <<: [1]\n", "line 2: '<<' can only take in a mapping"),
]


@pytest.mark.parametrize(("text", "message"), NOT_A_MANIFEST)
def test_a_file_that_is_no_manifest_says_where_it_goes_wrong(text: str, message: str) -> None:
    assert message in problems_of(text)


FULL_OF_PROBLEMS = """\
pipelnes: []
pipelines:
  - pipeline_id: a
    platform: databricks
    platform_job_id: 1
    schedule_type: daily
    frequency: evry day
    frequency: every 1 day
    created_at: 2026-01-01
  - platform: http
    trigger_url: /x
    schedule_type: daily
  - pipeline_id: b
    platform: sql
    schedule_type: daily
    dependencies: [a, nowhere]
    parameters:
      country: de
      1st: x
  - pipeline_id: a
    platform: databricks
    platform_job_id: 2
    schedule_type: daily
    dependencies:
      - {upstream_id: b}
    quality_checks:
      - check_name: one
        check_type: row_count
      - {check_name: two, check_type: uniqe, table: t}
"""
ITS_PROBLEMS = [
    (1, "'pipelnes' is not known here; expected 'pipelines:'; did you mean 'pipelines'?"),
    (7, "pipeline 'a', frequency: "),
    (8, "'frequency' is there twice; the first is on line 7"),
    (9, "pipeline 'a', created_at: is kept by the system; leave it out"),
    (10, "a pipeline without id, pipeline_id: is missing"),
    (13, "pipeline 'b', platform_job_id: is missing"),
    (13, "pipeline 'b', connection_id: is missing"),
    (16, "pipeline 'b', dependencies: 'nowhere' is neither in this file nor in the registry"),
    (19, "pipeline 'b', parameters.1st: '1st' is not a parameter name"),
    (20, "pipeline 'a', pipeline_id: is defined already on line 3"),
    (24, "pipeline 'a', dependencies: waits for itself: a → b → a"),
    (27, "pipeline 'a', quality_checks[0]: a check of kind row_count needs table"),
    (29, "pipeline 'a', quality_checks[1].check_type: 'uniqe' is not known"),
]


def test_every_problem_of_a_file_comes_at_once_in_the_order_of_its_lines() -> None:
    found = problems_of(FULL_OF_PROBLEMS)
    assert len(found) == len(ITS_PROBLEMS), found
    for problem, (line, message) in zip(found, ITS_PROBLEMS, strict=True):
        assert problem.startswith(f"line {line}: {message}")


def test_a_problem_is_told_in_the_words_of_the_file_and_at_their_line() -> None:
    text = """\
pipelines:
  - pipeline_id: a
    platform: sql
    connection_id: dwh
    platform_job_id: SELECT 1
    schedule_type: daily
    quality_checks:
      - name: one
        table: t
        kind: uniqe
      - type: row_cnt
        name: two
"""
    first, second = problems_of(text)
    assert first.startswith("line 10: pipeline 'a', quality_checks[0].kind: 'uniqe' is not known")
    assert second.startswith("line 11: pipeline 'a', quality_checks[1].type: 'row_cnt' is not known")


def test_scalars_keep_what_somebody_typed() -> None:
    manifest = read_manifest(
        dedent(
            """\
            pipelines:
              - pipeline_id: 2026
                platform: databricks
                platform_job_id: 007
                schedule_type: daily
                sla_time: 06:30
                start_date: 2026-01-31
                parameters: {version: 1.10, day: 2026-01-01, on: yes, n: 1, f: 0.5, none: , b: true}
            """
        )
    )
    (pipeline,) = manifest.pipelines
    assert (pipeline.pipeline_id, pipeline.platform_job_id) == ("2026", "007")
    assert (pipeline.sla_time, pipeline.start_date) == (time(6, 30), date(2026, 1, 31))
    assert {parameter.name: parameter.value for parameter in pipeline.parameters} == {
        "version": "1.10",
        "day": "2026-01-01",
        "on": "yes",
        "n": "1",
        "f": "0.5",
        "none": "",
        "b": "true",
    }
    assert manifest.lines == {"2026": 2}


def test_rows_can_share_what_is_common() -> None:
    manifest = read_manifest(
        dedent(
            """\
            pipelines:
              - &usual {pipeline_id: a, platform: databricks, platform_job_id: 1, schedule_type: daily, owner: me}
              - <<: *usual
                pipeline_id: b
            """
        )
    )
    assert [(p.pipeline_id, p.owner) for p in manifest.pipelines] == [("a", "me"), ("b", "me")]


def test_upstreams_may_live_in_the_registry_readable_or_not() -> None:
    text = (
        "pipelines:\n  - {pipeline_id: x, platform: http, trigger_url: /x, schedule_type: daily, dependencies: [up]}\n"
    )
    assert read_manifest(text, registry=[replace(GOOD, pipeline_id="up")]).pipelines
    assert read_manifest(text, broken=["up"]).pipelines
    assert problems_of(text) == ["line 2: pipeline 'x', dependencies: 'up' is neither in this file nor in the registry"]


def test_a_cycle_may_close_over_the_registry() -> None:
    text = (
        "pipelines:\n  - {pipeline_id: x, platform: http, trigger_url: /x, schedule_type: daily, dependencies: [up]}\n"
    )
    up = replace(GOOD, pipeline_id="up", dependencies=(Dependency(upstream_id="x"),))
    assert "waits for itself: up → x → up" in problems_of(text, registry=[up])[0]


def test_export_holds_only_what_differs_from_the_default_in_a_stable_order() -> None:
    later = replace(GOOD, pipeline_id="z", tags=("a",), dependencies=(Dependency(upstream_id="orders"),))
    assert write_manifest([later, GOOD]) == dedent(
        """\
        pipelines:
          - pipeline_id: orders
            platform: databricks
            platform_job_id: '1'
            schedule_type: daily
          - pipeline_id: z
            pipeline_name: orders
            platform: databricks
            platform_job_id: '1'
            schedule_type: daily
            tags:
              - a
            dependencies:
              - orders
        """
    )


def test_sql_of_several_lines_is_exported_as_people_write_it() -> None:
    text = write_manifest([replace(GOOD, parameters=(Parameter(name="q", value="select 1\nfrom t"),))])
    assert "q: |-\n        select 1\n        from t\n" in text


# YAML cannot hold lone surrogates or most control characters; pipelines.yaml is text that people can see.
texts = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), include_characters="\n\t"), max_size=40
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
stripped = texts.map(str.strip).filter(bool)
one_line = stripped.filter(lambda text: not {"\n", "\t"} & {*text})


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    parameters = draw(st.dictionaries(names, texts, max_size=3))
    checks = draw(st.dictionaries(one_line, st.floats(allow_nan=False, allow_infinity=False), max_size=2))
    return parse_pipeline(
        {
            "pipeline_id": draw(names),
            "pipeline_name": draw(texts),
            "platform": "sql",
            "connection_id": draw(stripped),
            "platform_job_id": draw(stripped),
            "schedule_type": "daily",
            "date_offset": draw(st.integers(-100, 100)),
            "start_date": draw(st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1))),
            "sla_time": draw(st.none() | st.times()),
            "tags": [tag for tag in draw(st.lists(stripped, max_size=3)) if "," not in tag],
            "is_active": draw(st.booleans()),
            "notification_details": draw(
                st.none() | st.fixed_dictionaries({"to": texts, "on": st.lists(texts | st.integers() | st.booleans())})
            ),
            "parameters": parameters,
            "quality_checks": [
                {"name": name, "kind": "accepted_range", "table": "t", "column": "c", "min": least, "severity": "warn"}
                for name, least in checks.items()
            ],
        }
    )


@settings(deadline=None)
@given(st.lists(pipelines(), max_size=3, unique_by=lambda pipeline: pipeline.pipeline_id))
def test_what_is_exported_reads_back_equal(written: list[Pipeline]) -> None:
    text = write_manifest(written)
    back = read_manifest(text).pipelines
    assert list(back) == sorted(written, key=lambda pipeline: pipeline.pipeline_id)
    assert write_manifest(back) == text


def test_quality_checks_are_written_as_people_write_them() -> None:
    check = QualityCheck(check_name="q", check_type="row_count", settings='{"min": 1, "table": "t"}')
    text = write_manifest([replace(GOOD, quality_checks=(check,))])
    assert "- check_name: q\n        check_type: row_count\n        min: 1\n        table: t\n" in text
