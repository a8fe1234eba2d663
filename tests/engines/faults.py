"""The faults DynamoDB has and no engine for tests raises by itself, put between a client and its engine.

    with faulty(engine) as wire:
        wire.next("TransactWriteItems", Fault.RESPONSE_LOST)
        ...  # the next TransactWriteItems is committed, and its caller's SDK sees a time-out

Not for moto: botocore asks moto as well, whatever else answered, so a lost request would still be written.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError

from tests.engines.engine import Engine
from tests.engines.wire import (
    Transport,
    answer,
    cancelled,
    clear_transport,
    error,
    given_transport,
    network_transport,
    operation_of,
    payload_of,
    respond,
    set_transport,
    with_payload,
)

_SINGLE_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_TRANSACTIONS = frozenset({"TransactWriteItems", "TransactGetItems"})
_EVERY = None


class Fault(Enum):
    """What may happen to one request. The caller cannot tell REQUEST_LOST from RESPONSE_LOST, as in life."""

    REQUEST_LOST = "request lost"
    RESPONSE_LOST = "response lost"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    THROTTLED_IN_TRANSACTION = "throttled in transaction"
    SERVER_ERROR = "server error, nothing done"
    SERVER_ERROR_AFTER = "server error, all done"
    # An answer of the front end, not of DynamoDB: a status and a body that is no JSON; perhaps all was done.
    FRONT_END_DOWN = "front end down"
    IN_PROGRESS = "transaction in progress"
    UNPROCESSED = "unprocessed keys"


_ONLY_FOR: dict[Fault, frozenset[str] | None] = {
    Fault.REQUEST_LOST: _EVERY,
    Fault.RESPONSE_LOST: _EVERY,
    # Reads of single items and batches never conflict: DynamoDB serves the last committed version.
    Fault.CONFLICT: _SINGLE_WRITES | _TRANSACTIONS,
    Fault.THROTTLED: _EVERY,
    Fault.THROTTLED_IN_TRANSACTION: _TRANSACTIONS,
    Fault.SERVER_ERROR: _EVERY,
    Fault.SERVER_ERROR_AFTER: _EVERY,
    Fault.FRONT_END_DOWN: _EVERY,
    Fault.IN_PROGRESS: frozenset({"TransactWriteItems"}),
    Fault.UNPROCESSED: frozenset({"BatchGetItem"}),
}


def can_happen(fault: Fault, operation: str) -> bool:
    """Whether DynamoDB may answer `operation` with `fault`."""
    only_for = _ONLY_FOR[fault]
    return only_for is _EVERY or operation in only_for


def suffer(fault: Fault, request: AWSPreparedRequest, send: Transport, chance: random.Random) -> AWSResponse | None:
    """Give `request` this fate; `send` is the engine's transport, `chance` picks which part of it is hit.

    Raises ReadTimeoutError where the caller hears nothing.
    """
    if fault in (Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER):
        send(request)
    if fault in (Fault.REQUEST_LOST, Fault.RESPONSE_LOST):
        raise ReadTimeoutError(endpoint_url=request.url)
    if fault is Fault.FRONT_END_DOWN:
        if chance.random() < 0.5:
            send(request)
        return respond(*chance.choice(_FRONT_END_ANSWERS), url=request.url)
    if fault is Fault.UNPROCESSED:
        return _leave_some_unprocessed(request, send, chance)
    if fault is Fault.THROTTLED_IN_TRANSACTION:
        return cancelled(_blame(chance.choice(("ThrottlingError", "ProvisionedThroughputExceeded")), request, chance))
    if fault is Fault.CONFLICT and operation_of(request) in _TRANSACTIONS:
        return cancelled(_blame("TransactionConflict", request, chance))
    code, message, status = chance.choice(_ERRORS[fault])
    return error(code, message, status=status)


_BUSY = "Throughput exceeds the current capacity of your table or index"
_FRONT_END_ANSWERS = ((500, b""), (502, b"<html>Bad Gateway</html>"), (503, b"slow down"), (504, b""))
_SERVER_ERROR = ("InternalServerError", "Internal server error", 500)
_ERRORS = {
    Fault.CONFLICT: (("TransactionConflictException", "Transaction is ongoing for the item", 400),),
    Fault.THROTTLED: (("ProvisionedThroughputExceededException", _BUSY, 400), ("ThrottlingException", _BUSY, 400)),
    Fault.SERVER_ERROR: (_SERVER_ERROR,),
    Fault.SERVER_ERROR_AFTER: (_SERVER_ERROR,),
    Fault.IN_PROGRESS: (("TransactionInProgressException", "A transaction with this token is in progress", 400),),
}


def _blame(code: str, request: AWSPreparedRequest, chance: random.Random) -> list[str]:
    """One reason for each write of the transaction: `code` for some of them, at least one."""
    count = len(payload_of(request)["TransactItems"])
    blamed = set(chance.sample(range(count), chance.randint(1, count)))
    return [code if index in blamed else "None" for index in range(count)]


def _leave_some_unprocessed(request: AWSPreparedRequest, send: Transport, chance: random.Random) -> AWSResponse | None:
    """Read some of the keys, in the order asked, and hand the others back; with none read it is a throttle."""
    payload = payload_of(request)
    keys = [(table, key) for table, wanted in payload["RequestItems"].items() for key in wanted["Keys"]]
    left = set(chance.sample(range(len(keys)), chance.randint(1, len(keys))))
    if len(left) == len(keys):
        return error("ProvisionedThroughputExceededException", "No key of the batch could be read")
    read: dict[str, Any] = {}
    unread: dict[str, Any] = {}
    for table, wanted in payload["RequestItems"].items():
        for target, chosen in ((read, False), (unread, True)):
            part = [key for n, (of, key) in enumerate(keys) if of == table and (n in left) is chosen]
            if part:
                target[table] = wanted | {"Keys": part}
    response = send(with_payload(request, payload | {"RequestItems": read}))
    if response is None or response.status_code != 200:
        return response
    found = json.loads(response.content)
    return answer(found | {"UnprocessedKeys": unread})


class FaultyWire:
    """The faults still to come, by operation, and the calls that passed: `calls` lists (operation, fault or None)."""

    def __init__(self, send: Transport, chance: random.Random) -> None:
        self._send = send
        self._chance = chance
        self._coming: dict[str, deque[Fault | None]] = defaultdict(deque)
        self.calls: list[tuple[str, Fault | None]] = []

    def next(self, operation: str, *faults: Fault | None) -> None:
        """Queue fates for the next calls of `operation`, the SDK's own retries included; None lets one pass."""
        for fault in faults:
            if fault is not None and not can_happen(fault, operation):
                raise ValueError(f"{operation} never meets {fault.value}")
        self._coming[operation].extend(faults)

    def send(self, request: AWSPreparedRequest) -> AWSResponse | None:
        """The transport: the queued fate if there is one, else the engine."""
        operation = operation_of(request)
        coming = self._coming[operation]
        fault = coming.popleft() if coming else None
        self.calls.append((operation, fault))
        return self._send(request) if fault is None else suffer(fault, request, self._send, self._chance)

    @property
    def unspent(self) -> dict[str, list[Fault | None]]:
        """Queued fates no call has met: a test that planned them did not test them."""
        return {operation: list(faults) for operation, faults in self._coming.items() if faults}


@contextmanager
def faulty(engine: Engine, *, seed: int = 0) -> Iterator[FaultyWire]:
    """Put a wire with faults between the engine's client and its table, and take it out again.

    Raises AssertionError at the end where a planned fault was never met.
    """
    if engine.name == "moto":
        raise ValueError("moto answers beside any other transport: inject faults on MiniStack or DynamoDB Local")
    client, before = engine.client, given_transport(engine.client)
    wire = FaultyWire(before or network_transport(client), random.Random(seed))
    set_transport(client, wire.send)
    try:
        yield wire
    finally:
        clear_transport(client)
        if before is not None:
            set_transport(client, before)
    assert not wire.unspent, f"planned faults that no call met: {wire.unspent}"
