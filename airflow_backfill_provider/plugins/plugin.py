"""What Airflow loads by entry point in every process; keep it light."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from airflow_backfill_provider.timetables.run_dates import RunDateTimetable


class BackfillPlugin(AirflowPlugin):
    """Registers the timetable, without which Airflow cannot read a stored DAG of ours."""

    name = "backfill"
    timetables = [RunDateTimetable]  # noqa: RUF012 - Airflow's plugin manager reads a plain class attribute
