"""What a record or an item may say about its run date, what each word means, and how an item moves."""

from __future__ import annotations

import enum
from collections.abc import Mapping


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


class ItemStatus(enum.StrEnum):
    """Status of one row of ``backfill_queue``."""

    PENDING = "pending"
    """Waits: for a slot, its time, its upstreams, or a person who resumes its request. The dispatcher moves it on."""
    IN_PROGRESS = "in_progress"
    """A DagRun has it. That run's end moves it on, told by a callback or found by the reconciler."""
    SUCCESS = "success"
    """Its DagRun did the date. Final."""
    FAILED = "failed"
    """Its attempts are spent, or its error cannot be mended by a retry. Final, until a person retries it."""
    CANCELLING = "cancelling"
    """A person cancelled it while its DagRun works; the external run is being stopped."""
    CANCELLED = "cancelled"
    """A person stopped it. Final, until a person retries it."""
    SKIPPED = "skipped"
    """Another run filled the date after it was asked for. Final, until a person retries it."""


LIVE = frozenset({ItemStatus.PENDING, ItemStatus.IN_PROGRESS, ItemStatus.CANCELLING})
FOR_A_PERSON = frozenset({ItemStatus.FAILED, ItemStatus.CANCELLED})
"""No rule enqueues a date whose newest item ended so: its attempts are spent, or a person did not want it."""


class ItemEvent(enum.StrEnum):
    """What can happen to an item."""

    ENQUEUED = "enqueued"
    SEEN = "seen"
    """A run of Airflow's own works on the date."""
    CLAIMED = "claimed"
    RESTARTED = "restarted"
    """Its lease is over and Airflow has no such run: it is started again under the same id."""
    SUCCEEDED = "succeeded"
    RETRIED = "retried"
    """Its run failed, and attempts are left."""
    FAILED = "failed"
    GIVEN_BACK = "given back"
    """Its run could not begin; that is no attempt."""
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    """The run of a cancelled item has ended."""
    OVERTAKEN = "overtaken"
    """Another run filled the date."""
    REVIVED = "revived"
    """A person retries it."""


MOVES: Mapping[ItemEvent, Mapping[ItemStatus | None, ItemStatus]] = {
    ItemEvent.ENQUEUED: {None: ItemStatus.PENDING},
    ItemEvent.SEEN: {None: ItemStatus.IN_PROGRESS},
    ItemEvent.CLAIMED: {ItemStatus.PENDING: ItemStatus.IN_PROGRESS},
    ItemEvent.RESTARTED: {ItemStatus.IN_PROGRESS: ItemStatus.IN_PROGRESS},
    ItemEvent.SUCCEEDED: {
        ItemStatus.IN_PROGRESS: ItemStatus.SUCCESS,
        ItemStatus.CANCELLING: ItemStatus.SUCCESS,
    },
    ItemEvent.RETRIED: {ItemStatus.IN_PROGRESS: ItemStatus.PENDING},
    ItemEvent.FAILED: {ItemStatus.IN_PROGRESS: ItemStatus.FAILED},
    ItemEvent.GIVEN_BACK: {ItemStatus.IN_PROGRESS: ItemStatus.PENDING},
    ItemEvent.CANCELLED: {
        ItemStatus.PENDING: ItemStatus.CANCELLED,
        ItemStatus.IN_PROGRESS: ItemStatus.CANCELLING,
    },
    ItemEvent.STOPPED: {ItemStatus.CANCELLING: ItemStatus.CANCELLED},
    ItemEvent.OVERTAKEN: {
        ItemStatus.PENDING: ItemStatus.SKIPPED,
        ItemStatus.IN_PROGRESS: ItemStatus.SKIPPED,
    },
    ItemEvent.REVIVED: {
        ItemStatus.FAILED: ItemStatus.PENDING,
        ItemStatus.CANCELLED: ItemStatus.PENDING,
        ItemStatus.SKIPPED: ItemStatus.PENDING,
    },
}
"""Every way an item can move: by which event, from which status (None: it was not there), to which.

This is the only place that says so: each UPDATE of the queue names the status it leaves, read from here.
"""


def sources(event: ItemEvent) -> tuple[ItemStatus, ...]:
    """The statuses that an event moves existing items from."""
    return tuple(source for source in MOVES[event] if source is not None)
