"""A member's wallet: a fold over the entries that were posted to it (the rules of points, 8)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self

from shared.domain.calendar import local_day
from shared.domain.entry import BalanceAfter, Entry, EntryKey, EntryKind, HistoryRow, MemberId, Share
from shared.domain.points import Credit, Posting, Purse
from shared.domain.purchase import Purchase


@dataclass(frozen=True, slots=True)
class Accrual:
    """An entry gives points."""

    credits: tuple[Credit, ...]


@dataclass(frozen=True, slots=True)
class Closure:
    """All there is and all that comes later is forfeited, debt is forgiven (the rules of points, 24)."""


Effect = Accrual | Closure


@dataclass(frozen=True, slots=True)
class Reason:
    """All of an entry but its effect: who asked for what, when it happened, and why it gives points."""

    key: EntryKey
    kind: EntryKind
    occurred_at: datetime
    request_hash: bytes
    why: tuple[Share, ...] = ()
    purchase: Purchase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Unspent points of every currency, and where the member's sequence of entries stands.

    `sequence` is the number of entries so far and the wallet's version. `purses` are in order of their currency's code.
    """

    member: MemberId
    enrolled_at: datetime
    closed: bool = False
    sequence: int = 0
    last_key: EntryKey | None = None
    recorded_at: datetime | None = None
    recorded_on: date | None = None
    purses: tuple[Purse, ...] = ()

    def purse(self, currency: str) -> Purse:
        """The purse of a currency; an empty one where nothing was ever posted."""
        return next((purse for purse in self.purses if purse.currency == currency), Purse(currency))

    def settled(self, day: date) -> tuple[Self, tuple[Posting, ...]]:
        """The wallet as the dates up to `day` have made it, and the postings that book it."""
        wallet, postings = self, list[Posting]()
        for purse in self.purses:
            changed, due = purse.settled(day)
            wallet = wallet._with(changed)
            postings += due
        return wallet, tuple(postings)

    def moved(self, effect: Effect, day: date) -> tuple[Self, tuple[Posting, ...]]:
        """The wallet after `effect` on the local day `day`, with every posting that the day and the effect make.

        Deciding and folding both come here, so that a wallet cannot differ from the fold of its entries.
        """
        wallet, postings = self.settled(day)
        for credit in effect.credits if isinstance(effect, Accrual) else ():
            purse, earned = wallet.purse(credit.currency).credited(credit, day)
            wallet = wallet._with(purse)
            postings += earned
        if isinstance(effect, Closure):
            wallet = replace(wallet, closed=True)
        if wallet.closed:
            for purse in wallet.purses:
                emptied, forfeited = purse.forfeited()
                wallet = wallet._with(emptied)
                postings += forfeited
        return wallet, postings

    def posted(self, effect: Effect, reason: Reason, *, now: datetime, zone: str) -> tuple[Entry, Self]:
        """The entry that records `effect` on the local day of the program's `zone`, and the wallet after it.

        Time never runs backward within a wallet, whatever the clocks of two servers say; nor does the day, though there
        were zones where midnight came twice.
        """
        recorded_at = max(now, self.recorded_at or now)
        day = max(local_day(recorded_at, zone), self.recorded_on or date.min)
        wallet, postings = self.moved(effect, day)
        entry = Entry(
            key=reason.key,
            kind=reason.kind,
            member=self.member,
            sequence=self.sequence + 1,
            previous=self.last_key,
            occurred_at=reason.occurred_at,
            recorded_at=recorded_at,
            recorded_on=day,
            postings=postings,
            after=wallet.balances(),
            zone=zone,
            request_hash=reason.request_hash,
            why=reason.why,
            purchase=reason.purchase,
        )
        wallet = replace(wallet, sequence=entry.sequence, last_key=entry.key, recorded_at=recorded_at, recorded_on=day)
        return entry, wallet

    def balances(self) -> tuple[BalanceAfter, ...]:
        """Active, pending and debt of every currency."""
        return tuple(BalanceAfter(p.currency, p.active, p.pending, p.debt) for p in self.purses)

    def _with(self, purse: Purse) -> Self:
        others = [other for other in self.purses if other.currency != purse.currency]
        # A purse that nothing was ever posted to is not kept.
        kept = others if purse == Purse(purse.currency) else [*others, purse]
        return replace(self, purses=tuple(sorted(kept, key=lambda purse: purse.currency)))


def effect_of(row: HistoryRow) -> Effect:
    """What an entry does to a wallet, read back from the entry."""
    if row.kind is EntryKind.CLOSURE:
        return Closure()
    credits = [
        Credit(currency, lot.count, lot.spendable_from or row.recorded_on, lot.gone_on)
        for currency, lots in row.minted().items()
        for lot in lots
    ]
    return Accrual(tuple(credits))


def fold(opened: Wallet, rows: Iterable[HistoryRow]) -> Wallet:
    """The wallet that `rows`, in order of sequence, make of the wallet as it was opened."""
    wallet = opened
    for row in rows:
        wallet = folded(wallet, row)[0]
    return wallet


def folded(wallet: Wallet, row: HistoryRow) -> tuple[Wallet, tuple[Posting, ...]]:
    """One step of the fold: the wallet after `row`, and the postings that the row ought to hold."""
    moved, postings = wallet.moved(effect_of(row), row.recorded_on)
    moved = replace(moved, sequence=row.sequence, last_key=row.key, recorded_at=row.recorded_at, recorded_on=row.recorded_on)
    return moved, postings
