"""One seed: dates are asked for, everything is hurt at random, then nothing is hurt any more: all must come right."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from airflow_backfill_provider.demo.airflow_stack import StackError
from tests.chaos.pipelines import CALLS, FAILING, LATE, PLAIN, SUBJECTS, dates_of
from tests.chaos.rain import ANSWERS, SUBMITS, VENDORS
from tests.chaos.view import View, patiently
from tests.chaos.world import JOB_SECONDS, ChaosWorld

SPARED_SECONDS = 60.0
"""After a kill of the scheduler or the triggerer, until the next one."""


class Story:
    """What happens in one seed. ``told`` counts what was done to whom.

    It is hurt from outside until four of five dates have ended, or for at most three seconds a date: so a slow machine
    gets on too. At its points it is killed until four of five dates have ended, however long that takes.
    """

    def __init__(self, world: ChaosWorld, seed: int, dates: int) -> None:
        self.world = world
        self.wanted = {subject.pipeline_id: dates_of(subject, dates) for subject in SUBJECTS}
        self.optional: dict[str, list[date]] = {PLAIN: [], CALLS: []}
        """Dates that a person cancels or runs by hand: done once, or not at all."""
        self.view = View(world, self.wanted)
        self.told: Counter[str] = Counter()
        self._lot = random.Random(seed)
        self._paused: dict[str, float] = {}
        self._forgotten: dict[str, float] = {}
        self._to_cancel: list[str] = []
        self._to_resume: list[str] = []
        self._considered: set[str] = set()
        """Requests with cancelled dates that a person has retried, or has chosen not to."""
        self._started: set[str] = set()
        """Runs of the queue that Airflow has: too late to forget their DAGs."""
        self._each_deed = max(1, dates // 60)
        self._spared: dict[str, float] = {}
        self._hurting = 60 + dates * 3.0
        self._unhurt = dates // 5

    def tell(self, most_seconds: float) -> None:
        """Hurt, then wait for the true end. Raises StackError when it does not come in time."""
        end = time.monotonic() + most_seconds
        self.world.arm(True)
        for platform, job in FAILING:
            self.world.simulator.client.job(platform, job, fail_first=2, max_concurrent=8)
        for name, days in self.wanted.items():
            self._say(f"{name}: {len(days)} dates asked for")
            self.world.command("create", name, f"{days[0]}..{days[-1]}")
        self._hurt()
        self.world.simulator.client.clear_faults()
        for name in self.wanted:
            self._pause(name, False)
        self._say("nothing is hurt from outside any more")
        self._wait(partial(self.view.still_open, only_items=True), self._unhurt, end)
        self.world.arm(False)
        self._say("nothing is killed any more; waiting for the end")
        self._wait(self.view.still_open, 0, end)

    def _wait(self, look: Callable[[], list[str]], most: int, end: float) -> None:
        """Until at most so much is open; raises StackError when that does not come in time."""
        while len(open_ := look()) > most:
            if time.monotonic() > end:
                raise StackError("there was no end: " + "; ".join(open_))
            self._retry_what_failed()
            self._retry_what_was_cancelled()
            self.world.see_that_all_live()
            time.sleep(2)

    # -- what is done to it -------------------------------------------------------------------------------------------

    def _hurt(self) -> None:
        until = time.monotonic() + self._hurting
        persons = iter(self._what_persons_do())
        deeds: list[Callable[[], Any]] = []
        while time.monotonic() < until and len(self.view.still_open(only_items=True)) > self._unhurt:
            if not deeds:
                deeds = self._deeds()
            deeds.pop()()
            self._do_what_is_due()
            if self._lot.random() < 0.6:
                with suppress(StopIteration):
                    next(persons)()
            self._retry_what_failed()
            self._retry_what_was_cancelled()
            self.world.see_that_all_live()
            self._forget_what_is_claimed(self._lot.uniform(1.0, 3.5))
        for deed in persons:
            self.world.see_that_all_live()  # or it waits in vain for what a process that is gone would have done
            deed()
        self._do_what_is_due(at_once=True)

    def _deeds(self) -> list[Callable[[], Any]]:
        """A shuffled hand of what hurts: the costly ones seldom."""
        hand = (
            [self._rain] * 8
            + [self._kill_worker] * 5
            + [self._cut_off] * 2
            + [lambda: self._refuse(self._lot.choice(list(SUBMITS)))] * 2
            + [self._pause_what_has_just_started] * 3
            + [self._forget_dag] * 2
            + [lambda: self._kill("triggerer")]
            + [lambda: self._kill("scheduler")]
        )
        self._lot.shuffle(hand)
        return hand

    def _what_persons_do(self) -> list[Callable[[], Any]]:
        """Each with a date of its own: one that is done already would rightly be done anew when it is run by hand."""
        on_a_date = [
            self._ask_and_cancel, self._cancel_too_late, self._run_what_waits, self._run_what_works,
            self._ask_in_vain, self._ask_and_pause, self._trigger_in_vain,
        ]  # fmt: skip
        deeds: list[Callable[[], Any]] = []
        for name, days in self.optional.items():
            for deed in [*on_a_date, self._ask_and_cancel, self._trigger] * self._each_deed:
                day = LATE + timedelta(days=len(days))
                days.append(day)
                deeds.append(partial(deed, name, day))
        self._lot.shuffle(deeds)
        return deeds

    def _rain(self) -> None:
        vendor, (action, fields) = self._lot.choice(VENDORS), self._lot.choice(ANSWERS)
        self.told[f"{action} {fields.get('status', '')}".strip()] += 1
        self.world.simulator.client.fault(vendor, action, **fields)

    def _refuse(self, name: str, times: int = 1) -> None:
        """Refuse the key of a submit: its date fails for good, and a person asks for it again.

        Not on Databricks: a date of the sequential pipeline would end so, and the next one would rightly go on.
        """
        self.told["key refused"] += 1
        vendor, path = SUBMITS[name]
        self.world.simulator.client.fault(vendor, "bad_auth", method="POST", path_regex=path, times=times)

    def _kill_worker(self) -> None:
        if self.world.kill_worker(self._lot.random()):
            self.told["worker killed"] += 1

    def _kill(self, name: str) -> None:
        """Not again before it has had time to start: otherwise nothing would ever happen that could be hurt."""
        if time.monotonic() < self._spared.get(name, 0):
            return
        self._spared[name] = time.monotonic() + SPARED_SECONDS
        self.told[f"{name} killed"] += 1
        self._say(f"kill -9 {name}")
        self.world.kill_process(name)

    def _cut_off(self) -> None:
        self.told["registry cut off"] += 1
        seconds = self._lot.uniform(1, 5)
        self._say(f"the registry is cut off for {seconds:.1f} s")
        with self.world.cut_off():
            time.sleep(seconds)

    def _pause_what_has_just_started(self, seconds: float = 5) -> None:
        """Pause the DAG of a run that waits for the scheduler to begin: its dates must be given back."""
        if not self._soon(self.view.claimed_and_not_begun, seconds):
            return
        with self.world.stuck("scheduler"):
            for name, dag_run_id in self.view.claimed_and_not_begun():
                states = {run["dag_run_id"]: run["state"] for run in self.view.dag_runs(name)}
                if states.get(dag_run_id) == "queued" and name not in self._paused:
                    self.told["DAG paused"] += 1
                    self._pause(name, True)
                    self._paused[name] = time.monotonic() + self._lot.uniform(30, 50)  # a slow turn long enough

    def _forget_dag(self) -> None:
        """Airflow has no such DAG any more while its dates wait: they hold no slot until it is there again."""
        names = sorted(self.view.pipelines_that_wait() - {*self._forgotten, *self._paused})
        if names:
            self._forget(self._lot.choice(names))

    def _forget_what_is_claimed(self, seconds: float) -> None:
        """Airflow has no such DAG any more when a run of it is started: its dates must be given back.

        Between claim and start lies a moment, or a longer one when the turn died there.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, dag_run_id in self.view.claimed_and_not_begun():
                if name in self._forgotten or name in self._paused or dag_run_id in self._started:
                    continue
                if any(run["dag_run_id"] == dag_run_id for run in self.view.dag_runs(name)):
                    self._started.add(dag_run_id)
                elif self._lot.random() < 0.5:
                    self._forget(name)
            time.sleep(0.2)

    def _forget(self, name: str) -> None:
        self.told["DAG forgotten"] += 1
        self.world.forget_dag(name, True)
        self._forgotten[name] = time.monotonic() + self._lot.uniform(30, 50)  # a slow turn long enough

    def _recall_dag(self, name: str) -> None:
        """Also before a person does something with it: Airflow says 404 to them meanwhile, rightly."""
        if self._forgotten.pop(name, None):
            self.world.forget_dag(name, False)

    def _do_what_is_due(self, *, at_once: bool = False) -> None:
        """Undo what lasted long enough, cancel what has begun, let go on what was run by hand meanwhile."""
        for name in [name for name, until in self._forgotten.items() if at_once or until <= time.monotonic()]:
            self._recall_dag(name)
        for name in [name for name, until in self._paused.items() if at_once or until <= time.monotonic()]:
            self._unpause(name)
        for request in list(self._to_cancel):
            if at_once or not self.view.waits(request):
                self._to_cancel.remove(request)
                self.world.command("cancel", request)
        for request in list(self._to_resume):
            if at_once or not self.view.waits(request):
                self._to_resume.remove(request)
                self.world.command("resume", request)

    def _unpause(self, name: str) -> None:
        if self._paused.pop(name, None):
            self._pause(name, False)

    def _pause(self, name: str, paused: bool) -> None:
        self._recall_dag(name)
        self._ask("PATCH", f"/dags/{name}", json={"is_paused": paused})

    def _ask_and_pause(self, name: str, day: date) -> None:
        """The DAG is paused when the queue has made the run of the date, or of another one that waits."""
        self._ask_for(name, day)
        self._pause_what_has_just_started(30)

    def _ask_in_vain(self, name: str, day: date) -> None:
        """The key is refused when its job is started, or another one's: a date fails for good, and is retried."""
        self._refuse(name)
        self._ask_for(name, day)

    def _ask_and_cancel(self, name: str, day: date) -> None:
        """Half of them at once, half when they have begun."""
        self.told["date cancelled"] += 1
        request = self._ask_for(name, day)
        if self._lot.random() < 0.5:
            self.world.command("cancel", request)
        else:
            self._to_cancel.append(request)

    def _cancel_too_late(self, name: str, day: date) -> None:
        """When its job has succeeded, and its run does not know that yet."""
        self._unpause(name)
        request = self._ask_for(name, day)
        if not self._soon(lambda: self.view.job_states(name, day) & {"running", "success"}, 60):
            self._to_cancel.append(request)
            return
        with self.world.stuck("scheduler"):
            self._soon(lambda: "running" not in self.view.job_states(name, day), 5)
            self.told["date cancelled too late"] += 1
            self.world.command("cancel", request)

    def _run_what_waits(self, name: str, day: date) -> None:
        """By hand, while the queue has the date and may not start it."""
        request = self._ask_for(name, day)
        self.world.command("pause", request)
        self._to_resume.append(request)
        self._trigger(name, day)

    def _run_what_works(self, name: str, day: date) -> None:
        """By hand, and the queue starts a run of the date too, which finds the other one at work."""
        subject = next(one for one in SUBJECTS if one.pipeline_id == name)
        last = partial(self.world.simulator.client.job, subject.platform, subject.job)
        last(duration_seconds=8.0)
        self._unpause(name)
        self._run_what_waits(name, day)
        if self._soon(lambda: self.view.job_states(name, day), 60):
            self.world.command("resume", self._to_resume.pop())
        last(duration_seconds=JOB_SECONDS)

    def _ask_for(self, name: str, day: date) -> str:
        """Ask for a date before all others; the id of the request."""
        self.world.command("create", name, str(day), "9")
        return self.view.request_of(name, day)

    def _trigger_in_vain(self, name: str, day: date) -> None:
        """By hand, with a key that is refused: a run that the queue knows nothing of fails for good."""
        self._refuse(name, 5)  # others may start jobs before it does
        self._unpause(name)
        self._trigger(name, day)

    def _trigger(self, name: str, day: date) -> None:
        self.told["run by hand"] += 1
        self._recall_dag(name)
        body = {"logical_date": None, "conf": {"run_date": day.isoformat()}}
        self._ask("POST", f"/dags/{name}/dagRuns", json=body)

    def _retry_what_failed(self) -> None:
        for request in self.view.requests_with("failed"):
            self.told["request retried"] += 1
            self.world.command("retry", request)

    def _retry_what_was_cancelled(self) -> None:
        """Each request at most once, or half of the dates would never stay cancelled."""
        for request in self.view.requests_with("cancelled"):
            if request not in self._considered and self._lot.random() < 0.5:
                self.told["cancelled request retried"] += 1
                self.world.command("retry", request)
            self._considered.add(request)

    def _ask(self, method: str, path: str, **arguments: Any) -> None:
        patiently(lambda: self.world.airflow.api(method, path, **arguments))

    def _soon(self, condition: Callable[[], Any], seconds: float) -> Any:
        """What the condition says as soon as it is met, or what it says when the time is up."""
        end = time.monotonic() + seconds
        while not (answer := condition()) and time.monotonic() < end:
            time.sleep(0.1)
        return answer

    def _say(self, words: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S}  {words}", flush=True)
