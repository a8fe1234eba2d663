"""Twenty thousand members want ten thousand bonuses, at the hands of fifty workers at once: never one more, and never one less.

The functions are the real ones; the ledger is the one in memory that passes the contract suite. All payloads come twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from shared.domain.control import CampaignState
from shared.domain.drawing import ticket
from shared.domain.entry import MemberId
from shared.domain.run import Run
from tests.campaigns.storm import StormyMachine, impatient_threads
from tests.contract.campaigner import Campaigner, Document, campaign
from tests.contract.ledgers import memory_place
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import NOON
from tests.functional.api import OPERATOR, Caller

MEMBERS, POINTS, WORKERS = 20_000, 100, 50
CAP: Document = {"id": "pot", "currency": "points", "scope": "program", "points": 1_000_000}
DATE = {"kind": "date", "at": "2026-03-02T12:00"}


@dataclass
class Crowd:
    """Members, of whom nobody was given anything yet, and fifty workers."""

    there: Campaigner
    machine: StormyMachine
    members: list[MemberId]
    operator: Caller

    def run(self) -> Run:
        """The campaign's one run, from its beginning to its end."""
        run = self.there.run_of("xmas")
        self.there.place.runs.begin(run)
        self.machine.start(run.name, run.attempt, range(32), None)
        with impatient_threads():
            self.machine.work()
        ended = self.there.place.runs.run(run.name)
        assert ended.ended_at is not None
        return ended

    def winners(self) -> list[MemberId]:
        """Who was given something; each once, and whole."""
        won = [member for member in self.members if self.there.ledger.view(member).wallet.sequence]
        assert all(self.there.points(member) == POINTS for member in won)
        assert all(len(self.there.entries(member)) == 1 for member in won)
        return won

    def report(self) -> Document:
        """What the operator is told."""
        found: Document = self.operator.get("/v1/campaigns/xmas/report").json
        return found


@contextmanager
def crowd(members: int = MEMBERS, program: Document | None = None, **more: Any) -> Iterator[Crowd]:
    """A dated campaign that runs, and so many members."""
    clock = FakeClock(NOON)
    there = Campaigner(memory_place(clock), clock)
    there.offer(campaign(**{"id": "xmas", "trigger": DATE, "points": POINTS, **more}), **(program or {}))
    there.act("xmas")
    machine = StormyMachine(there.handle, workers=WORKERS)
    with there.wired(machine):
        everybody = [there.enrol(number) for number in range(members)]
        yield Crowd(there, machine, everybody, Caller(OPERATOR, subject="operator-1"))


@pytest.mark.parametrize(
    ("more", "program", "limit"),
    [
        ({"caps": ["pot"]}, {"caps": [CAP]}, {"limit": "pot", "currency": "points", "most": 1_000_000, "spent": 1_000_000}),
        (
            {"caps": ["pot"]},
            {"caps": [{**CAP, "shards": 7}]},
            {"limit": "pot", "currency": "points", "most": 1_000_000, "spent": 1_000_000},
        ),
        ({"grants_max": 10_000}, {}, {"limit": "grants_max", "currency": None, "most": 10_000, "spent": 10_000}),
    ],
    ids=["one item", "seven shards", "grants_max"],
)
def test_a_million_points_are_ten_thousand_winners_of_a_hundred(more: Document, program: Document, limit: Document) -> None:
    with crowd(program=program, **more) as found:
        found.run()
        assert len(found.winners()) == 10_000
        report = found.report()
        assert (report["granted"], report["points"][0]["given"]) == (10_000, 1_000_000)
        assert report["passed"] == [{"reason": "budget", "members": 10_000}]
        assert report["limits"] == [{**limit, "left": 0}]
        assert found.there.state("xmas") is CampaignState.ENDED


def test_what_is_left_of_a_budget_and_makes_no_whole_bonus_is_left() -> None:
    with crowd(members=2_000, program={"caps": [{**CAP, "points": 100_099}]}, caps=["pot"]) as found:
        found.run()
        assert len(found.winners()) == 1_000
        assert found.report()["limits"][0]["left"] == 99


@pytest.mark.parametrize("shards", [1, 7])
def test_orders_and_a_campaign_that_draw_on_one_budget_stay_within_it_together(shards: int) -> None:
    double = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["pot"]}
    cap = {**CAP, "points": 50_000, "shards": shards}
    with crowd(members=1_000, program={"caps": [cap], "earning_rules": [grocer.earning_rule(), double]}, caps=["pot"]) as found:
        buyers = found.members[:200]
        for member in buyers:
            found.there.buy(member, 37)
        found.run()
        given = sum(found.there.points(member) for member in found.members) - 37 * len(buyers)
        spent = found.report()["limits"][0]["spent"]
        assert given == spent <= 50_000 < spent + POINTS


@pytest.mark.parametrize("winners", [1, 500, 1_000])
def test_a_draw_has_as_many_winners_as_were_promised_and_they_have_the_lowest_tickets(winners: int) -> None:
    drawing = {**DATE, "draw": {"seed": "announced", "winners": winners}}
    with crowd(members=5_000, trigger=drawing) as found:
        run = found.run()
        by_ticket = sorted(found.members, key=lambda member: ticket("xmas", run.period, "announced", member))
        assert sorted(found.winners()) == sorted(by_ticket[:winners])
        assert found.report()["granted"] == winners


def test_a_draw_with_fewer_members_than_winners_is_won_by_everybody() -> None:
    with crowd(members=300, trigger={**DATE, "draw": {"seed": "announced", "winners": 400}}) as found:
        found.run()
        assert len(found.winners()) == 300
