"""The permission table: what each role is answered on every route, under both of Airflow's auth managers.

A row is a question, the pipelines that it is about and the codes of its five answers. A new route is a new row here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.integration.api.conftest import DOWNSTREAM, HIDDEN, LOOKED_AT, SEEN
from tests.integration.api.managers import ROLES

Codes = tuple[int, int, int, int, int]
Takes = Literal["", "wish", "why", "dates", "priority", "nothing", "row", "draft", "new row", "new draft", "moved row"]
"""What the body of a question is, if it has one."""

# What somebody may do ...      nobody viewer user  op  admin
LOOKS: Codes = (401, 200, 200, 200, 200)
"""... who is logged in."""
STARTS: Codes = (401, 403, 200, 200, 200)
"""... who may start runs of the DAG."""
EDITS: Codes = (401, 403, 200, 200, 200)
"""... who may edit the DAG."""
CHOOSES: Codes = (401, 403, 403, 200, 200)
"""... who may edit the DAG and read connections."""
OWNS: Codes = (401, 403, 403, 403, 200)
"""... who may see and do everything."""
SEES: Codes = (401, 404, 404, 404, 200)
"""... who may see it; to all others it is not there."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A question, and what each role is answered, in the order of ``ROLES``."""

    method: str
    route: str
    about: tuple[str, ...] = ()
    """The pipelines in its path, its query or its body, or in what it names: a request, a message."""
    query: str = ""
    takes: Takes = ""
    wish: Mapping[str, Any] | None = None
    """For a wish that names its pipelines in another way than by their ids."""
    codes: Codes
    fab: Codes | None = None
    """Where FAB answers otherwise: it knows DAGs that somebody may look at and not start."""

    def code(self, role: str, manager: str) -> int:
        """What the role is answered under an auth manager."""
        codes = self.fab if manager == "fab" and self.fab else self.codes
        return codes[ROLES.index(role)]

    @property
    def id(self) -> str:
        """Its name in a test's id."""
        way = "+".join(self.about) or (",".join(f"{k}={v}" for k, v in self.wish.items()) if self.wish else "")
        parts = (self.method, self.route, self.query and f"?{self.query}", way and f"of {way}", self.takes)
        return " ".join(filter(None, parts))


def created(codes: Codes) -> Codes:
    """The same codes where a success makes something."""
    some, *others = (201 if code == 200 else code for code in codes)
    return (some, *others)  # type: ignore[return-value]


_OF_NO_PIPELINE = (
    "/api/health",
    "/api/openapi.json",
    "/api/definitions/fields",
    "/static/{name}",
)
LISTS = (
    "/api/summary",
    "/api/grid",
    "/api/facets",
    "/api/queue",
    "/api/requests",
    "/api/sla",
    "/api/quality",
    "/api/notifications",
)
"""Lists and numbers over many pipelines: of those that somebody may see."""
_NARROWED = ("/api/queue", "/api/requests", "/api/sla", "/api/quality", "/api/notifications")
_OF_ONE_PIPELINE = (
    "/api/pipelines/{pipeline_id}",
    "/api/pipelines/{pipeline_id}/definition",
    "/api/pipelines/{pipeline_id}/changes",
    "/api/pipelines/{pipeline_id}/calendar",
    "/api/pipelines/{pipeline_id}/checks",
    "/api/pipelines/{pipeline_id}/dates/{run_date}",
    "/api/pipelines/{pipeline_id}/runs/{dag_run_id}",
)
_STEERING: tuple[tuple[str, Takes], ...] = (
    ("pause", "why"),
    ("resume", "why"),
    ("cancel", "why"),
    ("retry", "why"),
    ("reprioritize", "priority"),
)
_ABOUT_ONE: tuple[tuple[tuple[str, ...], Codes], ...] = (((SEEN,), LOOKS), ((LOOKED_AT,), LOOKS), ((HIDDEN,), SEES))
_ABOUT_SOME: tuple[tuple[tuple[str, ...], Codes], ...] = (
    ((SEEN,), LOOKS),
    ((SEEN, LOOKED_AT), LOOKS),
    ((SEEN, HIDDEN), SEES),
)
_ACTED_ON: tuple[tuple[tuple[str, ...], Codes, Codes | None], ...] = (
    ((SEEN,), STARTS, None),
    ((SEEN, DOWNSTREAM), STARTS, None),
    ((SEEN, LOOKED_AT), STARTS, OWNS),
    ((HIDDEN,), SEES, None),
    ((SEEN, HIDDEN), SEES, None),
    ((SEEN, LOOKED_AT, HIDDEN), SEES, None),
)
_CHANGED: tuple[tuple[tuple[str, ...], Codes, Codes | None], ...] = (
    ((SEEN,), EDITS, None),
    ((LOOKED_AT,), EDITS, OWNS),
    ((HIDDEN,), SEES, None),
)
_ONE_ACTED_ON: tuple[tuple[tuple[str, ...], Codes, Codes | None], ...] = (
    ((SEEN,), STARTS, None),
    ((LOOKED_AT,), STARTS, OWNS),
    ((HIDDEN,), SEES, None),
)
_WISHES: tuple[tuple[Mapping[str, Any], Codes, Codes | None], ...] = (
    ({"tag": "sales"}, STARTS, None),  # that of a hidden pipeline too, which is passed over
    ({"tag": "looked-at"}, STARTS, OWNS),
    ({"tag": "secret"}, SEES, None),
    ({"all_pipelines": True}, STARTS, OWNS),
)

