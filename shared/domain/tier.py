"""Tiers: the levels a member reaches by qualifying credit, and loses by its absence (the rules of points, 20).

What the documents say, what decides a member's tier, and where a member stands. How one follows from the other is in
tier_course.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.domain.calendar import months_after
from shared.domain.document import Code, Document
from shared.domain.written import Name

SHORTEST_YEAR = 365
"""Days; grace must end before the next year does."""

Credit = tuple[tuple[date, int], ...]
"""Net qualifying credit by local day: days ascending, amounts not negative. In points, minor units, orders or referrals."""


class Multiplier(Document):
    """`percent` of what an order's base earns in a currency: 150 is one and a half times."""

    currency: Code
    percent: int = Field(ge=101, le=10_000)


class Benefits(Document):
    """What a level or a paid membership gives.

    `early_access_hours`: how long before others rewards can be redeemed. `birthday_gift`: a reward's id. `perks` are words
    for people: the shop sees to them.
    """

    multipliers: list[Multiplier] = Field(default=[], max_length=10)
    perks: list[Name] = Field(default=[], max_length=20)
    early_access_hours: int = Field(default=0, ge=0, le=8760)
    birthday_gift: Code | None = None
    free_shipping: bool = False

    @model_validator(mode="after")
    def _a_currency_is_multiplied_once(self) -> Self:
        currencies = [multiplier.currency for multiplier in self.multipliers]
        if len(set(currencies)) < len(currencies):
            raise ValueError("two multipliers have the same currency")
        return self


class Level(Document):
    """One tier: reached as soon as the credit of a period is at least `threshold`."""

    id: Code
    name: Name
    threshold: int = Field(ge=0, le=10**12)
    benefits: Benefits = Benefits()


def _day_of_every_year(text: str) -> str:
    try:
        date(2001, int(text[:2]), int(text[3:]))
    except ValueError:
        raise ValueError("must be a day that every year has, such as 02-01") from None
    return text


class CalendarYear(Document):
    """A year that begins on the same day for everybody: `starts`, as MM-DD."""

    kind: Literal["calendar_year"]
    starts: Annotated[str, Field(pattern=r"^[0-9]{2}-[0-9]{2}$"), AfterValidator(_day_of_every_year)] = "01-01"


class Anniversary(Document):
    """A year that begins each year on the day of the member's enrolment; 29 February becomes 28 in common years."""

    kind: Literal["anniversary"]


class Rolling(Document):
    """The last `days` or `months`, the day itself included: of 365 days, day A counts A - 364 to A.

    Of n months, day A counts the days after the same day n months before (or that month's last day).
    """

    kind: Literal["rolling"]
    days: int | None = Field(default=None, ge=1, le=3660)
    months: int | None = Field(default=None, ge=1, le=120)

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.days is None) == (self.months is None):
            raise ValueError("give either days or months")
        return self

    def first_day(self, day: date) -> date:
        """The first of the days that count on `day`."""
        if self.days is not None:
            return day - timedelta(days=self.days - 1)
        return months_after(day, -(self.months or 0)) + timedelta(days=1)


class Tiers(Document):
    """The levels of a program, what counts for them and for how long.

    `metric`: qualifying points of `currency`, spend (minor units), orders or referrals. `grace_days` after a year's end its
    review decides, and what is earned by then keeps a level; of a rolling period, a level outlasts its credit by as many days.
    `downgrade`: to the level that the credit gives, or by one step a review.
    """

    metric: Literal["points", "spend", "orders", "referrals"]
    currency: Code | None = None
    period: CalendarYear | Anniversary | Rolling = Field(discriminator="kind")
    grace_days: int = Field(default=0, ge=0, le=366)
    downgrade: Literal["one_step", "by_balance"] = "by_balance"
    levels: list[Level] = Field(min_length=1, max_length=20)

    def is_above(self, level: str | None, other: str | None) -> bool:
        """Whether a level that there is stands above another; each is above none, and above one that there is no more."""
        order = [one.id for one in self.levels]
        return level in order and (other not in order or order.index(other) < order.index(level))

    @model_validator(mode="after")
    def _metric_and_period_fit(self) -> Self:
        if (self.metric == "points") != (self.currency is not None):
            raise ValueError("currency is for metric points, which needs one")
        rolling = isinstance(self.period, Rolling)
        if rolling and self.downgrade == "one_step":
            raise ValueError("a rolling period has no reviews: downgrade must be by_balance")
        if not rolling and self.grace_days >= SHORTEST_YEAR:
            raise ValueError("grace_days must be less than a year")
        return self

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        ids = [level.id for level in self.levels]
        if len(set(ids)) < len(ids):
            raise ValueError("two levels have the same id")
        thresholds = [level.threshold for level in self.levels]
        if any(upper <= lower for lower, upper in pairwise(thresholds)):
            raise ValueError("thresholds must rise from level to level")
        return self

    @property
    def measure(self) -> str:
        """What counts, in a word: `points:stars`, `spend`, `orders`, `referrals`. Credit of two measures never mixes."""
        return f"{self.metric}:{self.currency}" if self.currency else self.metric

    def level(self, id: str) -> Level | None:
        """The level with this id; None if there is none by now."""
        return next((level for level in self.levels if level.id == id), None)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is left of credit that is no longer kept: that before `day`.

    Where a year begins on `day`, `tier` (a level's id) is what its review decided. `held` is the highest tier since the day
    before `held_since`, where a protected range began that may go on. Both are levels of the policy that holds on `day`.
    """

    day: date
    tier: str | None = None
    held: str | None = None
    held_since: date | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All that decides a member's tier.

    `credit` counts for every policy, except for those whose `measure` is a key of `others`: theirs is there (a program that
    went from points to spend). `protected`: half-open ranges of days, an end None is open, in which paid memberships keep
    the tier from falling; they may overlap.
    """

    enrolled_on: date
    credit: Credit
    opening: Opening | None = None
    protected: tuple[tuple[date, date | None], ...] = ()
    others: Mapping[str, Credit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a member stands on a day and what comes.

    `credited` counts in the current period, from `period_start` to the day; `missing` is what `next` needs beyond it.
    `falls_on` is the first day of a lower tier if no more credit comes, `falls_to` what it is then (None: no tier).
    `period_end` is the first day after the period, `review_on` the next day of a review; both None for rolling periods.
    Without tiers everything is None and `credited` 0.
    """

    level: Level | None
    credited: int = 0
    next: Level | None = None
    missing: int | None = None
    falls_on: date | None = None
    falls_to: Level | None = None
    period_start: date | None = None
    period_end: date | None = None
    review_on: date | None = None


Policies = Sequence[tuple[date, Tiers | None]]
"""Each with the first day it holds, ascending; None: no tiers."""
