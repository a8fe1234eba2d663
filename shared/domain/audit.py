"""The proof of the ledger: what must hold of a member's wallet and entries, checked from nothing but the entries.

Two independent ways: the entries are folded again with the rules, and every serial number is followed from account to account
without them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.domain.entry import Entry, EntryKind, purchase_key
from shared.domain.points import Account, Lot
from shared.domain.wallet import Wallet, folded

OUTSIDE = frozenset({Account.ISSUED})
"""Where serials come from; forgiven points come from `adjusted` into debt with new serials too."""


@dataclass(frozen=True, slots=True)
class Break:
    """A promise that does not hold: which, of whom, and what was found instead."""

    promise: str
    where: str
    found: str


def audit(wallet: Wallet, entries: Sequence[Entry]) -> Iterator[Break]:
    """Every break of one member's books. `entries` are all of the member's, in order of sequence."""
    yield from _chain(wallet, entries)
    yield from _refold(wallet, entries)
    yield from _serials(entries)
    for entry in entries:
        yield from _shares(entry)
        yield from _order(entry)


def _chain(wallet: Wallet, entries: Sequence[Entry]) -> Iterator[Break]:
    """Sequences count from 1 without a gap, each entry names the one before, time never runs backward."""
    before: Entry | None = None
    for number, entry in enumerate(entries, start=1):
        if entry.sequence != number:
            yield Break("sequences have no gap", entry.key, f"sequence {entry.sequence} where {number} was due")
        if entry.previous != (before.key if before else None):
            yield Break("each entry names the one before", entry.key, f"names {entry.previous}")
        if before and (entry.recorded_at < before.recorded_at or entry.recorded_on < before.recorded_on):
            yield Break("time never runs backward", entry.key, f"{entry.recorded_at} after {before.recorded_at}")
        before = entry
    if wallet.sequence != len(entries):
        yield Break("the wallet counts its entries", wallet.member, f"sequence {wallet.sequence}, {len(entries)} entries")


def _refold(wallet: Wallet, entries: Sequence[Entry]) -> Iterator[Break]:
    """Each entry holds the postings that the rules make of it, and the wallet is the fold of all."""
    state = Wallet(member=wallet.member, enrolled_at=wallet.enrolled_at)
    for entry in entries:
        state, due = folded(state, entry)
        if due != entry.postings:
            yield Break("an entry's postings follow from the rules", entry.key, f"{entry.postings}, due {due}")
        if state.balances() != entry.after:
            yield Break("an entry keeps the balances after it", entry.key, f"{entry.after}, due {state.balances()}")
    if state != wallet:
        yield Break("the wallet is the fold of its entries", wallet.member, f"{wallet}, fold {state}")
    for purse in wallet.purses:
        if purse.issued != purse.balance + purse.pending + purse.redeemed + purse.expired + purse.adjusted:
            yield Break("debits equal credits", wallet.member, f"{purse}")


def _serials(entries: Sequence[Entry]) -> Iterator[Break]:
    """Every serial is minted once, in order, and is in one account at a time; debits and credits of all accounts cancel."""
    places: dict[tuple[str, Account], list[Lot]] = {}
    next_serial: dict[str, int] = {}
    totals: dict[tuple[str, Account], int] = {}
    for entry in entries:
        for posting in entry.postings:
            new = posting.debit in OUTSIDE or (posting.debit, posting.credit) == (Account.ADJUSTED, Account.DEBT)
            source = places.setdefault((posting.currency, posting.debit), [])
            target = places.setdefault((posting.currency, posting.credit), [])
            for lot in posting.lots:
                if new:
                    due = next_serial.get(posting.currency, 1)
                    if lot.first != due:
                        yield Break("serial numbers have no gap or overlap", entry.key, f"{lot.first} where {due} was due")
                    next_serial[posting.currency] = lot.last + 1
                elif not _take(source, lot):
                    yield Break("a serial is in one account", entry.key, f"{lot} is not all in {posting.debit}")
                target.append(lot)
                for account, sign in ((posting.debit, -1), (posting.credit, 1)):
                    key = (posting.currency, account)
                    totals[key] = totals.get(key, 0) + sign * lot.count
    if sum(totals.values()):
        yield Break("the accounts sum to zero", entries[0].member, f"{totals}")


def _take(places: list[Lot], wanted: Lot) -> bool:
    """Take the serials of `wanted` out of an account; False where they are not all there."""
    missing = wanted.count
    for lot in list(places):
        first, last = max(lot.first, wanted.first), min(lot.last, wanted.last)
        if first > last:
            continue
        missing -= last - first + 1
        places.remove(lot)
        if lot.first < first:
            places.append(Lot(lot.first, first - lot.first, lot.spendable_from, lot.gone_on))
        if last < lot.last:
            places.append(Lot(last + 1, lot.last - last, lot.spendable_from, lot.gone_on))
    return missing == 0


def _shares(entry: Entry) -> Iterator[Break]:
    """The reasons of an entry add up to what it gave."""
    minted = {currency: sum(lot.count for lot in lots) for currency, lots in entry.minted().items()}
    told: dict[str, int] = {}
    for share in entry.why:
        told[share.currency] = told.get(share.currency, 0) + share.points
    if {currency: points for currency, points in told.items() if points} != minted:
        yield Break("every point is explained", entry.key, f"gave {minted}, explains {told}")


def _order(entry: Entry) -> Iterator[Break]:
    """A purchase is kept under its own order id and credits its own member."""
    if entry.kind is not EntryKind.PURCHASE:
        return
    purchase = entry.purchase
    if purchase is None or purchase_key(purchase.order_id) != entry.key or purchase.member_id != entry.member:
        yield Break("an order credits one member", entry.key, f"kept for {entry.member}: {purchase}")
