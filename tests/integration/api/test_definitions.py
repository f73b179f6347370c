"""Pipelines' rows over the API: who may look, change and make one; what is wrong, what differs, who changed what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import CLOSED_TEAM, DOWNSTREAM, HIDDEN, SEEN, TODAY, Served
from tests.integration.api.test_permissions import AUTH_MANAGERS as AUTH_MANAGERS
from tests.integration.api.test_permissions import LOGGED_IN, alike

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
NEW = {"platform": "http", "trigger_url": "https://jobs.example/start", "schedule_type": "daily"}


@pytest.fixture(autouse=True)
def rows_as_before(ask: Ask) -> Iterator[None]:
    """What a test changes is put back: others read the same rows."""
    from airflow_backfill_provider.actions.apply_manifest import apply_manifest, read_definitions
    from airflow_backfill_provider.pipelines.manifest import write_manifest
    from airflow_backfill_provider.store.engine import registry

    with registry().reading() as conn:
        before = write_manifest(read_definitions(conn).good)
    yield
    apply_manifest(registry(), before, who="test", now=datetime.now(UTC), prune=True)


def row_of(ask: Ask, pipeline_id: str = SEEN, role: str = "admin") -> dict[str, Any]:
    answer = ask(role, "GET", f"/api/pipelines/{pipeline_id}/definition")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def save(ask: Ask, role: str, pipeline_id: str, version: str | None, values: dict[str, Any], **more: Any) -> Any:
    body = {"version": version, "values": values}
    return ask(role, "PUT", f"/api/pipelines/{pipeline_id}/definition", **({"json": body} | more))


def check(ask: Ask, role: str, pipeline_id: str, version: str | None, values: dict[str, Any]) -> Any:
    body = {"pipeline_id": pipeline_id, "version": version, "values": values}
    return ask(role, "POST", "/api/definitions/check", json=body)


def edited(ask: Ask, pipeline_id: str = SEEN, role: str = "admin", **values: Any) -> tuple[str, dict[str, Any]]:
    row = row_of(ask, pipeline_id, role)
    return row["version"], row["values"] | values


def test_a_row_says_whether_one_may_edit_it_and_the_list_whether_one_may_make_one(ask: Ask) -> None:
    """In these tests nobody but the admin sees every DAG."""
    told = {
        role: (row_of(ask, role=role)["can_edit"], ask(role, "GET", "/api/definitions/fields").json()["can_create"])
        for role in LOGGED_IN
    }
    assert told == {"viewer": (False, False), "user": (True, False), "op": (True, False), "admin": (True, True)}


OTHER_CONNECTIONS: dict[str, dict[str, Any]] = {
    "connection_id": {"connection_id": "payroll"},
    "the usual one of another platform": {"platform": "snowflake", "platform_job_id": "CALL x(:run_date)"},
    "quality_checks": {
        "quality_checks": [
            {"check_name": "x", "check_type": "custom_sql", "sql": "select 1", "min": 1, "connection_id": "payroll"}
        ]
    },
    "notification_details": {"notification_channel": "slack", "notification_details": '{"conn_id": "payroll"}'},
}


@pytest.mark.parametrize("values", OTHER_CONNECTIONS.values(), ids=OTHER_CONNECTIONS)
def test_another_connection_takes_the_right_to_read_it_whatever_uses_it(ask: Ask, values: dict[str, Any]) -> None:
    version, row = edited(ask, **values)
    name = "snowflake_default" if "platform" in values else "payroll"
    draft = check(ask, "user", SEEN, version, row).json()
    [problem] = draft["problems"]
    assert problem["message"] == f"you may not choose the connection {name!r}; that takes the right to read connections"
    assert problem["where"] in ("connection_id", *values)
    assert draft["change"] is None
    refused = save(ask, "user", SEEN, version, row)
    assert (refused.status_code, refused.json()["detail"]) == (403, problem["message"])
    assert row_of(ask)["version"] == version
    assert check(ask, "op", SEEN, version, row).json()["problems"] == []
    saved = save(ask, "op", SEEN, version, row)
    assert saved.status_code == 200, saved.text


def test_a_connection_of_another_team_is_not_for_who_may_read_others(ask: Ask, airflow_app: Served) -> None:
    """Only the simple auth manager of these tests has teams."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Connection(conn_id="theirs", conn_type="http", team_name=CLOSED_TEAM))
    try:
        asked = edited(ask, connection_id="theirs")
        problems = {role: check(ask, role, SEEN, *asked).json()["problems"] for role in ("op", "admin")}
    finally:
        with create_session() as session:
            session.query(Connection).filter_by(conn_id="theirs").delete()
    assert problems["admin"] == []
    assert bool(problems["op"]) is (airflow_app.name == "simple")


