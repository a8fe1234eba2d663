"""When campaigns come, by the letter of the rules: by walking over quarters of hours and days; unlike the domain's own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


@dataclass
class PlainLife:
    """Somebody's days: `told` are birth date and zone from an instant on, oldest first."""

    enrolled_at: datetime
    told: list[tuple[datetime, date | None, str]]
    active: list[datetime] = field(default_factory=list)

    def at(self, instant: datetime) -> tuple[date | None, str]:
        """Birth date and zone as they are known at an instant."""
        known = [(born, zone) for since, born, zone in self.told if since <= instant]
        return known[-1] if known else self.told[0][1:]


def day_at(instant: datetime, zone: str) -> date:
    """The calendar day of a wall clock."""
    return instant.astimezone(ZoneInfo(zone)).date()


def plain_start(day: date, zone: str) -> datetime:
    """The first quarter of an hour whose day is `day` or, where there is no such day, a later one."""
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    while day_at(instant, zone) < day:
        instant += QUARTER
    return instant


def has_birthday(born: date, day: date, leap_day: str) -> bool:
    """Whether a day is a birthday."""
    if (born.month, born.day) == (day.month, day.day):
        return True
    tomorrow = day + DAY
    if (born.month, born.day) != (2, 29) or (tomorrow.month, tomorrow.day) == (2, 29) or day.month not in (2, 3):
        return False
    # A common year has no 29 February: the day before 1 March, or 1 March itself.
    if leap_day == "feb28":
        return tomorrow.month == 3 and tomorrow.day == 1 and day.day == 28
    return day.month == 3 and day.day == 1 and (day - DAY).day == 28


def plain_birthdays(life: PlainLife, started_at: datetime, sweeps: Sequence[datetime], leap_day: str) -> dict[int, date]:
    """For which day of which year a birthday gift is given, where somebody looks at these instants."""
    given: dict[int, date] = {}
    for now in sweeps:
        born, zone = life.at(now)
        if born is None:
            continue
        today = day_at(now, zone)
        for back in range(7, -1, -1):
            day = today - back * DAY
            if not has_birthday(born, day, leap_day) or day.year <= born.year or day.year in given:
                continue
            if day < day_at(life.enrolled_at, zone) or day < day_at(started_at, zone):
                continue
            if given and (day - max(given.values())).days <= 300:
                continue
            given[day.year] = day
    return given


def plain_anniversaries(life: PlainLife, started_at: datetime, sweeps: Sequence[datetime], leap_day: str) -> dict[int, date]:
    """The same for anniversaries: the day on which they enrolled is none."""
    given: dict[int, date] = {}
    for now in sweeps:
        _, zone = life.at(now)
        enrolled, today = day_at(life.enrolled_at, zone), day_at(now, zone)
        for back in range(7, -1, -1):
            day = today - back * DAY
            if day.year == enrolled.year or not has_birthday(enrolled, day, leap_day) or day.year in given:
                continue
            if day < day_at(started_at, zone) or (given and (day - max(given.values())).days <= 300):
                continue
            if day > enrolled:
                given[day.year] = day
    return given


def plain_silences(life: PlainLife, zone: str, days: int, sweeps: Sequence[datetime]) -> list[tuple[date, date]]:
    """The last active day, and the day on which it was found that so many days had passed since; once for each silence."""
    found: list[tuple[date, date]] = []
    for now in sweeps:
        last = day_at(max([life.enrolled_at, *(at for at in life.active if at <= now)]), zone)
        if [at for at in life.active if at <= now]:
            last = day_at(max(at for at in life.active if at <= now), zone)
        today, passed = day_at(now, zone), 0
        while last + passed * DAY < today:
            passed += 1
        if passed >= days and all(silence != last for silence, _ in found):
            found.append((last, today))
    return found


def plain_recurrences(
    every: str, at: str, zone: str, after: datetime, until: datetime, weekday: int | None = None, day: int | None = None
) -> list[datetime]:
    """Each instant after one and up to another at which a wall clock first shows `at`, or first shows more than that.

    By walking over the quarters of all hours: `at` is on one of them.
    """
    found, done = list[datetime](), set[date]()
    instant = after.replace(minute=after.minute - after.minute % 15, second=0, microsecond=0) - 2 * DAY
    while instant <= until:
        wall = instant.astimezone(ZoneInfo(zone))
        local = wall.date()
        fits = every == "day" or (every == "week" and local.weekday() == weekday) or (every == "month" and local.day == day)
        if fits and local not in done and f"{wall:%H:%M}" >= at:
            done.add(local)
            # Of the first day of the walk nothing is known.
            if instant > after:
                found.append(instant)
        instant += QUARTER
    return found
