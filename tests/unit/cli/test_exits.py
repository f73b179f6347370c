"""How a command ends that is interrupted, or whose output cannot be written, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PREFACE = """
from argparse import Namespace
from airflow_backfill_provider.cli.exits import command
from airflow_backfill_provider.cli.output import say, show
"""


def started(body: str, stdout: int, **environment: str) -> subprocess.Popen[str]:
    """A process that runs ``body`` as a command."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return subprocess.Popen(
        [sys.executable, "-c", f"{PREFACE}\n@command\ndef body(args):\n{lines}\nbody(Namespace())"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        preexec_fn=_heeds_interrupts,
    )


def _heeds_interrupts() -> None:
    """As in a terminal: a process whose parents stand in the background is born deaf to them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupted_command_says_so_in_one_line() -> None:
    process = started("import time\nprint('at work', flush=True)\ntime.sleep(60)", subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "interrupted\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("lines", [1, 100_000])
def test_output_that_cannot_be_written_is_told_in_one_line(lines: int) -> None:
    with Path("/dev/full").open("w") as full:
        process = started(f"for _ in range({lines}): print('a line')", full.fileno())
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, "the output cannot be written: No space left on device\n")


def test_what_the_encoding_of_the_output_lacks_is_escaped() -> None:
    process = started("say('Zürich – 3 dates', 'table')", subprocess.PIPE, PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "Z\\xfcrich \\u2013 3 dates\n", "")


def test_json_stays_json_whatever_the_encoding_of_the_output() -> None:
    process = started("show([{'place': 'Zürich 🗓'}], 'json')", subprocess.PIPE, PYTHONIOENCODING="ascii")
    out, _ = process.communicate(timeout=30)
    assert json.loads(out) == [{"place": "Zürich 🗓"}]
