"""Campaigns of a program document: what is taken, what is refused, and where the fault is."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from shared.domain.campaign import Bonus, Trigger
from shared.domain.errors import ProgramInvalidError
from shared.domain.program import Program, parse_program
from tests.fakes.grocer import document

CAPS = [
    {"id": "pot", "currency": "points", "scope": "program", "points": 100},
    {"id": "stars", "currency": "stars", "scope": "member", "points": 100},
]
CURRENCIES = [{"code": "points", "expiry": {"after": 365, "rounded_to": "day"}}, {"code": "stars"}]
LEVELS = [{"id": "gold", "name": "Gold", "threshold": 100}]
TIERS = {"metric": "spend", "period": {"kind": "calendar_year"}, "levels": LEVELS}
PLANS = [{"id": "plus", "name": "Plus", "price": 900, "term": {"months": 1}}]
POINTS = {"kind": "points", "currency": "points", "points": 50}
DATE = {"kind": "date", "at": "2027-12-24T09:00"}
DAILY = {"kind": "recurrence", "every": "day", "at": "09:00"}
CHANCE = {"win": 1, "of": 10}

TRIGGERS: list[dict[str, Any]] = [
    {"kind": "birthday"},
    {"kind": "birthday", "leap_day": "mar1"},
    {"kind": "anniversary", "leap_day": "feb28"},
    {"kind": "silence", "days": 60},
    {"kind": "tier_reached", "tiers": ["gold"]},
    {"kind": "purchase_number", "number": 10},
    {"kind": "purchase_number", "every": 10, "amount_min": 500},
    {"kind": "purchase", "chance": CHANCE, "seed": "s"},
    DATE,
    {**DATE, "draw": {"seed": "s", "winners": 3}},
    DAILY,
    {"kind": "recurrence", "every": "week", "weekday": "monday", "at": "00:00"},
    {"kind": "recurrence", "every": "month", "day": 28, "at": "23:59", "draw": {"seed": "s", "chance": CHANCE}},
]
BONUSES: list[dict[str, Any]] = [
    POINTS,
    {"kind": "multiplier", "currency": "points", "percent": 300, "days": 10},
    {"kind": "reward", "reward": "mug"},
    {"kind": "gift_card", "amount": 500},
    {"kind": "gift_card", "amount": 500, "valid_days": 30},
    {"kind": "message"},
]


def campaign(**changes: Any) -> dict[str, Any]:
    """A campaign's document; a change to None leaves the field out."""
    told = {
        "id": "it",
        "name": "It",
        "owner": "crm",
        "reason": "a test",
        "trigger": {"kind": "silence", "days": 60},
        "bonus": POINTS,
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def program(*campaigns: dict[str, Any], **fields: Any) -> Program:
    """A program with these campaigns, two currencies, tiers and a plan."""
    told = {"currencies": CURRENCIES, "caps": CAPS, "tiers": TIERS, "memberships": PLANS, **fields}
    return parse_program(document(campaigns=list(campaigns), **told))


def faults(*campaigns: dict[str, Any], **fields: Any) -> list[str]:
    """The paths of the faults."""
    with pytest.raises(ProgramInvalidError) as refused:
        program(*campaigns, **fields)
    assert all(fault["reason"] for fault in refused.value.faults)
    return [fault["path"] for fault in refused.value.faults]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: "-".join(map(str, trigger.values()))[:40])
@pytest.mark.parametrize("bonus", BONUSES, ids=lambda bonus: bonus["kind"])
def test_every_trigger_goes_with_every_bonus_but_orders_with_what_a_refund_cannot_take_back(
    trigger: dict[str, Any], bonus: dict[str, Any]
) -> None:
    told = campaign(trigger=trigger, bonus=bonus, template="hello")
    if trigger["kind"].startswith("purchase") and bonus["kind"] in ("reward", "gift_card"):
        assert faults(told) == ["campaigns.0"]
        return
    found = program(told)
    assert parse_program(found.model_dump(mode="json", exclude_unset=True)) == found
    groups = (found.alarmed_campaigns, found.dated_campaigns, found.purchase_campaigns)
    assert sum(len(group) for group in groups) == 1


