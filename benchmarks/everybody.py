"""What a run over everybody costs each member; a sweep costs who is due: `python -m benchmarks.everybody`.

One shard of a run has 500 members, which are five whole pages; the bonuses function's real handler works it off, over
MiniStack's request handler in this process, on a warm path. Each member has bought once, was looked at since, and told their
birthday. Then the e-mail that follows a bonus. Units are counted at DynamoDB's wire by tests/meter; CPU is measured without it,
and without what the engine takes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import count, islice
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest
from rich.console import Console
from rich.table import Table

from benchmarks.page import write_section
from functions.messages import handler as messages
from shared.adapters.dynamodb.store import Backoff
from shared.domain.alarm import shard_of
from shared.domain.announcing import announced
from shared.domain.entry import MemberId
from shared.domain.member import Consent
from shared.domain.run import RunKind
from shared.domain.subject import Grant
from shared.entrypoint import outlets, wiring
from shared.entrypoint.settings import Settings
from tests.contract.campaigner import BIRTHDAY, SILENCE, Campaigner, Document, campaign, member_of
from tests.contract.ledgers import dynamo_place, store_of
from tests.engines.engine import Engine
from tests.engines.ministack import ministack_table
from tests.engines.wire import given_transport, set_transport
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.fakes.outlets import FakeMail, FakeSchedules
from tests.meter.meter import Meter

SHARD, MEMBERS = 0, 500
WINNERS = (1, 51)
DATE = {"kind": "date", "at": "2026-03-03T09:00"}
NOBODY = {"segments": ["vip"]}
WRITES, READS = 0.625, 0.125
"""Dollars for a million units, on demand, by the list prices of us-east-1 (docs/scale.md)."""
SENDER = "club@shop.example"
TEMPLATES = {"templates": {"WeMissYou": "miss"}}
console = Console()


@dataclass(frozen=True, slots=True)
class Cost:
    """What was done, and its round trips and documented units for each member."""

    what: str
    round_trips: float
    read_units: float
    write_units: float
    index_units: float

    @classmethod
    def of(cls, what: str, meter: Meter, members: int = 1) -> Self:
        """The meter's counts for each of so many members."""
        counts = (meter.round_trips, meter.read_units, meter.write_units, meter.index_write_units)
        return cls(what, *(found / members for found in counts))

    def less(self, other: Cost, times: int, what: str, members: int) -> Cost:
        """What is left of this without `times` the other, for each of so many members."""
        return Cost(what, *((mine - times * its) / members for mine, its in zip(self.counts, other.counts, strict=True)))

    @property
    def counts(self) -> tuple[float, float, float, float]:
        """Trips, reads, writes, those of indexes."""
        return self.round_trips, self.read_units, self.write_units, self.index_units

    @property
    def dollars(self) -> float:
        """What a million of them cost on DynamoDB."""
        return self.read_units * READS + (self.write_units + self.index_units) * WRITES


@dataclass(frozen=True, slots=True)
class Pace:
    """CPU seconds that a worker took for so many members: function, domain, adapters and SDK."""

    what: str
    members: int
    seconds: float


