"""What every ledger promises of refunds, in memory and on every engine; and that no refund slips in unseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.earning.earn_points import record_purchase
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.domain import refunding
from shared.domain.entry import EntryKey
from shared.domain.errors import (
    EntryUnknownError,
    KeyReusedError,
    OccurredInFutureError,
    OverRefundError,
    PurchaseUnknownError,
    RequestInvalidError,
)
from shared.domain.points import Lot
from shared.domain.purchase import Line
from shared.domain.subject import Refund, Returned
from tests.contract.counter import FIVE_OFF, Counter, days
from tests.contract.ledgers import Place, dynamo_place, keys, store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient, OvertakenClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, earning_rule
from tests.fakes.memory_catalog import FixedPrograms


@pytest.fixture
def counter(place: Place) -> Iterator[Counter]:
    """A counter with mugs for 50 points; at the end of every test its books must balance."""
    counter = Counter(place)
    counter.offer()
    yield counter
    assert counter.breaks() == []


def subject_of(entry: Any) -> Refund:
    assert isinstance(entry.subject, Refund)
    return entry.subject


def clawed_back(entry: Any) -> int:
    """The points that a refund takes back, by its own reasons."""
    points: int = -sum(share.points for share in entry.why)
    return points


def moves(entry: Any) -> list[tuple[str, str, int]]:
    return [(posting.debit.value, posting.credit.value, posting.points) for posting in entry.postings]


def test_a_refund_in_full_takes_back_all_that_the_order_earned(counter: Counter) -> None:
    bought = counter.earn("order-1", 100)
    refunded = counter.refund("order-1")
    assert (refunded.key, refunded.names, refunded.sequence) == ("refund:order-1:r1", bought.key, 2)
    assert counter.ledger.entry(EntryKey("refund:order-1:r1")) == refunded
    assert moves(refunded) == [("active", "issued", 100)]
    assert (subject_of(refunded).total, subject_of(refunded).net) == (10_000, 0)
    assert counter.told() == (0, 0)
    assert counter.purse().issued == 0


def test_the_same_refund_again_is_the_same_and_takes_nothing_more(counter: Counter, clock: FakeClock) -> None:
    counter.earn("order-1", 100)
    first = counter.refund("order-1", amount=3000, occurred_at=grocer.NOON)
    clock.advance(days=500)
    assert counter.refund("order-1", amount=3000, occurred_at=grocer.NOON) == first
    with pytest.raises(KeyReusedError):
        counter.refund("order-1", amount=3001, occurred_at=grocer.NOON)
    assert len(counter.entries()) == 2


def test_an_order_tells_its_refunds_and_what_paid_for_it(counter: Counter) -> None:
    bought = counter.earn("order-1", 100)
    redeemed = counter.redeem()
    assert counter.ledger.order("order-1").purchase == bought
    used = counter.use(redeemed, "order-1", 500)
    card = counter.sell_card(2000)
    counter.pay_with(card, "order-1", 700)
    refunds = tuple(counter.refund("order-1", f"r{n}", amount=100) for n in (1, 2))
    order = counter.ledger.order("order-1")
    assert (order.purchase, order.refunds) == (bought, refunds)
    assert (order.redemptions, order.cards) == ((redeemed.key,), (card.id,))
    assert used.names == redeemed.key


def test_what_was_never_bought_cannot_be_refunded(counter: Counter) -> None:
    for ask in (lambda: counter.refund("order-1"), lambda: counter.ledger.order("order-1")):
        with pytest.raises(PurchaseUnknownError):
            ask()
    # A voucher may be used before its order is recorded.
    counter.earn("order-2", 100)
    counter.use(counter.redeem(), "order-1")
    with pytest.raises(PurchaseUnknownError):
        counter.refund("order-1")


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        ({"amount": 7001}, OverRefundError),
        ({"lines": ((1, 7001),)}, OverRefundError),
        ({"lines": ((2, None),)}, RequestInvalidError),
        ({"amount": 1, "occurred_at": grocer.NOON + days(1)}, OccurredInFutureError),
    ],
)
def test_a_refused_refund_writes_nothing_and_claims_no_key(
    counter: Counter, request_: dict[str, Any], refused: type[Exception]
) -> None:
    counter.earn("order-1", 100)
    counter.refund("order-1", amount=3000)
    with pytest.raises(refused):
        counter.refund("order-1", "r2", **request_)
    with pytest.raises(EntryUnknownError):
        counter.ledger.entry(EntryKey("refund:order-1:r2"))
    assert counter.told() == (70, 0)
    assert clawed_back(counter.refund("order-1", "r2")) == 70


def test_only_the_total_is_floored_so_lines_of_99_cents_give_back_2_1_1(counter: Counter) -> None:
    counter = Counter(counter.place, FixedPrograms(grocer.version(earning_rules=[earning_rule(points=3, minor_units=200)])))
    lines = tuple(Line(f"sku-{n}", 1, 99) for n in range(3))
    order = grocer.purchase("order-1", lines=lines)
    record_purchase(order, ledger=counter.ledger, programs=counter.programs)
    assert counter.told() == (4, 0)
    assert [clawed_back(counter.refund("order-1", f"r{n}", lines=((n, None),))) for n in (1, 2, 3)] == [2, 1, 1]
    assert counter.told() == (0, 0)


# ---- the two lots of the rules (POLICIES, worked)


@pytest.fixture
def lots(counter: Counter, clock: FakeClock) -> Any:
    """A: 100 points, last day 2027-01-10. B, earned later: 80, last day 2026-06-30. A redemption of 120: A 60 are left."""
    counter.offer(price={"points": 120}, lapse_days=None)
    clock.instant = grocer.NOON.replace(month=6, day=20)
    for order_id, points, last in (("a", 100, (2027, 1, 11)), ("b", 80, (2026, 7, 1))):
        gone_on = clock.instant.replace(year=last[0], month=last[1], day=last[2])
        counter.earn(order_id, points, occurred_at=gone_on - days(365))
    assert counter.purse().deadlines() == ((clock.instant.replace(month=7, day=1).date(), 80), (_day(2027, 1, 11), 100))
    redeemed = counter.redeem()
    assert counter.purse().lots == (Lot(41, 60, None, _day(2027, 1, 11)),)
    return redeemed


def _day(*parts: int) -> Any:
    return grocer.NOON.replace(year=parts[0], month=parts[1], day=parts[2]).date()


def test_refund_a_then_cancel_leaves_b_until_its_last_day(counter: Counter, clock: FakeClock, lots: Any) -> None:
    for _ in range(2):
        counter.refund("a", occurred_at=grocer.NOON)
        assert (counter.told(), counter.purse().balance) == ((0, 40), -40)
    for _ in range(2):
        counter.cancel(lots)
        assert (counter.told(), counter.purse().deadlines()) == ((80, 0), ((_day(2026, 7, 1), 80),))
    assert len(counter.entries()) == 5
    clock.instant = clock.instant.replace(month=7, day=1)
    assert counter.told() == (0, 0)


def test_refund_b_then_cancel_leaves_a_beyond_the_last_day_of_b(counter: Counter, clock: FakeClock, lots: Any) -> None:
    for _ in range(2):
        counter.refund("b", occurred_at=grocer.NOON)
        assert counter.told() == (0, 20)
    for _ in range(2):
        counter.cancel(lots)
        assert counter.told() == (100, 0)
    clock.instant = clock.instant.replace(month=7, day=1)
    assert (counter.told(), counter.purse().deadlines()) == ((100, 0), ((_day(2027, 1, 11), 100),))


def test_points_that_expired_and_are_then_refunded_leave_no_debt(counter: Counter, clock: FakeClock) -> None:
    counter.earn("order-1", 100)
    clock.advance(days=365)
    assert counter.told() == (0, 0)
    counter.refund("order-1")
    assert (counter.told(), counter.purse().expired, counter.purse().issued) == ((0, 0), 0, 0)


def test_the_next_points_repay_what_a_refund_left_owing(counter: Counter) -> None:
    counter.earn("order-1", 60)
    counter.use(counter.redeem())
    counter.refund("order-1")
    assert (counter.told(), counter.purse().balance) == ((0, 50), -50)
    counter.earn("order-2", 70)
    assert counter.told() == (20, 0)


# ---- what paid for the order beside money


def test_points_that_paid_a_part_come_back_by_the_floor_of_the_cumulative_share(counter: Counter) -> None:
    counter.offer(FIVE_OFF)
    counter.earn("order-1", 100)
    redeemed = counter.redeem("one", "five_off")
    counter.earn("order-2", 9, lines=(Line("a", 1, 300), Line("b", 1, 600)), paid_with_rewards=500)
    counter.use(redeemed, "order-2", 500)
    assert counter.told() == (54, 0)
    back = []
    parts: list[dict[str, Any]] = [{"amount": 200}, {"lines": ((1, None),)}, {}]
    for n, refund in enumerate(parts):
        entry = counter.refund("order-2", f"r{n}", **refund)
        back.append((subject_of(entry).returned, clawed_back(entry)))

    def points(amount: int) -> tuple[Returned, ...]:
        return (Returned(kind="points", reference=redeemed.key, amount=amount),)

    # 200, 500 and 900 of 900 were given back: 11, 27 and 50 points of 50; the 4 points earned on 400 fall to 3, 1 and 0.
    assert [told for told, _ in back] == [points(11), points(16), points(23)]
    assert [taken for _, taken in back] == [1, 2, 1]
    assert counter.told() == (100, 0)
    assert counter.purse().redeemed == 0


def test_money_of_a_gift_card_goes_back_onto_it(counter: Counter, clock: FakeClock) -> None:
    card = counter.sell_card(2000, valid_days=10)
    counter.earn("order-1", 10)
    counter.pay_with(card, "order-1", 700)
    assert counter.card(card.id).balance == 1300
    clock.advance(days=9)
    first = counter.refund("order-1", "r1", amount=333)
    assert subject_of(first).returned == (Returned(kind="gift_card", reference=card.id, amount=233),)
    assert counter.card(card.id).balance == 1533
    assert counter.refund("order-1", "r1", amount=333) == first
    second = counter.refund("order-1", "r2")
    assert subject_of(second).returned == (Returned(kind="gift_card", reference=card.id, amount=467),)
    found = counter.card(card.id)
    assert (found.balance, found.spent, found.sequence) == (2000, 0, 4)
    assert [entry.sequence for entry in counter.place.cards.entries(card.id)] == [1, 2, 3, 4]


def test_a_card_that_is_spent_meanwhile_is_read_again(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card pays for another order between the refund's read and its transaction: it is decided again."""
    card = counter.sell_card(2000)
    counter.earn("order-1", 10)
    counter.pay_with(card, "order-1", 700)
    decide, decided = refunding.refund, list[Any]()

    def overtaken(*told: Any) -> Any:
        decision = decide(*told)
        if not decided:
            counter.pay_with(card, "order-2", 100)
        decided.append(decision)
        return decision

    monkeypatch.setattr("tests.contract.counter.refund", overtaken)
    counter.refund("order-1")
    assert len(decided) == 2
    assert counter.card(card.id).balance == 1900


