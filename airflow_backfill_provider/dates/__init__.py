"""Which run dates: recurrence, calendars, selections, keys and deadlines. Pure: no clock, no database, no Airflow."""
