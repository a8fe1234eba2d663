"""The rules' own examples, and what each kind of undo gives back (the rules of points, 8-11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import (
    LimitReachedError,
    MemberClosedError,
    OverRefundError,
    PointsShortError,
    VoucherCancelledError,
    VoucherLapsedError,
)
from shared.domain.points import Account
from shared.domain.subject import Refund
from tests.unit.books import Books, day, redemption, reward, terms


def two_lots() -> Books:
    """A: 100 points whose last day is 2027-01-10. B, earned later: 80, last day 2026-06-30. It is 2026-06-01."""
    versions = (terms(1, -400, lives=244), terms(2, -10, lives=35))
    books = Books(versions=versions, rewards={"feast": reward("feast", 120, lapses=None)})
    books = books.bought("A", 10_000, occurred=-20).bought("B", 8_000, occurred=-5)
    assert last_days(books) == {"2026-06-30": 80, "2027-01-10": 100}
    return books


def last_days(books: Books) -> dict[str, int]:
    """Active points by the last day on which they can be spent."""
    found = {}
    for gone_on, points in books.purse.deadlines():
        found["never" if gone_on is None else str(gone_on - timedelta(days=1))] = points
    return found


def moves(books: Books) -> list[tuple[str, str, int]]:
    """What the last entry posts."""
    return [(p.debit.value, p.credit.value, p.points) for p in books.entries[-1].postings]


def proved(books: Books) -> Books:
    """The books, after the proof found nothing and the fold says the same."""
    assert books.breaks() == []
    assert books.standing() == books.fold(books.today)
    return books


JULY_1 = 30
"""2026-07-01."""


def test_lots_and_refund_of_the_order_that_expires_later() -> None:
    books = two_lots().redeemed("r", "feast")
    assert last_days(books) == {"2027-01-10": 60}
    books = books.refunded("A")
    assert (books.purse.active, books.purse.debt, books.purse.balance) == (0, 40, -40)
    books = proved(books.cancelled("r"))
    assert (books.purse.balance, last_days(books)) == (80, {"2026-06-30": 80})
    assert books.on(JULY_1).purse.balance == 0
    proved(books.on(JULY_1).bought("C", 0))


def test_lots_and_refund_of_the_order_that_expires_first() -> None:
    books = two_lots().redeemed("r", "feast").refunded("B")
    assert (books.purse.active, books.purse.debt) == (0, 20)
    books = proved(books.cancelled("r"))
    assert (books.purse.balance, last_days(books)) == (100, {"2027-01-10": 100})
    assert books.on(JULY_1).purse.balance == 100
    proved(books.on(JULY_1).bought("C", 0))


@pytest.mark.parametrize("order", ["A", "B"])
def test_asking_once_more_for_what_is_undone_changes_nothing(order: str) -> None:
    books = two_lots().redeemed("r", "feast").refunded(order).cancelled("r")
    for today in (0, JULY_1):
        later = books.on(today)
        with pytest.raises(VoucherCancelledError):
            later.cancelled("r")
        with pytest.raises(OverRefundError) as refusal:
            later.refunded(order, amount=1)
        assert refusal.value.refundable == 0
        again = proved(later.refunded(order, "again"))
        assert again.standing().purses == later.standing().purses
        assert isinstance(again.entries[-1].subject, Refund)
        assert again.entries[-1].subject.total == 0


def test_undone_the_other_way_round_it_is_the_same() -> None:
    redeemed = two_lots().redeemed("r", "feast")
    for order in ("A", "B"):
        one, other = redeemed.refunded(order).cancelled("r"), redeemed.cancelled("r").refunded(order)
        assert (one.wallet.purses, one.wallet.holds) == (other.wallet.purses, other.wallet.holds)


def test_the_refund_of_points_that_expired_leaves_no_debt() -> None:
    books = Books(versions=(terms(lives=10),)).bought("A", 10_000).on(11).refunded("A")
    assert (books.purse.balance, books.purse.debt, books.purse.expired, books.purse.issued) == (0, 0, 0, 0)
    # Nothing had booked the expiry, so there is none to reverse.
    assert moves(proved(books)) == [("active", "issued", 100)]


def test_the_refund_of_points_that_were_booked_as_expired_reverses_the_expiry() -> None:
    books = Books(versions=(terms(lives=10),)).bought("A", 10_000).on(11).bought("B", 0)
    assert moves(books) == [("active", "expired", 100)]
    assert moves(proved(books.refunded("A"))) == [("expired", "issued", 100)]


def test_an_absence_in_which_points_expire_and_others_ripen_and_expire_too_is_booked_in_the_order_it_went() -> None:
    versions = (terms(1, -400, lives=25), terms(2, -10, lives=20, pending=6))
    books = Books(versions=versions).bought("A", 10_000, occurred=-20).bought("B", 8_000).on(30).bought("C", 0)
    assert moves(books) == [("pending", "active", 80), ("active", "expired", 180)]
    books = proved(proved(books.refunded("A")).refunded("B"))
    assert (books.purse.issued, books.purse.expired, books.purse.lots) == (0, 0, ())


def test_two_refunds_after_everything_was_spent_are_debt() -> None:
    versions = (terms(1, -400, lives=100), terms(2, -10, lives=300))
    books = Books(versions=versions, rewards={"mug": reward("mug", 100, lapses=None)})
    books = books.bought("A", 10_000, occurred=-20).bought("B", 5_000).redeemed("r")
    assert moves(books) == [("active", "redeemed", 100)]
    assert [lot.first for lot in books.purse.lots] == [101], "it takes A"
    books = books.refunded("A")
    assert (books.purse.active, books.purse.debt) == (0, 50)
    books = proved(books.refunded("B"))
    assert (books.purse.active, books.purse.debt) == (0, 100)


def test_a_cancellation_after_the_points_it_took_are_gone_frees_those_it_pushed_others_to() -> None:
    """The first redemption takes A, the second B; without the first, the second had A, and B's points are there."""
    versions = (terms(1, -400, lives=50), terms(2, -10, lives=300))
    books = Books(versions=versions, rewards={"mug": reward("mug", 100, lapses=None)})
    books = books.bought("A", 10_000, occurred=-20).bought("B", 10_000)
    books = books.redeemed("first").redeemed("second").on(40).cancelled("first")
    assert [(lot.first, lot.count) for lot in books.purse.lots] == [(101, 100)]
    assert (books.purse.expired, books.purse.debt) == (0, 0)
    # A is spent by the second now as by the first before; B comes back.
    assert moves(proved(books)) == [("redeemed", "active", 100)]
    assert [lot.first for lot in books.entries[-1].postings[0].lots] == [101]


