"""Earning rules: what gives points, and under which conditions (docs/program.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from shared.domain.cap import Period
from shared.domain.document import Code, Document
from shared.domain.purchase import AMOUNT_MAX, Line
from shared.domain.season import Hours, Season, Weekday, at_hours, covers, on_weekday
from shared.domain.written import Text

NAMES_MAX = 500
"""Stores, products, categories and the like that one condition may list."""
POINTS_MAX = 10**6
Value = str | int | bool
"""What an attribute of a profile, an order or an activity may be."""

Amount = Annotated[int, Field(ge=0, le=AMOUNT_MAX)]
Names = Annotated[list[Text], Field(max_length=NAMES_MAX)]
Codes = Annotated[list[Code], Field(max_length=100)]
Attributes = Annotated[dict[Code, Annotated[list[Value], Field(min_length=1, max_length=100)]], Field(max_length=20)]


class When(Document):
    """Conditions of a rule. All that are given must hold; within a list, one of it is enough; an empty list asks nothing.

    `skus` and `categories` choose the lines of the order that the rule looks at. `amount_min` and `amount_max` are minor units
    paid with money for those lines, both inclusive. `weekdays` and `hours` are of the store's zone, else the program's.
    `order_number` counts the member's orders as they are recorded: 1 is the first; `order_every` n: each n-th. `segments` are
    attributes of the profile that are true; `attributes` and `order_attributes` name values of which one must be there.
    """

    channels: Names = []
    stores: Names = []
    skus: Names = []
    categories: Names = []
    amount_min: Amount | None = None
    amount_max: Amount | None = None
    weekdays: list[Weekday] = Field(default=[], max_length=7)
    hours: Hours | None = None
    order_number: int | None = Field(default=None, ge=1, le=10**6)
    order_every: int | None = Field(default=None, ge=2, le=10**6)
    tiers: Codes = []
    memberships: Codes = []
    segments: Codes = []
    attributes: Attributes = {}
    order_attributes: Attributes = {}
    seasons: Codes = []

    @model_validator(mode="after")
    def _there_is_an_amount_between(self) -> Self:
        if self.amount_min is not None and self.amount_max is not None and self.amount_max < self.amount_min:
            raise ValueError("amount_max must be at least amount_min")
        return self

    @cached_property
    def chooses_lines(self) -> bool:
        """Whether the rule looks at some lines of an order only."""
        return bool(self.skus or self.categories)

    @cached_property
    def asks_profile(self) -> bool:
        """Whether the member's profile decides."""
        return bool(self.segments or self.attributes)

    @cached_property
    def asks_time(self) -> bool:
        """Whether the hour or the order's own attributes decide; most rules of a long list do not ask."""
        return bool(self.seasons or self.weekdays or self.hours or self.order_attributes)

    @cached_property
    def asks_member(self) -> bool:
        """Whether who the member is and what they did before decides."""
        numbers = self.order_number is not None or self.order_every is not None
        return numbers or self.asks_profile or bool(self.tiers or self.memberships)

    def at_place(self, channel: str | None, store: str | None) -> bool:
        """Whether channel and store meet the conditions."""
        return (not self.channels or channel in self.channels) and (not self.stores or store in self.stores)

    def chooses(self, line: Line) -> bool:
        """Whether the rule looks at this line: it has one of the skus, and one of the categories, where they are given."""
        return (not self.skus or line.sku in self.skus) and (not self.categories or line.category in self.categories)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What happened, as far as conditions ask: when, where, and to whom. `zone` is the store's, else the program's.

    `attributes` are the profile's (None: not asked), `told` those of the order or activity itself. `seasons` are the program's.
    """

    at: datetime
    zone: str
    channel: str | None = None
    store: str | None = None
    told: Mapping[str, Value] = field(default_factory=dict)
    seasons: Mapping[str, Season] = field(default_factory=dict)
    order_number: int | None = None
    tier: str | None = None
    memberships: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)

    @cached_property
    def local(self) -> datetime:
        """The wall time at the store."""
        return self.at.astimezone(ZoneInfo(self.zone))

    @cached_property
    def on(self) -> frozenset[str]:
        """The seasons that it falls into."""
        return frozenset(name for name, season in self.seasons.items() if covers(season, self.at, self.zone))

    def possible(self, when: When) -> bool:
        """Whether time and place meet the conditions, whoever the member is."""
        return when.at_place(self.channel, self.store) and (not when.asks_time or self._in_time(when))

    def meets(self, when: When) -> bool:
        """Whether all conditions hold but those on lines and amounts."""
        return self.possible(when) and (not when.asks_member or self._of_member(when))

    def _in_time(self, when: When) -> bool:
        return (
            (not when.seasons or not self.on.isdisjoint(when.seasons))
            and (not when.weekdays or on_weekday(when.weekdays, self.local, when.hours))
            and (when.hours is None or at_hours(when.hours, self.local))
            and (not when.order_attributes or _one_of_each(when.order_attributes, self.told))
        )

    def _of_member(self, when: When) -> bool:
        return (
            (when.order_number is None or self.order_number == when.order_number)
            and (when.order_every is None or (self.order_number is not None and not self.order_number % when.order_every))
            and (not when.tiers or self.tier in when.tiers)
            and (not when.memberships or not set(self.memberships).isdisjoint(when.memberships))
            # `is True`: the attribute 1 is a number, not a membership.
            and (not when.segments or any(self.attributes.get(name) is True for name in when.segments))
            and (not when.attributes or _one_of_each(when.attributes, self.attributes))
        )


def _one_of_each(wanted: Mapping[str, list[Value]], found: Mapping[str, Value]) -> bool:
    # By type too: in Python, True is 1.
    return all(
        any(found.get(name) == value and type(found[name]) is type(value) for value in values)
        for name, values in wanted.items()
    )


class PerAmount(Document):
    """`points` for every `minor_units` of the order, as one exact fraction: floored once, at the order's end."""

    points: int = Field(ge=0, le=POINTS_MAX)
    minor_units: int = Field(ge=1, le=10**9)


