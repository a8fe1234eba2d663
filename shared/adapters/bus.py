"""The event bus on EventBridge: in batches, each answer read entry by entry."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.adapters.dynamodb.store import aws_errors
from shared.domain.errors import TryAgainError
from shared.ports import BusEvent

SOURCE = "laurel"
BATCH_MAX = 10
"""Events that one PutEvents takes."""
BATCH_BYTES_MAX = 256_000
"""Bytes that they may have together: the quota is 256 KiB with what stands around them."""
ATTEMPTS_MAX = 3
"""How often an event is sent before the caller is told."""
PAUSE_SECONDS = 0.2
"""The longest pause before the second attempt; twice as long before each later one."""


@dataclass(frozen=True)
class EventBridgeBus:
    """A bus by its name. `client` is EventBridge's."""

    client: Any
    name: str
    sleep: Callable[[Any], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def publish(self, events: Sequence[BusEvent]) -> list[int]:
        """See ports.Bus."""
        entries = [self._entry(event) for event in events]
        left = list(range(len(entries)))
        for attempt in range(ATTEMPTS_MAX):
            if not left:
                break
            if attempt:
                self.sleep(self.rng.uniform(0, PAUSE_SECONDS * 2**attempt))
            left = [position for batch in _batches(left, entries) for position in self._not_taken(batch, entries)]
        return left

    def _entry(self, event: BusEvent) -> dict[str, str]:
        detail = json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False)
        return {"Source": SOURCE, "DetailType": event.type, "Detail": detail, "EventBusName": self.name}

    def _not_taken(self, batch: Sequence[int], entries: Sequence[dict[str, str]]) -> list[int]:
        """Those of a batch that the bus did not take. Raises FaultError."""
        try:
            with aws_errors():
                answer = self.client.put_events(Entries=[entries[position] for position in batch])
        except TryAgainError:
            return list(batch)
        if not answer["FailedEntryCount"]:
            return []
        # Each answer stands where its event stood.
        return [position for position, told in zip(batch, answer["Entries"], strict=True) if "ErrorCode" in told]


def _batches(left: Sequence[int], entries: Sequence[dict[str, str]]) -> Iterator[list[int]]:
    """Positions in order, as many as one call takes at a time."""
    batch: list[int] = []
    size = 0
    for position in left:
        mine = sum(len(text.encode()) for text in entries[position].values())
        if batch and (len(batch) == BATCH_MAX or size + mine > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(position)
        size += mine
    if batch:
        yield batch
