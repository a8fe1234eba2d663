"""When a campaign comes for a member: the moment that is due, and the next one (the rules of points, 5 and 22).

Birthdays and anniversaries are days of the member's own zone, silence is counted in days of the program's. Each moment has a
period, which is a part of the grant's key: it can be given once, whatever the member or the machinery does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from shared.domain.calendar import first_instant, local_day
from shared.domain.campaign import (
    GIFT_DAYS_MIN,
    LATE_DAYS,
    Anniversary,
    Birthday,
    Campaign,
    LeapDay,
    OnDate,
    Recurrence,
    Silence,
    TierReached,
)
from shared.domain.counts import gifted_name
from shared.domain.effect import Standing
from shared.domain.history import History
from shared.domain.member import Profile
from shared.domain.season import WEEKDAYS, wall_instant
from shared.domain.tier import Tiers
from shared.domain.wallet import Wallet

RISE_DAYS = 30
"""A tier that was reached is found so many days after, at the latest."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time at which a campaign is due for a member, once for `period`; `day` is the local day that it is for."""

    period: str
    due_at: datetime
    day: date


@dataclass(frozen=True, slots=True)
class Person:
    """What decides when a campaign comes: the wallet, the profile where there is one, and the program's zone and tiers."""

    wallet: Wallet
    profile: Profile | None
    zone: str
    tiers: Tiers | None = None
    history: History = ()

    @property
    def own_zone(self) -> str:
        """The zone that the member lives in."""
        return (self.profile.time_zone if self.profile else None) or self.zone

    def last_gift(self, campaign: str) -> date | None:
        """For which local day the campaign gave last, as far as the wallet remembers."""
        name = gifted_name(campaign)
        return max((count.day for count in self.wallet.counts if count.name == name and count.day), default=None)

    @property
    def silent_since(self) -> datetime:
        """The last purchase or redemption, else the enrolment."""
        return self.wallet.active_at or self.wallet.enrolled_at


def yearly(born: date, year: int, leap_day: LeapDay) -> date:
    """The day of `year` on which a date comes again."""
    if (born.month, born.day) != (2, 29):
        return born.replace(year=year)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, 2, 29) if leap else date(year, 2, 28) if leap_day == "feb28" else date(year, 3, 1)


def due(campaign: Campaign, person: Person, started_at: datetime, now: datetime) -> Moment | None:
    """The moment of an alarmed campaign that is due for a member and not given yet; None where there is none."""
    match campaign.trigger:
        case Birthday() | Anniversary() as trigger:
            return _due_of_year(campaign, trigger, person, started_at, now)
        case Silence() as trigger:
            moment = _silence(trigger, person)
            last = person.last_gift(campaign.id)
            # A silence that is told late, order by order, is one silence.
            again = last is None or (moment.day - last).days >= trigger.days
            return moment if moment.due_at <= now and again else None
        case TierReached() as trigger:
            return _risen(campaign, trigger, person, started_at, now)
    return None


def following(campaign: Campaign, person: Person, now: datetime) -> datetime | None:
    """The next instant after `now` at which the campaign may be due for a member, as things stand; None for never."""
    match campaign.trigger:
        case Birthday() | Anniversary() as trigger:
            today = local_day(now, person.own_zone)
            found = (_of_year(trigger, person, year) for year in range(today.year, today.year + 3))
            return min((m.due_at for m in found if m and m.due_at > now), default=None)
        case Silence() as trigger:
            at = _silence(trigger, person).due_at
            return at if at > now else None
        case TierReached(hold_days=days):
            stands = person.wallet.standing
            at = first_instant(stands.since + timedelta(days=days), person.zone) if stands else now
            return at if at > now else None
    return None


