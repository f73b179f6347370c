"""Who does something, and why, as they said it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A person at a door, with the reason they gave."""

    who: str
    why: str | None = None
    """None when they gave none."""