def test_the_examples_have_every_kind() -> None:
    kinds = {part.model_fields["kind"].annotation.__args__[0] for part in get_args(get_args(Trigger)[0])}
    assert {trigger["kind"] for trigger in TRIGGERS} == kinds
    kinds = {part.model_fields["kind"].annotation.__args__[0] for part in get_args(get_args(Bonus)[0])}
    assert {bonus["kind"] for bonus in BONUSES} == kinds


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": None}, "id"),
        ({"id": "No code"}, "id"),
        ({"name": ""}, "name"),
        ({"owner": None}, "owner"),
        ({"reason": None}, "reason"),
        ({"trigger": None}, "trigger"),
        ({"bonus": None}, "bonus"),
        ({"stranger": 1}, "stranger"),
        ({"trigger": {}}, "trigger.kind"),
        ({"trigger": {"kind": "moon"}}, "trigger.kind"),
        ({"trigger": {"kind": "birthday", "leap_day": "feb29"}}, "trigger.leap_day"),
        ({"trigger": {"kind": "anniversary", "days": 1}}, "trigger.days"),
        ({"trigger": {"kind": "silence"}}, "trigger.days"),
        ({"trigger": {"kind": "silence", "days": 0}}, "trigger.days"),
        ({"trigger": {"kind": "silence", "days": 3661}}, "trigger.days"),
        ({"trigger": {"kind": "silence", "days": "60"}}, "trigger.days"),
        ({"trigger": {"kind": "silence", "days": True}}, "trigger.days"),
        ({"trigger": {"kind": "tier_reached", "tiers": []}}, "trigger.tiers"),
        ({"trigger": {"kind": "tier_reached", "tiers": ["silver"]}}, "trigger.tiers"),
        ({"trigger": {"kind": "tier_reached", "tiers": ["gold"], "again_after_days": 367}}, "trigger.again_after_days"),
        ({"trigger": {"kind": "purchase_number"}}, "trigger"),
        ({"trigger": {"kind": "purchase_number", "number": 1, "every": 1}}, "trigger"),
        ({"trigger": {"kind": "purchase_number", "number": 0}}, "trigger.number"),
        ({"trigger": {"kind": "purchase_number", "every": 10, "amount_min": -1}}, "trigger.amount_min"),
        ({"trigger": {"kind": "purchase", "seed": "s"}}, "trigger.chance"),
        ({"trigger": {"kind": "purchase", "chance": {"win": 2, "of": 1}, "seed": "s"}}, "trigger.chance"),
        ({"trigger": {"kind": "purchase", "chance": {"win": 0, "of": 1}, "seed": "s"}}, "trigger.chance.win"),
        ({"trigger": {"kind": "purchase", "chance": CHANCE}}, "trigger.seed"),
        ({"trigger": {"kind": "purchase", "chance": CHANCE, "seed": ""}}, "trigger.seed"),
        ({"trigger": {"kind": "date"}}, "trigger.at"),
        ({"trigger": {"kind": "date", "at": "2027-12-24"}}, "trigger.at"),
        ({"trigger": {"kind": "date", "at": "2027-12-24T09:00Z"}}, "trigger.at"),
        ({"trigger": {"kind": "date", "at": "2027-02-29T09:00"}}, "trigger.at"),
        ({"trigger": {"kind": "date", "at": "2027-03-14T02:30"}}, "trigger.at"),
        ({"trigger": {"kind": "date", "at": "2027-11-07T01:30"}}, "trigger.at"),
        ({"trigger": {**DATE, "draw": {"seed": "s"}}}, "trigger.draw"),
        ({"trigger": {**DATE, "draw": {"seed": "s", "winners": 1, "chance": CHANCE}}}, "trigger.draw"),
        ({"trigger": {**DATE, "draw": {"seed": "s", "winners": 1001}}}, "trigger.draw.winners"),
        ({"trigger": {**DATE, "draw": {"winners": 1}}}, "trigger.draw.seed"),
        ({"trigger": DATE, "ends": "2027-12-24T09:00"}, "trigger.at"),
        ({"trigger": DATE, "starts": "2027-12-24T09:01"}, "trigger.at"),
        ({"trigger": {"kind": "recurrence", "every": "day"}}, "trigger.at"),
        ({"trigger": {"kind": "recurrence", "every": "hour", "at": "09:00"}}, "trigger.every"),
        ({"trigger": {"kind": "recurrence", "every": "day", "at": "24:00"}}, "trigger.at"),
        ({"trigger": {"kind": "recurrence", "every": "day", "at": "9:00"}}, "trigger.at"),
        ({"trigger": {"kind": "recurrence", "every": "week", "at": "09:00"}}, "trigger"),
        ({"trigger": {"kind": "recurrence", "every": "week", "at": "09:00", "weekday": "moonday"}}, "trigger.weekday"),
        ({"trigger": {"kind": "recurrence", "every": "day", "at": "09:00", "weekday": "monday"}}, "trigger"),
        ({"trigger": {"kind": "recurrence", "every": "month", "at": "09:00"}}, "trigger"),
        ({"trigger": {"kind": "recurrence", "every": "month", "at": "09:00", "day": 29}}, "trigger.day"),
        ({"trigger": {"kind": "recurrence", "every": "day", "at": "09:00", "day": 1}}, "trigger"),
        ({"bonus": {}}, "bonus.kind"),
        ({"bonus": {"kind": "kiss"}}, "bonus.kind"),
        ({"bonus": {**POINTS, "points": 0}}, "bonus.points"),
        ({"bonus": {**POINTS, "points": 10**9 + 1}}, "bonus.points"),
        ({"bonus": {**POINTS, "points": 1.5}}, "bonus.points"),
        ({"bonus": {**POINTS, "currency": "moons"}}, "bonus.currency"),
        ({"bonus": {"kind": "points", "points": 1}}, "bonus.currency"),
        ({"bonus": {"kind": "multiplier", "currency": "moons", "percent": 200, "days": 1}}, "bonus.currency"),
        ({"bonus": {"kind": "multiplier", "currency": "points", "percent": 100, "days": 1}}, "bonus.percent"),
        ({"bonus": {"kind": "multiplier", "currency": "points", "percent": 10_001, "days": 1}}, "bonus.percent"),
        ({"bonus": {"kind": "multiplier", "currency": "points", "percent": 200, "days": 0}}, "bonus.days"),
        ({"bonus": {"kind": "multiplier", "currency": "points", "percent": 200, "days": 367}}, "bonus.days"),
        ({"bonus": {"kind": "reward"}}, "bonus.reward"),
        ({"bonus": {"kind": "gift_card", "amount": 0}}, "bonus.amount"),
        ({"bonus": {"kind": "gift_card", "amount": 1, "valid_days": 0}}, "bonus.valid_days"),
        ({"bonus": {"kind": "message"}}, ""),
        ({"caps": ["pit"]}, "caps.0"),
        ({"caps": ["pot", "stars"]}, "caps.1"),
        ({"caps": ["pot"], "bonus": {"kind": "gift_card", "amount": 1}}, ""),
        ({"caps": ["pot"] * 11}, "caps"),
        ({"grants_max": 0}, "grants_max"),
        ({"hold_out_percent": 51}, "hold_out_percent"),
        ({"hold_out_percent": -1}, "hold_out_percent"),
        ({"frequency_capped": "yes"}, "frequency_capped"),
        ({"template": "two words"}, "template"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"starts": "soon"}, "starts"),
        ({"starts": "2027-03-14T02:30"}, "starts"),
        ({"ends": "2027-11-07T01:30"}, "ends"),
        ({"starts": "2027-01-02T00:00", "ends": "2027-01-02T00:00"}, ""),
        ({"audience": {"tiers": ["silver"]}}, "audience.tiers"),
        ({"audience": {"memberships": ["minus"]}}, "audience.memberships"),
        ({"audience": {"segments": ["No code"]}}, "audience.segments.0"),
        ({"audience": {"attributes": {"city": []}}}, "audience.attributes.city"),
        ({"audience": {"consent": "No code"}}, "audience.consent"),
        ({"audience": {"enrolled_days_min": -1}}, "audience.enrolled_days_min"),
        ({"audience": {"everybody": True}}, "audience.everybody"),
        ({"audience": {"member_list": "/etc/passwd"}, "trigger": DATE}, "audience.member_list"),
        ({"audience": {"member_list": "a b"}, "trigger": DATE}, "audience.member_list"),
        ({"audience": {"member_list": "vips.json"}}, ""),
    ],
)
def test_a_campaign_that_breaks_a_rule_is_refused_where_it_does(changes: dict[str, Any], path: str) -> None:
    [found] = faults(campaign(id="fine"), campaign(**changes))
    due = f"campaigns.1.{path}".rstrip(".")
    # A list of names tells which of them.
    assert found == due or found.removeprefix(due + ".").isdigit()


