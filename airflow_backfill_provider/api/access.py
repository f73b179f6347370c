"""Who asks, and what Airflow's auth manager lets this person see and start, pipeline by pipeline.

A pipeline's DAG has its id, so the right to read the DAG is the right to see its dates, and the right to trigger it is
the right to fill them. What somebody may not see is answered like what does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.batch_apis import IsAuthorizedDagRequest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request

from airflow_backfill_provider.api.hidden import without_hidden
from airflow_backfill_provider.api.origins import is_foreign
from airflow_backfill_provider.errors import NotFound

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Viewer:
    """One user: what this person may see and do. Made for each request, so that a change of rights counts at once."""

    def __init__(self, user: BaseUser) -> None:
        self._user = user

    @property
    def name(self) -> str:
        """Who it is, for the record of who asked."""
        return str(self._user.get_name())

    @cached_property
    def readable(self) -> frozenset[str]:
        """The ids of all DAGs that this person may read."""
        return frozenset(get_auth_manager().get_authorized_dag_ids(user=self._user, method="GET"))

    def see(self, pipeline_ids: Iterable[str]) -> None:
        """Raise NotFound for the first pipeline that is not there, or that this person may not see."""
        for pipeline_id in pipeline_ids:
            if pipeline_id not in self.readable:
                raise no_such_pipeline(pipeline_id)

    def startable(self, pipeline_ids: Iterable[str]) -> frozenset[str]:
        """Those of the pipelines whose dates this person may fill."""
        ids = list(pipeline_ids)
        teams = _teams(ids)
        return frozenset(name for name in ids if self._may_start([name], teams))

    def must_start(self, pipeline_ids: Iterable[str]) -> None:
        """Raise NotFound for a pipeline that this person may not see, 403 when one of them is not theirs to start."""
        ids = list(pipeline_ids)
        self.see(ids)
        if not self._may_start(ids, _teams(ids)):
            raise HTTPException(403, "you may see these pipelines, but not start runs of all of them")

    def words(self, text: str) -> str:
        """A text about one pipeline without the ids of others that this person may not see."""
        return without_hidden(text, self.readable)

    def _may_start(self, ids: list[str], teams: dict[str, str | None]) -> bool:
        asked: list[IsAuthorizedDagRequest] = [
            {
                "method": "POST",
                "access_entity": DagAccessEntity.RUN,
                "details": DagDetails(id=name, team_name=teams.get(name)),
            }
            for name in ids
        ]
        return bool(get_auth_manager().batch_is_authorized_dag(asked, user=self._user))


def no_such_pipeline(pipeline_id: str) -> NotFound:
    """What is said of a pipeline that is not there and of one that this person may not see."""
    return NotFound(f"there is no pipeline {pipeline_id!r} that you may see; its DAG may not have been read yet")


def no_such_request(request_id: str) -> NotFound:
    """What is said of a request that is not there and of one with a pipeline that this person may not see."""
    return NotFound(f"there is no request {request_id!r} that you may see")


def _teams(pipeline_ids: list[str]) -> dict[str, str | None]:
    if not pipeline_ids or not conf.getboolean("core", "multi_team", fallback=False):
        return {}
    return dict(DagModel.get_dag_id_to_team_name_mapping(pipeline_ids))


def viewer(user: Annotated[BaseUser, Depends(get_user)]) -> Viewer:
    """The person who asks; 401 when nobody is logged in."""
    return Viewer(user)


ViewerDep = Annotated[Viewer, Depends(viewer)]


def guard_unsafe(request: Request) -> None:
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
