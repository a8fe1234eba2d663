"""Referral terms of a program document: what is taken, what is refused, and where the fault is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.errors import ProgramInvalidError
from shared.domain.program import Program
from shared.domain.referral import Campaign, ReferralReward, ReferralTerms
from tests.fakes import grocer
from tests.unit.circle import terms

ORDERS = {"kind": "orders", "net_min": 2500}
POINTS = {"currency": "points", "points": 100}
CURRENCIES = [{"code": "points", "expiry": {"after": 365, "rounded_to": "day"}}, {"code": "coffee"}]
CAPS = [
    {"id": "friends", "currency": "points", "scope": "member", "per": "year", "points": 5000},
    {"id": "cups", "currency": "coffee", "scope": "program", "points": 100},
]
PLANS = [{"id": "gold", "name": "Gold", "price": 900, "term": {"months": 1}}]


def program(**changes: Any) -> Program:
    """The grocer's program with these changes of its referral terms."""
    return grocer.program(currencies=CURRENCIES, caps=CAPS, memberships=PLANS, referral=terms(**changes))


def parsed(**changes: Any) -> ReferralTerms:
    found = program(**changes).referral
    assert found is not None
    return found


def faults(**changes: Any) -> dict[str, str]:
    """Reasons by path."""
    with pytest.raises(ProgramInvalidError) as refused:
        program(**changes)
    return {fault["path"]: fault["reason"] for fault in refused.value.faults}


def campaign(id: str = "spring", **changes: Any) -> dict[str, Any]:
    return {"id": id, "qualifies": {"kind": "enrolment"}, "friend": [POINTS], **changes}


def test_what_is_left_out_is_the_first_order_of_any_money_held_for_two_weeks_and_strict_about_farming() -> None:
    found = parsed(qualifies={"kind": "orders"}, hold_days=14, friend=[])
    assert found.qualifies.model_dump() == {"kind": "orders", "orders": 1, "net_min": 0, "within_days": None}
    assert found.hold_days == 14
    assert set(
        found.abuse.model_dump(include={"same_mailbox", "same_phone", "same_device", "same_payment", "ring"}).values()
    ) == {"reject"}
    assert (found.abuse.disposable, found.abuse.known_person, found.abuse.velocity) == ("review", "reject", [])
    assert grocer.program().referral is None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"qualifies": {"kind": "orders", "orders": 0}}, "referral.qualifies.orders"),
        ({"qualifies": {"kind": "orders", "orders": 21}}, "referral.qualifies.orders"),
        ({"qualifies": {"kind": "orders", "net_min": -1}}, "referral.qualifies.net_min"),
        ({"qualifies": {"kind": "visit"}}, "referral.qualifies.kind"),
        ({"qualifies": {}}, "referral.qualifies.kind"),
        ({"qualifies": {"kind": "enrolment", "net_min": 1}}, "referral.qualifies.net_min"),
        ({"hold_days": 367}, "referral.hold_days"),
        ({"hold_days": -1}, "referral.hold_days"),
        ({"advocate": [POINTS] * 6}, "referral.advocate"),
        ({"advocate": [{**POINTS, "points": -1}]}, "referral.advocate.0.points"),
        ({"advocate": [{**POINTS, "steps": [{"referral": 1, "points": 1}]}]}, "referral.advocate.0.steps.0.referral"),
        ({"abuse": {"ring": "maybe"}}, "referral.abuse.ring"),
        ({"abuse": {"shared_device": {"others_max": 20}}}, "referral.abuse.shared_device.others_max"),
        ({"abuse": {"velocity": [{"per": "hour", "friends_max": 1}]}}, "referral.abuse.velocity.0.per"),
        ({"abuse": {"velocity": [{"per": "day", "friends_max": 0}]}}, "referral.abuse.velocity.0.friends_max"),
        ({"link": "http://shop.example/{code}"}, "referral.link"),
        ({"campaigns": [campaign(qualifies={"kind": "visit"})]}, "referral.campaigns.0.qualifies.kind"),
        ({"campaigns": [campaign(id="Not a code")]}, "referral.campaigns.0.id"),
        ({"bonus": 1}, "referral.bonus"),
    ],
)
def test_a_fault_is_told_where_it_is(changes: dict[str, Any], path: str) -> None:
    assert path in faults(**changes)


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"advocate": [], "friend": []}, "referral", "give a reward to the advocate, to the friend, or to both"),
        ({"link": "https://shop.example/"}, "referral", "link must have {code} once"),
        ({"link": "https://shop.example/{code}/{code}"}, "referral", "link must have {code} once"),
        ({"friend": [{**POINTS, "steps": [{"referral": 2, "points": 1}]}]}, "referral", "steps are for advocates"),
        (
            {"campaigns": [campaign(friend=[{**POINTS, "steps": [{"referral": 2, "points": 1}]}])]},
            "referral",
            "steps are for advocates",
        ),
        (
            {"advocate": [{**POINTS, "steps": [{"referral": 3, "points": 1}, {"referral": 3, "points": 2}]}]},
            "referral.advocate.0",
            "steps must rise from referral to referral",
        ),
        (
            {"abuse": {"velocity": [{"per": "day", "friends_max": 1}, {"per": "day", "friends_max": 2}]}},
            "referral.abuse",
            "velocity has one limit for each period",
        ),
        (
            {"campaigns": [campaign(starts_at="2026-03-02T00:00:00Z", ends_at="2026-03-02T00:00:00Z")]},
            "referral.campaigns.0",
            "ends_at must be after starts_at",
        ),
    ],
)
def test_parts_that_contradict_each_other_are_refused(changes: dict[str, Any], path: str, reason: str) -> None:
    found = faults(**changes)
    assert reason in found[path]


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"advocate": [{"currency": "stars", "points": 1}]}, "referral.advocate.0.currency", "stars"),
        ({"friend": [{"currency": "stars", "points": 1}]}, "referral.friend.0.currency", "stars"),
        (
            {"campaigns": [campaign(friend=[{"currency": "stars", "points": 1}])]},
            "referral.campaigns.0.friend.0.currency",
            "stars",
        ),
        ({"friend": [POINTS, POINTS]}, "referral.friend.1.currency", "add them up"),
        ({"advocate": [{**POINTS, "caps": ["none"]}]}, "referral.advocate.0.caps.0", "none"),
        ({"advocate": [{**POINTS, "caps": ["friends", "cups"]}]}, "referral.advocate.0.caps.1", "is of coffee"),
        ({"qualifies": {"kind": "membership", "plans": ["gold", "tin"]}}, "referral.qualifies.plans.1", "tin"),
        (
            {"campaigns": [campaign(qualifies={"kind": "membership", "plans": ["tin"]})]},
            "referral.campaigns.0.qualifies.plans.0",
            "tin",
        ),
        ({"campaigns": [campaign(), campaign()]}, "referral.campaigns.1.id", "another campaign has the same id"),
        ({"hold_days": 364}, "referral.advocate.0.currency", "would expire before the hold of 364 days is over"),
        ({"campaigns": [campaign(hold_days=364)]}, "referral.campaigns.0.friend.0.currency", "before the hold of 364 days"),
    ],
)
def test_what_the_rest_of_the_program_does_not_have_is_refused(changes: dict[str, Any], path: str, reason: str) -> None:
    found = faults(**changes)
    assert list(found).count(path) == 1
    assert reason in found[path]


