"""The pages in the web UI of the demo's own Airflow: a newcomer's minute, every page and state, the keyboard, axe.

``BACKFILL_SCREENSHOTS`` names a folder in which the pictures are kept; otherwise they go with pytest's own files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from airflow_backfill_provider.demo.airflow_stack import free_port
from airflow_backfill_provider.demo.bookings import ARCHIVE
from airflow_backfill_provider.demo.demonstration import JOBS, PAUSED, Demonstration
from airflow_backfill_provider.demo.sample import FILLED, LATE
from tests.acceptance.page_states import BACKFILLS, LAST, STATES, pipeline
from tests.acceptance.test_browser import FLAGS, PATIENCE_MS, pictures

__all__ = ["pictures"]

pytestmark = [pytest.mark.airflow, pytest.mark.browser, pytest.mark.timeout(1800)]

PICKED = [LAST - timedelta(days=n) for n in range(9, -1, -1)]
"""Older than the rule of that pipeline fills by itself."""
WIDE, NARROW = (1280, 900), (390, 844)
SCHEMES = ("light", "dark")
AXE = Path(__file__).parents[2] / "airflow_backfill_provider/plugins/www/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def demo(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """The demo as ``make demo`` starts it, with a request that waits because its pipeline is paused."""
    made = Demonstration(tmp_path_factory.mktemp("demo"), free_port())
    try:
        made.start()
        made.airflow.api("PATCH", f"/dags/{PAUSED}", json={"is_paused": True})
        made.airflow.run("pipelines", "backfill", "create", PAUSED, "--dates", span(LAST), "--reason", "the books")
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, headless=True, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, demo: Demonstration) -> Iterator[Callable[..., Page]]:
    """``open_page(path, scheme=…, size=…)``: a page of its own; a script of it that fails fails the test."""
    problems: list[str] = []
    contexts = []

    def opened(path: str = "", scheme: Any = "light", size: tuple[int, int] = WIDE, **more: Any) -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, **more)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        if path:
            page.goto(demo.airflow.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not problems, problems


def span(last: date) -> str:
    return f"{last - timedelta(days=2)}..{last}"


# -- A newcomer's minute ----------------------------------------------------------------------------------------------


def test_a_newcomer_finds_what_is_owed_picks_ten_red_dates_and_watches_them_turn_green(
    demo: Demonstration, open_page: Callable[..., Page], pictures: Path
) -> None:
    page = open_page("/")
    page.get_by_role("link", name=re.compile(r"\d+ owed")).click()
    grid = page.get_by_role("grid")
    row = grid.get_by_role("row").filter(has_text="Sessions, fills its own gaps")
    expect(row).to_contain_text("owed")
    row.get_by_role("link").click()

    first, last = (page.locator(f'td[data-day="{one}"]') for one in (PICKED[0], PICKED[-1]))
    expect(first).to_have_attribute("data-status", "missing")
    first.click()
    last.click(modifiers=["Shift"])
    expect(page.get_by_role("heading", name="10 dates picked")).to_be_visible()
    page.get_by_label("Why").fill("a newcomer's minute")
    start = page.get_by_role("button", name="Fill 10 dates")
    expect(start).to_be_enabled()
    page.screenshot(path=pictures / "pages-minute-plan.png")
    clicked_at = datetime.now(UTC)
    start.click()
    expect(page.get_by_text("10 dates asked for.")).to_be_visible()
    for run_date in PICKED:
        cell = page.locator(f'td[data-day="{run_date}"]')
        expect(cell).to_have_attribute("data-status", "done", timeout=240_000)
    page.screenshot(path=pictures / "pages-minute-green.png")

    wanted = [[str(one)] for one in PICKED]
    done = [job for job in demo.simulator.client.ledger(*JOBS[FILLED]) if job["state"] == "success"]
    jobs = [job for job in done if job["run_dates"] in wanted]
    assert sorted(tuple(job["run_dates"]) for job in jobs) == [(str(one),) for one in PICKED]
    assert all(datetime.fromisoformat(job["started_at"]) > clicked_at for job in jobs)


# -- What was late, what failed its checks, who was told --------------------------------------------------------------


def test_the_sla_page_shows_the_deadline_that_was_missed(open_page: Callable[..., Page]) -> None:
    page = open_page(f"{BACKFILLS}?view=sla")
    row = page.get_by_role("region", name="Missed deadlines").get_by_role("row").filter(has_text=LATE)
    expect(row).to_have_count(1, timeout=PATIENCE_MS)
    row.get_by_role("link", name=re.compile(r"^\d{4}-")).click()
    # Twice where no run had begun by the deadline: that is a record of its own, beside the run's.
    expect(page.get_by_text("missed", exact=True).first).to_be_visible()


def test_the_quality_page_shows_the_check_that_failed_and_its_numbers(open_page: Callable[..., Page]) -> None:
    page = open_page(f"{BACKFILLS}?view=quality&days=365")
    row = page.get_by_role("region", name="Results").get_by_role("row").filter(has_text="amount is known")
    expect(row).to_contain_text("failed")
    row.get_by_role("link", name=ARCHIVE).click()
    line = page.get_by_role("region", name="Check amount is known")
    expect(line.get_by_role("img", name=re.compile("amount is known: "))).to_be_visible()


def test_the_notifications_page_shows_what_was_told_and_sends_it_again(open_page: Callable[..., Page]) -> None:
    page = open_page(f"{BACKFILLS}?view=notifications&status=sent")
    rows = page.get_by_role("region", name="Messages").get_by_role("row")
    for name, event in ((LATE, "sla breach"), (LATE, "sla recovered"), (ARCHIVE, "quality failed")):
        expect(rows.filter(has_text=name).filter(has_text=event)).not_to_have_count(0, timeout=120_000)
    rows.filter(has_text="quality failed").first.get_by_role("button", name=re.compile("Resend")).click()
    expect(page.get_by_text("will be sent again")).to_be_visible()


# -- Every page and state, without a violation ------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_any_page_in_any_state(
    demo: Demonstration, open_page: Callable[..., Page], pictures: Path, scheme: str
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed; 'make pages' installs what the pages' tests need")
    [run, *_] = demo.airflow.dag_runs(LATE)
    why = ("why-this-run", f"/dags/{LATE}/runs/{run['dag_run_id']}/plugin/why_this_run", "Who may work", None, None)
    found = []
    for name, path, text, answer, first in [*STATES, why]:
        page = open_page(scheme=scheme, bypass_csp=True)
        if answer:
            page.route(*answer)
        page.goto(demo.airflow.url + path)
        page.locator(".bf").first.wait_for()
        if first:
            first(page)
        wait_for(page, name, text)
        page.screenshot(path=pictures / f"pages-{name}-{scheme}-wide.png")
        found += [f"{name}: {words}" for words in violations(page)]
        page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        page.screenshot(path=pictures / f"pages-{name}-{scheme}-narrow.png")
        found += [f"{name}, narrow: {words}" for words in violations(page)]
        page.context.close()
    assert not found, "\n".join(found)


def wait_for(page: Page, name: str, text: str) -> None:
    if name == "grid-loading":
        expect(page.get_by_role("status", name="Loading").first).to_be_visible()
        return
    expect(page.locator(".bf").filter(has_text=text or re.compile(".")).first).to_be_visible()


def violations(page: Page) -> list[str]:
    """What axe finds in what is ours, in words."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({include: [['.bf']]}, {resultTypes: ['violations']}).then(done => done.violations)")
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]


