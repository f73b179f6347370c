"""Whether definitions say what they said when they were read: asking that is much faster than reading them again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, reduce
from typing import Any

from sqlalchemy import Connection, FromClause, Select, String, cast, func, select

from airflow_backfill_provider.store.dialect import Digest, given_ids
from airflow_backfill_provider.store.pipelines import COLUMNS
from airflow_backfill_provider.store.tables import (
    data_quality_checks,
    pipeline_dependencies,
    pipeline_parameters,
    pipelines,
)

_NOTHING = "\1"
"""What stands for NULL, as no text has it."""
_BETWEEN = "\2"


def fingerprints(conn: Connection, pipeline_ids: Iterable[str]) -> dict[str, int]:
    """A number for each of these ids that is not deleted; in this process the same while row and parts say the same.

    Who reads the rows as well asks for the numbers first: a row that changes in between is then taken for another one.
    """
    rows = conn.execute(_fingerprints(), {"ids": list(pipeline_ids)})
    return {pipeline_id: hash(tuple(digests)) for pipeline_id, *digests in rows}


@cache
def _fingerprints() -> Select[Any]:
    own = select(Digest(_words(COLUMNS))).where(pipelines.c.pipeline_id == _alone.c.pipeline_id).scalar_subquery()
    parts = (_of_part(table) for table in (pipeline_parameters, pipeline_dependencies, data_quality_checks))
    wanted = given_ids(_alone.c.pipeline_id), _alone.c.deleted_at.is_(None)
    return select(_alone.c.pipeline_id, own, *parts).where(*wanted)


_alone = pipelines.alias("alone")


def _of_part(table: FromClause) -> Any:
    theirs = table.c.pipeline_id == _alone.c.pipeline_id
    return select(Digest(_words(table.c))).where(theirs).scalar_subquery()


def _words(columns: Iterable[Any]) -> Any:
    """A row as one text."""
    texts: list[Any] = [func.coalesce(cast(column, String), _NOTHING) for column in columns]
    return reduce(lambda one, other: one + _BETWEEN + other, texts)
