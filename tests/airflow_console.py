"""Airflow's command line in one process that is running already: to start one costs seconds of CPU for each command.

Run as a program this is that process. It calls Airflow's own ``main`` again and again: each line on stdin is a JSON
object with the arguments for ``airflow`` and its environment; each answer is one with the exit code and what was
written to file descriptors 1 and 2: all of it, log lines and warnings included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed; fails unless that is JSON and nothing else."""
        return json.loads(self.out)


class AirflowConsole:
    """The process, from the side of who gives the commands."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(environment), text=True
        )

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        """``airflow …``; what is set in the environment stays set."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"arguments": arguments, "environment": environment}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    from airflow.__main__ import main as airflow

    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            request = json.loads(line)
            os.environ.update(request["environment"])
            sys.argv = ["airflow", *request["arguments"]]
            code = _run(airflow)
            sys.stdout.flush()
            sys.stderr.flush()
            print(json.dumps({"code": code, "out": _text(out), "err": _text(err)}), file=answers, flush=True)


def _run(airflow: object) -> int:
    try:
        airflow()  # type: ignore[operator]
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - what the interpreter would do with it
        traceback.print_exc()
        return 1
    return 0


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    main()
