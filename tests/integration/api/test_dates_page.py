"""Run dates in a real browser on Airflow's own API server: as a DAG's tab, and on a pipeline's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.integration.api.conftest import LOOKED_AT
from tests.integration.api.test_row_page import Open
from tests.integration.api.test_row_page import open_page as open_page
from tests.integration.api.test_row_page import site as site

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser, pytest.mark.timeout(400)]


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
