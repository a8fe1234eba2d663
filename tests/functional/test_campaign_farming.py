"""What members could farm out of campaigns, and what a pause promises."""

from __future__ import annotations

from datetime import timedelta

from functions.bonuses import handler as bonuses
from shared.domain.control import Act
from tests.functional.campaigning import Campaigning, Context, campaign, shop
from tests.functional.test_standing import TIERS

__all__ = ["shop"]
DATE = {"kind": "date", "at": "2026-03-24T09:00"}


def refund(shop: Campaigning, order: str, id: str) -> None:
    now = shop.clock.now().isoformat().replace("+00:00", "Z")
    reply = shop.till.post(f"/v1/purchases/{order}/refunds", {"refund_id": id, "occurred_at": now})
    assert reply.status == 201, reply


def test_a_multiplier_that_was_used_is_used_of_the_limits_too(shop: Campaigning) -> None:
    bonus = {"kind": "multiplier", "currency": "points", "percent": 300, "days": 10}
    shop.offer(
        campaign("x3", {"kind": "purchase_number", "every": 1}, bonus=bonus, grants_max=1),
        frequency_caps=[{"per": "month", "count": 1}],
    )
    shop.act("x3")
    member = shop.member("ann")
    for number in range(3):
        small = shop.buys(member, 100)
        shop.buys(member, 100_000)
        refund(shop, small, f"r{number}")
    assert shop.points(member) == 3000 + 2 * 1000


def test_nobody_is_given_after_a_pause_though_the_clock_of_the_worker_is_behind(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", DATE))
    members = [shop.member(f"m{n}") for n in range(4)]
    shop.act("xmas")
    shop.clock.advance(days=22)
    bonuses.handler({"source": "aws.events"}, Context())
    shop.clock.advance(seconds=2)
    shop.act("xmas", Act.PAUSE)
    shop.clock.instant -= timedelta(seconds=1)
    shop.machine.work()
    assert not any(shop.grants(member) for member in members)


def test_whoever_is_told_of_points_is_not_told_again_after_a_merge(shop: Campaigning) -> None:
    shop.offer(messages={"points_expiring_days": [7]})
    ann, bob = shop.member("ann"), shop.member("bob")
    shop.buys(ann)
    shop.tick()
    shop.clock.advance(days=359)
    shop.tick()
    assert shop.operator.post(f"/v1/members/{ann}/merge", {"into": bob, "reason": "same"}).status in (200, 201)
    shop.tick()
    told = [entry for member in (ann, bob) for entry in shop.entries(member) if entry.kind == "notice"]
    assert len(told) == 1


def test_a_merge_on_the_day_of_a_run_gives_one_bonus_to_one_person(shop: Campaigning) -> None:
    shop.offer(
        campaign("rise", {"kind": "tier_reached", "tiers": ["silver"]}), campaign("birthday", {"kind": "birthday"}), tiers=TIERS
    )
    shop.act("rise")
    shop.act("birthday")
    ann, bob = shop.member("ann", birth_date="1990-03-02"), shop.member("bob", birth_date="1990-03-02")
    shop.buys(ann, 60_000)
    shop.tick()
    shop.operator.post(f"/v1/members/{ann}/merge", {"into": bob, "reason": "same"})
    shop.tick()
    assert [grant.campaign for grant in shop.grants(bob)] == ["birthday"]


def test_points_given_by_a_late_order_do_not_live_longer(shop: Campaigning) -> None:
    shop.offer(campaign("every", {"kind": "purchase_number", "every": 1}, points=500))
    shop.act("every")
    member = shop.member("ann")
    first = shop.clock.now() + timedelta(hours=1)
    shop.clock.advance(days=399)
    shop.buys(member, at=first)
    shop.tick()
    assert shop.points(member) == 0


def test_points_of_the_day_after_those_that_were_announced_are_announced(shop: Campaigning) -> None:
    """Two orders, a day apart: the second day's points are gone without a word."""
    shop.offer(messages={"points_expiring_days": [7]})
    member = shop.member("ann")
    for _ in range(2):
        shop.buys(member)
        shop.clock.advance(days=1)
    shop.tick()
    shop.clock.advance(days=355)
    for _ in range(10):
        shop.tick()
        shop.clock.advance(days=1)
    assert sum(entry.subject.points for entry in shop.entries(member) if entry.kind == "notice") == 20