def test_a_cancellation_does_not_bring_back_points_that_would_be_gone_by_now() -> None:
    books = Books(versions=(terms(lives=10),), rewards={"mug": reward("mug", 60, lapses=None)})
    books = books.bought("A", 10_000).redeemed("r").on(20).cancelled("r")
    assert (books.purse.balance, books.purse.expired, books.purse.redeemed) == (0, 100, 0)
    assert sorted(moves(proved(books))) == [("active", "expired", 40), ("redeemed", "expired", 60)]


class TestRefundAndMaturity:
    """Points that cannot be spent yet."""

    BOOKS = Books(versions=(terms(lives=30, pending=10),), rewards={"mug": reward("mug", 60, lapses=None)})

    def test_before_they_mature_the_refund_takes_pending_points(self) -> None:
        books = self.BOOKS.bought("A", 10_000).on(3).refunded("A", amount=4_000)
        assert (books.purse.pending, books.purse.active, books.purse.debt) == (60, 0, 0)
        assert moves(proved(books)) == [("pending", "issued", 40)]
        assert books.on(10).purse.active == 60

    def test_after_they_matured_the_refund_takes_active_points_booked_or_not(self) -> None:
        matured = self.BOOKS.bought("A", 10_000).on(12)
        unbooked = matured.refunded("A", amount=4_000)
        assert sorted(moves(proved(unbooked))) == [("pending", "active", 60), ("pending", "issued", 40)]
        booked = matured.bought("B", 0).refunded("A", amount=4_000)
        assert moves(proved(booked)) == [("active", "issued", 40)]
        assert unbooked.purse == booked.purse

    def test_the_highest_serials_go(self) -> None:
        books = self.BOOKS.bought("A", 10_000).refunded("A", amount=4_000)
        assert [(lot.first, lot.count) for lot in books.entries[-1].postings[0].lots] == [(61, 40)]
        assert [(lot.first, lot.count) for lot in books.purse.lots] == [(1, 60)]
        assert books.bought("B", 1_000).purse.lots[-1].last == 110, "nobody gets them again"

    def test_after_they_were_spent_it_is_debt_that_the_next_points_repay_when_they_mature(self) -> None:
        books = self.BOOKS.bought("A", 10_000).on(10).redeemed("r").refunded("A").bought("B", 5_000)
        assert (books.purse.debt, books.purse.pending, books.purse.balance) == (60, 50, -60)
        assert books.on(20).purse.balance == -10
        assert moves(proved(books.on(20).bought("C", 0))) == [("pending", "debt", 50)]

    def test_of_two_orders_that_mature_on_one_day_the_lowest_serials_repay_first(self) -> None:
        versions = (terms(1, -400, lives=60, pending=20), terms(2, -10, lives=30, pending=10))
        books = Books(versions=versions).adjusted("fine", -50)
        books = books.bought("A", 3_000, occurred=-11).bought("B", 4_000, occurred=-1).on(9)
        assert [(lot.first, lot.count) for lot in books.purse.lots] == [(51, 20)]
        proved(books.bought("C", 0))


