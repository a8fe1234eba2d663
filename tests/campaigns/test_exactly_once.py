"""Sixty days of silence, ten thousand members, fifty points each: given exactly once, and exactly what the dry run said.

The workers are killed in the middle, the run is started again twice, and whatever is delivered is delivered twice, to eight
workers at once. The functions are the real ones; the ledger is the one in memory that passes the contract suite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from shared.domain.audit import audit
from shared.domain.calendar import first_instant
from shared.domain.entry import MemberId
from shared.domain.run import RunKind
from tests.campaigns.storm import Killed, MortalLedger, StormyMachine, impatient_threads
from tests.contract.campaigner import Campaigner, Document, campaign
from tests.contract.ledgers import place_over
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import NOON
from tests.functional.api import OPERATOR, Caller

MEMBERS, POINTS, KILLED_AFTER = 10_000, 50, 6_213
CAMPAIGN = "/v1/campaigns/we_miss_you"
CURRENCY = {"code": "points", "expiry": {"after": 365, "rounded_to": "day"}, "cost": {"points": 1, "minor_units": 1}}
TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}


@dataclass
class Town:
    """Members who were silent for 60 days, and the machinery."""

    there: Campaigner
    ledger: MortalLedger
    machine: StormyMachine
    members: list[MemberId]
    operator: Caller

    def tick(self, times: int = 1) -> None:
        """The standing tick, so many times, and all that it starts."""
        for _ in range(times):
            self.there.handle(TICK)
        with impatient_threads():
            self.machine.work()

    def days(self, count: int) -> None:
        """Days pass; each has a tick."""
        for _ in range(count):
            self.there.clock.advance(days=1)
            self.tick()

    def given(self) -> int:
        """Bonuses in the ledger."""
        return sum(str(key).startswith("grant:") for key in self.ledger.posted)

    def report(self) -> Document:
        """What the operator is told."""
        found: Document = self.operator.get(f"{CAMPAIGN}/report").json
        return found


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """Ten thousand members bought 60 days ago. Some were looked at since, as everybody who enrols is."""
    clock = FakeClock(NOON)
    ledger = MortalLedger(clock)
    there = Campaigner(place_over(ledger), clock)
    there.offer(campaign(points=POINTS), currencies=[CURRENCY])
    machine = StormyMachine(there.handle)
    with there.wired(machine):
        members = [there.enrol(number) for number in range(MEMBERS)]
        for member in members:
            there.buy(member, 10)
        town = Town(there, ledger, machine, members, Caller(OPERATOR, subject="operator-1"))
        town.tick()
        clock.advance(days=60)
        yield town


def test_ten_thousand_are_given_exactly_what_the_dry_run_said(town: Town) -> None:
    there, machine = town.there, town.machine
    started = town.operator.post(f"{CAMPAIGN}/dry-runs", {"breakage_percent": 20}).json
    machine.work()
    dry = town.operator.get(f"{CAMPAIGN}/dry-runs/{started['period']}").json
    assert (dry["state"], dry["looked_at"], dry["members"]) == ("done", MEMBERS, MEMBERS)
    assert dry["points"] == [{"currency": "points", "given": 500_000, "taken_back": 0, "cost": 400_000}]
    assert (dry["cost"], dry["money_currency"]) == (400_000, "USD")
    assert (town.given(), town.report()["granted"]) == (0, 0)

    # The campaign starts, and the workers are killed.
    there.act()
    town.ledger.last = KILLED_AFTER
    with pytest.raises(Killed):
        town.tick()
    town.ledger.last = None
    assert town.given() == town.report()["granted"] == KILLED_AFTER

    # An hour later, and once more, the tick starts the whole run again; ticks come more often than they need to.
    for _ in range(2):
        there.clock.advance(minutes=61)
        for _ in range(3):
            there.handle(TICK)
    runs = [run for run in there.place.runs.of("we_miss_you") if run.kind is RunKind.VISIT]
    assert [(run.attempt, run.ended_at) for run in runs] == [(3, None)]
    assert [attempt for name, attempt in machine.executions if name == runs[0].name] == [1, 2, 3]
    town.tick(2)
    assert there.place.runs.going() == []
    assert machine.calls > 32 * 2 * 2

    # Everybody has their bonus, once; the report says so, and agrees with the dry run.
    assert town.given() == MEMBERS
    given = town.report()
    assert {part: given[part] for part in ("granted", "points", "rewards", "gift_cards", "multipliers")} == {
        "granted": dry["granted"],
        "points": [{**dry["points"][0], "cost": 500_000}],
        "rewards": [],
        "gift_cards": [],
        "multipliers": 0,
    }
    assert sum(there.points(member) for member in town.members) == MEMBERS * (10 + POINTS)
    assert {len(there.grants(member)) for member in town.members} == {1}
    for member in town.members[::100]:
        assert list(audit(there.ledger.view(member).wallet, there.entries(member), there.versions)) == []

    # Nothing comes again until there was something, and 60 days.
    town.days(20)
    assert town.given() == MEMBERS
    back = town.members[::20]
    for member in back:
        there.buy(member, 10)
    town.days(59)
    assert town.given() == MEMBERS
    there.clock.instant = grocer_midnight(there)
    town.tick()
    assert town.given() == MEMBERS + len(back)
    assert all(len(there.grants(member)) == (2 if number % 20 == 0 else 1) for number, member in enumerate(town.members))
    town.days(61)
    assert town.given() == town.report()["granted"] == MEMBERS + 500


def grocer_midnight(there: Campaigner) -> datetime:
    """The start of tomorrow where the shop is."""
    return first_instant(there.day + timedelta(days=1), grocer.ZONE)
