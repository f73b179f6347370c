"""Many notices told as one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.pipelines.wording import dates_in_words

_MOST_LINES = 20
_LONGEST_WHY = 160


def digest(notices: Sequence[Notice]) -> Notice:
    """One notice that says how many there are of what, and names the first of them."""
    names = {notice.pipeline_id for notice in notices}
    counts = Counter(notice.type.value for notice in notices)
    told = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    where = f"of {names.copy().pop()}" if len(names) == 1 else f"of {len(names)} pipelines"
    lines = [_line(notice) for notice in notices[:_MOST_LINES]]
    if len(notices) > _MOST_LINES:
        lines.append(f"… and {len(notices) - _MOST_LINES} more")
    keys = "\n".join(sorted(f"{notice.pipeline_id}|{notice.type.value}|{notice.key}" for notice in notices))
    since = [notice.since for notice in notices if notice.since]
    return Notice(
        pipeline_id=names.pop() if len(names) == 1 else None,
        type=NoticeType.DIGEST,
        key=hashlib.sha256(keys.encode()).hexdigest()[:32],
        run_dates=tuple(sorted({day for notice in notices for day in notice.run_dates})),
        since=min(since) if since else None,
        why="\n".join([f"{told} {where}", *lines]),
        doing="'airflow pipelines notify list' shows each of them",
    )


def _line(notice: Notice) -> str:
    dates = f" {dates_in_words(notice.run_dates)}" if notice.run_dates else ""
    why = " ".join(notice.why.split())[:_LONGEST_WHY]
    return f"{notice.pipeline_id}{dates}: {notice.type.value}" + (f": {why}" if why else "")
