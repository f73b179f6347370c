"""What Airflow calls when a task or run ends."""
