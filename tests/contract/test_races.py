"""Many at once for the last one: threads on the ledger in memory and on MiniStack, who all have read before anybody writes."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.api.answers import EntryAnswer
from shared.domain.entry import Entry, MemberId
from shared.domain.errors import (
    KeyReusedError,
    LaurelError,
    OverRefundError,
    PointsShortError,
    SoldOutError,
    VoucherCancelledError,
    VoucherUsedError,
)
from shared.ports import Ledger
from tests.contract.counter import GIFT_CARD, Counter
from tests.contract.ledgers import dynamo_place, memory_place, store_of
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA


class Together:
    """A ledger whose first decisions wait for each other, so that all have read before anybody writes."""

    def __init__(self, ledger: Ledger, senders: int) -> None:
        self._ledger = ledger
        self._start = threading.Barrier(senders)
        self._mine = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def decide_and_post(self, key: Any, member: Any, request_hash: Any, decide: Any, *wanted: Any) -> Entry:
        """As the ledger's, with the others."""
        return self._ledger.decide_and_post(key, member, request_hash, self._waiting(decide), *wanted)

    def correct_order(self, order_id: Any, key: Any, request_hash: Any, decide: Any) -> Entry:
        """As the ledger's, with the others."""
        return self._ledger.correct_order(order_id, key, request_hash, self._waiting(decide))

    def _waiting(self, decide: Any) -> Any:
        def wait(*seen: Any) -> Any:
            if not getattr(self._mine, "waited", False):
                self._mine.waited = True
                self._start.wait(timeout=60)
            return decide(*seen)

        return wait


@pytest.fixture(params=["memory", "ministack"])
def counter(request: pytest.FixtureRequest, clock: FakeClock) -> Counter:
    """A counter over a ledger that threads can use at once."""
    if request.param == "memory":
        place = memory_place(clock)
    else:
        place = dynamo_place(store_of(request.getfixturevalue("ministack_engine")), clock)
    place.open(ADA, grocer.OPENED)
    return Counter(place)


Act = Callable[[Counter], Entry]


def at_once(counter: Counter, *acts: Act) -> list[str]:
    """Do all at once; the answer of each as the API would send it, or the name of its refusal."""
    together = counter.over(Together(counter.ledger, len(acts)))

    def send(act: Act) -> str:
        try:
            return EntryAnswer.of(act(together)).model_dump_json()
        except LaurelError as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(len(acts)) as senders:
        return list(senders.map(send, acts))


def refused(answers: list[str]) -> dict[str, int]:
    """How often each refusal was given."""
    return dict(Tally(answer for answer in answers if not answer.startswith("{")))


def redeeming(name: str, **more: Any) -> Act:
    return lambda counter: counter.redeem(name, **more)


def test_of_fifty_members_who_want_the_last_one_one_has_it_and_the_others_are_told_why(counter: Counter) -> None:
    members = [MemberId(f"01HMEMBER{number:017d}") for number in range(50)]
    counter.offer(price={"points": 500}, stock=1)
    for member in members:
        counter.place.open(member, grocer.OPENED)
        counter.earn(f"order-of-{member}", 500, member_id=member)
    answers = at_once(counter, *[redeeming(f"key-{member}", member=member) for member in members])
    assert refused(answers) == {SoldOutError.__name__: 49}
    purses = [counter.purse(member) for member in members]
    assert sum(purse.redeemed for purse in purses) == 500
    assert sum(purse.balance for purse in purses) == 24_500
    assert counter.left() == 0
    assert counter.breaks(*members) == []
    # Who was refused stays refused, also when the one comes back; who had it has it.
    [winner] = [member for member in members if counter.purse(member).redeemed]
    counter.cancel(counter.redeem(f"key-{winner}", member=winner))
    assert counter.left() == 1
    again = at_once(counter, *[redeeming(f"key-{member}", member=member) for member in members if member != winner][:1])
    assert refused(again) == {SoldOutError.__name__: 1}


def test_of_twenty_keys_of_one_member_with_points_for_one_one_succeeds(counter: Counter) -> None:
    counter.offer(price={"points": 500}, stock=100)
    counter.earn("order-1", 500)
    answers = at_once(counter, *[redeeming(f"key-{number}") for number in range(20)])
    assert refused(answers) == {PointsShortError.__name__: 19}
    assert (counter.told(), counter.purse().redeemed, counter.left()) == ((0, 0), 500, 99)
    assert [len(counter.entries()), counter.breaks(ADA)] == [2, []]


