"""Alarms are never late: whatever dates make due is found by a sweep that opens nobody whose alarm did not ring."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.calendar import first_instant, local_day
from shared.domain.control import Act
from shared.domain.errors import CampaignStateError, RefusedError, RequestInvalidError, UnknownError
from shared.domain.program import in_force
from shared.domain.subject import Redemption
from tests.unit.books import noon, reward
from tests.unit.crowd import Crowd, campaign, days, member_id, program

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "60"))
"""Histories per promise; LAUREL_EXAMPLES asks for more."""
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Africa/Cairo", "Pacific/Apia"]
NAMES = ["ann", "bob", "cat"]
CAMPAIGNS = [
    campaign("silence", {"kind": "silence", "days": 20}),
    campaign("birthday", {"kind": "birthday"}, 30),
    campaign("anniversary", {"kind": "anniversary"}, 40),
    campaign("gold", {"kind": "tier_reached", "tiers": ["gold"], "again_after_days": 30}, 70),
]
EDITED = [campaign("silence", {"kind": "silence", "days": 35}), *CAMPAIGNS[1:3]]
LEVELS = [{"id": "silver", "name": "Silver", "threshold": 2}, {"id": "gold", "name": "Gold", "threshold": 4}]
PERIODS = [{"kind": "rolling", "days": 30}, {"kind": "anniversary"}, {"kind": "calendar_year"}]


def versions_of(zone: str, period: dict[str, Any], expiry: int, pending: int) -> list[Any]:
    """A program, then one with other campaigns and notices, then the first again; in force from days 0, 60 and 90."""
    fields = {
        "time_zone": zone,
        "currencies": [{"code": "points", "pending_days": pending, "expiry": {"after": expiry, "rounded_to": "day"}}],
        "tiers": {"metric": "orders", "period": period, "levels": LEVELS},
    }
    told = {"messages": {"points_expiring_days": [7, 30]}, **fields}
    return [
        program(*CAMPAIGNS, **told),
        program(*EDITED, number=2, since=noon(60), **fields),
        program(*CAMPAIGNS, number=3, since=noon(90), **told),
    ]


Step = Callable[[Crowd, int], None]


def _order(crowd: Crowd, number: int, late: int = 0) -> None:
    crowd.buys(NAMES[number % 3], f"o{len(crowd.ledger.posted)}", 1000 + number, at=crowd.clock.now() - days(late))


def _refund(crowd: Crowd, number: int) -> None:
    orders = [key.removeprefix("purchase:") for key in crowd.ledger.posted if key.startswith("purchase:")]
    if orders:
        crowd.refunds(orders[number % len(orders)], 500 if number % 2 else None)


def _redemption(crowd: Crowd, number: int) -> None:
    crowd.redeems(NAMES[number % 3], f"r{len(crowd.ledger.posted)}")


def _cancelled(crowd: Crowd, number: int) -> None:
    found = [entry for name in NAMES[:2] for entry in crowd.entries(name) if isinstance(entry.subject, Redemption)]
    if found:
        crowd.cancels(found[number % len(found)].key)


def _adjusted(crowd: Crowd, number: int) -> None:
    crowd.adjusts(NAMES[number % 3], 100 if number % 4 else -20, gone_in=3 + number % 50)


def _moved(crowd: Crowd, number: int) -> None:
    today = local_day(crowd.clock.now(), "UTC")
    crowd.changes(NAMES[number % 3], birth_date=(today + days(number % 40)).replace(year=1990), time_zone=ZONES[number % 5])


def _acted(crowd: Crowd, number: int) -> None:
    id = CAMPAIGNS[number % 4]["id"]
    if id in in_force(crowd.versions, crowd.clock.now()).program.campaigns_by_id:
        crowd.act(id, (Act.PAUSE, Act.RESUME)[number // 4 % 2])


def _merged(crowd: Crowd, number: int) -> None:
    crowd.merges("cat", NAMES[number % 2])


STEPS: list[Step] = [
    _order,
    _order,
    lambda crowd, number: _order(crowd, number, late=number % 25),
    _refund,
    _redemption,
    _cancelled,
    _adjusted,
    _moved,
    _acted,
    _merged,
]
steps = st.tuples(
    st.integers(0, len(STEPS) - 1),
    st.integers(0, 60),
    st.integers(1, 12).map(lambda n: timedelta(minutes=15 * n)) | st.integers(1, 22).map(days) | st.just(timedelta(hours=9)),
)


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(PERIODS),
    st.sampled_from([12, 40, 365]),
    st.sampled_from([0, 3]),
    st.lists(steps, min_size=5, max_size=40),
)
def test_a_sweep_that_opens_whose_alarm_rang_leaves_nothing_undone_for_anybody(
    zone: str, period: dict[str, Any], expiry: int, pending: int, history: list[tuple[int, int, timedelta]]
) -> None:
    crowd = Crowd(versions_of(zone, period, expiry, pending), rewards=[reward("mug", 10, lapses=15)])
    for number, name in enumerate(NAMES):
        crowd.enrol(name, noon(-100 * number), birth_date=None if number else crowd.clock.now().date().replace(year=1980))
    crowd.start()
    crowd.tick()
    for which, number, gap in history:
        try:
            STEPS[which](crowd, number)
        except (RefusedError, RequestInvalidError, UnknownError, CampaignStateError) as refused:
            event(type(refused).__name__)
        crowd.tick()
        assert crowd.pending() == []
        assert crowd.breaks() == []
        midnight = first_instant(local_day(crowd.clock.now(), zone) + days(1), zone)
        # What is due by date is due at midnight: now and then the sweep comes right then.
        crowd.clock.instant = min(crowd.clock.instant + gap, midnight) if number % 3 == 0 else crowd.clock.instant + gap
        crowd.tick()
        assert crowd.pending() == []
    event(f"{len(crowd.ledger.posted) // 10 * 10} entries")
    kinds = {entry.kind.value for name in NAMES for entry in crowd.entries(name)}
    for kind in kinds & {"grant", "notice", "sweep", "review"}:
        event(kind)


def awake(crowd: Crowd, name: str = "ann") -> Any:
    """When a member's wallet rings."""
    return crowd.ledger.wallets[member_id(name)].alarm.at


