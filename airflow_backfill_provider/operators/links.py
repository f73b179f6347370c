"""The link from a task in Airflow's UI to the page of its run on the platform."""

from __future__ import annotations

from airflow.sdk.bases.operatorlink import BaseOperatorLink
from airflow.sdk.execution_time.xcom import XCom

EXTERNAL_URL_KEY = "external_url"
"""XCom key under which the operator leaves the URL."""


class ExternalRunLink(BaseOperatorLink):
    """Opens the external run of a ``run_pipeline`` task."""

    name = "External run"

    def get_link(self, operator: object, *, ti_key: object) -> str:
        """The URL the operator left, or an empty text while there is none."""
        return XCom.get_value(key=EXTERNAL_URL_KEY, ti_key=ti_key) or ""
