"""A sweep over more members than a tick looks at itself: one at a time, and whoever rings meanwhile comes after it."""

from __future__ import annotations

from shared.domain.run import RunKind
from tests.campaigns.storm import StormyMachine
from tests.contract.campaigner import Campaigner, campaign
from tests.contract.ledgers import memory_place
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import NOON

TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}


def test_ticks_that_come_while_a_sweep_is_under_way_begin_no_other() -> None:
    clock = FakeClock(NOON)
    there = Campaigner(memory_place(clock), clock)
    there.offer(campaign(trigger={"kind": "silence", "days": 1}))
    there.act()
    machine = StormyMachine(there.handle)
    with there.wired(machine):
        members = [there.enrol(number) for number in range(1_500)]
        for _ in range(3):
            there.handle(TICK)
            clock.advance(minutes=15)
        sweeps = [run for run in there.place.runs.of("SWEEP") if run.kind is RunKind.SWEEP]
        assert len(sweeps) == 1
        late = [there.enrol(number) for number in range(1_500, 1_900)]
        machine.work()
        assert there.place.runs.going() == []
        # The next tick finds those who rang too late for it.
        there.handle(TICK)
        machine.work()
        clock.advance(days=1)
        there.handle(TICK)
        machine.work()
        assert {len(there.grants(member)) for member in (*members, *late)} == {1}
