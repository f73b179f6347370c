"""Which of all DAGs somebody may read, asked in the way that the auth manager answers fastest.

To ask about ten thousand DAGs one by one takes longer than to count their dates, and the pages count again and again.
Airflow's simple manager looks at a DAG's team alone: it is asked once for each team. FAB's is asked first whether this
person may read whatever there is. Another that answers for all DAGs at once is asked each time; what any other said is
remembered for a few seconds, for numbers alone, never to name a DAG.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import uuid4

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.team import dag_bundle_team_association_table as team_bundles
from airflow.utils.session import create_session
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

SECONDS = 5.0
_MOST_USERS = 200
_ROWS = 500
"""So many rows are gone before Python's garbage collector counts them: with all of them it looks through everything."""
_FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_NO_DAG = uuid4().hex
"""An id that no right can name."""
_BETWEEN_IDS = "\n"
_remembered: dict[str, tuple[float, frozenset[str]]] = {}
_lock = threading.Lock()


def readable(user: BaseUser) -> frozenset[str]:
    """The ids of all DAGs that this person may read."""
    manager = get_auth_manager()
    if _by_team_alone(manager):
        return _of_teams(manager, user)
    if _reads_whatever_there_is(manager, user):
        with create_session() as session:
            return _ids(session)
    return frozenset(manager.get_authorized_dag_ids(user=user, method="GET"))


def answers_at_once() -> bool:
    """Whether to ask about all DAGs takes no longer than about a few."""
    manager = get_auth_manager()
    one_by_one = type(manager).get_authorized_dag_ids is BaseAuthManager.get_authorized_dag_ids
    return _by_team_alone(manager) or not one_by_one


def lately(user: BaseUser, ask: Callable[[], frozenset[str]]) -> frozenset[str]:
    """What ``ask`` answered for this user in the last seconds, or answers now.

    Users are told apart by all that their token says, so that another role is another user.
    """
    key = json.dumps(get_auth_manager().serialize_user(user), sort_keys=True, default=str)
    now = time.monotonic()
    with _lock:
        since, found = _remembered.get(key, (now - SECONDS, frozenset[str]()))
    if now - since < SECONDS:
        return found
    found = ask()
    with _lock:
        if len(_remembered) >= _MOST_USERS:
            _remembered.clear()
        _remembered[key] = (now, found)
    return found


def unlike(dag_ids: Iterable[str], teams: Mapping[str, str | None]) -> list[str]:
    """Those of the DAGs that have to be asked about one by one, for an answer about all."""
    if _by_team_alone(get_auth_manager()):
        return list({teams.get(name): name for name in dag_ids}.values())
    return list(dag_ids)


def _by_team_alone(manager: BaseAuthManager[Any]) -> bool:
    """Whether a DAG's id does not matter to the manager. A class made from the simple one may look at it."""
    return type(manager) is SimpleAuthManager


def _reads_whatever_there_is(manager: BaseAuthManager[Any], user: BaseUser) -> bool:
    """Whether a right of FAB's on all DAGs is this person's. A class made from FAB's manager may look at each."""
    name = f"{type(manager).__module__}.{type(manager).__qualname__}"
    return name == _FAB and manager.is_authorized_dag(method="GET", details=DagDetails(id=_NO_DAG), user=user)


def _of_teams(manager: BaseAuthManager[Any], user: BaseUser) -> frozenset[str]:
    """What :meth:`BaseAuthManager.get_authorized_dag_ids` answers, with one question for each team."""
    by_bundle = DagBundleModel.name == team_bundles.c.dag_bundle_name
    bundles = select(DagBundleModel.name, team_bundles.c.team_name).outerjoin(team_bundles, by_bundle)
    with create_session() as session:
        found = session.connection().execute(bundles).all()
        details = {team: DagDetails(team_name=team) for _, team in found}
        seen = {
            team for team, its in details.items() if manager.is_authorized_dag(method="GET", details=its, user=user)
        }
        return _ids(session, DagModel.bundle_name.in_([bundle for bundle, team in found if team in seen]))


def _ids(session: Session, *where: ColumnElement[bool]) -> frozenset[str]:
    """The ids of DAGs. One value with all of them is read much faster than a row for each."""
    conn = session.connection()
    if conn.dialect.name == "mysql":  # it cuts such a value off after a kilobyte
        rows = conn.execute(select(DagModel.dag_id).where(*where)).scalars()
        return frozenset(chain.from_iterable(rows.partitions(_ROWS)))
    joined = conn.execute(select(func.aggregate_strings(DagModel.dag_id, _BETWEEN_IDS)).where(*where)).scalar()
    return _split(joined) if joined else frozenset()


@lru_cache(maxsize=4)
def _split(joined: str) -> frozenset[str]:
    """The ids in such a value, which seldom is another one than before."""
    return frozenset(joined.split(_BETWEEN_IDS))
