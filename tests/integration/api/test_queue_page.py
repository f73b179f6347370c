"""Requests in a real browser on Airflow's own API server: steered on a narrow screen, and read page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.api.conftest import DOWNSTREAM, SEEN, TODAY
from tests.integration.api.test_permissions import fail, make, wish
from tests.integration.api.test_queue import D1, D2, TURN, found_by_a_rule
from tests.integration.api.test_row_page import Open, pictures
from tests.integration.api.test_row_page import open_page as open_page
from tests.integration.api.test_row_page import site as site

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser]

Ask = Callable[..., Any]
NARROW = {"width": 390, "height": 844}


def request_row(page: Page, name: str) -> Locator:
    return page.get_by_role("row", name=re.compile(f"Request {name}, "))


def test_on_a_narrow_screen_every_button_is_there_to_be_pressed(ask: Ask, open_page: Open) -> None:
    names = [make(ask, SEEN, DOWNSTREAM, dates="last 4 days", first_n=1, why="the warehouse was down")]
    older = ask("op", "POST", "/api/requests", json=wish(SEEN, dates=f"{TODAY - timedelta(days=9)}")).json()
    names.append(older["request_id"])
    fail(names[1])
    page = open_page("user", "?view=queue")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    expect(page.get_by_role("button", name=f"retry {names[1]}")).to_be_visible()
    pictures(page, "queue-steered")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    for verb in ("pause", "resume", "cancel", "Lower the priority of", "Raise the priority of"):
        button = page.get_by_role("button", name=f"{verb} {names[0]}", exact=True)
        box = button.bounding_box()
        assert box is not None
        assert (box["x"] >= 0, box["x"] + box["width"] <= NARROW["width"]) == (True, True), (verb, box)
        assert box["height"] >= 36, (verb, box)
        button.click(trial=True)  # nothing lies over it
    page.get_by_role("button", name=f"Raise the priority of {names[0]}").click()
    expect(page.get_by_role("status").get_by_text(f"{names[0]} has another priority")).to_be_visible()
    page.get_by_role("button", name=f"pause {names[0]}").click()
    page.get_by_role("button", name="Yes, pause it").click()
    expect(request_row(page, names[0])).to_have_attribute("aria-label", re.compile("paused"))


def test_a_retry_of_a_paused_request_says_that_its_dates_wait(ask: Ask, open_page: Open) -> None:
    name = make(ask, SEEN, dates="last 3 days")
    assert ask("op", "POST", f"/api/requests/{name}/pause", json={}).is_success
    fail(name)
    page = open_page("user", "?view=queue")
    page.get_by_role("button", name=f"retry {name}").click()
    page.get_by_role("button", name="Yes, retry it").click()
    said = page.get_by_role("status").filter(has_text="will be tried again")
    expect(said).to_have_text(
        f"3 dates of {name} will be tried again. It is paused: nothing starts until it is resumed."
    )
    expect(said).to_be_visible()


def test_each_quick_press_of_plus_is_a_step_of_the_priority(ask: Ask, open_page: Open) -> None:
    name = make(ask, SEEN, dates="today")
    page = open_page("user", "?view=queue")
    row = request_row(page, name)
    row.focus()
    for _ in range(3):
        page.keyboard.press("+")
    expect(row.get_by_role("button", name=f"3: change the priority of {name}")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("has another priority")).to_be_visible()
    page.reload()
    expect(row.get_by_role("button", name=f"3: change the priority of {name}")).to_be_visible()


def test_a_request_that_is_not_on_the_page_of_the_list_is_steered_in_its_details(ask: Ask, open_page: Open) -> None:
    name = make(ask, SEEN, dates="last 2 days")
    page = open_page("user", f"?view=queue&state=ended&request={name}")
    expect(page.get_by_text("No request has ended")).to_be_visible()
    details = page.get_by_role("region", name=f"Dates of {name}")
    details.get_by_role("button", name=f"Raise the priority of {name}").click()
    expect(details.get_by_role("button", name=f"1: change the priority of {name}")).to_be_visible()
    pictures(page, "request-by-link")
    details.get_by_role("button", name=f"cancel {name}").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(details.get_by_role("status").get_by_text("is cancelled, with 2 dates")).to_be_visible()
    expect(request_row(page, name)).to_be_visible()  # it has ended, and its row has the verbs from now on
    expect(page.get_by_role("button", name=f"retry {name}")).to_have_count(1)


def test_what_was_done_is_said_though_the_list_is_empty_by_it(ask: Ask, open_page: Open) -> None:
    name = make(ask, SEEN, dates="today")
    page = open_page("user", "?view=queue&state=live")
    page.get_by_role("button", name=f"cancel {name}").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.get_by_text("No request waits or works")).to_be_visible()
    expect(page.get_by_role("status").get_by_text(f"{name} is cancelled")).to_be_visible()


def test_who_may_only_look_at_a_request_finds_no_verbs_in_its_details(ask: Ask, open_page: Open) -> None:
    name = make(ask, SEEN, dates="today")
    page = open_page("viewer", f"?view=queue&state=ended&request={name}")
    details = page.get_by_role("region", name=f"Dates of {name}")
    expect(details.get_by_text("asked for by admin").first).to_be_visible()
    expect(details.get_by_role("button", name=re.compile(name))).to_have_count(0)


def test_a_date_that_waits_says_for_what_in_the_queue_and_in_its_story(ask: Ask, open_page: Open) -> None:
    name = make(ask, SEEN, dates="last 2 days", first_n=1)
    page = open_page("viewer", f"?view=queue&request={name}")
    dates = page.get_by_role("region", name="Dates in the queue")
    expect(dates.get_by_text(f"waits {TURN}")).to_be_visible()
    expect(dates.get_by_text("waits for 'backfill resume'")).to_be_visible()
    page.goto(page.url.split("?")[0] + f"?pipeline={SEEN}&date={TODAY}")
    expect(page.get_by_role("region", name=f"Story of {TODAY}").get_by_text("It waits for")).to_be_visible()


def test_a_date_that_a_rule_found_is_cancelled_and_tried_again_though_it_has_no_request(
    ask: Ask, open_page: Open
) -> None:
    found_by_a_rule(D1, D2)
    make(ask, SEEN, dates="today")
    page = open_page("user", "?view=queue")
    found = page.get_by_role("region", name="Dates without a request")
    expect(found.get_by_role("row")).to_have_count(3)  # with the heads, and without what a person asked for
    pictures(page, "queue-found-by-rules")
    page.get_by_role("button", name=f"cancel {D1} of {SEEN}").click()
    page.get_by_label("Why").fill("the source is gone")
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.get_by_role("status").get_by_text(f"{D1} of {SEEN} is cancelled.")).to_be_visible()
    expect(found.get_by_role("row")).to_have_count(2)
    page.get_by_role("button", name=f"retry {D1} of {SEEN}").click()
    page.get_by_role("button", name="Yes, retry it").click()
    expect(page.get_by_role("status").get_by_text("will be tried again")).to_be_visible()
    expect(found.get_by_role("row")).to_have_count(3)
    story = ask("user", "GET", f"/api/pipelines/{SEEN}/dates/{D1}").json()
    assert any("the source is gone" in line for line in story["lines"])


def test_who_may_only_look_finds_no_verbs_beside_dates_that_rules_found(open_page: Open) -> None:
    found_by_a_rule(D1)
    page = open_page("viewer", "?view=queue")
    expect(page.get_by_text("Nobody has asked for dates")).to_be_visible()
    found = page.get_by_role("region", name="Dates without a request")
    expect(found.get_by_role("link", name=str(D1))).to_be_visible()
    expect(found.get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name="Ended").click()
    expect(found).to_have_count(0)


def test_a_long_history_is_read_page_by_page_down_to_who_asked(ask: Ask, open_page: Open) -> None:
    name = make(ask, SEEN, dates="today", why="month end")
    for priority in range(1, 26):
        assert ask("op", "POST", f"/api/requests/{name}/reprioritize", json={"priority": priority}).is_success
    page = open_page("viewer", f"?view=queue&request={name}")
    history = page.get_by_role("region", name=f"History of {name}")
    expect(history.get_by_role("listitem")).to_have_count(20)
    expect(history.get_by_role("listitem").first).to_contain_text("priority 25 for 1 date(s)")
    history.get_by_role("button", name="Older").focus()
    page.keyboard.press("Enter")
    expect(history.get_by_role("listitem")).to_have_count(6)
    expect(history.get_by_role("button", name="Older")).to_be_focused()  # though there is nothing older
    expect(history.get_by_role("listitem").last).to_contain_text("asked for by admin")
    expect(history.get_by_role("listitem").last).to_contain_text("month end")
    page.reload()
    expect(history.get_by_text("2 of 2")).to_be_visible()


@pytest.fixture
def a_long_past(airflow_app: Any) -> Iterator[int]:
    """A pipeline that began long ago; yields for how many days it owes dates."""
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import pipelines

    days = 120

    def begins(ago: int) -> None:
        mine = pipelines.c.pipeline_id == SEEN
        with registry().writing() as conn:
            conn.execute(pipelines.update().where(mine).values(start_date=TODAY - timedelta(days=ago)))

    begins(days)
    yield days
    begins(20)


def test_each_date_of_a_long_plan_is_read_with_its_reason_page_by_page(open_page: Open, a_long_past: int) -> None:
    first = TODAY - timedelta(days=a_long_past - 1)
    page = open_page("user", f"?pipeline={SEEN}&dates={first}..{TODAY - timedelta(days=1)}")
    expect(page.get_by_role("button", name=f"Fill {a_long_past - 1} dates")).to_be_enabled()
    page.get_by_role("button", name="Each date, and why").click()
    dates = page.get_by_role("list", name=f"Dates of {SEEN}").get_by_role("listitem")
    expect(dates).to_have_count(50)
    expect(dates.first).to_have_text(re.compile(f"{first}.*missing"))
    pages = page.get_by_role("navigation", name="Pages of dates of the plan")
    pages.get_by_role("button", name="Next").click()
    pages.get_by_role("button", name="Next").click()
    expect(dates).to_have_count(19)
    expect(dates.last).to_have_text(re.compile(f"{TODAY - timedelta(days=1)}.*missing"))
    pictures(page, "plan-each-date")
    page.get_by_role("button", name="Hide the dates").click()
    expect(dates).to_have_count(0)
    expect(page.get_by_role("button", name=f"Fill {a_long_past - 1} dates")).to_be_enabled()
