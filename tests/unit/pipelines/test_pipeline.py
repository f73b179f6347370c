"""One row in, one definition out, or everything that is wrong with it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.pipeline import (
    DEFAULTS,
    Dependency,
    Parameter,
    Pipeline,
    QualityCheck,
    parse_pipeline,
)

GOOD = {"pipeline_id": "orders", "platform": "databricks", "platform_job_id": "101", "schedule_type": "daily"}
NOT_GIVEN = object()


def problems_of(row: dict[str, object], **options: object) -> dict[str, str]:
    """Messages by the column they name."""
    with pytest.raises(InvalidRequest) as refused:
        parse_pipeline(row, **options)  # type: ignore[arg-type]
    return {problem.where.partition(", ")[2]: problem.message for problem in refused.value.problems}


BAD_CELLS = [
    # column, value, what the message must say
    ("pipeline_id", NOT_GIVEN, "is missing"),
    ("pipeline_id", "a b", "cannot be a DAG id"),
    ("pipeline_id", "a/b", "cannot be a DAG id"),
    ("pipeline_id", "ä", "cannot be a DAG id"),
    ("pipeline_id", "a..b", "holds '..'"),  # Airflow takes it for path traversal in run ids
    ("pipeline_id", "x" * 201, "at most 200"),
    ("pipeline_id", "backfill_controller", "this system's own DAG"),
    ("platform", NOT_GIVEN, "is missing"),
    ("platform", "databrics", "did you mean 'databricks'?"),
    ("platform", "airflow", "expected one of databricks, snowflake, dbt_cloud, http, sql"),
    ("platform_job_id", NOT_GIVEN, "needs the job's id here, or the job's page in trigger_url"),
    ("platform_job_id", "my job", "is not a job id of databricks"),
    ("platform_job_id", 1.5, "put it in quotes"),
    ("trigger_url", "ftp://x/y", "is not a URL"),
    ("trigger_url", "https://", "is not a URL"),
    ("schedule_type", NOT_GIVEN, "is missing"),
    ("schedule_type", "dayly", "did you mean 'daily'?"),
    ("frequency", "evry day", "evry"),
    ("frequency", "every 3 days", None),  # told at start_date
    ("date_offset", "one", "is not a whole number"),
    ("date_offset", True, "is not a whole number"),
    ("date_offset_unit", "fortnight", "expected one of day, business_day, week, month"),
    ("date_window", "0", "'0'"),
    ("timezone", "Europe/Berlim", "is no IANA time zone"),
    ("timezone", "../etc/passwd", "is no IANA time zone"),
    ("calendar", "NOWHERE", "calendar 'NOWHERE' is not known"),
    ("calendar_roll", "next", "expected one of omit, following"),
    ("start_date", "2026-02-30", "is not a date; expected YYYY-MM-DD"),
    ("start_date", datetime(2026, 1, 1, 5, tzinfo=UTC), "is not a date"),  # whose date? that depends on the zone
    ("end_date", 20260101, "is not a date"),
    ("multi_date_allowed", "maybe", "is not true or false"),
    ("multi_date_allowed", 2, "is not true or false"),
    ("max_dates_per_run", 0, "1 or more"),
    ("retry_enabled", "perhaps", "is not true or false"),
    ("retry_schedule", "sometimes", "every 5 minutes"),
    ("max_retry_attempts", -1, "0 or more"),
    ("auto_backfill_policy", "missing, lost", "expected one of missing, failed, stale"),
    ("max_active_backfills", 0, "1 or more"),
    ("run_order", "random", "expected one of parallel, sequential"),
    ("run_timeout_minutes", "1h", "1 or more"),
    ("sla_time", "25:00", "is not a time of day"),
    ("sla_time", 360, "is not a time of day"),  # what YAML 1.1 makes of 6:00
    ("sla_warning_minutes", 0, "1 or more"),
    ("notification_details", "tell Bob", "is not JSON"),
    ("notification_details", "[1]", "is not a JSON object"),
    ("notification_details", {"conn_id": "s", "password": "x"}, "'password' looks like a secret"),
    ("notification_details", '{"slack": {"api_token": "x"}}', "'slack.api_token' looks like a secret"),
    ("notification_details", {"to": ["https://u:p@host/"]}, "'to[0]' holds a URL with a login"),
    ("notification_details", {"to": "https://hooks.slack.com/services/T/B/x"}, "holds a URL with a login"),
    ("tags", [{"a": 1}], "put it in quotes"),
    ("owner", "a\0b", "'a\\x00b' holds the character U+0000, which no database can store; take it out"),
    ("pipeline_name", "a\ud800", "holds the character U+D800"),
    ("tags", ["a", "b\0"], "holds the character U+0000"),
    ("notification_details", {"to": "\ud800"}, "holds the character U+D800"),
    ("frequncy", "x", "unknown column; did you mean 'frequency'?"),
    ("zzz", "x", "unknown column"),
]


@pytest.mark.parametrize(("column", "value", "message"), BAD_CELLS)
def test_a_bad_cell_is_named_with_what_was_expected(column: str, value: object, message: str | None) -> None:
    row = {name: cell for name, cell in {**GOOD, column: value}.items() if cell is not NOT_GIVEN}
    found = problems_of(row)
    if message is None:
        assert set(found) == {"start_date"}
    else:
        assert set(found) == {column}
        assert message in found[column]


@pytest.mark.parametrize(
    ("platform", "given", "missing"),
    [
        ("http", {}, ["trigger_url"]),
        ("http", {"trigger_url": "/start"}, []),
        ("dbt_cloud", {}, ["platform_job_id"]),
        ("dbt_cloud", {"trigger_url": "https://cloud.getdbt.com/deploy/1/projects/2/jobs/3"}, []),
        ("snowflake", {"trigger_url": "https://x.y/z"}, ["platform_job_id"]),
        ("snowflake", {"platform_job_id": "CALL load(?)"}, []),
        ("snowflake", {"parameters": {"option.sql": "CALL load(:run_date)"}}, []),
        ("sql", {}, ["platform_job_id", "connection_id"]),
        ("sql", {"platform_job_id": "SELECT 1", "connection_id": "pg"}, []),
    ],
)
def test_each_platform_must_be_told_what_to_start(platform: str, given: dict[str, object], missing: list[str]) -> None:
    row = {"pipeline_id": "x", "platform": platform, "schedule_type": "daily", **given}
    if missing:
        assert sorted(problems_of(row)) == sorted(missing)
    else:
        assert parse_pipeline(row).platform == platform


def test_every_problem_of_a_row_is_reported_at_once() -> None:
    row = {
        "pipeline_id": "a b",
        "platform": "sql",
        "schedule_type": "monthly",
        "frequency": "31st frday",
        "timezone": "Mars",
        "retry_schedule": "never",
        "parameters": {"1x": 1, "x": "a\0b", "y": {"z": "\ud800"}},
        "dependencies": [{"upstream": "y", "ofset": 1}],
        "quality_checks": [{"check_name": "q", "check_type": "row_count", "tabel": "t"}],
        "wat": 1,
    }
    assert set(problems_of(row)) == {
        "pipeline_id",
        "platform_job_id",
        "connection_id",
        "frequency",
        "timezone",
        "retry_schedule",
        "parameters.1x",
        "parameters.x",
        "parameters.y",
        "dependencies[0]",
        "quality_checks[0]",
        "quality_checks[0].tabel",
        "wat",
    }


def test_problems_are_told_by_the_id_or_by_the_place_given() -> None:
    with pytest.raises(InvalidRequest, match=r"^pipeline 'orders', sla_time: 'x' is not"):
        parse_pipeline({**GOOD, "sla_time": "x"})
    with pytest.raises(InvalidRequest, match=r"^row 7, sla_time: 'x' is not"):
        parse_pipeline({**GOOD, "sla_time": "x"}, where="row 7")


SAME_MEANING = [
    # column, what a file, a database or a person may write, what it means
    ("platform", "Databricks", "databricks"),
    ("platform_job_id", 101, "101"),
    ("schedule_type", "Daily", "daily"),
    ("multi_date_allowed", 1, True),
    ("multi_date_allowed", "no", False),
    ("date_window", 7, "7"),
    ("date_offset", "-1", -1),
    ("date_offset", 2.0, 2),  # SQLite keeps what it was given
    ("start_date", "2026-01-31", date(2026, 1, 31)),
    ("sla_time", "6:30", time(6, 30)),
    ("sla_time", "06:30:15", time(6, 30, 15)),
    ("sla_time", time(6, 30, 15, 99), time(6, 30, 15)),
    ("auto_backfill_policy", ["stale", "missing", "stale"], "missing,stale"),
    ("tags", "b, a, b,", ("b", "a")),
    ("tags", ["b", "a"], ("b", "a")),
    ("notification_details", ' {"to":"#data",  "conn_id":"s"}', '{"conn_id": "s", "to": "#data"}'),
    ("owner", "  ", None),
    ("retry_schedule", None, "every 5 minutes"),
    ("parameters", {"b": 1, "a": "x"}, (Parameter(name="a", value="x"), Parameter(name="b", value="1"))),
    ("parameters", [{"parameter_name": "a", "parameter_value": None}], (Parameter(name="a", value=""),)),
    (
        "parameters",
        {"a": [1, True], "b": False},
        (Parameter(name="a", value="[1, true]"), Parameter(name="b", value="false")),
    ),
    ("dependencies", ["up"], (Dependency(upstream_id="up"),)),
    ("dependencies", [{"upstream": "up", "date_offset": -1}], (Dependency(upstream_id="up", offset=-1),)),
    (
        "quality_checks",
        [{"name": "q", "type": "row_count", "settings": '{"table": "t"}', "severity": None}],
        (QualityCheck(check_name="q", check_type="row_count", settings='{"table": "t"}'),),
    ),
]


@pytest.mark.parametrize(("column", "written", "meant"), SAME_MEANING)
def test_spellings_that_can_mean_only_one_thing_are_understood(column: str, written: object, meant: object) -> None:
    assert getattr(parse_pipeline({**GOOD, column: written}), column) == meant


@pytest.mark.parametrize("details", ["#data", '{"password": "x"}', "[1]", '{"to": 7'])
def test_no_row_in_the_registry_is_lost_over_where_its_messages_go(details: str) -> None:
    row = {**GOOD, "notification_channel": "carrier pigeon", "notification_details": details}
    assert parse_pipeline(row, stored=True).notification_details is None
    with pytest.raises(InvalidRequest):
        parse_pipeline(row)


def test_empty_cells_mean_the_documented_default() -> None:
    bare = parse_pipeline(GOOD)
    empty = parse_pipeline({**dict.fromkeys(DEFAULTS), **GOOD})
    assert bare == empty
    assert bare.pipeline_name == "orders"
    assert bare.schedule_spec().frequency == ""


def test_a_calendar_of_the_users_own_is_handed_in() -> None:
    own = {"factory": BusinessCalendar("factory", closed=frozenset({date(2026, 5, 1)}))}
    assert parse_pipeline({**GOOD, "calendar": "factory"}, calendars=own).calendar == "factory"


FULL = parse_pipeline(
    {
        **GOOD,
        "pipeline_name": "Orders",
        "connection_id": "dbx",
        "frequency": "every 2 days at 05:00",
        "start_date": "2026-01-01",
        "end_date": "2030-01-01",
        "sla_time": "08:00:01",
        "auto_backfill_from": "2026-02-01",
        "notification_channel": "slack",
        "notification_details": {"conn_id": "s", "on": ["failure"]},
        "tags": "a,b",
        "parameters": {"country": "de", "sql": "select 1\n  from t\n"},
        "dependencies": ["up", {"upstream_id": "up2", "offset": -1}],
        "quality_checks": [
            {"check_name": "q", "check_type": "accepted_range", "table": "t", "column": "c", "min": 0.5}
        ],
        "created_at": datetime(2026, 1, 1, 12, 30, tzinfo=UTC),
    }
)


def test_to_json_and_back_is_exact_also_through_json_text() -> None:
    back = Pipeline.from_json(json.loads(json.dumps(FULL.to_json())))
    assert back == FULL
    assert back.created_at == FULL.created_at


CHANGES_WHAT_RUNS_DO = {
    "platform": "dbt_cloud",
    "connection_id": "other",
    "platform_job_id": "102",
    "trigger_url": "https://host/jobs/1",
    "parameters": (Parameter(name="country", value="fr"),),
}
CHANGES_NOTHING_A_RUN_DOES = {
    "pipeline_name": "Other",
    "tags": ("c",),
    "owner": "me",
    "backfill_priority": 9,
    "frequency": "every 1 day",
    "sla_time": None,
    "updated_at": datetime(2027, 1, 1, tzinfo=UTC),
}


def test_the_definition_version_changes_exactly_with_what_a_run_does() -> None:
    version = FULL.definition_version
    assert len(version) == 16
    assert int(version, 16) >= 0
    for name, value in CHANGES_WHAT_RUNS_DO.items():
        assert replace(FULL, **{name: value}).definition_version != version, name
    for name, value in CHANGES_NOTHING_A_RUN_DOES.items():
        assert replace(FULL, **{name: value}).definition_version == version, name
