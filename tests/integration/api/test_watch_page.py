"""Messages in a real browser on Airflow's own API server."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.integration.api.conftest import SEEN
from tests.integration.api.test_queue_page import NARROW
from tests.integration.api.test_row_page import Open, pictures
from tests.integration.api.test_row_page import open_page as open_page
from tests.integration.api.test_row_page import site as site
from tests.integration.api.test_watching import a_message

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser]

MONDAYS_TO_FRIDAYS = [date(2026, 1, 5) + timedelta(weeks=week, days=day) for week in range(40) for day in range(5)]


def test_a_message_of_hundreds_of_dates_is_told_in_short_on_a_narrow_screen_too(open_page: Open) -> None:
    a_message(SEEN, days=tuple(MONDAYS_TO_FRIDAYS))
    page = open_page("user", "?view=notifications")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    row = page.get_by_role("row", name=re.compile("sla breach"))
    expect(row.get_by_text("2026-01-05..2026-01-09", exact=True)).to_be_visible()
    more = row.get_by_text("and 185 dates more")
    box = row.bounding_box()
    assert box is not None
    assert box["height"] < NARROW["height"] / 2
    pictures(page, "message-of-many-dates")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    more.click()
    expect(row.get_by_text("2026-10-05..2026-10-09")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
