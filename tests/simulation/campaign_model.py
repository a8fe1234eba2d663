"""When a campaign is due for a member, told a second time: day by day, from the rules of points (5 and 22) and nothing else.

Days are counted one by one and compared; nothing is worked out cleverly. Hashes are made with hashlib alone (docs/draws.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from shared.domain.campaign import Anniversary, Birthday, Campaign, Chance, LeapDay, OnDate, Recurrence, Silence, TierReached
from shared.domain.member import Profile
from shared.domain.program import Program
from shared.domain.wallet import Wallet

DAY = timedelta(days=1)
LATE_DAYS, APART_DAYS, RISE_DAYS, WEEK_DAYS, NOTICE_DAYS_MAX = 7, 300, 30, 7, 60
TOLD = "told:"
"""How a wallet counts that the member was told of points that will be gone."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STEP = timedelta(minutes=15)


def day_in(zone: str, at: datetime) -> date:
    """The local day."""
    return at.astimezone(ZoneInfo(zone)).date()


def begins(day: date, zone: str) -> datetime:
    """The first quarter of an hour of a local day, looked for step by step."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while day_in(zone, at) < day:
        at += STEP
    return at


def first_of(per: str, day: date) -> date:
    """The first day of a calendar period."""
    while not _is_first(per, day):
        day -= DAY
    return day


def _is_first(per: str, day: date) -> bool:
    match per:
        case "week":
            return day.weekday() == 0
        case "month":
            return day.day == 1
        case "year":
            return (day.month, day.day) == (1, 1)
    return True


def comes_again(born: date, day: date, leap_day: LeapDay) -> bool:
    """Whether `day` is the one on which a date comes again."""
    if (born.month, born.day) != (2, 29) or _is_leap(day.year):
        return (born.month, born.day) == (day.month, day.day)
    return (day.month, day.day) == ((2, 28) if leap_day == "feb28" else (3, 1))


def _is_leap(year: int) -> bool:
    try:
        date(year, 2, 29)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Somebody:
    """A member as they were read: `stands` are the tiers that were told them, oldest first."""

    wallet: Wallet
    profile: Profile
    stands: Sequence[str | None] = ()

    def zone(self, program: Program) -> str:
        """Where they live."""
        return self.profile.time_zone or program.time_zone

    def gifts(self, campaign: str) -> list[date]:
        """For which days the campaign gave."""
        return [count.day for count in self.wallet.counts if count.name == f"gifted:{campaign}" and count.day]

    def silent_since(self, program: Program) -> date:
        """The local day of the last purchase or redemption."""
        return day_in(program.time_zone, self.wallet.active_at or self.wallet.enrolled_at)


def owed(campaign: Campaign, who: Somebody, program: Program, started_at: datetime, now: datetime) -> str | None:
    """The period for which the member is to be given the bonus of an alarmed campaign now; None for none."""
    match campaign.trigger:
        case Birthday() | Anniversary() as trigger:
            zone = who.zone(program)
            today = day_in(zone, now)
            for day in (today - late * DAY for late in range(LATE_DAYS, -1, -1)):
                late_gift = any((day - gift).days <= APART_DAYS for gift in who.gifts(campaign.id))
                if is_the_day(trigger, who, day, zone) and day >= day_in(zone, started_at) and not late_gift:
                    return f"{day.year}"
        case Silence(days=days):
            since = who.silent_since(program)
            due_on = since + days * DAY
            again = all((due_on - gift).days >= days for gift in who.gifts(campaign.id))
            if day_in(program.time_zone, now) >= due_on and again:
                return since.isoformat()
        case TierReached() as trigger:
            return _risen(campaign, trigger, who, program, started_at, now)
    return None


def is_the_day(trigger: Birthday | Anniversary, who: Somebody, day: date, zone: str) -> bool:
    """Whether a local day is the member's birthday, or the anniversary of their enrolment."""
    enrolled = day_in(zone, who.wallet.enrolled_at)
    if isinstance(trigger, Anniversary):
        return day.year > enrolled.year and comes_again(enrolled, day, trigger.leap_day)
    born = who.profile.birth_date
    return born is not None and born.year < day.year and day >= enrolled and comes_again(born, day, trigger.leap_day)


def _risen(
    campaign: Campaign, trigger: TierReached, who: Somebody, program: Program, started_at: datetime, now: datetime
) -> str | None:
    standing, zone = who.wallet.standing, program.time_zone
    if standing is None or standing.tier not in trigger.tiers or program.tiers is None:
        return None
    order: list[str | None] = [None, *(level.id for level in program.tiers.levels)]
    before = who.stands[-2] if len(who.stands) > 1 else None
    rose = order.index(before) < order.index(standing.tier)
    days = (day_in(zone, now) - standing.since).days - trigger.hold_days
    fresh = all((standing.since - gift).days > trigger.again_after_days for gift in who.gifts(campaign.id))
    if not rose or not 0 <= days <= RISE_DAYS or standing.since < day_in(zone, started_at) or not fresh:
        return None
    return f"{standing.tier}-{standing.since:%Y%m%d}"


