"""The ids of all DAGs that somebody may read, remembered for a few seconds: for numbers alone, never to name one.

To ask about ten thousand DAGs takes longer than to count their dates, and the pages count again and again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

SECONDS = 5.0
_MOST_USERS = 200
_remembered: dict[str, tuple[float, frozenset[str]]] = {}
_lock = threading.Lock()


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
