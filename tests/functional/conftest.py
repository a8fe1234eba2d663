"""A stage in memory: one table, the grocer's program, two members, and callers with their tokens."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.adapters.dynamodb.donations import charity_month_of
from shared.adapters.dynamodb.items import entry_of, from_wire, wallet_of
from shared.adapters.dynamodb.rewards import stock_of
from shared.adapters.dynamodb.store import Backoff, Store
from shared.adapters.dynamodb.table import charity_pk
from shared.audit.campaigns import campaign_counts, passed_of, tally_of
from shared.audit.counted import budget_of, versions_of
from shared.domain.audit import Break, audit, unmatched
from shared.domain.calendar import local_day
from shared.domain.cap import BudgetKey
from shared.domain.entry import MemberId
from shared.domain.member import Login, Profile
from shared.domain.program import ProgramVersion
from shared.domain.tallies import CampaignPeriod, MonthOf, Tallies
from shared.entrypoint import outlets, wiring
from shared.entrypoint.settings import Settings
from tests.engines.engine import Engine
from tests.engines.ministack import ministack_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.fakes.outlets import FakeBus, FakeSchedules
from tests.functional.api import MEMBER, MEMBER_ISSUER, OPERATOR, POS, Caller


@dataclass
class Stage:
    """What stands behind the API, for a test's own look at it."""

    wiring: wiring.Wiring
    store: Store
    forged: bool = False
    """Whether the test wrote to the ledger past it, so that its books cannot balance."""

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table, in the order of its keys."""
        page = self.store.client.scan(TableName=self.store.table, ConsistentRead=True)
        assert "LastEvaluatedKey" not in page, "a test's table fits one page"
        return sorted(page["Items"], key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def breaks(self) -> list[Break]:
        """What the proof of the ledger finds wrong with the books of this stage."""
        items = [from_wire(item) for item in self.items()]
        entries = sorted((entry_of(item) for item in items if "seq" in item and "kind" in item), key=lambda e: e.sequence)
        wallets = [wallet_of(item) for item in items if item["sk"] == "WALLET"]
        books = {wallet.member: [entry for entry in entries if entry.member == wallet.member] for wallet in wallets}
        versions = versions_of(self.store)
        found = [found for wallet in wallets for found in audit(wallet, books[wallet.member], versions)]
        found += unmatched(entries)
        return found + self._miscounts(items, Tallies.of(books.values(), versions))

    def _miscounts(self, items: list[dict[str, Any]], tallies: Tallies) -> list[Break]:
        """Which stocks, budgets and charities' totals the entries do not make."""
        day = local_day(self.wiring.clock.now(), grocer.ZONE)
        stocks = {stock.reward: stock for stock in (stock_of(item) for item in items if item["sk"] == "STOCK")}
        months = [charity_month_of(item) for item in items if item["pk"].startswith(charity_pk(""))]
        given = {MonthOf.of(month): month.given for month in months}
        breaks = [tallies.stock_break(reward, stocks.get(reward), day) for reward in stocks.keys() | tallies.rewards()]
        breaks += [tallies.charity_break(place, given.get(place)) for place in given.keys() | tallies.given.keys()]
        spent: Counter[BudgetKey] = Counter()
        for item in items:
            if item["pk"].startswith("BUDGET#"):
                spent[budget_of(item)._replace(shard=0)] += int(item["spent"])
        breaks += [tallies.budget_break(budget, spent[budget]) for budget in spent.keys() | tallies.drawn.keys()]
        given_of: dict[CampaignPeriod, Counter[str]] = {}
        for item in items:
            if place := tally_of(item):
                given_of.setdefault(place, Counter()).update(campaign_counts(item))
            elif marker := passed_of(item):
                tallies.pass_over(*marker)
        campaigns = given_of.keys() | tallies.campaigns.keys()
        breaks += [tallies.campaign_break(*place, given_of.get(place, Counter())) for place in campaigns]
        return [found for found in breaks if found]

    def activate(self, version: ProgramVersion) -> None:
        """Put a version into force without waiting."""
        self.wiring.programs.add(version)


