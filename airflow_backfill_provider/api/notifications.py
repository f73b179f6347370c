"""Messages: which went where, what became of them, and sending one again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from airflow_backfill_provider.actions.resend import resend as send_again
from airflow_backfill_provider.api import asking, bodies, watch_answers
from airflow_backfill_provider.api.access import Viewer, ViewerDep, no_such_message
from airflow_backfill_provider.api.asking import PageDep, PipelinesDep
from airflow_backfill_provider.store import outbox
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["Notifications"])


@router.get("/notifications")
def messages(
    viewer: ViewerDep,
    pipelines: PipelinesDep,
    page: PageDep,
    status: Annotated[watch_answers.MessageStatus | None, Query(description="Only those")] = None,
) -> watch_answers.MessagesAnswer:
    """Messages about pipelines that the user may see, or about one; those about no single pipeline are left out."""
    with registry().reading() as conn:
        total, rows = outbox.page(conn, pipelines, status, page.limit, page.offset)
    startable = viewer.startable({row["pipeline_id"] for row in rows})
    return watch_answers.MessagesAnswer(
        total=total,
        limit=page.limit,
        offset=page.offset,
        messages=[_message(row, viewer, row["pipeline_id"] in startable) for row in rows],
    )


@router.post("/notifications/{notification_id}/resend")
def resend(
    notification_id: Annotated[str, Path(min_length=1, max_length=100)], body: bodies.NothingBody, viewer: ViewerDep
) -> watch_answers.ResentAnswer:
    """Let a message be sent again, to its channel as the pipeline's row says it today."""
    with registry().reading() as conn:
        row = outbox.get(conn, notification_id)
    if row is None or row["pipeline_id"] is None or not viewer.visible([row["pipeline_id"]]):
        raise no_such_message(notification_id)
    viewer.must_start([row["pipeline_id"]])
    count = send_again(registry(), notification_id, now=asking.now())
    return watch_answers.ResentAnswer(notification_id=notification_id, pending=count)


def _message(row: Mapping[str, Any], viewer: Viewer, can_act: bool) -> watch_answers.Message:
    """Without its words: they are for whom it was sent to. A row of another program has no payload of ours."""
    payload = json.loads(row["payload"]) if row["payload"] and row["dedupe_key"] else {}
    channel = payload.get("channel") or {}
    error = row["error_message"]
    return watch_answers.Message(
        notification_id=row["notification_id"],
        pipeline_id=row["pipeline_id"],
        type=row["notification_type"],
        status=row["notification_status"],
        channel=row["notification_channel"],
        conn_id=channel.get("conn_id"),
        to=channel.get("to", []),
        run_dates=payload.get("notice", {}).get("run_dates", []),
        created_at=row["created_at"],
        sent_at=row["sent_at"],
        attempts=row["attempts"] or 0,
        error_message=None if error is None else viewer.words(error),
        can_act=can_act and bool(payload),
    )