def test_points_outlive_the_hold_by_the_day_that_a_clock_may_be_ahead() -> None:
    assert parsed(hold_days=363).hold_days == 363
    assert parsed(hold_days=366, advocate=[{"currency": "coffee", "points": 1}], friend=[]).hold_days == 366


def test_any_plan_counts_where_none_is_named() -> None:
    assert parsed(qualifies={"kind": "membership"}).qualifies.model_dump() == {
        "kind": "membership",
        "plans": [],
        "within_days": None,
    }


def test_a_step_holds_from_its_number_up_to_the_next() -> None:
    steps = [{"referral": 2, "points": 800}, {"referral": 5, "points": 0}]
    reward = ReferralReward.model_validate({**POINTS, "steps": steps})
    assert [reward.for_number(number) for number in range(1, 7)] == [100, 800, 800, 800, 0, 0]


def test_a_campaign_runs_from_its_start_up_to_its_end_but_not_at_it() -> None:
    found = Campaign.model_validate(campaign(starts_at="2026-03-02T00:00:00Z", ends_at="2026-03-03T00:00:00Z"))
    at = [datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((1, 23), (2, 0), (2, 23), (3, 0))]
    assert [found.runs_at(instant) for instant in at] == [False, True, True, False]
    assert all(Campaign.model_validate(campaign()).runs_at(instant) for instant in at)


def test_every_reward_has_a_name_of_its_own_among_the_reasons() -> None:
    found = parsed(friend=[POINTS, {"currency": "coffee", "points": 1}], campaigns=[campaign()])
    assert list(found.rewards()) == [
        "referral:advocate:points",
        "referral:friend:points",
        "referral:friend:coffee",
        "campaign:spring:points",
    ]


def test_the_share_link_has_the_code_where_the_shop_wants_it() -> None:
    assert (
        parsed(link="https://shop.example/join?by={code}&from=app").link_for("ANNA")
        == "https://shop.example/join?by=ANNA&from=app"
    )
    assert parsed().link_for("ANNA") is None
