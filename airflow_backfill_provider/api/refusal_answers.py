"""Why the API did not do what it was asked, as models."""

from __future__ import annotations

from pydantic import BaseModel


class ProblemAnswer(BaseModel):
    """One thing that is wrong."""

    where: str
    message: str


class ErrorAnswer(BaseModel):
    """Why something was not done: nothing of it was."""

    detail: str
    problems: list[ProblemAnswer] = []