# ---- races: no refund slips in between the read of the order and that of the wallet


@pytest.fixture
def overtaken(engine: Engine, clock: FakeClock) -> tuple[Counter, Any]:
    """A counter with an order of 20 points, and a way to a counter that is overtaken right after it read the order."""
    counter = Counter(dynamo_place(store_of(engine), clock))
    counter.place.open(ADA, grocer.OPENED)
    counter.earn("order-1", 20)

    def then(happens: Any) -> Counter:
        client = OvertakenClient(engine.client, happens)
        return counter.over(DynamoLedger(store_of(engine, client), clock))

    return counter, then


def test_a_refund_between_the_reads_of_order_and_wallet_is_seen(overtaken: Any) -> None:
    counter, then = overtaken
    second = then(lambda: counter.refund("order-1", "r1", amount=1000)).refund("order-1", "r2", amount=1000)
    assert (clawed_back(second), subject_of(second).net) == (10, 0)
    assert counter.told() == (0, 0)
    assert counter.breaks(ADA) == []


def test_too_much_is_refused_although_the_order_was_read_before_the_refund(overtaken: Any) -> None:
    counter, then = overtaken
    with pytest.raises(OverRefundError) as refused:
        then(lambda: counter.refund("order-1", "r1", amount=1500)).refund("order-1", "r2", amount=1000)
    assert refused.value.refundable == 500
    assert counter.told() == (5, 0)


