"""Silence over the published year: a campaign for whoever has not bought for 60 days, swept once a day; and who is listed."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Self

from infra.local_cloud.retail import STORE_ZONE, RetailOrder
from shared.domain.calendar import first_instant, local_day
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.member import Profile
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.subject import Grant
from tests.contract.campaigner import Campaigner, campaign
from tests.contract.ledgers import memory_place
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.fakes.memory_catalog import FixedPrograms
from tests.retail.figures import EXPECTED, SetName
from tests.retail.replay import Replay
from tests.retail.shop import DAWN, Shop, grocer_program

DAYS = 60
LAST_TICK = date(2018, 3, 31)
"""By then the last silences of the year were told. What goes on, points that expire, is other tests'."""
TICK = {"source": "aws.events", "detail-type": "Scheduled Event"}


@dataclass(frozen=True, slots=True)
class Silent:
    """How many households are silent at the end of a day: for exactly 60 days, and for at least as many; and who they are."""

    days_eq_60: int
    days_ge_60: int
    sha256_eq_60: str
    sha256_ge_60: str

    @classmethod
    def of(cls, days: dict[str, int]) -> Self:
        """Counted from the households and for how many days each is silent."""
        exactly = [household for household, silent in days.items() if silent == DAYS]
        return cls(len(exactly), len(days), _hash(exactly), _hash(days))


def _hash(households: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(f"{household}\n" for household in households)).encode()).hexdigest()


def expected_silent(name: SetName) -> dict[date, Silent]:
    """The counts of a set by day, from expected/."""
    document = json.loads((EXPECTED / "figures.json").read_text(encoding="utf-8"))[name]
    return {date.fromisoformat(day): Silent(**row) for day, row in document["inactivity"].items()}


def expected_mini_silent() -> dict[date, dict[str, int]]:
    """Which households of `mini` are silent at the end of each day, and for how many days."""
    found: dict[date, dict[str, int]] = defaultdict(dict)
    with (EXPECTED / "mini_inactive60.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[date.fromisoformat(row["as_of"])][row["customer_id"]] = int(row["days"])
    return found


class DailyClock(FakeClock):
    """A clock that stops at every local midnight on its way, for `at_dawn`."""

    def __init__(self, instant: datetime) -> None:
        self.at_dawn: Callable[[], object] = lambda: None
        self._instant = instant

    @property
    def instant(self) -> datetime:
        """Where it stands."""
        return self._instant

    @instant.setter
    def instant(self, instant: datetime) -> None:
        zone = STORE_ZONE.key
        day = local_day(self._instant, zone) + timedelta(days=1)
        while (dawn := first_instant(day, zone)) <= instant:
            self._instant = dawn
            self.at_dawn()
            day += timedelta(days=1)
        self._instant = instant


@dataclass
class Silence:
    """A year, and what the campaign gave in it. `bought` are the days on which each household bought, in order."""

    there: Campaigner
    replay: Replay
    bought: dict[str, list[date]] = field(default_factory=lambda: defaultdict(list))

    def note(self, order: RetailOrder) -> None:
        """Remember an order."""
        self.bought[order.household].append(order.occurred_at.astimezone(STORE_ZONE).date())

    def grants(self) -> Iterator[tuple[str, Grant, date]]:
        """All that the campaign gave: to which household, and on which local day it was recorded."""
        for household, member in self.replay.members.items():
            for entry in self.there.entries(member):
                if isinstance(entry.subject, Grant):
                    yield household, entry.subject, entry.recorded_on

    def given(self) -> dict[date, list[str]]:
        """Who was given the bonus on which day."""
        found: dict[date, list[str]] = defaultdict(list)
        for household, _, day in self.grants():
            found[day].append(household)
        return {day: sorted(households) for day, households in found.items()}

    def silent(self, day: date) -> dict[str, int]:
        """Who had been given the bonus by the end of a day and bought nothing since, and for how many days they were silent."""
        last = {household: day_given for household, _, day_given in self.grants() if day_given <= day}
        return {
            household: DAYS + (day - given).days
            for household, given in last.items()
            if not any(given <= bought <= day for bought in self.bought[household])
        }

    def due(self, until: date) -> dict[date, list[str]]:
        """Who must be given it on which day, from the orders alone: 60 days after one, where none came before that day."""
        found: dict[date, list[str]] = defaultdict(list)
        for household, days in self.bought.items():
            for day, following in zip(days, [*days[1:], date.max], strict=True):
                due = day + timedelta(days=DAYS)
                if due <= min(following, until):
                    found[due].append(household)
        return {day: sorted(households) for day, households in found.items()}


@contextmanager
def open_silence() -> Iterator[Silence]:
    """A shop whose campaign runs from the beginning; households enrol with their first order, and each day has one tick."""
    document = {**grocer_program(), "campaigns": [campaign(trigger={"kind": "silence", "days": DAYS})]}
    clock = DailyClock(DAWN)
    programs = FixedPrograms(ProgramVersion(1, DAWN, DAWN, parse_program(document)))
    there = Campaigner(memory_place(clock), clock, programs)
    there.act()
    machine = FakeMachine(there.handle)

    def dawn() -> None:
        if there.day <= LAST_TICK:
            there.handle(TICK)
            machine.work()

    def enrol(household: str) -> MemberId:
        member = MemberId(f"household-{household}")
        profile = Profile(member=member, customer_id=household, enrolled_at=clock.now())
        there.place.enrol(profile, request_hash("enrolment", household), None)
        return member

    with there.wired(machine):
        clock.at_dawn = dawn
        shop = Shop(there.ledger, programs, there.place.rewards, clock, enrol)
        silence = Silence(there, Replay(shop))
        silence.replay.on_order = silence.note
        yield silence
