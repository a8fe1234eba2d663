"""The versions of the program on DynamoDB, cached per container for a stated time."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.adapters.dynamodb.items import Item, instant_of, to_wire
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import PROGRAM_PK, program_key
from shared.domain.calendar import instant_text
from shared.domain.errors import TryAgainError
from shared.domain.program import ProgramVersion, parse_program


@dataclass
class DynamoPrograms:
    """Programs over a `Store`. A read is trusted for `staleness_seconds` of `timer` (seconds)."""

    store: Store
    staleness_seconds: int
    timer: Callable[[], Any] = time.monotonic
    _cached: tuple[ProgramVersion, ...] = field(default=(), init=False)
    _read_at: Any = field(default=0, init=False)

    def versions(self) -> Sequence[ProgramVersion]:
        """See ports.Programs. That there is no program yet is never remembered."""
        if self._cached and 0 <= self.timer() - self._read_at < self.staleness_seconds:
            return self._cached
        return self.latest()

    def latest(self) -> Sequence[ProgramVersion]:
        """See ports.Programs."""
        read_at = self.timer()
        items = self.store.query(
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues=to_wire({":pk": PROGRAM_PK}),
            ConsistentRead=True,
        )
        self._cached, self._read_at = tuple(_version_of(item) for item in items), read_at
        return self._cached

    def add(self, version: ProgramVersion) -> None:
        """See ports.Programs."""
        # No other operator activated this number meanwhile.
        result = self.store.transact([self.store.put(_item(version))])
        if result.outcome is not Outcome.DONE:
            raise TryAgainError
        self._cached = ()


def _item(version: ProgramVersion) -> Item:
    return {
        **program_key(version.version),
        "version": version.version,
        "effective_from": instant_text(version.effective_from),
        "activated_at": instant_text(version.activated_at),
        "document": version.program.model_dump_json(exclude_unset=True),
    }


def _version_of(item: Item) -> ProgramVersion:
    return ProgramVersion(
        version=int(item["version"]),
        effective_from=instant_of(item["effective_from"]),
        activated_at=instant_of(item["activated_at"]),
        program=parse_program(json.loads(item["document"])),
    )
