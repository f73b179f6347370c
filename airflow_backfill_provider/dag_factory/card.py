"""What Airflow's UI shows about a pipeline: tags, and a page with the row's settings."""

from __future__ import annotations

from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, Pipeline

_TOLD_ELSEWHERE = frozenset(
    {"pipeline_id", "pipeline_name", "parameters", "dependencies", "quality_checks", "tags", "owner", "trigger_url"}
    | {"created_at", "updated_at", "deleted_at", "notification_details"}
)
_LONGEST_TAG = 100


def tags_of(pipeline: Pipeline) -> list[str]:
    """The row's own tags, and where it runs, so that the list of DAGs can be filtered by platform."""
    tags = {"pipeline", pipeline.platform, *pipeline.tags}
    return sorted(tag[:_LONGEST_TAG] for tag in tags)


def doc_md(pipeline: Pipeline, sentence: str) -> str:
    """The page of the DAG: when it runs, where its job is, and every setting that is not the usual one."""
    lines = [f"### {_plain(pipeline.pipeline_name or pipeline.pipeline_id)}", "", f"{_plain(sentence)}.", ""]
    if pipeline.trigger_url and pipeline.trigger_url.startswith(("https://", "http://")):
        url = pipeline.trigger_url.replace("(", "%28").replace(")", "%29").replace(" ", "%20")
        lines += [f"[The job on {pipeline.platform}]({url})", ""]
    lines += ["| setting | value |", "|---|---|"]
    lines += [f"| {name} | {_cell(getattr(pipeline, name))} |" for name in DEFAULTS if _worth_telling(pipeline, name)]
    if pipeline.parameters:
        lines += ["", "| parameter | template |", "|---|---|"]
        lines += [f"| {_cell(parameter.name)} | {_cell(parameter.value)} |" for parameter in pipeline.parameters]
    return "\n".join(lines)


def _worth_telling(pipeline: Pipeline, name: str) -> bool:
    return name not in _TOLD_ELSEWHERE and getattr(pipeline, name) != DEFAULTS[name]


def _cell(value: object) -> str:
    return f"`{_plain(str(value)).replace('|', chr(92) + '|').replace('`', '')}`"


def _plain(text: str) -> str:
    """One line, and no markup of the user's own."""
    return " ".join(text.split()).replace("<", "&lt;")
