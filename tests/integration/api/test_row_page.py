"""A pipeline's row as a form, in a real browser on Airflow's own API server: no scheduler is needed for that.

``BACKFILL_SCREENSHOTS`` names a folder in which the pictures are kept.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page, Route, expect, sync_playwright

from airflow_backfill_provider.demo.airflow_stack import free_port
from tests.acceptance.test_browser import FLAGS, PATIENCE_MS
from tests.integration.api.conftest import CLOSED_TEAM, DOWNSTREAM, SEEN, Served
from tests.integration.api.test_definitions import rows_as_before as rows_as_before

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser]

Open = Callable[[str, str], Page]
SCHEMES, WIDTHS = ("light", "dark"), (1280, 390)


@pytest.fixture(scope="module")
def site(airflow_app: Served) -> Iterator[str]:
    """The address of the application, served over HTTP."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(airflow_app.app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def open_page(site: str, airflow_app: Served, chromium_path: str) -> Iterator[Open]:
    """``open_page(role, place)``: a page of that person's own browser."""
    with sync_playwright() as playwright, _closing(playwright.chromium, chromium_path) as browser:
        problems: list[str] = []

        def open_one(role: str, place: str) -> Page:
            context = browser.new_context(viewport={"width": 1280, "height": 1000})
            context.add_cookies([{"name": "_token", "value": airflow_app.token(role), "url": site}])
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(f"{site}/plugin/backfills{place}")
            return page

        yield open_one
        assert not problems, problems


@contextmanager
def _closing(chromium: Any, path: str) -> Iterator[Any]:
    browser = chromium.launch(executable_path=path, headless=True, args=FLAGS)
    yield browser
    browser.close()


def pictures(page: Page, name: str) -> None:
    """The page light and dark, wide and narrow, where pictures are wanted."""
    folder = os.environ.get("BACKFILL_SCREENSHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png")
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_a_row_is_edited_judged_compared_saved_and_remembered(open_page: Open) -> None:
    page = open_page("user", f"?pipeline={SEEN}")
    page.get_by_role("link", name="Edit", exact=True).click()
    review = page.get_by_role("button", name="Review changes")
    expect(page.get_by_role("status").get_by_text("No changes")).to_be_visible()
    expect(review).to_be_disabled()
    next_dates = page.get_by_role("region", name="Next dates")
    expect(next_dates.get_by_role("listitem")).to_have_count(10)
    pictures(page, "row")

    frequency = page.get_by_label("Frequency")
    frequency.fill("every blue moon")
    expect(frequency).to_have_attribute("aria-invalid", "true")
    wrong = page.locator(
        f"#{(frequency.get_attribute('aria-describedby') or '').split()[1].replace(':', chr(92) + ':')}"
    )
    expect(wrong).to_contain_text("blue")
    expect(review).to_be_disabled()
    expect(next_dates).to_contain_text("once its schedule can be read")
    pictures(page, "row-problem")

    frequency.fill("weekdays at 05:00")
    page.get_by_label("Owner").fill("ann")
    expect(next_dates).to_contain_text("Every weekday 05:00 UTC")
    expect(page.get_by_role("status").get_by_text("2 changes, nothing wrong")).to_be_visible()
    review.click()
    dialog = page.get_by_role("dialog", name="Review changes")
    differences = dialog.get_by_role("table", name="Changes")
    expect(differences.get_by_role("row")).to_have_text(
        [re.compile("Column"), re.compile("Frequency.*–.*weekdays at 05:00"), re.compile("Owner.*–.*ann")]
    )
    pictures(page, "row-review")
    dialog.get_by_role("button", name="Save 2 changes").click()
    expect(page.get_by_text("2 changes saved.")).to_be_visible()
    pictures(page, "row-saved")

    page.get_by_role("link", name="Its history").click()
    newest = page.get_by_role("region", name=re.compile("^user, ")).first
    expect(newest).to_contain_text("weekdays at 05:00")
    expect(newest).to_contain_text("ann")
    assert "view=history" in page.url
    pictures(page, "row-history")


