"""axe on pages that show dates, items and requests of each status there is: the demo that runs never has them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_pages import AXE, violations
from tests.integration.api.full_demo import DAILY, full_demo
from tests.integration.api.test_row_page import SCHEMES, WIDTHS, Open
from tests.integration.api.test_row_page import open_page as open_page
from tests.integration.api.test_row_page import site as site

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.browser]


def test_axe_finds_nothing_whatever_the_status(ask: Callable[..., Any], open_page: Open) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed; 'make pages' installs what the pages' tests need")
    found = []
    with full_demo(ask) as known:
        [of_each_status, *_] = known["request_id"]
        items = ask("admin", "GET", f"/api/requests/{of_each_status}").json()["rows"]
        failed = next(item for item in items if item["status"] == "failed")
        places = {
            "": "Orders, daily",
            f"?pipeline={DAILY}": "Fill dates",
            f"?pipeline={DAILY}&date={failed['run_date']}": "Try again",
            f"?view=queue&request={of_each_status}": "asked for by",
        }
        for place, text in places.items():
            page = open_page("admin", place)
            expect(page.locator(".bf").filter(has_text=text).first).to_be_visible()
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    found += [f"{place} {scheme} {width}: {words}" for words in violations(page)]
            page.close()
    assert found == []
