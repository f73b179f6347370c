"""Who asks, and what Airflow's auth manager lets this person see and start, pipeline by pipeline.

A pipeline's DAG has its id, so the right to read the DAG is the right to see its dates, the right to trigger it is the
right to fill them, and the right to edit it is the right to change its row. A connection that the row did not use takes
the right to read it too: the job runs with it. What somebody may not see is answered like what does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Annotated, cast
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.batch_apis import IsAuthorizedDagRequest
from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models.connection import Connection
from airflow.models.dag import DagModel
from airflow.models.team import Team
from airflow.utils.session import create_session
from fastapi import Depends, HTTPException, Request
from sqlalchemy import select

from airflow_backfill_provider.api.hidden import without_hidden
from airflow_backfill_provider.api.origins import is_foreign
from airflow_backfill_provider.api.readable import answers_at_once, lately, readable, unlike
from airflow_backfill_provider.errors import NotFound

_TOLD = 5
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Viewer:
    """One user: what this person may see and do. Made for each request, so that a change of rights counts at once."""

    def __init__(self, user: BaseUser) -> None:
        self._user = user
        self._looked_at: dict[str, bool] = {}

    @property
    def name(self) -> str:
        """Who it is, for the record of who asked."""
        return str(self._user.get_name())

    @cached_property
    def readable(self) -> frozenset[str]:
        """The ids of all DAGs that this person may read."""
        return readable(self._user)

    @cached_property
    def counted(self) -> frozenset[str]:
        """The same, or as some seconds ago, for numbers. Who names one of them asks :meth:`visible` first."""
        return self.readable if answers_at_once() else lately(self._user, lambda: self.readable)

    def visible(self, pipeline_ids: Iterable[str]) -> frozenset[str]:
        """Those of a few DAGs that this person may read; the others are not looked at, unless they were already."""
        ids = set(pipeline_ids)
        if "readable" in self.__dict__:
            return self.readable & ids
        unknown = ids - self._looked_at.keys()
        if unknown:
            asks = get_auth_manager().filter_authorized_dag_ids
            self._looked_at |= dict.fromkeys(unknown, False)
            for team, dags in _by_team(unknown).items():
                may_read = asks(dag_ids=dags, user=self._user, method="GET", team_name=team)
                self._looked_at |= dict.fromkeys(may_read, True)
        return frozenset(name for name in ids if self._looked_at[name])

    def see(self, pipeline_ids: Iterable[str]) -> None:
        """Raise NotFound for the first pipeline that is not there, or that this person may not see."""
        ids = list(pipeline_ids)
        visible = self.visible(ids)
        for pipeline_id in ids:
            if pipeline_id not in visible:
                raise no_such_pipeline(pipeline_id)

    def startable(self, pipeline_ids: Iterable[str]) -> frozenset[str]:
        """Those of the pipelines whose dates this person may fill: one question where that is all or just one."""
        ids = sorted(set(pipeline_ids))
        teams = _teams(ids)
        if self._may_start(ids, teams):
            return frozenset(ids)
        return frozenset(name for name in ids if self._may_start([name], teams)) if len(ids) > 1 else frozenset()

    def must_start(self, pipeline_ids: Iterable[str]) -> None:
        """Raise NotFound for a pipeline that this person may not see, 403 with those that are not theirs to start."""
        ids = list(pipeline_ids)
        self.see(ids)
        self.must_start_known(ids)

    def must_start_known(self, pipeline_ids: Iterable[str]) -> None:
        """The same of pipelines that may be named to this person, whether Airflow has their DAGs or not."""
        ids = list(pipeline_ids)
        startable = self.startable(ids)
        refused = [name for name in ids if name not in startable]
        if refused:
            told = [*map(repr, refused[:_TOLD]), *([f"{len(refused) - _TOLD} more"] if len(refused) > _TOLD else [])]
            raise HTTPException(403, f"you may see, but not start runs of {', '.join(told)}; name only the others")

    @cached_property
    def edits_all(self) -> bool:
        """Whether this person may edit DAGs whatever they are: who also sees each one may make a new pipeline.

        Who does not see all could tell from a refusal that an id is taken. Who is not of each team does not see all: a
        pipeline whose DAG Airflow does not have may be any team's.
        """
        teams = Team.get_all_team_names() if _has_teams() else ()
        asked: list[IsAuthorizedDagRequest] = [{"method": "PUT"}]
        asked += [{"method": "PUT", "details": DagDetails(team_name=team)} for team in teams]
        if not get_auth_manager().batch_is_authorized_dag(asked, user=self._user):
            return False
        with create_session() as session:
            return self.readable.issuperset(session.scalars(select(DagModel.dag_id)))

    def may_edit(self, pipeline_id: str) -> bool:
        """Whether this person may change the definition of a pipeline that they see: the right to edit its DAG."""
        details = DagDetails(id=pipeline_id, team_name=_teams([pipeline_id]).get(pipeline_id))
        asked: IsAuthorizedDagRequest = {"method": "PUT", "details": details}
        return bool(get_auth_manager().batch_is_authorized_dag([asked], user=self._user)) or self.edits_all

    def see_definition(self, pipeline_id: str) -> None:
        """:meth:`see`; but who edits all also sees a pipeline whose DAG was not read: its row may be broken."""
        if not (self.visible([pipeline_id]) or self.edits_all):
            raise no_such_pipeline(pipeline_id)

    def must_edit(self, pipeline_id: str, *, new: bool) -> None:
        """Raise NotFound for a pipeline that this person may not see, 403 when they may not change it, or make one."""
        if new and not self.edits_all:
            raise HTTPException(403, "you may not make pipelines; that takes the right to see and to edit every DAG")
        self.see_definition(pipeline_id)
        if not self.may_edit(pipeline_id):
            raise HTTPException(403, f"you may see, but not edit {pipeline_id!r}")

    def may_choose(self, connection_id: str | None = None) -> bool:
        """Whether this person may let a row use a connection that it did not use, or any: the right to read it."""
        team = Connection.get_team_name(connection_id) if connection_id is not None and _has_teams() else None
        details = None if connection_id is None else ConnectionDetails(conn_id=connection_id, team_name=team)
        return get_auth_manager().is_authorized_connection(method="GET", user=self._user, details=details)

    @cached_property
    def known(self) -> frozenset[str] | None:
        """The pipelines that may be named to this person; None: whatever there is, also without a DAG in Airflow."""
        return None if self.edits_all else self.readable

    def knows_of(self, pipeline_ids: Iterable[str]) -> frozenset[str]:
        """Those of many pipelines that may be named to this person."""
        return frozenset(pipeline_ids) if self.known is None else self.known.intersection(pipeline_ids)

    def words(self, text: str) -> str:
        """A text about one pipeline without the ids of others that this person may not see."""
        return without_hidden(text, self.visible) if text else text

    def _may_start(self, ids: list[str], teams: dict[str, str | None]) -> bool:
        asked: list[IsAuthorizedDagRequest] = [
            {
                "method": "POST",
                "access_entity": DagAccessEntity.RUN,
                "details": DagDetails(id=name, team_name=teams.get(name)),
            }
            for name in unlike(ids, teams)
        ]
        return bool(get_auth_manager().batch_is_authorized_dag(asked, user=self._user))


def no_such_pipeline(pipeline_id: str) -> NotFound:
    """What is said of a pipeline that is not there and of one that this person may not see."""
    return NotFound(f"there is no pipeline {pipeline_id!r} that you may see; its DAG may not have been read yet")


def no_such_request(request_id: str) -> NotFound:
    """What is said of a request that is not there and of one with a pipeline that this person may not see."""
    return NotFound(f"there is no request {request_id!r} that you may see")


def no_such_message(notification_id: str) -> NotFound:
    """What is said of a message that is not there and of one of a pipeline that this person may not see."""
    return NotFound(f"there is no message {notification_id!r} that you may see")


def _by_team(dag_ids: Iterable[str]) -> dict[str | None, set[str]]:
    """Those of the DAGs that Airflow knows, by the team they belong to."""
    found: dict[str | None, set[str]] = {}
    with create_session() as session:
        known = set(session.scalars(select(DagModel.dag_id).where(DagModel.dag_id.in_(set(dag_ids)))))
    teams = _teams(sorted(known))
    for dag_id in known:
        found.setdefault(teams.get(dag_id), set()).add(dag_id)
    return found


def _teams(pipeline_ids: list[str]) -> dict[str, str | None]:
    return dict(DagModel.get_dag_id_to_team_name_mapping(pipeline_ids)) if pipeline_ids and _has_teams() else {}


def _has_teams() -> bool:
    return conf.getboolean("core", "multi_team", fallback=False)


async def viewer(request: Request, user: Annotated[BaseUser, Depends(get_user)]) -> Viewer:
    """The person who asks; 401 when nobody is logged in. Kept with the request, for what its errors may say."""
    request.state.viewer = Viewer(user)
    return cast(Viewer, request.state.viewer)


def words_for(request: Request) -> Callable[[str], str]:
    """How texts are told to whoever asked: without the ids of pipelines that this person may not see."""
    asking: Viewer | None = getattr(request.state, "viewer", None)
    return asking.words if asking is not None else lambda text: without_hidden(text, lambda _: ())


ViewerDep = Annotated[Viewer, Depends(viewer)]


async def guard_text(request: Request) -> None:
    """Refuse a path or query with a NUL in it: no name has one, and Postgres takes none."""
    if "%00" in request.url.path or "\0" in request.url.path or "%00" in request.url.query:
        raise HTTPException(422, "the URL has a NUL character; expected text")


async def guard_unsafe(request: Request) -> None:
    """Refuse to change anything for another site's page, or for a form: there is no other token against that."""
    if request.method in _SAFE:
        return
    origin = request.headers.get("origin")
    own = (request.headers.get("host", ""), urlsplit(conf.get("api", "base_url", fallback="") or "").netloc)
    if origin is not None and is_foreign(origin, own):
        raise HTTPException(403, f"a page of {origin!r} may not change anything here; expected one of Airflow itself")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, f"the body is {kind!r}; expected application/json")
