"""The FastAPI application that Airflow's API server mounts under ``/backfill``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Match

from airflow_backfill_provider.api import dates, definitions, notifications, pipelines, quality, queue, requests, sla
from airflow_backfill_provider.api.access import guard_text, guard_unsafe, viewer, words_for
from airflow_backfill_provider.api.refusal_answers import ErrorAnswer
from airflow_backfill_provider.errors import BackfillError, InvalidRequest, Problem

BUNDLE = Path(__file__).parents[1] / "plugins" / "www" / "dist"
_NEVER_STORE = {"Cache-Control": "no-store"}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorAnswer, "description": words}
    for code, words in {
        400: "Not JSON that can be read",
        401: "Nobody is logged in",
        403: "Not yours to start or to edit, or sent by a page of another site",
        404: "Not there, or not yours to see",
        409: "It changed meanwhile, or somebody else holds it",
        415: "Not JSON",
        422: "Not understood; every problem is listed",
        503: "The registry does not answer",
    }.items()
}


@cache
def application() -> FastAPI:
    """The application; made once in a process, which keeps nothing else."""
    app = FastAPI(title="Backfill", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    guards = [Depends(viewer), Depends(guard_text), Depends(guard_unsafe)]
    for part in (pipelines, definitions, dates, queue, requests, sla, quality, notifications):
        # at once: each inclusion makes every route anew, and the first who asks waits for it
        app.include_router(part.router, prefix="/api", dependencies=guards, responses=_REFUSALS)
    app.add_api_route(
        "/api/openapi.json", lambda: JSONResponse(openapi()), dependencies=guards, include_in_schema=False
    )
    app.add_api_route(
        "/static/{name}", bundle, dependencies=[Depends(viewer)], include_in_schema=False, response_model=None
    )
    app.add_exception_handler(BackfillError, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(StarletteHTTPException, _http_refused)
    return app


def openapi() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    app = application()
    words = "Run dates of pipelines: how they stand, why, and what is done about them."
    servers = [{"url": ".."}]  # seen from the document, under whatever path it stands
    return get_openapi(title=app.title, version=app.version, routes=app.routes, description=words, servers=servers)


def bundle(name: str) -> FileResponse:
    """A file of the pages."""
    file = BUNDLE / name
    if file.parent != BUNDLE or not file.is_file():
        raise HTTPException(404, "Not Found")
    return FileResponse(file, media_type="text/javascript", headers={"Cache-Control": "private, max-age=31536000"})


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BackfillError)
    words = words_for(request)
    found = [_problem(one) for one in (error.problems if isinstance(error, InvalidRequest) else ())]
    problems = [{**one, "message": words(one["message"])} for one in found]
    return _answer(error.http_status, words(str(error)), problems)


def _not_understood(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [
        {"where": ".".join(map(str, one["loc"][1:])) or str(one["loc"][0]), "message": str(one["msg"])}
        for one in error.errors()
    ]
    return _answer(422, "; ".join(f"{one['where']}: {one['message']}" for one in problems), problems)


def _http_refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    headers = dict(error.headers or {}) | (_allowed(request) if error.status_code == 405 else {})
    return _answer(error.status_code, str(error.detail), [], headers)


def _allowed(request: Request) -> dict[str, str]:
    """What the path does take: each method is a route of its own, and the first one would tell only of itself."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {"Allow": ", ".join(sorted({method for route in routes for method in route.methods}))}


def _problem(one: Problem) -> dict[str, str]:
    """Where in the words of the API: an option of the command line is a field of a body."""
    where = one.where.removeprefix("--").replace("-", "_") if one.where.startswith("--") else one.where
    return {"where": where, "message": one.message}


def _answer(
    code: int, detail: str, problems: list[dict[str, str]], headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"detail": detail, "problems": problems}, code, {**_NEVER_STORE, **(headers or {})})
