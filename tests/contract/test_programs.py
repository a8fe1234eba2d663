"""What the keeper of program versions promises on every engine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.program.activate_program import Activation, activate_program
from functions.program.conditions import Condition
from shared.adapters.dynamodb import programs as adapter
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.store import Store
from shared.domain.errors import LaurelError, TryAgainError
from shared.domain.program import Program, in_force, parse_program
from tests.contract.ledgers import store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import document, version

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


def test_who_put_a_version_into_force_and_why_is_kept(programs: DynamoPrograms) -> None:
    told = replace(version(1), reason="spring prices", activated_by="0123456789abcdef")
    programs.add(told)
    [found] = programs.latest()
    assert found == told != version(1)
    assert (found.reason, found.activated_by) == (told.reason, told.activated_by)


class CountingClient:
    """A client that notes how many items each query brought."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.brought: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **arguments: Any) -> Any:
        """As the client's."""
        page = self._client.query(**arguments)
        self.brought.append(len(page["Items"]))
        return page


def test_what_was_read_once_is_never_read_again(engine: Engine, stopwatch: Stopwatch) -> None:
    client = CountingClient(engine.client)
    programs, other = (
        DynamoPrograms(store_of(engine, client), STALENESS, stopwatch),
        DynamoPrograms(store_of(engine), STALENESS),
    )
    for number in (1, 2, 3):
        other.add(version(number))
    programs.versions()
    stopwatch.seconds += STALENESS
    programs.versions()
    other.add(version(4))
    stopwatch.seconds += STALENESS
    assert programs.versions() == tuple(version(number) for number in (1, 2, 3, 4))
    assert programs.latest() == programs.versions()
    assert client.brought == [3, 0, 1, 0]


def test_only_the_documents_that_are_asked_for_are_parsed_and_each_once(
    programs: DynamoPrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def parse(document: Any) -> Program:
        parsed.append(document["name"])
        return parse_program(document)

    monkeypatch.setattr(adapter, "parse_program", parse)
    for number in (1, 2, 3):
        programs.add(version(number, grocer.NOON + timedelta(days=number), name=f"version {number}"))
    for _ in range(3):
        found = in_force(programs.versions(), grocer.NOON + timedelta(days=2, hours=1))
        assert (found.version, found.program.name, found.today(grocer.NOON).isoformat()) == (2, "version 2", "2026-03-02")
        programs.latest()
    assert parsed == ["version 2"]


def test_a_clock_that_runs_backward_makes_no_read_old_for_ever(
    programs: DynamoPrograms, store: Store, stopwatch: Stopwatch
) -> None:
    programs.add(version(1))
    programs.versions()
    DynamoPrograms(store, STALENESS).add(FULL)
    stopwatch.seconds -= 1
    assert programs.versions() == (version(1), FULL)


def test_of_ten_operators_who_activate_at_once_one_wins_the_number(ministack_engine: Engine, clock: FakeClock) -> None:
    """All have read version 1 before anybody writes version 2."""
    start = threading.Barrier(10)
    programs = [DynamoPrograms(store_of(ministack_engine), STALENESS) for _ in range(10)]
    programs[0].add(version(1))

    class Waiting:
        def __init__(self, programs: DynamoPrograms) -> None:
            self._programs = programs

        def __getattr__(self, name: str) -> Any:
            return getattr(self._programs, name)

        def add(self, *version: Any) -> None:
            start.wait(timeout=60)
            self._programs.add(*version)

    def activate(number: int) -> str:
        # Every other operator insists on what they have read.
        activation = Activation(f"operator-{number}", condition=Condition('"1"' if number % 2 else None))
        mine: Any = Waiting(programs[number])
        try:
            return f"version {activate_program(document(name=f'by {number}'), activation, programs=mine, clock=clock).version}"
        except LaurelError as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(10) as operators:
        answers = list(operators.map(activate, range(10)))
    [winner] = [number for number, answer in enumerate(answers) if answer == "version 2"]
    for number, answer in enumerate(answers):
        if number != winner:
            assert answer == ("PreconditionFailedError" if number % 2 else "TryAgainError")
    kept = DynamoPrograms(store_of(ministack_engine), STALENESS).latest()
    assert [(one.version, one.program.name) for one in kept] == [(1, "Corner grocer"), (2, f"by {winner}")]
