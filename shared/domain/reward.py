"""The catalog of rewards: what members may have for their points, for whom, when, and how often (docs/rewards.md).

A reward is a document like the program's: versions are kept for ever, and a redemption names the one it was made under.
Everything here is pure: what is asked of a reward, and what stands between a member and it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from shared.domain.calendar import first_after_period
from shared.domain.document import Code, Document
from shared.domain.errors import (
    LimitReachedError,
    PointsNotOfferedError,
    PointsShortError,
    RefusalError,
    RequestInvalidError,
    RewardInvalidError,
    RewardNotOfferedError,
    SoldOutError,
)
from shared.domain.faults import faults_of
from shared.domain.purchase import AMOUNT_MAX
from shared.domain.written import Instant, Name, Text

POINTS_MAX = 10**9
"""Points that one redemption takes at most."""

Points = Annotated[int, Field(ge=1, le=POINTS_MAX)]
MinorUnits = Annotated[int, Field(ge=1, le=AMOUNT_MAX)]
Percent = Annotated[int, Field(ge=1, le=100)]


class Discount(Document):
    """Money off an order: an `amount` of minor units or `percent` of it."""

    kind: Literal["discount"]
    amount: MinorUnits | None = None
    percent: Percent | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.amount is None) == (self.percent is None):
            raise ValueError("give exactly one of amount and percent")
        return self


class FreeProduct(Document):
    """A product for nothing."""

    kind: Literal["free_product"]
    sku: Text


class GiftCard(Document):
    """A gift card of `amount` minor units, good for `valid_days` (None: for ever)."""

    kind: Literal["gift_card"]
    amount: MinorUnits
    valid_days: int | None = Field(default=None, ge=1, le=3660)


class Donation(Document):
    """The shop gives `minor_units` for every `points` to a charity."""

    kind: Literal["donation"]
    charity: Code
    charity_name: Name
    points: Points
    minor_units: MinorUnits


class Experience(Document):
    """Something to take part in: early access, an event."""

    kind: Literal["experience"]
    details: str = Field(min_length=1, max_length=500)


class Shipping(Document):
    """An order is delivered for nothing."""

    kind: Literal["shipping"]


class PayWithPoints(Document):
    """Points pay a part of an order: `minor_units` for every `points`, at most `share_max_percent` of the order."""

    kind: Literal["pay_with_points"]
    points: Points
    minor_units: MinorUnits
    share_max_percent: Percent = 100


Benefit = Annotated[
    Discount | FreeProduct | GiftCard | Donation | Experience | Shipping | PayWithPoints, Field(discriminator="kind")
]
"""What a member gets."""
KINDS = ("discount", "free_product", "gift_card", "donation", "experience", "shipping", "pay_with_points")


class FixedPrice(Document):
    """It costs so many points."""

    points: Points


class ChosenPrice(Document):
    """The member chooses how many points to give: `points_min`, or `points_step` more, or twice that ... up to `points_max`."""

    points_min: Points
    points_max: Points
    points_step: Points = 1

    @model_validator(mode="after")
    def _ends_on_a_step(self) -> Self:
        if self.points_max < self.points_min:
            raise ValueError("points_max must be at least points_min")
        if (self.points_max - self.points_min) % self.points_step:
            raise ValueError("points_max must be a whole number of steps above points_min")
        return self

    def offers(self, points: int) -> bool:
        """Whether a member may choose `points`."""
        return self.points_min <= points <= self.points_max and not (points - self.points_min) % self.points_step


def _price_form(value: Any) -> str:
    chosen = isinstance(value, ChosenPrice) or (isinstance(value, dict) and not {"points_min", "points_max"}.isdisjoint(value))
    return "chosen" if chosen else "fixed"


Price = Annotated[Annotated[FixedPrice, Tag("fixed")] | Annotated[ChosenPrice, Tag("chosen")], Discriminator(_price_form)]
"""What it costs."""


class SeasonPrice(Document):
    """What it costs in a season of the program, instead of its price."""

    season: Code
    points: Points


class PerPeriod(Document):
    """At most `count` times in a calendar day, week (from Monday), month or year of the program's zone."""

    period: Literal["day", "week", "month", "year"]
    count: int = Field(ge=1, le=10**6)


class Limits(Document):
    """How often one member may have the reward: `ever`, and in a period. None: as often as they like."""

    ever: int | None = Field(default=None, ge=1, le=10**6)
    per_period: PerPeriod | None = None


def _lapse_days(validated: dict[str, Any]) -> int | None:
    return None if isinstance(validated.get("benefit"), GiftCard | Donation) else Reward.LAPSE_DAYS


