"""Seasons: named windows of time in which rules earn and rewards cost something else (docs/seasons.md).

A season is a span between two wall times, a pattern that comes again (months, days of the year, weekdays, hours), or both; all
that it names must hold. Everything here is pure: instants are aware, wall times are local to a named zone.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from shared.domain.calendar import first_instant, local_day
from shared.domain.document import Code, Document, Zone

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The days of the week, in the order of `date.weekday()`."""

_A_LEAP_YEAR = 2000


def _wall(text: str) -> datetime:
    """The naive local time that a wall time names. Raises ValueError for a day that is on no calendar."""
    if text.endswith("T24:00"):
        return datetime.fromisoformat(text[:10]) + timedelta(days=1)
    return datetime.fromisoformat(text)


def _on_the_calendar(text: str) -> str:
    try:
        _wall(text)
    except ValueError:
        raise ValueError("is no day of the calendar") from None
    return text


def _in_a_year(text: str) -> str:
    try:
        date.fromisoformat(f"{_A_LEAP_YEAR}-{text}")
    except ValueError:
        raise ValueError("is no day of a year") from None
    return text


_WALL = r"^(19|20|2[1-9])[0-9]{2}-[0-9]{2}-[0-9]{2}T(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
WallTime = Annotated[str, Field(pattern=_WALL, examples=["2026-11-30T24:00"]), AfterValidator(_on_the_calendar)]
"""A local date and time without a zone, to the minute; 24:00 is the next day's 00:00."""
DayOfYear = Annotated[str, Field(pattern=r"^[0-9]{2}-[0-9]{2}$", examples=["12-24"]), AfterValidator(_in_a_year)]
"""A month and a day, MM-DD; 02-29 is 1 March in common years."""
Month = Annotated[int, Field(ge=1, le=12)]


class Hours(Document):
    """The wall times of a day from `start` up to, not including, `end`, which may be 24:00.

    An `end` that is not after `start` is on the next day: 22:00 to 02:00 is one window, and all of it belongs to the day on
    which it began.
    """

    start: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:00"])
    end: str = Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", examples=["12:00"])


class DaysOfYear(Document):
    """The days of every year from `start` up to, not including, `end`; an `end` before `start` is in the next year."""

    start: DayOfYear
    end: DayOfYear

    @model_validator(mode="after")
    def _is_a_part_of_the_year(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same day: leave days out for the whole year")
        return self


class Season(Document):
    """A named window of time; whatever it names of these must hold, and it names at least one.

    `starts` and `ends` are wall times, half-open. `months`, `days`, `weekdays` and `hours` come again. All of them are local to
    `time_zone`; without one, to the store's zone, else the program's.
    """

    id: Code
    time_zone: Zone | None = None
    starts: WallTime | None = None
    ends: WallTime | None = None
    months: list[Month] = Field(default=[], max_length=12)
    days: DaysOfYear | None = None
    weekdays: list[Weekday] = Field(default=[], max_length=7)
    hours: Hours | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not (self.starts or self.ends or self._recurs):
            raise ValueError("name at least one of starts, ends, months, days, weekdays and hours")
        for named, found in (("month", self.months), ("weekday", self.weekdays)):
            if len(set(found)) < len(found):
                raise ValueError(f"names a {named} twice")
        if self.starts and self.ends and _wall(self.ends) <= _wall(self.starts):
            raise ValueError("ends must be after starts")
        return self

    @model_validator(mode="after")
    def _begins_and_ends_once(self) -> Self:
        if self.time_zone and (faults := edge_faults(self, [self.time_zone])):
            raise ValueError("; ".join(faults))
        return self

    @property
    def _recurs(self) -> bool:
        return bool(self.months or self.days or self.weekdays or self.hours)


def edge_faults(season: Season, zones: Collection[str]) -> list[str]:
    """Why the season's edges are no single instants where it holds; empty where they are.

    A season holds in its own zone, one without in each of `zones` (the program's and its stores'), which a document checks
    when it has them all. An edge at a wall time that clocks pass twice, or jump over, is refused (the rules of points, 5).
    """
    found = [season.time_zone] if season.time_zone else sorted(set(zones))
    edges = [(name, text) for name, text in (("starts", season.starts), ("ends", season.ends)) if text]
    return [f"{name}: {text} {fault} in {zone}" for name, text in edges for zone in found if (fault := edge_fault(text, zone))]


def edge_fault(text: str, zone: str) -> str:
    """Why a wall time is no single instant of the zone; empty where it is one."""
    wall = _wall(text)
    first = wall.replace(tzinfo=ZoneInfo(zone))
    before, after = first.utcoffset(), first.replace(fold=1).utcoffset()
    if before == after or before is None or after is None:
        return ""
    return "comes twice" if before > after else "does not exist"


def at_hours(hours: Hours | None, local: datetime) -> bool:
    """Whether a clock that shows `local` (aware, its tzinfo a ZoneInfo) is within these hours; None: any."""
    if hours is None:
        return True
    start, end = _minute_of(hours.start), _minute_of(hours.end)
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def on_weekday(weekdays: Sequence[Weekday], local: datetime, hours: Hours | None = None) -> bool:
    """Whether it is one of these days (none named: any); after midnight of hours that wrap, the day on which they began."""
    return not weekdays or WEEKDAYS[_business_day(hours, local).weekday()] in weekdays


def covers(season: Season, instant: datetime, zone: str) -> bool:
    """Whether `instant` (aware) is in the season. `zone` is the store's, else the program's, for a season that has none."""
    zone = season.time_zone or zone
    if season.starts and instant < wall_instant(season.starts, zone):
        return False
    if season.ends and instant >= wall_instant(season.ends, zone):
        return False
    return not season._recurs or _comes_again(season, instant.astimezone(ZoneInfo(zone)))


def _comes_again(season: Season, local: datetime) -> bool:
    if not at_hours(season.hours, local) or not on_weekday(season.weekdays, local, season.hours):
        return False
    day = _business_day(season.hours, local)
    return (not season.months or day.month in season.months) and (season.days is None or _in_days(season.days, day))


def _in_days(days: DaysOfYear, day: date) -> bool:
    # As text, months and days of two digits are in the order of the calendar.
    reached = f"{day.month:02}-{day.day:02}"
    if days.start < days.end:
        return days.start <= reached < days.end
    return reached >= days.start or reached < days.end


def _business_day(hours: Hours | None, local: datetime) -> date:
    """The day to which the hours around `local` belong: the day before where they wrapped over midnight since."""
    day = local.date()
    if hours is None or _minute_of(hours.start) < _minute_of(hours.end):
        return day
    if local.hour * 60 + local.minute >= _minute_of(hours.end):
        return day
    return _day_before(day, str(local.tzinfo))


@lru_cache(maxsize=1024)
def _day_before(day: date, zone: str) -> date:
    """The day that the zone had before `day`; not always the calendar's, where a zone left one out."""
    return local_day(first_instant(day, zone) - timedelta(microseconds=1), zone)


@lru_cache(maxsize=4096)
def wall_instant(text: str, zone: str) -> datetime:
    """The instant of a wall time in UTC; kept, because every order asks every season."""
    return _wall(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@lru_cache(maxsize=2048)
def _minute_of(text: str) -> int:
    """The minute of the day that HH:MM names."""
    return int(text[:2]) * 60 + int(text[3:])
