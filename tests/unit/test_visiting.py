"""What a visit does: each step once, in order; silence and birthdays through alarms alone, against walks over the days."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.calendar import local_day
from shared.domain.control import Act
from shared.domain.entry import EntryKind
from shared.domain.subject import Grant, Notice
from tests.unit.books import day, noon, reward
from tests.unit.crowd import Crowd, campaign, member_id, program

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "40"))
"""Lives per promise; LAUREL_EXAMPLES asks for more."""


# Silence


def plain_silence(active: list[date], enrolled: date, length: int, today: date, given: list[date]) -> bool:
    """Whether a bonus is due today: by counting the days since the last active one, and those since the last bonus."""
    last = max([one for one in active if one <= today], default=enrolled)
    silent, due = 0, last
    while due < today:
        due, silent = due + timedelta(days=1), silent + 1
    # Of one silence one bonus; and the next begins no sooner than with the last bonus.
    return silent >= length and all((last + timedelta(days=length) - one).days >= length for one in given)


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Kiritimati"]),
    st.integers(1, 25),
    st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 3)), min_size=3, max_size=25),
)
def test_silence_is_told_on_the_very_day_by_the_alarms_alone(zone: str, length: int, life: list[tuple[int, bool, int]]) -> None:
    """The sweep comes at each local midnight and an odd time after; an order or a redemption ends the silence."""
    crowd = Crowd(
        [program(campaign("silence", {"kind": "silence", "days": length}, 10), time_zone=zone)],
        rewards=[reward("mug", 1, lapses=None)],
    )
    crowd.enrol("ann")
    crowd.start()
    crowd.tick()
    active, told, enrolled = list[date](), list[date](), local_day(crowd.clock.now(), zone)

    def look() -> date:
        today = local_day(crowd.clock.now(), zone)
        if plain_silence(active, enrolled, length, today, told):
            told.append(today)
        crowd.tick()
        assert len(crowd.grants("ann")) == len(told)
        return today

    for wait, redeems, odd in life:
        for _ in range(wait):
            crowd.clock.instant = _next_midnight(crowd.clock.now(), zone)
            look()
        crowd.goes_on(hours=odd * 7 + 1)
        today = look()
        if redeems and crowd.points("ann"):
            crowd.redeems("ann", f"r{len(active)}")
        else:
            crowd.buys("ann", f"o{len(active)}", 1000)
        active.append(today)
    given_on = [entry.recorded_on for entry in crowd.entries("ann") if entry.kind is EntryKind.GRANT]
    event(f"{len(told)} times silent")
    assert given_on == told
    assert crowd.breaks() == []


def _next_midnight(now: datetime, zone: str) -> datetime:
    """The next quarter of an hour on which another day begins."""
    today, at = local_day(now, zone), now.replace(minute=now.minute - now.minute % 15, second=0)
    while local_day(at, zone) == today:
        at += timedelta(minutes=15)
    return at


def test_refunded_orders_and_cancelled_redemptions_were_activity_and_gifts_are_not() -> None:
    mug = {"kind": "reward", "reward": "mug"}
    shop = Crowd(
        [
            program(
                campaign("silence", {"kind": "silence", "days": 10}),
                campaign("mug", {"kind": "recurrence", "every": "day", "at": "12:00"}, mug),
            )
        ],
        rewards=[reward("mug", 1)],
    )
    shop.enrol("ann")
    shop.start()
    shop.tick()
    shop.buys("ann", "a", 1000)
    shop.refunds("a")
    shop.goes_on(days=9)
    shop.tick()
    assert shop.gives("ann", "mug") == "granted"
    assert shop.grants("ann")[-1].campaign == "mug"
    shop.goes_on(days=1)
    shop.tick()
    assert shop.periods("ann", "silence") == [day(0).isoformat()]
    assert shop.breaks() == []


# Birthdays through the alarms


@settings(max_examples=EXAMPLES)
@given(
    st.dates(date(1950, 1, 1), date(2005, 12, 31)) | st.just(date(2000, 2, 29)),
    st.sampled_from(["Pacific/Auckland", "Pacific/Honolulu", "Asia/Kolkata", "America/St_Johns", "Africa/Cairo", "UTC"]),
    st.integers(0, 400),
)
def test_a_birthday_is_given_once_a_year_at_the_very_start_of_its_day(born: date, zone: str, wait: int) -> None:
    shop = Crowd([program(campaign("birthday", {"kind": "birthday"}, 10))])
    shop.enrol("ann", birth_date=born, time_zone=zone)
    shop.start()
    shop.tick()
    until = noon(wait + 400)
    while shop.clock.now() < until:
        alarm = shop.ledger.profiles[member_id("ann")].alarm.at
        shop.clock.instant = min(until, alarm) if alarm else until
        shop.tick()
    grants = shop.grants("ann")
    starts = {grant.due_at for grant in grants}
    assert len(starts) == len(grants) >= (wait + 400) // 366 - 1
    for entry in shop.entries("ann"):
        if isinstance(entry.subject, Grant):
            # Whoever enrols on their birthday is given it at once.
            assert entry.recorded_at in (entry.subject.due_at, noon(0))
            local = local_day(entry.subject.due_at, zone)
            assert (local.month, local.day) in {(born.month, born.day), (2, 28)}
    assert shop.breaks() == []


# Steps, one after the other


LEVELS = [{"id": "gold", "name": "Gold", "threshold": 2}]
TIERS = {"metric": "orders", "period": {"kind": "rolling", "days": 30}, "levels": LEVELS}


def test_one_visit_does_all_that_is_due_each_thing_as_an_entry() -> None:
    fields: dict[str, Any] = {
        "tiers": TIERS,
        "currencies": [{"code": "points", "pending_days": 2, "expiry": {"after": 60, "rounded_to": "day"}}],
        "messages": {"points_expiring_days": [20]},
    }
    shop = Crowd(
        [program(campaign("silence", {"kind": "silence", "days": 45}), campaign("birthday", {"kind": "birthday"}), **fields)]
    )
    shop.enrol("ann", noon(-30), birth_date=day(45).replace(year=1990))
    shop.start()
    shop.tick()
    shop.buys("ann", "a", 1000)
    shop.buys("ann", "b", 1000)
    shop.goes_on(days=45)
    shop.sweep()
    kinds = [entry.kind.value for entry in shop.entries("ann")]
    # What matured is booked by the first entry that comes, here the one that tells the tier.
    assert kinds == ["purchase", "purchase", "review", "notice", "grant", "grant"]
    [notice] = [entry.subject for entry in shop.entries("ann") if isinstance(entry.subject, Notice)]
    assert (notice.points, notice.on) == (20, day(60))
    assert shop.sweep() == 0
    assert shop.breaks() == []


def test_what_became_due_and_was_undone_before_the_sweep_came_is_not_given() -> None:
    shop = Crowd([program(campaign("silence", {"kind": "silence", "days": 10}))])
    shop.enrol("ann")
    shop.start()
    shop.tick()
    shop.goes_on(days=10)
    shop.buys("ann", "a", 1000)
    shop.tick()
    assert shop.grants("ann") == []


def test_a_grant_is_decided_on_the_wallet_that_it_posts_on() -> None:
    """An order comes in between the visit's look and the grant: she is silent no more."""
    shop = Crowd([program(campaign("silence", {"kind": "silence", "days": 10}))])
    shop.enrol("ann")
    shop.start()
    shop.tick()
    shop.goes_on(days=10)
    ledger, posted = shop.ledger, []
    honest = ledger.decide_and_post

    def interrupted(*args: Any, **more: Any) -> Any:
        if not posted:
            posted.append("an order")
            shop.ledger.decide_and_post = honest  # type: ignore[method-assign]
            shop.buys("ann", "a", 1000)
        return honest(*args, **more)

    ledger.decide_and_post = interrupted  # type: ignore[method-assign]
    shop.sweep()
    assert posted
    assert shop.grants("ann") == []
    assert shop.breaks() == []


@pytest.mark.parametrize("act", [Act.PAUSE, Act.CANCEL])
def test_the_alarm_of_a_paused_campaign_rings_on_and_that_of_a_cancelled_one_does_not(act: Act) -> None:
    shop = Crowd([program(campaign("silence", {"kind": "silence", "days": 10}))])
    shop.enrol("ann")
    shop.start()
    shop.tick()
    shop.act("silence", act)
    shop.goes_on(days=10)
    shop.tick()
    assert shop.grants("ann") == []
    if act is Act.PAUSE:
        shop.act("silence", Act.RESUME)
        shop.tick()
        assert shop.periods("ann", "silence") == [day(0).isoformat()]
    shop.clock.advance(days=1)
    assert shop.sweep() == 0
    assert shop.breaks() == []
