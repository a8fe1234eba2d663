"""The state machine on a bad day: what it delivers comes twice, in any order, to many workers at once; all may be killed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.domain.entry import EntryKind
from tests.contract.campaigner import Context
from tests.fakes.memory_ledger import MemoryLedger, Write

Work = dict[str, Any]
Handle = Callable[[Work, Context], Work]


class Killed(BaseException):
    """The worker's process is gone: nothing of it runs on, and nobody hears of it."""


@dataclass
class StormyMachine:
    """Implements shared.ports.Machine. Each payload is delivered `times` times, at once with all others to so many `workers`.

    A worker has time for `pages` and is then asked again. As the real one: an attempt of a run is one execution, however often
    it is started. `executions` are those that were started, `calls` how often the function was called.
    """

    handle: Handle
    seed: int = 0
    times: int = 2
    workers: int = 8
    pages: int = 1
    executions: list[tuple[str, int]] = field(default_factory=list)
    calls: int = 0
    _waiting: list[list[Work]] = field(default_factory=list)

    def start(self, run: str, attempt: int, shards: Sequence[int], list_key: str | None) -> None:
        """See shared.ports.Machine."""
        if (run, attempt) not in self.executions:
            self.executions.append((run, attempt))
            self._waiting.append([{"task": "shard", "run": run, "shard": shard} for shard in shards])

    def work(self) -> None:
        """Work off all executions, those that are started meanwhile too. Raises Killed, and then nothing waits any more."""
        while self._waiting:
            executions, self._waiting = self._waiting, []
            works = [work for execution in executions for work in execution * self.times]
            random.Random(self.seed + self.calls).shuffle(works)
            self._deliver(works)
            runs = dict.fromkeys(execution[0]["run"] for execution in executions)
            self._deliver([{"task": "finish", "run": run} for run in runs] * self.times)

    def _deliver(self, works: list[Work]) -> None:
        with ThreadPoolExecutor(self.workers) as pool:
            killed = [end for end in pool.map(self._until_done, works) if isinstance(end, Killed)]
        if killed:
            raise killed[0]

    def _until_done(self, work: Work) -> Killed | None:
        try:
            while True:
                self.calls += 1
                # The end of a draw begins anew with each call, and passes those who have won: it needs time for them all.
                answer = self.handle(work, Context(self.pages) if work["task"] == "shard" else Context())
                if answer["done"]:
                    return None
                work = {**work, **answer}
        except Killed as killed:
            return killed


class MortalLedger(MemoryLedger):
    """A ledger in memory whose callers all die right after it posted the bonus that is the `last`: they never hear of it."""

    last: int | None = None
    given_so_far: int = 0

    def transact(self, writes: list[Write]) -> bool:
        """As the ledger's."""
        with self.lock:
            if self.last is not None and self.given_so_far >= self.last:
                raise Killed
            done = super().transact(writes)
            if done:
                self.given_so_far += sum(write.shelf is self.posted and _is_grant(write) for write in writes)
            if self.last is not None and self.given_so_far >= self.last:
                raise Killed
            return done


def _is_grant(write: Write) -> bool:
    return str(write.place).startswith(f"{EntryKind.GRANT}:")


@contextmanager
def impatient_threads() -> Iterator[None]:
    """Threads take turns more often than usual, so that whatever can come between two steps does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(2e-4)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