def comes_next(campaign: Campaign, who: Somebody, program: Program, now: datetime, days: int = 400) -> datetime | None:
    """The next quarter of an hour at which the campaign may be due for the member, within so many days."""
    match campaign.trigger:
        case Birthday() | Anniversary() as trigger:
            zone = who.zone(program)
            today = day_in(zone, now)
            ahead = (today + n * DAY for n in range(1, days))
            return next((begins(day, zone) for day in ahead if is_the_day(trigger, who, day, zone)), None)
        case Silence(days=silent):
            at = begins(who.silent_since(program) + silent * DAY, program.time_zone)
            return at if at > now else None
        case TierReached(tiers=tiers, hold_days=held) if who.wallet.standing and who.wallet.standing.tier in tiers:
            at = begins(who.wallet.standing.since + held * DAY, program.time_zone)
            return at if at > now else None
    return None


def dates_ahead(who: Somebody, program: Program, now: datetime) -> Iterator[datetime]:
    """When points of the member mature, are to be told of, and are gone, and when a redemption lapses."""
    today, zone = day_in(program.time_zone, now), program.time_zone
    days = {hold.lapses_on for hold in who.wallet.holds if hold.lapses_on}
    for lot in (lot for purse in who.wallet.purses for lot in purse.lots):
        days |= {day for day in (lot.spendable_from, lot.gone_on) if day is not None}
    soon = (today + n * DAY for n in range(1, NOTICE_DAYS_MAX))
    days |= set(next(([day] for day in soon if list(untold(who, program, day))), []))
    return (begins(day, zone) for day in days if day > today)


def untold(who: Somebody, program: Program, today: date) -> Iterator[tuple[str, int]]:
    """Of which currencies the member is to be told on a day that points will be gone, and within how many days."""
    ahead = program.messages.points_expiring_days if program.messages else []
    for purse in who.wallet.purses:
        for days in ahead:
            if not any(lot.gone_on and 0 < (lot.gone_on - today).days <= days for lot in purse.lots if not lot.spendable_from):
                continue
            told = {n: [c.day for c in who.wallet.counts if c.name == f"{TOLD}{purse.currency}:{n}" and c.day] for n in ahead}
            quiet = [day + (days if n == days else WEEK_DAYS) * DAY for n in ahead if n <= days for day in told[n]]
            if all(today >= day for day in quiet):
                yield purse.currency, days
                break


def is_overdue(who: Somebody, program: Program, now: datetime) -> bool:
    """Whether a date has come that no entry has booked."""
    today = day_in(program.time_zone, now)
    lots = [lot for purse in who.wallet.purses for lot in purse.lots]
    return any(
        day is not None and day <= today
        for day in (
            *(hold.lapses_on for hold in who.wallet.holds),
            *(lot.spendable_from for lot in lots),
            *(lot.gone_on for lot in lots),
        )
    )


def in_audience(campaign: Campaign, profile: Profile) -> bool:
    """Whether the campaign is for the member; of audiences, the simulation has consent alone."""
    purpose = campaign.audience.consent
    consent = profile.consents.get(purpose) if purpose else None
    return purpose is None or (consent is not None and consent.granted)


def too_often(campaign: Campaign, wallet: Wallet, program: Program, now: datetime) -> bool:
    """Whether the member was given as many bonuses as members are."""
    day = day_in(program.time_zone, now)
    given = {cap.per: wallet.counted(f"limit:#campaigns:{cap.per}", first_of(cap.per, day)) for cap in program.frequency_caps}
    return campaign.frequency_capped and any(given[cap.per] >= cap.count for cap in program.frequency_caps)


def _hashed(*words: str) -> int:
    return int(sha256("\n".join(words).encode()).hexdigest()[:16], 16)


def ticket(campaign: Campaign, period: str, member: str) -> int:
    """The member's ticket."""
    seed = campaign.draw.seed if campaign.draw else getattr(campaign.trigger, "seed", "")
    return _hashed("laurel-draw-1", campaign.id, period, seed, member)


def wins(chance: Chance, number: int) -> bool:
    """Whether a ticket wins by a chance."""
    return number * chance.of < chance.win * 2**64


def held_out(campaign: Campaign, member: str) -> bool:
    """Whether the member is in the campaign's hold-out."""
    return _hashed("laurel-hold-out-1", campaign.id, member) * 100 < campaign.hold_out_percent * 2**64


def moments(campaign: Campaign, program: Program, after: datetime, until: datetime) -> list[datetime]:
    """The moments of a dated campaign after one instant and up to another; clocks change at none of the simulation's."""
    zone, trigger = campaign.time_zone or program.time_zone, campaign.trigger
    found, day = [], day_in(zone, after) - DAY
    while day <= day_in(zone, until):
        wall = None
        if isinstance(trigger, OnDate) and trigger.at[:10] == day.isoformat():
            wall = trigger.at[11:]
        if isinstance(trigger, Recurrence) and _recurs(trigger, day):
            wall = trigger.at
        if wall is not None:
            hour, minute = int(wall[:2]), int(wall[3:])
            found.append(datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC))
        day += DAY
    return [at for at in found if after < at <= until]


def period_at(campaign: Campaign, program: Program, at: datetime) -> str:
    """The period of a dated campaign's moment: a date comes once, all else once in a local day, week or month."""
    if not isinstance(campaign.trigger, Recurrence):
        return "once"
    day = day_in(campaign.time_zone or program.time_zone, at)
    year, week, _ = day.isocalendar()
    return {"day": day.isoformat(), "week": f"{year}-W{week:02}", "month": day.isoformat()[:7]}[campaign.trigger.every]


def _recurs(trigger: Recurrence, day: date) -> bool:
    if trigger.every == "day":
        return True
    return trigger.weekday == WEEKDAYS[day.weekday()] if trigger.every == "week" else trigger.day == day.day
