"""Sizes, names and words of the sources."""

from __future__ import annotations

import ast
import re
import subprocess

from tests.architecture.conftest import PACKAGE, ROOT, Source

MODULE_LINES = 400
FUNCTION_LINES = 50
NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "helpers", "helper", "models", "misc"}
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")


def test_modules_are_short(all_sources: list[Source]) -> None:
    offenders = [
        f"{source.name} has {lines} lines, more than {MODULE_LINES}; split it by what its parts are about"
        for source in all_sources
        if (lines := len(source.text.splitlines())) > MODULE_LINES
    ]
    assert not offenders, "\n".join(offenders)


def test_functions_are_short(all_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}:{node.lineno} {node.name} has {lines} lines, more than {FUNCTION_LINES}; give its steps names"
        for source in all_sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not offenders, "\n".join(offenders)


def test_names_say_what_is_inside(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}: {part!r} does not say what is inside; name it after what it is about"
        for source in package_sources
        for part in source.path.with_suffix("").relative_to(PACKAGE).parts
        if part in NAMES_THAT_SAY_NOTHING
    ]
    assert not offenders, "\n".join(offenders)


def test_modules_say_what_they_are(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name} has no docstring; say in a sentence what it is"
        for source in package_sources
        if source.tree.body and not ast.get_docstring(source.tree)
    ]
    assert not offenders, "\n".join(offenders)


def test_the_package_itself_costs_nothing() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    offenders = [
        node for node in tree.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    assert not offenders, "airflow_backfill_provider/__init__.py has code; every airflow command would run it"


def test_nothing_is_left_unfinished() -> None:
    offenders = [
        f"{name}:{number} {line.strip()}; finish it, or say in the docs what is not done"
        for name in _tracked()
        if not name.endswith((".lock", ".png"))
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not offenders, "\n".join(offenders)


def test_the_lock_names_packages_only() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    allowed = re.compile(
        r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?==[^\s]+( ; [^/\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    offenders = [
        f"requirements.lock:{number} {line}" for number, line in enumerate(lines, 1) if not allowed.fullmatch(line)
    ]
    assert not offenders, "a registry, a path or an unpinned package is in the lock; run make lock\n" + "\n".join(
        offenders
    )


def _tracked() -> list[str]:
    """Files under version control, or all but what was built where there is none."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    folders = ("airflow_backfill_provider", "dags", "docs", "tests")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [str(path.relative_to(ROOT)) for path in found if path.suffix in {".py", ".md", ".yaml", ".toml"}]
