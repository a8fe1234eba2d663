"""Requests and answers of the catalog."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from functions.rewards.read_rewards import Offer
from shared.api.answers import ObstacleAnswer
from shared.api.fields import Amount, Answer, Instant, Request
from shared.domain.errors import PointsShortError
from shared.domain.reward import RewardVersion
from shared.domain.stock import Stock


class RewardRequest(Request):
    """A whole reward document (docs/rewards.md), its id left out.

    `if_version` is the version that the change was made from, 0 for a new reward; without it, whatever is there is replaced.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "name": "Five dollars off",
                    "benefit": {"kind": "discount", "amount": 500},
                    "currency": "points",
                    "price": {"points": 200},
                }
            ]
        },
    )

    if_version: Annotated[int, Field(ge=0)] | None = None

    @property
    def document(self) -> Mapping[str, Any]:
        """The document as it was sent."""
        return self.model_extra or {}


class StockRequest(Request):
    """How many there are in all: those that were used, and those that are held for vouchers, counted too."""

    total: Amount


class StockAnswer(Answer):
    """`total` = `used` + `held` (for vouchers that are neither used nor lapsed) + `available`.

    `available` is below zero where the total was set below what was gone already.
    """

    total: int
    used: int
    held: int
    available: int

    @classmethod
    def of(cls, stock: Stock, day: date) -> Self:
        """The stock on a local day of the program's zone."""
        return cls(total=stock.total, used=stock.used, held=stock.held_on(day), available=stock.available(day))


class RewardVersionAnswer(Answer):
    """One version of a reward."""

    version: int
    changed_at: Instant
    reward: dict[str, Any]

    @classmethod
    def of(cls, version: RewardVersion) -> Self:
        """The version as the API tells it."""
        return cls(version=version.version, changed_at=version.changed_at, reward=version.reward.model_dump(mode="json"))


class RewardAnswer(RewardVersionAnswer):
    """The newest version of a reward. `stock` is null where the reward's stock is not limited."""

    stock: StockAnswer | None

    @classmethod
    def with_stock(cls, version: RewardVersion, stock: Stock | None, day: date) -> Self:
        """The newest version with its stock on a local day."""
        told = StockAnswer.of(stock, day) if stock else None
        return cls(**RewardVersionAnswer.of(version).model_dump(), stock=told)


class RewardsAnswer(Answer):
    """The catalog, in order of id; archived rewards too."""

    rewards: list[RewardAnswer]


class RewardHistoryAnswer(RewardAnswer):
    """The newest version of a reward, and all there ever were, newest first."""

    versions: list[RewardVersionAnswer]


class OfferAnswer(Answer):
    """A reward for one member.

    `available` says whether they may have it now; if not, `obstacles` says why, and `short_by` how many points are missing.
    `left` is null where the stock is not limited.
    """

    id: str
    version: int
    name: str
    description: str
    benefit: dict[str, Any]
    currency: str
    price: dict[str, int]
    left: int | None
    limits: dict[str, Any]
    starts_at: Instant | None
    ends_at: Instant | None
    regions: list[str]
    channels: list[str]
    lapse_days: int | None
    available: bool
    short_by: int
    obstacles: list[ObstacleAnswer]

    @classmethod
    def of(cls, offer: Offer) -> Self:
        """The offer as the API tells it, without the segments and tiers that it is for."""
        hidden = {
            "benefit",
            "stock_limited",
            "segments",
            "tiers",
            "memberships",
            "season_prices",
            "archived",
            "starts_at",
            "ends_at",
        }
        reward = offer.version.reward
        return cls(
            **reward.model_dump(mode="json", exclude=hidden),
            version=offer.version.version,
            benefit=reward.benefit.model_dump(mode="json", exclude_none=True),
            starts_at=reward.starts_at,
            ends_at=reward.ends_at,
            left=offer.left,
            available=not offer.obstacles,
            short_by=next((found.short_by for found in offer.obstacles if isinstance(found, PointsShortError)), 0),
            obstacles=[ObstacleAnswer.of(found) for found in offer.obstacles],
        )


class OffersAnswer(Answer):
    """The rewards that a member sees, in order of id."""

    rewards: list[OfferAnswer]
