"""A world: tasks that take turns in virtual time, all chance drawn from one seed.

Tasks are greenlets. A task runs until it waits, and waits only here; so between two waits it is alone, the order of
turns is the order of virtual time, and the same seed gives the same world to the last line of its trace.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEPS_MAX = 50_000
_LATENCY_MICROSECONDS = (200, 20_000)
_MICROSECONDS = 1_000_000


class WorldError(Exception):
    """The simulation itself went wrong: a task never ends, or one is used from outside its world."""


class Ambient(Protocol):
    """State that code under test keeps in its process, where life has a process for each task."""

    def save(self) -> Any:
        """What it is now, for the task that is about to wait."""

    def restore(self, saved: Any) -> None:
        """Put it back for the task that goes on."""


@dataclass(eq=False, slots=True)
class Task:
    """One thread of the world. A killed task never goes on: no handler, no `finally`, as when a machine dies."""

    name: str
    greenlet: greenlet
    on_death: Callable[[], None] | None = None
    turn: int = -1
    killed: bool = False
    knows: dict[Any, Any] = field(default_factory=dict)
    """What a witness noted of what the task has read."""


@dataclass(eq=False, slots=True)
class Signal:
    """Something tasks can wait for; once given, it stays given."""

    given: bool = False
    waiting: list[Task] = field(default_factory=list)


class World:
    """Virtual time in microseconds from START, a queue of turns, a trace. Make one, spawn tasks, `run`, `close`.

    `written_at` is when each item was written first, by its key, for those that were not there when the world began;
    `spent_most` the most that was ever given of each budget.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.trace: list[str] = []
        self.violations: list[str] = []
        self.ambients: list[Ambient] = []
        self.written_at: dict[tuple[str, str], datetime] = {}
        self.spent_most: dict[str, int] = {}
        self.closed = False
        self.current: Task | None = None
        self._microseconds = 0
        self._turns: list[tuple[int, int, Task]] = []
        self._numbers = itertools.count()
        self._tasks: list[Task] = []
        self._hub = getcurrent()

    def now(self) -> datetime:
        """Virtual time, aware UTC."""
        return START + timedelta(microseconds=self._microseconds)

    @property
    def elapsed_microseconds(self) -> int:
        """Virtual time since the world began."""
        return self._microseconds

    def spawn(self, name: str, work: Callable[[], None], *, after_seconds: float = 0) -> Task:
        """A new task that begins after `after_seconds`."""
        task = Task(name, greenlet(work, parent=self._hub))
        self._tasks.append(task)
        self._schedule(task, after_seconds)
        return task

    def pause(self) -> None:
        """Let others go first: a network's latency of 0.2 to 20 milliseconds."""
        self._wait(self.chance.randint(*_LATENCY_MICROSECONDS))

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the current task."""
        self._wait(max(0, round(seconds * _MICROSECONDS)))

    def wait(self, signal: Signal, *, seconds: float) -> bool:
        """Wait for `signal`, at most `seconds`; gives whether it came."""
        if not signal.given:
            signal.waiting.append(self._running())
            self.sleep(seconds)
        return signal.given

    def give(self, signal: Signal) -> None:
        """Give a signal: all who wait for it get a turn now."""
        signal.given = True
        for task in signal.waiting:
            self._schedule(task, 0)
        signal.waiting.clear()

    def die(self) -> None:
        """Kill the current task where it stands. Does not return."""
        task = self._running()
        task.killed = True
        task.turn = -1
        if task.on_death is not None:
            task.on_death()
        self._hub.switch()
        raise GreenletExit

    def note(self, line: str) -> None:
        """Add a line to the trace, with virtual time and task."""
        name = self.current.name if self.current else "world"
        self.trace.append(f"{self._microseconds:>13} {name:<14} {line}")

    def violate(self, what: str) -> None:
        """Record a broken promise."""
        self.note(f"VIOLATION {what}")
        self.violations.append(what)

    def digest(self) -> str:
        """A hash of the whole trace: equal for equal worlds, in every process and version of Python."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def run(self) -> None:
        """Give turns until every task has ended or was killed. Raises WorldError where that takes too long."""
        for _ in range(STEPS_MAX):
            task = self._next()
            if task is None:
                return
            self.current = task
            try:
                task.greenlet.switch()
            finally:
                self.current = None
        raise WorldError(f"seed {self.seed}: still running after {STEPS_MAX} turns; a task waits for ever")

    def close(self) -> None:
        """Unwind the killed tasks now, while nothing they do can reach anything, instead of at some later collection."""
        self.closed = True
        for task in self._tasks:
            if not task.greenlet.dead:
                task.greenlet.throw(GreenletExit)
                if not task.greenlet.dead:
                    raise WorldError(f"seed {self.seed}: {task.name} goes on after its end")
        self._tasks.clear()

    def _next(self) -> Task | None:
        while self._turns:
            at, turn, task = heapq.heappop(self._turns)
            if task.turn == turn:
                self._microseconds = max(self._microseconds, at)
                return task
        return None

    def _schedule(self, task: Task, seconds: float) -> None:
        task.turn = next(self._numbers)
        heapq.heappush(self._turns, (self._microseconds + round(seconds * _MICROSECONDS), task.turn, task))

    def _wait(self, microseconds: int) -> None:
        if self.closed:
            raise GreenletExit
        task = self._running()
        saved = [ambient.save() for ambient in self.ambients]
        task.turn = next(self._numbers)
        heapq.heappush(self._turns, (self._microseconds + microseconds, task.turn, task))
        self._hub.switch()
        for ambient, state in zip(self.ambients, saved, strict=True):
            ambient.restore(state)

    def _running(self) -> Task:
        if self.closed:
            raise GreenletExit
        if self.current is None:
            raise WorldError("only a task of the world can wait: spawn one")
        return self.current
