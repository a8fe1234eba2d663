"""Referral terms of a program: what brings a friend, what both get for it, and what looks like farming (docs/referrals.md).

A voucher or a gift card as a reward of a referral is a currency of its own (`coffee`), of which the catalog gives one reward
for one point: so it is held, capped, taken back and owed as points are.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.domain.cap import Period
from shared.domain.document import Code, Document
from shared.domain.purchase import AMOUNT_MAX
from shared.domain.written import Instant

Verdict = Literal["allow", "review", "reject"]
"""What a sign of farming leads to: nothing, an operator's look, or no reward."""
ADVOCATE, FRIEND = "advocate", "friend"
"""The two sides of a referral."""
LINK_CODE = "{code}"
"""What stands for the code in a share link."""


class ByOrders(Document):
    """The `orders`-th order of at least `net_min` minor units, less what earns nothing and what was refunded.

    Orders count from the enrolment on, up to `within_days` days after its day (None: for ever).
    """

    kind: Literal["orders"]
    orders: int = Field(default=1, ge=1, le=20)
    net_min: int = Field(default=0, ge=0, le=AMOUNT_MAX)
    within_days: int | None = Field(default=None, ge=0, le=3660)


class ByMembership(Document):
    """The first payment for any of `plans` (none given: any plan that costs something); a trial is none."""

    kind: Literal["membership"]
    plans: list[Code] = Field(default=[], max_length=20)
    within_days: int | None = Field(default=None, ge=0, le=3660)


class ByEnrolment(Document):
    """The enrolment itself."""

    kind: Literal["enrolment"]


Qualifies = Annotated[ByOrders | ByMembership | ByEnrolment, Field(discriminator="kind")]
"""When a friend counts."""


class Step(Document):
    """From the `referral`-th friend of an advocate on, `points` each."""

    referral: int = Field(ge=2, le=10**6)
    points: int = Field(ge=0, le=10**9)


class ReferralReward(Document):
    """`points` of `currency` for one side, within `caps`; an advocate's may change with the number of friends."""

    currency: Code
    points: int = Field(ge=0, le=10**9)
    caps: list[Code] = Field(default=[], max_length=10)
    steps: list[Step] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _steps_rise(self) -> Self:
        numbers = [step.referral for step in self.steps]
        if numbers != sorted(set(numbers)):
            raise ValueError("steps must rise from referral to referral")
        return self

    def for_number(self, number: int) -> int:
        """Points for an advocate's n-th friend, counted from 1."""
        reached = [step.points for step in self.steps if step.referral <= number]
        return reached[-1] if reached else self.points


class Shared(Document):
    """More than `others_max` members beside advocate and friend with the same fingerprint lead to `verdict`."""

    others_max: int = Field(default=0, ge=0, le=19)
    verdict: Verdict = "review"


class Velocity(Document):
    """More than `friends_max` friends of one advocate who join in a calendar period lead to `verdict`."""

    per: Period
    friends_max: int = Field(ge=1, le=10**6)
    verdict: Verdict = "review"


class Abuse(Document):
    """What each sign of farming leads to. What is allowed between advocate and friend makes no ring either."""

    same_mailbox: Verdict = "reject"
    same_phone: Verdict = "reject"
    same_device: Verdict = "reject"
    same_payment: Verdict = "reject"
    known_person: Verdict = "reject"
    ring: Verdict = "reject"
    shared_device: Shared = Shared()
    shared_payment: Shared = Shared()
    disposable: Verdict = "review"
    velocity: list[Velocity] = Field(default=[], max_length=4)

    @model_validator(mode="after")
    def _one_velocity_a_period(self) -> Self:
        if len({limit.per for limit in self.velocity}) < len(self.velocity):
            raise ValueError("velocity has one limit for each period")
        return self


Rewards = Annotated[list[ReferralReward], Field(max_length=5)]


class Campaign(Document):
    """Codes that no member owns: what a friend gets who joins by one of them in [`starts_at`, `ends_at`)."""

    id: Code
    qualifies: Qualifies
    hold_days: int = Field(default=14, ge=0, le=366)
    friend: Rewards
    starts_at: Instant | None = None
    ends_at: Instant | None = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self

    def runs_at(self, instant: datetime) -> bool:
        """Whether friends can join by its codes then."""
        return (self.starts_at or instant) <= instant and (self.ends_at is None or instant < self.ends_at)


class ReferralTerms(Document):
    """What a shop promises for bringing friends: when a friend counts, and what advocate and friend get.

    Points can be spent once `hold_days` are over: from the start of the local day of what counted + n. `link` is the share
    link, with `{code}` where the code goes.
    """

    qualifies: Qualifies
    hold_days: int = Field(default=14, ge=0, le=366)
    advocate: Rewards
    friend: Rewards = []
    abuse: Abuse = Abuse()
    link: Annotated[str, Field(pattern=r"^https://[!-~]{1,300}$")] | None = None
    campaigns: list[Campaign] = Field(default=[], max_length=100)

    @model_validator(mode="after")
    def _is_well_formed(self) -> Self:
        if self.link is not None and self.link.count(LINK_CODE) != 1:
            raise ValueError("link must have {code} once")
        if not (self.advocate or self.friend):
            raise ValueError("give a reward to the advocate, to the friend, or to both")
        if any(reward.steps for reward in (*self.friend, *(r for campaign in self.campaigns for r in campaign.friend))):
            raise ValueError("steps are for advocates: a friend is referred once")
        return self

    def campaign(self, id: str) -> Campaign | None:
        """The campaign with this id; None if there is none by now."""
        return next((campaign for campaign in self.campaigns if campaign.id == id), None)

    def link_for(self, code: str) -> str | None:
        """The share link of a code."""
        return self.link.replace(LINK_CODE, code) if self.link else None

    def rewards(self) -> dict[str, ReferralReward]:
        """Every reward by the name that it has among the reasons of an entry."""
        sides = {ADVOCATE: self.advocate, FRIEND: self.friend}
        found = {rule_of(side, reward): reward for side, rewards in sides.items() for reward in rewards}
        return found | {rule_of(FRIEND, reward, c.id): reward for c in self.campaigns for reward in c.friend}


def rule_of(side: str, reward: ReferralReward, campaign: str | None = None) -> str:
    """How a reward is named among the reasons of an entry: `referral:advocate:points`, `campaign:spring:points`."""
    return f"campaign:{campaign}:{reward.currency}" if campaign else f"referral:{side}:{reward.currency}"