def test_walls_that_clocks_jump_over_are_refused_in_the_campaigns_own_zone_alone() -> None:
    """02:30 on 14 March 2027 is no time in New York, and one in Berlin."""
    assert program(campaign(time_zone="Europe/Berlin", starts="2027-03-14T02:30")).campaigns[0].starts
    assert faults(campaign(time_zone="Europe/Berlin", starts="2027-03-28T02:30")) == ["campaigns.0.starts"]


def test_ids_are_there_once_and_so_are_periods_of_frequency_caps() -> None:
    assert faults(campaign(), campaign()) == ["campaigns.1.id"]
    caps = [{"per": "week", "count": 1}, {"per": "week", "count": 2}]
    assert faults(campaign(), frequency_caps=caps) == ["frequency_caps.1.per"]
    assert faults(campaign(), frequency_caps=[{"per": "ever", "count": 1}]) == ["frequency_caps.0.per"]
    assert faults(campaign(), frequency_caps=[{"per": "day", "count": 0}]) == ["frequency_caps.0.count"]


def test_there_are_at_most_a_hundred_campaigns() -> None:
    assert len(program(*(campaign(id=f"c{number}") for number in range(100))).campaigns) == 100
    assert faults(*(campaign(id=f"c{number}") for number in range(101))) == ["campaigns"]


