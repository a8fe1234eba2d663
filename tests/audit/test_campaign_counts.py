"""The proof holds what is counted of campaigns, and alarms, to the entries of a stage: each is falsified once here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.dynamodb.items import to_wire
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import (
    Key,
    budget_key,
    entry_key,
    grants_tally_key,
    passed_key,
    wallet_key,
)
from shared.audit.__main__ import prove
from shared.audit.books import Books
from shared.audit.counted import add_markers, counted_break, versions_of
from shared.domain.audit import Break
from shared.domain.cap import BudgetKey
from shared.domain.entry import MemberId, grant_key
from shared.domain.rule_audit import Rulebook
from shared.domain.tallies import Tallies
from tests.audit.test_counted import BusyStore
from tests.contract.campaigner import Campaigner, campaign
from tests.contract.ledgers import dynamo_place, store_of
from tests.engines.ministack import ministack_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock

GRANTS = BudgetKey("grants:we_miss_you", None)
PERIOD = (grocer.NOON - timedelta(days=70)).date().isoformat()
SHARDS = 32


@dataclass
class Shop:
    """A stage on which one member was given a bonus, and two were passed over."""

    store: Store
    campaigner: Campaigner
    members: list[MemberId]

    @property
    def tally(self) -> Key:
        """The shard of the counters that counts the bonus."""
        keys = [grants_tally_key("we_miss_you", "ever", shard) for shard in range(SHARDS)]
        return next(key for key in keys if "granted" in (self.store.get(key) or {}))

    @property
    def marker(self) -> Key:
        """The marker of a member who was passed over."""
        keys = [passed_key("we_miss_you", PERIOD, member) for member in self.members]
        return next(key for key in keys if self.store.get(key))

    @property
    def given(self) -> MemberId:
        """Who was given the bonus."""
        return next(member for member in self.members if self.campaigner.grants(member))

    def change(self, key: Key, **changes: Any) -> None:
        """Write past the ledger."""
        item = {**(self.store.get(key) or key), **changes}
        self.store.client.put_item(TableName=self.store.table, Item=to_wire(item))

    def drop(self, key: Key, *names: str) -> None:
        """Drop an item past the ledger, or some of its attributes."""
        if names:
            item = {name: value for name, value in (self.store.get(key) or key).items() if name not in names}
            self.store.client.put_item(TableName=self.store.table, Item=to_wire(item))
        else:
            self.store.client.delete_item(TableName=self.store.table, Key=to_wire(key))


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Three were silent for 60 days, and there was one bonus; each bought something before."""
    with ministack_table(product_client) as engine:
        store, clock = store_of(engine), FakeClock(grocer.NOON - timedelta(days=70))
        campaigner = Campaigner(dynamo_place(store, clock), clock)
        campaigner.offer(campaign(grants_max=1))
        for version in campaigner.versions:
            DynamoPrograms(store, 0).add(version)
        campaigner.act()
        members = [campaigner.enrol(number) for number in range(3)]
        for member in members:
            campaigner.buy(member)
            campaigner.visit(member)
        clock.instant = grocer.NOON
        for member in members:
            campaigner.visit(member)
        yield Shop(store, campaigner, members)


def found(store: Store) -> Break | None:
    """What the proof of the counts finds."""
    books = Books.read(store, lambda _: None)
    tallies = Tallies(Rulebook.of(versions_of(store)))
    for _, _, entries in books.members():
        tallies.add(entries)
    add_markers(tallies, books)
    return counted_break(store, books, tallies)


def test_honest_counts_have_no_break(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(shop.store) is None
    assert prove(shop.store) == 0
    assert "campaign" in capsys.readouterr().out
    assert shop.campaigner.tally() == {"granted": 1, "points:points": 50, "passed:budget": 2}


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (lambda shop: shop.change(shop.tally, granted=2), "we_miss_you of ever"),
        (lambda shop: shop.change(shop.tally, granted=0), "we_miss_you of ever"),
        (lambda shop: shop.drop(shop.tally), "we_miss_you of ever"),
        (lambda shop: shop.change(shop.tally, **{"points:points": 51}), "we_miss_you of ever"),
        (lambda shop: shop.change(shop.tally, **{"points:stars": 1}), "we_miss_you of ever"),
        (lambda shop: shop.change(shop.tally, taken_back=1), "we_miss_you of ever"),
        (lambda shop: shop.change(grants_tally_key("we_miss_you", "2026-06-01", 0), granted=1), "we_miss_you of 2026-06-01"),
        (lambda shop: shop.change(grants_tally_key("other", "ever", 3), granted=1), "other of ever"),
        (lambda shop: shop.drop(shop.marker), "we_miss_you of ever"),
        (lambda shop: shop.change(shop.marker, reason="frequency"), "we_miss_you of ever"),
        (lambda shop: shop.change(budget_key(GRANTS), spent=0), "grants:we_miss_you"),
        (lambda shop: shop.change(budget_key(GRANTS), spent=2), "grants:we_miss_you"),
        (lambda shop: shop.drop(budget_key(GRANTS)), "grants:we_miss_you"),
        (lambda shop: shop.change(budget_key(BudgetKey("winners:x:once", None)), spent=1), "winners:x:once"),
    ],
)
def test_a_miscount_is_found(
    shop: Shop, capsys: pytest.CaptureFixture[str], tamper: Callable[[Shop], None], where: str
) -> None:
    tamper(shop)
    broken = found(shop.store)
    assert broken is not None
    assert broken.where == where
    assert prove(shop.store) == 1
    assert where in capsys.readouterr().out


def test_a_grant_that_tells_other_points_is_found(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    key = entry_key(grant_key("we_miss_you", PERIOD, shop.given))
    entry = shop.store.get(key)
    assert entry is not None
    shop.change(key, subject={**entry["subject"], "points": 500})
    assert prove(shop.store) == 1
    assert "a campaign gives what its document says" in capsys.readouterr().out


def test_an_alarm_that_is_gone_or_late_is_found(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    key = wallet_key(shop.members[0])
    honest = shop.store.get(key)
    assert honest is not None
    for tamper in (lambda: shop.drop(key, "wakes", "wake_at"), lambda: shop.change(key, wake_at="2027-09-01T00:00:00Z")):
        tamper()
        assert prove(shop.store) == 1
        assert "an alarm is no later than what comes next by date" in capsys.readouterr().out
        shop.change(key, **honest)
    assert prove(shop.store) == 0


@pytest.mark.parametrize("scans", [1, 2, 9])
def test_a_stage_in_use_is_not_accused(shop: Shop, scans: int) -> None:
    """Members are given things between the two halves of a scan."""
    shop.campaigner.offer(campaign(), campaign("more", {"kind": "recurrence", "every": "day", "at": "09:00"}))
    DynamoPrograms(shop.store, 0).add(shop.campaigner.versions[-1])
    shop.campaigner.act("more")
    busy = BusyStore(shop.store.client, shop.store.table, shop.store.backoff)
    busy.during_scans(lambda number: shop.campaigner.give(shop.members[number % 3], "more", f"p{number}"), scans)
    books = Books.read(busy, lambda _: None)
    tallies = Tallies(Rulebook.of(versions_of(busy)))
    for _, _, entries in books.members():
        tallies.add(entries)
    # As if the scan had met the counters after the grants, and the entries and markers before.
    assert counted_break(busy, books, tallies) is None
