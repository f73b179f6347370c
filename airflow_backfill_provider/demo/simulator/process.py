"""The simulator as a process of its own, for tests and the demo."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from airflow_backfill_provider.demo.simulator.client import SimulatorClient

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


class SimulatorProcess:
    """Starts and stops a simulator; also a context manager.

    Ports of 0 take free ones. The process ends with its parent, even when that is killed. What it says goes to
    ``home/simulator.log``.
    """

    def __init__(
        self, home: Path | str, *, port: int = 0, tls_port: int = 0, smtp_port: int = 0, job_seconds: float = 1.0
    ) -> None:
        self.home = Path(home)
        self.port = port
        self.tls_port = tls_port
        self.smtp_port = smtp_port
        self._job_seconds = job_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The http address, without a last slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ca_path(self) -> Path:
        """The certificate authority to trust, for REQUESTS_CA_BUNDLE and SSL_CERT_FILE."""
        return self.home.resolve() / "ca.pem"

    @property
    def client(self) -> SimulatorClient:
        """A client of the control API."""
        return SimulatorClient(self.url)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> SimulatorProcess:
        """Start it and wait until it answers. RuntimeError with what it said when it does not."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "simulator.log").open("ab") as log:
            # The open end of standard input is what tells the child that we still live.
            self._process = subprocess.Popen(self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        places = json.loads(self._first_line() or self._give_up())
        self.port, self.tls_port, self.smtp_port = places["port"], places["tls_port"], places["smtp_port"]
        return self

    def _command(self) -> list[str]:
        module = "airflow_backfill_provider.demo.simulator"
        ports = ["--port", str(self.port), "--tls-port", str(self.tls_port), "--smtp-port", str(self.smtp_port)]
        rest = ["--home", str(self.home), "--job-seconds", str(self._job_seconds), "--stop-with-stdin"]
        return [sys.executable, "-m", module, *ports, *rest]

    def _first_line(self) -> bytes:
        """The line in which the child says where it listens; empty when it ended or took too long."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _START_SECONDS)
        return self._process.stdout.readline() if ready else b""

    def _give_up(self) -> str:
        self.stop()
        said = (self.home / "simulator.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"the simulator did not start: {said[-2000:].strip() or 'it said nothing'}")

    def stop(self) -> None:
        """Stop it and wait for its end; does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> SimulatorProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
