"""Campaigns hold against members and operators who do what nobody thought of: edits, pauses, late orders, limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.bonuses import handler as bonuses
from shared.domain.control import Act
from shared.domain.drawing import ticket
from shared.domain.errors import ProgramInvalidError
from shared.domain.run import Run, RunKind
from tests.functional.campaigning import Campaigning, Context, campaign, shop

__all__ = ["shop"]

SILENCE = campaign("we_miss_you", {"kind": "silence", "days": 30})
DATE = {"kind": "date", "at": "2026-03-24T09:00"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state_of(shop: Campaigning, id: str) -> Any:
    return [step.act for step in shop.stage.wiring.campaigns.controls([id])[id].steps]


def test_a_campaign_named_all_does_not_stop_the_tick(shop: Campaigning) -> None:
    shop.offer(campaign("all", {"kind": "silence", "days": 30}))
    member = shop.member("ann")
    shop.act("all")
    shop.tick()
    shop.clock.advance(days=31)
    shop.tick()
    assert len(shop.grants(member)) == 1


def test_a_campaign_that_is_taken_out_and_put_back_as_it_was_still_comes(shop: Campaigning) -> None:
    shop.offer(SILENCE, campaign("birthday", {"kind": "birthday"}))
    shop.act("we_miss_you")
    shop.act("birthday")
    member = shop.member("ann", birth_date="1990-04-30")
    shop.buys(member)
    shop.tick()
    shop.clock.advance(days=1)
    shop.offer(effective_from=shop.clock.now())  # a slip: the campaigns were left out
    shop.change(member, locale="en")
    shop.buys(member)
    shop.tick()
    shop.clock.advance(days=1)
    shop.offer(SILENCE, campaign("birthday", {"kind": "birthday"}), effective_from=shop.clock.now())
    shop.tick()
    shop.clock.advance(days=60)
    shop.tick()
    assert sorted(grant.campaign for grant in shop.grants(member)) == ["birthday", "we_miss_you"]


def test_notices_that_are_switched_off_and_on_again_still_come(shop: Campaigning) -> None:
    told = {"points_expiring_days": [7]}
    shop.offer(messages=told)
    member = shop.member("ann")
    shop.buys(member)
    shop.tick()
    shop.clock.advance(days=1)
    shop.offer(effective_from=shop.clock.now())
    shop.change(member, locale="en")
    shop.buys(member)
    shop.tick()
    shop.clock.advance(days=1)
    shop.offer(messages=told, effective_from=shop.clock.now())
    shop.tick()
    shop.clock.instant = at("2027-02-24T12:00")
    shop.tick()
    assert any(entry.kind == "notice" for entry in shop.entries(member))


def test_a_list_that_was_paused_is_gone_through_to_its_end(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATE, audience={"member_list": "l.json"}))
    members = [shop.member(f"m{number}") for number in range(4)]
    shop.machine.lists["l.json"] = members
    shop.act("xmas")
    shop.clock.instant = at("2026-03-24T13:00")
    bonuses.handler({"source": "aws.events"}, Context())
    run = next(name for name, *_ in shop.machine.waiting if "xmas" in name)
    shop.act("xmas", Act.PAUSE)
    answer = bonuses.handler({"task": "list", "run": run, "members": members}, Context())
    assert answer["done"]
    shop.act("xmas", Act.RESUME)
    bonuses.handler({"task": "finish", "run": run}, Context())
    for _ in range(3):
        shop.tick()
        shop.clock.advance(hours=2)
    assert [len(shop.grants(member)) for member in members] == [1] * 4


def test_two_batches_of_a_list_that_begin_with_the_same_member_are_two(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATE, audience={"member_list": "l.json"}))
    ann, bob, cat, dan = [shop.member(name) for name in ("ann", "bob", "cat", "dan")]
    shop.machine.lists["l.json"] = [ann, bob, ann, cat, dan]
    shop.machine.batch = 2
    shop.act("xmas")
    shop.clock.instant = at("2026-03-24T13:00")
    shop.tick()
    assert [len(shop.grants(member)) for member in (ann, bob, cat, dan)] == [1] * 4


def test_a_draw_over_a_list_is_won_by_the_lowest_tickets(shop: Campaigning) -> None:
    trigger = {**DATE, "draw": {"seed": "s", "winners": 3}}
    shop.offer(campaign("xmas", trigger, audience={"member_list": "l.json"}))
    members = [shop.member(f"m{number}") for number in range(20)]
    shop.machine.lists["l.json"] = members
    shop.act("xmas")
    shop.clock.instant = at("2026-03-24T13:00")
    shop.tick()
    tickets = sorted(members, key=lambda member: ticket("xmas", "once", "s", member))
    assert sorted(member for member in members if shop.grants(member)) == sorted(tickets[:3])


def test_a_draw_that_is_paused_while_it_gives_goes_on_when_it_is_resumed(shop: Campaigning, monkeypatch: Any) -> None:
    shop.offer(campaign("draw", {**DATE, "draw": {"seed": "s", "winners": 3}}))
    members = [shop.member(f"m{number}") for number in range(20)]
    shop.act("draw")
    shop.clock.instant = at("2026-03-24T13:00")
    give, given = bonuses.Giver.give, list[str]()

    def gives(self: Any, member: Any, offer: Any, day: Any) -> str:
        outcome = give(self, member, offer, day)
        given.append(outcome)
        if len(given) == 1:
            shop.act("draw", Act.PAUSE)
        return outcome

    monkeypatch.setattr(bonuses.Giver, "give", gives)
    shop.tick()
    monkeypatch.setattr(bonuses.Giver, "give", give)
    shop.clock.advance(minutes=5)
    shop.act("draw", Act.RESUME)
    for _ in range(3):
        shop.tick()
        shop.clock.advance(hours=2)
    assert sum(len(shop.grants(member)) for member in members) == 3


def test_two_campaigns_of_one_order_heed_the_frequency_cap(shop: Campaigning) -> None:
    one, two = (campaign(id, {"kind": "purchase_number", "every": 1}) for id in ("one", "two"))
    shop.offer(one, two, frequency_caps=[{"per": "month", "count": 1}])
    shop.act("one")
    shop.act("two")
    member = shop.member("ann")
    shop.buys(member)
    assert len(shop.grants(member)) == 1


def test_two_campaigns_of_one_order_heed_a_members_cap(shop: Campaigning) -> None:
    caps = [{"id": "c", "currency": "points", "points": 80, "per": "month", "scope": "member"}]
    one, two = (campaign(id, {"kind": "purchase_number", "every": 1}, caps=["c"]) for id in ("one", "two"))
    shop.offer(one, two, caps=caps)
    shop.act("one")
    shop.act("two")
    member = shop.member("ann")
    shop.buys(member)
    assert len(shop.grants(member)) == 1


def test_one_silence_is_missed_once_though_an_order_is_told_late(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    shop.act("we_miss_you")
    member = shop.member("ann")
    shop.buys(member)
    shop.tick()
    start = shop.clock.now()
    shop.clock.advance(days=31)
    shop.tick()
    assert len(shop.grants(member)) == 1
    for day in range(2, 12):
        # A till that was offline tells its orders, or receipts are claimed one by one.
        shop.buys(member, amount=100, at=start + timedelta(days=day))
        shop.clock.instant = start + timedelta(days=31 + day - 1, hours=1)
        shop.tick()
    assert len(shop.grants(member)) == 1


def test_a_run_that_has_ended_is_not_opened_again(shop: Campaigning) -> None:
    runs = shop.stage.wiring.runs
    now = shop.clock.now()
    run = Run(kind=RunKind.SWEEP, campaign=None, period="p", version=1, due_at=now, started_at=now)
    runs.begin(run)
    seen_by_the_tick = runs.run(run.name)
    runs.end(run, now)
    assert runs.again(seen_by_the_tick, now + timedelta(hours=2)) is None
    assert runs.run(run.name).ended_at is not None


def test_a_dry_run_of_a_paused_campaign_ends(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    shop.act("we_miss_you")
    shop.member("ann")
    shop.act("we_miss_you", Act.PAUSE)
    now = shop.clock.now()
    run = Run(kind=RunKind.DRY_RUN, campaign="we_miss_you", period="p", version=2, due_at=now, started_at=now)
    shop.stage.wiring.runs.begin(run)
    shop.machine.start(run.name, 1, range(32), None)
    shop.machine.work()
    assert shop.stage.wiring.runs.run(run.name).ended_at is not None


def test_points_that_come_back_shortly_before_they_are_gone_are_announced(shop: Campaigning) -> None:
    shop.offer(messages={"points_expiring_days": [7]})
    member = shop.member("ann")
    shop.clock.advance(days=365)
    shop.tick()
    shop.buys(member, at=shop.clock.now() - timedelta(days=360))
    for _ in range(4):
        shop.tick()
        shop.clock.advance(days=1)
    assert any(entry.kind == "notice" for entry in shop.entries(member))


def test_a_daily_customer_is_not_told_thirty_times_in_one_night(shop: Campaigning) -> None:
    shop.offer()
    member = shop.member("ann")
    for _ in range(20):
        shop.buys(member)
        shop.clock.advance(days=1)
    shop.tick()
    shop.clock.advance(days=365 - 25)
    shop.offer(messages={"points_expiring_days": [30]}, effective_from=shop.clock.now())
    shop.tick()
    assert len([entry for entry in shop.entries(member) if entry.kind == "notice"]) <= 2


def test_an_order_that_many_campaigns_come_with_is_recorded(shop: Campaigning) -> None:
    ids = [f"c{number}" for number in range(50)]
    try:
        shop.offer(*(campaign(id, {"kind": "purchase_number", "every": 1}, grants_max=1000) for id in ids))
    except ProgramInvalidError:  # to refuse so many is as good
        return
    for id in ids:
        shop.act(id)
    member = shop.member("ann")
    shop.buys(member)


def test_a_multiplier_that_is_taken_back_returns_the_budget_that_it_drew(shop: Campaigning) -> None:
    bonus = {"kind": "multiplier", "currency": "points", "percent": 200, "days": 10}
    trigger = {"kind": "purchase_number", "every": 1}
    rules = [{"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 10000}}]
    shop.offer(campaign("x2", trigger, bonus=bonus), earning_rules=rules)
    shop.act("x2")
    member = shop.member("ann")
    order = shop.buys(member)
    shop.clock.advance(days=1)
    shop.offer(campaign("x2", trigger, bonus=bonus, grants_max=1), earning_rules=rules, effective_from=shop.clock.now())
    now = shop.clock.now().isoformat().replace("+00:00", "Z")
    reply = shop.till.post(f"/v1/purchases/{order}/refunds", {"refund_id": "r", "occurred_at": now})
    assert reply.status == 201, reply
    shop.buys(member)
    shop.buys(member)
    assert len(shop.grants(member)) == 2


def test_a_worker_that_began_before_a_campaign_does_not_unset_its_alarms(shop: Campaigning) -> None:
    shop.offer()
    member = shop.member("ann")
    shop.tick()
    early = bonuses._giver(shop.clock.now())  # a worker that is at it for some minutes
    shop.clock.advance(minutes=2)
    shop.offer(SILENCE, effective_from=shop.clock.now())
    shop.act("we_miss_you")
    shop.tick()
    early.visit(member)
    shop.clock.advance(days=31)
    shop.tick()
    assert len(shop.grants(member)) == 1


def test_a_date_that_is_moved_while_it_is_given_comes_once(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATE))
    member = shop.member("ann")
    shop.act("xmas")
    shop.clock.instant = at("2026-03-24T13:00")
    bonuses.handler({"source": "aws.events"}, Context())
    [first] = [work for work in shop.machine.waiting if "xmas" in work[0]]
    shop.machine.waiting = []
    for shard in first[1]:
        bonuses.handler({"task": "shard", "run": first[0], "shard": shard}, Context())
    later = campaign("xmas", {"kind": "date", "at": "2026-03-24T10:00"})
    shop.offer(later, effective_from=at("2026-03-24T13:10"))
    shop.clock.instant = at("2026-03-24T14:00")
    shop.tick()
    shop.tick()
    assert len(shop.grants(member)) == 1


def test_a_date_ends_though_the_worker_was_lost_at_the_very_end(shop: Campaigning, monkeypatch: Any) -> None:
    shop.offer(campaign("xmas", DATE))
    shop.member("ann")
    shop.act("xmas")
    shop.clock.instant = at("2026-03-24T13:00")

    class LostError(Exception):
        pass

    def lost(*_: Any) -> None:
        raise LostError

    campaigns = type(shop.stage.wiring.campaigns)
    change = campaigns.change
    monkeypatch.setattr(campaigns, "change", lost)
    with pytest.raises(LostError):
        shop.tick()
    monkeypatch.setattr(campaigns, "change", change)
    run = next(name for name, _ in shop.machine.started if "xmas" in name)
    for _ in range(3):
        bonuses.handler({"task": "finish", "run": run}, Context())
        shop.tick()
        shop.clock.advance(hours=2)
    assert state_of(shop, "xmas")[-1] is Act.FINISH


def test_an_order_of_nothing_wins_nothing_that_a_refund_cannot_take_back(shop: Campaigning) -> None:
    shop.offer(campaign("second", {"kind": "purchase_number", "number": 2}, points=500))
    shop.act("second")
    member = shop.member("ann")
    shop.buys(member, amount=0)
    shop.buys(member, amount=0)
    assert shop.points(member) == 0
