"""One breach, one message: with two controllers at once, and with one that is killed at any step."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.watch_sla import watch_sla
from airflow_backfill_provider.store import sla
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import (
    pipeline_notifications,
    pipeline_run_log,
    sla_deadlines,
    sla_watches,
)
from tests.conformance.store.test_sla import HOUR, add, deadlines, records, types
from tests.conformance.store.test_sla import settings as settings
from tests.conformance.store.test_sla import tick as tick
from tests.conformance.store.test_turn import Airflow
from tests.conformance.store.test_turn_killed import Fuse, Killed, fused

ROUNDS = 100


def controller(url: str, barrier: threading.Barrier, settings: options.Settings, errors: list[BaseException]) -> None:
    """Wakes with the other one, round after round."""
    registry = Registry(url)
    try:
        for _ in range(ROUNDS):
            barrier.wait()  # the round is prepared
            for _ in watch_sla(registry, Airflow(), settings):
                pass
            barrier.wait()  # both have looked
            barrier.wait()  # the date is done
            for _ in watch_sla(registry, Airflow(), settings):
                pass
            barrier.wait()
    except BaseException as error:  # noqa: BLE001 - the test shows it
        errors.append(error)
        barrier.abort()
    finally:
        registry.dispose()


def test_two_controllers_a_hundred_rounds_one_message_each(
    registry: Registry, registry_url: str, settings: options.Settings, tick: datetime
) -> None:
    """Each round two dates are seen by both at once, and are done later: one that has broken its promise, and one
    that is warned about and done in time."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(3, timeout=60)
    both = [threading.Thread(target=controller, args=(registry_url, barrier, settings, errors)) for _ in range(2)]
    for each in both:
        each.start()
    try:
        for number in range(ROUNDS):
            add(registry, tick, tick + 2 * HOUR, f"p{number}")
            add(registry, tick, tick + 4 * HOUR, f"w{number}", sla_warning_minutes=120)
            barrier.wait()
            barrier.wait()
            with registry.writing() as conn:
                for name in (f"p{number}", f"w{number}"):
                    sla.done(conn, name, [tick.date()], datetime.now(UTC))
            barrier.wait()
            barrier.wait()
    except threading.BrokenBarrierError:
        pass
    for each in both:
        each.join(60)
    assert errors == []
    told = pipeline_notifications.c
    with registry.reading() as conn:
        sent = conn.execute(select(told.pipeline_id, told.notification_type)).all()
    counted = Counter(tuple(row) for row in sent)
    kinds = Counter(kind for _, kind in counted)
    assert kinds == dict.fromkeys(("sla_breach", "sla_recovered", "sla_warning", "sla_met"), ROUNDS)
    assert set(counted.values()) == {1}
    assert records(registry) == [("missed", False)] * ROUNDS


def story(registry: Registry, settings: options.Settings, tick: datetime, kill_at: int | None) -> Fuse:
    """A date breaks its promise and is done; one look is killed, and others follow."""
    with registry.writing() as conn:
        for table in (sla_deadlines, sla_watches, pipeline_notifications, pipeline_run_log):
            conn.execute(delete(table))
    fuse = Fuse(at=kill_at)

    def look() -> None:
        for _ in range(2):
            try:
                with fused(registry, fuse):
                    for _ in watch_sla(registry, Airflow(), settings):
                        pass
            except Killed:
                continue

    look()
    with registry.writing() as conn:
        sla.done(conn, "orders", [tick.date()], datetime.now(UTC))
    look()
    assert types(registry) == ["sla_breach", "sla_recovered"]
    assert records(registry) == [("missed", False)]
    [row] = deadlines(registry)
    assert row.recovered_at is not None
    return fuse


def test_killed_at_every_step_it_tells_once(registry: Registry, settings: options.Settings, tick: datetime) -> None:
    """The steps of the story are counted first; then it is told once for each of them."""
    add(registry, tick, tick + 2 * HOUR)
    steps = story(registry, settings, tick, None).steps
    assert 20 < steps < 200
    for at in range(1, steps + 1):
        assert story(registry, settings, tick, at).burnt, at


def test_a_date_that_is_done_while_it_is_judged_is_told_right(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    """The run ends between the look and the verdict: the row has changed, and the verdict waits for the next look."""
    add(registry, tick, tick + 4 * HOUR)
    for _ in watch_sla(registry, Airflow(), settings):
        pass
    past = datetime.now(UTC) - timedelta(seconds=1)

    class Asked(Airflow):
        """Airflow is asked between the look and the verdict."""

        def is_paused(self, dag_id: str) -> bool | None:
            with registry.writing() as conn:
                sla.done(conn, dag_id, [tick.date()], past)
            return False

    with registry.writing() as conn:
        conn.execute(update(sla_deadlines).values(look_at=past, deadline_at=past, urgent_at=tick))
    for _ in watch_sla(registry, Asked(), settings):
        pass
    assert [row.status.value for row in deadlines(registry)] == ["met"]
    assert types(registry) == []
