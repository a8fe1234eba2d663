"""When campaigns come: against walks over days and quarters of hours, in all zones, with moves, edits and late sweeps."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from shared.domain.calendar import zone_names
from shared.domain.campaign import Campaign
from shared.domain.counts import Count, Forgotten, added, gifted_name
from shared.domain.member import Profile
from shared.domain.moments import Moment, Person, due, following, occurrences, period_of, yearly
from shared.domain.season import WEEKDAYS
from shared.domain.tier import Opening
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA
from tests.unit.crowd import campaign
from tests.unit.plain_moments import (
    DAY,
    QUARTER,
    PlainLife,
    day_at,
    plain_anniversaries,
    plain_birthdays,
    plain_recurrences,
    plain_silences,
    plain_start,
)

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "150"))
"""Lives per promise; LAUREL_EXAMPLES asks for more."""
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ODD = [
    "Africa/Cairo",
    "America/Havana",
    "America/Asuncion",
    "America/Santiago",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Honolulu",
    "Pacific/Kiritimati",
    "Pacific/Marquesas",
]
"""Zones of halves and quarters of an hour, of the edges of the day, and those whose clocks jump over midnight."""
zones = st.sampled_from(sorted(ODD)) | st.sampled_from(sorted(zone_names() - {"localtime"}))
births = st.dates(date(1940, 1, 1), date(2025, 12, 31)) | st.sampled_from(
    [date(2000, 2, 29), date(1996, 2, 29), date(2000, 3, 1)]
)
quarters = st.integers(0, 4 * 24 * 800).map(lambda number: BEGIN + number * QUARTER)
gaps = st.integers(1, 8) | st.integers(1, 4 * 24) | st.integers(4 * 24, 4 * 24 * 40)


def document(trigger: dict[str, Any]) -> Campaign:
    """A campaign with a trigger, for all."""
    return Campaign.model_validate(campaign("it", trigger))


def swept(gaps: list[int]) -> list[datetime]:
    """The instants of sweeps, from the gaps between them in quarters of an hour."""
    found, at = [], BEGIN
    for gap in gaps:
        at += gap * QUARTER
        found.append(at)
    return found


def person(life: PlainLife, gifts: dict[str, Moment], now: datetime, zone: str = "UTC") -> Person:
    """The member as the domain sees them at an instant."""
    born, own = life.at(now)
    counts = added((), [Count(gifted_name("it"), gift.day, 1) for gift in gifts.values()])
    active = max((at for at in life.active if at <= now), default=None)
    wallet = Wallet(member=ADA, enrolled_at=life.enrolled_at, counts=counts, active_at=active)
    profile = Profile(member=ADA, customer_id="ada", enrolled_at=life.enrolled_at, birth_date=born, time_zone=own)
    return Person(wallet, profile, zone)


def given_gifts(
    found: Campaign, life: PlainLife, started_at: datetime, sweeps: list[datetime], zone: str = "UTC"
) -> list[Moment]:
    """What is given where the sweep comes at these instants: each period once, whatever is due."""
    gifts: dict[str, Moment] = {}
    for now in sweeps:
        if now < life.enrolled_at:
            continue
        moment = due(found, person(life, gifts, now, zone), started_at, now)
        if moment is not None and moment.period not in gifts:
            assert moment.due_at <= now
            gifts[moment.period] = moment
    return list(gifts.values())


lives = st.builds(
    lambda enrolled_at, first, edits: PlainLife(
        enrolled_at,
        [(BEGIN - 1000 * DAY, *first), *sorted((at, born, zone) for at, born, zone in edits)],
    ),
    quarters.map(lambda at: at - 300 * DAY),
    st.tuples(births, zones),
    st.lists(st.tuples(quarters, births, zones), max_size=3),
)


@settings(max_examples=EXAMPLES)
@given(
    lives,
    quarters.map(lambda at: at - 200 * DAY),
    st.lists(gaps, min_size=20, max_size=120),
    st.sampled_from(["feb28", "mar1"]),
)
def test_birthday_gifts_are_those_of_a_walk_over_the_days(
    life: PlainLife, started_at: datetime, steps: list[int], leap_day: str
) -> None:
    sweeps = [at for at in swept(steps) if at >= life.enrolled_at]
    gifts = given_gifts(document({"kind": "birthday", "leap_day": leap_day}), life, started_at, sweeps)
    expected = plain_birthdays(life, started_at, sweeps, leap_day)
    event(f"{len(gifts)} gifts")
    assert {int(gift.period): gift.day for gift in gifts} == expected
    for one, other in pairwise(gifts):
        assert (other.day - one.day).days > 300


@settings(max_examples=EXAMPLES)
@given(
    lives,
    quarters.map(lambda at: at - 200 * DAY),
    st.lists(gaps, min_size=20, max_size=120),
    st.sampled_from(["feb28", "mar1"]),
)
def test_anniversaries_are_those_of_a_walk_over_the_days(
    life: PlainLife, started_at: datetime, steps: list[int], leap_day: str
) -> None:
    sweeps = [at for at in swept(steps) if at >= life.enrolled_at]
    gifts = given_gifts(document({"kind": "anniversary", "leap_day": leap_day}), life, started_at, sweeps)
    assert {int(gift.period): gift.day for gift in gifts} == plain_anniversaries(life, started_at, sweeps, leap_day)


@settings(max_examples=EXAMPLES)
@given(births, zones, st.integers(2026, 2030), st.sampled_from(["feb28", "mar1"]))
@example(date(1990, 3, 1), "Pacific/Auckland", 2027, "feb28")
@example(date(1990, 4, 25), "Africa/Cairo", 2026, "feb28")
@example(date(1990, 9, 6), "America/Santiago", 2026, "feb28")
def test_a_birthday_is_due_from_the_first_quarter_of_its_day_and_the_alarm_rings_by_then(
    born: date, zone: str, year: int, leap_day: str
) -> None:
    found = document({"kind": "birthday", "leap_day": leap_day})
    day = yearly(born, year, leap_day)  # type: ignore[arg-type]
    start = plain_start(day, zone)
    life = PlainLife(BEGIN - 3000 * DAY, [(BEGIN - 3000 * DAY, born, zone)])
    for ago in (QUARTER, DAY, 30 * DAY):
        assert due(found, person(life, {}, start - ago), start - 40 * DAY, start - ago) is None
        assert following(found, person(life, {}, start - ago), start - ago) == start
    moment = due(found, person(life, {}, start), start - 40 * DAY, start)
    assert moment == Moment(str(year), start, day)
    # A sweep that is late by a week finds it, by more it does not.
    last = plain_start(day + 8 * DAY, zone) - QUARTER
    assert due(found, person(life, {}, last), start - 40 * DAY, last) == moment
    assert due(found, person(life, {}, last + QUARTER), start - 40 * DAY, last + QUARTER) is None


@settings(max_examples=EXAMPLES)
@given(lives, st.lists(gaps, min_size=1, max_size=60), st.sampled_from(["birthday", "anniversary", "silence"]))
def test_whoever_looks_only_when_the_alarm_rings_finds_what_one_finds_who_always_looks(
    life: PlainLife, steps: list[int], kind: str
) -> None:
    """The sweep comes at all times of the day, or wakes by the alarm and at each edit alone."""
    found = document({"kind": kind, **({"days": 60} if kind == "silence" else {})})
    until = BEGIN + 700 * DAY
    life = replace(life, enrolled_at=min(life.enrolled_at, BEGIN), active=[at for at in swept(steps) if at < until])
    edits = [at for at, _, _ in life.told if at > BEGIN]
    woken, gifts, now = list[datetime](), dict[str, Moment](), BEGIN
    while now < until:
        woken.append(now)
        someone = person(life, gifts, now)
        moment = due(found, someone, BEGIN, now)
        if moment is not None:
            gifts.setdefault(moment.period, moment)
        alarm = following(found, person(life, gifts, now), now)
        writes = [at for at in (*edits, *life.active) if at > now]
        assert alarm is None or alarm > now
        now = min([until, *writes, *([alarm] if alarm else [])])
    often = sorted({*woken, *swept(steps), *(BEGIN + number * 101 * QUARTER for number in range(700))})
    often = [at for at in often if at < until]
    always = given_gifts(found, life, BEGIN, often)
    assert {(gift.period, gift.day) for gift in gifts.values()} == {(gift.period, gift.day) for gift in always}


@settings(max_examples=EXAMPLES)
@given(
    zones,
    st.integers(1, 90),
    st.lists(st.integers(1, 4 * 24 * 60), max_size=20),
    st.lists(gaps, min_size=10, max_size=80),
    st.integers(0, 4 * 24 * 90),
)
def test_silence_is_found_once_on_the_day_that_a_walk_over_the_days_finds(
    zone: str, days: int, orders: list[int], steps: list[int], enrolled: int
) -> None:
    life = PlainLife(BEGIN - enrolled * QUARTER, [(BEGIN, None, "UTC")], swept(orders))
    sweeps = swept(steps)
    gifts = given_gifts(document({"kind": "silence", "days": days}), life, BEGIN, sweeps, zone)
    expected = plain_silences(life, zone, days, sweeps)
    assert [gift.period for gift in gifts] == [last.isoformat() for last, _ in expected]
    for gift, (last, found_on) in zip(gifts, expected, strict=True):
        assert gift.day == last + days * DAY <= found_on
        assert gift.due_at == plain_start(gift.day, zone)


@pytest.mark.parametrize("zone", [*ODD, "Europe/Berlin", "UTC", "America/New_York"])
@pytest.mark.parametrize("at", ["00:00", "00:30", "02:00", "02:30", "03:00", "12:00", "23:45"])
def test_a_daily_campaign_comes_once_each_day_also_when_the_clocks_change(zone: str, at: str) -> None:
    found = document({"kind": "recurrence", "every": "day", "at": at})
    until = BEGIN + 400 * DAY
    moments = list(occurrences(found, zone, BEGIN, until))
    local = [day_at(moment, zone) for moment in moments]
    assert local == sorted(set(local))
    assert len(moments) in (399, 400, 401)
    for moment in moments:
        wall = moment.astimezone(ZoneInfo(zone))
        before = (moment - QUARTER).astimezone(ZoneInfo(zone))
        # The wall shows the time, or it jumped over it.
        assert (
            f"{wall:%H:%M}" == at
            or wall.utcoffset() != (moment - 3 * timedelta(hours=1)).astimezone(ZoneInfo(zone)).utcoffset()
        )
        assert wall.fold == 0 or before.fold == 1


@settings(max_examples=EXAMPLES // 3)
@given(
    st.sampled_from([*ODD, "Europe/Berlin", "UTC", "America/New_York"]),
    st.sampled_from(["day", "week", "month"]),
    st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}"),
    st.integers(0, 6),
    st.integers(1, 28),
    quarters,
    st.integers(1, 4 * 24 * 60),
)
def test_recurrences_are_those_of_a_walk_over_the_quarters_of_hours(
    zone: str, every: str, at: str, weekday: int, day: int, after: datetime, length: int
) -> None:
    """Where clocks jump over the time, the campaign comes by as much later: the walk looks where no clock jumps over it."""
    trigger: dict[str, Any] = {"kind": "recurrence", "every": every, "at": at}
    trigger |= {"weekday": WEEKDAYS[weekday]} if every == "week" else {"day": day} if every == "month" else {}
    until = after + length * QUARTER
    walked = plain_recurrences(every, at, zone, after, until, weekday, day)
    found = list(occurrences(document(trigger), zone, after, until))
    assert [day_at(moment, zone) for moment in found] == [day_at(moment, zone) for moment in walked]
    for one, other in zip(found, walked, strict=True):
        assert one == other or timedelta(0) < one - other < timedelta(hours=1, minutes=1)
        assert one == other or f"{other.astimezone(ZoneInfo(zone)):%H:%M}" > at


@pytest.mark.parametrize("every", ["day", "week", "month"])
def test_two_moments_of_a_recurrence_never_share_a_period_and_two_of_a_date_do(every: str) -> None:
    more = {"day": {}, "week": {"weekday": "sunday"}, "month": {"day": 1}}[every]
    found = document({"kind": "recurrence", "every": every, "at": "01:30", **more})
    moments = list(occurrences(found, "America/New_York", BEGIN, BEGIN + 800 * DAY))
    assert len({period_of(found, moment, "America/New_York") for moment in moments}) == len(moments)
    dates = [document({"kind": "date", "at": f"2026-0{month}-01T09:00"}) for month in (1, 2)]
    assert len({period_of(one, BEGIN + number * DAY, "UTC") for number, one in enumerate(dates)}) == 1


# Edges, by hand


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def gift(born: date, now: str, *, enrolled: str = "2020-01-01", started: str = "2020-01-01", last: date | None = None) -> Any:
    """The birthday gift that is due at noon of a day in UTC, where the last one was for another day."""
    life = PlainLife(at(enrolled), [(at(enrolled), born, "UTC")])
    gifts = {"last": Moment("last", BEGIN, last)} if last else {}
    now_at = at(now) + timedelta(hours=12)
    found = due(document({"kind": "birthday"}), person(life, gifts, now_at), at(started), now_at)
    return found and found.day.isoformat()


def test_a_changed_birth_date_gives_no_gift_until_more_than_300_days_after_the_last() -> None:
    last = date(2026, 10, 28) - timedelta(days=300)
    assert gift(date(1990, 10, 28), "2026-10-28", last=last) is None
    assert gift(date(1990, 10, 29), "2026-10-29", last=last) == "2026-10-29"


def test_a_campaign_that_is_started_on_the_birthday_gives_it_and_one_that_is_started_later_does_not() -> None:
    assert gift(date(1990, 6, 1), "2026-06-01", started="2026-06-01") == "2026-06-01"
    assert gift(date(1990, 6, 1), "2026-06-02", started="2026-06-02") is None


def test_whoever_enrols_on_the_birthday_is_given_it_and_whoever_does_the_day_after_is_not() -> None:
    assert gift(date(1990, 6, 1), "2026-06-01", enrolled="2026-06-01") == "2026-06-01"
    assert gift(date(1990, 6, 1), "2026-06-02", enrolled="2026-06-02") is None


def test_the_day_of_birth_is_no_birthday() -> None:
    assert gift(date(2026, 6, 1), "2026-06-01") is None
    assert gift(date(2026, 6, 1), "2027-06-01") == "2027-06-01"


@pytest.mark.parametrize(
    ("year", "feb28", "mar1"), [(2000, 29, 29), (2028, 29, 29), (2027, 28, 1), (2100, 28, 1), (2400, 29, 29)]
)
def test_29_february_is_there_in_leap_years_alone(year: int, feb28: int, mar1: int) -> None:
    born = date(1996, 2, 29)
    assert (yearly(born, year, "feb28").day, yearly(born, year, "mar1").day) == (feb28, mar1)


def test_moments_are_after_one_instant_and_up_to_another() -> None:
    daily = document({"kind": "recurrence", "every": "day", "at": "09:00"})
    for found in (daily, document({"kind": "date", "at": "2026-06-01T09:00"})):
        nine = at("2026-06-01T09:00")
        assert list(occurrences(found, "UTC", nine, nine + timedelta(hours=1))) == []
        assert list(occurrences(found, "UTC", nine - timedelta(seconds=1), nine)) == [nine]
        assert list(occurrences(found, "UTC", nine - timedelta(hours=2), nine - timedelta(seconds=1))) == []


def test_a_gift_is_remembered_for_longer_than_lies_between_two_birthdays() -> None:
    forgotten = Forgotten(date(2027, 6, 1), date(2027, 6, 1), Opening(date(2027, 6, 1)))
    assert not forgotten.covers(Count("gifted:it", date(2027, 6, 1) - timedelta(days=399), 1))
    assert forgotten.covers(Count("gifted:it", date(2027, 6, 1) - timedelta(days=400), 1))
