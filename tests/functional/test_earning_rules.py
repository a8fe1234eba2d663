"""Rules through the handlers: every condition, every measure, every stacking; and each entry explains its points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, earning_rule, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage
from tests.functional.explained import check_all, why
from tests.functional.test_redemptions import FIVE_OFF, balance, redeem
from tests.functional.test_refunds import clawed_back, refund

STORES = [{"id": "soho", "time_zone": "America/New_York"}, {"id": "ginza", "time_zone": "Asia/Tokyo"}]
MEMBERSHIP = {"id": "prime", "name": "Prime", "price": 0, "term": {"months": 1}}
TIERS = {
    "metric": "points",
    "currency": "points",
    "period": {"kind": "calendar_year"},
    "levels": [{"id": "silver", "name": "Silver", "threshold": 0}, {"id": "gold", "name": "Gold", "threshold": 1000}],
}


@pytest.fixture(autouse=True)
def explained(stage: Stage, operator: Caller) -> Iterator[None]:
    """At the end of every test each entry's shares add up to its points."""
    yield
    assert check_all(stage, operator) > 0


def activate(stage: Stage, *rules: dict[str, Any], number: int = 2, **changes: Any) -> None:
    """A program of one point a dollar and these rules, in force since the beginning."""
    document = {"earning_rules": [earning_rule(), *rules], "stores": STORES, **changes}
    stage.activate(grocer.version(number, **document))


def bonus(id: str = "bonus", points: int = 7, **more: Any) -> dict[str, Any]:
    return {"id": id, "kind": "bonus", "currency": "points", "points": points, **more}


def times(id: str, percent: int, **more: Any) -> dict[str, Any]:
    return {"id": id, "kind": "multiplier", "currency": "points", "percent": percent, **more}


def buy(till: Caller, order_id: str = "order-1", amount: int = 1000, **changes: Any) -> Reply:
    reply = till.post("/v1/purchases", order(order_id, amount, **changes))
    assert reply.status == 201, reply.text
    return reply


def line(amount: int, sku: str = "apples", category: str | None = None, quantity: int = 1) -> dict[str, Any]:
    found = {"sku": sku, "quantity": quantity, "amount": amount, "category": category}
    return {name: value for name, value in found.items() if value is not None}


# ---- conditions, one by one

MARCH_2 = "2026-03-02T"
"""A Monday; noon in New York is 17:00Z, and 02:00 on Tuesday in Tokyo."""


