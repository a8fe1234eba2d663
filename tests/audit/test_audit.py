"""The proof finds what is broken: each promise is broken once here, by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.domain.audit import audit
from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.member import close
from shared.domain.points import Account, Lot
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.purchase import Line, Purchase
from shared.domain.purse import Purse
from shared.domain.wallet import Wallet
from tests.fakes.grocer import earn

MEMBER = MemberId("01ARZ3NDEKTSV4RRFFQ69G5FAV")
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
PROGRAM = ProgramVersion(
    1,
    START,
    START,
    parse_program(
        {
            "name": "Audit",
            "time_zone": "Europe/Berlin",
            "money_currency": "EUR",
            "currencies": [{"code": "points", "pending_days": 3, "expiry": {"after": 10, "rounded_to": "day"}}],
            "earning_rules": [
                {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}}
            ],
        }
    ),
)


@pytest.fixture
def books() -> tuple[Wallet, list[Entry]]:
    """Twelve purchases, two days apart, so that points mature and expire between them; then the member leaves."""
    wallet, entries = Wallet(member=MEMBER, enrolled_at=START), []
    for number in range(12):
        now = START + timedelta(days=2 * number)
        purchase = Purchase(
            order_id=f"o{number}",
            member_id=MEMBER,
            currency="EUR",
            occurred_at=now,
            lines=(Line("sku", 1, 1000 + 100 * number),),
        )
        entry, wallet = earn(wallet, purchase, [PROGRAM], now=now)
        entries.append(entry)
    entry, wallet = close(wallet, now=START + timedelta(days=30), zone="Europe/Berlin")
    return wallet, [*entries, entry]


def broken(wallet: Wallet, entries: list[Entry]) -> set[str]:
    return {found.promise for found in audit(wallet, entries)}


def test_honest_books_have_no_break(books: tuple[Wallet, list[Entry]]) -> None:
    wallet, entries = books
    assert broken(wallet, entries) == set()
    kinds = {(posting.debit, posting.credit) for entry in entries for posting in entry.postings}
    assert {(Account.ISSUED, Account.PENDING), (Account.PENDING, Account.ACTIVE), (Account.ACTIVE, Account.EXPIRED)} <= kinds


def test_a_lost_entry_is_found(books: tuple[Wallet, list[Entry]]) -> None:
    wallet, entries = books
    assert {"sequences have no gap", "each entry names the one before"} <= broken(wallet, entries[:4] + entries[5:])
    assert "the wallet counts its entries" in broken(wallet, entries[:-1])


def test_a_wallet_that_holds_one_point_more_is_found(books: tuple[Wallet, list[Entry]]) -> None:
    wallet, entries = books
    purse = wallet.purses[0]
    richer = replace(wallet, purses=(replace(purse, lots=(Lot(purse.next_serial, 1, None, None),)),))
    assert {"the wallet is the fold of its entries", "debits equal credits"} <= broken(richer, entries)


def test_a_wallet_with_a_purse_from_nowhere_is_found(books: tuple[Wallet, list[Entry]]) -> None:
    wallet, entries = books
    assert "the wallet is the fold of its entries" in broken(replace(wallet, purses=(*wallet.purses, Purse("stars"))), entries)


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        (lambda e: replace(e, previous=EntryKey("purchase:other")), "each entry names the one before"),
        (lambda e: replace(e, recorded_at=START - timedelta(days=1)), "time never runs backward"),
        (lambda e: replace(e, recorded_on=date(2026, 1, 1)), "an entry's postings follow from the rules"),
        (lambda e: replace(e, postings=()), "an entry's postings follow from the rules"),
        (lambda e: replace(e, after=()), "an entry keeps the balances after it"),
        (lambda e: replace(e, why=()), "every point is explained"),
        (lambda e: replace(e, why=(replace(e.why[0], points=e.why[0].points + 1),)), "every point is explained"),
        (lambda e: replace(e, subject=None), "an order credits one member"),
        (lambda e: replace(e, subject=replace(e.purchase, member_id="another")), "an order credits one member"),
    ],
)
def test_a_changed_entry_is_found(books: tuple[Wallet, list[Entry]], change, promise: str) -> None:
    wallet, entries = books
    entries[5] = change(entries[5])
    assert promise in broken(wallet, entries)


def test_serials_that_overlap_are_found(books: tuple[Wallet, list[Entry]]) -> None:
    wallet, entries = books
    postings = list(entries[5].postings)
    at = next(n for n, posting in enumerate(postings) if posting.debit is Account.ISSUED)
    lot = postings[at].lots[0]
    postings[at] = replace(postings[at], lots=(replace(lot, first=lot.first - 1),))
    entries[5] = replace(entries[5], postings=tuple(postings))
    assert "serial numbers have no gap or overlap" in broken(wallet, entries)


def test_points_that_expire_twice_are_found(books: tuple[Wallet, list[Entry]]) -> None:
    wallet, entries = books
    at = next(n for n, e in enumerate(entries) if any(p.credit is Account.EXPIRED for p in e.postings))
    expiry = next(posting for posting in entries[at].postings if posting.credit is Account.EXPIRED)
    entries[at + 1] = replace(entries[at + 1], postings=(expiry, *entries[at + 1].postings))
    assert "a serial is in one account" in broken(wallet, entries)
