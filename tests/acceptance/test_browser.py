"""What a person sees: from a run in Airflow's UI to the page of its very job on the platform.

``BACKFILL_SCREENSHOTS`` names a folder in which the pictures are kept; otherwise they go with pytest's own files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow, pytest.mark.browser]

RUN_DATE = "2026-02-03"
PATIENCE_MS = 60_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("BACKFILL_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(chromium_path: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, headless=True, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1400, "height": 900})
        opened.set_default_timeout(PATIENCE_MS)
        yield opened
        browser.close()


@pytest.fixture(scope="module")
def finished(world: World) -> tuple[str, str]:
    """A run that ended well, beside a job for the same date that is not its own."""
    world.apply(
        row("orders", "901", pipeline_name="Orders of the day", schedule_type="weekly", frequency="mon,thu at 05:00",
            timezone="Europe/Berlin", date_offset=-1, start_date="2026-11-01", tags="sales"),
        row("customers", "902"),
    )  # fmt: skip
    other = world.trigger("customers", RUN_DATE)
    dag_run_id = world.trigger("orders", RUN_DATE)
    assert world.until_ended("customers", other) == "success"
    assert world.until_ended("orders", dag_run_id) == "success"
    return "orders", dag_run_id


def job_of(world: World, dag_id: str, dag_run_id: str) -> dict[str, Any]:
    """The job that the run's record names: the ledger may hold one that the platform refused as busy, too."""
    [record] = [one for one in world.records(dag_id) if one["dag_run_id"] == dag_run_id]
    [job] = [one for one in world.jobs("databricks", "901") if one["external_id"] == record["external_run_id"]]
    assert job["run_dates"] == [RUN_DATE]
    return job


def in_both_schemes(page: Page, folder: Path, name: str, wait_for: str) -> None:
    """A picture in light and one in dark; each must show the text that is waited for."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(page.get_by_text(wait_for).first).to_be_visible(timeout=PATIENCE_MS)
        page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)


def test_the_link_of_a_run_opens_the_page_of_its_very_job(
    world: World, finished: tuple[str, str], page: Page, pictures: Path
) -> None:
    dag_id, dag_run_id = finished
    job = job_of(world, *finished)
    page.goto(f"{world.airflow.url}/dags/{dag_id}/runs/{dag_run_id}/tasks/run_pipeline/details")
    link = page.get_by_role("link", name="External run")
    expect(link).to_be_visible(timeout=PATIENCE_MS)
    page.screenshot(path=pictures / "airflow-task.png")
    with page.context.expect_page() as opening:
        link.click()
    opened = opening.value
    opened.wait_for_load_state()
    assert opened.url.startswith(world.simulator.url)
    assert opened.url.endswith(job["external_id"])
    facts = opened.locator("table.facts").first
    expect(opened.get_by_role("heading", level=1)).to_contain_text(f"Databricks run {job['external_id']}")
    expect(facts).to_contain_text(RUN_DATE)
    expect(facts).to_contain_text("901")
    expect(facts).to_contain_text("success")
    expect(facts).to_contain_text(job["key"])
    in_both_schemes(opened, pictures, "external-run", RUN_DATE)


def test_the_list_of_dags_says_when_each_pipeline_runs(
    world: World, finished: tuple[str, str], page: Page, pictures: Path
) -> None:
    page.goto(f"{world.airflow.url}/dags")
    sentence = "Monday and Thursday 05:00 Europe/Berlin, for the day before"
    expect(page.get_by_text("Orders of the day").first).to_be_visible(timeout=PATIENCE_MS)
    in_both_schemes(page, pictures, "airflow-dags", sentence)


def test_the_overview_of_the_simulator_leads_to_each_job(
    world: World, finished: tuple[str, str], page: Page, pictures: Path
) -> None:
    job = job_of(world, *finished)
    page.goto(world.simulator.url)
    in_both_schemes(page, pictures, "simulator", RUN_DATE)
    page.get_by_role("link", name=job["external_id"], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(job["external_id"])