def test_who_may_not_read_connections_is_told_so_before_a_pipeline_is_written(ask: Ask) -> None:
    may = {role: ask(role, "GET", "/api/definitions/fields").json() for role in ("viewer", "user", "op", "admin")}
    told = {role: answer["can_choose_connection"] for role, answer in may.items()}
    assert told == {"viewer": False, "user": False, "op": True, "admin": True}


def test_a_row_that_keeps_its_connection_is_edited_without_the_right_to_read_it(ask: Ask) -> None:
    assert save(ask, "op", SEEN, *edited(ask, connection_id="lake")).status_code == 200
    shown = row_of(ask, role="user")
    assert (shown["can_edit"], shown["can_choose_connection"]) == (True, False)
    assert row_of(ask, role="op")["can_choose_connection"] is True
    kept = shown["values"] | {"platform_job_id": "2", "owner": "ann"}
    assert save(ask, "user", SEEN, shown["version"], kept).status_code == 200
    version, usual = edited(ask, connection_id=None)
    assert save(ask, "user", SEEN, version, usual).status_code == 403


@pytest.mark.parametrize("send", [save, check])
@pytest.mark.parametrize("version", [None, "0123456789abcdef"])
def test_a_hidden_row_and_a_missing_one_answer_alike(ask: Ask, send: Any, version: str | None) -> None:
    missing = "n" * len(HIDDEN)
    for role in LOGGED_IN - {"admin"}:
        one, other = (send(ask, role, name, version, NEW) for name in (HIDDEN, missing))
        alike(one, other, {HIDDEN: missing})
        assert one.status_code == (403 if version is None else 404)
    assert send(ask, "admin", HIDDEN, *edited(ask, HIDDEN)).status_code == 200


def test_a_dag_that_is_no_pipeline_has_no_row(ask: Ask) -> None:
    for place in ("definition", "changes"):
        one, other = (ask("user", "GET", f"/api/pipelines/{name}/{place}") for name in ("foreign", "nnnnnnn"))
        alike(one, other, {"foreign": "nnnnnnn"})
    one, other = (save(ask, "user", name, "x", NEW) for name in ("foreign", "nnnnnnn"))
    alike(one, other, {"foreign": "nnnnnnn"})


def test_a_page_of_another_site_or_a_form_changes_no_row(ask: Ask) -> None:
    version, values = edited(ask, owner="evil")
    body = {"version": version, "values": values}
    assert save(ask, "admin", SEEN, version, values, headers={"Origin": "https://evil.example"}).status_code == 403
    form = {"content": json.dumps(body), "headers": {"Content-Type": "text/plain"}, "json": None}
    assert save(ask, "admin", SEEN, version, values, **form).status_code == 415
    assert save(ask, "admin", SEEN, version, values, json=body | {"force": True}).status_code == 422
    assert row_of(ask)["values"]["owner"] != "evil"


def test_a_change_is_seen_as_a_difference_saved_and_remembered(ask: Ask) -> None:
    version, values = edited(ask, sla_time="07:30", tags=["sales"], owner="ann")
    draft = check(ask, "user", SEEN, version, values).json()
    assert (draft["problems"], draft["change"]) == ([], "changed")
    differs = {one["field"]: (one["old"], one["new"]) for one in draft["fields"]}
    expected = {"sla_time": ("06:00:00", "07:30:00"), "tags": (["sales", "core"], ["sales"]), "owner": (None, "ann")}
    assert differs == expected
    saved = save(ask, "user", SEEN, version, values).json()
    assert saved["fields"] == draft["fields"]
    assert saved["version"] == row_of(ask)["version"] != version
    history = ask("viewer", "GET", f"/api/pipelines/{SEEN}/changes?limit=3").json()
    assert {one["field"]: (one["old"], one["new"]) for one in history["changes"]} == expected
    assert {one["changed_by"] for one in history["changes"]} == {"user"}
    assert history["total"] > 3
    older = ask("viewer", "GET", f"/api/pipelines/{SEEN}/changes?limit=500&offset=3").json()["changes"]
    assert len(older) == history["total"] - 3
    nothing = check(ask, "user", SEEN, saved["version"], values).json()
    assert (nothing["change"], nothing["fields"]) == (None, [])