def main() -> int:
    """Run the benchmark; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.everybody", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--report", type=Path, metavar="PAGE", help="put the tables into this Markdown page as well")
    arguments = parser.parse_args()
    # What it prints are figures for alarms.
    with contextlib.redirect_stdout(io.StringIO()):
        costs, paces = measure_runs()
        mails = list(measure_mails())
    tables = [_costs_table([*costs, *mails]), _paces_table(paces)]
    for table in tables:
        console.print(table)
    console.print(text := _text())
    if arguments.report:
        write_section(arguments.report, "everybody", "A run over everybody", text, tables)
        console.print(f"written to {arguments.report}")
    return 0


@dataclass(frozen=True)
class Town:
    """A place on MiniStack, its program, and everybody who lives there."""

    engine: Engine
    there: Campaigner
    clock: FakeClock

    def meter(self) -> Meter:
        """Counts while it is entered."""
        return Meter(self.engine.client, table=self.engine.table)

    def settle(self, number: int, **known: Any) -> MemberId:
        """A member who buys once and is looked at."""
        member = self.there.enrol(number, **known)
        self.there.buy(member)
        self.there.visit(member)
        return member

    def work(self, id: str | None, kind: RunKind, period: str = "once") -> None:
        """Work off a shard of a run."""
        run = replace(self.there.run_of(id or "-", period, kind), campaign=id)
        assert self.there.place.runs.begin(run) is not None
        with self.there.wired(FakeMachine(self.there.handle)):
            answer = self.there.handle({"task": "shard", "run": run.name, "shard": SHARD})
        assert answer["done"], answer

    @contextlib.contextmanager
    def without_engine(self) -> Iterator[Callable[[], float]]:
        """Tells the CPU seconds so far of all but the engine."""
        send, spent = given_transport(self.engine.client), 0.0
        assert send is not None

        def timed(request: AWSPreparedRequest) -> Any:
            nonlocal spent
            before = time.process_time()
            try:
                return send(request)
            finally:
                spent += time.process_time() - before

        begun = time.process_time()
        set_transport(self.engine.client, timed)
        try:
            yield lambda: time.process_time() - begun - spent
        finally:
            set_transport(self.engine.client, send)


def measure_runs() -> tuple[list[Cost], list[Pace]]:
    """What each kind of run costs a member, and how fast one worker is."""
    campaigns = [campaign("all", DATE), campaign("again", DATE), campaign("nobody", DATE, audience=NOBODY)]
    campaigns += [campaign(f"draw_{n}", {**DATE, "draw": {"seed": "advent", "winners": n}}) for n in WINNERS]
    # What a visit has to think about.
    campaigns += [campaign("birthday", BIRTHDAY), campaign("silence", SILENCE)]
    with _town(*campaigns) as town:
        for number in islice((n for n in count() if shard_of(member_of(n)) == SHARD), MEMBERS):
            town.settle(number, birth_date=date(1990, 5 + number % 6, 1 + number % 28))
        town.clock.advance(days=1)
        costs = []
        for what, id, kind in (
            ("a date's dry run", "all", RunKind.DRY_RUN),
            ("a date, 50 points", "all", RunKind.CAMPAIGN),
            ("a date, not in the audience", "nobody", RunKind.CAMPAIGN),
            ("a visit, nothing due", None, RunKind.VISIT),
        ):
            with town.meter() as meter:
                town.work(id, kind)
            costs.append(Cost.of(what, meter, MEMBERS))
        costs += _draw(town)
        paces = []
        for what, id, kind in (
            ("a date, 50 points", "again", RunKind.CAMPAIGN),
            ("a visit, nothing due", None, RunKind.VISIT),
        ):
            with town.without_engine() as spent:
                town.work(id, kind, "timed")
                paces.append(Pace(what, MEMBERS, spent()))
    return costs, paces


def _draw(town: Town) -> list[Cost]:
    """A draw goes through all ids, and looks at as many members as there are to be winners and ten more: two equations."""
    found = []
    for winners in WINNERS:
        with town.meter() as meter:
            town.work(f"draw_{winners}", RunKind.CAMPAIGN)
        found.append(Cost.of("a draw", meter))
    few, many = found
    candidate = many.less(few, 1, "a draw, one of the lowest tickets", WINNERS[1] - WINNERS[0])
    return [few.less(candidate, WINNERS[0] + 10, "a draw, any other", MEMBERS), candidate]


def measure_mails() -> Iterator[Cost]:
    """What the e-mail about a bonus costs beside SES: the event that is mailed, and the one that says the same."""
    with _town(campaign("silence", SILENCE), messages=TEMPLATES) as town:
        told = {"marketing": Consent(granted=True, at=town.clock.now())}
        member = town.settle(1, email="ada@example.com", consents=told)
        town.clock.advance(days=60)
        town.there.visit(member)
        [entry] = [entry for entry in town.there.entries(member) if isinstance(entry.subject, Grant)]
        events = {event.type.value: event for event in announced(entry)}
        for what, type, state in (
            ("an e-mail", "WeMissYou", "sent"),
            ("an event without a template", "BonusGranted", "declined"),
        ):
            call = {"detail-type": type, "detail": json.loads(json.dumps(events[type].told()))}
            with _mailing(town), town.meter() as meter:
                answer = messages.handler(call, None)
            assert answer["state"] == state, answer
            yield Cost.of(what, meter)


@contextlib.contextmanager
def _mailing(town: Town) -> Iterator[None]:
    """The messages function works over the town, and its mail goes nowhere."""
    settings = Settings(table=town.engine.table, stage="local", sender=SENDER)
    wired = wiring.wire(settings, town.engine.client, town.clock, Backoff())
    wired = replace(wired, programs=town.there.programs)
    reached = {"mail": FakeMail, "schedules": FakeSchedules, "real_clock": lambda: town.clock, "named": lambda name: name}
    level = messages.logger.log_level
    messages.logger.setLevel("CRITICAL")
    try:
        with patch.object(wiring, "wired", lambda: wired), patch.multiple(outlets, **reached):
            yield
    finally:
        messages.logger.setLevel(level)


@contextlib.contextmanager
def _town(*campaigns: Document, **program: Any) -> Iterator[Town]:
    """A town in which these campaigns were started."""
    clock = FakeClock(grocer.NOON)
    with ministack_table(product_client) as engine:
        there = Campaigner(dynamo_place(store_of(engine), clock), clock)
        there.offer(*campaigns, **program)
        for document in campaigns:
            there.act(document["id"])
        yield Town(engine, there, clock)


def _costs_table(costs: list[Cost]) -> Table:
    table = _table("What each member costs", "what", "trips", "reads", "writes", "index", "dollars")
    table.caption = "units by the documented rules; dollars: of a million members, DynamoDB alone, list prices of us-east-1"
    for cost in costs:
        table.add_row(cost.what, *(f"{found:,.3f}".rstrip("0").rstrip(".") for found in cost.counts), f"{cost.dollars:,.2f}")
    return table


def _paces_table(paces: list[Pace]) -> Table:
    table = _table("CPU of a worker", "what", "milliseconds a member", "members a CPU second")
    table.caption = "with the SDK, without DynamoDB"
    for pace in paces:
        table.add_row(pace.what, f"{1_000 * pace.seconds / pace.members:.1f}", f"{pace.members / pace.seconds:,.0f}")
    return table


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _text() -> str:
    return (
        f"A shard of {MEMBERS} members of each kind of run; the program has seven campaigns, two of which visits think about. "
        "A sweep costs who is due, at any number of members; these cost everybody. CPU is this machine's, busy with other work "
        f"besides; Python {sys.version_info.major}.{sys.version_info.minor}."
    )


if __name__ == "__main__":
    sys.exit(main())
