"""Which run dates a rule has in a range: the table of answers with the reason beside each is in answers.txt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec


@dataclass(frozen=True)
class Answer:
    schedule_type: str
    frequency: str
    fields: str
    span: str
    run_dates: str
    reason: str

    @property
    def first(self) -> date:
        return date.fromisoformat(self.span.split("..")[0])

    @property
    def last(self) -> date:
        return date.fromisoformat(self.span.split("..")[1])

    @property
    def wanted(self) -> list[date]:
        return [self._date(text) for text in self.run_dates.split()]

    def spec(self) -> ScheduleSpec:
        fields: dict[str, object] = dict(field.split("=", 1) for field in self.fields.split())
        for name in ("start_date", "end_date"):
            if name in fields:
                fields[name] = date.fromisoformat(str(fields[name]))
        if "date_offset" in fields:
            fields["date_offset"] = int(str(fields["date_offset"]))
        return ScheduleSpec(schedule_type=self.schedule_type, frequency=self.frequency, **fields)  # type: ignore[arg-type]

    def _date(self, text: str) -> date:
        if len(text) == 10:
            return date.fromisoformat(text)
        in_first_year = date.fromisoformat(f"{self.first.year}-{text}")
        return in_first_year if in_first_year >= self.first else date.fromisoformat(f"{self.last.year}-{text}")


def read_answers() -> list[Answer]:
    lines = Path(__file__).with_name("answers.txt").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    return [Answer(*(cell.strip() for cell in row.split("|"))) for row in rows]


ANSWERS = read_answers()


@pytest.mark.parametrize("answer", ANSWERS, ids=[f"{a.schedule_type} {a.frequency}: {a.reason}" for a in ANSWERS])
def test_run_dates(answer: Answer) -> None:
    schedule = Schedule.parse(answer.spec())
    assert schedule.run_dates(answer.first, answer.last) == answer.wanted, answer.reason
    picks = schedule.picks(answer.first, answer.last)
    assert [pick.run_date for pick in picks] == answer.wanted
    assert all(schedule.dates_of(pick.tick_at)[pick.position] == pick.run_date for pick in picks)
    again = Schedule.from_json(schedule.to_json())
    assert again.picks(answer.first, answer.last) == picks
    assert again.describe() == schedule.describe() != ""
