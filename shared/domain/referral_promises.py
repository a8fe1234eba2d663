"""Where the referral terms of a program take back what earlier ones promised, or promise nothing (docs/referrals.md).

Friends who have joined keep the terms they joined by: these are warnings about those who have a code and did not use it yet.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.domain.program import Program
from shared.domain.referral import (
    ADVOCATE,
    FRIEND,
    Abuse,
    ByEnrolment,
    ByMembership,
    ByOrders,
    Campaign,
    Qualifies,
    ReferralReward,
    ReferralTerms,
    Shared,
    Velocity,
)

Warnings = Iterator[tuple[str, str]]
"""Paths and reasons."""

NET_MIN_USUAL = 1_000_000
"""Minor units; a higher minimum is more likely a slip than an order: 10,000 dollars."""
_KEPT = "friends who joined by the old terms keep them"


def broken_referral(old: ReferralTerms | None, new: ReferralTerms | None) -> Warnings:
    """What those who shared a code, and their friends, get less of, or later, or for more."""
    if old is None:
        return
    if new is None:
        yield "referral", f"nobody can be brought any more; {_KEPT}"
        return
    yield from _of_offer("referral", old, new)
    yield from _of_rewards(f"referral.{ADVOCATE}", old.advocate, new.advocate)
    yield from _of_rewards(f"referral.{FRIEND}", old.friend, new.friend)
    yield from _of_campaigns(old, new)


def _of_campaigns(old: ReferralTerms, new: ReferralTerms) -> Warnings:
    for campaign in old.campaigns:
        if new.campaign(campaign.id) is None:
            yield "referral.campaigns", f"{campaign.id} was dropped: its codes bring nobody any more; {_KEPT}"
    for place, after in enumerate(new.campaigns):
        before, path = old.campaign(after.id), f"referral.campaigns.{place}"
        if before is None:
            continue
        yield from _of_offer(path, before, after)
        yield from _of_rewards(f"{path}.{FRIEND}", before.friend, after.friend)
        if after.ends_at and (before.ends_at is None or after.ends_at < before.ends_at):
            yield f"{path}.ends_at", "its codes were to work longer"


def _of_offer(path: str, old: ReferralTerms | Campaign, new: ReferralTerms | Campaign) -> Warnings:
    yield from _of_qualifying(f"{path}.qualifies", old.qualifies, new.qualifies)
    if new.hold_days > old.hold_days:
        yield f"{path}.hold_days", f"points will be held longer than the {old.hold_days} days that were promised"


def _of_qualifying(path: str, old: Qualifies, new: Qualifies) -> Warnings:
    if isinstance(old, ByOrders) and isinstance(new, ByOrders):
        if new.orders > old.orders:
            yield f"{path}.orders", f"order {old.orders} was enough; {_KEPT}"
        if new.net_min > old.net_min:
            yield f"{path}.net_min", f"an order of {old.net_min} minor units was enough; {_KEPT}"
    elif isinstance(old, ByMembership) and isinstance(new, ByMembership) and _fewer(old.plans, new.plans):
        yield f"{path}.plans", f"{', '.join(old.plans) or 'any plan'} was enough; {_KEPT}"
    if old.kind != new.kind:
        if not isinstance(new, ByEnrolment):
            yield f"{path}.kind", f"friends counted by {old.kind}; {_KEPT}"
        return
    was, now = _within(old), _within(new)
    if now is not None and (was is None or now < was):
        yield f"{path}.within_days", f"friends had {'no end' if was is None else f'{was} days'} to do what counts"


def _fewer(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether a plan no longer counts; no plans are any plan."""
    return bool(new) and (not old or not set(old) <= set(new))


def _within(qualifies: Qualifies) -> int | None:
    return None if isinstance(qualifies, ByEnrolment) else qualifies.within_days


def _of_rewards(path: str, old: Sequence[ReferralReward], new: Sequence[ReferralReward]) -> Warnings:
    given = {reward.currency: (place, reward) for place, reward in enumerate(new)}
    for before in old:
        if before.currency not in given:
            yield path, f"{before.currency} was dropped: {before.points} for each friend; {_KEPT}"
            continue
        place, after = given[before.currency]
        if after.points < before.points:
            yield f"{path}.{place}.points", f"was {before.points} for each friend; {_KEPT}"
        if number := _less_from(before, after):
            yield f"{path}.{place}.steps", f"was {before.for_number(number)} from friend {number} on"
        if added := [cap for cap in after.caps if cap not in before.caps]:
            yield f"{path}.{place}.caps", f"a ceiling was added: {', '.join(added)}"


def _less_from(before: ReferralReward, after: ReferralReward) -> int | None:
    """The first friend of a step for whom there is less."""
    numbers = sorted({step.referral for step in (*before.steps, *after.steps)})
    return next((number for number in numbers if after.for_number(number) < before.for_number(number)), None)


def doubtful_referral(program: Program, now: datetime) -> Warnings:
    """What looks like a slip in referral terms: rewards of nothing, a hold of no days, an enrolment that nobody looks at."""
    terms = program.referral
    if terms is None:
        if program.tiers and program.tiers.metric == "referrals":
            yield "tiers.metric", "nobody can be brought: the program has no referral"
        return
    yield from _doubtful_offer("referral", terms)
    yield from _idle_rewards(f"referral.{ADVOCATE}", terms.advocate, program)
    yield from _idle_rewards(f"referral.{FRIEND}", terms.friend, program)
    if isinstance(terms.qualifies, ByEnrolment) and _looks_away(terms.abuse):
        yield "referral.abuse", "an enrolment costs nothing, and no sign of farming leads to anything"
    for place, campaign in enumerate(terms.campaigns):
        path = f"referral.campaigns.{place}"
        yield from _doubtful_offer(path, campaign)
        yield from _idle_rewards(f"{path}.{FRIEND}", campaign.friend, program)
        if not campaign.friend:
            yield f"{path}.{FRIEND}", "friends who join by its codes get nothing"
        if campaign.ends_at and campaign.ends_at <= now:
            yield f"{path}.ends_at", "this campaign is over"


def _doubtful_offer(path: str, offer: ReferralTerms | Campaign) -> Warnings:
    if isinstance(offer.qualifies, ByOrders) and offer.qualifies.net_min > NET_MIN_USUAL:
        yield f"{path}.qualifies.net_min", f"is in minor units: {offer.qualifies.net_min} is much for one order"
    if offer.hold_days == 0 and not isinstance(offer.qualifies, ByEnrolment):
        yield f"{path}.hold_days", "there is no return window: what is refunded later may have been spent"


def _idle_rewards(path: str, rewards: Sequence[ReferralReward], program: Program) -> Warnings:
    for place, reward in enumerate(rewards):
        most = max((reward.points, *(step.points for step in reward.steps)))
        if not most:
            yield f"{path}.{place}.points", "gives nothing"
        for number, name in enumerate(reward.caps):
            left = program.limit_of(program.caps_by_id[name])
            if left < reward.points:
                yield f"{path}.{place}.caps.{number}", f"{name} leaves {left} of {reward.points} {reward.currency}"


def _looks_away(abuse: Abuse) -> bool:
    verdicts = [verdict for _, verdict in abuse if isinstance(verdict, str)]
    limits: tuple[Shared | Velocity, ...] = (abuse.shared_device, abuse.shared_payment, *abuse.velocity)
    return all(verdict == "allow" for verdict in (*verdicts, *(limit.verdict for limit in limits)))
