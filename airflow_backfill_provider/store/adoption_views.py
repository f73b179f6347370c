"""Views over the six tables on Postgres, which changes no column that a view reads.

Such views, and those that read them in turn, are taken down before adoption and made again after it, in its
transaction: with their indexes, rules, triggers, defaults, comments, owner and rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from airflow_backfill_provider.errors import StoreError

_CHANGING = """
SELECT a.attrelid, a.attnum, a.atttypid
FROM unnest(CAST(:tables AS text[]), CAST(:columns AS text[])) AS given (table_name, column_name)
JOIN pg_attribute AS a ON a.attrelid = to_regclass(given.table_name) AND a.attname = given.column_name
"""
_VIEWS = f"""
WITH RECURSIVE reads AS (
  SELECT r.ev_class AS view, d.refobjid AS read, d.refobjsubid AS number
  FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid AND r.ev_class <> d.refobjid
  WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND r.rulename = '_RETURN'
), found (view, depth) AS (
  SELECT reads.view, 1 FROM reads JOIN ({_CHANGING}) AS c ON c.attrelid = reads.read AND c.attnum = reads.number
  UNION
  SELECT reads.view, found.depth + 1 FROM found JOIN reads ON reads.read = found.view
)
SELECT c.oid, CAST(c.oid::regclass AS text) AS name,
  CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END AS kind,
  coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options,
  rtrim(pg_get_viewdef(c.oid), ';') AS query,
  CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN ' WITH NO DATA' ELSE '' END AS filling
FROM (SELECT view, max(depth) AS depth FROM found GROUP BY view) AS f JOIN pg_class AS c ON c.oid = f.view
ORDER BY f.depth, name
"""
"""The deepest come last: each view follows all that it reads."""
_LITERALS = f"""
SELECT DISTINCT format_type(t.oid, NULL) FROM ({_CHANGING}) AS c JOIN pg_type AS t ON t.oid = c.atttypid
WHERE t.typcategory IN ('E', 'U')
"""
"""Enums, UUIDs and their like: a view casts what it compares them with."""
_BELONGINGS = (
    "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = :view",
    "SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = :view AND rulename <> '_RETURN'",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = :view AND NOT tgisinternal",
    """
    SELECT format('ALTER VIEW %s ALTER %I SET DEFAULT %s', adrelid::regclass, attname, pg_get_expr(adbin, adrelid))
    FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE adrelid = :view
    """,
    """
    SELECT format('COMMENT ON %s IS %L', coalesce('COLUMN ' || objoid::regclass || '.' || quote_ident(attname),
      CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'VIEW ' END || objoid::regclass), description)
    FROM pg_description JOIN pg_class AS c ON c.oid = objoid
    LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = nullif(objsubid, 0)
    WHERE classoid = 'pg_class'::regclass AND objoid = :view
    """,
    "SELECT format('ALTER TABLE %s OWNER TO %s', oid::regclass, relowner::regrole) FROM pg_class WHERE oid = :view",
    """
    SELECT format('GRANT %s %s ON %s TO %s %s', r.privilege_type, columns, CAST(:view AS regclass),
      CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE CAST(r.grantee::regrole AS text) END,
      CASE WHEN r.is_grantable THEN 'WITH GRANT OPTION' END)
    FROM (SELECT '' AS columns, relacl AS acl FROM pg_class WHERE oid = :view
      UNION ALL SELECT format('(%I)', attname), attacl FROM pg_attribute WHERE attrelid = :view) AS given,
    LATERAL aclexplode(acl) AS r
    """,
)
"""Each finds statements; a right is given after the owner is who he was, so that it is his to give."""


@dataclass(frozen=True, slots=True)
class View:
    """One view, and the statements that make it again."""

    name: str
    kind: str
    creates: tuple[str, ...]
    """As it was; then, where it compares a column that becomes text, with texts."""
    belongings: Sequence[str]


def take_down(conn: Connection, changing: Sequence[tuple[str, str]]) -> list[View]:
    """Drop every view that reads one of these columns of a table, directly or through others.

    Raises :class:`~airflow_backfill_provider.errors.StoreError` when something else needs such a view.
    """
    given = {"tables": [table for table, _ in changing], "columns": [column for _, column in changing]}
    literals = conn.execute(text(_LITERALS), given).scalars().all()
    views = [
        View(
            name=row.name,
            kind=row.kind,
            creates=tuple(
                f"CREATE {row.kind} {row.name}{row.options} AS {query}{row.filling}"
                for query in dict.fromkeys((row.query, _with_texts(row.query, literals)))
            ),
            belongings=[
                statement for find in _BELONGINGS for statement in conn.execute(text(find), {"view": row.oid}).scalars()
            ],
        )
        for row in conn.execute(text(_VIEWS), given)
    ]
    for view in reversed(views):
        if problem := _refused(conn, [f"DROP {view.kind} {view.name}"]):
            raise _cannot(view, "taken down", problem)
    return views


def put_back(conn: Connection, views: Sequence[View]) -> list[str]:
    """Make the views again, each after those that it reads; returns lines for people.

    Raises :class:`~airflow_backfill_provider.errors.StoreError` when one does not suit the columns as they are now.
    """
    report = []
    for view in views:
        problems = []
        for create in view.creates:
            problem = _refused(conn, [create, *view.belongings])
            if problem is None:
                break
            problems.append(problem)
        else:
            raise _cannot(view, "made again", problems[0])
        how = ", with texts where it named a type of its own" if problems else ""
        report.append(f"view {view.name}: made again, because columns that it reads were changed{how}")
    return report


def _with_texts(query: str, literals: Iterable[str]) -> str:
    for name in literals:
        query = re.sub(rf"::{re.escape(name)}(?!\w)", "::text", query)
    return query


def _refused(conn: Connection, statements: Sequence[str]) -> str | None:
    """Run them all, or none and return why."""
    try:
        with conn.begin_nested():
            for statement in statements:
                # A percent sign in a view is its own, and no place for a parameter.
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
    except DBAPIError as error:
        return str(error.orig).splitlines()[0]
    return None


def _cannot(view: View, what: str, problem: str) -> StoreError:
    return StoreError(
        f"the view {view.name!r} reads columns that adoption has to change, and cannot be {what}: {problem}; "
        f"nothing was changed: keep what SELECT pg_get_viewdef('{view.name}') shows, DROP {view.kind} {view.name} with "
        "what needs it, run 'airflow pipelines db migrate' again, and make it anew over the columns as they are then"
    )
