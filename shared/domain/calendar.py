"""Local days of named time zones (the rules of points, 5)."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far a till's clock may run ahead of ours."""


@cache
def zone_names() -> frozenset[str]:
    """All IANA zones; found once, because looking walks the file system."""
    return frozenset(available_timezones())


def instant_text(instant: datetime) -> str:
    """An aware instant as RFC 3339 in UTC, as the API answers it and the table keeps it."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day that `instant` (aware) falls on in `zone` (IANA name)."""
    return instant.astimezone(ZoneInfo(zone)).date()


def first_instant(day: date, zone: str) -> datetime:
    """The first instant of `day` in `zone`, in UTC; days of 23 and 25 hours included.

    Where clocks jump over midnight the day begins at the jump; where midnight comes twice, at the first one. A day that
    the zone never had (Apia, 2011-12-30) begins where the next one does.
    """
    tz = ZoneInfo(zone)
    midnight = datetime.combine(day, time.min, tzinfo=tz)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # Midnight does not exist. fold=0 reads it with the offset before the gap (an instant after the jump), fold=1
    # with the offset after it (an instant before the jump): the jump, by the second, lies between the two.
    before, after = midnight.replace(fold=1).astimezone(UTC), instant
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(tz).date() < day else (before, middle)
    return after.replace(microsecond=0)


def months_after(day: date, months: int) -> date:
    """`day` + n months; a day the month does not have becomes its last one (31 January + 1 = 28 or 29 February)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def first_of_next_month(day: date) -> date:
    """The first day after the month that contains `day`."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def first_of_next_year(day: date) -> date:
    """The first day after the year that contains `day`."""
    return date(day.year + 1, 1, 1)


def first_of_period(period: str, day: date) -> date:
    """The first day of the calendar day, week (from Monday), month or year that contains `day`."""
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
    raise ValueError(f"{period} is no period")


def first_after_period(period: str, day: date) -> date:
    """The first day after the period that contains `day`."""
    match period:
        case "day":
            return day + timedelta(days=1)
        case "week":
            return day + timedelta(days=7 - day.weekday())
        case "month":
            return first_of_next_month(day)
        case "year":
            return first_of_next_year(day)
    raise ValueError(f"{period} is no period")
