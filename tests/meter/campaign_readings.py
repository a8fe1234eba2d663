"""What campaigns cost: a bonus of each kind and within each limit, a look at a member, a page of the sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from functions.bonuses.work_run import PAGE
from shared.domain.alarm import shard_of
from shared.domain.control import Act
from shared.domain.entry import MemberId
from shared.domain.run import Part, RunKind
from tests.contract.campaigner import BIRTHDAY, Campaigner, Document, campaign, member_of
from tests.contract.counter import MUG
from tests.contract.ledgers import dynamo_place, store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.meter.meter import Meter
from tests.meter.report import Reading

POT: Document = {"id": "pot", "currency": "points", "scope": "program", "points": 10**9}
SPENT: Document = {"id": "spent", "currency": "points", "scope": "program", "points": 10}
SHARDED: Document = {"id": "sharded", "currency": "points", "scope": "program", "points": 10**9, "shards": 7}
CAPS = [POT, SPENT, SHARDED]
DATED = {"kind": "date", "at": "2026-03-02T09:00"}
KINDS: dict[str, Document] = {
    "points": {},
    "points, under a budget": {"caps": ["pot"]},
    "points, under a budget in 7 shards": {"caps": ["sharded"]},
    "points, so many bonuses in all": {"grants_max": 10**6},
    "points, budget and number": {"caps": ["pot"], "grants_max": 10**6},
    "a multiplier": {"bonus": {"kind": "multiplier", "currency": "points", "percent": 200, "days": 30}},
    "a reward with a stock": {"bonus": {"kind": "reward", "reward": "mug"}},
    "a gift card": {"bonus": {"kind": "gift_card", "amount": 1000}},
    "a message": {"bonus": {"kind": "message"}, "template": "hello"},
}
"""Bonuses by what is told of them."""


class Shop:
    """A member who bought once and was looked at, and campaigns that run."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock = FakeClock(grocer.NOON)
        self.there = Campaigner(dynamo_place(store_of(engine), self.clock), self.clock)
        self.members = 0

    def offer(self, *campaigns: Document, **program: Any) -> None:
        """Campaigns that run."""
        self.there.offer(*campaigns, caps=CAPS, **program)
        for document in campaigns:
            self.there.act(document["id"])

    def member(self, orders: int = 1, **known: Any) -> MemberId:
        """Somebody who was looked at, bought, and was looked at again."""
        self.members += 1
        member = self.there.enrol(self.members, **known)
        self.there.visit(member)
        for _ in range(orders):
            self.there.buy(member)
        self.there.visit(member)
        return member

    def read(self, what: str, call: Callable[[], Any]) -> Reading:
        """What a call costs."""
        with Meter(self.engine.client, table=self.engine.table) as meter:
            call()
        return Reading.of(what, meter)


def grants(engine: Engine) -> Iterator[Reading]:
    """A bonus of a date's campaign, of each kind: what a run gives one member."""
    shop = Shop(engine)
    there = shop.there
    there.counter.offer(MUG, stock=10**6)
    names = {what: f"c{number}" for number, what in enumerate(KINDS)}
    shop.offer(*(campaign(**{"id": names[what], "trigger": DATED, **more}) for what, more in KINDS.items()))
    first, member = shop.member(), shop.member()
    for what, name in names.items():
        # The first bonus of all makes the counters.
        there.give(first, name)
        yield shop.read(what, lambda name=name: there.give(member, name))
    yield shop.read("points, the same again", lambda: there.give(member, "c0"))


def limits(engine: Engine) -> Iterator[Reading]:
    """The same under frequency caps, and where nothing is given."""
    shop = Shop(engine)
    there = shop.there
    caps = [{"per": "day", "count": 1}, {"per": "month", "count": 4}]
    shop.offer(
        campaign("one", DATED),
        campaign("two", DATED),
        campaign("silent"),
        campaign("spent", DATED, caps=["spent"]),
        campaign("broke", caps=["spent"]),
        campaign("held", hold_out_percent=50),
        frequency_caps=caps,
    )
    first, member, other = shop.member(), shop.member(), shop.member()
    there.give(first, "one")
    yield shop.read("points, under 2 frequency caps", lambda: there.give(member, "one"))
    yield shop.read("nothing, a frequency cap is reached", lambda: there.give(member, "two"))
    yield shop.read("nothing, a date's budget is spent", lambda: there.give(other, "spent"))
    yield shop.read("nothing, another campaign's budget is spent", lambda: there.give(other, "broke"))
    there.act("one", Act.PAUSE)
    yield shop.read("nothing, it is paused", lambda: there.give(other, "one"))


def visits(engine: Engine) -> Iterator[Reading]:
    """A look at a member: nothing is due, a silence is, points are gone, a birthday comes."""
    shop = Shop(engine)
    there = shop.there
    shop.offer(campaign(), campaign("birthday", BIRTHDAY, 100))
    born = (grocer.NOON + timedelta(days=50)).date().replace(year=1990)
    member, silent, born_then = shop.member(), shop.member(), shop.member(birth_date=born)
    yield shop.read("nothing due, the alarm stays", lambda: there.visit(member))
    shop.clock.advance(days=10)
    there.buy(member)
    shop.clock.advance(days=40)
    yield shop.read("a birthday", lambda: there.visit(born_then))
    shop.clock.advance(days=10)
    yield shop.read("nothing due, the alarm is set anew", lambda: there.visit(member))
    yield shop.read("60 days of silence", lambda: there.visit(silent))
    shop.clock.advance(days=305)
    yield shop.read("points are gone", lambda: there.visit(silent))


def pages(engine: Engine) -> Iterator[Reading]:
    """What a worker asks for beside its members, for each page."""
    shop = Shop(engine)
    there = shop.there
    shop.offer(campaign())
    numbers = [number for number in range(40 * PAGE) if shard_of(member_of(number)) == 3][: PAGE + 1]
    for number in numbers:
        there.enrol(number)
    alarms, runs = there.place.alarms, there.place.runs
    yield shop.read(f"a page of {PAGE} alarms", lambda: alarms.due(3, shop.clock.now(), PAGE))
    yield shop.read(f"a page of {PAGE} members", lambda: alarms.roster(3, PAGE))
    yield shop.read("a shard where nothing rings", lambda: alarms.due(4, shop.clock.now(), PAGE))
    run = there.run_of("we_miss_you", kind=RunKind.VISIT)
    yield shop.read("a run is begun", lambda: runs.begin(run))
    part = Part("cursor", counts={"members": 100, "we_miss_you:granted": 3})
    runs.advance(run, "3", Part(), replace(part, version=1))
    before, after = replace(part, version=1), replace(part, version=2)
    yield shop.read("how far a part has come, noted", lambda: runs.advance(run, "3", before, after))
    yield shop.read("a run is ended", lambda: runs.end(run, shop.clock.now()))
