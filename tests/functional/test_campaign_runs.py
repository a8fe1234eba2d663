"""Runs of campaigns hold where workers overlap, members leave between two looks, and batches begin alike."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from functions.bonuses import handler as bonuses
from shared.domain.alarm import shard_of
from shared.domain.control import Act
from shared.domain.drawing import ticket
from shared.domain.errors import CampaignStateError, ProgramInvalidError
from tests.functional.campaigning import Campaigning, Context, campaign, shop

__all__ = ["shop"]

DATE = {"kind": "date", "at": "2026-03-24T09:00"}
TICK = {"source": "aws.events"}


def test_a_program_with_many_campaigns_looks_at_everybody_once(shop: Campaigning) -> None:
    several = [campaign(f"c{n}", {"kind": "silence", "days": 30 + n}) for n in range(10)]
    shop.offer(*several)
    for one in several:
        shop.act(one["id"])
    shop.tick()
    shop.machine.started.clear()
    shop.offer(*several, frequency_caps=[{"per": "month", "count": 2}], effective_from=shop.clock.now())
    shop.tick()
    assert len(shop.machine.started) <= 2


def test_a_draw_has_its_winners_though_the_lowest_of_a_shard_left_meanwhile(shop: Campaigning) -> None:
    shop.offer(campaign("draw", {**DATE, "draw": {"seed": "s", "winners": 1}}, audience={"segments": ["vip"]}))
    members: list[str] = []
    for number in range(200):
        if len(members) == 3:
            break
        member = shop.member(f"m{number}", attributes={"vip": True} if not members else {})
        if not members or shard_of(member) == shard_of(members[0]):
            members.append(member)
            shop.change(member, attributes={"vip": True})
    shop.act("draw")
    shop.clock.advance(days=22)
    bonuses.handler(TICK, Context())
    [run] = [name for name, *_ in shop.machine.waiting if "draw" in name]
    for shard in range(32):
        bonuses.handler({"task": "shard", "run": run, "shard": shard}, Context())
    at = shop.stage.wiring.runs.run(run).period
    lowest = min(members, key=lambda member: ticket("draw", at, "s", member))
    assert shop.operator.post(f"/v1/members/{lowest}/close", {}).status == 200
    for _ in range(3):
        bonuses.handler({"task": "finish", "run": run}, Context())
        shop.tick()
    assert sum(len(shop.grants(member)) for member in members) == 1


def test_workers_that_get_on_are_not_joined_by_others_every_hour(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATE))
    for n in range(20):
        shop.member(f"m{n}")
    shop.act("xmas")
    shop.clock.advance(days=22)
    bonuses.handler(TICK, Context())
    [run] = [name for name, *_ in shop.machine.waiting if "xmas" in name]
    for shard in range(12):
        shop.clock.advance(minutes=30)
        bonuses.handler({"task": "shard", "run": run, "shard": shard}, Context())
        bonuses.handler(TICK, Context())
    assert [attempt for name, attempt in shop.machine.started if name == run] == [1]


def test_a_date_that_can_never_come_is_refused(shop: Campaigning) -> None:
    with pytest.raises(ProgramInvalidError):
        shop.offer(campaign("xmas", DATE, ends="2026-03-24T08:00"))


@pytest.mark.parametrize("seed", range(6))
def test_held_payloads_twice_and_in_any_order(shop: Campaigning, seed: int) -> None:
    r = random.Random(seed)
    shop.offer(
        campaign("xmas", DATE, grants_max=15),
        campaign("draw", {**DATE, "draw": {"seed": "s", "winners": 5}}),
        campaign("luck", {**DATE, "draw": {"seed": "s", "chance": {"win": 1, "of": 2}}}, hold_out_percent=20),
    )
    members = [shop.member(f"m{n}") for n in range(25)]
    for id in ("xmas", "draw", "luck"):
        shop.act(id)
    shop.clock.advance(days=22)
    bonuses.handler(TICK, Context())
    work = [
        {"task": "shard", "run": run, "shard": s} for run, shards, _ in shop.machine.waiting for s in shards for _ in range(2)
    ]
    work += [{"task": "finish", "run": run} for run, *_ in shop.machine.waiting for _ in range(5)]
    r.shuffle(work)
    shop.machine.waiting = []
    for one in work:
        if r.random() < 0.05:
            shop.act("xmas", Act.PAUSE) if r.random() < 0.5 else bonuses.handler(TICK, Context())
        bonuses.handler(one, Context(r.choice([10, 300_000])))
        with suppress(CampaignStateError):
            shop.act("xmas", Act.RESUME)
    for _ in range(4):
        shop.clock.advance(minutes=61)
        shop.tick()
    given = [grant.campaign for member in members for grant in shop.grants(member)]
    assert given.count("xmas") == 15
    assert given.count("draw") == 5
    assert not [run for run in shop.stage.wiring.runs.going() if run.campaign]


def test_held_a_clock_a_year_ahead_and_clock_changes(shop: Campaigning) -> None:
    shop.offer(
        campaign("gap", {"kind": "recurrence", "every": "day", "at": "02:30"}),
        campaign("twice", {"kind": "recurrence", "every": "day", "at": "01:30"}),
        campaign("monthly", {"kind": "recurrence", "every": "month", "day": 28, "at": "00:00"}),
    )
    member = shop.member("ann")
    for id in ("gap", "twice", "monthly"):
        shop.act(id)
    for start in ("2026-03-07T12:00", "2026-10-31T12:00"):
        from datetime import UTC, datetime

        shop.clock.instant = datetime.fromisoformat(start).replace(tzinfo=UTC)
        shop.tick()
        before = len(shop.grants(member))
        for _ in range(48 * 4):
            shop.clock.advance(minutes=15)
            shop.tick()
        assert len(shop.grants(member)) - before == 4
    shop.clock.advance(days=365)
    shop.tick()
    before = len(shop.grants(member))
    shop.tick()
    assert len(shop.grants(member)) == before


def test_a_run_that_is_paused_is_not_late(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATE))
    shop.member("ann")
    shop.act("xmas")
    shop.clock.instant = shop.clock.instant.replace(month=3, day=24, hour=13)
    bonuses.handler(TICK, Context())
    shop.act("xmas", Act.PAUSE)
    shop.machine.work()
    shop.clock.advance(hours=5)
    assert shop.ticked().late == 0
    shop.act("xmas", Act.RESUME)
    assert shop.ticked().again == ("campaign.xmas.once",)
