"""What the API takes and tells of pipelines' rows, as models.

Values are plain JSON by column name: what stands in ``pipelines.yaml``. What looks like a secret is ``***``; handed in
unchanged it means what is stored. Upstreams that the user may not see are left out, and stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from airflow_backfill_provider.api.bodies import Body
from airflow_backfill_provider.api.refusal_answers import ProblemAnswer
from airflow_backfill_provider.pipelines.cells import canonical_json

Values = dict[Annotated[str, Field(max_length=100)], JsonValue]
Version = Annotated[str, Field(min_length=1, max_length=100)]
_DEEPEST, _LONGEST = 12, 200_000


class FieldAnswer(BaseModel):
    """A column that people write."""

    name: str
    group: str
    about: str
    kind: Literal["text", "word", "words", "names", "integer", "boolean", "date", "time", "timezone", "url", "json"]
    allowed: list[str] = Field(description="The words it may hold; empty when it is free")
    minimum: int | None
    default: Any = Field(description="What an empty cell means")
    required: bool


class GroupAnswer(BaseModel):
    """An idea that columns belong to."""

    name: str
    title: str


class CheckKindAnswer(BaseModel):
    """The settings of a kind of quality check."""

    kind: str
    needs: list[str]
    one_of: list[str] = Field(description="One of these it needs at least")
    may: list[str]


class FieldsAnswer(BaseModel):
    """What a row can say."""

    can_create: bool = Field(description="Whether the user may make a new pipeline")
    can_choose_connection: bool = Field(description="Whether the user may let a new one use an Airflow connection")
    groups: list[GroupAnswer]
    fields: list[FieldAnswer]
    check_kinds: list[CheckKindAnswer]


class DefinitionAnswer(BaseModel):
    """A row as it stands."""

    pipeline_id: str
    version: str = Field(description="Goes back with a change, which is refused when the row is another by then")
    can_edit: bool
    can_choose_connection: bool = Field(description="Whether the user may let it use another Airflow connection")
    values: dict[str, Any]
    problems: list[ProblemAnswer] = Field(description="Why the row cannot be read")
    created_at: datetime | None
    updated_at: datetime | None


class ValuesBody(Body):
    """A whole row: a column that is left out says nothing, and means its default."""

    version: Version | None = Field(None, description="Of the row that was seen; null for a new pipeline")
    values: Values

    @field_validator("values")
    @classmethod
    def _as_a_file_could_say(cls, values: Values) -> Values:
        if "pipeline_id" in values:
            raise ValueError("pipeline_id stands beside the values; leave it out of them")
        for value in _inside(values, 0):
            if isinstance(value, str):
                _text(value)
            elif isinstance(value, float) and not isfinite(value):
                raise ValueError(f"{value} was read; expected a number")
        if len(canonical_json(values)) > _LONGEST:
            raise ValueError(f"the row has more than {_LONGEST} characters")
        return values


class DraftBody(ValuesBody):
    """A row that somebody writes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "pipeline_id": "orders_daily",
                    "version": None,
                    "values": {"platform": "databricks", "platform_job_id": "1001", "schedule_type": "daily"},
                }
            ]
        },
    )
    pipeline_id: Annotated[str, Field(max_length=250)]


class FieldChangeAnswer(BaseModel):
    """A column before and after."""

    field: str
    old: Any
    new: Any


class NextDateAnswer(BaseModel):
    """A run date that comes."""

    run_date: date
    tick_at: datetime
    deadline_at: datetime | None
    why: str


class DraftAnswer(BaseModel):
    """What saving a row would do."""

    problems: list[ProblemAnswer] = Field(
        description="'where' begins with the column; nothing is saved while one is left"
    )
    warnings: list[str] = Field(description="What is allowed, but probably not meant")
    change: Literal["added", "changed"] | None = Field(description="null when nothing differs, or something is wrong")
    fields: list[FieldChangeAnswer]
    schedule: str | None = Field(description="In words; null when it cannot be read")
    manual: bool = Field(description="It has no schedule")
    next_dates: list[NextDateAnswer]


class SavedAnswer(BaseModel):
    """What was saved."""

    pipeline_id: str
    version: str
    change: Literal["added", "changed"] | None = Field(description="null when nothing differed")
    fields: list[FieldChangeAnswer]


class ChangeAnswer(FieldChangeAnswer):
    """Who changed a column, and when."""

    changed_by: str
    changed_at: datetime


class ChangesAnswer(BaseModel):
    """One page of the history of a row, newest first."""

    pipeline_id: str
    total: int
    limit: int
    offset: int
    changes: list[ChangeAnswer]


def _inside(value: JsonValue, depth: int) -> Iterator[JsonValue]:
    """Every key and value in it."""
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    yield value
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _inside(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _inside(inner, depth + 1)


def _text(text: str) -> None:
    """No database keeps a NUL, no encoding a lone surrogate."""
    if "\0" in text or text.encode("utf-8", "replace").decode() != text:
        raise ValueError("a text with a character that cannot be kept was read; expected one without")
