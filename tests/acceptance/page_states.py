"""Every page in each of its states: how to come there, and what shows that it is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, Route

from airflow_backfill_provider.demo.bookings import ARCHIVE
from airflow_backfill_provider.demo.sample import FILLED, LATE

LAST = datetime.now(UTC).date() - timedelta(days=10)
"""A date that no rule of the demo fills by itself."""
BACKFILLS = "/plugin/backfills"


def pipeline(name: str, more: str = "") -> str:
    """The page of a pipeline."""
    return f"{BACKFILLS}?pipeline={name}{more}"


def fails(route: Route) -> None:
    route.abort()


def login_page(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<html><body>Log in</body></html>")


def only_to_see(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, json=answer.json() | {"can_start": False})


def never(_: Route) -> None:
    """Let the page wait."""


def plan_of_many(page: Page) -> None:
    page.get_by_role("button", name=re.compile("All missing")).click()
    page.get_by_role("button", name=re.compile(r"Fill [\d,]+ dates")).click()


def cancel(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^cancel ")).first.click()


def show_request(page: Page) -> None:
    page.get_by_role("row", name=re.compile("Request .* open")).get_by_role("button").first.click()


State = tuple[str, str, str, tuple[str, Callable[[Route], None]] | None, Callable[[Page], None] | None]
DATES = f"&date={LAST}&dates={LAST}..{LAST + timedelta(days=1)}"
STATES: list[State] = [
    # name, path, the text that shows that it is there, what becomes of an answer, what is done first
    ("grid", BACKFILLS, "Sessions, fills its own gaps", None, None),
    ("grid-empty", f"{BACKFILLS}?search=nothing-like-it", "No pipeline is like that", None, None),
    ("grid-loading", BACKFILLS, "", ("**/backfill/api/grid*", never), None),
    ("grid-error", BACKFILLS, "No answer", ("**/backfill/api/grid*", fails), None),
    ("grid-logged-out", BACKFILLS, "your login has ended", ("**/backfill/api/grid*", login_page), None),
    ("pipeline", pipeline(FILLED, DATES), "dates picked", None, None),
    ("pipeline-missing", pipeline("nowhere"), "Not there, or not yours to see", None, None),
    ("pipeline-only-to-see", pipeline(LATE, DATES), "but not start its runs",
     (f"**/backfill/api/pipelines/{LATE}", only_to_see), None),
    ("question", pipeline(LATE), "by past runs", None, plan_of_many),
    ("dag-tab", f"/dags/{FILLED}/plugin/run_dates", "Fill dates", None, None),
    ("queue", f"{BACKFILLS}?view=queue", "asked for by", None, show_request),
    ("queue-cancel", f"{BACKFILLS}?view=queue", "What waits ends", None, cancel),
    ("queue-empty", f"{BACKFILLS}?view=queue&state=ended", "", None, None),
    ("sla", f"{BACKFILLS}?view=sla", LATE, None, None),
    ("quality", f"{BACKFILLS}?view=quality&days=365&pipeline={ARCHIVE}", "amount is known", None, None),
    ("notifications", f"{BACKFILLS}?view=notifications", "sla breach", None, None),
    ("dashboard", "/", "owed", None, None),
    ("row", pipeline(LATE, "&view=edit"), "What runs where", None, None),
    ("row-history", pipeline(LATE, "&view=history"), "History of", None, None),
    ("row-new", f"{BACKFILLS}?view=new", "What runs where", None, None),
]  # fmt: skip
