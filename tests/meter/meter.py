"""The meter: listens at a client's wire, looks at the items before and after, and counts.

    with Meter(client, table="laurel-local") as meter:
        ...
    assert meter.round_trips == 2

Its own looks at the table go through the same client and are not counted. One caller at a time for each table: what
others write between its look and the request would be booked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest

from tests.engines.wire import operation_of, payload_of
from tests.meter.item_size import item_size
from tests.meter.reads import reads_of
from tests.meter.units import Index, Item, index_write_units, transactional_read_units, write_units
from tests.meter.writes import Write, writes_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BEFORE, _AFTER = "before-send.dynamodb", "response-received.dynamodb"
_REFUSED_BY_CONDITION = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})
_looking: ContextVar[bool] = ContextVar("looking", default=False)


class MeterError(Exception):
    """The meter cannot price a request: its operation is not one of those it knows."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One request that went out and what came of it. `error` is its code, "no answer", or None."""

    operation: str
    error: str | None
    write_units: int = 0
    index_write_units: int = 0
    read_units: float = 0
    largest_item: int = 0


@dataclass(frozen=True, slots=True)
class _Sent:
    operation: str
    payload: dict[str, Any]
    writes: list[Write]
    before: list[Item | None]


class Meter:
    """Counts what `client` asks of `table` while it is entered. Every attempt of the SDK's is a trip.

    A write refused by its condition is charged as if done, which is what AWS documents for single writes and the most a
    cancelled transaction can cost. A transaction repeated with its token is charged as AWS does: as a transactional read.
    """

    def __init__(self, client: DynamoDBClient, *, table: str) -> None:
        self._client = client
        self._table = table
        self._indexes: tuple[Index, ...] = ()
        self._sent: ContextVar[_Sent | None] = ContextVar("sent", default=None)
        self._tokens: set[str] = set()
        self.trips: list[Trip] = []

    def __enter__(self) -> Meter:
        with _unmetered():
            self._indexes = indexes_of(self._client.describe_table(TableName=self._table)["Table"])
        events = self._client.meta.events
        # First: the items must be seen before the transport, itself a handler of this event, answers.
        events.register_first(_BEFORE, self._before, unique_id=f"meter-before-{id(self)}")
        events.register(_AFTER, self._after, unique_id=f"meter-after-{id(self)}")
        return self

    def __exit__(self, *_: object) -> None:
        events = self._client.meta.events
        events.unregister(_BEFORE, unique_id=f"meter-before-{id(self)}")
        events.unregister(_AFTER, unique_id=f"meter-after-{id(self)}")

    @property
    def round_trips(self) -> int:
        """Requests sent, repeated attempts included."""
        return len(self.trips)

    @property
    def write_units(self) -> int:
        """Write units of the table, without its indexes."""
        return sum(trip.write_units for trip in self.trips)

    @property
    def index_write_units(self) -> int:
        """Write units of all indexes."""
        return sum(trip.index_write_units for trip in self.trips)

    @property
    def read_units(self) -> float:
        """Read units of the table and its indexes."""
        return sum(trip.read_units for trip in self.trips)

    @property
    def largest_item(self) -> int:
        """Bytes of the largest item that was written, 0 where none was."""
        return max((trip.largest_item for trip in self.trips), default=0)

    def _before(self, request: AWSPreparedRequest, **_: object) -> None:
        if _looking.get():
            return
        operation, payload = operation_of(request), payload_of(request)
        writes = writes_of(operation, payload, self._table)
        before = [self._look(write.key) for write in writes]
        self._sent.set(_Sent(operation, payload, writes, before))

    def _after(self, parsed_response: dict[str, Any] | None, **_: object) -> None:
        sent = self._sent.get()
        if _looking.get() or sent is None:
            return
        self._sent.set(None)
        error = "no answer" if parsed_response is None else parsed_response.get("Error", {}).get("Code")
        self.trips.append(self._priced_write(sent, error) if sent.writes else self._priced_read(sent, error, parsed_response))

    def _priced_write(self, sent: _Sent, error: str | None) -> Trip:
        after = [self._look(write.key) for write in sent.writes]
        token = sent.payload.get("ClientRequestToken")
        if error is None and token in self._tokens:
            return Trip(sent.operation, None, read_units=transactional_read_units(after))
        if error is None and token:
            self._tokens.add(token)
        if error in _REFUSED_BY_CONDITION:
            after = [write.item or old for write, old in zip(sent.writes, sent.before, strict=True)]
        elif error is not None and after == sent.before:
            return Trip(sent.operation, error)
        images = list(zip(sent.before, after, strict=True))
        transactional = sent.operation == "TransactWriteItems"
        done = error not in _REFUSED_BY_CONDITION
        return Trip(
            sent.operation,
            error,
            write_units=sum(write_units(old, new, transactional=transactional) for old, new in images),
            index_write_units=sum(index_write_units(i, old, new) for i in self._indexes for old, new in images) if done else 0,
            largest_item=max(item_size(new) for _, new in images if new) if done and any(after) else 0,
        )

    def _priced_read(self, sent: _Sent, error: str | None, answer: dict[str, Any] | None) -> Trip:
        price = reads_of(sent.operation)
        if price is None:
            raise MeterError(f"{sent.operation} has no price here: add it to tests/meter")
        if error is not None or answer is None:
            return Trip(sent.operation, error)
        with _unmetered():
            units = price(self._client, self._table, sent.payload, answer)
        return Trip(sent.operation, None, read_units=units)

    def _look(self, key: Item) -> Item | None:
        with _unmetered():
            found: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item: Item | None = found.get("Item")
        return item


@contextmanager
def _unmetered() -> Iterator[None]:
    token = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(token)


def indexes_of(description: Any) -> tuple[Index, ...]:
    """The table's secondary indexes, from its description."""
    described = [*description.get("GlobalSecondaryIndexes", []), *description.get("LocalSecondaryIndexes", [])]
    return tuple(
        Index(
            name=index["IndexName"],
            key=_names(index["KeySchema"]),
            table_key=_names(description["KeySchema"]),
            projected=(
                None
                if index["Projection"]["ProjectionType"] == "ALL"
                else frozenset(index["Projection"].get("NonKeyAttributes", ()))
            ),
        )
        for index in described
    )


def _names(keys: Any) -> tuple[str, ...]:
    return tuple(part["AttributeName"] for part in keys)
