"""What a check found for a run date, and what the findings of a run mean for its dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.quality_checks import DEFAULT_DAYS_BEFORE, QualityCheck


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The answer of one check about one run date."""

    check_name: str
    run_date: date
    severity: str
    """``warn`` or ``error``; of a check that could not run always ``error``."""
    passed: bool
    observed: str | None = None
    """What was measured."""
    details: str = ""
    """The numbers and what was expected, in words."""
    could_run: bool = True
    retryable: bool = False
    """Of a check that could not run: whether asking again may help."""

    @property
    def blocks(self) -> bool:
        """Whether the run date is not done because of it."""
        return not self.passed and self.severity == "error"


class NoAnswer(ValueError):
    """The database answered, but not with something that the check can judge."""


def could_not_run(check: QualityCheck, day: date, why: str, *, retryable: bool = False) -> Finding:
    """A check that cannot run is an error, whatever its severity: nobody knows whether the data is good."""
    return Finding(
        check_name=check.check_name,
        run_date=day,
        severity="error",
        passed=False,
        details=f"could not run: {why}",
        could_run=False,
        retryable=retryable,
    )


def finding(check: QualityCheck, day: date, passed: bool, observed: object, details: str) -> Finding:
    """The answer of a check that ran."""
    return Finding(
        check_name=check.check_name,
        run_date=day,
        severity=check.severity,
        passed=passed,
        observed=_told(observed),
        details=details,
    )


def failures(findings: Iterable[Finding]) -> dict[date, str]:
    """The run dates that are not done, each with a message that names the checks and their numbers."""
    found: dict[date, list[str]] = {}
    for each in findings:
        if each.blocks:
            found.setdefault(each.run_date, []).append(f"{each.check_name!r}: {each.details}")
    return {day: f"quality check {'; '.join(words)}" for day, words in sorted(found.items())}


def judge(check: QualityCheck, day: date, row: Sequence[Any], now: datetime) -> Finding:
    """What the answer to :func:`~airflow_backfill_provider.pipelines.quality_sql.question` means.

    Raises :class:`NoAnswer` for a row that cannot be judged.
    """
    if not row:
        raise NoAnswer("the query returned no row")
    return _JUDGES[check.check_type](check, day, row, now)


def bounds(check: QualityCheck) -> tuple[object, object]:
    """The least and the most that may be observed; None for one that there is not, or that is no fixed number."""
    options = check.options
    if check.check_type in ("not_null", "unique", "accepted_range", "accepted_values"):
        return None, options.get("max_failures", 0)
    if check.check_type == "row_count":
        return options.get("min", 0 if "max" in options else 1), options.get("max")
    exactly = options.get("expected")
    return options.get("min", exactly), options.get("max", exactly)


def _row_count(check: QualityCheck, day: date, row: Sequence[Any], now: datetime) -> Finding:
    options, count = check.options, _number(row[0])
    low, high = options.get("min", 0 if "max" in options else 1), options.get("max")
    passed = count >= low and (high is None or count <= high)
    wanted = f"at least {low}" if high is None else f"{low} to {high}"
    return finding(check, day, passed, count, f"{_told(count)} row(s) in {options['table']}, expected {wanted}")


def _bad_rows(what: Callable[[Mapping[str, Any], Sequence[Any]], str]) -> Callable[..., Finding]:
    """A judge that counts what must not be there; ``what`` says what it is."""

    def judge_rows(check: QualityCheck, day: date, row: Sequence[Any], now: datetime) -> Finding:
        options, count = check.options, _number(row[0])
        most = options.get("max_failures", 0)
        words = f"{_told(count)} {what(options, row)} in {options['table']}, at most {most} allowed"
        return finding(check, day, count <= most, count, words)

    return judge_rows


def _nulls(options: Mapping[str, Any], row: Sequence[Any]) -> str:
    return f"row(s) without {options['column']}"


def _doubles(options: Mapping[str, Any], row: Sequence[Any]) -> str:
    names = options["column"]
    return f"value(s) of {names if isinstance(names, str) else ', '.join(names)} that stand there more than once"


def _outside(options: Mapping[str, Any], row: Sequence[Any]) -> str:
    bounds = [f"{word} {options[name]}" for name, word in (("min", "below"), ("max", "above")) if name in options]
    return f"row(s) {' or '.join(bounds)} ({options['column']} is {_told(row[1])} to {_told(row[2])})"


