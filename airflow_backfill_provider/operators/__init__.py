"""What a generated DAG is made of."""
