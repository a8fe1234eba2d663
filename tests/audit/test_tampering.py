"""The proof finds what is broken in the books of redemptions and refunds: each promise is broken once here, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.audit import audit
from shared.domain.effect import Correction, Effect
from shared.domain.entry import Entry, EntryKey
from shared.domain.points import Account, Lot, Posting, owed
from shared.domain.subject import RefundLine
from shared.domain.wallet import Claim, Hold
from tests.unit.books import Books, redemption, reward


@pytest.fixture
def books() -> Books:
    """A redemption lapses and the next order books it; a second is cancelled, a third used on an order refunded in parts."""
    limited = reward("mug", 50, limits={"ever": 9})
    books = Books(rewards={"mug": limited}).bought("a", 10_000).redeemed("one")
    books = books.on(31).bought("b", 3000, 1000).redeemed("two").redeemed("three")
    books = books.used("three", "b", 500).cancelled("two").refunded("a").refunded("b", lines=((2, None),))
    return books.on(40).bought("c", 20_000).redeemed("four").refunded("b", amount=1000)


def tampered(books: Books, key: str, change: Callable[[Entry], Entry]) -> set[str]:
    """The promises that are found broken after one entry was changed."""
    entries = [change(entry) if entry.key == key else entry for entry in books.entries]
    assert entries != list(books.entries)
    return {found.promise for found in audit(books.wallet, entries)}


def corrected(entry: Entry, *corrections: Correction) -> Entry:
    """The entry with other corrections."""
    return replace(entry, told=replace(entry.effect, corrections=corrections))


def about(entry: Entry, **changes: Any) -> Entry:
    """The entry with something else told of what it is about."""
    assert entry.subject is not None
    return replace(entry, subject=replace(entry.subject, **changes))


def test_honest_books_have_no_break(books: Books) -> None:
    assert books.breaks() == []
    assert {entry.kind.value for entry in books.entries} == {"purchase", "redemption", "use", "cancellation", "refund"}
    assert [entry.key for entry in books.entries if entry.lapsed] == ["purchase:b"]
    assert books.wallet.holds
    assert books.wallet.claims


@pytest.mark.parametrize("key", ["refund:a:1", "refund:b:2", f"cancel:{redemption('two')}"])
def test_a_correction_that_names_nothing_is_found(books: Books, key: str) -> None:
    promise = "every correction names what it corrects"
    assert promise in tampered(books, key, lambda entry: replace(entry, names=None))
    assert promise in tampered(books, key, lambda entry: replace(entry, names=EntryKey("purchase:nobody-sent-it")))


@pytest.mark.parametrize("sequence", [0, 7, 8, 99])
def test_a_correction_of_what_is_not_there_is_found(books: Books, sequence: int) -> None:
    """Its own place, a later one, and one that nobody ever had; sequence 7 is the cancellation, which gave nothing."""
    gone = lambda entry: corrected(entry, Correction(sequence, "points", 0))  # noqa: E731
    assert "a correction takes back what was there" in tampered(books, "refund:a:1", gone)


@pytest.mark.parametrize("points", [-1, 101])
def test_a_correction_to_less_than_nothing_or_more_than_there_was_is_found(books: Books, points: int) -> None:
    found = tampered(books, "refund:a:1", lambda entry: corrected(entry, Correction(1, "points", points)))
    assert "a correction takes back what was there" in found


def test_a_correction_that_is_left_out_is_found(books: Books) -> None:
    for key in ("refund:a:1", f"cancel:{redemption('two')}"):
        found = tampered(books, key, lambda entry: replace(entry, told=Effect()))
        assert {"an entry's postings follow from the rules", "the wallet is the fold of its entries"} <= found


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_refund_that_explains_less_or_more_than_it_takes_is_found(books: Books, difference: int) -> None:
    def explained(entry: Entry) -> Entry:
        [share] = entry.why
        return replace(entry, why=(replace(share, points=share.points + difference),))

    for key in ("refund:a:1", "refund:b:1", "refund:b:2"):
        assert tampered(books, key, explained) == {"every point is explained"}


def test_a_refund_that_tells_of_other_money_is_found(books: Books) -> None:
    promise = "a refund tells what is left of its order"
    for changes in ({"net": 1}, {"total": 1}, {"amount": 1}, {"lines": (RefundLine(2, 1001),)}):
        assert promise in tampered(books, "refund:b:1", lambda entry, told=changes: about(entry, **told))  # type: ignore[misc]


def test_more_money_than_the_order_had_is_found(books: Books) -> None:
    more = lambda entry: about(entry, amount=3001, total=3001, net=-1)  # noqa: E731
    assert "a refund tells what is left of its order" in tampered(books, "refund:b:2", more)


def test_a_refund_of_another_order_is_found(books: Books) -> None:
    for changes in ({"order_id": "c"}, {"refund_id": "9"}):
        found = tampered(books, "refund:a:1", lambda entry, told=changes: about(entry, **told))  # type: ignore[misc]
        assert "every correction names what it corrects" in found


def test_a_redemption_that_tells_of_other_points_than_it_took_is_found(books: Books) -> None:
    assert tampered(books, redemption("two"), lambda entry: about(entry, points=49)) == {"every point is explained"}
    assert tampered(books, redemption("two"), lambda entry: replace(entry, subject=None)) == {"every point is explained"}


def test_a_lot_in_two_accounts_after_a_refund_is_found(books: Books) -> None:
    """The refund says that it took back serials that the redemption had taken, and leaves them there."""

    def elsewhere(entry: Entry) -> Entry:
        return replace(entry, postings=(Posting(Account.EXPIRED, Account.ISSUED, "points", (Lot(1, 100, None, None),)),))

    assert "a serial is in one account" in tampered(books, "refund:a:1", elsewhere)


def test_a_lot_that_is_refunded_twice_is_found(books: Books) -> None:
    refunded = books.entry(EntryKey("refund:a:1")).postings
    twice = lambda entry: replace(entry, postings=(*entry.postings, *refunded))  # noqa: E731
    assert "a serial is in one account" in tampered(books, "refund:b:2", twice)


def test_points_that_came_back_with_no_numbers_are_found(books: Books) -> None:
    nowhere = Posting(Account.DEBT, Account.REDEEMED, "points", (owed(7),))
    found = tampered(books, "refund:b:1", lambda entry: replace(entry, postings=(*entry.postings, nowhere)))
    assert {"an entry's postings follow from the rules", "the accounts sum to zero"} <= found


def test_a_lapse_that_is_not_told_or_never_was_is_found(books: Books) -> None:
    promise = "an entry tells the lapses that it booked"
    assert promise in tampered(books, "purchase:b", lambda entry: replace(entry, lapsed=()))
    assert promise in tampered(books, "purchase:c", lambda entry: replace(entry, lapsed=(5,)))


def test_a_use_that_is_forgotten_is_found(books: Books) -> None:
    found = tampered(books, f"use:{redemption('three')}", lambda entry: replace(entry, told=Effect()))
    assert "the wallet is the fold of its entries" in found


def test_a_lost_entry_that_was_corrected_is_found(books: Books) -> None:
    for lost in range(len(books.entries)):
        kept = [entry for number, entry in enumerate(books.entries) if number != lost]
        found = {found.promise for found in audit(books.wallet, kept)}
        assert "the wallet counts its entries" in found
        assert lost == len(kept) or "sequences have no gap" in found


@pytest.mark.parametrize("total", ["issued", "redeemed", "expired", "adjusted", "transferred", "debt"])
def test_a_total_of_the_wallet_that_differs_is_found(books: Books, total: str) -> None:
    [purse] = books.wallet.purses
    other = replace(books.wallet, purses=(replace(purse, **{total: getattr(purse, total) + 1}),))
    found = {found.promise for found in audit(other, books.entries)}
    assert {"the wallet is the fold of its entries", "debits equal credits", "the accounts sum to zero"} <= found


def test_two_totals_that_differ_by_the_same_are_found(books: Books) -> None:
    [purse] = books.wallet.purses
    other = replace(books.wallet, purses=(replace(purse, redeemed=purse.redeemed - 1, expired=purse.expired + 1),))
    found = {found.promise for found in audit(other, books.entries)}
    assert found == {"the wallet is the fold of its entries", "the accounts sum to zero"}


def test_a_wallet_with_other_holds_or_claims_is_found(books: Books) -> None:
    wallet = books.wallet
    for other in (
        replace(wallet, holds=()),
        replace(wallet, holds=(*wallet.holds, Hold(3, EntryKey("purchase:b"), None))),
        replace(wallet, claims=()),
        replace(wallet, claims=(Claim("mug", None, 1),)),
    ):
        assert {found.promise for found in audit(other, books.entries)} == {"the wallet is the fold of its entries"}
