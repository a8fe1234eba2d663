"""The difference between two courses of history turns the outcome of one into that of the other, and moves nothing in vain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.difference import difference
from shared.domain.points import Account, Credit, Lot, Posting, owed
from shared.domain.purse import Purse

DAY = date(2026, 6, 1)
LOTS = (Lot(1, 30, None, DAY + timedelta(days=9)), Lot(31, 20, DAY + timedelta(days=4), None))
START = Purse("points", lots=LOTS, next_serial=51)


@dataclass(frozen=True)
class Move:
    """Days pass, then points arrive (with their serials), are spent or are forgiven."""

    days: int
    name: str
    points: int
    first: int
    pending: int
    lives: int | None


@st.composite
def histories(draw: st.DrawFn) -> list[Move]:
    """What happens to a purse; each credit has serials of its own."""
    found, serial = [], START.next_serial
    for _ in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(["credit", "credit", "spend", "spend", "forgive", "adjust"]))
        points = draw(st.integers(1, 60))
        pending = draw(st.sampled_from([0, 0, 3, 8]))
        lives = draw(st.sampled_from([None, 9, 12, 30]))
        found.append(Move(draw(st.sampled_from([0, 1, 4, 9, 25])), name, points, serial, pending, lives))
        serial += points
    return found


@st.composite
def restated(draw: st.DrawFn) -> tuple[list[Move], list[Move]]:
    """A history, and the same with some of it taken out or cut down and one more thing at its end."""
    history = draw(histories())
    kept = [draw(st.sampled_from([0, 0, 1, 2])) for _ in history]
    changed = [replace(move, points=move.points * (2 - cut) // 2) for move, cut in zip(history, kept, strict=True)]
    last = Move(draw(st.sampled_from([0, 4, 9])), "spend", draw(st.integers(0, 60)), 0, 0, None)
    return history, [*changed, last]


def play(history: Sequence[Move], purse: Purse = START) -> tuple[Purse, list[Posting]]:
    """The purse after the history, and all postings on the way."""
    day, postings = DAY, list[Posting]()
    for move in history:
        day += timedelta(days=move.days)
        purse, made = purse.settled(day)
        postings += made
        if not move.points:
            continue
        match move.name:
            case "credit":
                gone = None if move.lives is None else day + timedelta(days=move.lives)
                credit = Credit("points", move.points, day + timedelta(days=move.pending), gone, first=move.first)
                purse, made = purse.credited(credit, day)
            case "spend":
                purse, made = purse.spent(move.points, Account.REDEEMED)
            case "adjust":
                purse, made = purse.spent(move.points, Account.ADJUSTED)
            case _:
                purse, made = purse.forgiven(move.points)
        postings += made
    return purse, postings


def applied(purse: Purse, postings: Sequence[Posting]) -> Purse:
    """The purse after the postings."""
    for posting in postings:
        purse = purse.undone(replace(posting, debit=posting.credit, credit=posting.debit))
    return replace(purse, next_serial=0)


@given(restated())
def test_it_turns_the_outcome_of_one_course_into_that_of_the_other(case: tuple[list[Move], list[Move]]) -> None:
    history, changed = case
    one, before = play(history)
    other, after = play(changed)
    assert applied(one, difference("points", before, after)) == replace(other, next_serial=0)
    assert applied(other, difference("points", after, before)) == replace(one, next_serial=0)


@given(restated())
def test_undoing_all_postings_backwards_leads_back_to_the_start(case: tuple[list[Move], list[Move]]) -> None:
    for history in case:
        purse, postings = play(history)
        for posting in reversed(postings):
            purse = purse.undone(posting)
        assert replace(purse, next_serial=START.next_serial) == START


@given(restated())
def test_it_can_be_undone_like_any_posting(case: tuple[list[Move], list[Move]]) -> None:
    history, changed = case
    one, before = play(history)
    other, after = play(changed)
    purse = other
    for posting in reversed(difference("points", before, after)):
        purse = purse.undone(posting)
    assert replace(purse, next_serial=0) == replace(one, next_serial=0)


@given(histories())
def test_there_is_none_between_a_course_and_itself(history: list[Move]) -> None:
    _, postings = play(history)
    assert difference("points", postings, postings) == ()


@given(restated())
def test_each_serial_moves_at_most_once_and_no_posting_is_empty_or_idle(case: tuple[list[Move], list[Move]]) -> None:
    history, changed = case
    found = difference("points", play(history)[1], play(changed)[1])
    serials = [n for posting in found for lot in posting.lots if lot.first for n in range(lot.first, lot.last + 1)]
    assert len(serials) == len(set(serials))
    assert all(posting.points > 0 and posting.debit is not posting.credit for posting in found)
    assert len({(posting.debit, posting.credit) for posting in found}) == len(found)


@given(restated())
def test_from_one_course_over_a_second_to_a_third_is_as_good_as_straight(case: tuple[list[Move], list[Move]]) -> None:
    history, changed = case
    third = changed[: len(changed) // 2]
    one, before = play(history)
    _, between = play(changed)
    last, after = play(third)
    over = applied(one, difference("points", before, between))
    assert applied(over, difference("points", between, after)) == replace(last, next_serial=0)


class TestPostings:
    """By hand."""

    def test_serials_that_a_redemption_frees_go_back_to_where_they_came_from(self) -> None:
        lot = Lot(1, 5, None, DAY)
        taken = [Posting(Account.ACTIVE, Account.REDEEMED, "points", (lot,))]
        assert difference("points", taken, []) == (Posting(Account.REDEEMED, Account.ACTIVE, "points", (lot,)),)

    def test_only_the_part_that_both_treat_differently_moves(self) -> None:
        before = [Posting(Account.ACTIVE, Account.REDEEMED, "points", (Lot(1, 10, None, None),))]
        after = [Posting(Account.ACTIVE, Account.REDEEMED, "points", (Lot(4, 10, None, None),))]
        assert difference("points", before, after) == (
            Posting(Account.REDEEMED, Account.ACTIVE, "points", (Lot(1, 3, None, None),)),
            Posting(Account.ACTIVE, Account.REDEEMED, "points", (Lot(11, 3, None, None),)),
        )

    def test_what_nothing_covers_any_more_is_owed(self) -> None:
        lot = Lot(1, 10, None, None)
        earned = Posting(Account.ISSUED, Account.ACTIVE, "points", (lot,))
        before = [earned, Posting(Account.ACTIVE, Account.REDEEMED, "points", (lot,))]
        after = [Posting(Account.DEBT, Account.REDEEMED, "points", (owed(10),))]
        assert difference("points", before, after) == (
            Posting(Account.REDEEMED, Account.ISSUED, "points", (lot,)),
            Posting(Account.DEBT, Account.REDEEMED, "points", (owed(10),)),
        )

    def test_pending_points_keep_the_day_they_mature(self) -> None:
        lot = Lot(1, 10, DAY, None)
        before = [Posting(Account.ISSUED, Account.PENDING, "points", (lot,))]
        after = [Posting(Account.ISSUED, Account.PENDING, "points", (replace(lot, count=6),))]
        assert difference("points", before, after) == (
            Posting(Account.PENDING, Account.ISSUED, "points", (replace(lot, first=7, count=4),)),
        )

    def test_points_that_expired_repay_a_debt_in_hindsight(self) -> None:
        lot = Lot(1, 10, None, DAY)
        before = [Posting(Account.ACTIVE, Account.EXPIRED, "points", (lot,))]
        after = [Posting(Account.ACTIVE, Account.DEBT, "points", (lot,))]
        assert difference("points", before, after) == (Posting(Account.EXPIRED, Account.DEBT, "points", (lot,)),)