class Reward(Document):
    """A whole reward document.

    It is offered in the half-open window [`starts_at`, `ends_at`), to members of any of `segments` (attributes of the profile
    that are true), `tiers` or `memberships`, in `regions` and `channels`; an empty list is no restriction. Tiers and
    memberships with early access may have it that much before `starts_at`. Of `season_prices` the first whose season it is
    holds. An issued redemption that is not used on its day or the `lapse_days` - 1 days after it lapses; None: it never does.
    What is fulfilled at once (gift cards, donations) has nothing that could lapse.
    """

    LAPSE_DAYS: ClassVar[int] = 30

    id: Code
    name: Name
    description: str = Field(default="", max_length=500)
    benefit: Benefit
    currency: Code
    price: Price
    season_prices: list[SeasonPrice] = Field(default=[], max_length=20)
    stock_limited: bool = False
    limits: Limits = Limits()
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    segments: list[Code] = Field(default=[], max_length=100)
    tiers: list[Code] = Field(default=[], max_length=100)
    memberships: list[Code] = Field(default=[], max_length=100)
    regions: list[Text] = Field(default=[], max_length=100)
    channels: list[Text] = Field(default=[], max_length=100)
    lapse_days: int | None = Field(default_factory=_lapse_days, ge=1, le=366)
    archived: bool = False

    @model_validator(mode="after")
    def _window_is_open_once(self) -> Self:
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self

    @model_validator(mode="after")
    def _price_fits_the_benefit(self) -> Self:
        by_points = isinstance(self.benefit, Donation | PayWithPoints)
        if isinstance(self.price, ChosenPrice) and not by_points:
            raise ValueError("only donations and paying with points let the member choose how many points to give")
        if isinstance(self.benefit, Donation | PayWithPoints):
            prices = [price.points for price in self.season_prices]
            if not _minor_units(self.benefit, min((self.points_min, *prices))):
                raise ValueError("the fewest points would be worth less than one minor unit")
            if _minor_units(self.benefit, max((self.points_max, *prices))) > AMOUNT_MAX:
                raise ValueError(f"the most points would be worth more than {AMOUNT_MAX} minor units")
        return self

    @model_validator(mode="after")
    def _only_a_fixed_price_changes_with_seasons(self) -> Self:
        if self.season_prices and isinstance(self.price, ChosenPrice):
            raise ValueError("where the member chooses how many points to give there are no season_prices")
        return self

    @model_validator(mode="after")
    def _only_what_waits_lapses(self) -> Self:
        if self.immediate and self.lapse_days is not None:
            raise ValueError("gift cards and donations are fulfilled at once and never lapse: leave lapse_days out")
        return self

    def on(self, seasons: Collection[str]) -> "Reward":
        """The reward as it is offered while these seasons of the program last."""
        for price in self.season_prices:
            if price.season in seasons:
                return self.model_copy(update={"price": FixedPrice(points=price.points)})
        return self

    @property
    def immediate(self) -> bool:
        """Whether it is fulfilled when it is redeemed, so that nothing is left to be used or to lapse."""
        return isinstance(self.benefit, GiftCard | Donation)

    @property
    def fixed_points(self) -> int | None:
        """The points it costs; None where the member chooses."""
        return self.price.points if isinstance(self.price, FixedPrice) else None

    @property
    def points_min(self) -> int:
        """The fewest points that buy it."""
        return self.price.points if isinstance(self.price, FixedPrice) else self.price.points_min

    @property
    def points_max(self) -> int:
        """The most points that it takes."""
        return self.price.points if isinstance(self.price, FixedPrice) else self.price.points_max

    @property
    def points_step(self) -> int:
        """How far apart the choices are; 1 where there is no choice."""
        return 1 if isinstance(self.price, FixedPrice) else self.price.points_step


