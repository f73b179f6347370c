"""Starting a whole Airflow, as far as that can be seen without one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.common.exceptions import SQLAlchemyErrorHandler
from fastapi import HTTPException
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError

from airflow_backfill_provider.demo import airflow_stack
from airflow_backfill_provider.demo.airflow_stack import AirflowStack


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    """A server on a free port, in a thread of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def slow_server() -> Iterator[ThreadingHTTPServer]:
    """It lets the first question wait for an answer, until the next one has come."""
    asked: list[str] = []
    again = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) == 1:
                again.wait(60)
            again.set()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as server:
        yield server
    assert len(asked) > 1, "the first question was answered after all"


def test_an_api_that_listens_but_does_not_answer_yet_is_waited_for(
    slow_server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_stack, "_ANSWER_SECONDS", 0.2)
    AirflowStack(tmp_path, connections={}, port=slow_server.server_port).start(names=())


@pytest.fixture
def locked_server() -> Iterator[ThreadingHTTPServer]:
    """Its database is locked for the first call, whose answer is that of Airflow's API."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            locked = SQLAlchemyErrorHandler()
            answer: Any = {"dag_run_id": "r1"}
            if len(asked) == 1:
                with pytest.raises(HTTPException) as refused:
                    locked.exception_handler(
                        None, OperationalError("INSERT INTO log", {}, Exception("database is locked"))
                    )
                answer = {"detail": refused.value.detail}
            body = JSONResponse(answer).body
            self.send_response(500 if len(asked) == 1 else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as server:
        yield server


def test_a_call_that_finds_airflows_sqlite_locked_is_made_again(
    locked_server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    airflow = AirflowStack(tmp_path, connections={}, port=locked_server.server_port)
    airflow._token = "t"
    assert airflow.api("POST", "/dags/orders/dagRuns", json={}) == {"dag_run_id": "r1"}
