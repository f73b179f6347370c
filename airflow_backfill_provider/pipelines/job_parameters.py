"""What parameters may say: names that every job gets, options that each platform's adapter knows, templates.

A parameter that could never be rendered, or that nobody would read, is refused when it is written, not when its job is
to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from airflow_backfill_provider.pipelines.cells import did_you_mean
from airflow_backfill_provider.pipelines.parts import Flaw, Parameter

DATE_NAMES = ("run_date", "run_dates", "first_run_date", "last_run_date")
"""What every job gets: the newest run date, all of them as a JSON list, the first and the last."""
KNOWN_NAMES = (*DATE_NAMES, "pipeline")
"""What a template can speak of."""
OPTION_PREFIX = "option."
"""A parameter whose name starts so tells the adapter something (``option.status_url``) and is not sent to the job."""
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "databricks": (),
    "snowflake": ("sql", "arguments", "task_config"),
    "dbt_cloud": ("project_id",),
    "http": (
        "method", "status_url", "cancel_url", "page_url", "run_id_field", "state_field", "success_values",
        "failure_values",
    ),
    "sql": ("sql",),
}  # fmt: skip
"""The options that each platform's adapter reads."""
METHODS = ("POST", "PUT", "PATCH")
"""How ``http`` may start a job."""
ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def parameter_flaws(values: Mapping[str, Any]) -> list[Flaw]:
    """What is wrong with the parameters of a row that a person writes; ``values`` are the cells that could be read."""
    flaws: list[Flaw] = []
    for parameter in values.get("parameters", ()):
        sentences = [_template(parameter), _option(parameter, values.get("platform")), _instead_of_a_date(parameter)]
        flaws += [Flaw(("parameters", parameter.name), sentence) for sentence in sentences if sentence]
    return flaws


def is_template(text: str) -> bool:
    """Whether there is something in it to be filled in."""
    return "{" in text


def _template(parameter: Parameter) -> str | None:
    if not is_template(parameter.value):
        return None
    try:
        named = meta.find_undeclared_variables(ENVIRONMENT.parse(parameter.value))
    except TemplateSyntaxError as error:
        return f"{parameter.value!r} is not a template: {error}"
    unknown = sorted(named - set(KNOWN_NAMES) - set(ENVIRONMENT.globals))
    if not unknown:
        return None
    known = ", ".join(KNOWN_NAMES)
    return f"{parameter.value!r} speaks of {', '.join(map(repr, unknown))}, which is not known here; known are {known}"


def _option(parameter: Parameter, platform: str | None) -> str | None:
    if not parameter.name.startswith(OPTION_PREFIX) or platform is None or platform not in OPTIONS:
        return None
    option, known = parameter.name.removeprefix(OPTION_PREFIX), OPTIONS[platform]
    if option not in known:
        there_are = f"it has {', '.join(known)}" if known else "it has none"
        return f"{option!r} is no option of {platform}; {there_are}{did_you_mean(option, known)}"
    if option == "method" and parameter.value.upper() not in METHODS and not is_template(parameter.value):
        return f"{parameter.value!r} cannot start a job; expected one of {', '.join(METHODS)}"
    return None


def _instead_of_a_date(parameter: Parameter) -> str | None:
    """A job may want the date in another form; a text without a date would be the same for every date."""
    if parameter.name not in DATE_NAMES or is_template(parameter.value):
        return None
    return (
        f"{parameter.value!r} would take the place of the run date that every job gets under this name; expected a "
        "template over it, such as {{ run_date.strftime('%Y%m%d') }}, or another name"
    )
