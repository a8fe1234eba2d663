"""A season holds exactly when its document says, on every local day, also where clocks jump."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.season import WEEKDAYS, Hours, Season, at_hours, covers, edge_faults, on_weekday

NEW_YORK = "America/New_York"
JUMPS = [
    pytest.param(NEW_YORK, "2026-03-07", id="New York, 23 hours"),
    pytest.param(NEW_YORK, "2026-10-31", id="New York, 25 hours"),
    pytest.param("Australia/Lord_Howe", "2026-04-04", id="Lord Howe, half an hour more"),
    pytest.param("Australia/Lord_Howe", "2026-10-03", id="Lord Howe, half an hour less"),
    pytest.param("Pacific/Apia", "2011-12-28", id="Apia, a day that never was"),
    pytest.param("Asia/Kathmandu", "1985-12-31", id="Kathmandu, a quarter of an hour less at midnight"),
    pytest.param("America/Havana", "2026-10-31", id="Havana, midnight comes twice"),
]


def season(**parts: Any) -> Season:
    return Season.model_validate_json(json.dumps({"id": "it", **parts}))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(zone: str, wall: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def reasons(**parts: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        season(**parts)
    return str(caught.value)


# A span


def test_double_points_until_the_end_of_november_count_the_last_half_minute_and_not_the_first_of_december() -> None:
    november = season(time_zone=NEW_YORK, starts="2026-11-01T00:00", ends="2026-11-30T24:00")

    assert covers(november, at(NEW_YORK, "2026-11-30T23:59:30"), "Asia/Tokyo")
    assert covers(november, at(NEW_YORK, "2026-11-30T23:59:59.999999"), "Asia/Tokyo")
    assert not covers(november, at(NEW_YORK, "2026-12-01T00:00:00"), "Asia/Tokyo")
    assert not covers(november, at(NEW_YORK, "2026-12-01T00:00:10"), "Asia/Tokyo")
    assert covers(november, at(NEW_YORK, "2026-11-01T00:00"), "Asia/Tokyo")
    assert not covers(november, at(NEW_YORK, "2026-10-31T23:59:59"), "Asia/Tokyo")


def test_the_instant_counts_and_not_the_zone_it_is_written_in() -> None:
    november = season(time_zone=NEW_YORK, ends="2026-11-30T24:00")

    assert covers(november, datetime.fromisoformat("2026-12-01T13:59:30+09:00"), NEW_YORK)
    assert not covers(november, datetime.fromisoformat("2026-12-01T14:00:00+09:00"), NEW_YORK)


def test_a_span_without_an_end_goes_on_and_one_without_a_start_always_was() -> None:
    assert covers(season(starts="2026-11-01T00:00"), utc("2999-12-31"), "UTC")
    assert not covers(season(starts="2026-11-01T00:00"), utc("2026-10-31"), "UTC")
    assert covers(season(ends="2026-11-01T00:00"), utc("1901-01-01"), "UTC")


def test_a_season_without_a_zone_begins_in_each_store_by_the_stores_own_clock() -> None:
    sale = season(starts="2026-11-27T09:00", ends="2026-11-27T12:00")
    moment = utc("2026-11-27T15:00")

    assert covers(sale, moment, NEW_YORK)
    assert not covers(sale, moment, "America/Los_Angeles")
    assert covers(sale, moment + timedelta(hours=3), "America/Los_Angeles")


def test_the_zone_of_a_season_goes_before_that_of_the_store() -> None:
    sale = season(time_zone="Asia/Kathmandu", starts="2026-11-27T09:00")

    assert [covers(sale, utc("2026-11-27T03:15"), zone) for zone in (NEW_YORK, "UTC")] == [True, True]
    assert not covers(sale, utc("2026-11-27T03:14:59"), NEW_YORK)


# A pattern that comes again


def test_weekends_in_december_come_again_every_year() -> None:
    weekends = season(time_zone=NEW_YORK, months=[12], weekdays=["saturday", "sunday"])

    assert [covers(weekends, at(NEW_YORK, f"{day}T12:00"), "UTC") for day in ("2026-12-05", "2026-12-06", "2027-12-04")] == [
        True,
        True,
        True,
    ]
    assert [covers(weekends, at(NEW_YORK, f"{day}T12:00"), "UTC") for day in ("2026-12-04", "2026-11-29", "2027-01-02")] == [
        False,
        False,
        False,
    ]
    assert covers(weekends, at(NEW_YORK, "2026-12-06T23:59:59"), "UTC")
    assert not covers(weekends, at(NEW_YORK, "2026-12-07T00:00"), "UTC")


def test_a_span_and_a_pattern_must_both_hold() -> None:
    holidays = season(time_zone=NEW_YORK, starts="2026-12-06T10:00", ends="2026-12-31T24:00", weekdays=["sunday"])

    assert not covers(holidays, at(NEW_YORK, "2026-12-06T09:59"), "UTC")
    assert covers(holidays, at(NEW_YORK, "2026-12-06T10:00"), "UTC")
    assert not covers(holidays, at(NEW_YORK, "2026-12-07T10:00"), "UTC")


@pytest.mark.parametrize(
    ("start", "end", "inside", "outside"),
    [
        pytest.param("03-10", "03-12", ["2026-03-10", "2026-03-11"], ["2026-03-09", "2026-03-12"], id="half-open"),
        pytest.param("12-24", "01-02", ["2026-12-24", "2026-12-31", "2027-01-01"], ["2026-12-23", "2027-01-02"], id="new year"),
        pytest.param("12-01", "01-01", ["2026-12-31"], ["2026-11-30", "2027-01-01"], id="to the end of the year"),
        pytest.param("02-29", "03-02", ["2028-02-29", "2027-03-01"], ["2027-02-28", "2028-03-02"], id="from a leap day"),
        pytest.param("02-01", "02-29", ["2027-02-28", "2028-02-28"], ["2028-02-29", "2027-03-01"], id="to a leap day"),
    ],
)
def test_days_of_the_year_are_half_open_and_may_go_over_new_year(
    start: str, end: str, inside: list[str], outside: list[str]
) -> None:
    days = season(days={"start": start, "end": end})

    assert [day for day in (*inside, *outside) if covers(days, utc(f"{day}T12:00"), "UTC")] == inside


def test_hours_are_half_open_and_may_end_with_the_day() -> None:
    assert [
        at_hours(Hours(start="09:00", end="12:00"), utc(f"2026-06-01T{hour}")) for hour in ("08:59:59", "09:00", "12:00")
    ] == [
        False,
        True,
        False,
    ]
    assert at_hours(Hours(start="22:00", end="24:00"), utc("2026-06-01T23:59:59"))
    assert not at_hours(Hours(start="22:00", end="24:00"), utc("2026-06-02T00:00"))
    assert at_hours(None, utc("2026-06-01T03:00"))


def test_hours_over_midnight_belong_to_the_day_on_which_they_began() -> None:
    late_saturday = season(time_zone=NEW_YORK, weekdays=["saturday"], hours={"start": "22:00", "end": "02:00"})

    assert covers(late_saturday, at(NEW_YORK, "2026-06-06T22:00"), "UTC")
    assert covers(late_saturday, at(NEW_YORK, "2026-06-07T01:59:59"), "UTC")
    assert not covers(late_saturday, at(NEW_YORK, "2026-06-07T02:00"), "UTC")
    assert not covers(late_saturday, at(NEW_YORK, "2026-06-06T01:00"), "UTC"), "this night is Friday's"
    assert not covers(late_saturday, at(NEW_YORK, "2026-06-07T22:00"), "UTC")


def test_the_night_of_new_years_eve_is_decembers_until_it_ends() -> None:
    eve = season(months=[12], days={"start": "12-31", "end": "01-01"}, hours={"start": "20:00", "end": "04:00"})

    assert covers(eve, utc("2027-01-01T03:59"), "UTC")
    assert not covers(eve, utc("2027-01-01T20:00"), "UTC")
    assert not covers(eve, utc("2026-12-31T03:59"), "UTC")


def test_a_day_of_business_may_run_from_six_to_six() -> None:
    thursday = season(weekdays=["thursday"], hours={"start": "06:00", "end": "06:00"})

    assert [covers(thursday, utc(f"2026-06-{time}"), "UTC") for time in ("04T05:59", "04T06:00", "05T05:59", "05T06:00")] == [
        False,
        True,
        True,
        False,
    ]


def test_rules_ask_the_same_clocks_and_nothing_named_asks_nothing() -> None:
    local = datetime(2026, 6, 7, 1, 30, tzinfo=ZoneInfo(NEW_YORK))

    assert on_weekday(["sunday"], local)
    assert on_weekday(["saturday"], local, Hours(start="22:00", end="02:00"))
    assert not on_weekday(["sunday"], local, Hours(start="22:00", end="02:00"))
    assert on_weekday(["sunday"], local, Hours(start="01:00", end="02:00"))
    assert on_weekday([], local)


def test_an_hour_that_comes_twice_holds_twice_and_one_that_clocks_jump_over_not_at_all() -> None:
    one_to_two = season(hours={"start": "01:00", "end": "02:00"})
    two_to_three = season(hours={"start": "02:00", "end": "03:00"})

    assert len(minutes_of(one_to_two, NEW_YORK, "2026-11-01")) == 120
    assert len(minutes_of(two_to_three, NEW_YORK, "2026-03-08")) == 0
    assert len(minutes_of(two_to_three, NEW_YORK, "2026-03-09")) == 60
    assert len(minutes_of(season(weekdays=["sunday"]), NEW_YORK, "2026-03-08")) == 23 * 60
    assert len(minutes_of(season(weekdays=["sunday"]), NEW_YORK, "2026-11-01")) == 25 * 60


def test_the_night_before_a_day_that_never_was_is_that_of_the_last_day_there_was() -> None:
    thursday_night = season(weekdays=["thursday"], hours={"start": "22:00", "end": "02:00"})
    friday_night = season(weekdays=["friday"], hours={"start": "22:00", "end": "02:00"})

    # Apia went from Thursday, 29 December 2011, to Saturday.
    assert covers(thursday_night, at("Pacific/Apia", "2011-12-31T01:00"), "Pacific/Apia")
    assert not covers(friday_night, at("Pacific/Apia", "2011-12-31T01:00"), "Pacific/Apia")


def minutes_of(found: Season, zone: str, day: str) -> list[datetime]:
    noon = at(zone, f"{day}T12:00")
    around = [noon + timedelta(minutes=minute) for minute in range(-24 * 60, 24 * 60)]
    return [
        minute
        for minute in around
        if minute.astimezone(ZoneInfo(zone)).date().isoformat() == day and covers(found, minute, zone)
    ]


# What is refused


@pytest.mark.parametrize(
    ("zone", "wall", "fault"),
    [
        pytest.param(NEW_YORK, "2026-03-08T02:30", "does not exist", id="missing"),
        pytest.param(NEW_YORK, "2026-11-01T01:00", "comes twice", id="repeated"),
        pytest.param(NEW_YORK, "2026-11-01T01:59", "comes twice", id="repeated to the last minute"),
        pytest.param("Australia/Lord_Howe", "2026-04-05T01:45", "comes twice", id="half an hour"),
        pytest.param("Australia/Lord_Howe", "2026-10-04T02:15", "does not exist", id="half an hour is missing"),
        pytest.param("Pacific/Apia", "2011-12-30T12:00", "does not exist", id="a day that never was"),
        pytest.param("Asia/Kathmandu", "1986-01-01T00:00", "does not exist", id="midnight is missing"),
        pytest.param("Asia/Kathmandu", "1985-12-31T24:00", "does not exist", id="24:00 is that midnight"),
        pytest.param("America/Havana", "2026-11-01T00:30", "comes twice", id="midnight comes twice"),
    ],
)
def test_an_edge_that_clocks_pass_twice_or_never_is_refused(zone: str, wall: str, fault: str) -> None:
    assert f"starts: {wall} {fault} in {zone}" in reasons(time_zone=zone, starts=wall)
    assert f"ends: {wall} {fault} in {zone}" in reasons(time_zone=zone, ends=wall)
    assert edge_faults(season(starts=wall), [zone, zone, "UTC"]) == [f"starts: {wall} {fault} in {zone}"]


@pytest.mark.parametrize("wall", ["2026-03-08T01:59", "2026-03-08T03:00", "2026-11-01T00:59", "2026-11-01T02:00"])
def test_the_minutes_beside_a_jump_are_fine_edges(wall: str) -> None:
    assert season(time_zone=NEW_YORK, starts=wall).starts == wall


def test_edges_are_checked_in_every_zone_where_the_season_holds_and_only_there() -> None:
    wall = "2026-03-08T02:30"

    assert edge_faults(season(starts=wall), {"UTC", "Asia/Tokyo"}) == []
    assert edge_faults(season(starts=wall), {NEW_YORK, "America/Chicago"}) == [
        f"starts: {wall} does not exist in America/Chicago",
        f"starts: {wall} does not exist in {NEW_YORK}",
    ]
    assert edge_faults(season(starts=wall, time_zone="UTC"), {NEW_YORK}) == []


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param({}, "name at least one of", id="nothing"),
        pytest.param({"time_zone": NEW_YORK, "months": [], "weekdays": []}, "name at least one of", id="a zone alone"),
        pytest.param({"starts": "2026-01-02T00:00", "ends": "2026-01-01T24:00"}, "ends must be after starts", id="empty"),
        pytest.param({"starts": "2026-01-02T00:00", "ends": "2026-01-01T00:00"}, "ends must be after starts", id="backward"),
        pytest.param({"starts": "2026-02-29T00:00"}, "is no day of the calendar", id="29 February"),
        pytest.param({"starts": "2026-02-30T24:00"}, "is no day of the calendar", id="30 February, 24:00"),
        pytest.param({"starts": "2026-01-01T24:30"}, "String should match", id="24:30"),
        pytest.param({"starts": "2026-01-01T00:00Z"}, "String should match", id="with a zone"),
        pytest.param({"starts": "2026-01-01T00:00\n"}, "String should match", id="a line break"),
        pytest.param({"starts": "2026-01-01"}, "String should match", id="a day alone"),
        pytest.param({"starts": "٢٠٢٦-01-01T00:00"}, "String should match", id="digits of another script"),
        pytest.param({"days": {"start": "02-30", "end": "03-02"}}, "is no day of a year", id="30 February every year"),
        pytest.param({"days": {"start": "03-02", "end": "03-02"}}, "are the same day", id="no day or all"),
        pytest.param({"days": {"start": "03-02"}}, "Field required", id="no end"),
        pytest.param({"months": [13]}, "less than or equal to 12", id="month 13"),
        pytest.param({"months": ["12"]}, "valid integer", id="a month in text"),
        pytest.param({"months": [12, 12]}, "names a month twice", id="a month twice"),
        pytest.param({"weekdays": ["monday", "monday"]}, "names a weekday twice", id="a weekday twice"),
        pytest.param({"weekdays": ["Monday"]}, "Input should be 'monday'", id="a capital"),
        pytest.param({"hours": {"start": "24:00", "end": "02:00"}}, "String should match", id="starts at 24:00"),
        pytest.param({"hours": {"start": "9:00", "end": "12:00"}}, "String should match", id="one digit"),
        pytest.param({"time_zone": "EST5", "months": [12]}, "must be an IANA time zone", id="no zone"),
        pytest.param({"until": "2026-01-01T00:00"}, "Extra inputs", id="an unknown field"),
    ],
)
def test_a_season_that_makes_no_sense_is_refused(parts: dict[str, Any], reason: str) -> None:
    assert reason in reasons(**parts)


def test_a_season_is_written_as_it_was_read() -> None:
    parts = {"id": "it", "ends": "2026-11-30T24:00", "days": {"start": "02-29", "end": "01-01"}, "weekdays": ["sunday"]}

    assert json.loads(season(**parts).model_dump_json(exclude_unset=True)) == parts


# Properties

clock_times = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 5, 15, 30, 55]))
all_hours = st.builds(lambda start, end: {"start": start, "end": end}, clock_times, st.one_of(clock_times, st.just("24:00")))
year_days = st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: f"{day:%m-%d}")
patterns = st.fixed_dictionaries(
    {},
    optional={
        "hours": all_hours,
        "weekdays": st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True),
        "months": st.lists(st.integers(1, 12), min_size=1, unique=True),
        "days": st.tuples(year_days, year_days)
        .filter(lambda two: two[0] != two[1])
        .map(lambda two: {"start": two[0], "end": two[1]}),
    },
).filter(bool)


def walk(zone: str, first_day: str, *, days: int = 4, step: int = 5) -> Iterator[tuple[datetime, datetime, date]]:
    """Every `step` minutes of some days in UTC, what the clock shows then, and the last other day that it showed before."""
    instant = datetime.fromisoformat(first_day).replace(tzinfo=UTC) - timedelta(days=3)
    tz, seen, before = ZoneInfo(zone), None, None
    for minute in range(0, (days + 4) * 24 * 60, step):
        local = (instant + timedelta(minutes=minute)).astimezone(tz)
        if local.date() != seen:
            before, seen = seen, local.date()
        if before is not None:
            yield instant + timedelta(minutes=minute), local, before


def plainly(parts: dict[str, Any], local: datetime, before: date) -> bool:
    """What the document says, as a person with a calendar and a clock would read it."""
    day, clock = local.date(), f"{local:%H:%M}"
    if hours := parts.get("hours"):
        if hours["start"] < hours["end"]:
            inside = hours["start"] <= clock < hours["end"]
        elif clock >= hours["start"]:
            inside = True
        else:
            inside, day = clock < hours["end"], before
        if not inside:
            return False
    if days := parts.get("days"):
        begun = (day.month, day.day) >= tuple(map(int, days["start"].split("-")))
        over = (day.month, day.day) >= tuple(map(int, days["end"].split("-")))
        if not ((begun and not over) if days["start"] < days["end"] else (begun or not over)):
            return False
    return f"{day:%A}".lower() in parts.get("weekdays", WEEKDAYS) and day.month in parts.get("months", range(1, 13))


def disagreements(parts: dict[str, Any], zone: str, first_day: str, step: int) -> list[str]:
    found = season(**parts)
    return [
        local.isoformat()
        for instant, local, before in walk(zone, first_day, step=step)
        if covers(found, instant, zone) != plainly(parts, local, before)
    ]


@pytest.mark.parametrize(("zone", "first_day"), JUMPS)
@given(parts=patterns)
@settings(max_examples=12, deadline=None)
def test_every_moment_is_decided_as_a_person_with_a_calendar_would(zone: str, first_day: str, parts: dict[str, Any]) -> None:
    assert disagreements(parts, zone, first_day, step=5) == []


@pytest.mark.parametrize(("zone", "first_day"), JUMPS)
@pytest.mark.parametrize("hours", [("23:47", "01:53"), ("01:13", "02:29"), ("00:00", "00:01"), ("23:59", "24:00")], ids=str)
def test_so_is_every_minute(zone: str, first_day: str, hours: tuple[str, str]) -> None:
    parts = {"hours": {"start": hours[0], "end": hours[1]}, "weekdays": ["thursday", "saturday"]}

    assert disagreements(parts, zone, first_day, step=1) == []


@pytest.mark.parametrize(("zone", "first_day"), JUMPS)
@given(edges=st.sets(st.integers(0, 5 * 24 * 4), min_size=1, max_size=6))
@settings(max_examples=12, deadline=None)
def test_spans_that_follow_each_other_tile_time(zone: str, first_day: str, edges: set[int]) -> None:
    first = datetime.fromisoformat(first_day) - timedelta(days=1)
    walls = [f"{first + timedelta(minutes=15 * edge):%Y-%m-%dT%H:%M}" for edge in sorted(edges)]
    walls = [wall for wall in walls if not edge_faults(season(starts=wall), [zone])]
    spans = [
        season(time_zone=zone, **{name: wall for name, wall in (("starts", starts), ("ends", ends)) if wall})
        for starts, ends in zip(["", *walls], [*walls, ""], strict=True)
        if starts or ends
    ]
    counts = {sum(covers(span, instant, "UTC") for span in spans) for instant, _, _ in walk(zone, first_day)}
    assert not spans or counts == {1}


@pytest.mark.parametrize(("zone", "first_day"), JUMPS)
@given(times=st.lists(clock_times, min_size=2, max_size=5, unique=True))
@settings(max_examples=6, deadline=None)
def test_hours_and_weekdays_that_follow_each_other_tile_time(zone: str, first_day: str, times: list[str]) -> None:
    starts = sorted(times)
    hours = [{"start": start, "end": end} for start, end in zip(starts, [*starts[1:], starts[0]], strict=True)]
    parts = [season(hours=found, weekdays=[day]) for found in hours for day in WEEKDAYS]

    assert {sum(covers(part, instant, zone) for part in parts) for instant, _, _ in walk(zone, first_day, days=2, step=15)} == {
        1
    }
