"""Numbered points: accounts, lots, postings (the rules of points, 1-3).

Every point has a serial number, unique in its member's wallet and currency. A lot is a run of consecutive serials with
equal dates. All amounts are `int` points; all days are local days of the program's zone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

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
    TRANSFERRED = "transferred"
    DEBT = "debt"


UNNUMBERED = 0
"""The first "serial" of points that are owed or forgiven: no points stand behind them, so they have no numbers."""


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


def owed(points: int) -> Lot:
    """Points without numbers: what a redemption took and nothing covers, or what is forgiven."""
    return Lot(UNNUMBERED, points, None, None)


def merged(lots: Iterable[Lot]) -> tuple[Lot, ...]:
    """The lots by serial, with neighbours of equal dates made one. An empty lot is left out; unnumbered points are one lot."""
    result: list[Lot] = []
    for lot in sorted(lots, key=lambda lot: lot.first):
        if not lot.count:
            continue
        before = result[-1] if result else None
        if before and _follows(before, lot):
            result[-1] = replace(before, count=before.count + lot.count)
        else:
            result.append(lot)
    return tuple(result)


def _follows(before: Lot, lot: Lot) -> bool:
    if UNNUMBERED in (before.first, lot.first):
        return before.first == lot.first
    return before.last + 1 == lot.first and (before.spendable_from, before.gone_on) == (lot.spendable_from, lot.gone_on)


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
    """Points that an entry gives before it is known whether they land active, pending, expired or in debt.

    `first` is None until they have their serials. In effective history `points` may be fewer than were `numbered`: a refund
    took the highest serials, which nobody gets again.
    """

    currency: str
    points: int
    spendable_from: date
    gone_on: date | None
    source: Account = Account.ISSUED
    first: int | None = None
    numbered: int = 0


def without(lots: Iterable[Lot], taken: Iterable[Lot]) -> list[Lot]:
    """What is left of `lots` when the serials of `taken` are gone from them."""
    left = list(lots)
    for gone in taken:
        left = [part for lot in left for part in _parts_outside(lot, gone)]
    return left


def _parts_outside(lot: Lot, gone: Lot) -> Iterator[Lot]:
    if gone.last < lot.first or lot.last < gone.first:
        yield lot
        return
    if lot.first < gone.first:
        yield replace(lot, count=gone.first - lot.first)
    if gone.last < lot.last:
        yield replace(lot, first=gone.last + 1, count=lot.last - gone.last)


class Movements:
    """Collects lots per pair of accounts, in the order in which the pairs first moved."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._lots: dict[tuple[Account, Account], list[Lot]] = {}

    def add(self, debit: Account, credit: Account, lots: list[Lot]) -> None:
        """Move lots, if any, from `debit` to `credit`."""
        if lots:
            self._lots.setdefault((debit, credit), []).extend(lots)

    def postings(self) -> tuple[Posting, ...]:
        """One posting for each pair of accounts."""
        return tuple(Posting(debit, credit, self._currency, merged(lots)) for (debit, credit), lots in self._lots.items())