# -- The keyboard -----------------------------------------------------------------------------------------------------


def focused(page: Page) -> Any:
    """What has the focus: its tag, label or text, and the day of a cell."""
    script = "[document.activeElement.tagName, document.activeElement.dataset.day ?? document.activeElement.innerText]"
    return page.evaluate(script)


def test_the_grid_is_one_stop_of_the_tab_key_and_arrows_move_in_it(open_page: Callable[..., Page]) -> None:
    page = open_page(BACKFILLS)
    grid = page.get_by_role("grid")
    expect(grid.get_by_role("rowheader").nth(2)).to_be_visible()
    page.get_by_label("Until").focus()
    inside = "document.activeElement.closest('.bf-grid') !== null"
    for _ in range(8):  # a date input has stops of its own
        page.keyboard.press("Tab")
        if page.evaluate(inside):
            break
    assert page.evaluate(inside)
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    assert focused(page)[0] == "A"
    name = focused(page)[1]
    page.keyboard.press("ArrowDown")
    assert focused(page)[0] == "A"
    assert focused(page)[1] != name
    page.keyboard.press("Tab")
    assert not page.evaluate(inside), "the Tab key did not leave the grid"
    page.keyboard.press("Shift+Tab")
    assert focused(page)[0] == "A", "the grid forgot where one was"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_year_is_one_stop_of_the_tab_key_and_letters_pick(open_page: Callable[..., Page]) -> None:
    page = open_page(pipeline(LATE))
    page.locator('.bf-year td[tabindex="0"]').focus()
    expect(page.locator('.bf-year [tabindex="0"]')).to_have_count(1)
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name=re.compile(r"\d+ dates? picked"))).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Fill dates")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.bf-year') === null")


