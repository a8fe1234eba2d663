"""Numbered points: lots, postings, and a member's purse of one currency (the rules of points, 1-9).

Every point has a serial number, unique in its member's wallet and currency. A lot is a run of consecutive serials with
equal dates. All amounts are `int` points; all days are local days of the program's zone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from shared.domain.errors import AmountOverLimitError, BalanceOverLimitError

POINTS_PER_CALL_MAX = 10**9
"""Points that one call may move."""
BALANCE_MAX = 10**12
"""A wallet's points of one currency stay below this."""


class Account(StrEnum):
    """The accounts of the double entry. Every posting debits one and credits another, so they sum to zero."""

    ISSUED = "issued"
    PENDING = "pending"
    ACTIVE = "active"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    ADJUSTED = "adjusted"
    DEBT = "debt"


@dataclass(frozen=True, slots=True)
class Lot:
    """`count` points with the serials `first`, `first + 1`, ... and equal dates.

    `spendable_from` is the first day they can be spent, None once they are active. `gone_on` is the first day they are
    gone, None for never.
    """

    first: int
    count: int
    spendable_from: date | None
    gone_on: date | None

    @property
    def last(self) -> int:
        """The highest serial of the lot."""
        return self.first + self.count - 1

    def split(self, count: int) -> tuple["Lot", "Lot"]:
        """The lowest `count` serials (0 < count < self.count), and the rest."""
        rest = Lot(self.first + count, self.count - count, self.spendable_from, self.gone_on)
        return replace(self, count=count), rest


def merged(lots: Iterable[Lot]) -> tuple[Lot, ...]:
    """The lots by serial, with neighbours of equal dates made one. An empty lot is left out."""
    result: list[Lot] = []
    for lot in sorted(lots, key=lambda lot: lot.first):
        if not lot.count:
            continue
        before = result[-1] if result else None
        if before and before.last + 1 == lot.first and _dates(before) == _dates(lot):
            result[-1] = replace(before, count=before.count + lot.count)
        else:
            result.append(lot)
    return tuple(result)


def _dates(lot: Lot) -> tuple[date | None, date | None]:
    return lot.spendable_from, lot.gone_on


@dataclass(frozen=True, slots=True)
class Posting:
    """Points that leave the account `debit` and reach the account `credit`, by serial."""

    debit: Account
    credit: Account
    currency: str
    lots: tuple[Lot, ...]

    @property
    def points(self) -> int:
        """How many points move; at least 1."""
        return sum(lot.count for lot in self.lots)


@dataclass(frozen=True, slots=True)
class Credit:
    """Points that an entry gives before it is known whether they land active, pending, expired or in debt."""

    currency: str
    points: int
    spendable_from: date
    gone_on: date | None