class TestLapse:
    """A redemption that was not used in time is returned by the date alone."""

    BOOKS = Books(versions=(terms(lives=30),), rewards={"mug": reward("mug", 60, lapses=10)}).bought("A", 10_000).redeemed("r")

    def test_on_its_last_day_it_still_holds_the_points(self) -> None:
        assert self.BOOKS.on(9).purse.active == 40
        assert self.BOOKS.on(9).used("r").purse.active == 40

    def test_from_the_day_after_every_read_has_them_back_with_nothing_booked(self) -> None:
        lapsed = self.BOOKS.on(10)
        assert (lapsed.purse.active, lapsed.purse.redeemed, lapsed.standing().holds) == (100, 0, ())
        assert lapsed.wallet == self.BOOKS.wallet
        assert lapsed.on(30).purse.balance == 0, "with their own dates"

    def test_the_next_entry_books_it_whatever_it_is(self) -> None:
        lapsed = self.BOOKS.on(10)
        issued = self.BOOKS.entries[-1].sequence
        for after in (lapsed.bought("B", 1_000), lapsed.redeemed("s"), lapsed.refunded("A", amount=100), lapsed.closed()):
            entry = proved(after).entries[-1]
            assert entry.lapsed == (issued,)
            assert all(hold.sequence != issued for hold in after.wallet.holds)
        assert moves(lapsed.bought("B", 0)) == [("redeemed", "active", 60)]

    def test_booked_or_not_the_points_are_the_same_on_every_later_day(self) -> None:
        booked = self.BOOKS.on(10).bought("B", 0)
        for today in (10, 15, 29, 30, 31):
            assert self.BOOKS.on(today).purse == booked.on(today).purse

    def test_freed_points_can_be_spent_in_the_very_entry_that_books_the_lapse(self) -> None:
        spent = self.BOOKS.on(10).redeemed("s").on(10)
        assert spent.purse.active == 40
        with pytest.raises(PointsShortError):
            self.BOOKS.on(9).redeemed("s")

    def test_it_can_be_neither_used_nor_cancelled_any_more(self) -> None:
        for books in (self.BOOKS.on(10), self.BOOKS.on(10).bought("B", 0)):
            for attempt in (books.used, books.cancelled):
                with pytest.raises(VoucherLapsedError) as refusal:
                    attempt("r")
                assert refusal.value.lapsed_on == day(10)

    def test_points_that_expired_while_they_were_held_do_not_come_back(self) -> None:
        books = Books(versions=(terms(lives=5),), rewards={"mug": reward("mug", 60, lapses=10)})
        books = books.bought("A", 10_000).redeemed("r")
        assert (books.on(9).purse.redeemed, books.on(9).purse.expired) == (60, 40)
        assert (books.on(10).purse.redeemed, books.on(10).purse.expired, books.on(10).purse.active) == (0, 100, 0)
        proved(books.on(10).bought("B", 0))

    def test_two_that_lapse_on_different_days_are_booked_by_one_entry(self) -> None:
        books = Books(rewards={"mug": reward("mug", 40, lapses=10)}).bought("A", 10_000).redeemed("r")
        books = books.on(4).redeemed("s").on(30).bought("B", 0)
        assert books.entries[-1].lapsed == (2, 3)
        assert (proved(books).purse.active, books.wallet.holds) == (100, ())

    def test_a_refund_while_it_lapses_owes_nothing(self) -> None:
        books = proved(self.BOOKS.on(10).refunded("A"))
        assert (books.purse.active, books.purse.debt, books.purse.issued) == (0, 0, 0)


