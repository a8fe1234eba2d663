"""Multiplier vouchers: a bonus that waits for the member's next order (docs/campaigns.md).

A wallet counts them as it counts everything beside points, so that they fold, merge and are forgotten as counts are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from shared.domain.accrual import Part
from shared.domain.counts import Count

BOOST = "boost:"


@dataclass(frozen=True, slots=True)
class Boost:
    """`percent` of the base for one order of the local days `since` to `until`, both included."""

    campaign: str
    currency: str
    percent: int
    since: date
    until: date

    @classmethod
    def of(cls, count: Count) -> Self | None:
        """The multiplier that a count is about; None for any other count."""
        if not count.name.startswith(BOOST) or count.day is None:
            return None
        _, campaign, currency, percent, since, _ = count.name.split(":")
        return cls(campaign, currency, int(percent), datetime.strptime(since, "%Y%m%d").date(), count.day)  # noqa: DTZ007

    def count(self, amount: int) -> Count:
        """So many more of it."""
        return Count(f"{BOOST}{self.campaign}:{self.currency}:{self.percent}:{self.since:%Y%m%d}:day", self.until, amount)

    @property
    def rule(self) -> str:
        """How it is named among the reasons of an order: all that a refund needs to rate it again."""
        return f"{BOOST}{self.campaign}:{self.percent}"


def percent_of(rule: str) -> int:
    """The percent of a multiplier voucher's share."""
    return int(rule.rpartition(":")[2])


def used_of(boosts: Iterable[Boost], parts: Iterable[Part]) -> list[Count]:
    """What an order counts for the multipliers that it used: those that gave something."""
    gave = {(part.rule, part.currency) for part in parts if part.exact}
    return [boost.count(-1) for boost in boosts if (boost.rule, boost.currency) in gave]


def good_boosts(counts: Iterable[Count], day: date) -> list[Boost]:
    """The multipliers that an order of the local day could use, the best first: the highest, then the one that ends first."""
    there = (boost for count in counts if count.amount > 0 and (boost := Boost.of(count)))
    good = (boost for boost in there if boost.since <= day <= boost.until)
    return sorted(good, key=lambda boost: (-boost.percent, boost.until, boost.campaign))


def best_boosts(counts: Iterable[Count], day: date) -> tuple[Boost, ...]:
    """For each currency the multiplier that an order of the local day uses."""
    found: dict[str, Boost] = {}
    for boost in good_boosts(counts, day):
        found.setdefault(boost.currency, boost)
    return tuple(found.values())
