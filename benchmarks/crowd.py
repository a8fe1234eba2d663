"""Members by the million in memory, each silent for a while, and the sweep of one morning: how many units it asks for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from shared.adapters.dynamodb.items import to_wire, wallet_item
from shared.adapters.dynamodb.profiles import profile_item
from shared.domain.calendar import first_instant
from shared.domain.entry import EntryKey
from shared.domain.member import Profile
from shared.domain.wallet import Wallet
from tests.contract.campaigner import Campaigner, campaign, member_of
from tests.contract.ledgers import dynamo_place, memory_place, place_over, store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.meter.memory_meter import MeteredAlarms, MeteredCampaigns, MeteredLedger, Units
from tests.meter.meter import Meter

DAYS = 60
TODAY = grocer.NOON.date()
TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}


@dataclass(frozen=True, slots=True)
class Morning:
    """What the sweep of one morning did: `due` of `members` were given a bonus, in `seconds` of this process's CPU."""

    members: int
    due: int
    units: Units
    seconds: float

    @classmethod
    def of(cls, members: int, due: int, seconds: float, *parts: Any) -> Self:
        """`parts` are meters; their counts together."""
        total = Units()
        for part in parts:
            total.round_trips += part.round_trips
            total.read_units += part.read_units
            total.write_units += part.write_units
            total.index_write_units += part.index_write_units
        return cls(members, due, total, seconds)


@dataclass(frozen=True)
class Silent:
    """A wallet and a profile for each number of days since the last order, as the product itself made them."""

    by_age: dict[int, tuple[Wallet, Profile]]

    @classmethod
    def grown(cls) -> Self:
        """Each member enrols, is looked at, buys once, and is left alone."""
        found = {}
        for age in range(1, DAYS + 1):
            clock = FakeClock(grocer.NOON - timedelta(days=age))
            there = Campaigner(memory_place(clock), clock)
            there.offer(campaign())
            there.act()
            member = there.enrol(0)
            there.visit(member)
            there.buy(member)
            view = there.seen(member).view
            assert view.profile is not None
            found[age] = view.wallet, view.profile
        return cls(found)

    def member(self, number: int, age: int) -> tuple[Wallet, Profile]:
        """Another member who is silent for so long."""
        wallet, profile = self.by_age[age]
        member = member_of(number)
        last = EntryKey(f"purchase:order-{number:07}")
        return (
            replace(wallet, member=member, last_key=last),
            replace(profile, member=member, customer_id=f"customer-{number:07}"),
        )

    def crowd(self, members: int, due: int) -> Iterator[tuple[Wallet, Profile]]:
        """So many members: the first ones are due today, whoever else there is on the days after."""
        for number in range(members):
            yield self.member(number, DAYS if number < due else 1 + number % (DAYS - 1))


def morning(members: int, due: int, engine: Engine, silent: Silent) -> Morning:
    """The sweep of a morning in memory; runs and how far they have come are kept on `engine`, and counted at its wire."""
    clock = FakeClock(grocer.NOON)
    ledger = MeteredLedger(clock)
    ledger.metered = False
    place = place_over(ledger)
    stored = dynamo_place(store_of(engine), clock)
    place = replace(place, alarms=MeteredAlarms(ledger), campaigns=MeteredCampaigns(ledger), runs=stored.runs)
    there = Campaigner(place, clock)
    _prepare(there)
    for wallet, profile in silent.crowd(members, due):
        ledger.wallets[wallet.member] = wallet
        ledger.profiles[profile.member] = profile
    ledger.metered, ledger.units = True, Units()
    with Meter(engine.client, table=engine.table) as meter:
        seconds = _dawn(there)
    ledger.metered = False
    assert len(ledger.posted) == due
    return Morning.of(members, due, seconds, ledger.units, meter)


def stored_morning(members: int, due: int, engine: Engine, silent: Silent) -> Morning:
    """The same with everything on `engine`, counted at its wire."""
    clock = FakeClock(grocer.NOON)
    there = Campaigner(dynamo_place(store_of(engine), clock), clock)
    _prepare(there)
    for wallet, profile in silent.crowd(members, due):
        for item in (wallet_item(wallet), profile_item(profile)):
            engine.client.put_item(TableName=engine.table, Item=to_wire(item))
    with Meter(engine.client, table=engine.table) as meter:
        seconds = _dawn(there)
    assert there.tally().get("granted", 0) == due
    return Morning.of(members, due, seconds, meter)


def _prepare(there: Campaigner) -> None:
    """The campaign runs since long ago, and the first tick of all, which looks at everybody, is over."""
    there.offer(campaign())
    there.clock.instant = grocer.NOON - timedelta(days=DAYS + 30)
    there.act()
    machine = FakeMachine(there.handle)
    with there.wired(machine):
        there.handle(TICK)
        machine.work()


def _dawn(there: Campaigner) -> float:
    """The tick of the morning and all that it starts; seconds of CPU."""
    there.clock.instant = first_instant(TODAY, grocer.ZONE)
    machine = FakeMachine(there.handle)
    with there.wired(machine):
        before = time.process_time()
        there.handle(TICK)
        machine.work()
        return time.process_time() - before
