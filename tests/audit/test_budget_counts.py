"""The proof holds budgets to the entries, whatever shards they are kept in: each miscounted once here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.adapters.dynamodb.items import to_wire
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import Key, budget_key
from shared.audit.__main__ import prove
from shared.audit.books import Books
from shared.audit.counted import counted_break, versions_of
from shared.domain import earning
from shared.domain.audit import Break
from shared.domain.cap import BudgetKey
from shared.domain.entry import MemberId, purchase_key, refund_key
from shared.domain.refunding import RefundRequest, refund
from shared.domain.tallies import Tallies
from tests.contract.ledgers import Place, dynamo_place, store_of
from tests.engines.ministack import ministack_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB

BUDGET = BudgetKey("budget", grocer.NOON.date().replace(day=1))
RULES = [
    grocer.earning_rule(),
    {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["budget"]},
]
CAP = {"id": "budget", "currency": "points", "scope": "program", "per": "month", "points": 90, "shards": 3}
VERSION = grocer.version(earning_rules=RULES, caps=[CAP])


@dataclass
class Shop:
    """A stage on which a budget of three shards was drawn on."""

    store: Store
    place: Place

    def buy(self, order_id: str, member: MemberId, dollars: int) -> None:
        """An order is recorded."""
        order = grocer.purchase(order_id, dollars * 100, member_id=member)
        self.place.ledger.decide_and_post(
            purchase_key(order_id),
            member,
            order.digest,
            lambda view: earning.earn(view, order, [VERSION]),
            earning.wanted(order, [VERSION]),
        )

    def refund(self, order_id: str, amount: int) -> None:
        """A part of it is given back."""
        request = RefundRequest(order_id=order_id, refund_id="one", occurred_at=grocer.NOON, amount=amount)
        self.place.ledger.correct_order(
            order_id,
            refund_key(order_id, "one"),
            request.digest,
            lambda view, order: refund(view, order, request, [VERSION]),
        )

    def shards(self) -> list[int]:
        """What each shard counts."""
        items = [self.store.get(budget_key(shard_of(shard))) for shard in range(3)]
        return [int(item["spent"]) if item else 0 for item in items]

    def change(self, key: Key, **changes: Any) -> None:
        """Write past the ledger."""
        item = {**(self.store.get(key) or key), **changes}
        self.store.client.put_item(TableName=self.store.table, Item=to_wire(item))

    def drop(self, key: Key) -> None:
        """Drop an item past the ledger."""
        self.store.client.delete_item(TableName=self.store.table, Key=to_wire(key))

    def found(self) -> Break | None:
        """What the proof of the counts finds."""
        books = Books.read(self.store, lambda _: None)
        entries = (entries for _, _, entries in books.members())
        return counted_break(self.store, books, Tallies.of(entries, versions_of(self.store)))


def shard_of(shard: int) -> BudgetKey:
    """A shard of the budget."""
    return BUDGET._replace(shard=shard)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Of 90 points, 70 and 20 were drawn by two members; a third order found none; 15 came back."""
    with ministack_table(product_client) as engine:
        store = store_of(engine)
        clock = FakeClock(grocer.NOON)
        DynamoPrograms(store, 0).add(VERSION)
        shop = Shop(store, dynamo_place(store, clock))
        for member in (ADA, BOB):
            shop.place.open(member, grocer.OPENED)
        shop.buy("a", ADA, 70)
        shop.buy("b", BOB, 30)
        shop.buy("c", BOB, 10)
        shop.refund("a", 1500)
        yield shop


def test_honest_budgets_have_no_break(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(shop.shards()) == 75
    assert len([spent for spent in shop.shards() if spent]) > 1
    assert shop.found() is None
    assert prove(shop.store) == 0
    assert "every budget counts" in capsys.readouterr().out


@pytest.mark.parametrize(
    "tamper",
    [
        lambda shop: shop.change(budget_key(BUDGET), spent=shop.shards()[0] + 1),
        lambda shop: shop.change(budget_key(shard_of(2)), spent=shop.shards()[2] - 1),
        lambda shop: shop.drop(budget_key(shard_of(max(range(3), key=lambda n: shop.shards()[n])))),
        lambda shop: shop.change(budget_key(shard_of(7)), spent=1),
    ],
)
def test_a_miscount_of_any_shard_is_found(
    shop: Shop, capsys: pytest.CaptureFixture[str], tamper: Callable[[Shop], None]
) -> None:
    tamper(shop)
    broken = shop.found()
    assert broken is not None
    assert broken.where == f"budget since {BUDGET.since}"
    assert prove(shop.store) == 1
    assert "budget" in capsys.readouterr().out


def test_budgets_and_periods_of_which_no_entry_tells_are_found(shop: Shop) -> None:
    for key in (BUDGET._replace(since=None), BUDGET._replace(cap="other"), BUDGET._replace(since=grocer.NOON.date())):
        shop.change(budget_key(key), spent=5)
        assert shop.found() is not None
        shop.drop(budget_key(key))
    assert shop.found() is None


def test_points_that_move_between_the_shards_break_nothing(shop: Shop) -> None:
    """What counts is their sum: a short shard takes the rest from its siblings."""
    for shard, spent in enumerate((75, 0, 0)):
        shop.change(budget_key(shard_of(shard)), spent=spent)
    assert shop.found() is None
