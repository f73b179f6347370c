"""One Airflow DAG for each pipeline of the registry."""

from airflow_backfill_provider.dag_factory.factory import build_dags

globals().update(build_dags())