def test_who_comes_second_is_told_that_it_changed_meanwhile(ask: Ask) -> None:
    version, values = edited(ask)
    assert save(ask, "user", SEEN, version, values | {"owner": "ann"}).status_code == 200
    late = save(ask, "op", SEEN, version, values | {"owner": "bob"})
    assert late.status_code == 409
    assert "was changed meanwhile" in late.json()["detail"]
    assert row_of(ask)["values"]["owner"] == "ann"
    taken = save(ask, "admin", SEEN, None, NEW)
    assert taken.status_code == 409
    told = check(ask, "admin", SEEN, None, NEW).json()
    assert [one["where"] for one in told["problems"]] == ["pipeline_id"]
    assert told["change"] is None


@pytest.mark.parametrize(
    ("values", "where", "words"),
    [
        ({"frequency": "every blue moon"}, "frequency", "blue"),
        ({"timezone": "Europe/Berln"}, "timezone", "IANA"),
        ({"sla_time": "25:00"}, "sla_time", "time of day"),
        ({"max_retry_attempts": -1}, "max_retry_attempts", "0 or more"),
        ({"max_retry_attempts": 10**30}, "max_retry_attempts", "greatest"),
        ({"platform": "databrick"}, "platform", "did you mean 'databricks'"),
        ({"platform_job_id": None}, "platform_job_id", "is missing"),
        ({"retry_schedule": "sometimes"}, "retry_schedule", "sometimes"),
        ({"notification_channel": "pigeon"}, "notification_channel", "pigeon"),
        ({"notification_details": '{"token": "x"}', "notification_channel": "slack"}, "notification_details", "secret"),
        ({"parameters": [{"name": "1x", "value": "a"}]}, "parameters[0]", "1x"),
        ({"dependencies": ["nowhere"]}, "dependencies", "'nowhere' is not in the registry"),
        ({"dependencies": [SEEN]}, "dependencies", "waits for itself"),
        ({"quality_checks": [{"name": "x", "kind": "row_cnt"}]}, "quality_checks[0].kind", "row_count"),
        ({"frequncy": "mon"}, "frequncy", "did you mean 'frequency'"),
        ({"updated_at": "2026-01-01T00:00:00Z"}, "updated_at", "kept by the system"),
    ],
)
def test_what_is_wrong_is_said_with_its_column_and_nothing_is_saved(
    ask: Ask, values: dict[str, Any], where: str, words: str
) -> None:
    version, row = edited(ask, **values)
    draft = check(ask, "user", SEEN, version, row).json()
    assert [one["where"] for one in draft["problems"]] == [where], draft
    assert words in draft["problems"][0]["message"]
    refused = save(ask, "user", SEEN, version, row)
    assert refused.status_code == 422
    assert refused.json()["problems"] == draft["problems"]
    assert row_of(ask)["version"] == version


def test_all_problems_come_at_once_and_the_dates_are_shown_all_the_same(ask: Ask) -> None:
    version, row = edited(ask, retry_schedule="x", platform="y", frequency="weekdays at 05:00")
    draft = check(ask, "user", SEEN, version, row).json()
    assert sorted(one["where"] for one in draft["problems"]) == ["platform", "retry_schedule"]
    assert draft["schedule"] == "Every weekday 05:00 UTC"
    days = [date.fromisoformat(one["run_date"]) for one in draft["next_dates"]]
    assert len(days) == 30
    assert days == sorted(days)
    assert {day.weekday() for day in days} == set(range(5))


def test_the_next_dates_have_their_ticks_deadlines_and_reasons(ask: Ask) -> None:
    version, row = edited(ask, frequency="at 05:00", date_offset=-1, sla_time="09:00")
    first, *_ = check(ask, "user", SEEN, version, row).json()["next_dates"]
    tick = datetime.fromisoformat(first["tick_at"])
    assert date.fromisoformat(first["run_date"]) == tick.date() - timedelta(days=1)
    assert datetime.fromisoformat(first["deadline_at"]) - tick == timedelta(hours=4)
    assert first["why"].endswith("05:00 UTC, 1 day before it")
    manual = check(ask, "user", SEEN, version, row | {"schedule_type": "manual", "frequency": None}).json()
    assert (manual["manual"], manual["next_dates"]) == (True, [])


