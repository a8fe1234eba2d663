"""What changed from one program to the next, told by the names of its parts."""

from __future__ import annotations

import random
from typing import Any

import pytest

from shared.domain.program import parse_program
from shared.domain.program_diff import Change, diff, same_document
from tests.fakes.grocer import document, earning_rule

STARS = {"code": "stars", "pending_days": 3}
POINTS = document()["currencies"][0]


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one.path, one.kind, one.before, one.after) for one in diff(parse_program(before), parse_program(after))]


def bonus(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "kind": "bonus", "currency": "points", "points": 5, **more}


def double(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "kind": "multiplier", "currency": "points", "percent": 200, **more}


def cap(id: str) -> dict[str, Any]:
    return {"id": id, "currency": "points", "scope": "member", "per": "month", "points": 500}


def test_a_document_and_itself_differ_in_nothing() -> None:
    assert changes(document(), document()) == []


def test_a_default_that_is_said_is_no_change() -> None:
    assert changes(document(), document(late_days_max=400, clawback="debt", transfers=None)) == []


def test_a_field_that_changed_is_told_with_both_values() -> None:
    assert changes(document(), document(name="New", claim_days=0)) == [
        ("name", "changed", "Corner grocer", "New"),
        ("claim_days", "changed", 30, 0),
    ]


def test_a_change_deep_in_a_rule_is_told_by_the_names_of_its_parts() -> None:
    before = document(earning_rules=[earning_rule("fruit"), earning_rule()])
    after = document(earning_rules=[earning_rule(points=2), earning_rule("fruit")])
    assert changes(before, after) == [("earning_rules.base.per_amount.points", "changed", 1, 2)]


def test_parts_that_come_and_go_are_told_without_what_they_leave_empty() -> None:
    after = document(currencies=[POINTS, STARS])
    assert changes(document(), after) == [("currencies.stars", "added", None, STARS)]
    assert changes(after, document()) == [("currencies.stars", "removed", STARS, None)]


def test_what_is_null_is_not_there() -> None:
    forever = document(currencies=[{"code": "points"}])
    expiry = {"after": 365, "rounded_to": "day"}
    assert changes(forever, document()) == [("currencies.points.expiry", "added", None, expiry)]
    assert changes(document(), forever) == [("currencies.points.expiry", "removed", expiry, None)]


def test_values_of_a_list_come_and_go_one_by_one_wherever_they_stand() -> None:
    def sold(*categories: str) -> dict[str, Any]:
        return document(earning_rules=[{**earning_rule(), "when": {"categories": list(categories)}}])

    path = "earning_rules.base.when.categories"
    assert changes(sold("tea", "coffee"), sold("coffee", "tea")) == []
    assert changes(sold("tea", "coffee"), sold("cake", "tea")) == [
        (path, "removed", "coffee", None),
        (path, "added", None, "cake"),
    ]


def test_one_and_true_and_the_text_of_it_are_three_values() -> None:
    def wanting(*values: Any) -> dict[str, Any]:
        return document(earning_rules=[{**earning_rule(), "when": {"attributes": {"vip": list(values)}}}])

    path = "earning_rules.base.when.attributes.vip"
    assert changes(wanting(1), wanting(True)) == [(path, "removed", 1, None), (path, "added", None, True)]
    assert changes(wanting(1), wanting("1")) == [(path, "removed", 1, None), (path, "added", None, "1")]
    assert not same_document(parse_program(wanting(1)), parse_program(wanting(True)))


def test_a_rule_that_moved_is_no_change_where_order_means_nothing() -> None:
    rules = [earning_rule(), bonus("a"), double("b"), bonus("c", caps=["one"])]
    before, after = (document(earning_rules=order, caps=[cap("one"), cap("two")]) for order in (rules, rules[::-1]))
    assert changes(before, after) == []
    assert not same_document(parse_program(before), parse_program(after))


def test_a_rule_that_moved_is_told_where_only_the_best_counts() -> None:
    before = document(earning_rules=[earning_rule(), bonus("a"), bonus("b"), double("c")], stacking="best")
    after = document(earning_rules=[double("c"), bonus("a"), bonus("b"), earning_rule()], stacking="best")
    assert changes(before, after) == [("earning_rules.c", "moved", 3, 0)]


def test_a_rule_that_moved_is_told_where_it_shares_a_cap() -> None:
    rules = [bonus("a", caps=["one"]), bonus("b", caps=["two"]), bonus("c", caps=["one", "two"]), earning_rule()]
    before, after = (
        document(earning_rules=order, caps=[cap("one"), cap("two")]) for order in (rules, [rules[2], *rules[:2], rules[3]])
    )
    assert changes(before, after) == [("earning_rules.c", "moved", 2, 0)]


def test_a_multiplier_that_moved_is_told_where_it_multiplies_what_a_cap_left() -> None:
    rules = [double("a", caps=["one"]), double("b"), earning_rule()]
    for stacking, told in (("multiplicative", 1), ("additive", 0)):
        before, after = (
            document(earning_rules=order, caps=[cap("one")], stacking=stacking)
            for order in (rules, [rules[1], rules[0], rules[2]])
        )
        assert len(changes(before, after)) == told


