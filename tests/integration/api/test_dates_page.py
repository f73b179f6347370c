"""Run dates in a real browser on Airflow's own API server: as a DAG's tab, and on a pipeline's page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from airflow_backfill_provider.api import asking
from airflow_backfill_provider.store.engine import registry
from airflow_backfill_provider.store.tables import pipelines
from tests.integration.api.conftest import DOWNSTREAM, LOOKED_AT, SEEN, TODAY, Served
from tests.integration.api.test_permissions import fail, make
from tests.integration.api.test_queue import found_by_a_rule, move
from tests.integration.api.test_ranges import Ask, zone_is
from tests.integration.api.test_row_page import Open, pictures
from tests.integration.api.test_row_page import open_page as open_page
from tests.integration.api.test_row_page import site as site

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser]

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


NEW_YEARS_EVE, NEW_YEAR = date(TODAY.year, 12, 31), date(TODAY.year + 1, 1, 1)


@pytest.fixture
def offset_is(airflow_app: Served) -> Iterator[Callable[[int], None]]:
    """Lets the run dates of a pipeline lie so many days after its ticks; in the end as before."""

    def change(days: int) -> None:
        with registry().writing() as conn:
            conn.execute(pipelines.update().where(pipelines.c.pipeline_id == SEEN).values(date_offset=days))

    yield change
    change(0)


@pytest.fixture
def for_the_day_after(offset_is: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon of New Year's Eve, and each tick of a pipeline is for the day after it."""
    monkeypatch.setattr(asking, "now", lambda: datetime(*NEW_YEARS_EVE.timetuple()[:3], 12, tzinfo=UTC))
    offset_is(1)


@pytest.mark.usefixtures("for_the_day_after")
def test_a_year_says_how_far_the_dates_reach_whichever_it_is(ask: Ask) -> None:
    told = {
        year: ask("user", "GET", f"/api/pipelines/{SEEN}/calendar?year={year}").json()
        for year in (YEAR, NEW_YEAR.year, NEW_YEAR.year + 1)
    }
    assert {(found["today"], found["last"]) for found in told.values()} == {(str(NEW_YEARS_EVE), str(NEW_YEAR))}
    assert [one["run_date"] for one in told[NEW_YEAR.year]["dates"]] == [str(NEW_YEAR)]
    assert told[NEW_YEAR.year + 1]["dates"] == []


@pytest.mark.usefixtures("for_the_day_after")
def test_a_date_of_tomorrow_is_shown_and_filled_also_in_the_next_year(open_page: Open) -> None:
    page = open_page("user", f"?pipeline={SEEN}")
    expect(page.get_by_role("heading", name=str(NEW_YEARS_EVE.year), exact=True)).to_be_visible()
    page.get_by_role("button", name=f"The year {NEW_YEAR.year}").click()
    tomorrow = page.locator(f'td[data-day="{NEW_YEAR}"]')
    expect(tomorrow).to_have_attribute("data-status", "missing")
    expect(page.get_by_role("grid")).to_have_count(1)  # January
    after = page.get_by_role("button", name=f"The year {NEW_YEAR.year + 1}")
    expect(after).to_have_attribute("aria-disabled", "true")
    tomorrow.click()
    page.get_by_role("button", name="Fill 1 date", exact=True).click()
    expect(page.get_by_text("1 date asked for.")).to_be_visible()
    expect(tomorrow).to_have_attribute("data-status", "queued")


def test_dates_after_the_month_of_today_are_drawn_too(offset_is: Callable[[int], None], open_page: Open) -> None:
    offset_is(40)
    newest = TODAY + timedelta(days=40)
    page = open_page("user", f"?pipeline={SEEN}&year={newest.year}")
    expect(page.locator(f'td[data-day="{newest}"]')).to_have_attribute("data-status", "missing")


def button_of(page: Page, day: date) -> Locator:
    story = page.get_by_role("region", name=f"Story of {day}")
    expect(story.get_by_role("list")).to_be_attached()  # it is told
    return story.get_by_role("button", name=f"Try again: {day} of {SEEN}")


def test_a_date_that_no_request_asks_for_is_tried_again_from_its_story(ask: Ask, open_page: Open) -> None:
    found_by_a_rule(YESTERDAY)
    assert move(ask, "cancel", YESTERDAY).is_success
    page = open_page("user", f"?pipeline={SEEN}&year={YEAR}&date={YESTERDAY}")
    button = button_of(page, YESTERDAY)
    pictures(page, "try-again")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("It is tried again, with all its attempts.")
    page.keyboard.type("the source is back")
    pictures(page, "try-again-question")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text(f"{YESTERDAY} of {SEEN} will be tried again.")).to_be_visible()
    expect(page.locator(f'td[data-day="{YESTERDAY}"]')).to_have_attribute("data-status", "queued")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_be_focused()
    pictures(page, "tried-again")
    expect(page.get_by_text("user retries: the source is back")).to_be_attached()
    page.locator(f'td[data-day="{DAY_BEFORE}"]').click()
    expect(button_of(page, DAY_BEFORE)).to_have_count(0)
    expect(page.get_by_text("will be tried again")).to_have_count(0)


def test_what_a_request_asked_for_is_tried_again_from_its_story_too_and_a_refusal_is_said(
    ask: Ask, open_page: Open
) -> None:
    fail(make(ask, SEEN, dates=str(YESTERDAY)))
    page = open_page("user", f"?pipeline={SEEN}&year={YEAR}&date={YESTERDAY}")
    button_of(page, YESTERDAY).click()
    assert move(ask, "retry", YESTERDAY).is_success  # somebody was quicker
    page.get_by_role("button", name="Yes, retry it").click()
    expect(page.get_by_role("alert")).to_contain_text("failed or was cancelled in the queue")


@pytest.mark.parametrize("role", ["viewer", "user"])
def test_who_may_not_start_or_has_nothing_to_try_again_finds_no_such_button(
    ask: Ask, open_page: Open, role: str
) -> None:
    found_by_a_rule(YESTERDAY, DAY_BEFORE)
    given_up = YESTERDAY if role == "viewer" else DAY_BEFORE
    assert move(ask, "cancel", given_up).is_success
    page = open_page(role, f"?pipeline={SEEN}&year={YEAR}&date={YESTERDAY}")
    expect(button_of(page, YESTERDAY)).to_have_count(0)
