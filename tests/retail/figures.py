"""The figures of a year: those that were computed apart from Laurel, and the same ones taken from its wallets."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, Self

from shared.domain.points import Account, Posting
from shared.domain.purse import Purse

EXPECTED = Path(__file__).parent / "expected"
SetName = Literal["mini", "full"]
MODULUS_AND_REMAINDER: dict[SetName, tuple[int, int]] = {"mini": (10, 7), "full": (1, 0)}
"""Which households are in a set: household number % modulus == remainder."""
Course = Literal["earn_expire", "with_redemption"]
"""What members do with their points: let them expire, or redeem 500 just before an order whenever they have as many."""
POINTS_LIVE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class EndOfDay:
    """All members together at the end of a day, in points; see expected/README.md for the rate and the hash."""

    earned: int
    redeemed: int
    expired: int
    outstanding: int
    members_with_balance: int
    max_balance: int
    redemption_rate: float
    balances_sha256: str

    @classmethod
    def of(cls, purses: Mapping[str, Purse]) -> Self:
        """Taken from the purses, by household, of a wallet read."""
        lines = sorted(f"{household},{purse.balance}\n" for household, purse in purses.items())
        earned = sum(purse.issued for purse in purses.values())
        redeemed = sum(purse.redeemed for purse in purses.values())
        return cls(
            earned=earned,
            redeemed=redeemed,
            expired=sum(purse.expired for purse in purses.values()),
            outstanding=sum(purse.balance for purse in purses.values()),
            members_with_balance=sum(purse.balance > 0 for purse in purses.values()),
            max_balance=max(purse.balance for purse in purses.values()),
            redemption_rate=_rate(redeemed, earned),
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
class Vintage:
    """What became of the points that were earned in a month (`2017-01`), whenever it did, until all were gone."""

    month: str
    earn: int
    expire: int
    redeem: int
    left: int
    redemption_rate: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of households must come to. Without redemption there are no `vintages`: all expires."""

    members: int
    orders: int
    redemptions: int
    redeeming_members: int
    end_of_day: dict[date, EndOfDay]
    months: list[Month]
    vintages: list[Vintage]


def expected_figures(name: SetName, course: Course = "earn_expire") -> Figures:
    """The figures of a set, from expected/."""
    document = json.loads((EXPECTED / "figures.json").read_text(encoding="utf-8"))[name]
    months = [
        Month(row["month"], *(int(row[part]) for part in ("opening", "earn", "redeem", "expire", "closing")))
        for row in read_rows(f"{name}_{course}_rollforward.csv")
    ]
    redeeming = course == "with_redemption"
    return Figures(
        members=document["members"],
        orders=document["orders"],
        redemptions=document[course].get("redemptions", 0),
        redeeming_members=document[course].get("redeeming_members", 0),
        end_of_day={date.fromisoformat(day): EndOfDay(**row) for day, row in document[course]["end_of_day"].items()},
        months=months,
        vintages=_expected_vintages(name) if redeeming else [],
    )


def _expected_vintages(name: SetName) -> list[Vintage]:
    return [
        Vintage(
            month=row["vintage"],
            earn=int(row["earn"]),
            expire=int(row["expire"]),
            redeem=int(row["redeem"]),
            left=int(row["open_at_horizon"]),
            redemption_rate=float(row["ultimate_redemption_rate"]),
        )
        for row in read_rows(f"{name}_with_redemption_vintages.csv")
    ]


def expected_mini_balances(course: Course = "earn_expire") -> dict[date, dict[str, int]]:
    """Every household's balance at the end of each day of `mini`."""
    rows = read_rows(f"mini_{course}_balances.csv")
    days = [column for column in rows[0] if column != "customer_id"]
    return {date.fromisoformat(day): {row["customer_id"]: int(row[day]) for row in rows} for day in days}


def read_rows(name: str) -> list[dict[str, str]]:
    """A table of expected/."""
    with (EXPECTED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def roll_forward(postings: Iterable[tuple[date, Posting]], months: Iterable[str]) -> list[Month]:
    """The postings, each with the day of its entry, summed by month.

    Points are earned and redeemed in the month of their entry, and expire in the month of the day they were gone, whenever
    that was booked.
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


def vintages(postings: Iterable[tuple[date, Posting]], months: Sequence[str]) -> list[Vintage]:
    """What became of the points that were earned in each of `months`, by the dates of the lots that were moved."""
    earned: Counter[str] = Counter()
    redeemed: Counter[str] = Counter()
    expired: Counter[str] = Counter()
    for _, posting in postings:
        for lot in posting.lots:
            assert lot.gone_on is not None, "points without a last day"
            month = _month(lot.gone_on - POINTS_LIVE)
            earned[month] += lot.count * (posting.debit is Account.ISSUED)
            redeemed[month] += lot.count * (posting.credit is Account.REDEEMED)
            expired[month] += lot.count * (posting.credit is Account.EXPIRED)
    return [
        Vintage(
            month,
            earned[month],
            expired[month],
            redeemed[month],
            earned[month] - expired[month] - redeemed[month],
            _rate(redeemed[month], earned[month]),
        )
        for month in months
    ]


def _rate(redeemed: int, earned: int) -> float:
    """The share of what was earned that was redeemed."""
    return round(redeemed / earned, 6)


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
