"""How often redemptions and refunds go to the table, and what they do when DynamoDB is slow, busy or unheard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.dynamodb.ledger import RECALL_PAGE, DynamoLedger
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, cancel_key, use_key
from shared.domain.errors import PointsShortError, SoldOutError, TryAgainError, VoucherCancelledError, VoucherUsedError
from shared.domain.subject import Use
from shared.domain.voucher import use
from tests.contract.counter import Counter
from tests.contract.ledgers import dynamo_place, store_of
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient, LaggingClient, TornClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA

WRITE, READ, QUERY, GET = "TransactWriteItems", "BatchGetItem", "Query", "GetItem"
UNHEARD = [Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER]
UNDONE = [Fault.REQUEST_LOST, Fault.CONFLICT, Fault.THROTTLED, Fault.THROTTLED_IN_TRANSACTION, Fault.SERVER_ERROR]


@pytest.fixture
def counter(ministack_engine: Engine, clock: FakeClock) -> Iterator[Counter]:
    """A counter with mugs for 50 points and with Ada, who has 120, on MiniStack; her books balance at the end."""
    counter = Counter(dynamo_place(store_of(ministack_engine), clock))
    counter.place.open(ADA, grocer.OPENED)
    counter.offer(stock=5, lapse_days=7)
    counter.earn("order-1", 120)
    yield counter
    assert counter.breaks(ADA) == []


@pytest.fixture
def wire(ministack_engine: Engine, counter: Counter) -> Iterator[FaultyWire]:
    """The wire between counter and table, which breaks as told."""
    with faulty(ministack_engine) as wire:
        yield wire


def trips(wire: FaultyWire) -> list[str]:
    """The calls since the last look."""
    made = [operation for operation, _ in wire.calls]
    wire.calls.clear()
    return made


# ---- round trips


def test_a_redemption_and_its_replay(counter: Counter, wire: FaultyWire) -> None:
    counter.redeem()
    assert trips(wire) == [READ, WRITE]
    counter.redeem()
    assert trips(wire) == [READ]


def test_a_redemption_costs_the_same_whatever_the_number_of_lots(counter: Counter, wire: FaultyWire) -> None:
    counter.offer(price={"points": 140}, stock=5)
    for number in range(40):
        counter.earn(f"small-{number}", 1, occurred_at=grocer.NOON.replace(day=1, hour=number % 24))
    trips(wire)
    counter.redeem()
    assert trips(wire) == [READ, WRITE]


def test_a_redemption_after_a_lapse_that_nobody_booked_reads_the_entries_since(
    counter: Counter, wire: FaultyWire, clock: FakeClock
) -> None:
    counter.redeem()
    clock.advance(days=7)
    trips(wire)
    again = counter.redeem("two")
    assert again.lapsed == (2,)
    assert trips(wire) == [READ, QUERY, WRITE]
    counter.redeem("three")
    assert trips(wire) == [READ, WRITE]


def test_an_order_after_a_lapse_that_nobody_booked_reads_the_entries_since(
    counter: Counter, wire: FaultyWire, clock: FakeClock
) -> None:
    counter.redeem()
    clock.advance(days=7)
    trips(wire)
    counter.earn("order-2", 5)
    assert trips(wire) == [READ, QUERY, WRITE]


def test_a_refusal_is_kept_by_one_write_and_told_again_by_one_read(counter: Counter, wire: FaultyWire) -> None:
    counter.offer(price={"points": 121}, stock=5)
    trips(wire)
    for expected in ([READ, WRITE], [READ]):
        with pytest.raises(PointsShortError):
            counter.redeem()
        assert trips(wire) == expected


def test_a_cancellation_reads_the_entries_since_the_redemption(counter: Counter, wire: FaultyWire) -> None:
    redeemed = counter.redeem()
    trips(wire)
    counter.cancel(redeemed)
    assert trips(wire) == [READ, QUERY, WRITE]


def test_a_refund_is_order_wallet_entries_since_and_transaction(counter: Counter, wire: FaultyWire) -> None:
    for number in range(2, 30):
        counter.earn(f"order-{number}", 1)
    counter.redeem()
    trips(wire)
    counter.refund("order-1", amount=100)
    assert trips(wire) == [QUERY, READ, QUERY, WRITE]
    counter.refund("order-1", "r2", amount=100)
    assert trips(wire) == [QUERY, READ, QUERY, WRITE]


def test_a_refund_told_again_is_one_read(counter: Counter, wire: FaultyWire) -> None:
    counter.refund("order-1")
    trips(wire)
    counter.refund("order-1")
    assert trips(wire) == [QUERY]


def test_a_refund_of_an_order_that_points_and_a_card_paid_costs_no_more_trips(counter: Counter, wire: FaultyWire) -> None:
    counter.use(counter.redeem(), "order-1", 500)
    counter.pay_with(counter.sell_card(2000), "order-1", 700)
    trips(wire)
    assert len(counter.refund("order-1").subject.returned) == 2  # type: ignore[union-attr]
    assert trips(wire) == [QUERY, READ, QUERY, WRITE]


def test_a_refund_of_an_order_pages_back_reads_page_by_page(
    counter: Counter, wire: FaultyWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RECALL_PAGE == 200
    monkeypatch.setattr("shared.adapters.dynamodb.ledger.RECALL_PAGE", 4)
    for number in range(2, 10):
        counter.earn(f"order-{number}", 1)
    trips(wire)
    counter.refund("order-1")
    assert trips(wire) == [QUERY, READ, QUERY, QUERY, QUERY, WRITE]


# ---- an index that lags


def test_a_refund_folds_what_the_index_does_not_show_yet(counter: Counter, ministack_engine: Engine, clock: FakeClock) -> None:
    redeemed = counter.redeem()
    counter.earn("order-2", 30)
    for hidden in ({1, 2, 3}, {3}, {2}):
        client = LaggingClient(ministack_engine.client, hidden)
        blind = counter.over(DynamoLedger(store_of(ministack_engine, client), clock))
        blind.refund("order-1", f"r{len(hidden)}{min(hidden)}", amount=1000)
    assert counter.told() == (70, 0)
    client = LaggingClient(ministack_engine.client, set(range(1, 9)))
    counter.over(DynamoLedger(store_of(ministack_engine, client), clock)).cancel(redeemed)
    assert counter.told() == (120, 0)


# ---- faults


def redeem(counter: Counter) -> Entry:
    return counter.redeem()


def refund(counter: Counter) -> Entry:
    return counter.refund("order-1", amount=500)


ACTS = [redeem, refund]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_what_was_asked_for_happens_once_and_is_told(counter: Counter, wire: FaultyWire, fault: Fault, act: Any) -> None:
    wire.next(WRITE, fault)
    entry = act(counter)
    assert counter.ledger.entry(entry.key) == entry
    assert act(counter) == entry
    assert len(counter.entries()) == 2
    assert counter.left() == (4 if act is redeem else 5)


@pytest.mark.parametrize("act", ACTS)
def test_after_every_answer_was_lost_the_same_request_later_meets_what_happened(
    counter: Counter, wire: FaultyWire, act: Any
) -> None:
    wire.next(WRITE, Fault.RESPONSE_LOST)
    # A refund queries the order and then the entries since, before it writes.
    before_the_write = [None, None] if act is refund else [None]
    wire.next(QUERY if act is refund else READ, *before_the_write, Fault.REQUEST_LOST)
    with pytest.raises(TryAgainError):
        act(counter)
    entry = act(counter)
    assert (entry.sequence, len(counter.entries())) == (2, 2)


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_refusal_is_kept_once_and_told_whatever_happens_to_its_write(
    counter: Counter, wire: FaultyWire, fault: Fault
) -> None:
    counter.offer(price={"points": 121}, stock=5)
    wire.next(WRITE, fault)
    with pytest.raises(PointsShortError):
        counter.redeem()
    counter.earn("order-2", 500)
    with pytest.raises(PointsShortError):
        counter.redeem()
    assert counter.told() == (620, 0)


def test_a_history_that_could_not_be_read_is_read_again(counter: Counter, wire: FaultyWire) -> None:
    wire.next(QUERY, None, Fault.THROTTLED, None, Fault.REQUEST_LOST)
    refund(counter)
    assert trips(wire) == [QUERY, READ, QUERY] * 3 + [WRITE]


# ---- zombies: stalled right before the transaction


def stalled(counter: Counter, engine: Engine, clock: FakeClock, happens: Any) -> Counter:
    """A counter whose next transaction comes after `happens`."""
    return counter.over(DynamoLedger(store_of(engine, InterruptedClient(engine.client, happens)), clock))


def test_a_zombie_that_wakes_at_its_transaction_never_debits_once_it_was_refused(
    counter: Counter, ministack_engine: Engine, clock: FakeClock
) -> None:
    """It read 120 points and has decided; meanwhile they are spent, its retry is refused, and the member earns more."""
    counter.offer(price={"points": 100}, stock=5)

    def meanwhile() -> None:
        counter.redeem("another")
        with pytest.raises(PointsShortError):
            counter.redeem()
        counter.earn("order-2", 500)

    with pytest.raises(PointsShortError) as refused:
        stalled(counter, ministack_engine, clock, meanwhile).redeem()
    assert (refused.value.active, refused.value.short_by) == (20, 80)
    assert (counter.told(), counter.left()) == ((520, 0), 4)


def test_a_zombie_that_wakes_at_the_write_of_its_refusal_never_takes_back_what_was_posted(
    counter: Counter, ministack_engine: Engine, clock: FakeClock
) -> None:
    counter.offer(price={"points": 200}, stock=5)
    posted: list[Entry] = []

    def meanwhile() -> None:
        counter.earn("order-2", 500)
        posted.append(counter.redeem())

    assert stalled(counter, ministack_engine, clock, meanwhile).redeem() == posted[0]
    assert (counter.told(), counter.left()) == ((420, 0), 4)


def test_without_the_kept_refusal_a_zombie_would_debit(
    counter: Counter, ministack_engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stops it is the refusal under its key, and nothing else does."""
    monkeypatch.setattr(DynamoLedger, "_kept", lambda *_: True)
    counter.offer(price={"points": 100}, stock=5)

    def meanwhile() -> None:
        counter.redeem("another")
        with pytest.raises(PointsShortError):
            counter.redeem()
        counter.earn("order-2", 500)

    stalled(counter, ministack_engine, clock, meanwhile).redeem()
    assert counter.told() == (420, 0)


