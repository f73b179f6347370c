"""``airflow pipelines …``: the command line's door. Importing it must stay cheap, because ``airflow --help`` does."""
