"""Adjustments, purely: what is given lives as if bought today, what is taken is there, and above a limit it takes two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.domain.adjusting import (
    AdjustmentRequest,
    adjust,
    adjustment_of,
    approval_digest,
    approved,
    needs_approval,
    posted,
    propose,
    rejected,
)
from shared.domain.audit import audit
from shared.domain.entry import Entry, EntryKey, approval_key, caller_key
from shared.domain.errors import (
    AdjustmentUnknownError,
    AmountOverLimitError,
    BalanceOverLimitError,
    MemberClosedError,
    MemberMergedError,
    PointsShortError,
    RequestInvalidError,
    SameOperatorError,
)
from shared.domain.points import BALANCE_MAX, POINTS_PER_CALL_MAX, Account, Lot
from shared.domain.subject import Adjustment
from tests.fakes.grocer import ADA, BOB
from tests.unit.books import Books, day, noon, reward, terms

KEY = caller_key("ann", "adjust", "case-1")


def asked(points: int, **changes: Any) -> AdjustmentRequest:
    """An operator's wish."""
    return AdjustmentRequest(**{"member_id": ADA, "currency": "points", "points": points, "reason": "late", **changes})


def adjusted(books: Books, points: int, key: EntryKey = KEY, currency: str = "points") -> Books:
    """The books after an adjustment by one operator."""
    request = asked(points, currency=currency)
    decision = adjust(books.view(), request.by("ann"), books.versions[-1].program, key=key, digest=request.digest)
    return books._posted(decision)


def lots(books: Books) -> list[Lot]:
    return list(books.purse.lots)


@pytest.mark.parametrize(
    ("expiry", "gone_on"),
    [
        (None, None),
        ({"after": 10, "rounded_to": "day"}, day(10)),
        ({"after": 1, "rounded_to": "month"}, date(2026, 8, 1)),
        ({"after": 1, "rounded_to": "year"}, date(2027, 1, 1)),
    ],
)
def test_what_is_given_has_new_serials_and_lives_as_if_bought_today(expiry: Any, gone_on: date | None) -> None:
    currencies = [{"code": "points", "pending_days": 3, "expiry": expiry}]
    books = adjusted(Books(versions=[terms(currencies=currencies)]).bought("a", 1000), 7)
    assert lots(books)[-1] == Lot(11, 7, None, gone_on)
    assert (books.purse.adjusted, books.purse.issued) == (-7, 10)
    assert books.breaks() == []


def test_what_is_given_is_no_share_of_a_rule_but_a_reason() -> None:
    [entry] = adjusted(Books(), 7).entries
    assert adjustment_of(entry) == Adjustment(currency="points", points=7, reason="late", operator="ann")
    assert (entry.why, entry.minted()) == ((), {})
    [posting] = entry.postings
    assert (posting.debit, posting.credit, posting.points) == (Account.ADJUSTED, Account.ACTIVE, 7)


def test_what_is_taken_goes_in_the_order_of_spending() -> None:
    books = Books().bought("a", 1000).on(20).bought("b", 500, occurred=-10)
    taken = adjusted(books, -7)
    # All five of b, which are gone first, then the lowest serials of a.
    assert lots(taken) == [Lot(3, 8, None, day(365))]
    assert (taken.purse.adjusted, taken.purse.active) == (7, 8)
    assert taken.breaks() == []


@pytest.mark.parametrize(("today", "active"), [(0, 0), (2, 0), (3, 10), (9, 10), (10, 0)])
def test_only_points_that_are_active_by_date_are_taken(today: int, active: int) -> None:
    books = Books(versions=[terms(lives=10, pending=3)]).bought("a", 1000).on(today)
    if active:
        assert adjusted(books, -active).purse.active == 0
    with pytest.raises(PointsShortError) as refused:
        adjusted(books, -active - 1)
    found = refused.value
    assert (found.points, found.active, found.short_by) == (active + 1, active, 1)


def test_points_of_a_redemption_that_lapsed_are_there_again_booked_or_not() -> None:
    books = Books(rewards={"mug": reward("mug", 8, lapses=5)}).bought("a", 1000).redeemed("one")
    with pytest.raises(PointsShortError):
        adjusted(books.on(4), -3)
    taken = adjusted(books.on(5), -10)
    assert taken.purse.active == 0
    assert taken.entries[-1].lapsed == (2,)
    assert taken.breaks() == []


def test_what_was_given_and_taken_again_leaves_nothing_but_used_serials() -> None:
    books = adjusted(adjusted(Books(), 7), -7, caller_key("ann", "adjust", "case-2"))
    assert (lots(books), books.purse.adjusted, books.purse.next_serial) == ([], 0, 8)
    assert books.breaks() == []


def test_given_points_repay_debt_and_a_later_correction_gives_them_back() -> None:
    books = Books(rewards={"mug": reward("mug", 8)}).bought("a", 1000).redeemed("one").refunded("a")
    assert books.purse.debt == 8
    books = adjusted(books, 20)
    assert (books.purse.active, books.purse.debt) == (12, 0)
    assert books.cancelled("one").purse.active == 20
    assert books.cancelled("one").breaks() == []


