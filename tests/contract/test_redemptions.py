"""What every ledger promises of redemptions, in memory and on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from shared.domain.code import CodeKind, CodeOwner
from shared.domain.decision import Wanted
from shared.domain.entry import EntryKey, closure_key
from shared.domain.errors import (
    EntryUnknownError,
    KeyReusedError,
    LimitReachedError,
    MemberClosedError,
    PointsNotOfferedError,
    PointsShortError,
    RewardChangedError,
    RewardUnknownError,
    SoldOutError,
    VoucherCancelledError,
    VoucherForeignError,
    VoucherLapsedError,
    VoucherUsedError,
)
from shared.domain.voucher import redemption_of
from shared.domain.wallet import Claim, Hold
from tests.contract.counter import DONATION, FIVE_OFF, GIFT_CARD, TILL, Counter, interrupted, key_of
from tests.contract.ledgers import Place, closing, keys
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB


@pytest.fixture
def counter(place: Place) -> Iterator[Counter]:
    """A counter with mugs for 50 points; at the end of every test its books must balance."""
    counter = Counter(place)
    counter.offer()
    yield counter
    assert counter.breaks() == []


def moves(entry: Any) -> list[tuple[str, str, int]]:
    return [(posting.debit.value, posting.credit.value, posting.points) for posting in entry.postings]


# ---- issued, used, cancelled


def test_a_redemption_takes_points_and_stock_and_issues_a_voucher(counter: Counter) -> None:
    counter.offer(stock=3)
    counter.earn("order-1", 120)
    redeemed = counter.redeem()
    found = redemption_of(redeemed)
    assert counter.ledger.entry(key_of("one")) == redeemed
    assert moves(redeemed) == [("active", "redeemed", 50)]
    assert (found.reward, found.reward_version, found.points, found.lapses_on) == ("mug", 2, 50, date(2026, 4, 1))
    assert counter.told() == (70, 0)
    assert counter.wallet().holds == (Hold(2, redeemed.key, date(2026, 4, 1)),)
    assert counter.left() == 2
    owner = counter.place.codes.find(found.code or "", CodeKind.REDEMPTION, TILL)
    assert owner == CodeOwner(CodeKind.REDEMPTION, redeemed.key, ADA)


def test_the_same_redemption_again_is_the_same_and_takes_nothing_more(counter: Counter, clock: FakeClock) -> None:
    counter.earn("order-1", 120)
    first = counter.redeem()
    clock.advance(days=100)
    assert counter.redeem() == first
    with pytest.raises(KeyReusedError):
        counter.redeem(channel="app")
    with pytest.raises(KeyReusedError):
        counter.redeem(member=BOB)
    assert keys(counter.ledger, ADA) == [first.key, "purchase:order-1"]


def test_a_voucher_is_used_once_and_then_neither_used_nor_cancelled(counter: Counter, clock: FakeClock) -> None:
    counter.offer(stock=1)
    counter.earn("order-1", 120)
    redeemed = counter.redeem()
    used = counter.use(redeemed, "order-2", 300)
    assert (used.key, used.names, used.postings) == (f"use:{redeemed.key}", redeemed.key, ())
    assert counter.wallet().holds == ()
    clock.advance(days=100)
    assert counter.use(redeemed, "order-2", 300) == used
    for again in (lambda: counter.use(redeemed, "order-3"), lambda: counter.cancel(redeemed)):
        with pytest.raises(VoucherUsedError):
            again()
    assert counter.told() == (70, 0), "a used voucher never lapses"
    assert counter.left() == 0


def test_a_cancelled_redemption_gives_its_points_back_with_their_own_dates(counter: Counter, clock: FakeClock) -> None:
    counter.offer(stock=1)
    counter.earn("order-1", 30)
    clock.advance(days=10)
    counter.earn("order-2", 30)
    before = counter.purse()
    redeemed = counter.redeem()
    cancelled = counter.cancel(redeemed)
    assert moves(cancelled) == [("redeemed", "active", 50)]
    assert counter.purse() == before
    assert counter.wallet().holds == ()
    assert counter.left() == 1
    assert counter.cancel(redeemed) == cancelled
    with pytest.raises(VoucherCancelledError):
        counter.use(redeemed)
    assert len(counter.entries()) == 4


def test_a_cancellation_long_after_gives_back_what_has_not_expired(counter: Counter, clock: FakeClock) -> None:
    counter.offer(lapse_days=None)
    counter.earn("order-1", 30)
    clock.advance(days=300)
    counter.earn("order-2", 30)
    redeemed = counter.redeem()
    clock.advance(days=70)
    assert counter.told() == (10, 0)
    counter.cancel(redeemed)
    assert counter.told() == (30, 0)
    assert counter.purse().expired == 30


def test_a_voucher_is_good_for_its_own_member_alone(counter: Counter) -> None:
    counter.earn("order-1", 120)
    redeemed = counter.redeem()
    with pytest.raises(VoucherForeignError):
        counter.use(redeemed, member=BOB)
    assert counter.wallet().holds


# ---- lapsed by date


@pytest.fixture
def lapsed(counter: Counter, clock: FakeClock) -> Any:
    """A redemption of one of two mugs that has lapsed, and nobody booked it."""
    counter.offer(stock=2, lapse_days=7)
    counter.earn("order-1", 120)
    redeemed = counter.redeem()
    clock.advance(days=6)
    assert (counter.told(), counter.left()) == ((70, 0), 1)
    clock.advance(days=1)
    return redeemed


def test_a_lapse_holds_by_date_without_anybody_booking_it(counter: Counter, lapsed: Any) -> None:
    assert counter.told() == (120, 0)
    assert counter.wallet().holds == ()
    assert counter.left() == 2
    assert counter.ledger.view(ADA).wallet.purse("points").active == 70, "it is not booked"


def test_a_lapsed_voucher_is_neither_used_nor_cancelled(counter: Counter, lapsed: Any) -> None:
    for late in (lambda: counter.use(lapsed), lambda: counter.cancel(lapsed)):
        with pytest.raises(VoucherLapsedError) as refused:
            late()
        assert refused.value.lapsed_on == date(2026, 3, 9)
    assert len(counter.entries()) == 2


def test_the_next_entry_books_the_lapse(counter: Counter, lapsed: Any) -> None:
    entry = counter.earn("order-2", 5)
    assert entry.lapsed == (lapsed.sequence,)
    assert moves(entry) == [("redeemed", "active", 50), ("issued", "active", 5)]
    assert counter.ledger.view(ADA).wallet.purse("points").active == 125
    assert counter.ledger.view(ADA).wallet.holds == ()
    assert counter.earn("order-3", 5).lapsed == ()
    with pytest.raises(VoucherLapsedError):
        counter.use(lapsed)


def test_the_points_of_an_unbooked_lapse_can_be_spent(counter: Counter, lapsed: Any) -> None:
    counter.offer(price={"points": 120}, stock=2)
    again = counter.redeem("two")
    assert again.lapsed == (lapsed.sequence,)
    assert counter.told() == (0, 0)
    counter.cancel(again)
    assert counter.told() == (120, 0)


def test_a_lapse_and_a_refund_meet_in_one_entry(counter: Counter, lapsed: Any) -> None:
    refunded = counter.refund("order-1")
    assert refunded.lapsed == (lapsed.sequence,)
    assert counter.told() == (0, 0)


# ---- at once: donations and gift cards; limits


def test_a_donation_is_given_at_once_and_counted(counter: Counter, clock: FakeClock) -> None:
    counter.offer(DONATION)
    counter.earn("order-1", 200)
    given = counter.redeem("one", "trees", points=100)
    assert counter.redeem("one", "trees", points=100) == given
    counter.redeem("two", "trees", points=11)
    assert counter.place.given("forest", counter.day) == (111, 277, 2)
    clock.advance(days=31)
    counter.redeem("three", "trees", points=10)
    assert counter.place.given("forest", counter.day) == (10, 25, 1)
    assert counter.wallet().holds == ()
    with pytest.raises(VoucherUsedError):
        counter.cancel(given)


def test_a_gift_card_is_bought_with_points_at_once(counter: Counter) -> None:
    counter.offer(GIFT_CARD, stock=1)
    counter.earn("order-1", 60)
    bought = redemption_of(counter.redeem("one", "card"))
    card = counter.card(bought.gift_card)  # type: ignore[arg-type]
    assert (card.balance, card.terms.source, card.terms.member) == (1000, key_of("one"), ADA)
    owner = counter.place.codes.find(card.terms.code, CodeKind.GIFT_CARD, TILL)
    assert owner == CodeOwner(CodeKind.GIFT_CARD, card.id, ADA)
    assert (bought.code, counter.left("card"), counter.told()) == (card.terms.code, 0, (10, 0))


def test_limits_count_what_was_not_given_back(counter: Counter, clock: FakeClock) -> None:
    limits = {"ever": 3, "per_period": {"period": "month", "count": 2}}
    counter.offer(limits=limits, lapse_days=5)
    counter.earn("order-1", 1000)
    one, _ = counter.redeem("one"), counter.redeem("two")
    with pytest.raises(LimitReachedError) as reached:
        counter.redeem("three")
    assert (reached.value.limit, reached.value.until) == ("per_period", date(2026, 4, 1))
    counter.cancel(one)
    three = counter.redeem("four")
    counter.use(three)
    clock.advance(days=5)
    assert counter.wallet().claims == (Claim("mug", date(2026, 4, 1), 1), Claim("mug", None, 1)), "the second has lapsed"
    clock.advance(days=30)
    counter.use(counter.redeem("five"))
    counter.use(counter.redeem("six"))
    with pytest.raises(LimitReachedError) as reached:
        counter.redeem("seven")
    assert (reached.value.limit, reached.value.until) == ("ever", None)


# ---- refusals under a caller's key


def test_a_refused_redemption_stays_refused_whatever_the_member_earns_later(counter: Counter, clock: FakeClock) -> None:
    counter.earn("order-1", 49)
    with pytest.raises(PointsShortError) as first:
        counter.redeem()
    counter.earn("order-2", 500)
    clock.advance(days=9)
    with pytest.raises(PointsShortError) as again:
        counter.redeem()
    assert vars(again.value) == vars(first.value) == {"currency": "points", "points": 50, "active": 49, "short_by": 1}
    assert counter.told() == (549, 0)
    assert moves(counter.redeem("a new key")) == [("active", "redeemed", 50)]


def test_a_kept_refusal_is_no_entry_and_not_in_the_history(counter: Counter) -> None:
    with pytest.raises(PointsShortError):
        counter.redeem()
    assert keys(counter.ledger, ADA) == []
    with pytest.raises(EntryUnknownError):
        counter.ledger.entry(key_of("one"))
    assert counter.ledger.view(ADA, Wanted(entries=(key_of("one"),))).entries == {}


def test_a_refused_key_with_another_body_is_refused_as_reused(counter: Counter) -> None:
    with pytest.raises(PointsShortError):
        counter.redeem()
    counter.earn("order-1", 500)
    others: list[dict[str, Any]] = [{"channel": "app"}, {"member": BOB}]
    for other in others:
        with pytest.raises(KeyReusedError) as refused:
            counter.redeem(**other)
        assert refused.value.key == key_of("one")
    assert counter.told() == (500, 0)


def test_every_kind_of_refusal_is_kept_with_its_data(counter: Counter) -> None:
    counter.offer(FIVE_OFF, stock=0)
    counter.offer(GIFT_CARD, limits={"ever": 1, "per_period": {"period": "day", "count": 1}})
    counter.earn("order-1", 500)
    counter.redeem("zero", "card")
    refusals: dict[str, Any] = {
        "sold out": (SoldOutError, "five_off", {}),
        "limit": (LimitReachedError, "card", {}),
        "changed": (RewardChangedError, "mug", {"version": 7}),
    }
    for name, (kind, reward, more) in refusals.items():
        told = []
        for _ in range(2):
            with pytest.raises(kind) as refused:
                counter.redeem(name, reward, **more)
            told.append(vars(refused.value))
        assert told[0] == told[1]
    assert counter.told() == (450, 0)


def test_what_is_refused_for_no_state_of_the_ledger_claims_no_key(counter: Counter) -> None:
    counter.earn("order-1", 500)
    with pytest.raises(RewardUnknownError):
        counter.redeem("one", "nothing")
    with pytest.raises(PointsNotOfferedError):
        counter.redeem("one", points=49)
    assert counter.redeem("one").sequence == 2
    counter.ledger.decide_and_post(closure_key(ADA), ADA, b"c" * 32, closing)
    with pytest.raises(MemberClosedError):
        counter.redeem("two")
    with pytest.raises(MemberClosedError):
        counter.redeem("two", reward="mug", channel="app")


def test_a_refusal_under_a_natural_key_is_not_kept(counter: Counter) -> None:
    key, answers = EntryKey("purchase:order-9"), [PointsShortError("points", 1, 0, 1), None]

    def decide(view: Any) -> Any:
        if refusal := answers.pop(0):
            raise refusal
        return closing(view)

    with pytest.raises(PointsShortError):
        counter.ledger.decide_and_post(key, BOB, b"h" * 32, decide)
    with pytest.raises(EntryUnknownError):
        counter.ledger.entry(key)
    assert counter.ledger.decide_and_post(closure_key(BOB), BOB, b"h" * 32, decide).sequence == 1


# ---- zombies: an invocation that wakes up late


def test_a_zombie_that_wakes_before_it_reads_meets_the_refusal(counter: Counter) -> None:
    with pytest.raises(PointsShortError):
        counter.redeem()
    counter.earn("order-1", 500)
    with pytest.raises(PointsShortError):
        counter.redeem()
    assert counter.told() == (500, 0)


def test_a_zombie_that_wakes_with_too_few_points_read_meets_the_refusal(counter: Counter) -> None:
    """Both of its invocations refuse; the member earns more in between."""

    def meanwhile() -> None:
        with pytest.raises(PointsShortError):
            counter.redeem()
        counter.earn("order-1", 500)

    with pytest.raises(PointsShortError) as refused:
        counter.over(interrupted(counter.ledger, meanwhile)).redeem()
    assert refused.value.active == 0
    assert counter.told() == (500, 0)


def test_a_zombie_that_wakes_with_enough_points_read_meets_the_refusal(counter: Counter) -> None:
    """It read 60 points; another redemption took them, its own retry was refused, and the member has earned more."""
    counter.earn("order-1", 60)

    def meanwhile() -> None:
        counter.redeem("another")
        with pytest.raises(PointsShortError):
            counter.redeem()
        counter.earn("order-2", 500)

    with pytest.raises(PointsShortError) as refused:
        counter.over(interrupted(counter.ledger, meanwhile)).redeem()
    assert (refused.value.active, refused.value.short_by) == (10, 40)
    assert counter.told() == (510, 0)


def test_a_refusal_that_comes_too_late_gives_way_to_what_was_posted(counter: Counter) -> None:
    """It read too few points; its own retry, after the member earned more, has them redeemed: that is the answer."""
    posted = []

    def meanwhile() -> None:
        counter.earn("order-1", 500)
        posted.append(counter.redeem())

    assert counter.over(interrupted(counter.ledger, meanwhile)).redeem() == posted[0]
    assert counter.told() == (450, 0)
