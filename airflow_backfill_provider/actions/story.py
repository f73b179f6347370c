"""What a turn tells as it goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """One thing a step found or did, as a sentence for the log of the turn."""

    text: str