def test_every_column_is_told_with_its_meaning_and_what_it_may_hold(ask: Ask) -> None:
    from airflow_backfill_provider.pipelines.columns import NAMES, PARTS, WRITTEN_BY_US

    told = ask("viewer", "GET", "/api/definitions/fields").json()
    fields = {field["name"]: field for field in told["fields"]}
    assert {*fields, *PARTS, *WRITTEN_BY_US} == set(NAMES)
    assert {field["group"] for field in fields.values()} == {group["name"] for group in told["groups"]}
    assert all(field["about"].endswith(".") or field["kind"] == "json" for field in fields.values())
    assert "rrule" in fields["schedule_type"]["allowed"]
    assert (fields["max_retry_attempts"]["minimum"], fields["max_retry_attempts"]["default"]) == (0, 3)
    values = row_of(ask)["values"]
    assert {*values, "pipeline_id"} == {*fields, *PARTS}


def test_a_row_as_it_is_told_can_be_handed_in_again(ask: Ask) -> None:
    for pipeline_id in (SEEN, DOWNSTREAM):
        version, values = edited(ask, pipeline_id, "user")
        assert save(ask, "user", pipeline_id, version, values).json()["change"] is None
        assert row_of(ask, pipeline_id)["version"] == version


def test_an_upstream_that_somebody_may_not_see_is_not_told_and_stays(ask: Ask) -> None:
    mine = row_of(ask, DOWNSTREAM, "user")
    assert mine["values"]["dependencies"] == [{"upstream_id": SEEN, "offset": 0}]
    values = mine["values"] | {"dependencies": [{"upstream_id": SEEN, "offset": -1}]}
    draft = check(ask, "user", DOWNSTREAM, mine["version"], values)
    saved = save(ask, "user", DOWNSTREAM, mine["version"], values)
    assert saved.status_code == 200, saved.text
    told = ask("user", "GET", f"/api/pipelines/{DOWNSTREAM}/changes?limit=500")
    assert HIDDEN not in draft.text + saved.text + told.text
    kept = [each["upstream_id"] for each in row_of(ask, DOWNSTREAM)["values"]["dependencies"]]
    assert kept == [HIDDEN, SEEN]
    gone = row_of(ask, DOWNSTREAM, "user")
    assert save(ask, "user", DOWNSTREAM, gone["version"], gone["values"] | {"dependencies": []}).status_code == 200
    assert [each["upstream_id"] for each in row_of(ask, DOWNSTREAM)["values"]["dependencies"]] == [HIDDEN]


@pytest.mark.parametrize("offset", [0, 1, -1])
def test_naming_a_hidden_upstream_answers_like_naming_a_missing_one(ask: Ask, offset: int) -> None:
    missing = "n" * len(HIDDEN)
    for pipeline_id in (SEEN, DOWNSTREAM):  # the second waits for it already, the first would wait for itself
        mine = row_of(ask, pipeline_id, "user")
        for send in (check, save):
            named = (
                mine["values"] | {"dependencies": [{"upstream_id": name, "offset": offset}]}
                for name in (HIDDEN, missing)
            )
            one, other = (send(ask, "user", pipeline_id, mine["version"], values) for values in named)
            alike(one, other, {HIDDEN: missing})
            assert "is not in the registry" in one.text


def test_a_chain_through_a_hidden_pipeline_does_not_name_it(ask: Ask) -> None:
    version, values = edited(ask, dependencies=[DOWNSTREAM])
    draft = check(ask, "user", SEEN, version, values)
    assert "waits for itself" in draft.text
    assert HIDDEN not in draft.text + save(ask, "user", SEEN, version, values).text
    assert HIDDEN in save(ask, "admin", SEEN, version, values | {"dependencies": [HIDDEN]}).text