def test_the_same_key_ten_times_is_one_reward_with_identical_answers(counter: Counter) -> None:
    """Each sender makes a code of its own; the one that was posted is everybody's."""
    counter.offer(price={"points": 100}, stock=100)
    counter.earn("order-1", 500)
    answers = at_once(counter, *[redeeming("one")] * 10)
    assert len(set(answers)) == 1
    assert refused(answers) == {}
    assert (counter.told(), counter.left(), len(counter.entries())) == ((400, 0), 99, 2)
    with pytest.raises(KeyReusedError):
        counter.redeem("one", channel="app")


def test_of_ten_bodies_under_one_key_one_is_answered(counter: Counter) -> None:
    counter.offer()
    counter.earn("order-1", 500)
    answers = at_once(counter, *[redeeming("one", channel=f"channel-{number}") for number in range(10)])
    assert refused(answers) == {KeyReusedError.__name__: 9}
    assert counter.told() == (450, 0)


def test_gift_cards_are_bought_with_points_once(counter: Counter) -> None:
    counter.offer(GIFT_CARD)
    counter.earn("order-1", 120)
    answers = at_once(counter, *[redeeming(f"key-{number}", reward="card") for number in range(8)])
    assert refused(answers) == {PointsShortError.__name__: 6}
    assert counter.told() == (20, 0)


def test_of_ten_tills_that_scan_one_voucher_one_takes_it(counter: Counter) -> None:
    counter.offer(stock=5)
    counter.earn("order-1", 500)
    redeemed = counter.redeem()
    answers = at_once(counter, *[lambda till, n=number: till.use(redeemed, f"order-{n}") for number in range(10)])
    assert refused(answers) == {VoucherUsedError.__name__: 9}
    assert (counter.left(), len(counter.entries())) == (4, 3)


def test_one_till_that_scans_ten_times_takes_it_once_and_hears_the_same_each_time(counter: Counter) -> None:
    counter.offer(stock=5)
    counter.earn("order-1", 500)
    redeemed = counter.redeem()
    answers = at_once(counter, *[lambda till: till.use(redeemed, "order-1", 300)] * 10)
    assert (len(set(answers)), refused(answers)) == (1, {})
    assert len(counter.entries()) == 3


def test_a_voucher_that_is_used_and_cancelled_at_once_is_one_of_both(counter: Counter) -> None:
    counter.offer(stock=5)
    counter.earn("order-1", 500)
    redeemed = counter.redeem()
    acts: list[Act] = [lambda till: till.use(redeemed), lambda till: till.cancel(redeemed)]
    answers = refused(at_once(counter, *acts))
    assert answers in ({VoucherUsedError.__name__: 1}, {VoucherCancelledError.__name__: 1})
    used = VoucherUsedError.__name__ in answers
    assert (counter.told(), counter.left()) == (((450, 0), 4) if used else ((500, 0), 5))
    assert counter.breaks(ADA) == []


def test_refunds_of_one_order_at_once_take_back_no_more_than_it_had(counter: Counter) -> None:
    counter.earn("order-1", 10)
    answers = at_once(counter, *[lambda till, n=number: till.refund("order-1", f"r{n}", amount=100) for number in range(14)])
    assert refused(answers) == {OverRefundError.__name__: 4}
    assert (counter.told(), len(counter.entries())) == ((0, 0), 11)
    assert counter.breaks(ADA) == []


def test_the_same_refund_ten_times_at_once_is_one_entry(counter: Counter) -> None:
    counter.earn("order-1", 10)
    answers = at_once(counter, *[lambda till: till.refund("order-1", amount=300)] * 10)
    assert (len(set(answers)), refused(answers)) == (1, {})
    assert (counter.told(), len(counter.entries())) == ((7, 0), 2)


def test_a_refund_beside_redemptions_leaves_every_point_in_one_place(counter: Counter) -> None:
    counter.offer(price={"points": 30})
    counter.earn("order-1", 100)
    acts: list[Act] = [redeeming(f"key-{number}") for number in range(5)]
    answers = refused(at_once(counter, *acts, lambda till: till.refund("order-1")))
    taken = 5 - answers.pop(PointsShortError.__name__, 0)
    assert answers == {}
    assert counter.told() == (0, 30 * taken)
    assert counter.breaks(ADA) == []
