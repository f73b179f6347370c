"""The clock and the environment come in from above: ``now`` is an argument of everything below the actions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.conftest import Source

PURE = ("dates/", "backfill/", "pipelines/")
DOORS = (
    *("triggers/", "operators/", "sensors/", "callbacks/", "dag_factory/", "timetables/"),
    *("api/", "plugins/", "cli/", "demo/"),
    "actions/",  # they ask when they act: between two questions to a platform time goes by
    "store/db_manager.py",  # a door of its own, for 'airflow db migrate'
)
CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "timezone.utcnow"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today", "pendulum.now"),
}
OUTSIDE = {"open", "input", "print", "os.environ", "os.getenv", "os.environ.get"}


def test_pure_rooms_ask_nobody(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}:{line} uses {name}; take the value as an argument"
        for source in package_sources
        if source.place.startswith(PURE)
        for line, name in _names(source.tree)
        if name in CLOCKS | OUTSIDE
    ]
    assert not offenders, "\n".join(offenders)


def test_the_clock_is_read_above_only(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}:{line} reads the clock by {name}; take now as an argument from above"
        for source in package_sources
        if not source.place.startswith(DOORS)
        for line, name in _names(source.tree)
        if name in CLOCKS
    ]
    assert not offenders, "\n".join(offenders)


def test_no_naive_clock(all_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}:{line} uses {name}, whose answer has no zone; use datetime.now(UTC)"
        for source in all_sources
        for line, name in _names(source.tree)
        if name.endswith("datetime.utcnow") or name.endswith("utcfromtimestamp")
    ]
    assert not offenders, "\n".join(offenders)


def test_settings_are_read_in_one_place(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}:{line} reads Airflow's configuration of [backfill]; add the option to settings.py"
        for source in package_sources
        if source.place != "settings.py"
        for line, text in enumerate(source.text.splitlines(), 1)
        if 'conf.get("backfill"' in text or "conf.get(SECTION" in text
    ]
    assert not offenders, "\n".join(offenders)


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that is used, such as ``datetime.now``; imports are not uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := _dotted(node)):
            yield node.lineno, name


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return None
