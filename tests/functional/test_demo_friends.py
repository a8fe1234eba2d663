"""The friends whom `make up` shows (infra/local_cloud/friends.py): two evenings, a return, and the end of a hold."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from rich.console import Console

from infra.local_cloud import report
from infra.local_cloud.demo import PROGRAM, Replay
from infra.local_cloud.friends import BEGINS, Friends, Purse, Story
from infra.local_cloud.retail import RetailLine, RetailOrder
from tests.fakes.clock import FakeClock
from tests.functional.api import OPERATOR, POS, Caller
from tests.functional.conftest import Stage

TOLD: list[list[tuple[int, int] | None]] = [
    [(0, 500), (60, 250), None],
    [(0, 1000), (60, 250), (60, 250)],
    [(0, 500), (60, 250), (20, 0)],
    [(500, 0), (310, 0), (20, 0)],
]
"""What Anna, Ben and Cleo have at the end of each evening: to spend, and held."""


class Till:
    """A till as the demo has it, in process."""

    def expect(self, method: str, path: str, body: object = None, *, key: str | None = None) -> dict[str, Any]:
        path, _, query = path.partition("?")
        reply = Caller(POS).send(method, path, None if body is None else json.dumps(body), query=query, key=key)
        assert reply.status < 300, reply.text
        found: dict[str, Any] = reply.json
        return found


@pytest.fixture
def story(bare_stage: Stage, clock: FakeClock) -> Story:
    """The story at a stage that has the grocer's program in force and waits for the evening before."""
    clock.instant = BEGINS - timedelta(hours=1)
    program = json.loads(PROGRAM.read_text(encoding="utf-8"))
    assert Caller(OPERATOR).put("/v1/program", {"program": program}).status == 200
    return Story(cast(Any, Till()))


def purses(friends: Friends) -> list[list[tuple[int, int] | None]]:
    return [[(purse.balance, purse.held) if purse else None for purse in evening.purses] for evening in friends.evenings]


def test_both_are_rewarded_when_the_return_window_is_over_and_a_return_takes_it_from_both(
    story: Story, clock: FakeClock
) -> None:
    for evening, step in story.steps:
        clock.instant = evening
        step()
    clock.instant = BEGINS + timedelta(days=15)
    friends = story.told()
    assert purses(friends) == TOLD
    assert friends.link == f"https://grocer.example/join?ref={friends.code}"
    assert Friends.parse(json.dumps(asdict(friends))) == friends
    brought = Caller(POS).get(f"/v1/members/{friends.advocate_id}/referrals").json
    assert (brought["code"], brought["link"]) == (friends.code, friends.link)
    assert [(friend["state"], friend["because"]) for friend in brought["friends"]] == [
        ("rejected", "order_returned"),
        ("rewarded", None),
    ]
    assert brought["earned"] == [{"currency": "points", "points": 500}]
    funnel = (
        Caller(OPERATOR).get("/v1/referrals/funnel", **{"from": friends.evenings[0].day, "to": friends.evenings[-1].day}).json
    )
    assert {step: funnel[step] for step in ("joined", "awarded", "cancelled", "rewarded", "acquired")} == {
        "joined": 2, "awarded": 2, "cancelled": 1, "rewarded": 1, "acquired": 1,
    }  # fmt: skip
    # 750 points at 0.8 cents.
    assert (funnel["cost"], funnel["cost_per_acquired"]) == (600, 600)


def test_a_story_that_was_interrupted_goes_on_and_is_told_the_same_later(story: Story, clock: FakeClock) -> None:
    for evening, step in story.steps:
        clock.instant = evening
        step()
        clock.instant += timedelta(minutes=4)
        step()
    clock.instant = BEGINS + timedelta(days=15)
    told = story.told()
    clock.instant = BEGINS + timedelta(days=300)
    assert story.told() == told
    assert purses(told) == TOLD


def test_the_replay_lets_it_happen_on_its_evenings_between_the_days_of_its_orders() -> None:
    happened: list[str] = []

    class Till:
        def call(self, method: str, path: str, body: dict[str, Any]) -> Any:
            happened.append(body["now"])
            return type("Answer", (), {"is_success": True})

        def expect(self, method: str, path: str, body: dict[str, Any], **_: Any) -> dict[str, Any]:
            if path == "/v1/purchases":
                happened.append(body["order_id"])
            return {"member_id": "member"}

    def order(id: str, at: datetime) -> RetailOrder:
        return RetailOrder(id, "1", "store", at, (RetailLine("sku", None, 1, 100),))

    till = cast(Any, Till())
    evenings = [(BEGINS + timedelta(days=day), lambda day=day: happened.append(f"step {day}")) for day in (0, 1, 9)]
    days = [BEGINS.replace(hour=12) + timedelta(days=day) for day in (0, 2, 5)]
    Replay(till, till, meanwhile=evenings).run([order(f"order {n}", day) for n, day in enumerate(days)])
    assert happened == [
        *("2017-11-20T17:55:00Z", "order 0"),
        *("2017-11-21T04:55:00Z", "step 0", "2017-11-22T04:55:00Z", "step 1"),
        *("2017-11-22T17:55:00Z", "order 1", "2017-11-25T17:55:00Z", "order 2"),
        *("2017-11-30T04:55:00Z", "step 9"),
    ]


def test_its_table_fits_into_80_columns(story: Story, clock: FakeClock) -> None:
    for evening, step in story.steps:
        clock.instant = evening
        step()
    clock.instant = BEGINS + timedelta(days=15)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(report.brought(story.told()))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 9, "every row is one line"
    assert "+1,000" in "".join(lines)
    assert report._held(None) == "-"
    assert report._held(Purse(20, 0)) == "20"