def test_a_draft_survives_a_walk_and_goes_on_top_of_what_another_saved(open_page: Open) -> None:
    mine, theirs = (open_page(role, f"?pipeline={SEEN}&view=edit") for role in ("user", "op"))
    mine.get_by_label("Owner").fill("ann")
    expect(mine.get_by_role("status").get_by_text("1 change, nothing wrong")).to_be_visible()
    mine.get_by_role("link", name="Queue").click()
    mine.go_back()
    expect(mine.get_by_text("What you had written here is back")).to_be_visible()
    expect(mine.get_by_label("Owner")).to_have_value("ann")

    theirs.get_by_label("Backfill priority").fill("7")
    for page, button in ((mine, None), (theirs, "Save 1 change")):
        page.get_by_role("button", name="Review changes").click()
        if button:
            page.get_by_role("button", name=button).click()
    expect(theirs.get_by_text("1 change saved.")).to_be_visible()
    mine.get_by_role("button", name="Save 1 change").click()
    expect(mine.get_by_role("alert")).to_contain_text("was changed meanwhile")
    pictures(mine, "row-meanwhile")
    on_the_way: list[Route] = []
    mine.route("**/definition", lambda route: on_the_way.append(route))
    mine.get_by_role("button", name="Put my changes on the row as it is now").click()
    expect(mine.get_by_role("button", name="Save 1 change")).to_have_count(0)
    while not on_the_way:  # the page tells of the button and of its request one after the other
        mine.wait_for_timeout(20)
    on_the_way[0].continue_()
    mine.unroute("**/definition")
    mine.get_by_role("button", name="Save 1 change").click()
    expect(mine.get_by_text("1 change saved.")).to_be_visible()
    expect(mine.get_by_label("Backfill priority")).to_have_value("7")
    expect(mine.get_by_label("Owner")).to_have_value("ann")


def test_a_draft_that_waited_while_another_saved_the_row_stands_on_top_of_it(open_page: Open) -> None:
    mine, theirs = (open_page(role, f"?pipeline={SEEN}&view=edit") for role in ("user", "op"))
    mine.get_by_label("Owner").fill("ann")
    expect(mine.get_by_role("status").get_by_text("1 change, nothing wrong")).to_be_visible()
    mine.get_by_role("link", name="Queue").click()
    theirs.get_by_label("Backfill priority").fill("7")
    theirs.get_by_role("button", name="Review changes").click()
    theirs.get_by_role("button", name="Save 1 change").click()
    expect(theirs.get_by_text("1 change saved.")).to_be_visible()

    mine.go_back()
    expect(mine.get_by_text("The row changed meanwhile; your changes stand on top of it.")).to_be_visible()
    expect(mine.get_by_label("Backfill priority")).to_have_value("7")
    expect(mine.get_by_label("Owner")).to_have_value("ann")
    pictures(mine, "row-changed-meanwhile")
    mine.get_by_role("button", name="Review changes").click()
    mine.get_by_role("button", name="Save 1 change").click()
    expect(mine.get_by_text("1 change saved.")).to_be_visible()


