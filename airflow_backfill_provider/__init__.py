"""The Date Picking and Backfilling System: an Apache Airflow provider."""
