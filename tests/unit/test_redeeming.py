"""Redemptions, from the quote to the till: each ends in exactly one way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.decision import CardPosted, Donated, OrderPaid, StockMoved, VoucherIssued
from shared.domain.entry import EntryKind, cancel_key, use_key
from shared.domain.errors import (
    LimitReachedError,
    MemberClosedError,
    PointsNotOfferedError,
    PointsShortError,
    RedemptionUnknownError,
    RewardChangedError,
    RewardNotOfferedError,
    RewardUnknownError,
    SoldOutError,
    TryAgainError,
    VoucherCancelledError,
    VoucherForeignError,
    VoucherLapsedError,
    VoucherUsedError,
)
from shared.domain.redeeming import Quote, RedemptionRequest, quote
from shared.domain.standing import Course
from shared.domain.stock import Stock
from shared.domain.subject import Redemption, Use
from shared.domain.voucher import RedemptionState, redemption_of, state_of, use
from shared.domain.wallet import Hold
from tests.fakes.grocer import ADA, BOB
from tests.unit.books import CODE, Books, day, redemption, reward, terms

DONATION = {"kind": "donation", "charity": "shelter", "charity_name": "Shelter", "points": 10, "minor_units": 5}
REWARDS = {
    "mug": reward("mug", 60, lapses=10, stock_limited=True),
    "cup": reward("cup", 30, lapses=None),
    "give": reward("give", lapses=None, price={"points_min": 10, "points_max": 100}, benefit=DONATION),
    "card": reward("card", 50, lapses=None, benefit={"kind": "gift_card", "amount": 500, "valid_days": 30}),
    "pay": reward(
        "pay",
        lapses=1,
        price={"points_min": 1, "points_max": 1_000},
        benefit={"kind": "pay_with_points", "points": 1, "minor_units": 1, "share_max_percent": 50},
    ),
}
RICH = Books(rewards=REWARDS, stock={"mug": Stock("mug", total=2)}).bought("A", 10_000)


def quoted(books: Books, reward: str = "mug", **asked: Any) -> Quote:
    request = RedemptionRequest(member_id=ADA, reward=reward, **asked)
    return quote(books.view(reward), request, Course.by(books.versions, books.versions[-1]))


def state(books: Books, name: str = "r") -> RedemptionState:
    return state_of(books.entry(redemption(name)), books.view().entries, day(books.today))


class TestQuote:
    """A quote takes nothing and tells everything."""

    def test_it_tells_points_value_and_the_day_it_would_lapse(self) -> None:
        found = quoted(RICH.on(3))
        assert (found.points, found.value, found.lapses_on, found.active) == (60, 1000, day(13), 100)
        assert found.obstacles == []

    def test_it_tells_every_reason_why_not_and_redeeming_the_first_of_them(self) -> None:
        gone = {"mug": reward("mug", 160, stock_limited=True, number=2, archived=True, limits={"ever": 1})}
        books = replace(RICH.redeemed("r"), rewards=gone, stock={"mug": Stock("mug", total=0)})
        found = quoted(books, version=1)
        assert [type(obstacle) for obstacle in found.obstacles] == [
            RewardChangedError,
            RewardNotOfferedError,
            SoldOutError,
            PointsShortError,
        ]
        with pytest.raises(RewardChangedError):
            books.redeemed("s", version=1)
        with pytest.raises(RewardNotOfferedError):
            books.redeemed("s", version=2)

    def test_it_sees_points_that_matured_and_a_redemption_that_lapsed_by_now(self) -> None:
        books = Books(versions=(terms(pending=5),), rewards=REWARDS, stock=RICH.stock).bought("A", 10_000)
        assert isinstance(quoted(books).obstacles[0], PointsShortError)
        taken = books.on(5).redeemed("r")
        assert (quoted(taken).active, quoted(taken.on(15)).active) == (40, 100)

    def test_it_is_refused_for_what_nobody_offers_and_for_members_who_left(self) -> None:
        with pytest.raises(RewardUnknownError):
            quoted(RICH, "hat")
        with pytest.raises(MemberClosedError):
            quoted(RICH.closed())
        with pytest.raises(PointsNotOfferedError):
            quoted(RICH, points=61)

    def test_points_pay_no_more_than_their_share_of_the_order(self) -> None:
        assert quoted(RICH, "pay", points=50, order_amount=100).value == 50
        with pytest.raises(PointsNotOfferedError) as refusal:
            quoted(RICH, "pay", points=51, order_amount=100)
        assert refusal.value.points_max == 50


class TestIssued:
    """Points and stock are taken, a voucher code exists."""

    def test_points_and_stock_are_taken_and_the_code_leads_to_it(self) -> None:
        books = RICH.redeemed("r")
        entry = books.entries[-1]
        assert (books.purse.active, books.purse.redeemed) == (40, 60)
        assert books.changes == (
            StockMoved(RICH.stock["mug"], Stock("mug", total=2, held={day(10): 1}, version=1)),
            VoucherIssued(CODE, entry.key, ADA),
        )
        assert books.wallet.holds == (Hold(2, entry.key, day(10)),)
        assert state(books) is RedemptionState.ISSUED
        assert books.breaks() == []

    def test_the_entry_keeps_the_reward_as_it_was(self) -> None:
        subject = redemption_of(RICH.redeemed("r", channel="web").entries[-1])
        assert subject == Redemption(
            reward="mug",
            reward_version=1,
            name="mug",
            benefit={"kind": "discount", "amount": 1000},
            currency="points",
            points=60,
            money="USD",
            value=1000,
            code=CODE,
            lapses_on=day(10),
            stocked=True,
            channel="web",
        )

    def test_points_that_expire_first_are_taken_first(self) -> None:
        versions = (terms(1, -400, lives=300), terms(2, -10, lives=30))
        books = Books(versions=versions, rewards=REWARDS, stock=RICH.stock)
        books = books.bought("late", 5_000, occurred=-20).bought("soon", 4_000).redeemed("r")
        assert [(lot.first, lot.count) for lot in books.purse.lots] == [(21, 30)]

    def test_one_point_short_takes_nothing_and_tells_by_how_much(self) -> None:
        with pytest.raises(PointsShortError) as refusal:
            RICH.redeemed("r").redeemed("s")
        assert (refusal.value.points, refusal.value.active, refusal.value.short_by) == (60, 40, 20)

    def test_exactly_enough_is_enough(self) -> None:
        assert RICH.bought("B", 2_000).redeemed("r").redeemed("s").purse.active == 0

    def test_pending_points_buy_nothing_and_debt_pays_nothing(self) -> None:
        pending = Books(versions=(terms(pending=5),), rewards=REWARDS).bought("A", 10_000)
        with pytest.raises(PointsShortError):
            pending.redeemed("r", "cup")
        indebted = RICH.redeemed("r", "cup").refunded("A")
        assert indebted.purse.balance == -30
        with pytest.raises(PointsShortError) as refusal:
            indebted.redeemed("s", "cup")
        assert refusal.value.active == 0

    def test_the_last_one_is_sold_once_and_is_back_when_it_lapses(self) -> None:
        books = replace(RICH, stock={"mug": Stock("mug", total=1)}).bought("B", 10_000).redeemed("r")
        for today in (0, 9):
            with pytest.raises(SoldOutError):
                books.on(today).redeemed("s")
        assert books.on(10).redeemed("s").stock["mug"].held == {day(20): 1}

    def test_nothing_is_left_of_a_limited_reward_that_nobody_stocked(self) -> None:
        with pytest.raises(SoldOutError):
            replace(RICH, stock={}).redeemed("r")


class TestFulfilledAtOnce:
    """Gift cards and donations: nothing is left to use, to cancel or to lapse."""

    def test_a_donation_goes_to_the_charity_s_totals(self) -> None:
        books = RICH.on(4).redeemed("r", "give", points=70)
        assert books.changes == (Donated("shelter", day(4), 70, 35, "USD"),)
        assert (books.wallet.holds, books.purse.redeemed) == ((), 70)

    def test_a_gift_card_is_issued_with_its_own_entry(self) -> None:
        books = RICH.redeemed("r", "card")
        (change,) = books.changes
        assert isinstance(change, CardPosted)
        assert (change.before, change.after.balance, change.after.expires_on) == (None, 500, day(30))
        assert change.after.terms.source == books.entries[-1].key
        assert redemption_of(books.entries[-1]).gift_card == change.after.id
        assert books.wallet.holds == ()

    @pytest.mark.parametrize(("name", "asked"), [("give", {"points": 70}), ("card", {})])
    def test_it_counts_as_redeemed_for_ever(self, name: str, asked: dict[str, int]) -> None:
        books = RICH.redeemed("r", name, **asked)
        for today in (0, 400):
            assert state(books.on(today)) is RedemptionState.REDEEMED
            for attempt in (books.on(today).used, books.on(today).cancelled):
                with pytest.raises(VoucherUsedError):
                    attempt("r")


class TestUsed:
    """A voucher is taken at a till, once."""

    def test_it_pays_a_part_of_the_order_and_its_stock_is_gone_for_good(self) -> None:
        before = RICH.redeemed("r")
        books = before.on(9).used("r", "order", 100)
        entry = books.entries[-1]
        assert (entry.kind, entry.key, entry.names) == (EntryKind.USE, use_key(redemption("r")), redemption("r"))
        assert entry.postings == ()
        assert books.changes == (
            OrderPaid("order", redemption("r"), 100),
            StockMoved(before.stock["mug"], Stock("mug", total=2, used=1, version=2)),
        )
        assert books.wallet.holds == ()
        assert (state(books), books.breaks()) == (RedemptionState.REDEEMED, [])

    def test_it_neither_lapses_nor_is_cancelled_nor_used_again(self) -> None:
        for today in (0, 9, 10, 400):
            books = RICH.redeemed("r").used("r").on(today)
            assert (books.purse.redeemed, state(books)) == (60, RedemptionState.REDEEMED)
            for attempt in (books.used, books.cancelled):
                with pytest.raises(VoucherUsedError):
                    attempt("r")

    def test_somebody_else_s_is_refused_before_anything_is_told_about_it(self) -> None:
        books = RICH.redeemed("r").cancelled("r")
        with pytest.raises(VoucherForeignError):
            use(books.view("mug"), books.entry(redemption("r")), Use(order_id="o"), member_id=BOB, digest=b"")

    def test_only_redemptions_are_used(self) -> None:
        with pytest.raises(RedemptionUnknownError):
            use(RICH.view(), RICH.entries[0], Use(order_id="o"), member_id=ADA, digest=b"")


class TestCancelled:
    """It is taken back before it was used."""

    def test_points_and_stock_come_back(self) -> None:
        books = RICH.redeemed("r").on(5).cancelled("r")
        entry = books.entries[-1]
        assert (entry.kind, entry.key, entry.names) == (EntryKind.CANCELLATION, cancel_key(redemption("r")), redemption("r"))
        assert books.purse == RICH.purse
        assert books.stock["mug"] == Stock("mug", total=2, version=2)
        assert (state(books), books.breaks()) == (RedemptionState.CANCELLED, [])

    def test_it_can_be_neither_used_nor_cancelled_again_also_after_it_would_have_lapsed(self) -> None:
        for today in (5, 50):
            books = RICH.redeemed("r").cancelled("r").on(today)
            for attempt in (books.used, books.cancelled):
                with pytest.raises(VoucherCancelledError):
                    attempt("r")

    def test_one_of_two_equal_redemptions_leaves_the_other(self) -> None:
        books = RICH.bought("B", 10_000).redeemed("r").redeemed("s").cancelled("r")
        assert [hold.key for hold in books.wallet.holds] == [redemption("s")]
        assert (books.purse.redeemed, books.stock["mug"].held) == (60, {day(10): 1})
        assert books.used("s").purse.redeemed == 60

    def test_one_that_never_lapses_is_cancelled_years_later(self) -> None:
        books = Books(versions=(terms(lives=None),), rewards=REWARDS).bought("A", 10_000).redeemed("r", "cup")
        assert books.on(3_000).cancelled("r").purse.active == 100


class TestLapsed:
    """Nobody used it in time."""

    def test_the_last_day_is_the_day_before(self) -> None:
        books = RICH.redeemed("r")
        assert [state(books.on(today)) for today in (9, 10)] == [RedemptionState.ISSUED, RedemptionState.EXPIRED]

    def test_it_answers_as_returned(self) -> None:
        books = RICH.redeemed("r").on(10)
        for attempt in (books.used, books.cancelled):
            with pytest.raises(VoucherLapsedError) as refusal:
                attempt("r")
            assert refusal.value.lapsed_on == day(10)

    def test_its_place_in_the_stock_is_never_given_back_twice(self) -> None:
        books = RICH.redeemed("r").on(10).redeemed("s")
        assert books.stock["mug"].available(day(10)) == 1
        assert books.cancelled("s").stock["mug"].available(day(10)) == 2

    def test_a_server_whose_clock_is_behind_does_not_use_what_another_gave_away(self) -> None:
        """Midnight came for one server, which booked the lapse; the other still has the evening before."""
        books = RICH.redeemed("r").on(10).bought("B", 0).on(9)
        with pytest.raises(VoucherLapsedError):
            books.used("r")
        given_away = replace(RICH.redeemed("r").on(9), stock={"mug": Stock("mug", total=2)})
        with pytest.raises(TryAgainError):
            given_away.used("r")


def test_a_redemption_by_a_server_whose_clock_is_behind_counts_on_the_day_that_counts() -> None:
    books = RICH.on(7).bought("B", 0).on(6).redeemed("r")
    assert (books.entries[-1].recorded_on, books.wallet.holds[0].lapses_on) == (day(7), day(17))


def test_a_limit_is_reached_by_redemptions_and_not_by_quotes() -> None:
    rewards = {"mug": reward("mug", 1, limits={"ever": 2})}
    books = replace(RICH, rewards=rewards)
    assert quoted(books).obstacles == quoted(books).obstacles == []
    books = books.redeemed("r").redeemed("s")
    with pytest.raises(LimitReachedError):
        books.redeemed("t")
