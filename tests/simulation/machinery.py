"""What works by itself: the function that comes by date, the state machine that calls it, and what tells it to tick.

The machine is Step Functions as the product uses it: an execution for each attempt of a run, a child for each shard or batch of
a list, so many at once; a call that fails is made again after a pause, and a child that fails too often fails the execution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest.mock import patch

import functions.bonuses.handler
from shared.domain.entry import MemberId
from shared.domain.errors import LaurelError, TryAgainError
from shared.entrypoint import metrics, outlets
from shared.ports import BusEvent, Recurrence
from tests.engines.faults import Fault
from tests.simulation.containers import Pool
from tests.simulation.invariants import Item
from tests.simulation.plan import Interruption, Plan
from tests.simulation.world import Signal, World

SHARDS, PAGE, INLINE, RESERVE, BATCH = 3, 2, 3, 1, 2
"""Of shards, members of a page, members that a tick looks at itself, candidates beyond the winners, members of a batch: so few
that a small world has several of each."""
LIMIT_SECONDS = 300
"""How long the machine waits for a call; the function is stopped then, or goes on for a while, which is worse."""
_TRIES = 8
_CHILDREN_MAX = (1, 2, 3)
_STALL_SECONDS = (1, 600)
TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}
_LOST = (Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER)

Payload = dict[str, Any]


@dataclass(frozen=True)
class Backstage:
    """What a story has beside its callers: `pool` makes containers, `items` reads the whole table at once, past all faults."""

    world: World
    plan: Plan
    pool: Pool
    items: Callable[[], list[Item]]


class Context:
    """A Lambda context. Now and then it says that there is no time left: so calls end at any page."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_remaining_time_in_millis(self) -> int:
        """What is left."""
        return 0 if self._world.chance.random() < 0.1 else LIMIT_SECONDS * 1000


class Worker:
    """The function that is called by date: each call in a container, delivered once or twice, killed or not."""

    def __init__(self, behind: Backstage) -> None:
        self._behind = behind
        self._calls = 0

    def call(self, payload: Payload) -> Payload | None:
        """Call it and wait for the answer; None where it died, failed, or took too long."""
        world, arrived, answers = self._behind.world, Signal(), list[Payload | None]()

        def receive(answer: Payload | None) -> None:
            answers.append(answer)
            world.give(arrived)

        twice = self._behind.plan.delivered_twice(world.chance)
        world.note(f"calls {_told(payload)}" + (" <- delivered twice" if twice else ""))
        for _ in range(2 if twice else 1):
            self._invoke(payload, receive)
        if not world.wait(arrived, seconds=LIMIT_SECONDS):
            world.note(f"no answer to {_told(payload)}")
            return None
        world.note(f"{_told(payload)}: {answers[0]}")
        return answers[0]

    def tick(self) -> None:
        """The standing tick, for whoever does not ask what came of it."""
        self.call(TICK)

    def _invoke(self, payload: Payload, receive: Callable[[Payload | None], None]) -> None:
        world, pool = self._behind.world, self._behind.pool
        self._calls += 1

        def run() -> None:
            container = pool.take()
            pool.enter(container)
            try:
                answer: Payload | None = functions.bonuses.handler.handler(dict(payload), Context(world))
            except LaurelError as error:
                # Lambda tells that the function failed.
                world.note(f"failed: {type(error).__name__}")
                answer = None
            pool.give_back(container)
            receive(answer)

        task = world.spawn(f"work {self._calls}", run, after_seconds=0.001)
        # Lambda tells at once when a function has died; now and then only silence does.
        if world.chance.random() < 0.8:
            task.on_death = lambda: receive(None)


