"""Timetables of generated DAGs; the path is stored in Airflow's database."""
