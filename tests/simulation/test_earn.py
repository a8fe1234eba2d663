"""Purchases keep their promises whatever the network does, and the simulation would notice if they did not."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from tests.engines.faults import Fault
from tests.simulation.__main__ import main
from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import DELIVERED_TWICE, FATES, Fate, Plan, possible
from tests.simulation.run import simulate

SEEDS = 800
_SEEDS_PER_TEST = 200
_MUTANT_SEEDS = 200
SMALL_WORLD = 65
"""A seed whose world without faults is small and full: three orders, five tills, clashes."""


@pytest.mark.parametrize("first", range(0, SEEDS, _SEEDS_PER_TEST))
def test_no_world_loses_doubles_or_leaves_unexplained_a_point(first: int) -> None:
    happened: Counter[str] = Counter()
    for seed in range(first, first + _SEEDS_PER_TEST):
        verdict = simulate(seed)
        assert not verdict.violations, f"{verdict.violations}\nreplay: {verdict.replay}"
        happened.update(verdict.happened)
    # Two hundred worlds meet every kind of fault; a kind that no longer happens is no longer tested.
    assert happened.keys() == {DELIVERED_TWICE, *(fate.value for fate in FATES)}


class OneFault(Plan):
    """One fate at the `at`th call, and peace before and after it; draws nothing, so the world is the same up to there."""

    def __init__(self, at: int = 0, fate: Fate | None = None) -> None:
        super().__init__()
        self._at, self._fate = at, fate

    def fate(self, operation: str, chance: random.Random) -> Fate | None:
        self._at -= 1
        return self._fate if self._at == 0 else None


def calls_of(seed: int) -> list[str]:
    """The operations of a world without faults, in order."""
    sent = (line.split("#", 1)[1].split() for line in simulate(seed, plan=OneFault()).trace if "#" in line)
    return [words[1] for words in sent if not words[1].isdigit()]


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.value)
def test_each_fault_at_each_call_of_a_small_world_breaks_nothing(fate: Fate) -> None:
    places = [at for at, operation in enumerate(calls_of(SMALL_WORLD), 1) if possible(fate, operation)]
    assert places
    for at in places:
        verdict = simulate(SMALL_WORLD, plan=OneFault(at, fate))
        assert not verdict.violations, f"{fate.value} at call {at}: {verdict.violations}"


@pytest.mark.parametrize("without", ["put-condition", "update-condition"])
def test_without_a_condition_some_world_breaks(without: str) -> None:
    broken = next((seed for seed in range(_MUTANT_SEEDS) if simulate(seed, without=without).violations), None)
    assert broken is not None, f"{_MUTANT_SEEDS} worlds did not notice that the {without} was gone"


def test_the_ledger_leans_on_its_conditions_and_not_on_the_token_that_dynamodb_forgets() -> None:
    assert "retry-token" in MUTATIONS
    for seed in range(100):
        verdict = simulate(seed, without="retry-token")
        assert not verdict.violations, verdict.replay


def test_the_same_seed_gives_the_same_trace() -> None:
    for seed in range(5):
        first = simulate(seed)
        simulate(seed + 100)  # what another world leaves in the process does not show
        assert simulate(seed).trace == first.trace


def test_another_process_with_other_hashes_gives_the_same_trace() -> None:
    program = "from tests.simulation.run import simulate; print(*(simulate(seed).digest for seed in range(4)))"
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for hash_seed in ("1", "2")
    ]
    assert printed[0] == printed[1] == [simulate(seed).digest for seed in range(4)]


def test_a_broken_world_ends_the_run_with_the_line_that_replays_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "200", "--without", "update-condition"]) == 1
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert line.startswith("python -m tests.simulation ")
    assert main(line.split()[3:]) == 1
    assert "VIOLATION" in capsys.readouterr().out


def test_a_sound_run_ends_with_what_happened_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3"]) == 0
    assert "no violation" in capsys.readouterr().out


def test_a_fault_that_no_retry_can_pass_is_found_as_an_unanswered_request() -> None:
    class Forever(Plan):
        def fate(self, operation: str, chance: random.Random) -> Fate | None:
            return Fault.REQUEST_LOST

    assert any("no answer" in violation for violation in simulate(0, plan=Forever()).violations)
