"""What rules give for an order, and for what refunds leave of it: the examples that a shop would ask about."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.entry import EntryKey
from tests.fakes.grocer import document, version
from tests.unit.books import ZONE, noon
from tests.unit.market import Market, plain_line

BASE: dict[str, Any] = {
    "id": "base",
    "kind": "purchase",
    "currency": "points",
    "per_amount": {"points": 1, "minor_units": 100},
}
GOLD = {
    "metric": "spend",
    "period": {"kind": "anniversary"},
    "levels": [
        {"id": "gold", "name": "Gold", "threshold": 0, "benefits": {"multipliers": [{"currency": "points", "percent": 150}]}}
    ],
}


def cap(id: str, points: int, scope: str = "member", **changes: Any) -> dict[str, Any]:
    return {"id": id, "currency": "points", "scope": scope, "points": points, **changes}


def times(percent: int, id: str = "campaign", **changes: Any) -> dict[str, Any]:
    return {"id": id, "kind": "multiplier", "currency": "points", "percent": percent, **changes}


def shop(*rules: dict[str, Any], **program: Any) -> Market:
    return Market([version(1, noon(-400), **document(time_zone=ZONE, earning_rules=list(rules), **program))])


def why(market: Market, key: str) -> dict[str, int]:
    return {share.rule: share.points for share in market.entry(EntryKey(key)).why}


@pytest.mark.parametrize(
    ("stacking", "shares"),
    [
        ("additive", {"base": 200, "campaign": 200, "tier:gold": 100}),
        ("multiplicative", {"base": 200, "campaign": 200, "tier:gold": 200}),
        ("best", {"base": 200, "campaign": 200}),
    ],
)
def test_a_gold_member_in_a_double_campaign_gets_both_bonuses_as_the_program_stacks_them(
    stacking: str, shares: dict[str, int]
) -> None:
    market = shop(BASE, times(200), tiers=GOLD, stacking=stacking)
    market.bought("a", [plain_line(1, 20_000)])
    assert why(market, "purchase:a") == shares
    assert market.points() == sum(shares.values())


@pytest.mark.parametrize(("member", "budget", "total"), [(1000, 1000, 500), (150, 1000, 450), (150, 120, 420), (0, 1000, 300)])
def test_a_campaign_gives_no_more_than_its_caps_leave(member: int, budget: int, total: int) -> None:
    caps = [cap("mine", member), cap("all", budget, "program")]
    market = shop(BASE, times(200, caps=["mine", "all"]), caps=caps, tiers=GOLD)
    market.bought("a", [plain_line(1, 20_000)])
    assert market.points() == total
    given = total - 300
    assert market.spent() == ({("all", None): given} if given else {})
    market.refunded("a")
    assert (market.points(), market.spent()) == (0, {})
    assert {count.name for count in market.wallet.counts} == {"orders"}
    assert market.breaks() == []


def test_a_bonus_for_some_lines_never_grows_by_a_refund_of_others() -> None:
    """The day's cap cut the base of both lines by half; each keeps its half for the order's life."""
    base = {**BASE, "caps": ["day"], "per_amount": {"points": 1, "minor_units": 1}}
    coffee = times(600, "coffee", when={"categories": ["coffee"]})
    market = shop(base, coffee, caps=[cap("day", 10, per="day")])
    market.bought("a", [plain_line(1, 10, category="coffee"), plain_line(2, 10, category="cake")])
    assert why(market, "purchase:a") == {"base": 10, "coffee": 25}
    market.refunded("a", lines=((2, None),))
    assert market.points() == 35
    assert market.breaks() == []


def test_a_bonus_for_all_of_the_order_follows_what_the_cap_leaves_of_it() -> None:
    base = {**BASE, "caps": ["day"], "per_amount": {"points": 1, "minor_units": 1}}
    market = shop(base, times(150), caps=[cap("day", 10, per="day")])
    market.bought("a", [plain_line(1, 10), plain_line(2, 10)])
    assert why(market, "purchase:a") == {"base": 10, "campaign": 5}
    market.refunded("a", lines=((2, None),))
    assert market.points() == 15
    market.refunded("a", amount=4)
    assert market.points() == 9


@pytest.mark.parametrize("kind", ["base", "bonus"])
def test_an_order_too_large_for_a_rule_is_too_large_for_it_after_a_refund(kind: str) -> None:
    small: dict[str, Any] = {"id": "small", "when": {"amount_max": 100}}
    small = {**BASE, **small} if kind == "base" else {**small, "kind": "bonus", "currency": "points", "points": 9}
    market = shop({**BASE, "id": "other"}, small)
    market.bought("a", [plain_line(1, 150)])
    market.refunded("a", amount=50)
    assert market.points() == 1
    assert market.breaks() == []


def test_a_cap_that_is_far_from_full_changes_nothing() -> None:
    """0.99 of base and three times as much of bonuses are 3.96; the rests of all floors are the base's."""
    doubles = [times(200, f"double_{number}") for number in range(3)]
    for caps in ([], ["roomy"]):
        market = shop({**BASE, "caps": caps}, *doubles, caps=[cap("roomy", 1000)])
        market.bought("a", [plain_line(1, 99)])
        assert market.points() == 3


def test_a_refund_raises_no_credit() -> None:
    """The base's share may grow when the bonuses' floors fall; its credit does not."""
    tiers = {**GOLD, "metric": "points", "currency": "points", "levels": [{"id": "one", "name": "One", "threshold": 0}]}
    market = shop(BASE, *(times(200, f"double_{number}") for number in range(3)), tiers=tiers)
    market.bought("a", [plain_line(1, 100)])
    credited = market.wallet.counted("tier:points:points", noon(0).date())
    market.refunded("a", amount=1)
    assert (credited, market.wallet.counted("tier:points:points", noon(0).date())) == (1, 0)
    assert market.breaks() == []


def test_lines_that_are_free_or_excluded_earn_nothing_and_count_for_nothing() -> None:
    market = shop(BASE, {"id": "visit", "kind": "bonus", "currency": "points", "points": 7}, tiers=GOLD)
    market.bought("free", [plain_line(1, 0, quantity=3), plain_line(2, 500, category="gift_card")])
    assert market.points() == 0
    assert market.wallet.counted("tier:spend", noon(0).date()) == 0
    assert market.wallet.counted("orders") == 1
    assert market.breaks() == []


def test_the_best_bonus_is_kept_for_the_orders_life() -> None:
    """A fixed bonus would be better for what is left; the order has the multiplier."""
    fixed = {"id": "fixed", "kind": "bonus", "currency": "points", "points": 40}
    market = shop(BASE, times(200), fixed, stacking="best")
    market.bought("a", [plain_line(1, 5000), plain_line(2, 5000)])
    assert why(market, "purchase:a") == {"base": 100, "campaign": 100}
    market.refunded("a", lines=((2, 4000),))
    assert market.points() == 120
    market.refunded("a", lines=((1, None),))
    assert market.points() == 20
    assert market.breaks() == []