@pytest.mark.parametrize(
    ("when", "met", "missed"),
    [
        ({"channels": ["app", "web"]}, [{"channel": "app"}, {"channel": "web"}], [{"channel": "pos"}, {}]),
        ({"stores": ["soho"]}, [{"store": "soho"}], [{"store": "ginza"}, {"store": "Soho"}, {}]),
        ({"skus": ["tea"]}, [{"lines": [line(500, "tea")]}, {"lines": [line(1), line(1, "tea")]}], [{}]),
        (
            {"categories": ["coffee"]},
            [{"lines": [line(500, category="coffee")]}],
            [{"lines": [line(500, category="tea")]}, {}, {"lines": [line(500), line(0, category="coffee")]}],
        ),
        (
            {"skus": ["tea"], "categories": ["drinks"]},
            [{"lines": [line(500, "tea", "drinks")]}],
            [{"lines": [line(500, "tea"), line(500, "milk", "drinks")]}],
        ),
        ({"amount_min": 5000}, [{"amount": 5000}], [{"amount": 4999}, {"amount": 5000, "paid_with_rewards": 1}]),
        ({"amount_max": 5000}, [{"amount": 5000}, {"amount": 5001, "paid_with_rewards": 1}], [{"amount": 5001}, {"amount": 0}]),
        (
            {"categories": ["coffee"], "amount_min": 300},
            [{"lines": [line(100, category="coffee"), line(200, category="coffee")]}],
            [{"lines": [line(299, category="coffee"), line(9000)]}],
        ),
        ({"weekdays": ["tuesday"]}, [{"store": "ginza"}], [{"store": "soho"}, {"store": "unheard-of"}, {}]),
        (
            {"hours": {"start": "09:00", "end": "12:00"}},
            [{"occurred_at": f"{MARCH_2}16:59:59Z"}, {"occurred_at": f"{MARCH_2}00:00:00Z", "store": "ginza"}],
            [{"occurred_at": f"{MARCH_2}17:00:00Z"}, {"occurred_at": f"{MARCH_2}16:59:59Z", "store": "ginza"}],
        ),
        (
            {"weekdays": ["saturday"], "hours": {"start": "22:00", "end": "02:00"}},
            [{"occurred_at": "2026-03-01T06:59:59Z"}, {"occurred_at": "2026-03-01T03:00:00Z"}],
            [
                {"occurred_at": "2026-03-01T07:00:00Z"},
                {"occurred_at": "2026-02-28T06:00:00Z"},
                {"occurred_at": "2026-03-02T04:00:00Z"},
            ],
        ),
        ({"order_attributes": {"gift": [True]}}, [{"attributes": {"gift": True}}], [{"attributes": {"gift": 1}}, {}]),
        (
            {"order_attributes": {"size": ["M", 2], "gift": [False]}},
            [{"attributes": {"gift": False, "size": 2}}, {"attributes": {"gift": False, "size": "M"}}],
            [{"attributes": {"gift": False, "size": "2"}}, {"attributes": {"size": "M"}}],
        ),
        ({"seasons": ["winter"]}, [{"occurred_at": "2026-03-01T04:59:59Z"}], [{"occurred_at": "2026-03-01T05:00:00Z"}]),
        (
            {"seasons": ["winter"]},
            [{"occurred_at": "2026-02-28T14:59:59Z", "store": "ginza"}],
            [{"occurred_at": "2026-02-28T15:00:00Z", "store": "ginza"}],
        ),
        ({"seasons": ["winter", "weekend"]}, [{"occurred_at": "2026-03-01T12:00:00Z"}], [{}]),
        ({"seasons": ["weekend"]}, [{"occurred_at": "2026-02-28T05:00:00Z"}], [{"occurred_at": "2026-03-02T05:00:00Z"}]),
        ({"segments": ["staff", "vip"]}, [{}], [{"member_id": BOB}]),
        ({"attributes": {"visits": [12, 13], "size": ["M"]}}, [{}], [{"member_id": BOB}]),
        ({"tiers": ["silver"]}, [{}], []),
        ({"tiers": ["gold"]}, [], [{}]),
        ({"memberships": ["prime"]}, [], [{}]),
        (
            {"channels": ["app"], "stores": ["soho"]},
            [{"channel": "app", "store": "soho"}],
            [{"channel": "app"}, {"store": "soho"}],
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_rule_applies_where_its_conditions_hold(
    stage: Stage, till: Caller, when: dict[str, Any], met: list[dict[str, Any]], missed: list[dict[str, Any]]
) -> None:
    seasons = [
        {"id": "winter", "starts": "2025-12-01T00:00", "ends": "2026-02-28T24:00"},
        {"id": "weekend", "weekdays": ["saturday", "sunday"]},
    ]
    for member, size in ((ADA, "M"), (BOB, "L")):
        attributes = {"vip": member == ADA, "staff": 1, "visits": 12, "size": size}
        assert till.patch(f"/v1/members/{member}", {"attributes": attributes}).status == 200
    activate(stage, bonus(when=when), seasons=seasons, tiers=TIERS, memberships=[MEMBERSHIP])
    for number, (given, changes) in enumerate([*((7, one) for one in met), *((0, one) for one in missed)]):
        assert why(buy(till, f"order-{number}", **changes)).get("bonus", 0) == given, changes


def test_the_first_order_and_each_third_are_counted_as_they_are_recorded(stage: Stage, till: Caller) -> None:
    activate(stage, bonus("welcome", 100, when={"order_number": 1}), bonus("third", 5, when={"order_every": 3}))
    told = [why(buy(till, f"order-{number}")) for number in range(1, 7)]
    assert [found.get("welcome", 0) for found in told] == [100, 0, 0, 0, 0, 0]
    assert [found.get("third", 0) for found in told] == [0, 0, 5, 0, 0, 5]
    # Each member has orders of their own, a repeated one is none, and one that occurred before the others is still a later one.
    assert why(buy(till, "order-1"))["welcome"] == 100
    assert "welcome" in why(buy(till, "bobs", member_id=BOB))
    assert "welcome" not in why(buy(till, "earlier", occurred_at="2026-01-01T12:00:00Z"))


def test_an_orders_number_is_never_given_again(stage: Stage, till: Caller) -> None:
    activate(stage, bonus("welcome", 100, when={"order_number": 1}))
    buy(till, "order-1")
    assert clawed_back(refund(till, "order-1", "r1", amount=400)) == 4
    assert "welcome" not in why(buy(till, "order-2"))
    assert clawed_back(refund(till, "order-1", "r2")) == 106
    assert clawed_back(refund(till, "order-2", "r3")) == 10
    # Else whoever returns everything would be welcomed again and again.
    assert "welcome" not in why(buy(till, "order-3"))


def test_a_tier_and_a_membership_apply_as_of_the_order(stage: Stage, till: Caller) -> None:
    rules = bonus("gold_only", 3, when={"tiers": ["gold"]}), bonus("prime_only", 4, when={"memberships": ["prime"]})
    activate(stage, *rules, tiers=TIERS, memberships=[MEMBERSHIP])
    assert why(buy(till, "order-1", 100_000)) == {"base": 1000}
    event = {"member_id": ADA, "plan": "prime", "kind": "started", "event_id": "e1", "occurred_at": "2026-03-02T17:00:00Z"}
    assert till.post("/v1/memberships/events", event).status == 201
    assert why(buy(till, "order-2", occurred_at="2026-03-02T17:00:01Z")) == {"base": 10, "gold_only": 3, "prime_only": 4}
    # Gold by what occurred before: the order of the same instant does not count itself, nor one a second earlier.
    assert why(buy(till, "order-3", occurred_at="2026-03-02T17:00:00Z")) == {"base": 10, "prime_only": 4}
    assert why(buy(till, "order-4", occurred_at="2026-03-02T16:59:59Z")) == {"base": 10}


# ---- measures and exclusions


def test_gift_cards_shipping_and_tax_earn_nothing_and_count_for_nothing(stage: Stage, till: Caller) -> None:
    activate(stage, bonus(when={"amount_min": 1500}), bonus("visit", 2))
    lines = [line(1000), *(line(700, category=category) for category in ("gift_card", "shipping", "tax"))]
    assert why(buy(till, "order-1", lines=lines)) == {"base": 10, "visit": 2}
    assert why(buy(till, "order-2", lines=lines[1:])) == {"base": 0}
    # What is given back of such a line takes nothing back.
    assert clawed_back(refund(till, "order-1", "r1", lines=[{"line": 2}])) == 0
    assert clawed_back(refund(till, "order-1", "r2", lines=[{"line": 1}])) == 12


def test_a_program_names_its_own_exclusions(stage: Stage, till: Caller) -> None:
    activate(stage, exclusions={"categories": ["tobacco"], "skus": ["stamp"]})
    lines = [line(100, category="tobacco"), line(200, "stamp"), line(400, category="tax"), line(800)]
    assert why(buy(till, lines=lines)) == {"base": 12}


def test_points_for_each_piece_as_far_as_it_was_paid_for(stage: Stage, till: Caller) -> None:
    piece = {"id": "coffee", "kind": "purchase", "currency": "points", "per_item": {"points": 5}}
    activate(stage, earning_rules=[{**piece, "when": {"categories": ["coffee"]}}])
    lines = [line(900, category="coffee", quantity=3), line(5000)]
    assert why(buy(till, "order-1", lines=lines)) == {"coffee": 15}
    assert clawed_back(refund(till, "order-1", "r1", lines=[{"line": 1, "amount": 300}])) == 5
    assert clawed_back(refund(till, "order-1", "r2", lines=[{"line": 2}])) == 0
    assert why(buy(till, "order-2", lines=lines[:1], paid_with_rewards=450)) == {"coffee": 7}
    assert why(buy(till, "order-3", lines=[line(0, category="coffee", quantity=3)])) == {"coffee": 0}


def test_points_for_a_visit_however_large_until_all_of_it_is_given_back(stage: Stage, till: Caller) -> None:
    activate(stage, earning_rules=[{"id": "visit", "kind": "purchase", "currency": "points", "per_visit": {"points": 10}}])
    assert [why(buy(till, f"order-{amount}", amount)) for amount in (1, 10**6, 0)] == [
        {"visit": 10},
        {"visit": 10},
        {"visit": 0},
    ]
    assert clawed_back(refund(till, "order-1000000", "r1", amount=999_999)) == 0
    assert clawed_back(refund(till, "order-1000000", "r2")) == 10


def test_base_rules_add_up_and_are_floored_once(stage: Stage, till: Caller) -> None:
    halves = [earning_rule(f"half_{n}", points=1, minor_units=200) for n in (1, 2, 3)]
    activate(stage, earning_rules=halves)
    told = why(buy(till, "order-1", 100))
    assert (sum(told.values()), sorted(told)) == (1, ["half_1", "half_2", "half_3"])
    assert clawed_back(refund(till, "order-1")) == 1


def test_a_multiplier_of_some_lines_looks_at_their_base_alone(stage: Stage, till: Caller) -> None:
    visit = {"id": "visit", "kind": "purchase", "currency": "points", "per_visit": {"points": 10}}
    activate(stage, visit, times("coffee", 300, when={"categories": ["coffee"]}), times("all", 200))
    told = why(buy(till, lines=[line(1000, category="coffee"), line(5000)]))
    assert told == {"base": 60, "visit": 10, "coffee": 20, "all": 70}


def test_rules_of_two_currencies_do_not_meet(stage: Stage, till: Caller) -> None:
    stars = [earning_rule("stars", "stars", 1, 1000), {**times("twice", 200), "currency": "stars"}]
    activate(stage, *stars, times("half", 150), currencies=[{"code": "points"}, {"code": "stars"}])
    entry = buy(till, amount=2500)
    assert (why(entry), why(entry, "stars")) == ({"base": 25, "half": 12}, {"stars": 3, "twice": 2})


# ---- stackings

TWICE, HALF, FIXED = times("twice", 200), times("half", 150), bonus("fixed", 30)


@pytest.mark.parametrize(
    ("stacking", "told"),
    [
        ("additive", {"base": 200, "twice": 200, "half": 100, "fixed": 30}),
        ("multiplicative", {"base": 200, "twice": 200, "half": 200, "fixed": 30}),
        ("best", {"base": 200, "twice": 200}),
    ],
)
def test_bonuses_stack_as_the_program_says_and_come_off_exactly(
    stage: Stage, till: Caller, stacking: str, told: dict[str, int]
) -> None:
    activate(stage, TWICE, HALF, FIXED, stacking=stacking)
    assert why(buy(till, "order-1", 20_000)) == told
    total = sum(told.values())
    bonuses = 30 if "fixed" in told else 0
    # A quarter of the order is a quarter of all but the fixed bonus, which goes with the last cent.
    assert clawed_back(refund(till, "order-1", "r1", amount=5000)) == (total - bonuses) // 4
    assert clawed_back(refund(till, "order-1", "r2")) == total - (total - bonuses) // 4
    assert balance(till) == 0


def test_the_best_is_the_first_of_equals(stage: Stage, till: Caller) -> None:
    activate(stage, bonus("first", 10), times("second", 200), stacking="best")
    assert why(buy(till, amount=1000)) == {"base": 10, "first": 10}


def test_the_best_keeps_its_choice_for_the_orders_life(stage: Stage, till: Caller) -> None:
    """At 60 dollars doubling gives more than 50 points; what a refund leaves is doubled still, though 50 would be more."""
    activate(stage, bonus("fixed", 50), TWICE, stacking="best")
    assert why(buy(till, "order-1", 6000)) == {"base": 60, "twice": 60}
    assert clawed_back(refund(till, "order-1", "r1", amount=4000)) == 80
    assert balance(till) == 40
    assert why(buy(till, "order-2", 2000)) == {"base": 20, "fixed": 50}


def test_the_best_is_chosen_after_caps_and_kept_when_room_comes_back(stage: Stage, till: Caller) -> None:
    caps = [{"id": "cap", "currency": "points", "scope": "member", "points": 100}]
    activate(stage, times("capped", 300, caps=["cap"]), HALF, stacking="best", caps=caps)
    assert why(buy(till, "order-1", 5000)) == {"base": 50, "capped": 100}
    assert why(buy(till, "order-2", 5000)) == {"base": 50, "half": 25}
    assert clawed_back(refund(till, "order-1")) == 150
    # The second order keeps its choice: half of half of it comes back.
    assert clawed_back(refund(till, "order-2", "r2", amount=2500)) == 38
    assert why(buy(till, "order-3", 5000)) == {"base": 50, "capped": 100}


def test_a_tier_and_a_membership_stack_like_rules(stage: Stage, till: Caller) -> None:
    half = {"multipliers": [{"currency": "points", "percent": 150}]}
    levels = [{"id": "member", "name": "Member", "threshold": 0, "benefits": half}]
    plan = {**MEMBERSHIP, "benefits": {"multipliers": [{"currency": "points", "percent": 400}]}}
    event = {"member_id": ADA, "plan": "prime", "kind": "started", "event_id": "e1", "occurred_at": "2026-03-02T17:00:00Z"}
    for number, (stacking, told) in enumerate(
        [
            ("additive", {"base": 10, "tier:member": 5, "membership:prime": 30}),
            ("multiplicative", {"base": 10, "tier:member": 5, "membership:prime": 45}),
            ("best", {"base": 10, "membership:prime": 30}),
        ]
    ):
        tiers = {**TIERS, "levels": levels}
        activate(stage, number=2 + number, stacking=stacking, tiers=tiers, memberships=[plan])
        assert till.post("/v1/memberships/events", event).status == 201
        assert why(buy(till, f"order-{number}")) == told
        assert clawed_back(refund(till, f"order-{number}", f"r{number}")) == sum(told.values())


def test_where_the_policy_says_so_the_order_of_rules_does_not_matter(stage: Stage, till: Caller) -> None:
    rules = [earning_rule("third", points=1, minor_units=300), TWICE, HALF, FIXED]
    for number, stacking in enumerate(("additive", "multiplicative")):
        told = []
        for turn, shown in enumerate((rules, rules[::-1])):
            stage.activate(grocer.version(2 + 2 * number + turn, earning_rules=shown, stacking=stacking))
            told.append(why(buy(till, f"order-{number}-{turn}", 1999)))
        assert sum(told[0].values()) == sum(told[1].values())
        if stacking == "additive":
            assert told[0] == told[1]


def test_a_bonus_for_large_orders_goes_when_a_refund_makes_the_order_small(stage: Stage, till: Caller) -> None:
    activate(stage, bonus("large", 9, when={"amount_min": 5000}), bonus("small", 4, when={"amount_max": 4999}))
    assert why(buy(till, "order-1", 5000)) == {"base": 50, "large": 9}
    assert clawed_back(refund(till, "order-1", "r1", amount=100)) == 10
    # It is no small order for all that: it was large when it was paid.
    assert clawed_back(refund(till, "order-1", "r2")) == 49
    assert why(buy(till, "order-2", 4999)) == {"base": 49, "small": 4}


def test_where_clawbacks_are_forgiven_budgets_and_caps_get_their_share_back_all_the_same(
    stage: Stage, till: Caller, operator: Caller
) -> None:
    caps = [
        {"id": "all", "currency": "points", "scope": "program", "points": 100},
        {"id": "mine", "currency": "points", "scope": "member", "points": 100},
    ]
    activate(stage, times("twice", 200, caps=["all", "mine"]), caps=caps, clawback="forgive")
    assert operator.put("/v1/rewards/five_off", {**FIVE_OFF, "price": {"points": 200}}).status == 200
    assert why(buy(till, "order-1", 10_000)) == {"base": 100, "twice": 100}
    assert redeem(till).status == 201
    assert clawed_back(refund(till, "order-1")) == 200
    assert balance(till) == 0
    assert why(buy(till, "order-2", 10_000)) == {"base": 100, "twice": 100}
    assert balance(till) == 200


# ---- what applies when


def test_a_new_version_changes_nothing_of_orders_before_it(stage: Stage, till: Caller, clock: FakeClock) -> None:
    activate(stage, TWICE)
    first = buy(till, "order-1")
    later = clock.advance(days=1)
    stage.activate(grocer.version(3, later, earning_rules=[earning_rule(points=5)]))
    clock.advance(minutes=1)
    assert buy(till, "order-1").text == first.text
    assert why(buy(till, "late")) == {"base": 10, "twice": 10}
    assert why(buy(till, "new", occurred_at="2026-03-03T17:00:30Z")) == {"base": 50}
    assert clawed_back(refund(till, "order-1")) == 20


def test_a_quote_explains_as_the_entry_then_does(stage: Stage, till: Caller) -> None:
    caps = [{"id": "budget", "currency": "points", "scope": "program", "points": 12}]
    activate(stage, times("twice", 200, caps=["budget"]), bonus("vip", 3, when={"segments": ["vip"]}), caps=caps)
    assert till.patch(f"/v1/members/{ADA}", {"attributes": {"vip": True}}).status == 200
    for number, expected in enumerate((10, 2, 0)):
        before = stage.items()
        quote = till.post("/v1/purchases/quote", order(f"order-{number}", 1000)).json
        assert stage.items() == before
        entry = buy(till, f"order-{number}", 1000).json
        assert quote["earned"] == entry["earned"]
        assert why(entry) == {"base": 10, "twice": expected, "vip": 3}


def test_a_batch_shares_a_budget_in_its_order(stage: Stage, till: Caller) -> None:
    caps = [{"id": "budget", "currency": "points", "scope": "program", "points": 25}]
    activate(stage, times("twice", 200, caps=["budget"]), caps=caps)
    batch = {"purchases": [order(f"order-{number}", 1000, member_id=member) for number, member in enumerate((ADA, BOB) * 2)]}
    first = till.post("/v1/purchases/batch", batch)
    assert [why(result["entry"])["twice"] for result in first.json["results"]] == [10, 10, 5, 0]
    assert till.post("/v1/purchases/batch", batch).text == first.text
