"""What the API answers: grids, calendars, stories, requests, and what is wrong with a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.conftest import DOWNSTREAM, SEEN, TODAY
from tests.integration.api.test_permissions import make, wish

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]


def test_the_grid_has_a_letter_for_each_day_and_the_worst_pipeline_first(ask: Ask) -> None:
    make(ask, DOWNSTREAM, dates="today")
    grid = ask("user", "GET", f"/api/grid?last={TODAY}").json()
    assert (grid["first"], grid["last"]) == (str(TODAY - timedelta(days=29)), str(TODAY))
    assert [row["pipeline_id"] for row in grid["pipelines"]] == [SEEN, DOWNSTREAM]
    orders, reports = grid["pipelines"]
    assert len(orders["cells"]) == 30
    assert orders["cells"].startswith("." * 9 + "m" * 19)  # started 20 days ago; their 06:00 has passed
    assert orders["owed"] == orders["counts"]["missing"] == orders["cells"].lower().count("m")
    assert reports["cells"][-1] == "Q"
    assert orders["late"] >= 19
    assert reports["late"] == 0


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("search=ORD", [SEEN]),
        ("search=reports", [DOWNSTREAM]),
        ("tag=sales", [SEEN, DOWNSTREAM]),
        ("tag=sales&tag=core", [SEEN]),
        ("platform=http", [DOWNSTREAM]),
        ("status=failed", []),
        ("status=queued", [DOWNSTREAM]),
        ("status=excluded", []),
        ("status=missing&sort=late", [SEEN, DOWNSTREAM]),
        ("active=true&sort=name", [SEEN, DOWNSTREAM]),
    ],
)
def test_filters_narrow_the_grid_and_its_numbers(ask: Ask, query: str, ids: list[str]) -> None:
    make(ask, DOWNSTREAM, dates="today")
    found = ask("user", "GET", f"/api/grid?{query}").json()
    assert [row["pipeline_id"] for row in found["pipelines"]] == ids
    assert found["total"] == len(ids)
    if "status" not in query:
        summary = ask("user", "GET", f"/api/summary?{query.replace('&sort=name', '')}").json()
        assert summary["pipelines"] == len(ids)
        assert summary["owed"] == sum(row["owed"] for row in found["pipelines"])


def test_a_request_goes_from_plan_to_cancelled(ask: Ask) -> None:
    make(ask, DOWNSTREAM, dates="today")
    body = wish(SEEN, dates="last 3 days", priority=5, first_n=1, why="a test")
    plan = ask("user", "POST", "/api/plan", json=body).json()
    made = ask("user", "POST", "/api/requests", json=body).json()
    assert made["plan"] == plan
    assert plan["count"] == 3
    name = made["request_id"]
    shown = ask("user", "GET", f"/api/requests/{name}?limit=2").json()
    assert (shown["items"], len(shown["rows"]), shown["kept_back"], shown["state"]) == (3, 2, 2, "open")
    assert (shown["requested_by"], shown["why"], shown["priority"]) == ("user", "a test", 5)
    days = [row["run_date"] for row in shown["rows"]]
    days += [row["run_date"] for row in ask("user", "GET", f"/api/requests/{name}?offset=2").json()["rows"]]
    assert days == [str(TODAY - timedelta(days=n)) for n in (2, 1, 0)]
    assert ask("user", "POST", f"/api/requests/{name}/reprioritize", json={"priority": 9}).json()["dates"] == 3
    assert ask("user", "POST", f"/api/requests/{name}/cancel", json={"why": "enough"}).json()["dates"] == 3
    ended = ask("user", "GET", f"/api/requests/{name}").json()
    assert (ended["state"], ended["kept_back"]) == ("cancelled", 0)
    again = ask("user", "POST", f"/api/requests/{name}/cancel", json={})
    assert again.status_code == 409
    assert "was cancelled" in again.json()["detail"]
    story = ask("user", "GET", f"/api/pipelines/{SEEN}/dates/{TODAY}").json()
    assert any("enough" in line for line in story["lines"])
    assert any(item["request_id"] == name for item in story["items"])


def test_the_calendar_has_every_expected_date_of_a_year(ask: Ask) -> None:
    make(ask, DOWNSTREAM, dates="today")
    first = TODAY - timedelta(days=20)
    found = [
        day["run_date"]
        for year in sorted({first.year, TODAY.year})
        for day in ask("user", "GET", f"/api/pipelines/{SEEN}/calendar?year={year}").json()["dates"]
    ]
    assert found == [str(first + timedelta(days=n)) for n in range(21)]
    assert ask("user", "GET", f"/api/pipelines/{SEEN}/calendar?year=1999").json()["dates"] == []


def test_a_pipeline_tells_its_schedule_and_what_comes_next(ask: Ask) -> None:
    found = ask("viewer", "GET", f"/api/pipelines/{SEEN}").json()
    assert (found["can_start"], found["sla_time"], found["problem"]) == (False, "06:00", None)
    assert found["next_dates"][0] == str(date.fromisoformat(found["today"]) + timedelta(days=1))
    assert ask("user", "GET", f"/api/pipelines/{SEEN}").json()["can_start"] is True
    assert ask("user", "GET", f"/api/pipelines/{DOWNSTREAM}").json()["upstreams"] == [SEEN]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"pipeline_ids": [SEEN], "dates": "2026-13-01"}, "dates"),
        ({"pipeline_ids": [SEEN], "dates": "2026-02-03..2026-02-01"}, "dates"),
        ({"pipeline_ids": [SEEN], "dates": "today", "priorty": 1}, "priorty"),
        ({"pipeline_ids": [SEEN], "dates": "today", "first_n": 0}, "first_n"),
        ({"pipeline_ids": [SEEN], "dates": "today", "priority": 10**9}, "priority"),
        ({"pipeline_ids": [SEEN], "dates": "today", "why": "a\0b"}, "why"),
        ({"pipeline_ids": [SEEN], "tag": "sales", "dates": "today"}, "pipeline_ids"),
        ({"dates": "today"}, "pipeline_ids"),
        ({"pipeline_ids": [SEEN]}, "dates"),
        ({"pipeline_ids": [SEEN], "dates": "2999-01-01"}, "pipeline 'orders'"),
    ],
)
def test_what_is_wrong_with_a_wish_is_said_with_its_place(ask: Ask, body: dict[str, Any], where: str) -> None:
    answer = ask("user", "POST", "/api/requests", json=body)
    assert answer.status_code == 422, answer.text
    assert [problem["where"] for problem in answer.json()["problems"]] == [where]
    assert answer.json()["detail"]


@pytest.mark.parametrize("query", ["first=2026-02-01&last=2026-01-01", "first=2020-01-01&last=2026-01-01", "limit=0"])
def test_a_range_or_page_that_cannot_be_is_refused(ask: Ask, query: str) -> None:
    assert ask("user", "GET", f"/api/grid?{query}").status_code == 422


@pytest.mark.parametrize("path", ["/api/requests/%00", f"/api/pipelines/{SEEN}/runs/a%00b", "/api/grid?search=%00"])
def test_a_url_with_a_nul_is_refused(ask: Ask, path: str) -> None:
    assert ask("user", "GET", path).status_code == 422


@pytest.fixture
def broken(ask: Ask) -> Iterator[str]:
    """A pipeline whose row cannot be read."""
    from sqlalchemy import text

    from airflow_backfill_provider.store.engine import registry

    change = text("UPDATE pipelines SET frequency = :frequency WHERE pipeline_id = 'reports'")
    with registry().writing() as conn:
        conn.execute(change, {"frequency": "every blue moon"})
    yield "reports"
    with registry().writing() as conn:
        conn.execute(change, {"frequency": None})


def test_a_broken_row_is_shown_with_what_is_wrong(ask: Ask, broken: str) -> None:
    rows = {row["pipeline_id"]: row for row in ask("user", "GET", "/api/grid").json()["pipelines"]}
    assert "every blue moon" in rows[broken]["problem"]
    assert (rows[broken]["can_start"], rows[broken]["owed"]) == (False, 0)
    assert "every blue moon" in ask("user", "GET", f"/api/pipelines/{broken}").json()["problem"]
    assert ask("user", "GET", f"/api/pipelines/{broken}/calendar").status_code == 422


@pytest.mark.parametrize("way", [{"tag": "sales"}, {"all_pipelines": True}])
@pytest.mark.parametrize("path", ["/api/plan", "/api/requests"])
def test_a_broken_row_stops_no_tag_and_is_named(ask: Ask, broken: str, path: str, way: dict[str, Any]) -> None:
    make(ask, SEEN, dates="yesterday")
    answer = ask("user", "POST", path, json={"dates": "today", "only": "any", **way})
    assert answer.is_success, answer.text
    plan = answer.json().get("plan", answer.json())
    by_name = {one["pipeline_id"]: one for one in plan["pipelines"]}
    assert len(by_name[SEEN]["dates"]) == 1
    assert by_name[broken]["dates"] == []
    assert "every blue moon" in by_name[broken]["left_out"][0]
    named = ask("user", "POST", path, json=wish(SEEN, broken))
    assert named.status_code == 422
    assert "every blue moon" in named.json()["detail"]


@pytest.mark.parametrize("path", ["/api/grid", f"/api/pipelines/{SEEN}", "/api/requests"])
def test_a_mistyped_path_of_the_registry_makes_no_file_and_is_told(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    mistyped = tmp_path / "backfil.db"
    monkeypatch.setenv("AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN", f"sqlite:///{mistyped}")
    answer = ask("admin", "GET", path)
    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        f"there is no registry at sqlite:///{mistyped}: the file '{mistyped}' does not exist; see that [backfill] "
        "sql_alchemy_conn names the right one, or run 'airflow pipelines db migrate', which makes it",
    )
    assert list(tmp_path.iterdir()) == []


def test_airflow_takes_every_page_of_the_plugin(ask: Ask) -> None:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.core_api.datamodels.plugins import ReactAppResponse

    from airflow_backfill_provider.plugins.plugin import BackfillPlugin

    assert get_auth_manager()
    for app in BackfillPlugin.react_apps:
        ReactAppResponse.model_validate(app)
