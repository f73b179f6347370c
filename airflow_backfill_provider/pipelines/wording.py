"""A notice in words: what, which dates, since when, why, what is being done, and links; the same for every channel.

A template of the user's own is rendered in a sandbox: it sees the facts and nothing else, and if it fails the usual
words go out, because a message is worth more than its looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from airflow_backfill_provider.pipelines.notice import Notice, NoticeType

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_HEADLINES = {
    NoticeType.FAILURE: "{name} failed{dates}",
    NoticeType.RETRIES_EXHAUSTED: "{name} failed{dates}, attempts are spent",
    NoticeType.SLA_WARNING: "{name} may miss its deadline{dates}",
    NoticeType.SLA_BREACH: "{name} missed its deadline{dates}",
    NoticeType.SLA_RECOVERED: "{name} is done{dates}, after its deadline",
    NoticeType.SLA_MET: "{name} is done{dates}, in time after all",
    NoticeType.SLA_WITHDRAWN: "{name}: a deadline counts no more{dates}",
    NoticeType.QUALITY_FAILED: "{name}: data is not good{dates}",
    NoticeType.BACKFILL_FINISHED: "{name}: backfill has ended{dates}",
    NoticeType.TEST: "Test message of {name}",
    NoticeType.DIGEST: "Many messages as one: {why}",
    NoticeType.CHANNEL_FAILED: "Messages do not arrive: {why}",
}
_MOST_DATES = 10
_LONGEST_HEADLINE = 200
_LONGEST_TEXT = 8_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What goes out. ``key`` goes with it, so that a receiver can tell a message that came twice."""

    key: str
    subject: str
    """One line."""
    facts: tuple[tuple[str, str], ...]
    """Label and text, in the order in which people need them; a text may have several lines."""
    links: tuple[tuple[str, str], ...]
    """Label and URL."""
    notice: Notice
    own_text: str | None = None
    """What the user's template made, instead of facts and links."""

    @property
    def text(self) -> str:
        """Everything as plain text."""
        if self.own_text is not None:
            return self.own_text
        lines = [self.subject, *(f"{label}: {text}" for label, text in self.facts)]
        return "\n".join([*lines, *(f"{label}: {url}" for label, url in self.links)])


def message(
    notice: Notice, facts: Mapping[str, Any], *, key: str, base_url: str, template: str | None, kind: str = ""
) -> Message:
    """The message of a notice. ``facts`` are what the outbox kept beside it; ``base_url`` is that of Airflow's page.

    A template may hold markup of the ``kind`` of channel it is for; what is put into it is shown as it is.
    """
    name = str(facts.get("pipeline_name") or notice.pipeline_id or "")
    usual = Message(
        key=key,
        subject=_headline(notice, name),
        facts=tuple((label, text) for label, text in _facts(notice, name, facts) if text),
        links=_links(notice, base_url),
        notice=notice,
    )
    if not template:
        return usual
    return Message(
        key=key,
        subject=usual.subject,
        facts=usual.facts,
        links=usual.links,
        notice=notice,
        own_text=_own_text(template, usual, name, facts, _AS_IT_IS.get(kind, str)),
    )


def template_problem(template: str) -> str | None:
    """Why a template cannot be used, by trying it on a sample; None when it can."""
    sample = message(_SAMPLE, {"pipeline_name": "Orders", "owner": "ann"}, key="k", base_url="", template=None)
    try:
        _ENVIRONMENT.from_string(template).render(_names(sample, "Orders", {"owner": "ann"}))
    except _BAD_TEMPLATE as error:
        known = ", ".join(_names(sample, "", {}))
        return f"template {template!r} cannot be rendered: {error}; known names are {known}"
    return None


_BAD_TEMPLATE = (TemplateError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError, MemoryError)
_SAMPLE = Notice(pipeline_id="orders", type=NoticeType.FAILURE, key="k", run_dates=(date(2026, 1, 31),), why="why")


def dates_in_words(dates: Sequence[date]) -> str:
    """A few dates one by one, many as first to last with their number."""
    ordered = sorted(set(dates))
    if len(ordered) <= _MOST_DATES:
        return ", ".join(day.isoformat() for day in ordered)
    return f"{ordered[0]} to {ordered[-1]} ({len(ordered)} dates)"


def _headline(notice: Notice, name: str) -> str:
    dates = f" for {dates_in_words(notice.run_dates)}" if notice.run_dates else ""
    why = notice.why.splitlines()[0] if notice.why else ""
    # a name may have several lines, and a subject may not
    line = " ".join(_HEADLINES[notice.type].format(name=name, dates=dates, why=why).split())
    return line if len(line) <= _LONGEST_HEADLINE else line[: _LONGEST_HEADLINE - 1] + "…"


def _facts(notice: Notice, name: str, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = notice.pipeline_id or ""
    return [
        ("Pipeline", f"{name} ({shown})" if name not in ("", shown) else shown),
        ("Run dates", dates_in_words(notice.run_dates)),
        ("Since", f"{notice.since:%Y-%m-%d %H:%M} UTC" if notice.since else ""),
        ("Why", notice.why),
        ("What happens now", notice.doing),
        ("Owner", str(facts.get("owner") or "")),
    ]


def _links(notice: Notice, base_url: str) -> tuple[tuple[str, str], ...]:
    links = []
    if base_url and notice.pipeline_id:
        page = f"{base_url.rstrip('/')}/dags/{quote(notice.pipeline_id, safe='')}"
        if notice.dag_run_id:
            links.append(("Run in Airflow", f"{page}/runs/{quote(notice.dag_run_id, safe='')}"))
        else:
            links.append(("Pipeline in Airflow", page))
    if notice.external_url and notice.external_url.startswith(("https://", "http://")):
        links.append(("Run on its platform", notice.external_url))
    return tuple(links)


def _names(usual: Message, name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    notice, links = usual.notice, dict(usual.links)
    return {
        "subject": usual.subject,
        "text": usual.text,
        "type": notice.type.value,
        "pipeline_id": notice.pipeline_id or "",
        "pipeline_name": name,
        "owner": str(facts.get("owner") or ""),
        "run_dates": [day.isoformat() for day in notice.run_dates],
        "since": notice.since.isoformat() if notice.since else "",
        "why": notice.why,
        "doing": notice.doing,
        "airflow_url": links.get("Run in Airflow") or links.get("Pipeline in Airflow") or "",
        "external_url": links.get("Run on its platform", ""),
        "key": usual.key,
    }


def _own_text(
    template: str, usual: Message, name: str, facts: Mapping[str, Any], as_it_is: Callable[[str], str]
) -> str:
    names = {
        key: as_it_is(value) if isinstance(value, str) else value for key, value in _names(usual, name, facts).items()
    }
    try:
        return _ENVIRONMENT.from_string(template).render(names)[:_LONGEST_TEXT]
    except _BAD_TEMPLATE as error:
        return as_it_is(f"{usual.text}\n(the template of this channel could not be used: {error})")


def slack_text(text: str) -> str:
    """A vendor's words must not become Slack's markup (<!channel>, links)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_AS_IT_IS: Mapping[str, Callable[[str], str]] = {"slack": slack_text}
