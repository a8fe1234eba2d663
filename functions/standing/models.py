"""Requests and answers of tiers and paid memberships."""

from datetime import date
from typing import Self

from functions.standing.read_standing import Standing
from shared.api.fields import Answer, Id, Instant, Request
from shared.domain.calendar import first_instant
from shared.domain.document import Code
from shared.domain.entry import Entry
from shared.domain.membership import BillingEvent, BillingKind
from shared.domain.subject import Billing
from shared.domain.tier import Benefits, Level


class MultiplierAnswer(Answer):
    """An order's base in `currency` is multiplied by `percent`; `by` is `tier:<level>` or `membership:<plan>`."""

    by: str
    currency: str
    percent: int


class BenefitsAnswer(Answer):
    """What tier and memberships give together: the most of early access, every perk, the tier's birthday gift first."""

    multipliers: list[MultiplierAnswer]
    perks: list[str]
    early_access_hours: int
    birthday_gift: str | None
    free_shipping: bool

    @classmethod
    def of(cls, benefits: dict[str, Benefits]) -> Self:
        """Benefits by what gives them, the tier first."""
        found = benefits.values()
        return cls(
            multipliers=[
                MultiplierAnswer(by=by, currency=multiplier.currency, percent=multiplier.percent)
                for by, given in benefits.items()
                for multiplier in given.multipliers
            ],
            perks=list(dict.fromkeys(perk for given in found for perk in given.perks)),
            early_access_hours=max((given.early_access_hours for given in found), default=0),
            birthday_gift=next((given.birthday_gift for given in found if given.birthday_gift), None),
            free_shipping=any(given.free_shipping for given in found),
        )


class LevelAnswer(Answer):
    """A tier and what it takes."""

    id: str
    name: str
    threshold: int

    @classmethod
    def of(cls, level: Level | None) -> Self | None:
        """The level, where there is one."""
        return cls(id=level.id, name=level.name, threshold=level.threshold) if level else None


class MembershipAnswer(Answer):
    """A paid membership that runs, renewals that are paid included, until `until`."""

    plan: str
    name: str
    until: Instant


class StandingAnswer(Answer):
    """A member's tier and paid memberships on the local `day` of the program's zone.

    `credited` is what counts of `metric` (points, spend in minor units, orders, referrals) since `period_start`; `missing` is
    what the `next` tier needs beyond it. `period_ends_on` is the first day after the period, `review_on` the day of its review.
    If nothing more is credited, the tier falls at `will_downgrade_at`, on the day `will_downgrade_on`, to `will_downgrade_to`.
    """

    member_id: str
    day: date
    tier: str | None
    tier_name: str | None
    metric: str | None
    credited: int
    period_start: date | None
    period_ends_on: date | None
    review_on: date | None
    next: LevelAnswer | None
    missing: int | None
    will_downgrade_on: date | None
    will_downgrade_at: Instant | None
    will_downgrade_to: LevelAnswer | None
    benefits: BenefitsAnswer
    memberships: list[MembershipAnswer]

    @classmethod
    def of(cls, found: Standing) -> Self:
        """The answer for a member's standing."""
        outlook, level = found.outlook, found.outlook.level
        return cls(
            member_id=found.member,
            day=found.day,
            tier=level.id if level else None,
            tier_name=level.name if level else None,
            metric=found.metric,
            credited=outlook.credited,
            period_start=outlook.period_start,
            period_ends_on=outlook.period_end,
            review_on=outlook.review_on,
            next=LevelAnswer.of(outlook.next),
            missing=outlook.missing,
            will_downgrade_on=outlook.falls_on,
            will_downgrade_at=first_instant(outlook.falls_on, found.zone) if outlook.falls_on else None,
            will_downgrade_to=LevelAnswer.of(outlook.falls_to),
            benefits=BenefitsAnswer.of(found.benefits),
            memberships=[MembershipAnswer(plan=plan.id, name=plan.name, until=until) for plan, until in found.memberships],
        )


class ReviewAnswer(Answer):
    """What a review found: `changed` with the entry that tells it, or nothing; `tier` is as it stands."""

    changed: bool
    entry_id: str | None
    before: str | None
    tier: str | None


class BillingBody(Request):
    """What a billing provider tells of a member's paid membership, once under its own `event_id`, in any order.

    `starts_at` and `ends_at` are the edges of the term, half-open; without them the plan and `occurred_at` give it. A renewal
    says when it begins.
    """

    event_id: Id
    member_id: Id
    plan: Code
    kind: BillingKind
    occurred_at: Instant
    starts_at: Instant | None = None
    ends_at: Instant | None = None

    def event(self) -> BillingEvent:
        """The domain's event."""
        return BillingEvent(**{name: getattr(self, name) for name in type(self).model_fields})


class BillingAnswer(Answer):
    """The entry that keeps a billing event, and the edges of the term it tells of."""

    entry_id: str
    member_id: str
    sequence: int
    recorded_at: Instant
    plan: str
    kind: str
    starts_at: Instant
    ends_at: Instant | None

    @classmethod
    def of(cls, entry: Entry, told: Billing) -> Self:
        """The answer that the entry stands for."""
        return cls(
            entry_id=entry.key,
            member_id=entry.member,
            sequence=entry.sequence,
            recorded_at=entry.recorded_at,
            plan=told.plan,
            kind=told.event,
            starts_at=told.starts,
            ends_at=told.ends,
        )