class PerItem(Document):
    """`points` for every piece, as far as it was paid for with money."""

    points: int = Field(ge=0, le=POINTS_MAX)


class PerVisit(Document):
    """`points` for the order, however large."""

    points: int = Field(ge=0, le=POINTS_MAX)


class _Rule(Document):
    id: Code
    currency: Code
    when: When = When()
    caps: list[Code] = Field(default=[], max_length=10)


class PurchaseRule(_Rule):
    """The base of what a purchase earns in a currency: exactly one of `per_amount`, `per_item` and `per_visit`.

    All base rules whose conditions hold are added up. `qualifying`: whether it counts for tiers on points.
    """

    kind: Literal["purchase"]
    per_amount: PerAmount | None = None
    per_item: PerItem | None = None
    per_visit: PerVisit | None = None
    qualifying: bool = True

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if sum(part is not None for part in (self.per_amount, self.per_item, self.per_visit)) != 1:
            raise ValueError("give exactly one of per_amount, per_item and per_visit")
        return self


class MultiplierRule(_Rule):
    """A bonus of (`percent` - 100) % of the base of the lines it looks at: 200 doubles the points."""

    kind: Literal["multiplier"]
    percent: int = Field(ge=101, le=10_000)
    qualifying: bool = False


class BonusRule(_Rule):
    """A bonus of so many `points` for an order."""

    kind: Literal["bonus"]
    points: int = Field(ge=1, le=POINTS_MAX)
    qualifying: bool = False


class Limit(Document):
    """At most `count` times in a calendar period of the program's zone, or ever."""

    per: Period | Literal["ever"]
    count: int = Field(ge=1, le=10**6)


class ActivityRule(_Rule):
    """`points` for an activity, at most as often as every one of `limits` allows."""

    kind: Literal["activity"]
    activity: Code
    points: int = Field(ge=0, le=POINTS_MAX)
    limits: list[Limit] = Field(default=[], max_length=5)
    qualifying: bool = False

    @model_validator(mode="after")
    def _nothing_of_orders(self) -> Self:
        when = self.when
        of_orders = {
            "skus": when.skus,
            "categories": when.categories,
            "amount_min": when.amount_min is not None,
            "amount_max": when.amount_max is not None,
            "order_number": when.order_number,
            "order_every": when.order_every,
        }
        if asked := [name for name, given in of_orders.items() if given]:
            raise ValueError(f"an activity has no order: leave {', '.join(asked)} out of when")
        periods = [limit.per for limit in self.limits]
        if len(set(periods)) < len(periods):
            raise ValueError("two limits are for the same period")
        return self


EarningRule = Annotated[PurchaseRule | MultiplierRule | BonusRule | ActivityRule, Field(discriminator="kind")]
"""What gives points."""
