"""Put on PYTHONPATH by the chaos test: every process of that Airflow kills itself at points drawn by lot.

A point lies before a writing transaction of the registry, after each statement of it that changed rows, after its
commit, and on both sides of the wish to start a DagRun. Its name says who writes and what; a move of an item also says
by which event it went from which status to which. The lot is a function of the seed, the point and the number of the
visit to it; where earlier seeds have killed less often than wanted, the first visits are killed at without a lot.
Nothing of this is in the product: an import hook adds it when the store is first imported.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import signal
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

_HOME = Path(os.environ.get("BACKFILL_CHAOS_HOME", ""))
_SEED = os.environ.get("BACKFILL_CHAOS_SEED", "0")
_PACKAGE = "airflow_backfill_provider."
_STORE = _PACKAGE + "store."
_ENGINE = _PACKAGE + "store.engine"
_TURN = _PACKAGE + "actions.turn"
_moved = threading.local()


class _Patch(importlib.abc.MetaPathFinder):
    """Changes a module right after it was executed."""

    def __init__(self, patches: dict[str, Callable[[ModuleType], None]]) -> None:
        self._patches = patches

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self._patches:
            return None
        patch = self._patches[name]
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            patch(module)

        loader.exec_module = exec_module
        return spec


def point(name: str, edges: list[str]) -> None:
    """Visit a point: count the visit, and die if the lot says so.

    A turn that comes after a killed one lives: where turns are slow, nothing would otherwise be started that could be
    killed. What it is spared comes at a later visit, but where kills lack no turn is spared: it may be the only one
    that comes there.
    """
    if not (_HOME / "armed").exists():
        return
    turn = any(frame.f_globals["__name__"] == _TURN for frame in _frames())
    lacks = not _lacking().isdisjoint([name, *edges])
    spared = turn and _is_spared() and not lacks
    place = f"{zlib.crc32(name.encode()):08x}"
    number = _count(_HOME / "visits" / place)
    lot = random.Random(f"{_SEED} {name}")
    first = lot.choice((1, 1, 2, 3))
    wanted = (1, 3) if lacks else (first, first + lot.randint(2, 6))
    if _is_failure_of_a_run_by_hand(name, edges):
        wanted = (1, 2, 3, 4)
    killed = _HOME / "killed" / place
    times = killed.stat().st_size if killed.exists() else 0
    if spared or times >= sum(visit <= number for visit in wanted):
        return
    if turn:
        _killed_turn.touch()
    _count(killed)
    _append(_HOME / "kills.jsonl", json.dumps({"point": name, "edges": edges, "visit": number, "pid": os.getpid()}))
    os.kill(os.getpid(), signal.SIGKILL)


def _is_failure_of_a_run_by_hand(name: str, edges: list[str]) -> bool:
    """Whether Airflow tries a run again whose failure is on record: only then does a start change the coverage."""
    by_hand = os.environ.get("AIRFLOW_CTX_DAG_RUN_ID", "").startswith("manual__")
    return by_hand and ": committed" in name and "failed: in_progress → failed" in edges


def _is_spared() -> bool:
    """Whether this process takes the turn after a killed one."""
    if _killed_turn.exists():
        _killed_turn.unlink(missing_ok=True)
        _spared.add(os.getpid())
    return os.getpid() in _spared


_killed_turn = _HOME / "killed_turn"
_spared: set[int] = set()


@cache
def _lacking() -> frozenset[str]:
    """Names of points and edges that earlier seeds have killed at less often than wanted."""
    return frozenset((_HOME / "lacking.txt").read_text(encoding="utf-8").splitlines())


def _count(file: Path) -> int:
    with file.open("ab") as visits:
        visits.write(b".")
        visits.flush()
        return visits.tell()


def _append(file: Path, line: str) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(line + "\n")


def _seen(name: str) -> None:
    """Keep the names of all points, so that those never killed at can be told."""
    if (_HOME / "armed").exists() and name not in _told:
        _told.add(name)
        _append(_HOME / "points.txt", name)


_told: set[str] = set()


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_PACKAGE):
            yield frame
        frame = frame.f_back


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals['__name__'].rpartition('.')[2]}.{frame.f_code.co_name}"


def _writer() -> str:
    """The function of ours that opened the transaction."""
    for frame in _frames():
        if frame.f_globals["__name__"] != _ENGINE and not frame.f_globals["__name__"].startswith(_STORE):
            return _name(frame)
    return "?"


def _visit(name: str, edges: list[str]) -> None:
    _seen(name)
    point(name, edges)


def _engine(module: ModuleType) -> None:
    from sqlalchemy import Engine, event

    original = module.Registry.writing

    @contextmanager
    def writing(registry: Any) -> Iterator[Any]:
        who = _writer()
        _moved.edges = []
        _visit(f"{who}: begin", [])
        with original(registry) as conn:
            yield conn
        for edge in sorted(set(_moved.edges)) or [None]:
            _visit(f"{who}: committed" + (f" [{edge}]" if edge else ""), _moved.edges)

    module.Registry.writing = writing

    def after(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        words = statement.lstrip()[:6].upper()
        if not conn.get_execution_options().get("backfill_writing") or cursor.rowcount == 0:
            return
        if words not in ("INSERT", "UPDATE", "DELETE") and not (words[:4] == "WITH" and "INSERT INTO" in statement):
            return
        stores = [frame for frame in _frames() if frame.f_globals["__name__"].startswith(_STORE)]
        stores = [frame for frame in stores if frame.f_globals["__name__"] != _ENGINE]
        edge = _edge(stores, statement)
        _moved.edges = [*getattr(_moved, "edges", []), *([edge] if edge else [])]
        write = _name(stores[0]) if stores else words
        by = _name(stores[-1]) if len(stores) > 1 else ""
        name = f"{_writer()}: after {by + '>' if by and by != write else ''}{write}" + (f" [{edge}]" if edge else "")
        _visit(name, [edge] if edge else [])

    event.listen(Engine, "after_cursor_execute", after)


def _edge(stores: list[FrameType], statement: str) -> str | None:
    """Which move of an item this statement wrote the event of."""
    if "INSERT INTO backfill_events" not in statement:
        return None
    for frame in stores:
        values = frame.f_locals
        if frame.f_code.co_name == "move":
            return f"{values['event'].value}: {values['source'].value} → {values['target'].value}"
        if frame.f_code.co_name == "enqueue":
            return "enqueued: – → pending"
        if frame.f_code.co_name == "seen":
            return "seen: – → in_progress"
    return None


def _dag_runs(module: ModuleType) -> None:
    original = module.SupervisorDagRuns.start

    def start(self: Any, *arguments: Any) -> Any:
        _visit("DagRuns.start: before", [])
        answer = original(self, *arguments)
        _visit("DagRuns.start: after", [])
        return answer

    module.SupervisorDagRuns.start = start


def _soon(**constants: Any) -> Callable[[ModuleType], None]:
    """Waits of a minute are too long for a test that kills every second."""

    def patch(module: ModuleType) -> None:
        for name, value in constants.items():
            assert hasattr(module, name), name
            setattr(module, name, value)

    return patch


if os.environ.get("BACKFILL_CHAOS_HOME"):
    sys.meta_path.insert(
        0,
        _Patch(
            {
                _ENGINE: _engine,
                _PACKAGE + "dag_runs": _dag_runs,
                _PACKAGE + "actions.dispatch": _soon(LEASE=timedelta(seconds=12), LATER=timedelta(seconds=5)),
                _PACKAGE + "store.idle_dags": _soon(LOOKED_AT_AGAIN=timedelta(seconds=5)),
                _PACKAGE + "triggers.due_work": _soon(REFIRE_SECONDS=5.0),
            }
        ),
    )