def test_what_looks_like_a_secret_is_never_told_and_survives_a_change(ask: Ask) -> None:
    from airflow_backfill_provider.store import pipelines
    from airflow_backfill_provider.store.engine import registry

    secret = {"parameters": [{"name": "api_key", "value": "s3cr3t"}, {"name": "country", "value": "de"}]}
    secret |= {"trigger_url": "https://ann:s3cr3t@jobs.example/x?token=s3cr3t&a=1"}
    version, values = edited(ask, **secret)
    draft, saved = check(ask, "user", SEEN, version, values), save(ask, "user", SEEN, version, values)
    assert saved.status_code == 200, saved.text
    shown = ask("user", "GET", f"/api/pipelines/{SEEN}/definition")
    told = ask("user", "GET", f"/api/pipelines/{SEEN}/changes?limit=500")
    assert "s3cr3t" not in draft.text + saved.text + shown.text + told.text
    seen = shown.json()["values"]
    assert seen["trigger_url"] == "https://***@jobs.example/x?token=***&a=1"
    changed = seen | {"owner": "ann", "parameters": [*seen["parameters"], {"name": "a", "value": "b"}]}
    second = save(ask, "user", SEEN, shown.json()["version"], changed).json()
    assert sorted(one["field"] for one in second["fields"]) == ["owner", "parameters"]
    with registry().reading() as conn:
        kept = pipelines.get(conn, SEEN)
    assert {one.name: one.value for one in kept.parameters} == {"a": "b", "api_key": "s3cr3t", "country": "de"}
    assert kept.trigger_url == secret["trigger_url"]
    half = check(ask, "user", SEEN, second["version"], changed | {"trigger_url": "https://***@other.example/x"}).json()
    assert [one["where"] for one in half["problems"]] == ["trigger_url"]


def test_a_pipeline_is_made_switched_off_and_on_again(ask: Ask) -> None:
    made = save(ask, "admin", "brand_new", None, NEW).json()
    assert made["change"] == "added"
    for active in (False, True):
        row = row_of(ask, "brand_new")  # its DAG was never read by Airflow
        done = save(ask, "admin", "brand_new", row["version"], row["values"] | {"is_active": active}).json()
        assert done["fields"] == [{"field": "is_active", "old": not active, "new": active}]
    missing = "n" * len("brand_new")
    for role in LOGGED_IN - {"admin"}:
        one, other = (ask(role, "GET", f"/api/pipelines/{name}/definition") for name in ("brand_new", missing))
        alike(one, other, {"brand_new": missing})
        assert one.status_code == 404


def test_a_broken_row_is_told_with_what_is_wrong_and_can_be_mended(ask: Ask) -> None:
    from sqlalchemy import text

    from airflow_backfill_provider.store.engine import registry

    with registry().writing() as conn:
        conn.execute(text("UPDATE pipelines SET frequency = 'every blue moon' WHERE pipeline_id = 'reports'"))
    row = row_of(ask, DOWNSTREAM, "user")
    assert [one["where"] for one in row["problems"]] == ["frequency"]
    assert row["values"]["frequency"] == "every blue moon"
    mended = save(ask, "user", DOWNSTREAM, row["version"], row["values"] | {"frequency": None})
    assert mended.status_code == 200, mended.text
    assert row_of(ask, DOWNSTREAM)["problems"] == []


@pytest.mark.parametrize(
    "value",
    ["a\0b", "\ud800", float("nan"), float("inf"), {"a": "\0"}, [[[[[[[[[[[[[["deep"]]]]]]]]]]]]]], "x" * 200_001],
)
def test_a_value_that_cannot_be_kept_is_refused(ask: Ask, value: Any) -> None:
    version, values = edited(ask)
    content = json.dumps({"version": version, "values": values | {"parameters": {"x": value}}})
    json_kind = {"Content-Type": "application/json"}
    answer = save(ask, "admin", SEEN, None, {}, json=None, content=content, headers=json_kind)
    assert answer.status_code == 422, answer.text
    assert row_of(ask)["version"] == version


def test_today_is_the_day_from_which_a_newly_switched_on_rule_fills(ask: Ask) -> None:
    version, values = edited(ask, auto_backfill=True)
    fields = {one["field"]: one["new"] for one in check(ask, "user", SEEN, version, values).json()["fields"]}
    assert fields["auto_backfill_from"] in {str(TODAY), str(TODAY + timedelta(days=1))}