@pytest.fixture
def quiet() -> Crowd:
    """Ann, for whom everything was done that is due at noon of 1 June 2026."""
    crowd = Crowd(versions_of("UTC", PERIODS[0], 365, 0), rewards=[reward("mug", 10, lapses=15)])
    crowd.enrol("ann", noon(-10))
    crowd.start()
    crowd.tick()
    return crowd


def test_an_order_whose_dates_are_later_than_the_alarm_leaves_it(quiet: Crowd) -> None:
    before = awake(quiet)
    quiet.buys("ann", "a", 1000)
    assert awake(quiet) == before == first_instant(noon(10).date(), "UTC")


def test_points_with_fewer_days_than_the_notice_has_ring_at_once_and_are_told_once(quiet: Crowd) -> None:
    quiet.adjusts("ann", 50, gone_in=5)
    assert awake(quiet) <= quiet.clock.now()
    quiet.tick()
    quiet.adjusts("ann", 20, gone_in=5)
    quiet.tick()
    told = [entry.subject for entry in quiet.entries("ann") if entry.kind.value == "notice"]
    assert [(notice.points, notice.days) for notice in told] == [(50, 7)]  # type: ignore[union-attr]


def test_an_order_that_is_told_late_makes_no_second_silence_of_the_one_there_was(quiet: Crowd) -> None:
    quiet.goes_on(days=15)
    quiet.tick()
    quiet.buys("ann", "late", 1000, at=quiet.clock.now() - days(21))
    quiet.tick()
    assert quiet.pending() == []
    assert quiet.periods("ann", "silence") == [noon(-10).date().isoformat()]