@pytest.fixture
def clock() -> FakeClock:
    """Stands at noon."""
    return FakeClock(grocer.NOON)


@pytest.fixture(autouse=True)
def bus(monkeypatch: pytest.MonkeyPatch) -> FakeBus:
    """The stage's event bus."""
    bus = FakeBus()
    monkeypatch.setattr(outlets, "bus", lambda: bus)
    return bus


@pytest.fixture(autouse=True)
def schedules(monkeypatch: pytest.MonkeyPatch) -> FakeSchedules:
    """Calls of the stage's functions at times to come."""
    schedules = FakeSchedules()
    monkeypatch.setattr(outlets, "schedules", lambda: schedules)
    for name, value in {"TABLE": "ledger", "STAGE": "local", "BONUSES": "arn:bonuses"}.items():
        monkeypatch.setenv(f"LAUREL_{name}", value)
    return schedules


@pytest.fixture(autouse=True)
def idle_machine(monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    """A state machine that has nobody to work for it."""
    machine = FakeMachine(lambda work: {**work, "done": True})
    monkeypatch.setattr(outlets, "machine", lambda: machine)
    return machine


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An empty table on MiniStack, in process: half the time of moto, and stricter."""
    with ministack_table(product_client) as engine:
        yield engine


@pytest.fixture
def make_stage(engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    """Wires the handlers to a stage over the table: `make_stage(sandbox=True)`, `make_stage(client=...)`."""

    def make(*, sandbox: bool = False, client: Any = None) -> Stage:
        settings = Settings(table=engine.table, stage="local", sandbox=sandbox)
        backoff = Backoff(sleep=lambda _: None, rng=random.Random(1))
        wired = wiring.wire(settings, client or engine.client, clock, backoff)
        monkeypatch.setattr(wiring, "wired", lambda: wired)
        return Stage(wired, Store(engine.client, engine.table, backoff))

    return make


@pytest.fixture
def bare_stage(make_stage: Callable[..., Stage]) -> Iterator[Stage]:
    """A stage right after its deployment, nothing in it; at the end of every test its books must balance."""
    stage = make_stage()
    yield stage
    assert stage.forged or stage.breaks() == []


@pytest.fixture
def stage(bare_stage: Stage) -> Stage:
    """A stage with the grocer's program, Ada and Bob."""
    bare_stage.activate(grocer.version())
    for member, name in ((grocer.ADA, "ada"), (grocer.BOB, "bob")):
        bare_stage.wiring.members.enrol(profile(member, name), name.encode() * 8)
    return bare_stage


def profile(member: MemberId, name: str) -> Profile:
    """A member who enrolled when the program began."""
    return Profile(
        member=member,
        customer_id=f"customer-{name}",
        enrolled_at=grocer.OPENED,
        email=f"{name}@example.com",
        login=Login(MEMBER_ISSUER, f"sub-{name}"),
    )


@pytest.fixture
def till(stage: Stage) -> Caller:
    """A point of sale."""
    return Caller(POS)


@pytest.fixture
def operator(stage: Stage) -> Caller:
    """Someone of the shop's staff."""
    return Caller(OPERATOR, subject="operator-1")


@pytest.fixture
def ada(stage: Stage) -> Caller:
    """Ada with her phone."""
    return Caller(MEMBER, MEMBER_ISSUER, "sub-ada")


@pytest.fixture
def bob(stage: Stage) -> Caller:
    """Bob with his."""
    return Caller(MEMBER, MEMBER_ISSUER, "sub-bob")


@pytest.fixture
def stranger(stage: Stage) -> Caller:
    """Someone who can sign in and is no member."""
    return Caller(MEMBER, MEMBER_ISSUER, "sub-nobody")
