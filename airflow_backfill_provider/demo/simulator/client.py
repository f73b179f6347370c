"""A small blocking client of the control API, with nothing but the standard library."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

Entry = dict[str, Any]


class SimulatorClient:
    """Speaks to ``/_control`` of a running simulator. ValueError carries what the simulator refused."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def health(self) -> bool:
        """Whether the simulator answers."""
        try:
            return bool(self._call("GET", "health"))
        except OSError:
            return False

    def ledger(self, platform: str | None = None, job: str | None = None) -> list[Entry]:
        """Every job started, oldest first, of one platform and one job if wished."""
        entries: list[Entry] = self._call("GET", "ledger")
        return [one for one in entries if platform in (None, one["platform"]) and job in (None, one["job"])]

    def fault(self, platform: str | None, action: str, **fields: Any) -> Entry:
        """Put a fault in force: ``fault("dbt_cloud", "drop_after_accept", path_regex="/run/$")``."""
        answer: Entry = self._call("POST", "faults", {"platform": platform, "action": action, **fields})
        return answer

    def faults(self) -> list[Entry]:
        """The faults in force; ``fired`` says how often each struck."""
        answer: list[Entry] = self._call("GET", "faults")
        return answer

    def clear_faults(self) -> None:
        """Take all faults out of force."""
        self._call("DELETE", "faults")

    def job(self, platform: str, job: str | None = None, **settings: Any) -> Entry:
        """Say how a job (None: every job of the platform) behaves: duration_seconds, fail_first, max_concurrent …"""
        answer: Entry = self._call("POST", "jobs", {"platform": platform, "job": job, **settings})
        return answer

    def messages(self, receiver: str | None = None) -> list[Entry]:
        """Every message that arrived, oldest first, at one receiver if wished."""
        entries: list[Entry] = self._call("GET", "messages")
        return [one for one in entries if receiver in (None, one["receiver"])]

    def down(self, *receivers: str) -> None:
        """Let exactly these receivers refuse everything."""
        self._call("POST", "receivers", {"down": list(receivers)})

    def reset(self) -> None:
        """Forget runs, faults, settings and messages."""
        self._call("POST", "reset")

    def wait(self, condition: Callable[[list[Entry]], bool], timeout: float = 30.0) -> list[Entry]:
        """The ledger as soon as it meets a condition; TimeoutError with the ledger when it does not in time."""
        deadline = time.monotonic() + timeout
        while not condition(entries := self.ledger()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the ledger did not get there in {timeout} s: {json.dumps(entries, indent=1)}")
            time.sleep(0.05)
        return entries

    def wait_until_idle(self, timeout: float = 30.0) -> list[Entry]:
        """The ledger as soon as nothing in it is running or queued."""
        return self.wait(lambda entries: all(one["state"] not in ("running", "queued") for one in entries), timeout)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_control/{path}", data, headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"{method} {path}: {error.read().decode()}") from error
