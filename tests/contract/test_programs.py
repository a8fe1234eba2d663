"""What the keeper of program versions promises on every engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.store import Store
from shared.domain.errors import TryAgainError
from tests.contract.ledgers import store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient
from tests.fakes.grocer import version

STALENESS = 60


class Stopwatch:
    """The container's own seconds."""

    def __init__(self) -> None:
        self.seconds = 1000

    def __call__(self) -> int:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def programs(store: Store, stopwatch: Stopwatch) -> DynamoPrograms:
    return DynamoPrograms(store, STALENESS, stopwatch)


FULL = version(
    2,
    grocer.NOON + timedelta(microseconds=1),
    currencies=[
        {"code": "points", "pending_days": 14, "expiry": {"after": 12, "rounded_to": "month"}},
        {"code": "stars"},
    ],
    earning_rules=[grocer.earning_rule(), grocer.earning_rule("stars", "stars", 3, 1000)],
    late_days_max=10,
    claim_days=0,
)


def test_there_is_no_program_at_first(programs: DynamoPrograms) -> None:
    assert programs.versions() == ()


def test_versions_come_back_whole_and_in_order(programs: DynamoPrograms) -> None:
    kept = [version(1), FULL, *(version(number, grocer.NOON + timedelta(days=number)) for number in range(3, 12))]
    for number in (3, 1, 2, 10, 4, 5, 11, 6, 7, 8, 9):
        programs.add(kept[number - 1])
    assert programs.latest() == tuple(kept)


def test_a_version_is_never_written_over(programs: DynamoPrograms) -> None:
    programs.add(version(1))
    with pytest.raises(TryAgainError):
        programs.add(version(1, name="Another grocer"))
    assert programs.latest() == (version(1),)


def test_of_two_operators_who_add_at_once_one_is_told_to_try_again(programs: DynamoPrograms, engine: Engine) -> None:
    late = InterruptedClient(engine.client, lambda: programs.add(version(1)))
    with pytest.raises(TryAgainError):
        DynamoPrograms(store_of(engine, late), STALENESS).add(version(1, name="Another grocer"))
    assert programs.latest() == (version(1),)


def test_another_containers_version_is_seen_when_the_stated_time_is_over_and_not_before(
    programs: DynamoPrograms, store: Store, stopwatch: Stopwatch
) -> None:
    programs.add(version(1))
    assert programs.versions() == (version(1),)
    DynamoPrograms(store, STALENESS).add(FULL)
    stopwatch.seconds += STALENESS - 1
    assert programs.versions() == (version(1),)
    stopwatch.seconds += 1
    assert programs.versions() == (version(1), FULL)


def test_the_latest_versions_are_read_whatever_is_remembered(programs: DynamoPrograms, store: Store) -> None:
    programs.add(version(1))
    programs.versions()
    DynamoPrograms(store, STALENESS).add(FULL)
    assert programs.latest() == (version(1), FULL)
    assert programs.versions() == (version(1), FULL)


def test_ones_own_version_is_seen_at_once(programs: DynamoPrograms) -> None:
    programs.add(version(1))
    programs.versions()
    programs.add(FULL)
    assert programs.versions() == (version(1), FULL)


def test_that_there_is_no_program_is_never_remembered(programs: DynamoPrograms, store: Store) -> None:
    assert programs.versions() == ()
    DynamoPrograms(store, STALENESS).add(version(1))
    assert programs.versions() == (version(1),)
