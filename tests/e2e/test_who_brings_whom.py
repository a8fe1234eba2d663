"""The friends whom `make up` shows, over HTTP. Moves the test clock by two weeks, so it runs after all that needs 2017."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from infra.local_cloud.friends import Story
from infra.local_cloud.retail import STORE_ZONE
from tests.e2e.laurel import Laurel

pytestmark = pytest.mark.e2e


def test_anna_brings_two_friends_and_what_one_of_them_returns_is_taken_from_both(laurel: Laurel) -> None:
    tomorrow = laurel.now().astimezone(STORE_ZONE).date() + timedelta(days=1)
    story = Story(laurel.pos, datetime.combine(tomorrow, time(23, 55), STORE_ZONE), prefix="e2e")
    for evening, step in story.steps:
        laurel.move_clock(evening)
        step()
    laurel.move_clock(story.begins + timedelta(days=14))
    friends = story.told()
    told = [[(purse.balance, purse.held) if purse else None for purse in one.purses] for one in friends.evenings]
    assert told == [
        [(0, 500), (60, 250), None],
        [(0, 1000), (60, 250), (60, 250)],
        [(0, 500), (60, 250), (20, 0)],
        [(500, 0), (310, 0), (20, 0)],
    ]
    laurel.move_clock(story.begins + timedelta(days=30))
    assert story.told() == friends
    # What is left to try out.
    brought = laurel.pos.expect("GET", f"/v1/members/{friends.advocate_id}/referrals")
    assert (brought["code"], brought["link"]) == (friends.code, friends.link)
    assert [friend["state"] for friend in brought["friends"]] == ["rejected", "rewarded"]
    assert brought["earned"] == [{"currency": "points", "points": 500}]
    days = f"from={friends.evenings[0].day}&to={friends.evenings[-1].day}"
    funnel = laurel.operator.expect("GET", f"/v1/referrals/funnel?{days}")
    assert {step: funnel[step] for step in ("joined", "awarded", "cancelled", "rewarded", "acquired")} == {
        "joined": 2, "awarded": 2, "cancelled": 1, "rewarded": 1, "acquired": 1,
    }  # fmt: skip