def test_a_pipeline_is_made_with_what_it_has_several_of_and_switched_off(open_page: Open) -> None:
    page = open_page("admin", "")
    page.get_by_role("link", name="New pipeline").click()
    expect(page.get_by_role("status").get_by_text("Fill in what is marked *")).to_be_visible()
    pictures(page, "new")
    page.get_by_label("Pipeline ID").fill("brand new")
    expect(page.get_by_text("cannot be a DAG id")).to_be_visible()
    page.get_by_label("Pipeline ID").fill("brand_new")
    page.get_by_label("Platform *").select_option("snowflake")
    page.get_by_label("Platform job ID").fill("call load()")
    page.get_by_label("Schedule type").select_option("monthly")
    page.get_by_label("Frequency").fill("last business day at 06:00")
    page.get_by_role("button", name="Add a parameter").click()
    parameter = page.get_by_role("group", name="parameter 1")
    parameter.get_by_label("Name").fill("1st")
    expect(parameter).to_contain_text("is not a parameter name")
    parameter.get_by_label("Name").fill("day")
    parameter.get_by_label("Value").fill("{{ run_date }}")
    page.get_by_role("button", name="Add an upstream").click()
    page.get_by_role("group", name="upstream 1").get_by_label("Upstream").fill(SEEN)
    page.get_by_role("button", name="Add a check").click()
    check = page.get_by_role("group", name="check 1")
    check.get_by_label("Name").fill("enough")
    check.get_by_label("Table").fill("loaded")
    check.get_by_label("Min").fill("10")
    page.get_by_label("Data quality check").check()
    expect(page.get_by_role("status").get_by_text("Nothing is wrong with it")).to_be_visible()
    pictures(page, "new-filled")
    page.get_by_role("button", name="Review changes").click()
    pictures(page, "new-review")
    page.get_by_role("button", name="Make the pipeline").click()
    expect(page.get_by_text("brand_new is made.")).to_be_visible()
    assert page.url.endswith("pipeline=brand_new&view=edit")
    expect(page.get_by_role("group", name="check 1").get_by_label("Min")).to_have_value("10")

    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("button", name="Save 1 change").click()
    expect(page.get_by_text("switched off", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()
    pictures(page, "row-off")


def test_who_may_not_edit_reads_the_row_and_its_history(open_page: Open) -> None:
    page = open_page("viewer", f"?pipeline={SEEN}")
    expect(page.get_by_role("link", name="History")).to_be_visible()
    expect(page.get_by_role("link", name="Edit", exact=True)).to_have_count(0)
    page.goto(f"{page.url}&view=edit")
    expect(page.get_by_text("You may see this pipeline, but not change it")).to_be_visible()
    expect(page.get_by_label("Owner")).to_be_disabled()
    expect(page.get_by_role("button", name="Review changes")).to_have_count(0)
    pictures(page, "row-viewer")
    page.goto(page.url.split("?")[0] + "?view=new")
    expect(page.get_by_text("You may not make pipelines")).to_be_visible()
    pictures(page, "new-viewer")
    page.goto(page.url.split("?")[0] + "?pipeline=nothing&view=edit")
    expect(page.get_by_role("alert")).to_contain_text("there is no pipeline 'nothing'")
    pictures(page, "row-missing")


def test_who_may_not_read_connections_sees_the_one_there_is_and_why_it_stays(open_page: Open) -> None:
    sentence = "To choose another one takes the right to read connections."
    for role, may in (("user", False), ("op", True)):
        page = open_page(role, f"?pipeline={SEEN}&view=edit")
        connection = page.get_by_label("Connection id")
        expect(connection).to_be_enabled() if may else expect(connection).to_be_disabled()
        expect(page.get_by_text(sentence)).to_have_count(0 if may else 1)
        expect(page.get_by_label("Platform job id")).to_be_enabled()


def test_who_may_not_read_connections_is_told_so_by_the_form_of_a_new_pipeline(open_page: Open) -> None:
    for role, may in (("user", False), ("op", True)):
        page = open_page(f"{role} of {CLOSED_TEAM}", "?view=new")  # who sees and edits all may make one
        connection = page.get_by_label("Connection id")
        expect(connection).to_be_enabled() if may else expect(connection).to_be_disabled()
        for words in ("To choose one takes the right", "You can write and check a pipeline here"):
            expect(page.get_by_text(re.compile(words))).to_have_count(0 if may else 1)
        pictures(page, f"new-{role}")


def test_a_registry_that_does_not_answer_is_said_and_what_was_written_stays(open_page: Open) -> None:
    page = open_page("user", f"?pipeline={DOWNSTREAM}&view=edit")
    page.get_by_label("Owner").fill("ann")
    expect(page.get_by_role("status").get_by_text("1 change, nothing wrong")).to_be_visible()

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"detail": "the registry cannot be reached", "problems": []})

    page.route("**/backfill/api/definitions/check", refuse)
    page.get_by_label("Owner").fill("anna")
    expect(page.get_by_role("alert")).to_contain_text("the registry cannot be reached")
    expect(page.get_by_label("Owner")).to_have_value("anna")
    pictures(page, "row-no-answer")