def test_only_the_fewest_moves_are_told() -> None:
    names = [f"r{number}" for number in range(9)]

    def best(order: list[str]) -> dict[str, Any]:
        return document(earning_rules=[earning_rule(), *(bonus(name) for name in order)], stacking="best")

    moved = [*names[1:], names[0]]
    assert changes(best(names), best(moved)) == [("earning_rules.r0", "moved", 1, 9)]
    assert len(changes(best(names), best(names[::-1]))) == 8


@pytest.mark.parametrize("seed", range(20))
def test_the_rules_that_were_not_told_as_moved_kept_their_order(seed: int) -> None:
    names = [f"r{number}" for number in range(12)]
    shuffled = random.Random(seed).sample(names, 12)
    before, after = (
        parse_program(document(earning_rules=[bonus(name) for name in order], stacking="best")) for order in (names, shuffled)
    )
    moved = {change.path.removeprefix("earning_rules.") for change in diff(before, after)}
    assert [name for name in shuffled if name not in moved] == [name for name in names if name not in moved]
    assert len(moved) < len(names)


def test_tiers_and_their_benefits_are_told_by_name() -> None:
    def tiers(threshold: int, **benefits: Any) -> dict[str, Any]:
        levels = [
            {"id": "silver", "name": "Silver", "threshold": 0},
            {"id": "gold", "name": "Gold", "threshold": threshold, "benefits": benefits},
        ]
        return document(tiers={"metric": "spend", "period": {"kind": "anniversary"}, "levels": levels})

    before = tiers(1000, multipliers=[{"currency": "points", "percent": 150}])
    after = tiers(900, multipliers=[{"currency": "points", "percent": 125}], free_shipping=True)
    assert changes(before, after) == [
        ("tiers.levels.gold.threshold", "changed", 1000, 900),
        ("tiers.levels.gold.benefits.multipliers.points.percent", "changed", 150, 125),
        ("tiers.levels.gold.benefits.free_shipping", "changed", False, True),
    ]


def friends(**changes: Any) -> dict[str, Any]:
    points = {"currency": "points", "points": 500}
    terms = {"qualifies": {"kind": "orders", "net_min": 2500}, "advocate": [points], "friend": [{**points, "points": 250}]}
    return document(referral={**terms, **changes})


def test_referral_terms_are_told_by_the_side_and_currency_of_a_reward() -> None:
    steps = [{"referral": 5, "points": 1000}]
    after = friends(
        qualifies={"kind": "orders", "net_min": 5000},
        hold_days=30,
        advocate=[{"currency": "points", "points": 400, "steps": steps}],
        abuse={"velocity": [{"per": "day", "friends_max": 10}], "shared_device": {"others_max": 3}},
    )
    assert changes(friends(), after) == [
        ("referral.qualifies.net_min", "changed", 2500, 5000),
        ("referral.hold_days", "changed", 14, 30),
        ("referral.advocate.points.points", "changed", 500, 400),
        ("referral.advocate.points.steps", "added", None, steps[0]),
        ("referral.abuse.shared_device.others_max", "changed", 0, 3),
        ("referral.abuse.velocity.day", "added", None, {"per": "day", "friends_max": 10, "verdict": "review"}),
    ]


def test_another_kind_of_what_counts_is_told_field_by_field() -> None:
    assert changes(friends(), friends(qualifies={"kind": "enrolment"})) == [
        ("referral.qualifies.kind", "changed", "orders", "enrolment"),
        ("referral.qualifies.orders", "removed", 1, None),
        ("referral.qualifies.net_min", "removed", 2500, None),
    ]


def test_a_campaign_is_told_by_its_id_wherever_it_stands() -> None:
    def campaign(id: str, points: int) -> dict[str, Any]:
        friend = [{"currency": "points", "points": points}]
        return {"id": id, "qualifies": {"kind": "enrolment"}, "friend": friend}

    before = friends(campaigns=[campaign("spring", 100), campaign("radio", 50)])
    after = friends(campaigns=[campaign("radio", 60), campaign("spring", 100)])
    assert changes(before, after) == [("referral.campaigns.radio.friend.points.points", "changed", 50, 60)]
    assert [change[:2] for change in changes(before, friends())] == [
        ("referral.campaigns.spring", "removed"),
        ("referral.campaigns.radio", "removed"),
    ]


SHOPS = [
    document(),
    friends(),
    friends(qualifies={"kind": "enrolment"}, link="https://grocer.example/join?ref={code}", hold_days=0),
    document(name="New", currencies=[POINTS, STARS], late_days_max=10),
    document(earning_rules=[bonus("a"), double("b"), earning_rule("base", points=3)], stacking="best"),
    document(
        earning_rules=[earning_rule(), double("b", caps=["one"]), bonus("a", points=6)], caps=[cap("one")], stacking="best"
    ),
    document(transfers={"currencies": ["points"], "points_max": 5}, currencies=[{"code": "points"}]),
]
MIRRORED = {"added": "removed", "removed": "added", "changed": "changed"}


@pytest.mark.parametrize("before", SHOPS)
@pytest.mark.parametrize("after", SHOPS)
def test_the_way_back_is_the_mirror_of_the_way_there(before: dict[str, Any], after: dict[str, Any]) -> None:
    def found(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
        return [one for one in diff(parse_program(old), parse_program(new)) if one.kind != "moved"]

    back = [Change(one.path, MIRRORED[one.kind], one.after, one.before) for one in found(after, before)]  # type: ignore[arg-type]
    assert sorted(back, key=str) == sorted(found(before, after), key=str)
    assert bool(back) == (before != after)
