"""Rows become DAGs. DAG files import from here."""