@dataclass
class Machine:
    """Implements ports.Machine. `going` executions are being worked on; `lists` are members by the key of their list."""

    behind: Backstage
    worker: Worker
    lists: dict[str, list[str]] = field(default_factory=dict)
    started: list[tuple[str, int]] = field(default_factory=list)
    going: int = 0

    def start(self, run: str, attempt: int, shards: Sequence[int], list_key: str | None) -> None:
        """See ports.Machine; the call may get lost on its way there or back."""
        world, fate = self.behind.world, self.behind.plan.fate("StartExecution", self.behind.world.chance)
        world.note(f"starts {run}.{attempt}" + (f" <- {fate.value}" if fate else ""))
        world.pause()
        if fate is Interruption.KILLED_BEFORE:
            world.die()
        if fate is Interruption.STALLED_BEFORE:
            world.sleep(world.chance.randint(*_STALL_SECONDS))
        if isinstance(fate, Fault) and fate not in _LOST:
            raise TryAgainError
        self._start(run, attempt, list(shards), list_key)
        world.pause()
        if fate is Interruption.KILLED_AFTER:
            world.die()
        if fate in _LOST:
            raise TryAgainError

    def _start(self, run: str, attempt: int, shards: list[int], list_key: str | None) -> None:
        if (run, attempt) in self.started:
            return
        self.started.append((run, attempt))
        self.going += 1
        if list_key is None:
            parts: list[Payload] = [{"task": "shard", "run": run, "shard": shard} for shard in shards]
        else:
            listed = self.lists[list_key]
            batches = [listed[at : at + BATCH] for at in range(0, len(listed), BATCH)]
            parts = [{"task": "list", "run": run, "members": batch} for batch in batches]
        self.behind.world.spawn(f"execution {len(self.started)}", lambda: self._execute(run, parts), after_seconds=0.001)

    def _execute(self, run: str, parts: list[Payload]) -> None:
        world, ended, failed = self.behind.world, Signal(), list[Payload]()
        left, children = list(reversed(parts)), min(len(parts), world.chance.choice(_CHILDREN_MAX))
        idle = list[int]()

        def child() -> None:
            while left and not failed:
                part = left.pop()
                if not self._loop(part):
                    failed.append(part)
            idle.append(1)
            if len(idle) == children:
                world.give(ended)

        for number in range(children):
            world.spawn(f"child {number} of {len(self.started)}", child)
        while children and not ended.given:
            world.wait(ended, seconds=3600)
        done = not failed and self._loop({"task": "finish", "run": run})
        world.note(f"execution of {run} {'succeeds' if done else 'fails'}")
        self.going -= 1

    def _loop(self, payload: Payload) -> bool:
        """Call until it is done, its answer the next payload; False where it failed too often."""
        failures = 0
        while failures < _TRIES:
            answer = self.worker.call(payload)
            if answer is None:
                failures += 1
                self.behind.world.sleep(2**failures)
            elif answer["done"]:
                return True
            else:
                failures, payload = 0, answer
        return False


class Calendar:
    """Implements ports.Schedules: keeps what is put. Nothing hangs on schedules: the standing tick finds what they missed."""

    def __init__(self) -> None:
        self.there: dict[str, datetime | Recurrence] = {}

    def put(self, name: str, when: datetime | Recurrence, payload: Any, target: str) -> None:
        """See ports.Schedules."""
        self.there[name] = when

    def remove(self, name: str) -> None:
        """See ports.Schedules."""
        self.there.pop(name, None)


class Bus:
    """Implements ports.Bus: takes everything, and wakes the function where a tick is wanted."""

    def __init__(self, worker: Worker, world: World) -> None:
        self._worker = worker
        self._world = world

    def publish(self, events: Sequence[BusEvent]) -> list[int]:
        """See ports.Bus."""
        for event in events:
            if event.type == "TickWanted":
                self._world.spawn("woken", self._worker.tick, after_seconds=0.01)
        return []


@contextmanager
def small() -> Iterator[None]:
    """While it lasts, shards and pages are small."""
    sizes = {
        "shared.domain.alarm.SHARDS": SHARDS,
        "functions.bonuses.run_tick.SHARDS": SHARDS,
        "functions.bonuses.run_tick.PAGE": PAGE,
        "functions.bonuses.run_tick.INLINE_MAX": INLINE,
        "functions.bonuses.work_run.SHARDS": SHARDS,
        "functions.bonuses.work_run.PAGE": PAGE,
        "functions.bonuses.draw_winners.DRAW_PAGE": PAGE,
        "functions.bonuses.draw_winners.RESERVE": RESERVE,
        "functions.campaigns.dry_run_campaign.SHARDS": SHARDS,
    }
    with ExitStack() as patches:
        for name, number in sizes.items():
            patches.enter_context(patch(name, number))
        yield


@contextmanager
def deployed(machine: Machine) -> Iterator[None]:
    """While it lasts, functions reach this machine."""
    world = machine.behind.world
    calendar, bus = Calendar(), Bus(machine.worker, world)

    def failed(member: MemberId, error: Exception) -> None:
        world.note(f"failed for {member}: {error!r}")
        # A member for whom it fails is passed by, whatever it is: only the network may be the reason here.
        if not isinstance(error, TryAgainError):
            world.violate(f"it failed for {member}: {error!r}")

    with ExitStack() as patches:
        patches.enter_context(patch.object(outlets, "machine", lambda: machine))
        patches.enter_context(patch.object(outlets, "schedules", lambda: calendar))
        patches.enter_context(patch.object(outlets, "bus", lambda: bus))
        patches.enter_context(patch.object(outlets, "named", str))
        patches.enter_context(patch.object(metrics, "count", lambda name, times=1: world.note(f"counts {name}")))
        patches.enter_context(patch.object(functions.bonuses.handler, "_failed", failed))
        yield


def _told(payload: Payload) -> str:
    if "source" in payload:
        return "tick"
    return " ".join(str(payload[name]) for name in ("task", "run", "shard", "members") if name in payload)
