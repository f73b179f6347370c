"""What Airflow's UI shows about a pipeline: tags, and a page with the row's settings."""

from __future__ import annotations

import re

from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, Pipeline
from airflow_backfill_provider.pipelines.scrub import without_secrets

_TOLD_ELSEWHERE = frozenset(
    {"pipeline_id", "pipeline_name", "parameters", "dependencies", "quality_checks", "tags", "owner", "trigger_url"}
    | {"created_at", "updated_at", "deleted_at", "notification_details"}
)
_LONGEST_TAG = 100
_MARKUP = re.compile(r"[\\`*_\[\]<>&~|#]")
_BACKTICKS = re.compile(r"`+")


def tags_of(pipeline: Pipeline) -> list[str]:
    """The row's own tags, and where it runs, so that the list of DAGs can be filtered by platform."""
    tags = {"pipeline", pipeline.platform, *pipeline.tags}
    return sorted(tag[:_LONGEST_TAG] for tag in tags)


def doc_md(pipeline: Pipeline, sentence: str) -> str:
    """The page of the DAG: when it runs, where its job is, and every setting that is not the usual one."""
    lines = [f"### {_plain(pipeline.pipeline_name or pipeline.pipeline_id)}", "", f"{_plain(sentence)}.", ""]
    if pipeline.trigger_url and pipeline.trigger_url.startswith(("https://", "http://")):
        lines += [_job_page(pipeline.platform, pipeline.trigger_url), ""]
    lines += ["| setting | value |", "|---|---|"]
    lines += [f"| {name} | {_cell(getattr(pipeline, name))} |" for name in DEFAULTS if _worth_telling(pipeline, name)]
    if pipeline.parameters:
        lines += ["", "| parameter | template |", "|---|---|"]
        lines += [f"| {_cell(parameter.name)} | {_cell(parameter.value)} |" for parameter in pipeline.parameters]
    return "\n".join(lines)


def _job_page(platform: str, url: str) -> str:
    """A link; of an address that holds a secret only the words, without it."""
    if (shown := without_secrets(url)) != url:
        return f"The job on {platform}: {_cell(shown)}"
    link = url.replace("(", "%28").replace(")", "%29").replace(" ", "%20")
    return f"[The job on {platform}]({link})"


def _worth_telling(pipeline: Pipeline, name: str) -> bool:
    return name not in _TOLD_ELSEWHERE and getattr(pipeline, name) != DEFAULTS[name]


def _cell(value: object) -> str:
    """Code in a table, shown as it was typed: its fence is longer than any row of backticks in it."""
    text = _one_line(str(value)).replace("|", "\\|")
    if not text:
        return ""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    room = " " if len(fence) > 1 else ""
    return f"{fence}{room}{text}{room}{fence}"


def _plain(text: str) -> str:
    """One line, and no markup of the user's own."""
    return _MARKUP.sub(r"\\\g<0>", _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
