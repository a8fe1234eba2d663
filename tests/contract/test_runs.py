"""Runs: begun once, gone on with from where they stopped, ended once; whoever works on them at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.entry import MemberId
from shared.domain.errors import RunUnknownError, TryAgainError
from shared.domain.run import Part, Run, RunKind
from shared.ports import Runs
from tests.contract.campaigner import member_of
from tests.contract.ledgers import Place, dynamo_place, memory_place, store_of
from tests.contract.test_round_trips import UNHEARD, WRITE
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import NOON

LATER = NOON + timedelta(hours=2)
PUT, UPDATE = "PutItem", "UpdateItem"


def run_of(period: str = "p1", kind: RunKind = RunKind.CAMPAIGN, campaign: str | None = "xmas", minutes: int = 0) -> Run:
    at = NOON + timedelta(minutes=minutes)
    return Run(kind=kind, campaign=campaign, period=period, version=1, due_at=at, started_at=at)


@pytest.fixture
def runs(place: Place) -> Runs:
    return place.runs


@pytest.fixture(params=["memory", "ministack"])
def shared(request: pytest.FixtureRequest, clock: FakeClock) -> Runs:
    """Runs that threads can use at once."""
    if request.param == "memory":
        return memory_place(clock).runs
    return dynamo_place(store_of(request.getfixturevalue("ministack_engine")), clock).runs


# ---- begun, gone on with, ended


def test_a_run_is_begun_once(runs: Runs) -> None:
    run = run_of()
    assert runs.begin(run) == run
    assert runs.begin(replace(run, started_at=LATER)) is None
    assert runs.run(run.name) == run
    assert runs.going() == runs.of("xmas") == [run]


@pytest.mark.parametrize(
    "run",
    [
        run_of(),
        run_of("2026-03-02T17-00Z", RunKind.SWEEP, None),
        run_of("0123abcd", RunKind.VISIT, None),
        run_of("0123abcd", RunKind.VISIT),
        replace(run_of("p", RunKind.DRY_RUN), breakage_percent=20),
        replace(run_of("p"), member_list="november.json"),
        # A campaign may be called so.
        run_of("p", RunKind.CAMPAIGN, "all"),
        run_of("p", RunKind.VISIT, "all"),
        run_of("p", RunKind.DRY_RUN, "sweep"),
    ],
    ids=lambda run: run.name,
)
def test_a_run_is_found_by_its_name_as_it_was_begun(runs: Runs, run: Run) -> None:
    runs.begin(run)
    assert runs.run(run.name) == run
    assert runs.going() == [run]
    assert runs.of(run.of) == [run]
    assert runs.advance(run, "1", Part(), Part(version=1))
    assert runs.end(run, LATER).ended_at == LATER


@pytest.mark.parametrize("name", ["campaign.xmas.never", "nothing", "sweep.all", "other.xmas.p1", ""])
def test_a_run_that_was_never_begun_is_unknown(runs: Runs, name: str) -> None:
    with pytest.raises(RunUnknownError):
        runs.run(name)


def test_runs_are_listed_oldest_first_and_those_of_others_apart(runs: Runs) -> None:
    kinds = [RunKind.DRY_RUN, RunKind.CAMPAIGN, RunKind.VISIT]
    mine = [run_of(f"p{number}", kind, minutes=number) for number, kind in enumerate(kinds)]
    others = [run_of("p", campaign="easter"), run_of("p", RunKind.SWEEP, None), run_of("p", campaign="xmas_2")]
    for run in (*reversed(mine), *others):
        runs.begin(run)
    assert runs.of("xmas") == mine
    assert sorted(run.name for run in runs.going()) == sorted(run.name for run in (*mine, *others))
    assert runs.of("never") == []


def test_a_run_ends_once_and_is_then_no_more_among_those_that_go_on(runs: Runs) -> None:
    run, other = run_of(), run_of("p2")
    runs.begin(run)
    runs.begin(other)
    ended = runs.end(run, LATER)
    assert ended == replace(run, ended_at=LATER)
    assert runs.end(run, LATER + timedelta(days=1)) == ended
    assert runs.run(run.name) == ended
    assert runs.going() == [other]
    assert sorted(found.name for found in runs.of("xmas")) == [run.name, other.name]


def test_of_two_who_start_the_workers_again_one_does(runs: Runs) -> None:
    run = run_of()
    runs.begin(run)
    again = runs.again(run, LATER)
    assert again == replace(run, attempt=2, attempted_at=LATER)
    assert runs.again(run, LATER) is None
    assert runs.run(run.name) == again
    assert runs.going() == [again]
    assert runs.end(run, LATER) == replace(run, attempt=2, attempted_at=LATER, ended_at=LATER)


def test_a_run_that_ended_meanwhile_is_not_started_again(runs: Runs) -> None:
    run = run_of()
    runs.begin(run)
    seen = runs.going()[0]
    ended = runs.end(run, LATER)
    assert runs.again(seen, LATER) is None
    assert runs.run(run.name) == ended
    assert runs.going() == []


def test_a_run_that_ended_is_not_begun_again(runs: Runs) -> None:
    run = run_of()
    runs.begin(run)
    runs.end(run, LATER)
    assert runs.begin(run) is None
    assert runs.going() == []


# ---- parts


def test_a_part_goes_on_from_where_it_was_read(runs: Runs) -> None:
    run = run_of()
    runs.begin(run)
    start = runs.part(run, "3")
    assert start == Part()
    first = start.further(member_of(1), {"granted": 2, "lost": 1}, done=False)
    assert runs.advance(run, "3", start, first)
    assert runs.part(run, "3") == first == Part(member_of(1), False, {"granted": 2, "lost": 1}, 1)
    last = first.further(None, {"granted": 5}, done=True)
    assert runs.advance(run, "3", first, last)
    assert runs.part(run, "3") == last == Part(None, True, {"granted": 7, "lost": 1}, 2)


def test_whoever_is_slower_does_not_count_again(runs: Runs) -> None:
    run = run_of()
    runs.begin(run)
    start = runs.part(run, "3")
    first = start.further(member_of(1), {"granted": 2}, done=False)
    assert runs.advance(run, "3", start, first)
    assert not runs.advance(run, "3", start, first)
    assert not runs.advance(run, "3", start, start.further(None, {"granted": 9}, done=True))
    assert runs.advance(run, "3", first, first.further(None, {}, done=True))
    assert not runs.advance(run, "3", first, first.further(None, {}, done=True))
    assert runs.part(run, "3").counts == {"granted": 2}


def test_parts_are_those_of_the_run_alone(runs: Runs) -> None:
    run, dry = run_of(), run_of(kind=RunKind.DRY_RUN)
    others = [dry, run_of("p10"), run_of(campaign="xmas_2")]
    for other in (run, *others):
        runs.begin(other)
    for name in ("0", "31", "list-a", f"failed-{member_of(1)}"):
        assert runs.advance(run, name, Part(), Part("c", False, {"granted": 1}, 1))
    for other in others:
        assert runs.advance(other, "0", Part(), Part(None, True, {"looked_at": 1}, 1))
    assert set(runs.parts(run)) == {"0", "31", "list-a", f"failed-{member_of(1)}"}
    assert runs.parts(dry) == {"0": Part(None, True, {"looked_at": 1}, 1)}
    assert runs.parts(run_of("never")) == {}
    mine = runs.parts_of("xmas", RunKind.CAMPAIGN)
    assert mine == {"p1": runs.parts(run), "p10": runs.parts(run_of("p10"))}
    assert runs.parts_of("xmas", RunKind.DRY_RUN) == {"p1": runs.parts(dry)}
    assert runs.parts_of("never", RunKind.CAMPAIGN) == runs.parts_of("xmas", RunKind.VISIT) == {}


# ---- draws


def test_the_lowest_tickets_come_first_and_each_once(runs: Runs) -> None:
    run = run_of()
    tickets = [(f"{number * 7919 % 97:016x}", member_of(number)) for number in range(30)]
    for ticket, member in (*tickets, *tickets[:10]):
        runs.nominate(run, ticket, member)
    runs.nominate(run_of("p2"), "0" * 16, member_of(99))
    assert list(runs.candidates(run)) == sorted(tickets)


def test_two_with_the_same_ticket_are_both_candidates(runs: Runs) -> None:
    run = run_of()
    for number in (2, 1):
        runs.nominate(run, "00000000000000ff", member_of(number))
    assert list(runs.candidates(run)) == [("00000000000000ff", member_of(1)), ("00000000000000ff", member_of(2))]


def test_where_nobody_was_nominated_there_is_no_candidate(runs: Runs) -> None:
    assert list(runs.candidates(run_of())) == []


# ---- at once


def test_of_many_who_begin_a_run_one_does(shared: Runs) -> None:
    run = run_of()
    with ThreadPoolExecutor(8) as ticks:
        assert sorted(map(bool, ticks.map(lambda _: shared.begin(run), range(8)))) == [False] * 7 + [True]


def test_of_many_who_go_on_with_a_part_one_counts(shared: Runs) -> None:
    run = run_of()
    shared.begin(run)

    def work(number: int) -> int:
        done = 0
        for _ in range(10):
            part = shared.part(run, "1")
            done += shared.advance(run, "1", part, part.further(None, {"members": 1}, done=False))
        return done

    with ThreadPoolExecutor(4) as workers:
        told = sum(workers.map(work, range(4)))
    assert shared.part(run, "1").counts == {"members": told}
    assert told == shared.part(run, "1").version


def test_of_many_who_end_a_run_all_hear_the_same(shared: Runs) -> None:
    run = run_of()
    shared.begin(run)
    with ThreadPoolExecutor(8) as workers:
        ends = set(workers.map(lambda number: shared.end(run, LATER + timedelta(seconds=number)).ended_at, range(8)))
    assert len(ends) == 1
    assert shared.going() == []


# ---- lost answers


@pytest.fixture
def stored(ministack_engine: Engine, clock: FakeClock) -> Runs:
    return dynamo_place(store_of(ministack_engine), clock).runs


@pytest.fixture
def wire(ministack_engine: Engine) -> Iterator[FaultyWire]:
    with faulty(ministack_engine) as wire:
        yield wire


UNDONE = [Fault.REQUEST_LOST, Fault.THROTTLED, Fault.SERVER_ERROR]


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_run_is_there_whatever_was_heard_of_its_beginning(stored: Runs, wire: FaultyWire, fault: Fault) -> None:
    run = run_of()
    wire.next(WRITE, fault)
    # Whoever does not know whether they began it leaves its workers to the next tick.
    stored.begin(run)
    assert stored.going() == [run]
    wire.next(WRITE, fault)
    assert stored.end(run, LATER).ended_at == LATER
    assert stored.going() == []


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_part_counts_once_whatever_was_heard(stored: Runs, wire: FaultyWire, fault: Fault) -> None:
    run, part = run_of(), Part()
    stored.begin(run)
    for number, operation in enumerate((PUT, UPDATE, UPDATE), start=1):
        wire.next(operation, fault)
        further = part.further(member_of(number), {"members": 1}, done=False)
        # A worker that hears nothing is asked again, and goes on from what stands there.
        with pytest.raises(TryAgainError):
            stored.advance(run, "1", part, further)
        if fault in UNDONE:
            assert stored.part(run, "1") == part
            assert stored.advance(run, "1", part, further)
        part = stored.part(run, "1")
        assert part == further
    assert part.counts == {"members": 3}


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_workers_are_started_again_once_whatever_was_heard(stored: Runs, wire: FaultyWire, fault: Fault) -> None:
    run = run_of()
    stored.begin(run)
    wire.next(UPDATE, fault)
    with pytest.raises(TryAgainError):
        stored.again(run, LATER)
    # The next tick finds it late as it was, or starts the attempt that stands there: each is started once.
    assert [found.attempt for found in stored.going()] == [1 if fault in UNDONE else 2]


@pytest.mark.parametrize("fault", UNHEARD + UNDONE)
def test_a_candidate_is_one_whatever_was_heard(stored: Runs, wire: FaultyWire, fault: Fault) -> None:
    run = run_of()
    wire.next(WRITE, fault)
    stored.nominate(run, "00000000000000ff", MemberId("m"))
    assert list(stored.candidates(run)) == [("00000000000000ff", "m")]
