"""Some households' year as a dry run: the active side gives to the point what was computed apart, in however many parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest

from infra.local_cloud.retail import read_orders
from tests.retail.dry_run import DryRun, Orders, by_household, in_parts, lively_program, plain_program
from tests.retail.figures import expected_mini_balances
from tests.retail.shop import open_shop
from tests.retail.tiers import expected_mini_tiers

HOUSEHOLDS = {"modulus": 200, "remainder": 7}
"""Twelve households of the set `mini`."""
EARNED = {
    household: points
    for household, points in expected_mini_balances()[date(2017, 12, 31)].items()
    if int(household) % HOUSEHOLDS["modulus"] == HOUSEHOLDS["remainder"]
}

TIERS = expected_mini_tiers()


@pytest.fixture(scope="module")
def households() -> list[Orders]:
    return by_household(read_orders(**HOUSEHOLDS))


@pytest.fixture(scope="module")
def year(households: list[Orders]) -> Iterator[DryRun]:
    with open_shop("memory", plain_program()) as shop:
        found = DryRun(shop, lively_program(), days=sorted(TIERS))
        found.run(households)
        yield found


def test_the_active_side_gives_what_was_computed_apart(year: DryRun) -> None:
    assert year.sides["active"].points == sum(EARNED.values())
    assert year.counts == {
        "orders": year.sides["active"].rules["base"]["applied"],
        "members": len(EARNED),
        "refunds": 0,
        "activities": 0,
    }
    assert [side.refused for side in year.sides.values()] == [0, 0]


def test_the_draft_adds_its_bonuses_to_the_same_base(year: DryRun) -> None:
    draft, active = year.sides["draft"], year.sides["active"]
    assert sum(rule["points"] for rule in draft.rules.values()) == draft.points > active.points
    # One floor for an order: a bonus may take a fraction that the base alone would have lost, and leave it to the base.
    assert 0 <= draft.rules["base"]["points"] - active.rules["base"]["points"] <= year.counts["orders"]
    assert year.groups["losers"] == {"members": 0, "points": 0}
    assert year.groups["winners"]["points"] == draft.points - active.points
    assert draft.caps["each"]["orders_cut"] > 0


def test_tiers_at_the_end_of_the_days_are_those_that_were_computed_apart(year: DryRun) -> None:
    assert list(year.sides["draft"].tiers) == sorted(TIERS)
    for day, counted in year.sides["draft"].tiers.items():
        assert +counted == Counter(tier for household, tier in TIERS[day].items() if household in EARNED)
    assert year.sides["active"].tiers[date(2017, 12, 31)] == {"none": len(EARNED)}


def test_parts_hold_whole_households_and_as_many_as_fit(households: list[Orders]) -> None:
    parts = list(in_parts(households, 150_000))
    assert [text for part in parts for text in part.texts] == [text for one in households for text in one.texts]
    assert sum(part.households for part in parts) == len(households)
    assert all(part.size <= 150_000 or part.households == 1 for part in parts)
    assert len(parts) > 3
