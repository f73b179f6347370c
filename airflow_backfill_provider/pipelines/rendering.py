"""Parameters of a pipeline, rendered for the run dates of one run.

What a user typed is a template in a sandbox: it sees run dates and the pipeline, nothing else, and what comes out is a
text that is passed to the job as a parameter or bind variable, never pasted into a statement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from jinja2 import TemplateError

from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines.job_parameters import ENVIRONMENT, OPTION_PREFIX, is_template
from airflow_backfill_provider.pipelines.pipeline import Pipeline

_LONGEST_VALUE = 65_536


class RunDates(tuple[date, ...]):
    """Run dates that print as a JSON list of ISO dates, which is how every engine can read them."""

    __slots__ = ()

    def __str__(self) -> str:
        return json.dumps([day.isoformat() for day in self])


def render_parameters(pipeline: Pipeline, dates: Sequence[date]) -> tuple[dict[str, str], dict[str, str]]:
    """Texts for the job, and options for the adapter, both by name.

    ``run_date`` (the newest), ``run_dates`` (JSON), ``first_run_date`` and ``last_run_date`` are always among the
    texts, unless the pipeline has a parameter of that name. Raises
    :class:`~airflow_backfill_provider.errors.InvalidRequest` with every parameter that cannot be rendered.
    """
    ordered = sorted(dates)
    names: Mapping[str, object] = {
        "run_date": ordered[-1],
        "run_dates": RunDates(ordered),
        "first_run_date": ordered[0],
        "last_run_date": ordered[-1],
        "pipeline": pipeline,
    }
    texts = {name: str(value) for name, value in names.items() if name != "pipeline"}
    problems = []
    for parameter in pipeline.parameters:
        try:
            texts[parameter.name] = _render(parameter.value, names)
        except (TemplateError, ArithmeticError, TypeError, ValueError, AttributeError) as error:
            where = f"pipeline {pipeline.pipeline_id!r}, parameter {parameter.name!r}"
            problems.append(
                Problem(where, f"{parameter.value!r} cannot be rendered: {error}; known names are {', '.join(names)}")
            )
    if problems:
        raise InvalidRequest(problems)
    options = {name.removeprefix(OPTION_PREFIX): text for name, text in texts.items() if name.startswith(OPTION_PREFIX)}
    return {name: text for name, text in texts.items() if not name.startswith(OPTION_PREFIX)}, options


def _render(template: str, names: Mapping[str, object]) -> str:
    if not is_template(template):
        return template
    text = ENVIRONMENT.from_string(template).render(names)
    if len(text) > _LONGEST_VALUE:
        raise ValueError(f"it comes out {len(text)} characters long, more than {_LONGEST_VALUE}")
    return text