def test_a_currency_is_one_of_the_programs_or_for_taking_one_that_the_member_has() -> None:
    books = adjusted(Books(), 7)
    elsewhere = replace(books, versions=[terms(currencies=[{"code": "stars"}], earning_rules=[])])
    assert adjusted(elsewhere, -7, EntryKey("key:ann:adjust:2")).purse.active == 0
    for points, currency in ((7, "points"), (-7, "moons"), (7, "moons")):
        with pytest.raises(RequestInvalidError) as refused:
            adjusted(elsewhere, points, EntryKey("key:ann:adjust:3"), currency)
        assert [fault["path"] for fault in refused.value.faults] == ["currency"]


def test_no_wallet_holds_more_than_it_may() -> None:
    books = Books()
    full = adjusted(books, POINTS_PER_CALL_MAX)
    for number in range(2, BALANCE_MAX // POINTS_PER_CALL_MAX):
        full = adjusted(full, POINTS_PER_CALL_MAX, EntryKey(f"key:ann:adjust:{number}"))
    with pytest.raises(BalanceOverLimitError):
        adjusted(full, POINTS_PER_CALL_MAX, EntryKey("key:ann:adjust:last"))
    with pytest.raises(AmountOverLimitError):
        adjusted(books, POINTS_PER_CALL_MAX + 1)


@pytest.mark.parametrize(("points", "needed"), [(100, False), (101, True), (-100, False), (-101, True), (1, False)])
def test_up_to_the_limit_one_operator_is_enough(points: int, needed: bool) -> None:
    assert needs_approval(asked(points), terms(adjustment_limit=100).program) is needed
    assert needs_approval(asked(points), terms(adjustment_limit=0).program)


def test_a_proposal_keeps_what_was_asked_and_looks_at_no_balance() -> None:
    proposal = propose(Books().view(), asked(-500), terms().program, key=KEY, operator="ann")
    assert (proposal.key, proposal.member, proposal.proposed_at) == (KEY, ADA, noon(0))
    assert proposal.adjustment == Adjustment(currency="points", points=-500, reason="late", operator="ann")
    assert proposal.request_hash == asked(-500).digest


def test_only_another_operator_decides() -> None:
    proposal = propose(Books().view(), asked(500), terms().program, key=KEY, operator="ann")
    with pytest.raises(SameOperatorError):
        approved(proposal, "ann")
    with pytest.raises(SameOperatorError):
        rejected(proposal, "ann", "no", noon(1))
    assert approved(proposal, "ben").approved_by == "ben"
    assert rejected(proposal, "ben", "no", noon(1)).rejected_at == noon(1)


def test_an_approval_is_the_same_whoever_gives_it_and_a_rejection_for_the_same_reason() -> None:
    proposal = propose(Books().view(), asked(500), terms().program, key=KEY, operator="ann")
    other = replace(proposal, key=EntryKey("key:ann:adjust:2"))
    assert approval_digest(proposal) == approval_digest(replace(proposal)) != approval_digest(other)
    digests = {rejected(proposal, who, why, noon(1)).request_hash for who in ("ben", "cleo") for why in ("no", "never")}
    assert len(digests) == 2


def test_an_approved_adjustment_stands_under_a_key_of_its_own() -> None:
    books = Books()
    proposal = propose(books.view(), asked(500), terms().program, key=KEY, operator="ann")
    key = approval_key(KEY)
    decision = adjust(books.view(), approved(proposal, "ben"), terms().program, key=key, digest=approval_digest(proposal))
    assert decision.entry.key == "approval:key:ann:adjust:case-1"
    assert list(audit(decision.wallet, [decision.entry])) == []
    assert not replace(posted(decision.entry), proposal=proposal).alone


def test_whoever_left_is_not_adjusted() -> None:
    books = Books().bought("a", 1000).closed()
    merged = replace(books, wallet=replace(books.wallet, merged_into=BOB))
    for left, error in ((books, MemberClosedError), (merged, MemberMergedError)):
        for points in (5, -5):
            with pytest.raises(error):
                adjusted(left, points)
            with pytest.raises(error):
                propose(left.view(), asked(points), terms().program, key=KEY, operator="ann")


def test_another_entry_is_no_adjustment() -> None:
    [entry] = Books().bought("a", 1000).entries
    with pytest.raises(AdjustmentUnknownError):
        posted(entry)


def tampered(entry: Entry, **changes: Any) -> Entry:
    return replace(entry, subject=replace(adjustment_of(entry), **changes))


@pytest.mark.parametrize("change", [{"points": 8}, {"points": -7}, {"currency": "stars"}])
def test_the_proof_finds_an_adjustment_that_tells_something_else(change: dict[str, Any]) -> None:
    books = adjusted(Books(), 7)
    assert [found.promise for found in audit(books.wallet, [tampered(books.entries[0], **change)])] == [
        "every point is explained"
    ]
    assert [found.promise for found in audit(books.wallet, [replace(books.entries[0], subject=None)])] == [
        "every point is explained"
    ]


def test_requests_that_differ_have_different_digests() -> None:
    digests = {asked(7).digest, asked(8).digest, asked(7, reason="early").digest, asked(7, member_id=BOB).digest}
    assert len(digests) == 4
    assert asked(7).digest == asked(7).digest


def test_days_pass_between_proposal_and_approval_and_points_live_from_the_approval() -> None:
    books = Books()
    proposal = propose(books.view(), asked(500), terms().program, key=KEY, operator="ann")
    later = books.on(9)
    decision = adjust(
        later.view(), approved(proposal, "ben"), terms().program, key=approval_key(KEY), digest=approval_digest(proposal)
    )
    assert decision.wallet.purse("points").lots == (Lot(1, 500, None, day(9) + timedelta(days=365)),)
