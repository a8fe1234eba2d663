"""Ledger entries: immutable, append-only, each explained by itself."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from shared.domain.points import Account, Lot, Posting, merged
from shared.domain.purchase import Purchase

EntryKey = NewType("EntryKey", str)
"""The idempotency key of an entry, and its public id: words joined by colons, safe in a URL path."""

MemberId = NewType("MemberId", str)
"""A ULID: 26 symbols of Crockford's base 32."""


def purchase_key(order_id: str) -> EntryKey:
    """One order is one entry, whoever sends it and however often."""
    return EntryKey(f"purchase:{order_id}")


def closure_key(member: MemberId) -> EntryKey:
    """A member is closed once."""
    return EntryKey(f"closure:{member}")


class EntryKind(StrEnum):
    """What an entry records."""

    PURCHASE = "purchase"
    CLOSURE = "closure"


@dataclass(frozen=True, slots=True)
class Share:
    """Why an entry gave points: `points` by `rule` of the program's `program_version`."""

    rule: str
    program_version: int
    currency: str
    points: int


@dataclass(frozen=True, slots=True)
class BalanceAfter:
    """A currency's points right after an entry."""

    currency: str
    active: int
    pending: int
    debt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """What the history lists of an entry, and all that the fold needs of it.

    `sequence` counts the member's entries from 1 with no gap; `previous` is the key of the one before. `recorded_on` is the
    local day of the program's zone on which the entry counts.
    """

    key: EntryKey
    kind: EntryKind
    member: MemberId
    sequence: int
    previous: EntryKey | None
    occurred_at: datetime
    recorded_at: datetime
    recorded_on: date
    postings: tuple[Posting, ...]
    after: tuple[BalanceAfter, ...]

    def minted(self) -> dict[str, tuple[Lot, ...]]:
        """The lots this entry gave serial numbers to, by currency; for a purchase, what it earned."""
        by_currency: dict[str, list[Lot]] = {}
        for posting in self.postings:
            if posting.debit is Account.ISSUED:
                by_currency.setdefault(posting.currency, []).extend(posting.lots)
        return {currency: merged(lots) for currency, lots in by_currency.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(HistoryRow):
    """A whole entry: its row, why it gave what it gave, and the request it answers.

    `zone` is the program's zone, so that the entry's days can be told as instants from the entry alone.
    """

    zone: str
    request_hash: bytes
    why: tuple[Share, ...] = ()
    purchase: Purchase | None = None
