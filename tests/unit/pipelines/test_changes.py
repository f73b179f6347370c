"""What an apply would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from airflow_backfill_provider.pipelines.changes import Change, ChangeKind, FieldChange, diff
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
A = parse_pipeline(
    {"pipeline_id": "a", "platform": "databricks", "platform_job_id": "1", "schedule_type": "daily", "owner": "me"}
)
B, C = replace(A, pipeline_id="b"), replace(A, pipeline_id="c")


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.kind.value, change.pipeline_id) for change in changes]


def test_equal_pipelines_need_no_change_whatever_we_noted_about_them() -> None:
    assert diff([replace(A, created_at=NOW, updated_at=NOW)], [A], now=NOW) == []


def test_an_added_pipeline_tells_what_is_not_usual() -> None:
    (change,) = diff([], [A], now=NOW)
    assert (change.kind, change.pipeline) == (ChangeKind.ADDED, A)
    assert {field.name: field.new for field in change.fields} == {
        "pipeline_name": "a",
        "platform": "databricks",
        "platform_job_id": "1",
        "schedule_type": "daily",
        "owner": "me",
    }


def test_a_changed_pipeline_tells_old_and_new() -> None:
    (change,) = diff([A], [replace(A, owner=None, tags=("x",))], now=NOW)
    assert change.kind is ChangeKind.CHANGED
    assert change.fields == (
        FieldChange(name="owner", old="me", new=None),
        FieldChange(name="tags", old=[], new=["x"]),
    )


def test_what_a_file_does_not_name_goes_only_when_pruned() -> None:
    assert told(diff([A, B], [C], now=NOW)) == [("added", "c")]
    assert told(diff([B, A], [C], now=NOW, prune=True)) == [("removed", "a"), ("removed", "b"), ("added", "c")]


def test_a_broken_row_is_mended_or_pruned_but_not_added() -> None:
    assert told(diff([], [A], now=NOW, broken=["a"])) == [("changed", "a")]
    assert told(diff([], [], now=NOW, broken=["a"], prune=True)) == [("removed", "a")]


def since(current: list[Pipeline], wanted: Pipeline) -> date | None:
    (change,) = diff(current, [wanted], now=NOW)
    assert change.pipeline is not None
    return change.pipeline.auto_backfill_from


def test_rules_fill_from_the_day_on_which_they_are_switched_on() -> None:
    berlin = replace(A, auto_backfill=True, timezone="Europe/Berlin")
    today_there = date(2026, 11, 23)  # half past midnight
    assert since([], berlin) == today_there
    assert since([A], berlin) == today_there
    assert since([A], replace(berlin, auto_backfill_from=date(2020, 1, 1))) == date(2020, 1, 1)


def test_the_day_stays_when_a_file_does_not_name_it() -> None:
    on = replace(A, auto_backfill=True, auto_backfill_from=date(2026, 1, 1))
    assert diff([on], [replace(A, auto_backfill=True)], now=NOW) == []
    assert since([on], replace(A, auto_backfill=False)) == date(2026, 1, 1)
    assert since([replace(on, auto_backfill=False)], replace(A, auto_backfill=True)) == date(2026, 11, 22)
