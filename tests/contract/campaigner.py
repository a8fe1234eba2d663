"""Somebody who runs campaigns over a place: offers, starts and stops them, gives, sweeps; by the product's own use cases."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from functions.bonuses import handler as bonuses
from functions.bonuses.visit_member import Giver, visit_wanted
from shared.domain.audit import Break, audit
from shared.domain.calendar import local_day
from shared.domain.campaign import Campaign
from shared.domain.control import Act, CampaignState, Control, Step
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, MemberId
from shared.domain.granting import Offer
from shared.domain.member import Profile
from shared.domain.moments import Moment
from shared.domain.program import ProgramVersion, in_force
from shared.domain.run import Run, RunKind
from shared.domain.running import offer_of
from shared.domain.standing import course_now
from shared.domain.subject import Grant
from shared.domain.visiting import Visit
from shared.entrypoint import outlets, wiring
from shared.entrypoint.settings import Settings
from shared.ports import Ledger
from tests.contract.counter import Counter
from tests.contract.ledgers import Place
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.memory_catalog import FixedPrograms

SILENCE = {"kind": "silence", "days": 60}
BIRTHDAY = {"kind": "birthday"}
Document = dict[str, Any]


def campaign(id: str = "we_miss_you", trigger: Document = SILENCE, points: int = 50, **more: Any) -> Document:
    """A campaign's document: so many points."""
    return {
        "id": id,
        "name": id,
        "owner": "crm",
        "reason": "a test",
        "trigger": trigger,
        "bonus": {"kind": "points", "currency": "points", "points": points},
        **more,
    }


def member_of(number: int | str) -> MemberId:
    """The id of a member by number."""
    return MemberId(f"01HMEMBER{number:>017}")


class Context:
    """A Lambda's context; `pages` is how often it says that there is time left."""

    def __init__(self, pages: int = 10**9) -> None:
        self.pages = pages

    def get_remaining_time_in_millis(self) -> int:
        """Enough for a page, or nothing."""
        self.pages -= 1
        return 300_000 if self.pages >= 0 else 0


