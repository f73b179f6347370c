"""What Airflow loads by entry point."""
