"""Numbered points: what credits, days and closing do to a purse."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.domain.errors import AmountOverLimitError, BalanceOverLimitError
from shared.domain.points import BALANCE_MAX, POINTS_PER_CALL_MAX, Account, Credit, Lot, Posting, merged, owed
from shared.domain.purse import Purse

DAY = date(2026, 3, 2)


def on(days: int) -> date:
    """A day, counted from DAY."""
    return DAY + timedelta(days=days)


def credit(points: int, spendable_in: int = 0, gone_in: int | None = 365) -> Credit:
    return Credit("points", points, on(spendable_in), None if gone_in is None else on(gone_in))


def credited(*credits: Credit, debt: int = 0, day: int = 0) -> Purse:
    """A purse after some credits of one day."""
    purse = Purse("points", debt=debt, redeemed=debt)
    for given in credits:
        purse = purse.settled(on(day))[0].credited(given, on(day))[0]
    return purse


def moves(postings: tuple[Posting, ...]) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """Postings as debit, credit and runs of serials (first, last)."""
    return [(p.debit.value, p.credit.value, [(lot.first, lot.last) for lot in p.lots]) for p in postings]


def test_credits_take_the_next_serials() -> None:
    purse = credited(credit(10, gone_in=100), credit(5, gone_in=50))
    assert [(lot.first, lot.last) for lot in purse.lots] == [(1, 10), (11, 15)]
    assert (purse.next_serial, purse.issued, purse.balance) == (16, 15, 15)


def test_neighbours_with_equal_dates_become_one_lot() -> None:
    assert credited(credit(10), credit(5)).lots == (Lot(1, 15, None, on(365)),)


def test_neighbours_with_other_dates_stay_apart_and_so_do_lots_with_a_gap() -> None:
    lots = [
        Lot(8, 2, None, on(1)),
        Lot(1, 3, None, on(1)),
        Lot(4, 3, None, on(2)),
        Lot(10, 1, DAY, on(1)),
        Lot(11, 0, None, None),
    ]
    assert merged(lots) == (Lot(1, 3, None, on(1)), Lot(4, 3, None, on(2)), Lot(8, 2, None, on(1)), Lot(10, 1, DAY, on(1)))


def test_a_credit_of_nothing_is_no_posting_and_takes_no_serial() -> None:
    purse, postings = Purse("points").credited(credit(0), DAY)
    assert (purse, postings) == (Purse("points"), ())


def test_points_that_can_be_spent_at_once_go_straight_to_active() -> None:
    purse, postings = Purse("points").credited(credit(7), DAY)
    assert moves(postings) == [("issued", "active", [(1, 7)])]
    assert purse.lots == (Lot(1, 7, None, on(365)),)
    assert postings[0].lots == (Lot(1, 7, DAY, on(365)),), "the entry keeps the dates for ever"


def test_points_that_can_be_spent_later_are_pending_until_the_start_of_that_day() -> None:
    purse, postings = Purse("points").credited(credit(7, spendable_in=14), DAY)
    assert moves(postings) == [("issued", "pending", [(1, 7)])]
    assert (purse.active, purse.pending, purse.deadlines()) == (0, 7, ())
    waiting, nothing = purse.settled(on(13))
    assert (waiting, nothing) == (purse, ())
    ripe, matured = purse.settled(on(14))
    assert moves(matured) == [("pending", "active", [(1, 7)])]
    assert (ripe.active, ripe.pending) == (7, 0)


def test_points_can_be_spent_to_the_end_of_their_last_day_and_not_on_the_next() -> None:
    purse = credited(credit(7, gone_in=10))
    assert purse.settled(on(9)) == (purse, ())
    gone, postings = purse.settled(on(10))
    assert moves(postings) == [("active", "expired", [(1, 7)])]
    assert (gone.lots, gone.expired, gone.balance, gone.issued) == ((), 7, 0, 7)


def test_points_that_never_expire_stay() -> None:
    purse = credited(credit(7, gone_in=None))
    assert purse.settled(date.max)[0] == purse


def test_points_that_arrive_after_their_last_day_are_expired_and_were_never_active() -> None:
    purse, postings = Purse("points").credited(credit(7, spendable_in=-400, gone_in=0), DAY)
    assert moves(postings) == [("issued", "expired", [(1, 7)])]
    assert (purse.lots, purse.expired, purse.next_serial) == ((), 7, 8)


def test_points_that_arrive_on_their_last_day_can_still_be_spent_that_day() -> None:
    purse, _ = Purse("points").credited(credit(7, spendable_in=-364, gone_in=1), DAY)
    assert purse.balance == 7
    assert purse.settled(on(1))[0].balance == 0


def test_dead_points_repay_no_debt() -> None:
    purse, postings = Purse("points", debt=5).credited(credit(7, spendable_in=-400, gone_in=-1), DAY)
    assert (purse.debt, moves(postings)) == (5, [("issued", "expired", [(1, 7)])])


def test_points_that_mature_and_expire_while_nobody_looks_are_booked_as_both() -> None:
    purse = credited(credit(7, spendable_in=3, gone_in=10))
    gone, postings = purse.settled(on(400))
    assert moves(postings) == [("pending", "active", [(1, 7)]), ("active", "expired", [(1, 7)])]
    assert (gone.expired, gone.lots) == (7, ())


def test_the_next_points_that_become_spendable_repay_debt_lowest_serial_first() -> None:
    purse, postings = Purse("points", debt=4, redeemed=4).credited(credit(10), DAY)
    assert moves(postings) == [("issued", "debt", [(1, 4)]), ("issued", "active", [(5, 10)])]
    assert (purse.debt, purse.active, purse.balance) == (0, 6, 6)
    assert purse.lots == (Lot(5, 6, None, on(365)),)


def test_a_debt_as_large_as_the_credit_takes_all_of_it() -> None:
    for debt, left in ((10, 0), (11, 1)):
        purse, postings = Purse("points", debt=debt, redeemed=debt).credited(credit(10), DAY)
        assert moves(postings) == [("issued", "debt", [(1, 10)])]
        assert (purse.debt, purse.balance, purse.lots) == (left, -left, ())


def test_pending_points_repay_debt_only_when_they_mature_the_earliest_first() -> None:
    purse = credited(credit(5, spendable_in=9), credit(5, spendable_in=3), debt=7)
    assert (purse.debt, purse.pending) == (7, 10)
    after_three, postings = purse.settled(on(3))
    assert moves(postings) == [("pending", "debt", [(6, 10)])]
    assert (after_three.debt, after_three.pending) == (2, 5)
    after_nine, postings = after_three.settled(on(9))
    assert moves(postings) == [("pending", "debt", [(1, 2)]), ("pending", "active", [(3, 5)])]
    assert (after_nine.debt, after_nine.active) == (0, 3)


def test_of_points_that_mature_on_one_day_the_lowest_serials_repay() -> None:
    purse = credited(credit(5, spendable_in=3, gone_in=200), credit(5, spendable_in=3, gone_in=100), debt=7)
    settled, postings = purse.settled(on(3))
    assert moves(postings) == [("pending", "debt", [(1, 5), (6, 7)]), ("pending", "active", [(8, 10)])]
    assert settled.deadlines() == ((on(100), 3),)


def test_points_that_repaid_debt_before_their_last_day_do_not_expire() -> None:
    purse = credited(credit(5, spendable_in=3, gone_in=10), debt=2)
    settled, _ = purse.settled(on(10))
    assert (settled.debt, settled.expired) == (0, 3)


def test_a_balance_is_what_is_active_less_what_is_owed() -> None:
    assert Purse("points", debt=40).balance == -40
    assert credited(credit(5, spendable_in=1), debt=3).balance == -3


def test_deadlines_come_earliest_first_never_last_and_sum_to_the_active_points() -> None:
    purse = credited(
        credit(1, gone_in=None), credit(2, gone_in=9), credit(4, gone_in=5), credit(8, gone_in=9), credit(16, 1, 2)
    )
    assert purse.deadlines() == ((on(5), 4), (on(9), 10), (None, 1))
    assert sum(points for _, points in purse.deadlines()) == purse.active == 15


def test_one_credit_moves_at_most_what_one_call_may() -> None:
    assert Purse("points").credited(credit(POINTS_PER_CALL_MAX), DAY)[0].active == POINTS_PER_CALL_MAX
    with pytest.raises(AmountOverLimitError):
        Purse("points").credited(credit(POINTS_PER_CALL_MAX + 1), DAY)


@pytest.mark.parametrize("spendable_from", [None, DAY + timedelta(days=9)])
def test_a_purse_stays_below_its_limit_pending_points_counted(spendable_from: date | None) -> None:
    purse = Purse("points", lots=(Lot(1, BALANCE_MAX - 10, spendable_from, None),), next_serial=BALANCE_MAX)
    assert purse.credited(credit(9), DAY)[0].issued == 9
    with pytest.raises(BalanceOverLimitError):
        purse.credited(credit(10), DAY)


def test_whoever_leaves_forfeits_active_and_pending_points() -> None:
    purse = credited(credit(5), credit(7, spendable_in=3))
    left, postings = purse.emptied(Account.ADJUSTED)
    assert moves(postings) == [("active", "adjusted", [(1, 5)]), ("pending", "adjusted", [(6, 12)])]
    assert (left.active, left.pending, left.adjusted) == (0, 0, 12)


def test_whoever_leaves_in_debt_is_forgiven() -> None:
    purse = Purse("points", debt=30, redeemed=30, next_serial=5)
    left, postings = purse.emptied(Account.ADJUSTED)
    assert postings == (Posting(Account.ADJUSTED, Account.DEBT, "points", (owed(30),)),)
    assert (left.debt, left.adjusted, left.next_serial) == (0, -30, 5), "what is forgiven has no numbers"


def test_an_empty_purse_is_left_without_a_posting() -> None:
    assert Purse("points").emptied(Account.ADJUSTED) == (Purse("points"), ())


def test_a_split_keeps_the_dates_and_every_serial() -> None:
    lot = Lot(5, 10, DAY, on(9))
    low, high = lot.split(3)
    assert (low, high) == (Lot(5, 3, DAY, on(9)), Lot(8, 7, DAY, on(9)))


def test_a_posting_counts_its_points() -> None:
    lots = (Lot(1, 3, None, None), Lot(7, 2, None, None))
    assert Posting(Account.ACTIVE, Account.EXPIRED, "points", lots).points == 5