class TestClamping:
    """A program that forgives what a refund would leave as debt."""

    @staticmethod
    def books() -> Books:
        return Books(versions=(terms(clawback="forgive"),), rewards={"mug": reward("mug", 60, lapses=None)})

    def test_a_refund_after_spending_leaves_no_debt(self) -> None:
        books = proved(self.books().bought("A", 10_000).redeemed("r").refunded("A"))
        assert (books.purse.active, books.purse.debt, books.purse.adjusted) == (0, 0, -60)

    def test_cancelling_afterwards_makes_no_points(self) -> None:
        books = proved(self.books().bought("A", 10_000).redeemed("r").refunded("A").cancelled("r"))
        assert (books.purse.active, books.purse.debt, books.purse.adjusted, books.purse.redeemed) == (0, 0, 0, 0)

    def test_it_forgives_no_more_than_there_is(self) -> None:
        books = proved(self.books().bought("A", 10_000).redeemed("r").refunded("A", amount=5_000))
        assert (books.purse.active, books.purse.debt, books.purse.adjusted) == (0, 0, -10)

    def test_an_older_debt_is_covered_up_to_what_the_refund_takes_back(self) -> None:
        books = self.books().adjusted("fine", -80)
        assert books.purse.debt == 80
        books = proved(books.bought("A", 5_000).refunded("A"))
        assert (books.purse.debt, books.purse.adjusted) == (30, 80 - 50)

    def test_points_that_arrive_between_make_the_order_matter_as_the_rules_say(self) -> None:
        start = self.books().bought("A", 10_000).redeemed("r")
        one = start.refunded("A").bought("B", 6_000).cancelled("r")
        other = start.bought("B", 6_000).refunded("A").cancelled("r")
        assert (one.purse.active, other.purse.active) == (60, 60)
        kept = start.refunded("A").bought("B", 6_000)
        spent = start.bought("B", 6_000).refunded("A")
        assert (proved(kept).purse.active, proved(spent).purse.active) == (60, 0)


def test_points_that_are_booked_as_expired_repay_an_older_debt_in_hindsight() -> None:
    """A is spent, then B expires; refunding A makes a debt that B would have repaid before it expired."""
    versions = (terms(1, -400, lives=300), terms(2, -10, lives=10))
    books = Books(versions=versions, rewards={"mug": reward("mug", 100, lapses=None)})
    books = books.bought("A", 10_000, occurred=-20).redeemed("r").used("r").bought("B", 5_000).on(20).bought("C", 0)
    assert (books.purse.expired, books.purse.debt) == (50, 0)
    books = proved(books.refunded("A"))
    assert (books.purse.expired, books.purse.debt, books.purse.active) == (0, 50, 0)
    assert sum(points for debit, _, points in moves(books) if debit == Account.EXPIRED) == 50


