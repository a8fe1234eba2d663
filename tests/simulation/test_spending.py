"""Redemptions and refunds keep their promises whatever the network does, and the simulation would notice if they did not."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.plan import DELIVERED_TWICE, FATES
from tests.simulation.run import simulate

SEEDS = 100
_SEEDS_PER_TEST = 50
SPENDING = ("redeem", "undo")


@pytest.mark.parametrize("scenario", SPENDING)
@pytest.mark.parametrize("first", range(0, SEEDS, _SEEDS_PER_TEST))
def test_no_world_loses_doubles_or_oversells_anything(scenario: str, first: int) -> None:
    happened: Counter[str] = Counter()
    for seed in range(first, first + _SEEDS_PER_TEST):
        verdict = simulate(seed, scenario)
        assert not verdict.violations, f"{verdict.violations}\nreplay: {verdict.replay}"
        happened.update(verdict.happened)
    assert happened.keys() == {DELIVERED_TWICE, *(fate.value for fate in FATES)}


@pytest.mark.parametrize(
    ("scenario", "without", "seeds", "said"),
    [
        ("redeem", "put-condition", 40, ""),
        ("undo", "put-condition", 40, ""),
        ("redeem", "update-condition", 10, ""),
        ("undo", "update-condition", 10, ""),
        ("redeem", "stock-condition", 40, "oversold"),
        # Somebody was told no, and was debited.
        ("redeem", "refusal-record", 40, "was answered [201, 409]"),
    ],
)
def test_without_what_protects_it_some_world_breaks(scenario: str, without: str, seeds: int, said: str) -> None:
    broken = (
        seed
        for seed in range(seeds)
        if any(said in violation for violation in simulate(seed, scenario, without=without).violations)
    )
    assert next(broken, None) is not None, f"{seeds} worlds of {scenario} did not notice that the {without} was gone"


@pytest.mark.parametrize(("scenario", "seed"), [("redeem", 78), ("redeem", 320)])
def test_worlds_that_once_broke_stay_whole(scenario: str, seed: int) -> None:
    """A batch is no snapshot: a voucher was used and cancelled, and a till was told that the voucher it took had lapsed."""
    verdict = simulate(seed, scenario)
    assert not verdict.violations, verdict.replay


@pytest.mark.parametrize("scenario", SPENDING)
def test_the_same_seed_gives_the_same_trace(scenario: str) -> None:
    for seed in range(3):
        first = simulate(seed, scenario)
        simulate(seed + 100, scenario)
        assert simulate(seed, scenario).trace == first.trace
