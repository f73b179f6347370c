"""The registry as commands use it: only when it is at the revision of this version."""

from __future__ import annotations

from functools import cache

from airflow_backfill_provider import settings
from airflow_backfill_provider.store import engine, migrate
from airflow_backfill_provider.store.engine import Registry


def registry() -> Registry:
    """The registry of ``[backfill] sql_alchemy_conn``.

    Raises StoreError when it is older or newer than this version, which would misread it, or write what a newer one
    misreads.
    """
    url = settings.load().sql_alchemy_conn
    _check(url)
    return engine.registry(url)


@cache
def _check(url: str) -> None:
    """Once for each process; what is wrong is looked at again, for somebody may mend it."""
    migrate.check(url)
