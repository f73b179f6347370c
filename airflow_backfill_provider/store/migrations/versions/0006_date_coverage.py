"""Which dates are settled, as bitmaps derived from the run log; filled by the release that migrates.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import context, op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DATE_COVERAGE = TableSpec(
    name="date_coverage",
    key=("pipeline_id", "year", "version"),
    columns={
        "pipeline_id": "VARCHAR",
        "year": "INTEGER",
        "version": "VARCHAR",
        "success": "{bytes}",
        "failed": "{bytes}",
        "stale": "{bytes}",
    },
    indexes={"ix_date_coverage_year": "(year)"},
)
CONTROLLER_MARKS = TableSpec(
    name="controller_marks",
    key=("mark_name",),
    columns={"mark_name": "VARCHAR", "mark_value": "VARCHAR NOT NULL", "updated_at": "TIMESTAMP NOT NULL"},
)


def upgrade() -> None:
    kind = "BYTEA" if op.get_bind().dialect.name == "postgresql" else "BLOB"
    op.execute(DATE_COVERAGE.create().format(bytes=kind))
    for statement in DATE_COVERAGE.create_indexes():
        op.execute(statement)
    op.execute(CONTROLLER_MARKS.create())
    context.config.attributes["derive"] = True


def downgrade() -> None:
    raise NotImplementedError("an older release would write records without keeping the coverage")