class TestOrderPaidWithAVoucher:
    """What paid for an order beside money goes back in the floor of the cumulative share."""

    @staticmethod
    def books() -> Books:
        books = Books(rewards={"mug": reward("mug", 100, lapses=10)}).bought("old", 10_000)
        books = books.redeemed("r").bought("order", 3_000, paid_with_rewards=1_000).used("r", "order", 1_000)
        assert (books.purse.active, books.purse.redeemed) == (20, 100)
        return books

    def test_each_part_returns_the_floor_of_all_so_far_less_what_came_back(self) -> None:
        books, back, left = self.books(), [], []
        for _ in range(3):
            books = proved(books.refunded("order", amount=1_000))
            subject = books.entries[-1].subject
            assert isinstance(subject, Refund)
            back.append([(part.kind, part.reference, part.amount) for part in subject.returned])
            left.append((books.purse.active, books.purse.redeemed))
        assert back == [[("points", redemption("r"), points)] for points in (33, 33, 34)]
        # The order itself earned a point a dollar of the 20.00 paid with money: 20, then 13, 6, 0.
        assert left == [(33 + 13, 67), (66 + 6, 34), (100, 0)]

    def test_by_line_or_by_amount_returns_the_same(self) -> None:
        by_line = self.books().refunded("order", lines=((1, 1_500),))
        assert by_line.purse == self.books().refunded("order", amount=1_500).purse

    def test_a_used_voucher_does_not_lapse_though_a_part_of_it_came_back(self) -> None:
        books = self.books().refunded("order", amount=1_500)
        assert books.on(50).purse.redeemed == 50

    def test_returned_points_have_their_own_dates(self) -> None:
        books = Books(versions=(terms(lives=20),), rewards={"mug": reward("mug", 100, lapses=10)}).bought("old", 10_000)
        books = books.redeemed("r").used("r", "order").on(15).bought("order", 1_000)
        assert last_days(books.refunded("order")) == {str(day(19)): 100}
        assert proved(books.on(25).refunded("order")).purse.active == 0

    def test_a_voucher_used_after_a_part_was_refunded_catches_up_with_the_next_refund(self) -> None:
        books = Books(rewards={"mug": reward("mug", 100, lapses=10)}).bought("old", 10_000).redeemed("r")
        books = books.bought("order", 0, 1_000).refunded("order", amount=500).used("r", "order")
        assert books.purse.redeemed == 100
        books = proved(books.refunded("order", amount=100))
        subject = books.entries[-1].subject
        assert isinstance(subject, Refund)
        assert ([part.amount for part in subject.returned], books.purse.redeemed) == ([60], 40)

    def test_the_first_refund_of_an_order_of_nothing_returns_all(self) -> None:
        books = Books(rewards={"mug": reward("mug", 100)}).bought("old", 10_000).redeemed("r").bought("order", 0)
        books = proved(books.used("r", "order").refunded("order"))
        assert (books.purse.active, books.purse.redeemed) == (100, 0)

    def test_a_limit_is_given_back_when_all_of_it_came_back(self) -> None:
        books = Books(rewards={"mug": reward("mug", 10, limits={"ever": 1})}).bought("old", 10_000).redeemed("r")
        books = books.bought("order", 1_000).used("r", "order").refunded("order", amount=999)
        with pytest.raises(LimitReachedError):
            books.redeemed("s")
        assert books.refunded("order").redeemed("s").purse.redeemed == 10


