"""What a step of a referral counts: in the tally of whoever brought the friend, and in the funnel, by local day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from shared.domain.decision import ReferralMoved
from shared.domain.referral_counts import COUNTERS, FUNNEL_SHARDS, funnelled, shard_of, tallied
from shared.domain.referred import ReferralState, Referred
from tests.unit.circle import START, member

DAY = date(2026, 3, 5)
HELD_UNTIL = date(2026, 3, 19)
JOINED = Referred(version=1, joined_on=date(2026, 3, 1), advocate="ann")
QUALIFIED = replace(JOINED, state=ReferralState.QUALIFIED, qualified_on=DAY, orders=("o-1",))
AWARDED = replace(QUALIFIED, state=ReferralState.AWARDED, held_until=HELD_UNTIL, award=2)
REJECTED = replace(JOINED, state=ReferralState.REJECTED)


def summed(counted: Iterable[Counter[str]]) -> Counter[str]:
    """All of them together; unlike `+`, what fell below zero stays."""
    found = Counter[str]()
    for one in counted:
        found.update(one)
    return found


def moved(
    before: Referred | None, after: Referred, day: date = DAY, given: tuple[tuple[str, str, int], ...] = ()
) -> ReferralMoved:
    return ReferralMoved(friend=member("fay"), before=before, after=after, day=day, changed_at=START, given=given)


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        (None, JOINED, {"joined"}),
        (None, replace(JOINED, flagged=True), {"joined", "flagged"}),
        (None, REJECTED, {"joined", "rejected"}),
        (None, AWARDED, {"joined", "qualified", "awarded"}),
        (JOINED, replace(JOINED, orders=("o-1",)), set()),
        (JOINED, AWARDED, {"qualified", "awarded"}),
        (JOINED, replace(QUALIFIED, flagged=True), {"qualified", "flagged"}),
        (JOINED, replace(QUALIFIED, state=ReferralState.REJECTED), {"qualified", "rejected"}),
        (replace(JOINED, flagged=True), replace(QUALIFIED, flagged=True), {"qualified"}),
        (replace(JOINED, flagged=True), replace(JOINED, cleared=True), set()),
        (replace(QUALIFIED, flagged=True), AWARDED, {"awarded"}),
        (replace(QUALIFIED, flagged=True), replace(QUALIFIED, state=ReferralState.REJECTED), {"rejected"}),
        (AWARDED, replace(AWARDED, state=ReferralState.REJECTED), {"cancelled"}),
        (AWARDED, replace(AWARDED, state=ReferralState.CLAWED_BACK), {"clawed_back"}),
    ],
)
def test_each_step_is_counted_once(before: Referred | None, after: Referred, counted: set[str]) -> None:
    assert tallied(moved(before, after)) == Counter(dict.fromkeys(counted, 1))
    assert counted <= set(COUNTERS)


def test_what_was_given_is_counted_by_side_and_currency_and_comes_off_again() -> None:
    given = (("advocate", "points", 500), ("friend", "points", 250), ("friend", "coffee", 1))
    back = tuple((side, currency, -points) for side, currency, points in given)
    there = tallied(moved(JOINED, AWARDED, given=given))
    assert there["given:advocate:points"] == 500
    after = replace(AWARDED, state=ReferralState.CLAWED_BACK)
    both = summed([there, tallied(moved(AWARDED, after, given=back))])
    assert {name: count for name, count in both.items() if count} == {"qualified": 1, "awarded": 1, "clawed_back": 1}


def test_a_reward_is_counted_on_the_day_on_which_its_hold_ends() -> None:
    found = funnelled(moved(JOINED, AWARDED))
    assert found == {DAY: Counter(qualified=1, awarded=1), HELD_UNTIL: Counter(rewarded=1)}


@pytest.mark.parametrize("held_until", [DAY, DAY - timedelta(days=3)])
def test_where_no_hold_is_left_it_is_counted_with_the_award(held_until: date) -> None:
    found = funnelled(moved(JOINED, replace(AWARDED, held_until=held_until)))
    assert found == {DAY: Counter(qualified=1, awarded=1, rewarded=1)}


def test_undone_within_the_hold_the_reward_to_come_falls_away_where_it_was_counted() -> None:
    day = HELD_UNTIL - timedelta(days=1)
    found = funnelled(moved(AWARDED, replace(AWARDED, state=ReferralState.REJECTED), day))
    assert found == {day: Counter(cancelled=1), HELD_UNTIL: Counter({"rewarded": -1})}


def test_undone_after_the_hold_it_was_rewarded_all_the_same() -> None:
    day = HELD_UNTIL + timedelta(days=6)
    assert funnelled(moved(AWARDED, replace(AWARDED, state=ReferralState.CLAWED_BACK), day)) == {day: Counter(clawed_back=1)}


@pytest.mark.parametrize(
    "path",
    [
        [JOINED, AWARDED],
        [replace(JOINED, flagged=True), replace(QUALIFIED, flagged=True), AWARDED],
        [JOINED, AWARDED, replace(AWARDED, state=ReferralState.REJECTED)],
        [JOINED, AWARDED, replace(AWARDED, state=ReferralState.CLAWED_BACK)],
        [JOINED, REJECTED],
    ],
)
def test_counters_of_a_whole_life_tell_how_it_ended(path: list[Referred]) -> None:
    steps = [moved(None, path[0]), *(moved(before, after) for before, after in pairwise(path))]
    total = summed(counts for step in steps for counts in funnelled(step).values())
    last = path[-1]
    open_ones = total["joined"] - total["rejected"] - total["awarded"]
    assert open_ones == (last.state in (ReferralState.JOINED, ReferralState.QUALIFIED))
    assert total["awarded"] - total["cancelled"] - total["clawed_back"] == (last.state is ReferralState.AWARDED)
    assert total["rewarded"] == total["awarded"] - total["cancelled"]


def test_a_member_is_always_counted_in_the_same_shard_and_members_are_spread() -> None:
    members = [member(f"m{number}") for number in range(200)]
    shards = [shard_of(one) for one in members]
    assert shards == [shard_of(one) for one in members]
    assert set(shards) == set(range(FUNNEL_SHARDS))
