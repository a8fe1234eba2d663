"""The versions of the program on DynamoDB, cached per container for a stated time."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

from shared.adapters.dynamodb.items import Item, instant_of, to_wire
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import PROGRAM_PK, program_key
from shared.domain.calendar import instant_text
from shared.domain.errors import TryAgainError
from shared.domain.program import Program, ProgramVersion, parse_program

_ALL = attrgetter("version", "effective_from", "activated_at", "program", "reason", "activated_by")


class StoredVersion(ProgramVersion):
    """A version as it is stored: its document is parsed when it is asked for first, and remembered.

    A container holds every version there ever was, and hardly any order meets more than the last few.
    """

    _text: str

    def __init__(self, item: Item) -> None:
        told = {
            "version": int(item["version"]),
            "effective_from": instant_of(item["effective_from"]),
            "activated_at": instant_of(item["activated_at"]),
            "reason": item.get("reason"),
            "activated_by": item.get("activated_by"),
            "_text": item["document"],
        }
        for name, value in told.items():
            object.__setattr__(self, name, value)

    @cached_property
    def program(self) -> Program:
        """The parsed document."""
        return parse_program(json.loads(self._text))

    def __eq__(self, other: object) -> bool:
        return _ALL(self) == _ALL(other) if isinstance(other, ProgramVersion) else NotImplemented

    __hash__ = ProgramVersion.__hash__


@dataclass
class DynamoPrograms:
    """Programs over a `Store`. A read is trusted for `staleness_seconds` of `timer` (seconds).

    Versions are only ever added, so what was read once is read no more: a refresh asks for newer ones alone.
    """

    store: Store
    staleness_seconds: int
    timer: Callable[[], Any] = time.monotonic
    _known: tuple[ProgramVersion, ...] = field(default=(), init=False)
    _read_at: Any = field(default=None, init=False)

    def versions(self) -> Sequence[ProgramVersion]:
        """See ports.Programs. That there is no program yet is never remembered."""
        if self._known and self._read_at is not None and 0 <= self.timer() - self._read_at < self.staleness_seconds:
            return self._known
        return self.latest()

    def latest(self) -> Sequence[ProgramVersion]:
        """See ports.Programs."""
        read_at, known = self.timer(), self._known
        newest = known[-1].version if known else 0
        items = self.store.query(
            KeyConditionExpression="#pk = :pk AND #sk > :newest",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=to_wire({":pk": PROGRAM_PK, ":newest": program_key(newest)["sk"]}),
            ConsistentRead=True,
        )
        self._known, self._read_at = (*known, *(StoredVersion(item) for item in items)), read_at
        return self._known

    def add(self, version: ProgramVersion) -> None:
        """See ports.Programs."""
        self._read_at = None
        # No other operator activated this number meanwhile.
        result = self.store.transact([self.store.put(_item(version))])
        if result.outcome is not Outcome.DONE:
            raise TryAgainError


def _item(version: ProgramVersion) -> Item:
    told = {"reason": version.reason, "activated_by": version.activated_by}
    return {
        **program_key(version.version),
        "version": version.version,
        "effective_from": instant_text(version.effective_from),
        "activated_at": instant_text(version.activated_at),
        "document": version.program.model_dump_json(exclude_unset=True),
        **{name: value for name, value in told.items() if value is not None},
    }