class TestOrderPaidWithAGiftCard:
    """Money on a card goes back as points do."""

    @staticmethod
    def books() -> Books:
        return Books().with_card("card", 5_000).paid_with_card("card", "order", 1_000).bought("order", 3_000)

    def test_each_part_returns_the_floor_of_all_so_far_less_what_came_back(self) -> None:
        books, balances, back = self.books(), [], []
        for _ in range(3):
            books = books.refunded("order", amount=1_000)
            subject = books.entries[-1].subject
            assert isinstance(subject, Refund)
            back += [(part.kind, part.reference, part.amount) for part in subject.returned]
            balances.append(next(iter(books.cards.values())).balance)
        assert back == [("gift_card", "card", amount) for amount in (333, 333, 334)]
        assert balances == [4_333, 4_666, 5_000]

    def test_two_cards_and_a_voucher_each_get_their_share(self) -> None:
        books = replace(self.books(), rewards={"mug": reward("mug", 10)}).with_card("other", 700)
        books = books.paid_with_card("other", "order", 700).redeemed("r").used("r", "order").refunded("order", amount=1_500)
        subject = books.entries[-1].subject
        assert isinstance(subject, Refund)
        returned = {part.reference: part.amount for part in subject.returned}
        assert returned == {redemption("r"): 5, "card": 500, "other": 350}
        proved(books)


class TestClosedMember:
    """Who left has nothing, and owes nothing, whatever comes later."""

    @staticmethod
    def books() -> Books:
        return Books(rewards={"mug": reward("mug", 60, lapses=10)}).bought("A", 10_000).redeemed("r").closed()

    def test_a_later_refund_is_accepted_and_leaves_nothing(self) -> None:
        books = proved(self.books().refunded("A"))
        assert (books.purse.active, books.purse.debt, books.purse.issued) == (0, 0, 0)
        assert (books.purse.redeemed, books.purse.adjusted) == (60, -60)

    def test_a_lapse_after_closing_brings_no_points(self) -> None:
        lapsed = self.books().on(10)
        assert (lapsed.purse.active, lapsed.purse.adjusted, lapsed.purse.redeemed) == (0, 100, 0)
        proved(lapsed.refunded("A"))

    def test_nothing_is_earned_or_redeemed_any_more(self) -> None:
        with pytest.raises(MemberClosedError):
            self.books().bought("B", 100)
        with pytest.raises(MemberClosedError):
            self.books().redeemed("s")


class TestLimits:
    """A reward's limits count what is taken and not given back."""

    @staticmethod
    def books() -> Books:
        limits = {"ever": 2, "per_period": {"period": "month", "count": 1}}
        books = Books(rewards={"mug": reward("mug", 10, lapses=5, limits=limits)}).bought("A", 10_000)
        return books.redeemed("r")

    def test_the_period_s_limit_holds_until_the_period_s_end(self) -> None:
        for today in (0, 3):
            with pytest.raises(LimitReachedError) as refusal:
                self.books().on(today).redeemed("s")
            assert (refusal.value.limit, refusal.value.until) == ("per_period", day(JULY_1))
        used = self.books().used("r").on(JULY_1)
        assert used.standing().taken("mug", day(JULY_1)) == 0
        assert used.redeemed("s").wallet.taken("mug", None) == 2

    def test_a_cancellation_gives_both_limits_back(self) -> None:
        cancelled = proved(self.books().cancelled("r"))
        assert cancelled.wallet.claims == ()
        assert proved(cancelled.redeemed("s")).wallet.taken("mug", None) == 1

    def test_a_lapse_gives_both_limits_back_booked_or_not(self) -> None:
        lapsed = self.books().on(5)
        assert lapsed.standing().claims == ()
        assert proved(lapsed.redeemed("s")).wallet.taken("mug", None) == 1
        assert proved(lapsed.bought("B", 0)).wallet.claims == ()

    def test_the_limit_for_ever_outlives_the_period(self) -> None:
        books = self.books().used("r").on(JULY_1).redeemed("s").used("s").on(61)
        with pytest.raises(LimitReachedError) as refusal:
            books.redeemed("t")
        assert (refusal.value.limit, refusal.value.until) == ("ever", None)

    def test_a_cancellation_in_a_later_period_gives_the_limit_for_ever_back(self) -> None:
        limits = {"ever": 1, "per_period": {"period": "day", "count": 1}}
        books = Books(rewards={"mug": reward("mug", 10, lapses=None, limits=limits)}).bought("A", 10_000).redeemed("r")
        books = books.on(50).bought("B", 0).cancelled("r")
        assert (proved(books).wallet.claims, books.redeemed("s").wallet.taken("mug", None)) == ((), 1)