def test_a_place_in_the_stock_that_went_meanwhile_is_looked_for_again(
    counter: Counter, ministack_engine: Engine, clock: FakeClock
) -> None:
    """Someone counts the shelf between the read and the transaction: nothing is taken that is not there."""
    counter.place.open(grocer.BOB, grocer.OPENED)
    taken = stalled(counter, ministack_engine, clock, lambda: counter.place.rewards.set_stock("mug", 1, counter.day))
    taken.redeem()
    assert counter.left() == 0


# ---- a batch is no snapshot: the entries may be older than the wallet beside them


def torn(counter: Counter, engine: Engine, clock: FakeClock, happens: Any) -> Counter:
    """A counter whose next batch reads the wallet after `happens`, and all else before."""
    return counter.over(DynamoLedger(store_of(engine, TornClient(engine.client, happens)), clock))


def test_a_voucher_that_is_used_while_a_cancellation_reads_is_not_cancelled(
    counter: Counter, ministack_engine: Engine, clock: FakeClock
) -> None:
    redeemed = counter.redeem()
    with pytest.raises(VoucherUsedError):
        torn(counter, ministack_engine, clock, lambda: counter.use(redeemed)).cancel(redeemed)
    assert (counter.told(), counter.left()) == ((70, 0), 4)


def test_a_voucher_that_is_cancelled_while_a_till_reads_is_not_used(
    counter: Counter, ministack_engine: Engine, clock: FakeClock
) -> None:
    redeemed = counter.redeem()
    found = counter.ledger.view(ADA, Wanted(entries=(redeemed.key,))).entries[redeemed.key]
    late = torn(counter, ministack_engine, clock, lambda: counter.cancel(redeemed)).ledger
    wanted = Wanted(entries=(use_key(found.key), cancel_key(found.key)), reward="mug")
    subject = Use(order_id="order-2")
    with pytest.raises(VoucherCancelledError):
        late.decide_and_post(
            use_key(found.key), ADA, b"u", lambda view: use(view, found, subject, member_id=ADA, digest=b"u"), wanted
        )
    assert (counter.told(), counter.left()) == ((120, 0), 5)


def test_a_redemption_that_is_posted_while_its_own_retry_reads_is_the_answer(
    counter: Counter, ministack_engine: Engine, clock: FakeClock
) -> None:
    posted: list[Entry] = []
    late = torn(counter, ministack_engine, clock, lambda: posted.append(counter.redeem()))
    assert late.redeem() == posted[0]
    assert (counter.told(), counter.left()) == ((70, 0), 4)


def test_the_last_one_that_goes_while_another_reads_is_gone(
    counter: Counter, ministack_engine: Engine, clock: FakeClock
) -> None:
    counter.place.rewards.set_stock("mug", 1, counter.day)
    late = torn(counter, ministack_engine, clock, lambda: counter.redeem("another"))
    with pytest.raises(SoldOutError):
        late.redeem()
    assert (counter.told(), counter.left()) == ((70, 0), 0)
