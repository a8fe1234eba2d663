"""Tiers by the letter of the rules, one day after the other; slow, and unlike the domain's own way in everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from shared.domain.calendar import months_after
from shared.domain.tier import Anniversary, CalendarYear, Record, Rolling, Tiers

DAY = timedelta(days=1)


@dataclass
class PlainMember:
    """What is known of a member at the end of a day."""

    policy: Tiers | None = None
    begins: date = date.min  # of the year
    ended_at: int = 0  # the place when the year began; 0 is no level, 1 the lowest
    decided: int | None = None  # by the year's review
    under_older: int = 0  # reached in this year before the policy changed
    places: dict[date, tuple[int, Tiers | None]] = field(default_factory=dict)
    windows: dict[tuple[int, date], int] = field(default_factory=dict)


def plain_tiers(record: Record, policies: Sequence[tuple[date, Tiers | None]], until: date) -> dict[date, str | None]:
    """The id of the level during each day from the first one that matters up to `until`."""
    credits = (record.credit, *record.others.values())
    day = min([record.enrolled_on, until, *(day for credit in credits for day, _ in credit)])
    member = PlainMember()
    while day <= until:
        _live(member, record, policies, day)
        day += DAY
    return _shown(member, record)


def _live(member: PlainMember, record: Record, policies: Sequence[tuple[date, Tiers | None]], day: date) -> None:
    policy = next((tiers for first, tiers in reversed(policies) if first <= day), None)
    yesterday, old = member.places.get(day - DAY, (0, None))
    changed = policy != member.policy
    own = 0
    if policy is not None and not isinstance(policy.period, Rolling):
        own = _years(member, record, policy, day, yesterday, old, changed)
    elif policy is not None:
        ends = [day - DAY * back for back in range(policy.grace_days + 1)]
        for end in ends:
            if (id(policy), end) not in member.windows:
                member.windows[id(policy), end] = _window(record, policy, end)
        own = _reaches(policy, max(member.windows[id(policy), end] for end in ends))
    member.policy = policy
    member.places[day] = (own, policy)


def _years(
    member: PlainMember, record: Record, policy: Tiers, day: date, yesterday: int, old: Tiers | None, changed: bool
) -> int:
    begins = _begin(record, policy, day)
    if day - DAY not in member.places or member.policy is None:
        member.begins, member.ended_at, member.decided, member.under_older = begins, 0, 0, 0
    elif changed and (isinstance(old.period, Rolling) or old.period != policy.period):
        member.begins, member.under_older = begins, 0
        member.ended_at = _translate(yesterday, old, policy)
        open_still = day <= begins + DAY * policy.grace_days
        member.decided = None if open_still else member.ended_at
    elif begins != member.begins:
        member.begins, member.ended_at, member.decided, member.under_older = begins, _translate(yesterday, old, policy), None, 0
    elif changed:
        own = _reaches(old, _sum(record, old, _counted_from(record, old, begins), day - DAY))
        member.under_older = _translate(max(member.under_older, own), old, policy)
        member.ended_at = _translate(member.ended_at, old, policy)
        member.decided = None if member.decided is None else _translate(member.decided, old, policy)
    if member.decided is None and day >= begins + DAY * policy.grace_days:
        ended = _begin(record, policy, begins - DAY)
        kept = min(member.ended_at, _reaches(policy, _sum(record, policy, _counted_from(record, policy, ended), day - DAY)))
        member.decided = max(kept, member.ended_at - 1) if policy.downgrade == "one_step" else kept
    floor = member.ended_at if member.decided is None else member.decided
    return max(floor, member.under_older, _reaches(policy, _sum(record, policy, _counted_from(record, policy, begins), day)))


def _shown(member: PlainMember, record: Record) -> dict[date, str | None]:
    """With protection: on a protected day nobody has less than they had the day before."""
    shown: dict[date, str | None] = {}
    best, known = 0, None
    for day, (place, policy) in member.places.items():
        if any(first <= day and (end is None or day < end) for first, end in record.protected):
            best = max(_translate(best, known, policy), place)
        else:
            best = place
        known = policy
        shown[day] = policy.levels[best - 1].id if policy and best else None
    return shown


def _begin(record: Record, policy: Tiers, day: date) -> date:
    """The first day of the year that `day` is in."""
    if isinstance(policy.period, CalendarYear):
        return _last(policy.period.starts, None, day)
    return max(_last(None, record.enrolled_on, day), record.enrolled_on)


@cache
def _last(starts: str | None, enrolled: date | None, day: date) -> date:
    while not _begins_on(starts, enrolled, day):
        day -= DAY
    return day


def _begins_on(starts: str | None, enrolled: date | None, day: date) -> bool:
    if enrolled is None:
        return f"{day:%m-%d}" == starts
    if (enrolled.month, enrolled.day) == (2, 29) and (day + DAY).day != 29:
        return (day.month, day.day) in {(2, 29), (2, 28)}
    return (day.month, day.day) == (enrolled.month, enrolled.day)


def _counted_from(record: Record, policy: Tiers, begins: date) -> date:
    if isinstance(policy.period, Anniversary) and begins <= record.enrolled_on:
        return date.min
    return begins


def _window(record: Record, policy: Tiers, day: date) -> int:
    if policy.period.days is not None:
        return _sum(record, policy, day - DAY * (policy.period.days - 1), day)
    return _sum(record, policy, months_after(day, -policy.period.months) + DAY, day)


def _sum(record: Record, policy: Tiers, first: date, last: date) -> int:
    return sum(amount for day, amount in record.others.get(policy.measure, record.credit) if first <= day <= last)


def _reaches(policy: Tiers, credit: int) -> int:
    return sum(level.threshold <= credit for level in policy.levels)


def _translate(place: int, old: Tiers | None, new: Tiers | None) -> int:
    if not place or old is None or new is None:
        return 0
    level = old.levels[place - 1]
    same = [index for index, own in enumerate(new.levels, 1) if own.id == level.id]
    return same[0] if same else _reaches(new, level.threshold)
