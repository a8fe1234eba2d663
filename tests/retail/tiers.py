"""Tiers of the published year: by spend of the last 365 days, as they were computed apart, and as Laurel reads them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from functions.standing.read_standing import read_standing
from tests.retail.figures import EXPECTED, SetName, read_rows
from tests.retail.replay import Replay
from tests.retail.shop import grocer_program

THRESHOLDS = {"bronze": 0, "silver": 50_000, "gold": 150_000, "platinum": 300_000}
"""Cents spent on the last 365 days."""


@dataclass(frozen=True, slots=True)
class MembersByTier:
    """How many members have each tier at the end of a day; `sha256` tells which (see expected/README.md)."""

    members: int
    bronze: int
    silver: int
    gold: int
    platinum: int
    sha256: str

    @classmethod
    def of(cls, tiers: Mapping[str, str | None]) -> Self:
        """Counted from each household's tier."""
        counts = Counter(tiers.values())
        lines = sorted(f"{household},{tier}\n" for household, tier in tiers.items())
        return cls(
            members=len(tiers),
            **{tier: counts[tier] for tier in THRESHOLDS},
            sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
        )


def expected_tiers(name: SetName) -> dict[date, MembersByTier]:
    """The counts of a set by day, from expected/."""
    document = json.loads((EXPECTED / "figures.json").read_text(encoding="utf-8"))[name]
    return {date.fromisoformat(day): MembersByTier(**row) for day, row in document["tiers"].items()}


def expected_mini_tiers() -> dict[date, dict[str, str]]:
    """Every household's tier at the end of each day of `mini`, of those that had an order by then."""
    rows = read_rows("mini_tiers.csv")
    days = [column for column in rows[0] if column != "customer_id"]
    return {date.fromisoformat(day): {row["customer_id"]: row[day] for row in rows if row[day]} for day in days}


def tiered_program(after: int = 365, rounded_to: str = "day") -> dict[str, Any]:
    """The grocer's program with these tiers; they give nothing, so that points are as without."""
    levels = [{"id": tier, "name": tier.title(), "threshold": threshold} for tier, threshold in THRESHOLDS.items()]
    tiers = {"metric": "spend", "period": {"kind": "rolling", "days": 365}, "levels": levels}
    return {**grocer_program(after, rounded_to), "tiers": tiers}


@dataclass
class Watch:
    """Reads every member's tier at the end of the days that were computed apart, while a year goes by."""

    replay: Replay
    days: frozenset[date]
    found: dict[date, dict[str, str | None]] = field(default_factory=dict)

    def look(self, day: date) -> None:
        """Read them now, if this is one of the days."""
        if day in self.days:
            self.found[day] = {household: self._tier(household) for household in self.replay.members}

    def _tier(self, household: str) -> str | None:
        shop = self.replay.shop
        found = read_standing(self.replay.members[household], ledger=shop.ledger, programs=shop.programs)
        return found.outlook.level.id if found.outlook.level else None


def watched(replay: Replay, name: SetName) -> Watch:
    """Have a replay's tiers read on the days of a set."""
    watch = Watch(replay, frozenset(expected_tiers(name)))
    replay.on_month_end = watch.look
    return watch