TABLE: tuple[Row, ...] = (
    *(Row(method="GET", route=route, codes=LOOKS) for route in (*_OF_NO_PIPELINE, *LISTS)),
    *(
        Row(method="GET", route=route, about=about, query=query, codes=codes)
        for routes, query in ((_OF_ONE_PIPELINE, ""), (_NARROWED, "pipeline_id={pipeline_id}"))
        for route in routes
        for about, codes in _ABOUT_ONE
    ),
    *(
        Row(method="GET", route=route, about=about, codes=codes)
        for route in ("/api/requests/{request_id}", "/api/requests/{request_id}/history")
        for about, codes in _ABOUT_SOME
    ),
    *(
        Row(method="POST", route="/api/plan", about=about, takes="wish", codes=codes, fab=fab)
        for about, codes, fab in _ACTED_ON
    ),
    *(
        Row(method="POST", route="/api/plan", takes="wish", wish=wish, codes=codes, fab=fab)
        for wish, codes, fab in _WISHES
    ),
    *(
        Row(
            method="POST", route="/api/requests", about=about, takes="wish",
            codes=created(codes), fab=fab and created(fab),
        )
        for about, codes, fab in _ACTED_ON
    ),
    *(
        Row(
            method="POST", route="/api/requests", takes="wish", wish=wish,
            codes=created(codes), fab=fab and created(fab),
        )
        for wish, codes, fab in _WISHES
    ),
    *(
        Row(method="POST", route=f"/api/requests/{{request_id}}/{verb}", about=about, takes=body, codes=codes, fab=fab)
        for verb, body in _STEERING
        for about, codes, fab in _ACTED_ON
    ),
    *(
        Row(
            method="POST", route="/api/notifications/{notification_id}/resend", about=about, takes="nothing",
            codes=codes, fab=fab,
        )
        for about, codes, fab in _ONE_ACTED_ON
    ),
    *(
        Row(
            method="POST", route=f"/api/pipelines/{{pipeline_id}}/dates/{verb}", about=about, takes="dates",
            codes=codes, fab=fab,
        )
        for verb in ("cancel", "retry")
        for about, codes, fab in _ONE_ACTED_ON
    ),
    *(
        Row(
            method="PUT", route="/api/pipelines/{pipeline_id}/definition", about=about, takes="row",
            codes=codes, fab=fab,
        )
        for about, codes, fab in _CHANGED
    ),
    *(
        Row(method="POST", route="/api/definitions/check", about=about, takes="draft", codes=codes, fab=fab)
        for about, codes, fab in _CHANGED
    ),
    Row(
        method="PUT", route="/api/pipelines/{pipeline_id}/definition", about=(SEEN,), takes="moved row", codes=CHOOSES
    ),
    Row(method="PUT", route="/api/pipelines/{pipeline_id}/definition", takes="new row", codes=OWNS),
    Row(method="POST", route="/api/definitions/check", takes="new draft", codes=OWNS),
)  # fmt: skip
