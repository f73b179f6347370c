"""The Airflow DAG that mends records and fills what is owed."""

from airflow_backfill_provider.dag_factory.controller import build_controller

backfill_controller = build_controller()
