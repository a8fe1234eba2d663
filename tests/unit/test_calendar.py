"""Days are local days, also where clocks jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendar import (
    first_instant,
    first_of_next_month,
    first_of_next_year,
    local_day,
    months_after,
)

ZONES = [
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "America/Havana",
    "America/Toronto",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "UTC",
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        pytest.param("UTC", "2026-03-02", "2026-03-02T00:00", id="plain"),
        pytest.param("Asia/Kathmandu", "2026-03-02", "2026-03-01T18:15", id="a zone of quarters"),
        pytest.param("America/New_York", "2026-03-08", "2026-03-08T05:00", id="a day of 23 hours"),
        pytest.param("America/New_York", "2026-03-09", "2026-03-09T04:00", id="the day after it"),
        pytest.param("America/New_York", "2026-11-01", "2026-11-01T04:00", id="a day of 25 hours"),
        pytest.param("America/New_York", "2026-11-02", "2026-11-02T05:00", id="the day after that"),
        pytest.param("Australia/Lord_Howe", "2026-04-06", "2026-04-05T13:30", id="a jump of half an hour"),
        pytest.param("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", id="midnight is missing, Sao Paulo"),
        pytest.param("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", id="midnight is missing, Cairo"),
        pytest.param("Asia/Beirut", "2022-03-27", "2022-03-26T22:00", id="midnight is missing, Beirut"),
        pytest.param("America/Toronto", "1919-03-31", "1919-03-31T04:30", id="half past eleven to half past midnight"),
        pytest.param("America/Havana", "2026-11-01", "2026-11-01T04:00", id="midnight comes twice, Havana"),
        pytest.param("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00", id="eleven comes twice the day before"),
        pytest.param("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", id="a day that never was"),
        pytest.param("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", id="the day that followed"),
        pytest.param("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00", id="another day that never was"),
        pytest.param("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", id="the last day before"),
        pytest.param("Europe/London", "1900-01-01", "1900-01-01T00:00", id="long ago"),
        pytest.param("America/New_York", "2999-12-31", "2999-12-31T05:00", id="far ahead"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: str, begins: str) -> None:
    assert first_instant(date.fromisoformat(day), zone) == utc(begins)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("America/Havana", "2026-11-01", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Pacific/Apia", "2011-12-30", 0),
    ],
)
def test_days_have_the_hours_that_their_zone_gives_them(zone: str, day: str, hours: float) -> None:
    first = date.fromisoformat(day)
    length = first_instant(first + timedelta(days=1), zone) - first_instant(first, zone)
    assert length == timedelta(hours=hours)


@given(day=st.dates(date(1900, 1, 2), date(2999, 12, 30)), zone=st.sampled_from(ZONES))
def test_the_first_instant_belongs_to_the_day_and_the_one_before_does_not(day: date, zone: str) -> None:
    begins = first_instant(day, zone)
    if (zone, day) != ("Pacific/Apia", date(2011, 12, 30)):
        assert local_day(begins, zone) == day
    assert local_day(begins - timedelta(microseconds=1), zone) < day


@given(seconds=st.integers(0, 4_102_444_800), zone=st.sampled_from(ZONES))
def test_every_instant_lies_in_its_own_day(seconds: int, zone: str) -> None:
    instant = datetime.fromtimestamp(seconds, UTC)
    day = local_day(instant, zone)
    assert first_instant(day, zone) <= instant < first_instant(day + timedelta(days=1), zone)


def test_the_day_of_an_instant_is_its_zones() -> None:
    instant = utc("2026-03-02T04:59:59")
    assert local_day(instant, "America/New_York") == date(2026, 3, 1)
    assert local_day(instant + timedelta(seconds=1), "America/New_York") == date(2026, 3, 2)
    assert local_day(instant, "Pacific/Kiritimati") == date(2026, 3, 2)


def test_the_zone_in_which_an_instant_is_written_does_not_matter() -> None:
    written = datetime.fromisoformat("2026-03-02T23:30:00-08:00")
    assert local_day(written, "Europe/Berlin") == local_day(written.astimezone(UTC), "Europe/Berlin") == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("day", "months", "reached"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2026-01-31", 11, "2026-12-31"),
        ("2026-01-31", 12, "2027-01-31"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-11-30", 1, "2026-12-30"),
        ("2026-05-15", 0, "2026-05-15"),
        ("2026-05-15", 3660, "2331-05-15"),
    ],
)
def test_a_day_that_the_month_does_not_have_becomes_its_last_one(day: str, months: int, reached: str) -> None:
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(reached)


@given(day=st.dates(date(1900, 1, 1), date(2999, 1, 1)), months=st.integers(0, 3660))
def test_months_later_is_the_same_day_of_the_month_or_its_last(day: date, months: int) -> None:
    reached = months_after(day, months)
    assert (reached.year * 12 + reached.month) - (day.year * 12 + day.month) == months
    assert reached.day == day.day or (reached.day < day.day and (reached + timedelta(days=1)).day == 1)


@given(day=st.dates(date(1900, 1, 1), date(2999, 12, 31)))
def test_the_next_month_and_year_begin_right_after_this_ones_last_day(day: date) -> None:
    month, year = first_of_next_month(day), first_of_next_year(day)
    assert (month.day, (year.month, year.day, year.year)) == (1, (1, 1, day.year + 1))
    before = month - timedelta(days=1)
    assert (before.year, before.month) == (day.year, day.month)