@dataclass
class Campaigner:
    """A place and its clock, with a program."""

    place: Place
    clock: FakeClock
    programs: FixedPrograms = field(default_factory=lambda: FixedPrograms(grocer.version()))
    orders: int = 0

    @property
    def ledger(self) -> Ledger:
        """The place's ledger."""
        return self.place.ledger

    @property
    def versions(self) -> Sequence[ProgramVersion]:
        """The program's."""
        return self.programs.versions()

    @property
    def version(self) -> ProgramVersion:
        """The version that is in force."""
        return in_force(self.versions, self.clock.now())

    @property
    def counter(self) -> Counter:
        """A till over the same place."""
        return Counter(self.place, self.programs, random.Random(self.orders))

    def offer(self, *campaigns: Document, **program: Any) -> None:
        """Put a program with these campaigns into force, as it always had been."""
        self.programs.add(grocer.version(len(self.versions) + 1, campaigns=list(campaigns), **program))

    def act(self, id: str = "we_miss_you", act: Act = Act.START) -> Control:
        """Do something with a campaign, as an operator does."""
        document, zone = self.document(id), self.version.program.time_zone
        step = Step(act, self.clock.now(), "operator-1", "a test")
        return self.place.campaigns.change(id, lambda control: control.after(step, document, zone))

    def state(self, id: str = "we_miss_you") -> CampaignState:
        """Where a campaign stands."""
        control = self.place.campaigns.controls([id])[id]
        return control.state(self.document(id), self.version.program.time_zone, self.clock.now())

    def document(self, id: str) -> Campaign:
        """A campaign as the program has it."""
        return self.version.program.campaigns_by_id[id]

    def enrol(self, number: int | str, at: datetime | None = None, **known: Any) -> MemberId:
        """A member who enrolls now, or did `at`; `known` is what else their profile holds."""
        member = member_of(number)
        profile = Profile(member=member, customer_id=f"customer-{number}", enrolled_at=at or self.clock.now(), **known)
        self.place.enrol(profile, request_hash("enrolment", profile), None)
        return member

    def buy(self, member: MemberId, dollars: int = 10) -> Entry:
        """An order, now."""
        self.orders += 1
        return self.counter.buy(f"order-{self.orders}", dollars, member_id=member)

    def giver(self, ledger: Ledger | None = None) -> Giver:
        """Whoever gives, now, over the place's ledger or another way to it."""
        place = self.place
        now, rng = self.clock.now(), random.SystemRandom()
        return Giver(ledger or place.ledger, place.campaigns, place.alarms, lambda: self.versions, now, rng)

    def offered(self, id: str = "we_miss_you", period: str = "p1", **more: Any) -> Offer:
        """A campaign that comes for somebody, as due now for `period`."""
        moment = Moment(period, self.clock.now(), self.day)
        return Offer(self.document(id), self.version, course_now(self.versions, self.clock.now()), moment, **more)

    def give(self, member: MemberId, id: str = "we_miss_you", period: str = "p1", ledger: Ledger | None = None) -> str:
        """Give a campaign's bonus for a period; "granted", or why nothing is given."""
        return self.giver(ledger).give(member, self.offered(id, period), self.day)

    def visit(self, member: MemberId) -> dict[str, int]:
        """Do what is due for a member, and set their alarms."""
        return dict(self.giver().visit(member))

    def seen(self, member: MemberId) -> Visit:
        """A member as a visit finds them."""
        return Visit(self.ledger.view(member, visit_wanted(self.versions, self.clock.now())), self.versions)

    def run_of(self, id: str, period: str = "p1", kind: RunKind = RunKind.CAMPAIGN, **more: Any) -> Run:
        """A run that begins now."""
        now = self.clock.now()
        return Run(kind=kind, campaign=id, period=period, version=self.version.version, due_at=now, started_at=now, **more)

    def drawing(self, run: Run) -> Offer:
        """What a dated run brings."""
        return offer_of(run, self.document(run.campaign or ""), self.versions, self.version, self.clock.now())

    @property
    def day(self) -> date:
        """The local day."""
        return local_day(self.clock.now(), grocer.ZONE)

    def entries(self, member: MemberId) -> list[Entry]:
        """All that was posted for a member, oldest first."""
        return self.counter.entries(member)

    def grants(self, member: MemberId) -> list[Grant]:
        """What campaigns gave a member, oldest first."""
        return [entry.subject for entry in self.entries(member) if isinstance(entry.subject, Grant)]

    def points(self, member: MemberId) -> int:
        """A member's balance."""
        return self.ledger.view(member).wallet.purse("points").balance

    def tally(self, id: str = "we_miss_you", period: str = "ever") -> dict[str, int]:
        """What is counted of a campaign."""
        return dict(self.place.campaigns.tallies(id).get(period, {}))

    def breaks(self, *members: MemberId) -> list[Break]:
        """What the proof of the ledger finds wrong with the members' books, whatever moments the tests made up."""
        return [b for m in members for b in audit(self.ledger.view(m).wallet, self.entries(m))]

    def handle(self, event: Document, context: Context | None = None) -> Document:
        """What the bonuses function answers."""
        return bonuses.handler(event, context or Context())

    @contextmanager
    def wired(self, machine: Any) -> Iterator[None]:
        """The bonuses function's real handler works over the place, and `machine` is what it starts."""
        place = self.place
        found = SimpleNamespace(
            settings=Settings(table="none", stage="local"),
            ledger=place.ledger,
            attempts=place.codes,
            campaigns=place.campaigns,
            alarms=place.alarms,
            runs=place.runs,
            budgets=place.budgets,
            rewards=place.rewards,
            programs=self.programs,
            clock=self.clock,
            code_rng=random.Random(7),
        )
        level = bonuses.logger.log_level
        bonuses.logger.setLevel("CRITICAL")
        try:
            with patch.object(wiring, "wired", lambda: found), patch.object(outlets, "machine", lambda: machine):
                yield
        finally:
            bonuses.logger.setLevel(level)
