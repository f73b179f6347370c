"""The official HTTP hook, given full addresses: the connection's host is a prefix it would put before every one."""

from __future__ import annotations

from airflow.providers.http.hooks.http import HttpHook


class FullAddressHttpHook(HttpHook):
    """Sends to the endpoint as it is. The caller has checked that it is on the connection's host."""

    def url_from_endpoint(self, endpoint: str | None) -> str:
        """The endpoint, which is a full address already."""
        return endpoint or ""
