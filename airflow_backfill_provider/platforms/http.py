"""Jobs behind a plain HTTP endpoint, through the official ``HttpHook``: at least once.

The job is started by one request with the parameters as JSON. If a status address is known it is polled until it shows
a word that means an end; without one the answer is the end.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.job_parameters import METHODS
from airflow_backfill_provider.pipelines.scrub import without_secrets
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation, Submission, Target
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.platforms.http_answers import Vocabulary, read_json, run_id_in, status_address_in

_TIMEOUT_SECONDS = 60


class HttpPlatform:
    """One request to ``trigger_url``; options say how to follow what it started."""

    name = "http"
    exactly_once = False

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection_id = target.connection_id or "http_default"
        self._vocabulary = Vocabulary.from_options(target.options)

    def check(self) -> None:
        """Raise unless the connection exists. Asking the endpoint itself could start a job."""
        _ = self._base

    def submit(self, submission: Submission) -> ExternalRun:
        """Send the parameters to ``trigger_url``, with the key in the header ``Idempotency-Key``."""
        address = self._address(self._target.trigger_url or self._target.job_id or "")
        with vendor_errors(f"{address} did not start the job", Asked.SUBMIT):
            response = self._request(
                self._method,
                address,
                json={"parameters": dict(submission.parameters)},
                headers={"Idempotency-Key": submission.idempotency_key},
            )
            answer = read_json(response)
        run_id = run_id_in(answer, self._vocabulary)
        if template := self._target.options.get("status_url"):
            if "{run_id}" in template and run_id is None:
                raise self._no_run_id(address, response.text)
            return ExternalRun(external_id=run_id or submission.idempotency_key, url=self._page(answer))
        if status_address := status_address_in(answer, response):
            followed = self._address(urljoin(address, status_address))
            return ExternalRun(external_id=followed, url=self._page(answer))
        ended = Observation(
            status=ExternalStatus.SUCCESS, vendor_state=f"HTTP {response.status_code}", url=self._page(answer)
        )
        return ExternalRun(external_id=run_id or submission.idempotency_key, url=ended.url, observation=ended)

    def find(self, submission: Submission) -> ExternalRun | None:
        """None, always: nobody can be asked. A server that honours ``Idempotency-Key`` starts nothing twice."""
        return None

    def poll(self, external_id: str) -> Observation:
        """Ask the status address once, blocking."""
        address = self._status_address(external_id)
        with vendor_errors(f"{address} did not show the run", Asked.POLL):
            answer = self._request("GET", address).json()
        return self._vocabulary.observation(answer, page=self._page(answer))

    async def poll_async(self, external_id: str) -> Observation:
        """The same in a thread: the official async hook keeps the vendor's words to itself."""
        return await asyncio.to_thread(self.poll, external_id)

    @property
    def can_cancel(self) -> bool:
        """Only where ``option.cancel_url`` says how."""
        return "cancel_url" in self._target.options

    def cancel(self, external_id: str) -> None:
        """POST to ``option.cancel_url`` if there is one; without one the job cannot be stopped from here."""
        template = self._target.options.get("cancel_url")
        if not template:
            return
        address = self._address(_filled(template, external_id))
        with vendor_errors(f"{address} did not cancel the run", Asked.LOOK):
            self._request("POST", address, json={})

    def url(self, external_id: str) -> str | None:
        """The page that ``option.page_url`` names, if any."""
        template = self._target.options.get("page_url")
        return _filled(template, external_id) if template else None

    @cached_property
    def _base(self) -> str:
        """Scheme, host and port of the connection; empty when it names no host."""
        from airflow.providers.http.hooks.http import HttpHook

        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.SUBMIT):
            hook = HttpHook(http_conn_id=self._connection_id)
            hook.get_conn()
        return str(hook.base_url) if urlsplit(str(hook.base_url)).netloc else ""

    @property
    def _method(self) -> str:
        method = self._target.options.get("method", "POST").upper()
        if method not in METHODS:
            raise PlatformError(f"option.method is {method!r}; expected one of {', '.join(METHODS)}", retryable=False)
        return method

    def _address(self, address: str) -> str:
        """The full address, refused when it leaves the connection's host: its credentials are meant for that host."""
        if not address:
            raise PlatformError("trigger_url is empty; expected the address that starts the job", retryable=False)
        full = address if "://" in address else f"{self._base.rstrip('/')}/{address.lstrip('/')}"
        parts = urlsplit(full)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PlatformError(
                f"{without_secrets(address)!r} is no address: give a full one, or a path and a host in connection "
                f"{self._connection_id!r}",
                retryable=False,
            )
        if self._base and urlsplit(self._base)[:2] != parts[:2]:
            raise PlatformError(
                f"{without_secrets(address)!r} is not on {self._base!r}, the host of connection "
                f"{self._connection_id!r}, to which its credentials belong; use a connection for that host",
                retryable=False,
            )
        return full

    def _request(self, method: str, address: str, **request: Any) -> Any:
        from airflow_backfill_provider.platforms.http_hook import FullAddressHttpHook

        hook = FullAddressHttpHook(method=method, http_conn_id=self._connection_id)
        return hook.run(endpoint=address, extra_options={"timeout": _TIMEOUT_SECONDS}, **request)

    def _status_address(self, external_id: str) -> str:
        if template := self._target.options.get("status_url"):
            return self._address(_filled(template, external_id))
        return self._address(external_id)

    def _page(self, answer: Any) -> str | None:
        """The page of the run, when the answer names one that a browser can open."""
        for name in ("page_url", "html_url", "url"):
            found = answer.get(name) if isinstance(answer, dict) else None
            if isinstance(found, str) and urlsplit(found).scheme in ("http", "https"):
                return found
        return None

    def _no_run_id(self, address: str, text: str) -> PlatformError:
        return PlatformError(
            without_secrets(
                f"{address} answered without a run id, which option.status_url needs; it said {text[:200]!r}"
            )
            + ". Name the field that holds it in option.run_id_field",
            retryable=False,
            accepted=True,
        )


def _filled(template: str, run_id: str) -> str:
    return template.replace("{run_id}", quote(run_id, safe=""))
