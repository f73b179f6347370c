"""Shows rows that no DAG can be made of as an Airflow import error, away from the file whose DAGs must live."""

from airflow_backfill_provider.dag_factory.factory import raise_broken

raise_broken()
