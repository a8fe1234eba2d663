"""What campaigns bring with an order, within every limit, and what its refund takes back."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.control import Act
from shared.domain.purchase import Line
from tests.unit.books import noon
from tests.unit.crowd import Crowd, campaign, program

FIRST = {"kind": "purchase_number", "number": 1}
EVERY = {"kind": "purchase_number", "every": 1}
TRIPLE = {"kind": "multiplier", "currency": "points", "percent": 300, "days": 10}


def crowd(*campaigns: dict[str, Any], **fields: Any) -> Crowd:
    """Ada in a program of which all campaigns run."""
    found = Crowd([program(*campaigns, **fields)])
    found.enrol("ada", noon(-30))
    found.start()
    return found


def test_two_campaigns_on_one_order_heed_the_frequency_cap_together() -> None:
    shop = crowd(campaign("one", EVERY), campaign("two", EVERY), frequency_caps=[{"per": "day", "count": 1}])
    shop.buys("ada", "a", 1000)
    assert [grant.campaign for grant in shop.grants("ada")] == ["one"]
    assert shop.breaks() == []


def test_two_campaigns_and_the_order_itself_heed_a_members_cap_together() -> None:
    caps = [{"id": "month", "currency": "points", "scope": "member", "per": "month", "points": 100}]
    rules = [
        {
            "id": "base",
            "kind": "purchase",
            "currency": "points",
            "per_amount": {"points": 1, "minor_units": 100},
            "caps": ["month"],
        }
    ]
    shop = crowd(campaign("one", EVERY, caps=["month"]), campaign("two", EVERY, caps=["month"]), caps=caps, earning_rules=rules)
    shop.buys("ada", "a", 1000)
    assert [grant.campaign for grant in shop.grants("ada")] == ["one"]
    assert shop.breaks() == []


def test_a_bonus_that_the_wallet_has_no_room_for_is_not_given_and_the_order_is_recorded() -> None:
    shop = crowd(*(campaign(id, EVERY, 9 * 10**8) for id in ("one", "two", "three")))
    for number in range(372):
        shop.buys("ada", f"order-{number}", 1000)
    assert len([entry for entry in shop.entries("ada") if entry.purchase]) == 372
    assert len(shop.grants("ada")) == 1111
    assert shop.breaks() == []


@pytest.mark.parametrize(
    "told",
    [
        {"lines": (Line("card", 1, 5000, "gift_card"),)},
        {"lines": (Line("mug", 1, 5000),), "paid_with_rewards": 5000},
        {"lines": (Line("gift", 1, 0),)},
    ],
)
def test_an_order_of_which_nothing_counts_brings_nothing(told: dict[str, Any]) -> None:
    """Else one could have the bonus for what is given back whole."""
    shop = crowd(campaign("first", FIRST), campaign("every", EVERY))
    shop.buys("ada", "a", **told)
    assert shop.grants("ada") == []
    shop.refunds("a")
    assert shop.points("ada") == 0
    assert shop.breaks() == []


def test_a_bonus_falls_with_the_refund_that_leaves_less_than_it_asks_for_and_once() -> None:
    shop = crowd(campaign("big", {**EVERY, "amount_min": 500}))
    shop.buys("ada", "a", 1000)
    for amount, points in ((400, 50 + 6), (100, 50 + 5), (1, 0 + 4), (99, 0 + 4), (None, 0)):
        shop.refunds("a", amount)
        assert shop.points("ada") == points, amount
    assert shop.breaks() == []


def test_a_multiplier_that_an_order_brought_goes_with_its_refund_unless_it_was_used() -> None:
    shop = crowd(campaign("first", FIRST, TRIPLE))
    shop.buys("ada", "a", 1000)
    shop.refunds("a")
    shop.buys("ada", "b", 1000)
    assert shop.points("ada") == 10
    used = crowd(campaign("first", FIRST, TRIPLE))
    used.buys("ada", "a", 1000)
    used.buys("ada", "b", 1000)
    used.refunds("a")
    used.buys("ada", "c", 1000)
    assert used.points("ada") == 30 + 10
    assert shop.breaks() == used.breaks() == []


def test_a_budget_that_a_later_version_introduces_gets_nothing_back_that_was_not_drawn() -> None:
    """The bonus was given while there was no limit: a refund under the version that has one returns nothing to it."""
    shop = crowd(campaign("first", FIRST, TRIPLE))
    shop.buys("ada", "a", 1000)
    shop.goes_on(days=1)
    shop.versions.append(program(campaign("first", FIRST, TRIPLE, grants_max=5), number=2, since=noon(1)))
    shop.refunds("a")
    assert shop.ledger.budgets == {}
    assert shop.breaks() == []


def test_a_multiplier_that_the_survivor_of_a_merge_used_is_not_taken_back_from_them() -> None:
    shop = crowd(campaign("first", FIRST, TRIPLE))
    shop.enrol("bob", noon(-30))
    shop.buys("ada", "a", 1000)
    shop.merges("ada", "bob")
    shop.buys("bob", "b", 1000)
    shop.refunds("a")
    assert all(count.amount > 0 for wallet in shop.ledger.wallets.values() for count in wallet.counts)
    assert shop.points("bob") == 30
    assert shop.breaks() == []


def test_a_paused_campaign_brings_nothing_with_an_order() -> None:
    shop = crowd(campaign("every", EVERY))
    shop.act("every", Act.PAUSE)
    shop.buys("ada", "a", 1000)
    shop.act("every", Act.RESUME)
    shop.buys("ada", "b", 1000)
    assert [grant.cause for grant in shop.grants("ada")] == ["purchase:b"]


@pytest.mark.parametrize("number", [1, 2, 3, 10])
def test_the_nth_order_brings_a_bonus_as_orders_are_recorded(number: int) -> None:
    shop = crowd(campaign("nth", {"kind": "purchase_number", "number": number}), campaign("each", {**EVERY, "every": number}))
    for order in range(1, 21):
        shop.buys("ada", f"order-{order}", 100)
    assert [grant.cause for grant in shop.grants("ada") if grant.campaign == "nth"] == [f"purchase:order-{number}"]
    each = [f"purchase:order-{order}" for order in range(number, 21, number)]
    assert [grant.cause for grant in shop.grants("ada") if grant.campaign == "each"] == each
    assert shop.breaks() == []
