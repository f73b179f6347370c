"""Quality checks at work: one protocol, behind it SQL on any connection and what dbt has found by itself."""
