"""The steps of a dbt Cloud run: one for each command, up to the one that failed."""

from __future__ import annotations

from airflow_backfill_provider.demo.simulator.runs import Run, State

_WORKING = frozenset({"build", "run", "test", "seed", "snapshot"})
_TESTING = frozenset({"build", "test"})
_LEAVES_RESULTS = _WORKING | {"compile", "docs"}


def steps_run(run: Run) -> list[str]:
    """The commands that were invoked, in order. The one that fails with the run is the first that works on data, or of
    results in which a test failed the first that tests."""
    steps: list[str] = run.order.details["steps"]
    if run.started_at is None:
        return []
    if run.state is not State.FAILED:
        return list(steps)
    failing = _TESTING if run.order.details.get("dbt_results") else _WORKING
    failed = next((place for place, step in enumerate(steps) if command_of(step) in failing), len(steps) - 1)
    return steps[: failed + 1]


def command_of(step: str) -> str | None:
    """``docs`` of ``dbt docs generate``; None for a command after which there is no run_results.json."""
    return next((word for word in step.split()[1:] if word in _LEAVES_RESULTS), None)
