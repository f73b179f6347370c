"""A newcomer's minute in Airflow's web UI: find what is owed, pick red dates, start, watch them turn green.

``BACKFILL_SCREENSHOTS`` names a folder in which the pictures are kept; otherwise they go with pytest's own files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.acceptance.conftest import World, row
from tests.acceptance.test_browser import FLAGS, PATIENCE_MS, pictures

__all__ = ["pictures"]

pytestmark = [pytest.mark.airflow, pytest.mark.browser, pytest.mark.timeout(400)]
AIRFLOW_OPTIONS = {"AIRFLOW__BACKFILL__OWED_SECONDS": "5", "AIRFLOW__BACKFILL__LOST_TICK_HOURS": "0"}

TODAY = datetime.now(UTC).date()
FIRST = TODAY - timedelta(days=14)
PICKED = [FIRST + timedelta(days=n) for n in range(10)]


@pytest.fixture
def page(chromium_path: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, headless=True, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1280, "height": 1000})
        opened.set_default_timeout(PATIENCE_MS)
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        yield opened
        browser.close()
        assert not problems, problems


def test_a_newcomer_finds_what_is_owed_picks_ten_red_dates_and_watches_them_turn_green(
    world: World, page: Page, pictures: Path
) -> None:
    world.apply(
        row("orders", "701", pipeline_name="Orders", schedule_type="daily", start_date=str(FIRST),
            max_active_backfills=5),
        row("calm", "702", pipeline_name="Never by itself"),
    )  # fmt: skip
    world.simulator.client.job("databricks", "701", max_concurrent=5)
    page.goto(world.airflow.url)
    page.get_by_role("link", name=re.compile(r"\d+ owed")).click()

    grid = page.get_by_role("grid")
    expect(grid.get_by_role("rowheader").first).to_contain_text("Orders")
    page.screenshot(path=pictures / "pages-grid.png")
    grid.get_by_role("link", name="Orders").click()

    first, last = (page.locator(f'td[data-day="{one}"]') for one in (PICKED[0], PICKED[-1]))
    expect(first).to_have_attribute("data-status", "missing")
    first.click()
    last.click(modifiers=["Shift"])
    expect(page.get_by_role("heading", name="10 dates picked")).to_be_visible()
    page.get_by_label("Why").fill("a newcomer's minute")
    start = page.get_by_role("button", name="Fill 10 dates")
    expect(start).to_be_enabled()
    page.screenshot(path=pictures / "pages-plan.png")
    clicked_at = datetime.now(UTC)
    start.click()
    expect(page.get_by_text("10 dates asked for.")).to_be_visible()

    for run_date in PICKED:
        cell = page.locator(f'td[data-day="{run_date}"]')
        expect(cell).to_have_attribute("data-status", "done", timeout=150_000)
    page.screenshot(path=pictures / "pages-green.png")

    wanted = [[str(one)] for one in PICKED]  # today's date, which nobody picked, runs by its schedule
    done = [job for job in world.jobs("databricks", "701") if job["state"] == "success"]
    jobs = [job for job in done if job["run_dates"] in wanted]
    assert sorted(tuple(job["run_dates"]) for job in jobs) == [(str(one),) for one in PICKED]
    assert all(datetime.fromisoformat(job["started_at"]) > clicked_at for job in jobs)
