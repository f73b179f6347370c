"""The demo: a simulator of the vendors and an Airflow, on one machine."""
