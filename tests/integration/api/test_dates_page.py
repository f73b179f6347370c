"""Run dates in a real browser on Airflow's own API server: as a DAG's tab, and on a pipeline's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.integration.api.conftest import DOWNSTREAM, LOOKED_AT, SEEN, TODAY
from tests.integration.api.test_ranges import Ask, zone_is
from tests.integration.api.test_row_page import Open
from tests.integration.api.test_row_page import open_page as open_page
from tests.integration.api.test_row_page import site as site

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser, pytest.mark.timeout(400)]

YESTERDAY, DAY_BEFORE = TODAY - timedelta(days=1), TODAY - timedelta(days=2)
YEAR = YESTERDAY.year


def as_tab_of(page: Page, dag_id: str) -> None:
    """Its DAG's page, told of the DAG as Airflow would once it had read it."""
    known = {"dag_id": dag_id, "dag_display_name": dag_id, "is_paused": False, "tags": [], "owners": [], "params": {}}
    page.route(f"**/api/v2/dags/{dag_id}/details", lambda route: route.fulfill(json=known))
    page.goto(page.url.replace("/plugin/backfills", f"/dags/{dag_id}/plugin/run_dates"))


def test_the_tab_of_a_dag_that_is_no_pipeline_says_so_and_alarms_nobody(open_page: Open) -> None:
    page = open_page("user", "")
    as_tab_of(page, LOOKED_AT)
    expect(page.get_by_text("No pipeline of yours runs as this DAG")).to_be_visible()
    expect(page.locator(".bf").get_by_role("alert")).to_have_count(0)


def test_what_is_picked_and_written_while_dates_are_asked_for_stays(open_page: Open) -> None:
    page = open_page("user", f"?pipeline={SEEN}&year={YEAR}&dates={DAY_BEFORE}")
    page.get_by_label("Why").fill("month end")
    on_the_way: list[Route] = []
    page.route("**/backfill/api/requests*", lambda route: on_the_way.append(route))
    page.get_by_role("button", name="Fill 1 date", exact=True).click()
    expect(page.get_by_role("button", name="Asking…")).to_be_visible()
    yesterday = page.locator(f'td[data-day="{YESTERDAY}"]')
    yesterday.click()
    page.get_by_label("Why").fill("month end, and the day after")
    on_the_way[0].continue_()
    expect(page.get_by_text("1 date asked for.")).to_be_visible()
    expect(page.get_by_role("heading", name="1 date picked")).to_be_visible()
    expect(yesterday).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Why")).to_have_value("month end, and the day after")


def test_another_year_keeps_the_focus_and_what_was_told_of_a_request(open_page: Open) -> None:
    page = open_page("user", f"?pipeline={SEEN}&year={YEAR}&dates={DAY_BEFORE}")
    page.get_by_role("button", name="Fill 1 date", exact=True).click()
    expect(page.get_by_text("1 date asked for.")).to_be_visible()
    on_the_way: list[Route] = []
    page.route("**/calendar?year=*", lambda route: on_the_way.append(route))
    before = page.get_by_role("button", name=f"The year {YEAR - 1}")
    before.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=str(YEAR - 1), exact=True)).to_be_visible()
    expect(page.locator(".bf-year").locator("xpath=..")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("button", name=f"The year {YEAR - 2}")).to_be_focused()
    for route in on_the_way:
        route.continue_()
    page.unroute("**/calendar?year=*")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.get_by_role("button", name=f"The year {YEAR - 2}")).to_be_focused()
    expect(page.get_by_text("1 date asked for.")).to_be_visible()


def test_the_newest_run_date_is_shown_to_who_is_west_of_its_pipeline(ask: Ask, open_page: Open) -> None:
    zone_is(DOWNSTREAM, "Pacific/Kiritimati")  # the first place where a day begins
    try:
        last = ask("user", "GET", "/api/grid").json()["last"]
        page = open_page("user", "?days=14")
        page.evaluate("localStorage.setItem('timezone', JSON.stringify('Pacific/Pago_Pago'))")  # the last one
        page.reload()
        expect(page.get_by_label("Until")).to_have_value(last)
        expect(page.get_by_role("columnheader", name=last, exact=True)).to_be_visible()
        assert "last=" not in page.url
        page.get_by_label("Until").fill(str(TODAY - timedelta(days=5)))
        expect(page.get_by_role("columnheader", name=last, exact=True)).to_have_count(0)
        assert f"last={TODAY - timedelta(days=5)}" in page.url
    finally:
        zone_is(DOWNSTREAM, "UTC")
