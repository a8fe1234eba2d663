"""Caps and budgets: how many points rules may give, to one member or in all (the rules of points, 10, 12, 15, 23)."""

from datetime import date
from typing import Annotated, Literal, NamedTuple, Self
from zlib import crc32

from pydantic import Field, model_validator

from shared.domain.calendar import first_of_period
from shared.domain.document import Code, Document

Period = Literal["day", "week", "month", "year"]
"""A calendar day, week (from Monday), month or year of the program's zone."""
CAP_POINTS_MAX = 10**12
"""Points that a cap may allow; above what all members together ever hold."""
SHARDS_MAX = 20
"""Shards of one budget; an order reads them all, and may draw on each."""
CAP = "cap:"


def begin_of(per: str, day: date) -> date | None:
    """The first day of the period that contains `day`; None where there is one period for `ever`."""
    return None if per == "ever" else first_of_period(per, day)


class Cost(Document):
    """What points cost the shop: `minor_units` for every `points`."""

    points: int = Field(ge=1, le=10**6)
    minor_units: int = Field(ge=1, le=10**9)

    def of(self, points: int) -> int:
        """Minor units that so many points cost, rounded up."""
        return -(-points * self.minor_units // self.points)

    def buys(self, minor_units: int) -> int:
        """The most points that cost no more than so many minor units."""
        return minor_units * self.points // self.minor_units


class Cap(Document):
    """At most so many points of `currency` by the rules that name it, `per` period, or ever.

    `scope` member: for each member; program: a budget of all together. The limit is in `points`, or in `minor_units` of the
    program's money at the currency's cost. A period is the one of the order's own day. A budget that more orders draw on at
    once than one item of the table takes is kept in `shards`.
    """

    id: Code
    currency: Code
    scope: Literal["member", "program"]
    per: Period | Literal["ever"] = "ever"
    shards: int = Field(default=1, ge=1, le=SHARDS_MAX)
    points: Annotated[int, Field(ge=0, le=CAP_POINTS_MAX)] | None = None
    minor_units: Annotated[int, Field(ge=0, le=CAP_POINTS_MAX)] | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.points is None) == (self.minor_units is None):
            raise ValueError("give exactly one of points and minor_units")
        if self.shards > 1 and self.scope == "member":
            raise ValueError("shards are for caps of scope program")
        return self

    def since(self, day: date) -> date | None:
        """The first day of the period that contains `day`; None where there is one period for ever."""
        return begin_of(self.per, day)

    def limit(self, cost: Cost | None) -> int:
        """The limit in points. A limit in money needs the currency's `cost`, which a valid program has."""
        if self.points is not None:
            return self.points
        return cost.buys(self.minor_units or 0) if cost else 0

    def keys(self, day: date) -> "tuple[BudgetKey, ...]":
        """The shards of the budget in the period of `day`."""
        return tuple(BudgetKey(self.id, self.since(day), shard) for shard in range(self.shards))

    def part_of(self, limit: int, shard: int) -> int:
        """A shard's part of the limit; the parts add up to it."""
        return limit // self.shards + (shard < limit % self.shards)

    def home(self, member: str) -> int:
        """The shard that a member's orders draw on first."""
        return crc32(member.encode()) % self.shards

    @property
    def count_name(self) -> str:
        """Under which name a wallet counts what a member used of it."""
        return f"{CAP}{self.id}:{self.per}"


class BudgetKey(NamedTuple):
    """A shard of a cap of all members together, in the period that begins on `since` (None: for ever)."""

    cap: str
    since: date | None
    shard: int = 0