def test_as_many_campaigns_come_with_orders_as_one_transaction_takes() -> None:
    orders = [campaign(id=f"c{number}", trigger={"kind": "purchase_number", "number": 1}) for number in range(100)]
    taken = next(count for count in range(100, 0, -1) if _is_taken(orders[:count]))
    assert 5 <= taken < 50
    assert faults(*orders[: taken + 1]) == ["campaigns"]


def _is_taken(campaigns: list[dict[str, Any]]) -> bool:
    try:
        program(*campaigns)
    except ProgramInvalidError:
        return False
    return True


@pytest.mark.parametrize(
    ("days", "path"),
    [
        ([7, 7], "messages"),
        ([30, 7], "messages"),
        ([0], "messages.points_expiring_days.0"),
        ([91], "messages.points_expiring_days.0"),
        ([1, 2, 3, 4, 5, 6], "messages.points_expiring_days"),
    ],
)
def test_days_of_notices_rise_and_are_few(days: list[int], path: str) -> None:
    assert faults(messages={"points_expiring_days": days}) == [path]
    assert program(messages={"points_expiring_days": [1, 7, 30, 60, 90]}).messages


def test_every_fault_of_every_campaign_is_told_at_once() -> None:
    found = faults(
        campaign(id="a", bonus={**POINTS, "points": 0}),
        campaign(id="b", trigger={"kind": "moon"}),
        campaign(id="c", hold_out_percent=99, owner=""),
    )
    assert sorted(found) == [
        "campaigns.0.bonus.points",
        "campaigns.1.trigger.kind",
        "campaigns.2.hold_out_percent",
        "campaigns.2.owner",
    ]