def test_a_question_takes_the_focus_keeps_it_and_gives_it_back(open_page: Callable[..., Page]) -> None:
    page = open_page(f"{BACKFILLS}?view=queue")
    button = page.get_by_role("button", name=re.compile("^cancel ")).first
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(7):
        inside = page.evaluate("document.activeElement.closest('dialog') !== null || !document.hasFocus()")
        assert inside or page.evaluate("document.activeElement === document.body")
        page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_a_reason_goes_with_the_verb_into_the_history(open_page: Callable[..., Page]) -> None:
    page = open_page(f"{BACKFILLS}?view=queue")
    row = page.get_by_role("row", name=re.compile("Request .* open"))
    row.focus()
    page.keyboard.press("p")
    page.keyboard.type("month end")
    page.keyboard.press("Enter")
    paused = page.get_by_role("row", name=re.compile("Request .* paused"))
    expect(paused).to_be_visible()
    paused.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name=re.compile("^History of"))).to_contain_text("month end")
    paused.focus()
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    expect(row).to_be_visible()


def test_the_command_is_copied_where_the_browser_offers_no_clipboard(
    demo: Demonstration, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as over plain http
    page.goto(demo.airflow.url + pipeline(LATE, f"&dates={LAST}"))
    expect(page.get_by_role("button", name="Fill 1 date")).to_be_enabled()
    page.get_by_text("The same on the command line").click()
    page.get_by_role("button", name="Copy as CLI command").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_label("Why").focus()
    page.keyboard.press("Control+v")
    expect(page.get_by_label("Why")).to_have_value(f"airflow pipelines backfill create {LATE} --dates {LAST}")


# -- A row of the form is a DAG ---------------------------------------------------------------------------------------

MADE, MADE_JOB = "made_in_the_form", ("databricks", "731")


def shown_dag(demo: Demonstration, name: str) -> Callable[[], bool]:
    """Whether Airflow shows the DAG of :data:`MADE` under that name."""
    listed = {"dag_id_pattern": MADE}

    def is_shown() -> bool:
        found = demo.airflow.api("GET", "/dags", params=listed)["dags"]
        return [(dag["dag_display_name"], dag["is_stale"]) for dag in found] == [(name, False)]

    return is_shown


def saved(page: Page, button: str) -> None:
    page.get_by_role("button", name="Review changes").click()
    page.get_by_role("button", name=button).click()


def test_a_row_that_is_saved_in_the_form_becomes_a_dag_that_runs(
    demo: Demonstration, open_page: Callable[..., Page], pictures: Path
) -> None:
    page = open_page(f"{BACKFILLS}?view=new")
    page.get_by_label("Pipeline ID").fill(MADE)
    page.get_by_label("Pipeline name").fill("Made in the form")
    page.get_by_label("Platform *").select_option(MADE_JOB[0])
    page.get_by_label("Platform job ID").fill(MADE_JOB[1])
    page.get_by_label("Schedule type").select_option("daily")
    page.get_by_label("Frequency").fill("at 23:59")
    page.get_by_label("Start date").fill(str(LAST - timedelta(days=2)))
    saved(page, "Make the pipeline")
    expect(page.get_by_text(f"{MADE} is made.")).to_be_visible()
    demo.airflow.wait_until(shown_dag(demo, "Made in the form"), "the new row is a DAG", seconds=300)

    page.goto(demo.airflow.url + pipeline(MADE))
    cell = page.locator(f'td[data-day="{LAST}"]')
    expect(cell).to_have_attribute("data-status", "missing")
    cell.click()
    page.get_by_role("button", name="Fill 1 date").click()
    expect(cell).to_have_attribute("data-status", "done", timeout=240_000)
    page.screenshot(path=pictures / "pages-made-in-the-form.png")
    ended = [job["run_dates"] for job in demo.simulator.client.ledger(*MADE_JOB) if job["state"] == "success"]
    assert ended.count([str(LAST)]) == 1

    page.goto(demo.airflow.url + pipeline(MADE, "&view=edit"))
    page.get_by_label("Pipeline name").fill("Renamed in the form")
    saved(page, "Save 1 change")
    expect(page.get_by_text("1 change saved.")).to_be_visible()
    demo.airflow.wait_until(shown_dag(demo, "Renamed in the form"), "the DAG follows its row", seconds=300)
