"""Channels: what goes to people, through Airflow's official notifiers and connections only."""
