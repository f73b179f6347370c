"""Who may import what. The layers are import-linter's contracts in pyproject.toml; the rest is read from sources."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.conftest import PACKAGE, ROOT, Source

AIRFLOWS_PUBLIC_API = (
    "airflow.sdk",
    "airflow.cli.cli_config",
    "airflow.configuration.conf",
    "airflow.exceptions",
    "airflow.listeners.hookimpl",
    "airflow.plugins_manager.AirflowPlugin",
    "airflow.triggers.base",
)
"""Documented for users and providers. Of ``airflow.sdk`` not ``execution_time``, which is the supervisor's inside."""

PRIVATE_DOORS: dict[str, tuple[str, ...]] = {
    "dag_runs.py": ("airflow.",),  # starts and reads DagRuns over the supervisor's channel
    "timetables/": ("airflow.timetables.",),  # the SDK's base class cannot be serialised
    # its guards on our routes, which DAGs there are, and the team of each and of a bundle, and of a connection
    "api/": (
        "airflow.api_fastapi.",
        *(f"airflow.models.{name}." for name in ("dag", "dagbundle", "team", "connection")),
        "airflow.utils.session.",
    ),
    "triggers/": ("airflow.sdk.execution_time.",),  # is the task over, before its job is cancelled
    "store/db_manager.py": ("airflow.utils.db_manager.",),  # 'airflow db migrate' finds the registry
    "cli/airflow_view.py": ("airflow.models.", "airflow.jobs.", "airflow.utils.session."),  # what 'doctor' looks at
    "operators/links.py": ("airflow.sdk.execution_time.xcom.",),  # how Airflow's own links read an XCom
    "platforms/": ("airflow.providers_manager.",),  # which hook a connection type has
}
"""Where Airflow's inside may be touched, and which part. A new line needs a test that fails when Airflow changes."""

VENDOR_ROOMS = ("platforms/", "quality/", "notifications/")
HEAVY = re.compile(
    r"airflow\.providers\.(?!standard\.).*\.(hooks|operators|triggers)\.|databricks\.|snowflake\.connector|pandas\.|duckdb\."
    r"|fastapi\.|airflow_backfill_provider\.demo\."
)
DOORS = (
    "get_provider_info",
    "cli.definition",
    "plugins.plugin",
    "timetables.run_dates",
    "triggers.external_run",
    "triggers.due_work",
    "operators.run_pipeline",
    "operators.links",
    "callbacks.records",
    "dag_factory.factory",
    "dag_factory.controller",
    "platforms.registry",
    "store.db_manager",
)
"""What Airflow's processes import at their start or in every DAG file: it must not drag a vendor's library in."""

PURE_ROOMS = ("dates", "backfill", "pipelines")


def test_layers() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, (
        "an import goes up or sideways; move what is shared down a layer, or pass it as an argument\n" + done.stdout
    )


def test_vendors_are_imported_by_adapters_only(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}:{line} imports {name}; reach it through an adapter in platforms/"
        for source in package_sources
        for line, name in source.imports()
        if name.startswith("airflow.providers.") and not source.place.startswith(VENDOR_ROOMS)
    ]
    assert not offenders, "\n".join(offenders)


def test_airflows_inside_is_touched_at_its_doors_only(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name}:{line} imports {name}, Airflow's inside; ask one of: {', '.join(PRIVATE_DOORS)}"
        for source in package_sources
        for line, name in source.imports()
        if _is_airflows_inside(name) and not _allowed(source.place, name)
    ]
    assert not offenders, "\n".join(offenders)


def test_the_supervisors_channel_has_one_door(package_sources: list[Source]) -> None:
    offenders = [
        f"{source.name} speaks to the supervisor itself; add a function to dag_runs.py"
        for source in package_sources
        if "SUPERVISOR_COMMS" in source.text and source.place != "dag_runs.py"
    ]
    assert not offenders, "\n".join(offenders)


def _is_airflows_inside(name: str) -> bool:
    if not name.startswith("airflow.") or name.startswith("airflow.providers."):
        return False
    return name.startswith("airflow.sdk.execution_time") or not name.startswith(AIRFLOWS_PUBLIC_API)


def _allowed(place: str, name: str) -> bool:
    return any(place.startswith(door) and name.startswith(parts) for door, parts in PRIVATE_DOORS.items())


def test_doors_open_without_vendors() -> None:
    modules = [f"airflow_backfill_provider.{door}" for door in DOORS]
    gone = [door for door in DOORS if not (PACKAGE / f"{door.replace('.', '/')}.py").exists()]
    assert not gone, f"{', '.join(gone)} is gone; name its successor in DOORS"
    heavy = sorted(name for name in _loaded_by(*modules) if HEAVY.match(name))
    assert not heavy, f"a door loads {', '.join(heavy[:5])}; import it within the function that needs it"


def test_pure_rooms_load_without_airflow() -> None:
    files = [path for room in PURE_ROOMS for path in sorted((PACKAGE / room).glob("*.py")) if path.stem != "__init__"]
    modules = [f"airflow_backfill_provider.{path.parent.name}.{path.stem}" for path in files]
    impure = _loaded_by(*modules) & {"airflow", "sqlalchemy", "alembic"}
    assert not impure, f"{', '.join(PURE_ROOMS)} load {', '.join(sorted(impure))}; take what it gives as an argument"


def _loaded_by(*modules: str) -> set[str]:
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"importing {', '.join(modules)} fails:\n{done.stderr}"
    return set(done.stdout.splitlines()[-1].split())
