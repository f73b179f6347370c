"""``python -m airflow_backfill_provider.demo.simulator``: serve until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from airflow_backfill_provider.demo.simulator.app import build_app
from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.ledger import Ledger
from airflow_backfill_provider.demo.simulator.receivers import INBOX, mail_server
from airflow_backfill_provider.demo.simulator.tls import server_context


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8100, help="http: Databricks, Snowflake, pages; 0 takes a free one")
    parser.add_argument("--tls-port", type=int, default=8143, help="https: dbt Cloud; 0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=8125, help="mail; 0 takes a free one")
    parser.add_argument("--home", type=Path, required=True, help="folder for ledger.jsonl and ca.pem")
    parser.add_argument("--job-seconds", type=float, default=1.0, help="how long a job takes unless told otherwise")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; leave it outside a container")
    parser.add_argument("--name", action="append", default=[], help="a further host name for the certificate")
    parser.add_argument("--public-url", help="where people reach the pages, if not http://127.0.0.1:PORT")
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input is closed")
    return parser.parse_args(argv)


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        reason = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
        raise SystemExit(_complain(f"port {port} on {host} {reason}; choose another one")) from error
    return bound


def _complain(message: str) -> int:
    print(f"simulator: {message}", file=sys.stderr)
    return 2


async def _serve(
    arguments: argparse.Namespace, plain: socket.socket, secure: socket.socket, mail: socket.socket
) -> None:
    home, port = arguments.home, plain.getsockname()[1]
    public_url = arguments.public_url or f"http://127.0.0.1:{port}"
    engine = Engine(Ledger(home, public_url.rstrip("/")), arguments.job_seconds)
    app = build_app(engine)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stop = _stop_event(arguments.stop_with_stdin)
    try:
        await web.SockSite(runner, plain).start()
        await web.SockSite(runner, secure, ssl_context=server_context(home, arguments.name)).start()
        await asyncio.get_running_loop().create_server(lambda: mail_server(app[INBOX]), sock=mail)
        places = {"port": port, "tls_port": secure.getsockname()[1], "smtp_port": mail.getsockname()[1]}
        places |= {"ca_path": str(home / "ca.pem"), "url": public_url}
        print(json.dumps(places), flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def _stop_event(with_stdin: bool) -> asyncio.Event:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if with_stdin:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    return stop


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Exit code 2 when a port is taken or the folder cannot be made."""
    arguments = _arguments(argv)
    try:
        arguments.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _complain(f"--home {str(arguments.home)!r} cannot be made: {error}")
    arguments.home = arguments.home.resolve()
    ports = (arguments.port, arguments.tls_port, arguments.smtp_port)
    with contextlib.ExitStack() as stack:
        plain, secure, mail = (stack.enter_context(_bind(arguments.host, port)) for port in ports)
        asyncio.run(_serve(arguments, plain, secure, mail))
    return 0


if __name__ == "__main__":
    sys.exit(main())
