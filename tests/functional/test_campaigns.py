"""Campaigns that come for each member at a time of their own: birthdays, anniversaries, silence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.domain.control import Act
from tests.functional.campaigning import Campaigning, campaign, shop

__all__ = ["shop"]

BIRTHDAY = campaign("birthday", {"kind": "birthday"}, points=100)
SILENCE = campaign("we_miss_you", {"kind": "silence", "days": 60})


def at(text: str) -> datetime:
    """An instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Pacific/Auckland", "2027-02-28T11:00"),
        ("Pacific/Honolulu", "2027-03-01T10:00"),
        ("Asia/Kathmandu", "2027-02-28T18:15"),
        ("Asia/Kolkata", "2027-02-28T18:30"),
        ("America/New_York", "2027-03-01T05:00"),
    ],
)
def test_a_birthday_begins_at_midnight_where_the_member_lives(shop: Campaigning, zone: str, first: str) -> None:
    shop.offer(BIRTHDAY)
    shop.act("birthday")
    member = shop.member("ann", birth_date="1990-03-01", time_zone=zone)
    shop.tick()
    shop.clock.instant = at(first).replace(minute=at(first).minute) - (at("2027-01-01T00:01") - at("2027-01-01T00:00"))
    shop.tick()
    assert shop.grants(member) == []
    shop.clock.instant = at(first)
    shop.tick()
    shop.tick()
    [gift] = shop.grants(member)
    assert (gift.period, gift.due_at, gift.points) == ("2027", at(first), 100)


def test_somebody_who_moves_on_their_birthday_gets_one_gift(shop: Campaigning) -> None:
    shop.offer(BIRTHDAY)
    shop.act("birthday")
    member = shop.member("ann", birth_date="1990-03-01", time_zone="Pacific/Auckland")
    shop.tick()
    shop.clock.instant = at("2027-02-28T11:00")
    shop.tick()
    shop.change(member, time_zone="Pacific/Honolulu")
    for hour in ("2027-02-28T12:00", "2027-03-01T10:00", "2027-03-02T10:00"):
        shop.clock.instant = at(hour)
        shop.tick()
    shop.change(member, birth_date="1990-06-01")
    shop.clock.instant = at("2027-06-01T12:00")
    shop.tick()
    assert len(shop.grants(member)) == 1


def test_whoever_was_born_on_29_february_has_a_birthday_each_year(shop: Campaigning) -> None:
    shop.offer(BIRTHDAY)
    shop.act("birthday")
    member = shop.member("leap", birth_date="2000-02-29")
    shop.tick()
    for day in ("2027-02-27T17:00", "2027-02-28T17:00", "2027-03-01T17:00", "2028-02-28T17:00", "2028-02-29T17:00"):
        shop.clock.instant = at(day)
        shop.tick()
    assert [(gift.period, gift.due_at.date().isoformat()) for gift in shop.grants(member)] == [
        ("2027", "2027-02-28"),
        ("2028", "2028-02-29"),
    ]


def test_whoever_enrols_on_their_birthday_is_given_it(shop: Campaigning) -> None:
    shop.offer(BIRTHDAY)
    shop.act("birthday")
    member = shop.member("ann", birth_date="1990-03-02")
    shop.tick()
    assert [gift.period for gift in shop.grants(member)] == ["2026"]


def test_silence_is_told_once_until_there_was_something_again(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    member = shop.member("ann")
    shop.buys(member)
    shop.clock.advance(days=70)
    shop.act("we_miss_you")
    for _ in range(3):
        shop.tick()
    assert shop.points(member) == 60
    shop.clock.advance(days=100)
    shop.tick()
    assert shop.points(member) == 60
    shop.buys(member)
    shop.clock.advance(days=59)
    shop.tick()
    assert shop.points(member) == 70
    shop.clock.advance(days=1)
    shop.tick()
    assert shop.points(member) == 120
    assert [gift.period for gift in shop.grants(member)] == ["2026-03-02", "2026-08-19"]


def test_a_pause_stops_the_next_grant_and_resuming_catches_up(shop: Campaigning) -> None:
    shop.offer(SILENCE)
    shop.act("we_miss_you")
    member = shop.member("ann")
    shop.tick()
    shop.act("we_miss_you", Act.PAUSE)
    shop.clock.advance(days=61)
    shop.tick()
    assert shop.grants(member) == []
    shop.act("we_miss_you", Act.RESUME)
    shop.tick()
    assert len(shop.grants(member)) == 1


def test_a_dated_campaign_comes_for_everybody_once(shop: Campaigning) -> None:
    shop.offer(campaign("xmas", {"kind": "date", "at": "2026-03-24T09:00"}, starts=None))
    members = [shop.member(f"m{number}") for number in range(20)]
    shop.act("xmas")
    shop.tick()
    assert not any(map(shop.grants, members))
    shop.clock.instant = at("2026-03-24T13:00")
    shop.tick()
    shop.tick()
    assert [len(shop.grants(member)) for member in members] == [1] * 20
    control = shop.stage.wiring.campaigns.controls(["xmas"])["xmas"]
    assert control.steps[-1].act is Act.FINISH


def test_a_draw_has_exactly_as_many_winners_as_were_promised(shop: Campaigning) -> None:
    shop.offer(campaign("draw", {"kind": "date", "at": "2026-03-24T09:00", "draw": {"seed": "s", "winners": 3}}))
    members = [shop.member(f"m{number}") for number in range(20)]
    shop.act("draw")
    shop.clock.instant = at("2026-03-24T13:00")
    shop.tick()
    shop.tick()
    assert sum(len(shop.grants(member)) for member in members) == 3


def test_a_tenth_order_brings_a_bonus_and_its_refund_takes_it_back(shop: Campaigning) -> None:
    shop.offer(campaign("second", {"kind": "purchase_number", "number": 2}, points=500))
    shop.act("second")
    member = shop.member("ann")
    shop.buys(member)
    order = shop.buys(member)
    assert shop.points(member) == 520
    reply = shop.till.post(f"/v1/purchases/{order}/refunds", {"refund_id": "r", "occurred_at": "2026-03-02T17:00:00Z"})
    assert reply.status == 201, reply
    assert shop.points(member) == 10


def test_a_multiplier_voucher_is_used_by_the_next_order_alone(shop: Campaigning) -> None:
    bonus = {"kind": "multiplier", "currency": "points", "percent": 300, "days": 10}
    shop.offer(campaign("triple", {"kind": "silence", "days": 60}, bonus=bonus))
    member = shop.member("ann")
    shop.act("triple")
    shop.clock.advance(days=60)
    shop.tick()
    shop.buys(member)
    shop.buys(member)
    assert shop.points(member) == 40
