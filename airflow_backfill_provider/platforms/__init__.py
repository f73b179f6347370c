"""Every platform behind one protocol: see :mod:`airflow_backfill_provider.platforms.base`."""
