"""The HTTP door: what the pages in Airflow's web UI ask, with Airflow's users and permissions."""