def _of_year(trigger: Birthday | Anniversary, person: Person, year: int) -> Moment | None:
    zone = person.own_zone
    enrolled = local_day(person.wallet.enrolled_at, zone)
    if isinstance(trigger, Birthday):
        born = person.profile.birth_date if person.profile else None
        if born is None or born.year >= year:
            return None
        day = yearly(born, year, trigger.leap_day)
        if day < enrolled:
            return None
    else:
        if year <= enrolled.year:
            return None
        day = yearly(enrolled, year, trigger.leap_day)
    return Moment(f"{year}", first_instant(day, zone), day)


def _due_of_year(
    campaign: Campaign, trigger: Birthday | Anniversary, person: Person, started_at: datetime, now: datetime
) -> Moment | None:
    zone, last = person.own_zone, person.last_gift(campaign.id)
    today, since = local_day(now, zone), local_day(started_at, zone)
    for year in (today.year - 1, today.year):
        moment = _of_year(trigger, person, year)
        if moment is None or moment.due_at > now or today > moment.day + timedelta(days=LATE_DAYS) or moment.day < since:
            continue
        if last is None or (moment.day - last).days > GIFT_DAYS_MIN:
            return moment
    return None


def _silence(trigger: Silence, person: Person) -> Moment:
    last = local_day(person.silent_since, person.zone)
    day = last + timedelta(days=trigger.days)
    return Moment(last.isoformat(), first_instant(day, person.zone), day)


def _risen(campaign: Campaign, trigger: TierReached, person: Person, started_at: datetime, now: datetime) -> Moment | None:
    standing = person.wallet.standing
    if standing is None or standing.tier not in trigger.tiers:
        return None
    today, last = local_day(now, person.zone), person.last_gift(campaign.id)
    day = standing.since + timedelta(days=trigger.hold_days)
    if standing.since < local_day(started_at, person.zone) or not day <= today <= day + timedelta(days=RISE_DAYS):
        return None
    if last is not None and (standing.since - last).days <= trigger.again_after_days:
        return None
    if not _rose(standing, person):
        return None
    return Moment(f"{standing.tier}-{standing.since:%Y%m%d}", first_instant(day, person.zone), standing.since)


def _rose(standing: Standing, person: Person) -> bool:
    """Whether the tier that was told last is higher than the one told before it."""
    told = list(islice((row.effect.stands for row in person.history if row.effect.stands), 2))
    before = told[1].tier if len(told) > 1 else None
    return person.tiers is not None and person.tiers.is_above(standing.tier, before)


def occurrences(campaign: Campaign, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """The instants of a dated campaign after one instant and up to another, in order; `zone` is the program's."""
    zone = campaign.zone(zone)
    trigger = campaign.trigger
    if isinstance(trigger, OnDate):
        at = wall_instant(trigger.at, zone)
        if after < at <= until:
            yield at
    if isinstance(trigger, Recurrence):
        day = local_day(after, zone)
        while (at := _wall_of(day, trigger.at, zone)) <= until:
            if at > after and _comes_on(trigger, day):
                yield at
            day += timedelta(days=1)


def _comes_on(trigger: Recurrence, day: date) -> bool:
    if trigger.every == "week":
        return WEEKDAYS[day.weekday()] == trigger.weekday
    return trigger.every == "day" or day.day == trigger.day


def _wall_of(day: date, text: str, zone: str) -> datetime:
    """The instant of a wall time: the first where it comes twice; where clocks jump over it, as much later."""
    wall = datetime(day.year, day.month, day.day, int(text[:2]), int(text[3:]), tzinfo=ZoneInfo(zone))
    return wall.astimezone(UTC)


ONCE = "once"
"""The period of a campaign of one date: wherever the date is moved, it comes once."""


def period_of(campaign: Campaign, at: datetime, zone: str) -> str:
    """The period of a dated campaign's moment: the local day, week or month that it comes once in; `zone` is the program's."""
    trigger, day = campaign.trigger, local_day(at, campaign.zone(zone))
    if not isinstance(trigger, Recurrence):
        return ONCE
    if trigger.every == "week":
        return f"{day:%G-W%V}"
    return f"{day:%Y-%m}" if trigger.every == "month" else day.isoformat()