@dataclass(frozen=True, slots=True)
class Purse:
    """A member's points of one currency.

    `lots` are the unspent serials in order; those with `spendable_from` set are pending. `issued`, `redeemed`, `expired`
    and `adjusted` are lifetime totals, so that
    `issued == active + pending + redeemed + expired + adjusted - debt`.
    """

    currency: str
    lots: tuple[Lot, ...] = ()
    next_serial: int = 1
    debt: int = 0
    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    adjusted: int = 0

    @property
    def active(self) -> int:
        """Points that can be spent now, as of the day the purse was settled to."""
        return sum(lot.count for lot in self.lots if lot.spendable_from is None)

    @property
    def pending(self) -> int:
        """Points that are earned and not yet spendable."""
        return sum(lot.count for lot in self.lots if lot.spendable_from is not None)

    @property
    def balance(self) -> int:
        """Active points less debt; negative while the member owes points."""
        return self.active - self.debt

    def deadlines(self) -> tuple[tuple[date | None, int], ...]:
        """Active points by the day they are gone, earliest first, None (never) last; sums to `active`."""
        by_day: dict[date | None, int] = {}
        for lot in self.lots:
            if lot.spendable_from is None:
                by_day[lot.gone_on] = by_day.get(lot.gone_on, 0) + lot.count
        return tuple(sorted(by_day.items(), key=lambda row: (row[0] is None, row[0] or date.max)))

    def settled(self, day: date) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse on `day`, and the postings that dates made due since it was last settled.

        Maturity repays debt first, lowest serial first; expiry takes what is left of a lot. Each happens on its own day.
        """
        due = {lot.spendable_from for lot in self.lots} | {lot.gone_on for lot in self.lots}
        purse, movements = self, _Movements(self.currency)
        for on in sorted(d for d in due if d is not None and d <= day):
            purse = purse._expired(on, movements)._matured(on, movements)
        return purse, movements.postings()

    def _expired(self, on: date, movements: "_Movements") -> "Purse":
        gone = [lot for lot in self.lots if lot.gone_on is not None and lot.gone_on <= on]
        movements.add(Account.ACTIVE, Account.EXPIRED, gone)
        return replace(
            self,
            lots=tuple(lot for lot in self.lots if lot not in gone),
            expired=self.expired + sum(lot.count for lot in gone),
        )

    def _matured(self, on: date, movements: "_Movements") -> "Purse":
        ripe = [lot for lot in self.lots if lot.spendable_from is not None and lot.spendable_from <= on]
        rest = replace(self, lots=tuple(lot for lot in self.lots if lot not in ripe))
        for lot in sorted(ripe, key=lambda lot: (lot.spendable_from or on, lot.first)):
            rest = rest._made_spendable(lot, Account.PENDING, movements)
        return rest

    def _made_spendable(self, lot: Lot, source: Account, movements: "_Movements") -> "Purse":
        """Points that become spendable repay debt before the member can spend them."""
        repaid = min(self.debt, lot.count)
        kept: Lot | None = lot
        if repaid == lot.count:
            movements.add(source, Account.DEBT, [lot])
            kept = None
        elif repaid:
            paying, kept = lot.split(repaid)
            movements.add(source, Account.DEBT, [paying])
        if kept is not None:
            movements.add(source, Account.ACTIVE, [kept])
        active = () if kept is None else (replace(kept, spendable_from=None),)
        return replace(self, debt=self.debt - repaid, lots=merged((*self.lots, *active)))

    def credited(self, credit: Credit, day: date) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse (settled to `day`) after `credit`, which takes the next serials, and its postings.

        Points of an order that arrives after they would have expired were never spendable: they go straight to expired.
        Raises AmountOverLimitError, BalanceOverLimitError.
        """
        if credit.points > POINTS_PER_CALL_MAX:
            raise AmountOverLimitError(amount=credit.points, amount_max=POINTS_PER_CALL_MAX)
        if self.active + self.pending + credit.points >= BALANCE_MAX:
            raise BalanceOverLimitError(balance_max=BALANCE_MAX)
        movements = _Movements(self.currency)
        if not credit.points:
            return self, ()
        lot = Lot(self.next_serial, credit.points, credit.spendable_from, credit.gone_on)
        purse = replace(self, next_serial=self.next_serial + credit.points, issued=self.issued + credit.points)
        if lot.gone_on is not None and lot.gone_on <= day:
            movements.add(Account.ISSUED, Account.EXPIRED, [lot])
            purse = replace(purse, expired=purse.expired + lot.count)
        elif credit.spendable_from <= day:
            purse = purse._made_spendable(lot, Account.ISSUED, movements)
        else:
            movements.add(Account.ISSUED, Account.PENDING, [lot])
            purse = replace(purse, lots=merged((*purse.lots, lot)))
        return purse, movements.postings()

    def forfeited(self) -> tuple["Purse", tuple[Posting, ...]]:
        """The purse (settled) after its owner left: all points go to `adjusted`, the debt is forgiven from there."""
        movements = _Movements(self.currency)
        active = [lot for lot in self.lots if lot.spendable_from is None]
        pending = [lot for lot in self.lots if lot.spendable_from is not None]
        movements.add(Account.ACTIVE, Account.ADJUSTED, active)
        movements.add(Account.PENDING, Account.ADJUSTED, pending)
        if self.debt:
            # Forgiven points are new serials that go from `adjusted` straight into the debt.
            movements.add(Account.ADJUSTED, Account.DEBT, [Lot(self.next_serial, self.debt, None, None)])
        purse = replace(
            self,
            lots=(),
            debt=0,
            next_serial=self.next_serial + self.debt,
            adjusted=self.adjusted + self.active + self.pending - self.debt,
        )
        return purse, movements.postings()


class _Movements:
    """Collects lots per pair of accounts, in the order in which the pairs first moved."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._lots: dict[tuple[Account, Account], list[Lot]] = {}

    def add(self, debit: Account, credit: Account, lots: list[Lot]) -> None:
        if lots:
            self._lots.setdefault((debit, credit), []).extend(lots)

    def postings(self) -> tuple[Posting, ...]:
        return tuple(Posting(debit, credit, self._currency, merged(lots)) for (debit, credit), lots in self._lots.items())
