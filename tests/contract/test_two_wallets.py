"""What every ledger promises of points that move between two members: on both sides or on neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.transfers.transfer_points import transfer_points
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, MemberId, arrival_key, caller_key, merge_key
from shared.domain.errors import KeyReusedError, MemberMergedError, MemberUnknownError, PointsShortError
from shared.domain.points import Lot
from shared.domain.transferring import TransferRequest, merge
from tests.contract.counter import Counter, interrupted
from tests.contract.ledgers import Place
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT
from tests.fakes.memory_catalog import FixedPrograms

TERMS = {"currencies": ["points"], "points_min": 1, "points_max": 1000}
GIFT = caller_key("ada", "transfer", "gift-1")


@pytest.fixture
def counter(place: Place) -> Iterator[Counter]:
    """A counter where members may give each other points; at the end of every test all books must balance."""
    place.open(CAT, grocer.OPENED)
    counter = Counter(place, FixedPrograms(grocer.version(transfers=TERMS)))
    counter.offer()
    yield counter
    assert counter.breaks(ADA, BOB, CAT) == []


def give(counter: Counter, points: int, to: MemberId = BOB) -> Entry:
    request = TransferRequest(member_id=ADA, to=to, currency="points", points=points)
    return transfer_points(request, GIFT, ledger=counter.ledger, programs=counter.programs, clock=counter.place.clock)


def merged(counter: Counter, member: MemberId, into: MemberId) -> Entry:
    return counter.ledger.decide_and_post(
        merge_key(member),
        member,
        member.encode(),
        lambda view: merge(view, "twins", member.encode(), grocer.ZONE),
        Wanted(other=into),
    )


def test_points_leave_one_wallet_and_reach_the_other_with_their_dates(counter: Counter, clock: FakeClock) -> None:
    counter.earn("order-a", 100)
    counter.earn("order-b", 10, member_id=BOB)
    clock.advance(days=10)
    gone_on = counter.purse().lots[0].gone_on
    left = give(counter, 30)
    arrived = counter.ledger.entry(arrival_key(left.key))
    assert (arrived.member, arrived.names, arrived.sequence) == (BOB, left.key, 2)
    assert (counter.told(), counter.told(BOB)) == ((70, 0), (40, 0))
    assert counter.purse(BOB).lots == (Lot(1, 40, None, gone_on),)
    assert counter.purse().transferred == -counter.purse(BOB).transferred == 30


def test_the_same_gift_again_is_the_same_and_moves_nothing_more(counter: Counter) -> None:
    counter.earn("order-a", 100)
    first = give(counter, 30)
    assert give(counter, 30) == first
    for other in ((31, BOB), (30, CAT)):
        with pytest.raises(KeyReusedError):
            give(counter, *other)
    assert counter.told(BOB) == (30, 0)


def test_a_gift_that_is_refused_is_in_neither_wallet_and_stays_refused(counter: Counter) -> None:
    for _ in range(2):
        with pytest.raises(PointsShortError):
            give(counter, 30)
        counter.earn("order-a", 100)
    with pytest.raises(MemberUnknownError):
        counter.ledger.view(ADA, Wanted(other=MemberId("01HNOBODY00000000000000000")))
    assert counter.entries(BOB) == []


@pytest.mark.parametrize("busy", [ADA, BOB])
def test_a_gift_is_decided_again_where_either_wallet_moved_meanwhile(counter: Counter, busy: MemberId) -> None:
    counter.earn("order-a", 100)
    late: Any = counter.over(interrupted(counter.ledger, lambda: counter.earn("order-b", 10, member_id=busy)))
    give(late, 100)
    assert counter.told()[0] + counter.told(BOB)[0] == 110
    assert counter.told(BOB)[0] == (110 if busy == BOB else 100)


def test_a_refund_after_a_merge_reaches_whoever_took_over(counter: Counter) -> None:
    counter.earn("order-a", 100)
    counter.use(counter.redeem())
    counter.earn("order-b", 20, member_id=BOB)
    first = merged(counter, ADA, BOB)
    assert merged(counter, ADA, BOB) == first
    assert (counter.told(), counter.told(BOB)) == ((0, 0), (70, 0))
    assert counter.ledger.view(ADA).wallet.merged_into == BOB
    refunded = counter.refund("order-a")
    assert counter.refund("order-a") == refunded
    assert (refunded.member, counter.told(), counter.told(BOB)) == (ADA, (0, 0), (0, 30))
    with pytest.raises(MemberMergedError):
        counter.earn("order-c", 1)


def test_a_refund_reaches_through_two_merges_and_is_decided_again_where_the_last_wallet_moved(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.earn("order-a", 100)
    merged(counter, ADA, BOB)
    merged(counter, BOB, CAT)
    decide, decided = counter.ledger.correct_order, []

    def overtaken(order_id: Any, key: Any, digest: Any, refund: Any) -> Entry:
        def late(*seen: Any) -> Any:
            decided.append(seen)
            if len(decided) == 1:
                counter.earn("order-c", 7, member_id=CAT)
            return refund(*seen)

        return decide(order_id, key, digest, late)

    counter.over(_Overtaken(counter.ledger, overtaken)).refund("order-a", amount=4000)
    assert len(decided) == 2
    assert counter.told(CAT) == (67, 0)


def test_a_member_who_is_merged_while_a_refund_is_decided_is_followed(counter: Counter) -> None:
    counter.earn("order-a", 100)
    decide = counter.ledger.correct_order

    def overtaken(order_id: Any, key: Any, digest: Any, refund: Any) -> Entry:
        def late(view: Any, order: Any) -> Any:
            if view.wallet.merged_into is None:
                merged(counter, ADA, BOB)
            return refund(view, order)

        return decide(order_id, key, digest, late)

    counter.over(_Overtaken(counter.ledger, overtaken)).refund("order-a")
    assert (counter.told(BOB), len(counter.entries(BOB))) == ((0, 0), 2)


class _Overtaken:
    """A ledger with another way to correct an order."""

    def __init__(self, ledger: Any, correct_order: Any) -> None:
        self._ledger = ledger
        self.correct_order = correct_order

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)
