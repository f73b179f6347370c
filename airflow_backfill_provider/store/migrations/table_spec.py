"""How migrations write a table down: in SQL that SQLite and Postgres read alike, and that no later release changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSpec:
    """One table; every text is SQL."""

    name: str
    columns: Mapping[str, str]
    """Type by name, in order."""
    key: tuple[str, ...]
    added: Mapping[str, str] = field(default_factory=dict)
    """Columns of ours in a table that users may already have."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Column → ``table(column)``."""
    checks: Mapping[str, str] = field(default_factory=dict)
    """Condition by the constraint's name."""
    unique: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Columns, and the condition under which they are unique (empty: always), by the index's name."""
    indexes: Mapping[str, str] = field(default_factory=dict)
    """What follows the table's name in CREATE INDEX, by the index's name."""

    @property
    def spares(self) -> bool:
        """Whether rows that were there before us, and carry an adopted_key, need not keep the rules."""
        return "adopted_key" in self.added

    @property
    def all_columns(self) -> dict[str, str]:
        """Type by name, ours last."""
        return {**self.columns, **self.added}

    def primary_key(self) -> str:
        """The table constraint."""
        return f"CONSTRAINT pk_{self.name} PRIMARY KEY ({', '.join(self.key)})"

    def foreign_key(self, column: str) -> str:
        """The table constraint of one column that points to another table."""
        return f"CONSTRAINT fk_{self.name}_{column} FOREIGN KEY ({column}) REFERENCES {self.references[column]}"

    def check(self, name: str) -> str:
        """The table constraint."""
        rule = f"adopted_key IS NOT NULL OR ({self.checks[name]})" if self.spares else self.checks[name]
        return f"CONSTRAINT {name} CHECK ({rule})"

    def constraints(self) -> list[str]:
        """Every table constraint: the key, what points to other tables, the CHECKs."""
        return [self.primary_key(), *map(self.foreign_key, self.references), *map(self.check, self.checks)]

    def create(self, name: str | None = None, extra: Mapping[str, str] | None = None) -> str:
        """CREATE TABLE, by default under its own name and without ``extra`` columns."""
        columns = [
            f"{column} {kind}{' NOT NULL' if column in self.key else ''}" for column, kind in self.all_columns.items()
        ]
        more = [f'"{column}" {kind}' for column, kind in (extra or {}).items()]
        return f"CREATE TABLE {name or self.name} ({', '.join([*columns, *more, *self.constraints()])})"

    def create_indexes(self) -> list[str]:
        """CREATE INDEX, once for each."""
        unique = [
            f"CREATE UNIQUE INDEX {name} ON {self.name} ({columns}){self._where(condition)}"
            for name, (columns, condition) in self.unique.items()
        ]
        return unique + [f"CREATE INDEX {name} ON {self.name} {rest}" for name, rest in self.indexes.items()]

    def _where(self, condition: str) -> str:
        conditions = [part for part in (condition, "adopted_key IS NULL" if self.spares else "") if part]
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""
