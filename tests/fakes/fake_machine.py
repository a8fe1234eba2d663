"""The state machine of campaigns in process: starts each attempt of a run once, and works it off when asked to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Handler = Callable[[dict[str, Any]], dict[str, Any]]


class FakeMachine:
    """Implements shared.ports.Machine. `lists` are members by the key of their list; `batch` of them go to one call."""

    def __init__(self, handler: Handler, lists: dict[str, list[str]] | None = None, batch: int = 100) -> None:
        self.handler = handler
        self.lists = lists or {}
        self.batch = batch
        self.started: list[tuple[str, int]] = []
        self.waiting: list[tuple[str, Sequence[int], str | None]] = []

    def start(self, run: str, attempt: int, shards: Sequence[int], list_key: str | None) -> None:
        """Keep an execution, once for each attempt."""
        if (run, attempt) not in self.started:
            self.started.append((run, attempt))
            self.waiting.append((run, list(shards), list_key))

    def work(self) -> None:
        """Work off all that was started: each part until it is done, then the end."""
        while self.waiting:
            run, shards, list_key = self.waiting.pop(0)
            if list_key is None:
                parts = [{"task": "shard", "run": run, "shard": shard} for shard in shards]
            else:
                members = self.lists[list_key]
                batches = [members[at : at + self.batch] for at in range(0, len(members), self.batch)]
                parts = [{"task": "list", "run": run, "members": batch} for batch in batches]
            for part in [*parts, {"task": "finish", "run": run}]:
                answer = self.handler(part)
                while not answer["done"]:
                    answer = self.handler({**part, **answer})
