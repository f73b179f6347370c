"""Run by the tests: one process that calls Airflow's own ``main`` again and again.

Each line on stdin is a JSON object with the arguments for ``airflow`` and its environment; each answer is one with the
exit code and what was written to file descriptors 1 and 2: all of it, log lines and warnings included.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import IO


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
