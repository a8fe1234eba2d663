"""The outbox on the engines: one sender for each message, whatever answer is lost and whoever comes at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.adapters.dynamodb.outbox import DynamoOutbox, message_item, message_of
from shared.adapters.dynamodb.store import ATTEMPTS_MAX, Store
from shared.adapters.dynamodb.table import event_of_message, message_key
from shared.domain.errors import FaultError, TryAgainError
from shared.domain.message import Message, MessageState
from tests.contract.ledgers import store_of
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes.clients import InterruptedClient
from tests.fakes.grocer import ADA, NOON

SENDING = Message(
    event="grant:back:2026-01-01:ada/WeMissYou",
    type="WeMissYou",
    member=ADA,
    state=MessageState.SENDING,
    at=NOON,
    template="miss",
)
SENT = replace(SENDING, state=MessageState.SENT, told="mail-1")
PUT_BACK = replace(SENDING, state=MessageState.PUT_BACK, told="TooManyRequestsException")
DECLINED = replace(SENDING, state=MessageState.DECLINED, template=None, told="no_consent")
WRITE = "TransactWriteItems"


@pytest.fixture
def outbox(store: Store) -> DynamoOutbox:
    """An empty outbox on each engine in turn."""
    return DynamoOutbox(store)


@pytest.fixture
def wire(ministack_engine: Engine) -> Iterator[FaultyWire]:
    """Between the product and its engine."""
    with faulty(ministack_engine) as found:
        yield found


def test_a_message_comes_back_as_it_was() -> None:
    for message in (SENDING, SENT, DECLINED):
        assert message_of(message_item(message)) == message
    assert event_of_message(dict(message_key("a:b/C"))) == "a:b/C"


def test_who_begins_a_message_first_sends_it_and_nobody_else(outbox: DynamoOutbox) -> None:
    assert outbox.find(SENDING.event) is None
    assert outbox.begin(SENDING)
    assert not outbox.begin(SENDING)
    outbox.end(SENT)
    assert not outbox.begin(SENDING)
    assert outbox.find(SENDING.event) == SENT


def test_messages_of_other_events_are_other_messages(outbox: DynamoOutbox) -> None:
    other = replace(SENDING, event="grant:back:2026-01-01:ada/BonusGranted")
    assert outbox.begin(SENDING)
    assert outbox.begin(other)


def test_what_was_put_back_can_be_begun_once_more(outbox: DynamoOutbox) -> None:
    assert outbox.begin(SENDING)
    outbox.end(PUT_BACK)
    assert outbox.begin(SENDING)
    assert not outbox.begin(SENDING)
    outbox.end(SENT)
    assert outbox.find(SENDING.event) == SENT


def test_what_is_declined_is_never_begun_and_what_was_begun_never_declined(outbox: DynamoOutbox) -> None:
    outbox.decline(DECLINED)
    assert not outbox.begin(SENDING)
    other = replace(SENDING, event="another")
    assert outbox.begin(other)
    outbox.decline(replace(DECLINED, event="another"))
    assert outbox.find("another") == other


def test_what_was_put_back_may_be_declined_after_all(outbox: DynamoOutbox) -> None:
    outbox.begin(SENDING)
    outbox.end(PUT_BACK)
    outbox.decline(DECLINED)
    found = outbox.find(SENDING.event)
    assert found is not None
    assert (found.state, found.told) == (MessageState.DECLINED, "no_consent")
    assert not outbox.begin(SENDING)


def test_nobody_ends_what_was_not_begun(outbox: DynamoOutbox) -> None:
    outbox.decline(DECLINED)
    with pytest.raises(FaultError):
        outbox.end(SENT)


def test_of_many_who_begin_at_once_one_sends(ministack_engine: Engine) -> None:
    outbox = DynamoOutbox(store_of(ministack_engine))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: outbox.begin(SENDING), range(24))) == 1


@pytest.mark.parametrize("write", [1, 2])
def test_of_two_who_take_up_what_was_put_back_one_sends(write: int, ministack_engine: Engine) -> None:
    first = DynamoOutbox(store_of(ministack_engine))
    first.begin(SENDING)
    first.end(PUT_BACK)
    begun: list[bool] = []

    def overtake() -> None:
        begun.append(first.begin(SENDING))

    def wait() -> None:
        client._happens = overtake

    # The other one comes before the first write, or between the second read and the second write.
    client = InterruptedClient(ministack_engine.client, overtake if write == 1 else wait)
    second = DynamoOutbox(store_of(ministack_engine, client))
    assert [second.begin(SENDING), *begun] == [False, True]


@pytest.mark.parametrize("fault", [Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER, Fault.REQUEST_LOST, Fault.CONFLICT])
def test_a_lost_answer_is_not_taken_for_somebody_elses_message(
    fault: Fault, wire: FaultyWire, ministack_engine: Engine
) -> None:
    outbox = DynamoOutbox(store_of(ministack_engine))
    wire.next(WRITE, fault)
    assert outbox.begin(SENDING)
    wire.next(WRITE, fault)
    outbox.end(PUT_BACK)
    wire.next(WRITE, fault)
    assert outbox.begin(SENDING)
    wire.next(WRITE, fault)
    outbox.end(SENT)
    assert outbox.find(SENDING.event) == SENT


def test_a_table_that_stays_busy_is_told(wire: FaultyWire, ministack_engine: Engine) -> None:
    outbox = DynamoOutbox(store_of(ministack_engine))
    for _ in range(ATTEMPTS_MAX):
        wire.next(WRITE, Fault.THROTTLED)
    with pytest.raises(TryAgainError):
        outbox.begin(SENDING)