def test_an_order_told_so_late_that_the_member_is_silent_by_now_rings_at_once(quiet: Crowd) -> None:
    quiet.buys("ann", "now", 1000)
    quiet.goes_on(days=1)
    quiet.tick()
    quiet.buys("ann", "older", 1000, at=quiet.clock.now() - days(30))
    before = awake(quiet)
    assert before > quiet.clock.now()
    bob = quiet.enrol("bob", quiet.clock.now() - days(19))
    quiet.tick()
    quiet.buys("bob", "late", 1000, at=quiet.clock.now() - days(21))
    assert quiet.ledger.wallets[bob].alarm.at <= quiet.clock.now()  # type: ignore[operator]
    quiet.tick()
    assert quiet.periods("bob", "silence") == [(noon(1) - days(21)).date().isoformat()]


def test_a_document_that_was_changed_and_changed_back_is_looked_at_again(quiet: Crowd) -> None:
    quiet.goes_on(days=9)
    quiet.tick()
    quiet.versions[1:] = [
        program(campaign("silence", {"kind": "silence", "days": 35}), number=2, since=noon(9)),
        program(CAMPAIGNS[0], number=3, since=noon(9) + timedelta(hours=1)),
    ]
    quiet.tick()
    quiet.goes_on(hours=1)
    quiet.tick()
    assert awake(quiet) == first_instant(noon(10).date(), "UTC")


def test_whoever_left_has_no_alarm(quiet: Crowd) -> None:
    quiet.buys("ann", "a", 1000)
    quiet.leaves("ann")
    assert awake(quiet) is None
    quiet.goes_on(days=500)
    assert quiet.sweep() == 0
    assert quiet.breaks() == []


# A tier that falls sooner than it was to


SILVER = {
    "tiers": {
        "metric": "orders",
        "period": {"kind": "rolling", "days": 30},
        "levels": [{"id": "silver", "name": "Silver", "threshold": 2}],
    }
}


def falls(crowd: Crowd, name: str, most: int = 500) -> int:
    """After how many days a tier is told to be lost, where the sweep comes each day and opens those whose alarm rang."""
    for number in range(most):
        crowd.tick()
        assert crowd.pending() == []
        wallet = crowd.ledger.wallets[member_id(name)]
        if wallet.standing is not None and wallet.standing.tier is None:
            return number
        crowd.goes_on(days=1)
    raise AssertionError("never lost")


def silver(first: str = "ann") -> Crowd:
    """Three orders: one of today that `first` has, and two twenty days later."""
    crowd = Crowd([program(**SILVER)])
    for name in ("ann", "bob"):
        crowd.enrol(name, noon(-30))
    crowd.tick()
    crowd.buys(first, "a", 1000)
    crowd.goes_on(days=20)
    crowd.tick()
    crowd.buys("ann", "b", 1000)
    crowd.buys("ann", "c", 1000)
    crowd.tick()
    return crowd


def test_a_refund_after_which_a_tier_falls_sooner_is_rung_for() -> None:
    late = falls(silver(), "ann")
    sooner = silver()
    sooner.refunds("c")
    assert falls(sooner, "ann") == late - 20
    assert sooner.breaks() == []


def test_a_refund_of_a_merged_members_order_rings_for_whoever_took_over() -> None:
    """Of three orders the survivor's own was the oldest; one of the leaver's two is refunded after the merge."""
    crowd = silver("bob")
    crowd.merges("ann", "bob")
    crowd.tick()
    late = falls(crowd, "bob")
    sooner = silver("bob")
    sooner.merges("ann", "bob")
    sooner.tick()
    sooner.refunds("c")
    assert falls(sooner, "bob") == late - 20
    assert sooner.breaks() == []


def test_a_merge_with_an_older_member_whose_year_ends_sooner_is_rung_for() -> None:
    levels = [{"id": "silver", "name": "Silver", "threshold": 2}]
    tiers = {"tiers": {"metric": "orders", "period": {"kind": "anniversary"}, "levels": levels}}

    def story(*, merged: bool) -> Crowd:
        crowd = Crowd([program(**tiers)])
        crowd.enrol("ann", noon(-10))
        crowd.enrol("bob", noon(-300))
        crowd.tick()
        for order in ("a", "b"):
            crowd.buys("ann", order, 1000)
        crowd.tick()
        if merged:
            crowd.merges("bob", "ann")
        return crowd

    alone, together = falls(story(merged=False), "ann", 900), falls(story(merged=True), "ann", 900)
    assert together < alone
