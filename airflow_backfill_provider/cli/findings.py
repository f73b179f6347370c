"""What a check of the installation found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Works, but probably not as meant, or could not be checked from here."""
    PROBLEM = "problem"
    """Pipelines cannot run, or records cannot be true, until it is mended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of ``doctor``."""

    check: str
    status: Status
    detail: str
    advice: str = ""


def ok(check: str, detail: str) -> Finding:
    """All is well with what was checked."""
    return Finding(check=check, status=Status.OK, detail=detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    """Somebody should look at it."""
    return Finding(check=check, status=Status.WARNING, detail=detail, advice=advice)


def problem(check: str, detail: str, advice: str) -> Finding:
    """Somebody must mend it."""
    return Finding(check=check, status=Status.PROBLEM, detail=detail, advice=advice)