@dataclass(frozen=True, slots=True)
class RewardVersion:
    """A reward document with its number, from 1, and the instant it was put in place."""

    version: int
    changed_at: datetime
    reward: Reward


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What decides whether a member may have a reward now.

    `day` is the local day of the program's zone at `now`; `active` the points that the member can spend; `taken_ever` and
    `taken_in_period` how often they had it; `available` what is left of it (None: unlimited); `attributes` the profile's;
    `points` what it would cost (None: the fewest points that buy it). `tier` and `memberships` are the member's, who may have
    rewards `early` before others.
    """

    now: datetime
    day: date
    active: int
    taken_ever: int = 0
    taken_in_period: int = 0
    available: int | None = None
    attributes: Mapping[str, str | int | bool]
    channel: str | None = None
    region: str | None = None
    points: int | None = None
    tier: str | None = None
    memberships: tuple[str, ...] = ()
    early: timedelta = timedelta(0)


def parse_reward(document: object) -> Reward:
    """The reward that a JSON value describes. Raises RewardInvalidError with the path of every fault."""
    try:
        return Reward.model_validate_json(json.dumps(document))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        # The default of a field that hangs on a faulty one is no fault of its own.
        told = [_plain(fault) for fault in found if fault["type"] != "default_factory_not_called"]
        raise RewardInvalidError(faults=faults_of(told)) from error


_TAGS = {"benefit": KINDS, "price": ("fixed", "chosen")}


def _plain(fault: Mapping[str, Any]) -> Mapping[str, Any]:
    """A fault where the document has it: the validator puts the form of a benefit or price it tried into the path."""
    loc: Sequence[Any] = fault["loc"]
    if fault["type"].startswith("union_tag"):
        return {"type": "value_error", "loc": (*loc, "kind"), "msg": f"must be one of {', '.join(KINDS)}"}
    if len(loc) > 1 and loc[1] in _TAGS.get(loc[0], ()):
        return {**fault, "loc": (loc[0], *loc[2:])}
    return fault


def points_for(reward: Reward, points: int | None, order_amount: int | None) -> int:
    """The points that a redemption takes: the fixed price, or what the member chose.

    `order_amount` is the order that points pay a part of, in minor units. Raises PointsNotOfferedError, with the choices there
    are (`points_max` 0: none for this order), and RequestInvalidError where a choice or the order is missing.
    """
    if points is None and reward.fixed_points is None:
        raise RequestInvalidError(
            faults=[{"path": "points", "reason": "is required: the member chooses how many points to give"}]
        )
    taken = points if points is not None else reward.points_min
    points_max = _points_max(reward, order_amount)
    offered = taken == reward.fixed_points or (isinstance(reward.price, ChosenPrice) and reward.price.offers(taken))
    if not offered or taken > points_max:
        raise PointsNotOfferedError(points_min=reward.points_min, points_max=points_max, points_step=reward.points_step)
    return taken


def _points_max(reward: Reward, order_amount: int | None) -> int:
    """The most points that can be given; for a part of an order, the last choice that pays no more than its share."""
    if not isinstance(reward.benefit, PayWithPoints):
        return reward.points_max
    if order_amount is None:
        raise RequestInvalidError(faults=[{"path": "order_amount", "reason": "is required: points pay a part of an order"}])
    share = order_amount * reward.benefit.share_max_percent // 100
    # The most points whose floored value is not above the share.
    most = min(reward.points_max, ((share + 1) * reward.benefit.points - 1) // reward.benefit.minor_units)
    if most < reward.points_min:
        return 0
    return most - (most - reward.points_min) % reward.points_step


def value_of(reward: Reward, points: int, order_amount: int | None) -> int | None:
    """What the benefit is worth in minor units, for `points`, on an order of `order_amount` where there is one.

    A discount is never worth more than its order. None where it has no value in money, or the order that decides is unknown.
    """
    benefit = reward.benefit
    match benefit:
        case Discount(amount=int(amount)):
            return amount if order_amount is None else min(amount, order_amount)
        case Discount(percent=int(percent)):
            return None if order_amount is None else order_amount * percent // 100
        case GiftCard():
            return benefit.amount
        case Donation() | PayWithPoints():
            return _minor_units(benefit, points)
        case _:
            return None


def _minor_units(rate: Donation | PayWithPoints, points: int) -> int:
    return points * rate.minor_units // rate.points


def claim_until(limits: Limits, day: date) -> date | None:
    """The first local day after the period that contains `day`; None where no period limits the reward."""
    if limits.per_period is None:
        return None
    return first_after_period(limits.per_period.period, day)


def obstacles(reward: Reward, situation: Situation) -> list[RefusalError]:
    """Every reason why a member may not have the reward now, in a fixed order; empty where they may.

    The order: archived, not_started, ended, segment, region, channel; the limits ever and per_period; stock; points.
    """
    return [
        *(RewardNotOfferedError(reason=reason) for reason in _not_offered(reward, situation)),
        *_limits_reached(reward.limits, situation),
        *([SoldOutError()] if situation.available is not None and situation.available < 1 else []),
        *_short(reward, situation),
    ]


def _not_offered(reward: Reward, situation: Situation) -> list[str]:
    barred = {
        "archived": reward.archived,
        "not_started": reward.starts_at is not None and situation.now < reward.starts_at - situation.early,
        "ended": reward.ends_at is not None and situation.now >= reward.ends_at,
        "segment": not _in_audience(reward, situation),
        "region": bool(reward.regions) and situation.region not in reward.regions,
        "channel": bool(reward.channels) and situation.channel not in reward.channels,
    }
    return [reason for reason, holds in barred.items() if holds]


def _in_audience(reward: Reward, situation: Situation) -> bool:
    if not reward.segments and not reward.tiers and not reward.memberships:
        return True
    return (
        situation.tier in reward.tiers
        or not set(situation.memberships).isdisjoint(reward.memberships)
        # `is True`: the attribute 1 is a number, not a membership.
        or any(situation.attributes.get(name) is True for name in reward.segments)
    )


def _limits_reached(limits: Limits, situation: Situation) -> list[RefusalError]:
    reached: list[RefusalError] = []
    if limits.ever is not None and situation.taken_ever >= limits.ever:
        reached.append(LimitReachedError(limit="ever", count=limits.ever, until=None))
    if limits.per_period is not None and situation.taken_in_period >= limits.per_period.count:
        until = claim_until(limits, situation.day)
        reached.append(LimitReachedError(limit="per_period", count=limits.per_period.count, until=until))
    return reached


def _short(reward: Reward, situation: Situation) -> list[RefusalError]:
    points = reward.points_min if situation.points is None else situation.points
    short_by = points - situation.active
    if short_by <= 0:
        return []
    return [PointsShortError(currency=reward.currency, points=points, active=situation.active, short_by=short_by)]
