"""What a finished dbt run leaves behind: run_results.json (version 6) and a minimal manifest.json."""

from __future__ import annotations

import json
from typing import Any

from airflow_backfill_provider.demo.simulator.dbt_cloud_jobs import DBT_VERSION
from airflow_backfill_provider.demo.simulator.dbt_cloud_steps import command_of, steps_run
from airflow_backfill_provider.demo.simulator.dbt_written import written
from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.ledger import instant
from airflow_backfill_provider.demo.simulator.runs import Run, State

NAMES = ("manifest.json", "run_results.json")
_PACKAGE = "simulator"
_TESTS = ("test.", "unit_test.")


def artifact(run: Run, engine: Engine, name: str, step: int | None = None) -> dict[str, Any] | None:
    """The artifact's content after a step (1 is the first), by default the last one that was run.

    None when the step left none of that name, or the run has not come to its end.
    """
    steps = steps_run(run)
    place = len(steps) if step is None else step
    if not run.state.ended or not 1 <= place <= len(steps) or (command := command_of(steps[place - 1])) is None:
        return None
    if name != "run_results.json":
        return _manifest(run) if name == "manifest.json" else None
    kept = run.order.details.get("dbt_results")
    built: dict[str, Any] = json.loads(written(kept)) if kept else _run_results(run, engine)
    return built if command == "build" else _results_of(built, command)


def _results_of(built: dict[str, Any], command: str) -> dict[str, Any]:
    """The same after another command than ``build``: one that compiles calls each node a success, tests too."""
    if command in ("compile", "docs"):
        plain = {"status": "success", "failures": None, "message": None}
        results, which = [{**one, **plain} for one in built["results"]], "generate" if command == "docs" else command
    else:
        tests, which = command == "test", command
        results = [one for one in built["results"] if one["unique_id"].startswith(_TESTS) is tests]
    return {**built, "results": results, "args": {**built["args"], "which": which}}


def _metadata(run: Run, kind: str, version: int) -> dict[str, Any]:
    return {
        "dbt_schema_version": f"https://schemas.getdbt.com/dbt/{kind}/v{version}.json",
        "dbt_version": DBT_VERSION,
        "generated_at": instant(run.ended_at),
        "invocation_id": f"invocation-{run.external_id}",
        "invocation_started_at": instant(run.started_at),
        "env": {"DBT_CLOUD_RUN_ID": run.external_id, "DBT_CLOUD_JOB_ID": run.job},
    }


def _model(run: Run) -> str:
    return f"model.{_PACKAGE}.job_{run.job}"


def _run_results(run: Run, engine: Engine) -> dict[str, Any]:
    elapsed = (run.ended_at or 0.0) - (run.started_at or 0.0)
    return {
        "metadata": _metadata(run, "run-results", 6),
        "results": [_result(run, **one) for one in _outcomes(run, engine)],
        "elapsed_time": elapsed,
        "args": {"which": "build", "vars": dict(run.order.parameters)},
    }


def _outcomes(run: Run, engine: Engine) -> list[dict[str, Any]]:
    """The model of the job and its tests; tests come from the job's settings when these have some."""
    good = run.state is State.SUCCESS
    model = {"unique_id": _model(run), "status": "success" if good else "error", "message": run.message or "OK"}
    default = {"unique_id": f"test.{_PACKAGE}.not_null_job_{run.job}_id.0", "status": "pass", "failures": 0}
    tests = list(engine.settings("dbt_cloud", run.job).results) or [default]
    if good:
        return [model, *(dict(test) for test in tests)]
    skipped = {"status": "skipped", "failures": None, "message": None}
    return [model, *({**test, **skipped} for test in tests)]


def _result(
    run: Run, *, unique_id: str, status: str, failures: int | None = None, message: str | None = None
) -> dict[str, Any]:
    times = {"started_at": instant(run.started_at), "completed_at": instant(run.ended_at)}
    return {
        "unique_id": unique_id,
        "status": status,
        "failures": failures,
        "message": message,
        "thread_id": "Thread-1",
        "execution_time": (run.ended_at or 0.0) - (run.started_at or 0.0),
        "adapter_response": {},
        "timing": [] if status == "skipped" else [{"name": "execute", **times}],
        "compiled": True,
        "compiled_code": "select 1",
        "relation_name": None,
        "batch_results": None,
    }


def _manifest(run: Run) -> dict[str, Any]:
    name = f"job_{run.job}"
    node = {
        "unique_id": _model(run),
        "name": name,
        "resource_type": "model",
        "package_name": _PACKAGE,
        "path": f"{name}.sql",
        "original_file_path": f"models/{name}.sql",
        "fqn": [_PACKAGE, name],
        "depends_on": {"macros": [], "nodes": []},
    }
    empty = ("sources", "macros", "docs", "exposures", "metrics", "groups", "disabled", "parent_map", "child_map",
             "group_map", "saved_queries", "semantic_models", "unit_tests", "selectors")  # fmt: skip
    return {"metadata": _metadata(run, "manifest", 12), "nodes": {node["unique_id"]: node}, **{k: {} for k in empty}}
