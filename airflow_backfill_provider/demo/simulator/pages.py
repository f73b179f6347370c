"""What people see: an overview of all runs, and a page for each, to which external links lead."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import ENGINE
from airflow_backfill_provider.demo.simulator.jobs import PLATFORMS, Engine
from airflow_backfill_provider.demo.simulator.page_frame import document
from airflow_backfill_provider.demo.simulator.runs import Run, State

_NAMES = {"databricks": "Databricks", "dbt_cloud": "dbt Cloud", "snowflake": "Snowflake", "http": "HTTP"}
_SHOWN = 200


def _instant(seconds: float | None) -> str:
    return "–" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _badge(state: State) -> str:
    return f'<span class="badge {state}">{state}</span>'


def _dates(run: Run) -> str:
    return escape(", ".join(run.order.run_dates)) or "–"


def _took(run: Run, now: float) -> str:
    return "–" if run.started_at is None else f"{(run.ended_at or now) - run.started_at:.1f} s"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and values; values are HTML already."""
    return "<table class=facts>" + "".join(f"<tr><th>{name}<td>{value}" for name, value in rows) + "</table>"


async def overview(request: web.Request) -> web.Response:
    """All jobs that were started, newest first."""
    engine = request.app[ENGINE]
    runs = [run for platform in PLATFORMS for run in engine.runs(platform) if run.order.listed]
    runs.sort(key=lambda run: run.accepted_at, reverse=True)
    head = "<tr><th>State<th>Platform<th>Job<th>Run dates<th>Run<th>Accepted<th>Took"
    body = "".join(_row(run, engine.clock()) for run in runs[:_SHOWN])
    nothing = "" if runs else "<p class=quiet>No job was started yet. This page renews itself.</p>"
    more = f"<p class=quiet>The newest {_SHOWN} of {len(runs)}.</p>" if len(runs) > _SHOWN else ""
    content = f"<h1>Simulated platforms</h1><table class=runs><thead>{head}</thead>{body}</table>{nothing}{more}"
    return document("Simulated platforms", content, refresh=2)


def _row(run: Run, now: float) -> str:
    link = f"/runs/{run.platform}/{run.external_id}"
    cells = (
        _badge(run.state),
        _NAMES[run.platform],
        escape(run.job),
        _dates(run),
        f'<a href="{link}">{run.external_id}</a>',
        _instant(run.accepted_at),
        _took(run, now),
    )
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells)


async def run_page(request: web.Request) -> web.Response:
    """One run: the page an external link opens, under our own and the vendors' own paths."""
    engine, external_id = request.app[ENGINE], request.match_info["run"]
    platform = request.match_info.get("platform") or ("dbt_cloud" if "account" in request.match_info else "databricks")
    run = engine.find(platform, external_id)
    if run is None:
        text = f"There is no run {escape(external_id)} on {escape(_NAMES.get(platform, platform))}."
        return document("No such run", f"<h1>No such run</h1><p>{text}</p>", status=404)
    title = f"{_NAMES[platform]} run {external_id}"
    return document(title, _run_content(run, engine), refresh=None if run.state.ended else 1)


def _run_content(run: Run, engine: Engine) -> str:
    facts = [
        ("Platform", _NAMES[run.platform]),
        ("Job", escape(run.job)),
        ("Run dates", _dates(run)),
        ("State", _badge(run.state)),
        ("Key", f"<code>{escape(run.order.key or '–')}</code>"),
        ("Accepted", _instant(run.accepted_at)),
        ("Started", _instant(run.started_at)),
        ("Ended", _instant(run.ended_at)),
        ("Took", _took(run, engine.clock())),
    ]
    if run.duplicate_of:
        link = f"/runs/{run.platform}/{run.duplicate_of}"
        facts.append(("Same key as", f'<a href="{link}">{run.duplicate_of}</a>'))
    message = f'<p class="message {run.state}">{escape(run.message)}</p>' if run.message else ""
    values = run.order.parameters.items()
    parameters = _table((escape(name), f"<code>{escape(_text(value))}</code>") for name, value in values)
    return (
        f"<h1>{_NAMES[run.platform]} run {run.external_id}</h1>{message}{_table(facts)}"
        f"<h2>Parameters</h2>{parameters if values else '<p class=quiet>None.</p>'}"
        f"<h2>Timeline</h2><ol class=timeline>{_timeline(run)}</ol>"
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _timeline(run: Run) -> str:
    events = [(run.accepted_at, "accepted"), *((at, str(state)) for at, state in run.timeline)]
    return "".join(f"<li class={word}><b>{word}</b> <time>{_instant(at)}</time>" for at, word in events)


def page_routes() -> list[web.RouteDef]:
    """Our own paths, and those that the vendors use for the pages of their runs."""
    return [
        web.get("/", overview),
        web.get("/runs/{platform}/{run}", run_page),
        web.get("/jobs/{job}/runs/{run}", run_page),
        web.get("/jobs/runs/{run}", run_page),
        web.get("/deploy/{account}/projects/{project}/runs/{run}{slash:/?}", run_page),
    ]
