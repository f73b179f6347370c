"""What rains on the vendors' answers, and where jobs are started."""

from __future__ import annotations

from tests.chaos.pipelines import CALLS, PLAIN

ANSWERS = (
    ("status", {"status": 503, "times": 3}),
    ("status", {"status": 429, "retry_after": 1, "times": 2}),
    ("drop_before", {"times": 2}),
    ("drop_after_accept", {"method": "POST", "times": 1}),
    ("garbage", {"method": "GET", "times": 1}),
    ("delay", {"seconds": 2, "times": 2}),
)
VENDORS = ("databricks", "dbt_cloud", "snowflake")
SUBMITS = {PLAIN: ("dbt_cloud", "/903/run/$"), CALLS: ("snowflake", "")}
"""Where jobs of these pipelines are started; Snowflake is asked everything at one place."""
