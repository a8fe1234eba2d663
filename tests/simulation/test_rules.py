"""Caps, budgets, tiers, activities and recognitions keep their promises whatever the network does; and each is looked at."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from tests.simulation.invariants import Item
from tests.simulation.plan import FATES, Plan
from tests.simulation.rule_promises import rule_violations
from tests.simulation.run import simulate

SEEDS = 40
FULL_WORLD = 0
"""A seed whose world without faults has a void, a review that tells a change, a recognition, a used cap and a used budget."""


def test_no_world_overdraws_a_budget_or_leaves_a_tier_unexplained() -> None:
    happened: Counter[str] = Counter()
    for seed in range(SEEDS):
        verdict = simulate(seed, "rules")
        assert not verdict.violations, f"{verdict.violations}\nreplay: {verdict.replay}"
        happened.update(verdict.happened)
    assert len(happened) > len(FATES) - 3


@pytest.mark.parametrize(
    ("without", "seeds", "said"),
    [
        ("budget-condition", 10, "of budget"),
        ("update-condition", 10, ""),
    ],
)
def test_without_what_protects_it_some_world_breaks(without: str, seeds: int, said: str) -> None:
    broken = (
        seed for seed in range(seeds) if any(said in what for what in simulate(seed, "rules", without=without).violations)
    )
    assert next(broken, None) is not None, f"{seeds} worlds did not notice that the {without} was gone"


def test_the_same_seed_gives_the_same_trace() -> None:
    for seed in range(2):
        first = simulate(seed, "rules")
        simulate(seed + 100, "rules")
        assert simulate(seed, "rules").trace == first.trace


@pytest.fixture(scope="module")
def at_rest() -> tuple[Any, ...]:
    """Items, answers and world of a full world without faults, as its promises are asked about them."""
    asked: list[tuple[Any, ...]] = []
    with patch("tests.simulation.rules.rule_violations", lambda *found: asked.append(found) or []):
        assert not simulate(FULL_WORLD, "rules", plan=Plan()).violations
    return asked[0]


def _at(items: list[Item], sk: str, pk: str = "") -> Item:
    return next(item for item in items if item["sk"]["S"] == sk and item["pk"]["S"].startswith(pk))


def overdraw(items: list[Item], given: list[Any]) -> None:
    spent = _at(items, "EVER", "BUDGET#")["spent"]
    spent["N"] = str(int(spent["N"]) + 1)


def forget_what_a_cap_gave(items: list[Item], given: list[Any]) -> None:
    counts = [item["counts"]["M"] for item in items if item["sk"]["S"] == "WALLET"]
    used, name = next((found, name) for found in counts for name in found if name.startswith("cap:daily"))
    del used[name]


def lose_an_arrival(items: list[Item], given: list[Any]) -> None:
    items.remove(next(item for item in items if item["sk"]["S"] == "ENTRY#ARRIVAL"))


def reward_a_proof_too_often(items: list[Item], given: list[Any]) -> None:
    proof = _at(items, "ACTIVITY")
    items += [{**copy.deepcopy(proof), "pk": {"S": f"ACTIVITY#review#more-{number}"}} for number in range(2)]


def take_back_too_little(items: list[Item], given: list[Any]) -> None:
    _at(items, "VOID")["why"]["L"].clear()


def tell_another_tier(items: list[Item], given: list[Any]) -> None:
    after = _at(items, "REVIEW")["subject"]["M"]["after"]
    after["S"] = "platinum" if after["S"] != "platinum" else "gold"


def stand_elsewhere(items: list[Item], given: list[Any]) -> None:
    for number, (event, answer) in enumerate(given):
        if event["rawPath"].endswith("/tier"):
            given[number] = event, replace(answer, body=answer.body.replace('"tier":"', '"tier":"not '))


def give_points_for_nothing(items: list[Item], given: list[Any]) -> None:
    share = _at(items, "PURCHASE")["why"]["L"][0]["L"][3]
    share["N"] = str(int(share["N"]) + 10**6)


def meet_another_version(items: list[Item], given: list[Any]) -> None:
    version = copy.deepcopy(_at(items, "VERSION#00000001"))
    version |= {"sk": {"S": "VERSION#00000009"}, "version": {"N": "9"}}
    items.append(version)


def answer_otherwise(items: list[Item], given: list[Any]) -> None:
    event, answer = next(found for found in given if found[0]["rawPath"] == "/v1/purchases" and found[1].status == 201)
    given.append((event, replace(answer, body=json.dumps({**json.loads(answer.body), "sequence": 99}))))


def refuse_what_was_given(items: list[Item], given: list[Any]) -> None:
    event, answer = next(f for f in given if f[0]["rawPath"].endswith("/recognitions") and f[1].status == 201)
    given.append((event, replace(answer, status=409)))


def test_a_sound_world_breaks_nothing(at_rest: tuple[Any, ...]) -> None:
    assert rule_violations(*at_rest) == []


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (overdraw, "budgets say"),
        (forget_what_a_cap_gave, "of caps, the wallet says"),
        (lose_an_arrival, "what arrived is None"),
        (reward_a_proof_too_often, "was rewarded"),
        (take_back_too_little, "took back"),
        (tell_another_tier, "tells Review"),
        (stand_elsewhere, "was told, due is"),
        (give_points_for_nothing, "purchase:order-"),
        (meet_another_version, "in force was {9}"),
        (answer_otherwise, "was answered in 2 ways"),
        (refuse_what_was_given, "was answered 409"),
    ],
)
def test_a_broken_promise_is_seen(at_rest: tuple[Any, ...], tamper: Callable[..., None], said: str) -> None:
    items, given, world = at_rest
    items, given = copy.deepcopy(items), list(given)
    tamper(items, given)
    found = rule_violations(items, given, world)
    assert any(said in sentence for sentence in found), json.dumps(found, indent=1)
