"""What a record may say about its run date, and what each word means."""

from __future__ import annotations

import enum


class RecordStatus(enum.StrEnum):
    """Status of one row of ``pipeline_run_log``."""

    QUEUED = "queued"
    """A DagRun exists and has not begun to work on the date. Airflow moves it on."""
    RUNNING = "running"
    """A DagRun works on the date, waits for its external run, or waits for its next try."""
    SUCCESS = "success"
    """The job did the date, and what checks it passed it. Decisive."""
    FAILED = "failed"
    """The DagRun ended without doing the date. Decisive."""
    CANCELLED = "cancelled"
    """A person stopped it. Final, not decisive: the date is what it was before."""
    SKIPPED = "skipped"
    """Another run did the date after this one was asked for. Final, not decisive."""
    MISSED = "missed"
    """No run was ever created for a tick. Final."""


UNFINISHED = frozenset({RecordStatus.QUEUED, RecordStatus.RUNNING})
DECISIVE = frozenset({RecordStatus.SUCCESS, RecordStatus.FAILED})