def test_the_same_refund_between_the_reads_is_the_answer(overtaken: Any) -> None:
    counter, then = overtaken
    posted = []
    second = then(lambda: posted.append(counter.refund("order-1"))).refund("order-1")
    assert [second] == posted
    assert keys(counter.ledger, ADA) == ["refund:order-1:r1", "purchase:order-1"]


def test_without_the_look_at_the_history_points_would_be_kept_that_were_refunded(
    overtaken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What closes the race is `refunding._check_complete`, and nothing else does: with it gone, the books break."""
    monkeypatch.setattr(refunding, "_check_complete", lambda view, order: None)
    counter, then = overtaken
    second = then(lambda: counter.refund("order-1", "r1", amount=1000)).refund("order-1", "r2", amount=1000)
    assert subject_of(second).net == 1000, "it did not see the first"
    assert counter.told() == (10, 0), "ten points of an order that was refunded in full"
    assert {found.promise for found in counter.breaks(ADA)} == {
        "every point is explained",
        "a refund tells what is left of its order",
    }


def test_a_refund_between_the_read_of_the_wallet_and_the_transaction_is_seen(
    overtaken: Any, engine: Engine, clock: FakeClock
) -> None:
    counter, _ = overtaken
    client = InterruptedClient(engine.client, lambda: counter.refund("order-1", "r1", amount=1500))
    late = counter.over(DynamoLedger(store_of(engine, client), clock))
    with pytest.raises(OverRefundError):
        late.refund("order-1", "r2", amount=1000)
    assert clawed_back(late.refund("order-1", "r2", amount=500)) == 5
    assert counter.told() == (0, 0)


def test_a_voucher_used_on_the_order_between_the_reads_is_seen(overtaken: Any) -> None:
    counter, then = overtaken
    counter.offer(price={"points": 12})
    redeemed = counter.redeem()
    late = then(lambda: counter.use(redeemed, "order-1"))
    refunds = [late.refund("order-1", "r1", amount=1000), counter.refund("order-1", "r2")]
    half = Returned(kind="points", reference=redeemed.key, amount=6)
    assert [subject_of(refund).returned for refund in refunds] == [(half,), (half,)]
    assert (counter.told(), counter.breaks(ADA)) == ((0, 0), [])


def test_a_redemption_beside_a_refund_is_decided_on_what_is_left(overtaken: Any, engine: Engine, clock: FakeClock) -> None:
    counter, _ = overtaken
    counter.offer(price={"points": 15})
    client = InterruptedClient(engine.client, counter.redeem)
    counter.over(DynamoLedger(store_of(engine, client), clock)).refund("order-1")
    assert counter.told() == (0, 15)
    assert counter.breaks(ADA) == []
