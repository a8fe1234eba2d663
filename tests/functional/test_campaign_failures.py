"""Campaigns hold where something is broken: members who cannot be read, limits that are full, ids that come again."""

from __future__ import annotations

from typing import Any

import pytest

from functions.bonuses import handler as bonuses
from functions.bonuses.draw_winners import Draws
from shared.domain.entry import MemberId
from shared.domain.errors import FaultError, ProgramInvalidError
from tests.functional.campaigning import Campaigning, Context, campaign, shop
from tests.functional.test_standing import TIERS

__all__ = ["shop"]

DATE = {"kind": "date", "at": "2026-03-24T09:00"}
LEVELS = [{"id": "bronze", "name": "B", "threshold": 0}, {"id": "gold", "name": "G", "threshold": 100}]
GOLD = {**TIERS, "period": {"kind": "calendar_year"}, "levels": LEVELS, "grace_days": 0}


def refund(shop: Campaigning, order: str, id: str = "r") -> Any:
    now = shop.clock.now().isoformat().replace("+00:00", "Z")
    reply = shop.till.post(f"/v1/purchases/{order}/refunds", {"refund_id": id, "occurred_at": now})
    assert reply.status == 201, reply
    return reply


def test_no_more_days_between_two_bonuses_are_promised_than_a_wallet_remembers(shop: Campaigning) -> None:
    rise = campaign("rise", {"kind": "tier_reached", "tiers": ["gold"], "again_after_days": 1500})
    with pytest.raises(ProgramInvalidError):
        shop.offer(rise, tiers=GOLD)


def test_a_tier_that_was_bought_and_returned_pays_nothing(shop: Campaigning) -> None:
    held = {"kind": "tier_reached", "tiers": ["gold"], "hold_days": 2}
    shop.offer(campaign("rise", held, points=500), tiers=GOLD)
    shop.act("rise")
    member, loyal = shop.member("ann"), shop.member("bob")
    order = shop.buys(member, 20000)
    shop.buys(loyal, 20000)
    shop.tick()
    refund(shop, order)
    for _ in range(3):
        shop.tick()
        shop.clock.advance(days=1)
    assert shop.points(member) == 0
    assert shop.points(loyal) == 700


def test_a_draw_for_few_of_many_reads_the_roster_a_few_times(shop: Campaigning, monkeypatch: Any) -> None:
    """One winner among the few who agreed: each pass looks at 4 tickets and reads the whole shard."""
    shop.offer(campaign("draw", {**DATE, "draw": {"seed": "s", "winners": 1}}, audience={"segments": ["vip"]}))
    members = [MemberId(shop.member(f"m{number}")) for number in range(5)]
    shop.act("draw")
    shop.clock.advance(days=22)
    bonuses.handler({"source": "aws.events"}, Context())
    run = next(name for name, *_ in shop.machine.waiting if "draw" in name)
    reads = []

    def roster(_: Any, shard: int, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        at = int(after or 0)
        reads.append(at)
        many = [MemberId(f"{members[0]}{number}") for number in range(at, at + limit)]
        return many, str(at + limit) if at + limit < 10_000 else None

    monkeypatch.setattr(type(shop.stage.wiring.alarms), "roster", roster)
    monkeypatch.setattr(Draws, "_is_in", lambda *_: False)
    bonuses.handler({"task": "shard", "run": run, "shard": 0}, Context())
    assert len(reads) <= 100  # ten pages are the shard: ten passes are plenty


def test_a_member_who_cannot_be_read_does_not_stop_a_draw(shop: Campaigning, monkeypatch: Any) -> None:
    shop.offer(campaign("draw", {**DATE, "draw": {"seed": "s", "winners": 2}}))
    members = [shop.member(f"m{number}") for number in range(6)]
    shop.tick()
    shop.act("draw")
    shop.clock.advance(days=22)
    bad, ledger = members[2], type(shop.stage.wiring.ledger)
    view = ledger.view

    def poisoned(self: Any, member: Any, *wanted: Any) -> Any:
        if member == bad:
            raise FaultError(code="ValidationException")
        return view(self, member, *wanted)

    monkeypatch.setattr(ledger, "view", poisoned)
    shop.tick()
    monkeypatch.setattr(ledger, "view", view)
    assert sum(len(shop.grants(member)) for member in members) == 2


def test_a_tick_goes_on_where_one_member_breaks_the_code(shop: Campaigning, monkeypatch: Any) -> None:
    shop.offer(campaign("miss", {"kind": "silence", "days": 30}))
    shop.act("miss")
    members = [shop.member(f"m{number}") for number in range(6)]
    shop.tick()
    shop.clock.advance(days=31)
    visit = bonuses.Giver.visit

    def breaks(self: Any, member: Any) -> Any:
        if member == members[0]:
            raise KeyError("a bug")
        return visit(self, member)

    monkeypatch.setattr(bonuses.Giver, "visit", breaks)
    shop.tick()
    assert sum(len(shop.grants(member)) for member in members[1:]) == 5


def test_a_frequency_cap_passes_over_or_puts_off_but_not_by_chance(shop: Campaigning) -> None:
    """Two in the same place: the one whose profile happens to be touched in the next month is given, the other is not."""
    shop.offer(
        campaign("a", {"kind": "silence", "days": 20}),
        campaign("b", {"kind": "silence", "days": 25}),
        frequency_caps=[{"per": "month", "count": 1}],
    )
    shop.act("a")
    shop.act("b")
    ann, bob = shop.member("ann"), shop.member("bob")
    shop.tick()
    shop.clock.advance(days=28)
    shop.tick()
    shop.clock.advance(days=3)
    shop.change(ann, locale="en")
    shop.tick()
    assert len(shop.grants(ann)) == len(shop.grants(bob))


def test_a_hundred_things_that_are_due_and_not_given_end_the_visit(shop: Campaigning) -> None:
    """STEPS_MAX tries and no settle: the alarm rings for ever, each tick a hundred reads of everything."""
    held = [campaign(f"c{n}", {"kind": "silence", "days": 30}, audience={"segments": ["vip"]}) for n in range(100)]
    shop.offer(*held)
    for one in held:
        shop.act(one["id"])
    shop.member("ann")
    shop.tick()
    shop.clock.advance(days=31)
    shop.tick()
    assert shop.tick()["members"] == 0


def test_a_cancelled_campaign_whose_id_is_used_again_does_not_start_by_itself(shop: Campaigning) -> None:
    shop.offer(campaign("promo", {"kind": "date", "at": "2026-03-24T09:00"}))
    member = shop.member("ann")
    shop.act("promo")
    shop.offer(effective_from=shop.clock.now())
    shop.clock.advance(days=200)
    shop.offer(campaign("promo", {"kind": "silence", "days": 30}, points=9), effective_from=shop.clock.now())
    shop.tick()
    assert shop.grants(member) == []  # nobody started this one


def test_a_run_of_a_list_with_things_that_are_no_text_goes_on(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATE, audience={"member_list": "l.json"}))
    ann = shop.member("ann")
    shop.machine.lists["l.json"] = ["", "nobody", ann, "x#y", ann]
    shop.act("xmas")
    shop.clock.advance(days=22)
    shop.tick()
    shop.tick()
    assert len(shop.grants(ann)) == 1
    assert not shop.stage.wiring.runs.going() or all(run.campaign != "xmas" for run in shop.stage.wiring.runs.going())
