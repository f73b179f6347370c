"""Plans page by page: some pipelines, some dates of each, and the numbers of all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import DOWNSTREAM, HIDDEN, SEEN, TODAY
from tests.integration.api.test_permissions import make, set_free, wish

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
PATHS = ["/api/plan", "/api/requests"]


def planned(ask: Ask, path: str, query: str, *pipelines: str, dates: str) -> Any:
    set_free(ask)
    answer = ask("admin", "POST", f"{path}?{query}", json=wish(*pipelines, dates=dates))
    assert answer.is_success, answer.text
    return answer.json().get("plan", answer.json())


@pytest.mark.parametrize("path", PATHS)
def test_pages_of_a_plan_meet_without_a_gap_and_each_tells_the_numbers_of_all(ask: Ask, path: str) -> None:
    every = (SEEN, DOWNSTREAM, HIDDEN)
    pages = [planned(ask, path, f"limit=2&offset={n}", *every, dates="last 4 days") for n in (0, 2, 4)]
    names = [[one["pipeline_id"] for one in page["pipelines"]] for page in pages]
    assert names == [[SEEN, DOWNSTREAM], [HIDDEN], []]
    assert {(page["total"], page["count"], page["runs"]) for page in pages} == {(3, 12, 12)}
    assert {(page["limit"], page["dates_limit"], page["dates_offset"]) for page in pages} == {(2, 50, 0)}


@pytest.mark.parametrize("path", PATHS)
def test_dates_of_a_plan_come_page_by_page_with_their_number(ask: Ask, path: str) -> None:
    days = [str(TODAY - timedelta(days=n)) for n in range(4, -1, -1)]
    pages = [
        planned(ask, path, f"dates_limit=2&dates_offset={n}", SEEN, DOWNSTREAM, dates="last 5 days")
        for n in (0, 2, 4, 6)
    ]
    for place in (0, 1):
        parts = [page["pipelines"][place] for page in pages]
        assert [day["run_date"] for part in parts for day in part["dates"]] == days
        assert {(part["count"], part["runs"]) for part in parts} == {(5, 5)}


def test_lines_of_what_is_left_out_come_page_by_page_too(ask: Ask) -> None:
    make(ask, SEEN, dates="yesterday")
    body = wish(SEEN, dates="last 30 days")  # it began later
    pages = [ask("user", "POST", f"/api/plan?dates_limit=1&dates_offset={n}", json=body).json() for n in range(3)]
    lines = [page["pipelines"][0]["left_out"] for page in pages]
    assert [len(some) for some in lines] == [1, 1, 0]
    assert len({some[0] for some in lines[:2]}) == 2
    assert {page["pipelines"][0]["left_out_lines"] for page in pages} == {2}


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "offset=-1", "dates_limit=0", "dates_offset=x"])
def test_a_page_that_cannot_be_is_refused_and_nothing_is_made(ask: Ask, query: str) -> None:
    set_free(ask)
    before = ask("admin", "GET", "/api/requests").json()["total"]
    for path in PATHS:
        assert ask("user", "POST", f"{path}?{query}", json=wish(SEEN, dates="today")).status_code == 422
    assert ask("admin", "GET", "/api/requests").json()["total"] == before
