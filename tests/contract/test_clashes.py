"""What the ledger does when DynamoDB is slow, busy, unheard or refusing: MiniStack behind a wire with faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.store import ATTEMPTS_MAX, BACKOFF_MAX_SECONDS, Backoff, Store
from shared.domain.entry import purchase_key
from shared.domain.errors import EntryUnknownError, FaultError, TryAgainError
from tests.contract.ledgers import dynamo_place, earning, keys, never, patient, record, store_of
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.engines.wire import error, respond, set_transport
from tests.fakes import grocer
from tests.fakes.clients import StingyClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, purchase

WRITE, READ = "TransactWriteItems", "BatchGetItem"


@pytest.fixture
def slept() -> list[Any]:
    """The seconds that the ledger would have slept."""
    return []


@pytest.fixture
def ledger(ministack_engine: Engine, clock: FakeClock, slept: list[Any]) -> DynamoLedger:
    """The product's ledger with Ada's empty wallet."""
    store = store_of(ministack_engine, backoff=patient(slept))
    dynamo_place(store, clock).open(ADA, grocer.OPENED)
    return DynamoLedger(store, clock)


@pytest.fixture
def wire(ministack_engine: Engine, ledger: DynamoLedger) -> Iterator[FaultyWire]:
    """The wire between ledger and table, which breaks as told."""
    with faulty(ministack_engine) as wire:
        yield wire


def operations(wire: FaultyWire) -> list[str]:
    return [operation for operation, _ in wire.calls]


def test_a_purchase_is_one_read_and_one_write(ledger: DynamoLedger, wire: FaultyWire, slept: list[Any]) -> None:
    record(ledger, purchase())
    assert operations(wire) == [READ, WRITE]
    assert slept == []


def test_a_replay_is_one_read(ledger: DynamoLedger, wire: FaultyWire) -> None:
    record(ledger, purchase())
    wire.calls.clear()
    record(ledger, purchase())
    assert operations(wire) == [READ]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.CONFLICT,
        Fault.THROTTLED,
        Fault.THROTTLED_IN_TRANSACTION,
        Fault.SERVER_ERROR,
        Fault.IN_PROGRESS,
        Fault.REQUEST_LOST,
    ],
)
def test_a_write_that_did_not_happen_is_decided_again_and_happens_once(
    ledger: DynamoLedger, wire: FaultyWire, slept: list[Any], fault: Fault
) -> None:
    wire.next(WRITE, fault, fault)
    entry = record(ledger, purchase())
    assert operations(wire) == [READ, WRITE] * 3
    assert len(slept) == 2
    assert keys(ledger, ADA) == [entry.key]


@pytest.mark.parametrize("fault", [Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER])
def test_a_write_whose_answer_was_lost_is_found_and_gives_the_same_answer(
    ledger: DynamoLedger, wire: FaultyWire, clock: FakeClock, fault: Fault
) -> None:
    decided = []

    def decide(view: Any) -> Any:
        decided.append(view.wallet.sequence)
        clock.advance(seconds=2)
        return earning(purchase())(view)

    wire.next(WRITE, fault)
    entry = record(ledger, purchase(), decide)
    assert decided == [0]
    assert entry == ledger.entry(entry.key)
    assert entry.recorded_at == grocer.NOON
    assert keys(ledger, ADA) == [entry.key]


def test_a_batch_that_comes_back_in_parts_is_asked_for_the_rest(
    ledger: DynamoLedger, ministack_engine: Engine, clock: FakeClock, slept: list[Any]
) -> None:
    first = record(ledger, purchase())
    stingy = StingyClient(ministack_engine.client)
    poor = DynamoLedger(store_of(ministack_engine, stingy, patient(slept)), clock)
    assert record(poor, purchase(), never) == first
    assert stingy.batches == 2
    assert len(slept) == 1, "AWS asks for a pause before the rest is asked for"
    assert record(poor, purchase("order-2")).previous == first.key


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.SERVER_ERROR, Fault.REQUEST_LOST])
def test_a_read_that_fails_in_passing_asks_the_caller_to_try_again(
    ledger: DynamoLedger, wire: FaultyWire, fault: Fault
) -> None:
    wire.next(READ, fault)
    with pytest.raises(TryAgainError):
        record(ledger, purchase(), never)
    wire.next("GetItem", fault)
    with pytest.raises(TryAgainError):
        ledger.entry(purchase_key("order-1"))


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.THROTTLED, Fault.REQUEST_LOST])
def test_retries_are_bounded_in_number_and_in_time(
    ledger: DynamoLedger, wire: FaultyWire, slept: list[Any], fault: Fault
) -> None:
    wire.next(WRITE, *[fault] * ATTEMPTS_MAX)
    with pytest.raises(TryAgainError):
        record(ledger, purchase())
    assert operations(wire).count(WRITE) == ATTEMPTS_MAX
    assert len(slept) == ATTEMPTS_MAX - 1
    assert all(0 <= seconds <= BACKOFF_MAX_SECONDS for seconds in slept)
    assert len(set(slept)) == len(slept), "pauses without jitter collide again"
    with pytest.raises(EntryUnknownError):
        ledger.entry(purchase_key("order-1"))


def test_after_every_lost_answer_the_same_request_later_still_meets_the_first_entry(
    ledger: DynamoLedger, wire: FaultyWire, clock: FakeClock
) -> None:
    wire.next(WRITE, Fault.RESPONSE_LOST)
    wire.next(READ, None, Fault.REQUEST_LOST)
    with pytest.raises(TryAgainError):
        record(ledger, purchase())
    clock.advance(days=2)
    entry = record(ledger, purchase(), never)
    assert entry.recorded_at == grocer.NOON
    assert keys(ledger, ADA) == [entry.key]


REFUSALS = ["AccessDeniedException", "ValidationException", "ResourceNotFoundException", "UnrecognizedClientException"]


@pytest.mark.parametrize("code", REFUSALS)
def test_a_call_that_no_retry_mends_is_a_fault_at_once(
    ledger: DynamoLedger, ministack_engine: Engine, slept: list[Any], code: str
) -> None:
    calls = []

    def refuse(request: Any) -> Any:
        calls.append(request)
        return error(code, "arn:aws:dynamodb:us-east-1:123456789012:table/laurel")

    set_transport(ministack_engine.client, refuse)
    for ask in (
        lambda: record(ledger, purchase()),
        lambda: ledger.view(ADA),
        lambda: ledger.entry(purchase_key("order-1")),
    ):
        calls.clear()
        with pytest.raises(FaultError) as fault:
            ask()
        assert fault.value.code == code
        assert len(calls) == 1
    assert slept == []


def test_a_right_that_is_missing_for_the_write_alone_is_a_fault(ministack_engine: Engine, clock: FakeClock) -> None:
    class NoWrites:
        batch_get_item = staticmethod(ministack_engine.client.batch_get_item)

        def transact_write_items(self, **arguments: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, WRITE)

    dynamo_place(store_of(ministack_engine), clock).open(ADA, grocer.OPENED)
    ledger = DynamoLedger(store_of(ministack_engine, NoWrites()), clock)
    with pytest.raises(FaultError):
        record(ledger, purchase())


@pytest.mark.parametrize(("status", "body"), [(500, b""), (502, b"<html>"), (503, b"Service Unavailable"), (504, b"")])
def test_an_answer_of_a_broken_front_end_passes_and_is_no_fault(
    ledger: DynamoLedger, ministack_engine: Engine, status: int, body: bytes
) -> None:
    """The write may have happened; a fault would tell the caller that sending it again is of no use."""
    set_transport(ministack_engine.client, lambda request: respond(status, body))
    with pytest.raises(TryAgainError):
        ledger.view(ADA)
    with pytest.raises(TryAgainError):
        ledger.entry(purchase_key("order-1"))


def test_keys_that_never_come_back_end_in_try_again(slept: list[Any]) -> None:
    class Short:
        def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803
            return {"Responses": {}, "UnprocessedKeys": RequestItems}

    store = Store(Short(), "laurel", Backoff(sleep=slept.append))  # type: ignore[arg-type]
    with pytest.raises(TryAgainError):
        store.get_all([{"pk": "a", "sk": "b"}])
    assert len(slept) == ATTEMPTS_MAX - 1
