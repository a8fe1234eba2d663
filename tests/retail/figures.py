"""The figures of a year: those that were computed apart from Laurel, and the same ones taken from its wallets."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, Self

from shared.domain.points import Account, Posting, Purse

EXPECTED = Path(__file__).parent / "expected"
SetName = Literal["mini", "full"]
MODULUS_AND_REMAINDER: dict[SetName, tuple[int, int]] = {"mini": (10, 7), "full": (1, 0)}
"""Which households are in a set: household number % modulus == remainder."""


@dataclass(frozen=True, slots=True)
class EndOfDay:
    """All members together at the end of a day, in points; see expected/README.md for the hash."""

    earned: int
    redeemed: int
    expired: int
    outstanding: int
    members_with_balance: int
    max_balance: int
    balances_sha256: str

    @classmethod
    def of(cls, purses: Mapping[str, Purse]) -> Self:
        """Taken from the purses, by household, of a wallet read."""
        lines = sorted(f"{household},{purse.balance}\n" for household, purse in purses.items())
        return cls(
            earned=sum(purse.issued for purse in purses.values()),
            redeemed=sum(purse.redeemed for purse in purses.values()),
            expired=sum(purse.expired for purse in purses.values()),
            outstanding=sum(purse.balance for purse in purses.values()),
            members_with_balance=sum(purse.balance > 0 for purse in purses.values()),
            max_balance=max(purse.balance for purse in purses.values()),
            balances_sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
        )


@dataclass(frozen=True, slots=True)
class Month:
    """What became of all members' points in a month (`2017-01`)."""

    month: str
    opening: int
    earn: int
    redeem: int
    expire: int
    closing: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of households must come to."""

    members: int
    orders: int
    end_of_day: dict[date, EndOfDay]
    months: list[Month]


def expected_figures(name: SetName) -> Figures:
    """The figures of a set, from expected/."""
    document = json.loads((EXPECTED / "figures.json").read_text(encoding="utf-8"))[name]
    with (EXPECTED / f"{name}_rollforward.csv").open(encoding="utf-8", newline="") as file:
        months = [
            Month(row["month"], *(int(row[part]) for part in ("opening", "earn", "redeem", "expire", "closing")))
            for row in csv.DictReader(file)
        ]
    end_of_day = {date.fromisoformat(day): EndOfDay(**totals) for day, totals in document["end_of_day"].items()}
    return Figures(document["members"], document["orders"], end_of_day, months)


def expected_mini_balances() -> dict[date, dict[str, int]]:
    """Every household's balance at the end of each day of `mini`."""
    with (EXPECTED / "mini_balances.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    days = [column for column in rows[0] if column != "customer_id"]
    return {date.fromisoformat(day): {row["customer_id"]: int(row[day]) for row in rows} for day in days}


def roll_forward(postings: Iterable[tuple[date, Posting]], months: Iterable[str]) -> list[Month]:
    """The postings, each with the day of its entry, summed by month.

    Points are earned in the month of their entry. An expiry counts on the day the points were gone, whenever it was booked.
    """
    earned: Counter[str] = Counter()
    redeemed: Counter[str] = Counter()
    expired: Counter[str] = Counter()
    for recorded_on, posting in postings:
        if posting.debit is Account.ISSUED:
            earned[_month(recorded_on)] += posting.points
        if posting.credit is Account.REDEEMED:
            redeemed[_month(recorded_on)] += posting.points
        if posting.credit is Account.EXPIRED:
            for lot in posting.lots:
                assert lot.gone_on is not None, "points without a last day expired"
                expired[_month(lot.gone_on)] += lot.count
    rows: list[Month] = []
    for month in months:
        opening = rows[-1].closing if rows else 0
        closing = opening + earned[month] - redeemed[month] - expired[month]
        rows.append(Month(month, opening, earned[month], redeemed[month], expired[month], closing))
    return rows


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