def _other_values(options: Mapping[str, Any], row: Sequence[Any]) -> str:
    example = f", {_told(row[1])!r} for example," if row[1] is not None else ""
    return f"row(s) whose {options['column']}{example} is none of {', '.join(map(str, options['values']))}"


def _freshness(check: QualityCheck, day: date, row: Sequence[Any], now: datetime) -> Finding:
    options, newest = check.options, row[0]
    if newest is None:
        words = f"{options['table']} has no row with {options['column']}"
        return finding(check, day, False, None, words)
    age = now - _instant(newest)
    hours = f"{age / timedelta(hours=1):.1f}"
    passed = age <= timedelta(hours=options["max_age_hours"])
    words = f"the newest {options['column']} in {options['table']} is {hours} hour(s) old ({_told(newest)})"
    return finding(check, day, passed, newest, f"{words}, at most {options['max_age_hours']} allowed")


def _compare(check: QualityCheck, day: date, row: Sequence[Any], now: datetime) -> Finding:
    options = check.options
    earlier = day - timedelta(days=options.get("days_before", DEFAULT_DAYS_BEFORE))
    measure = options.get("aggregate", "count")
    what = f"{measure} of {options.get('column', 'rows')} in {options['table']}"
    if row[1] is None or _number(row[1]) == 0:
        passed = options.get("if_nothing_before", "fail") == "pass"
        words = f"there is nothing for {earlier} to compare {what} with"
        return finding(
            check, day, passed, row[0], words if passed else f"{words}; if_nothing_before: pass lets it pass"
        )
    before, value = _number(row[1]), _number(row[0]) if row[0] is not None else Decimal(0)
    change = (value - before) / abs(before) * 100
    passed = abs(change) <= Decimal(str(options["max_change_percent"]))
    words = f"{what} is {_told(value)}, {change:+.1f} % against {_told(before)} of {earlier}"
    return finding(check, day, passed, value, f"{words}, at most {options['max_change_percent']} % allowed")


def _custom(check: QualityCheck, day: date, row: Sequence[Any], now: datetime) -> Finding:
    options, value = check.options, row[0]
    wanted, passed = [], True
    if "expected" in options:
        passed = _same(value, options["expected"])
        wanted.append(f"{options['expected']}")
    if "min" in options:
        passed = passed and _number(value) >= Decimal(str(options["min"]))
        wanted.append(f"at least {options['min']}")
    if "max" in options:
        passed = passed and _number(value) <= Decimal(str(options["max"]))
        wanted.append(f"at most {options['max']}")
    return finding(check, day, passed, value, f"the query says {_told(value)}, expected {' and '.join(wanted)}")


_JUDGES: Mapping[str, Callable[..., Finding]] = {
    "row_count": _row_count,
    "not_null": _bad_rows(_nulls),
    "unique": _bad_rows(_doubles),
    "accepted_range": _bad_rows(_outside),
    "accepted_values": _bad_rows(_other_values),
    "freshness": _freshness,
    "compare": _compare,
    "custom_sql": _custom,
}


def _number(value: Any) -> Decimal:
    """A number, also where an interface hands numbers over as text."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise NoAnswer(f"the query says {value!r}, which is not a number")
    return number


def _same(value: Any, expected: Any) -> bool:
    """Whether the two mean the same: databases spell truths and dates each in its own way, and interfaces as texts.

    A truth is one only where one of the two is a boolean: a text ``true`` is no number 1.
    """
    if isinstance(value, bool) or isinstance(expected, bool):
        meant = _truth(value)
        return meant is not None and meant == _truth(expected)
    for read in (_number, _instant):
        try:
            return bool(read(value) == read(expected))
        except NoAnswer:
            continue
    return str(value) == str(expected)


def _truth(value: Any) -> bool | None:
    """True or False; None for what means neither."""
    if isinstance(value, (float, Decimal)) and value in (0, 1):
        value = int(value)
    try:
        return cells.boolean(value)
    except cells.CellError:
        return None


def _instant(value: Any) -> datetime:
    """A timestamp, a date (its beginning) or an ISO text; without an offset it is UTC."""
    if isinstance(value, str):
        text = value.strip()
        head, _, offset = text.rpartition(" ")
        text = head + offset if offset[:1] in ("+", "-") else text
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise NoAnswer(f"{value!r} is not a timestamp") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise NoAnswer(f"{value!r} is not a timestamp")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _told(value: object) -> str | None:
    """A value for people: numbers without the zeros that a database adds."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    return str(value)
