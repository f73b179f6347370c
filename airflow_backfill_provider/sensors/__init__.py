"""Sensors for DAGs of the user's own."""
