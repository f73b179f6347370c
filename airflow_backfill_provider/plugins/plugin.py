"""What Airflow loads by entry point in every process; keep it light."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from airflow_backfill_provider.plugins import marks
from airflow_backfill_provider.plugins.pages import PREFIX, LazyApi, pages
from airflow_backfill_provider.timetables.run_dates import RunDateTimetable


class BackfillPlugin(AirflowPlugin):
    """Registers the timetable, without which Airflow cannot read a stored DAG of ours; the API and the pages;
    and what notes the marks of people."""

    name = "backfill"
    timetables = [RunDateTimetable]  # noqa: RUF012 - Airflow's plugin manager reads plain class attributes
    fastapi_apps = [{"app": LazyApi(), "url_prefix": PREFIX, "name": "Backfill"}]  # noqa: RUF012
    react_apps = pages()
    listeners = [marks]  # noqa: RUF012
