"""The proof holds what is counted beside the ledger to the entries: stocks and charities' totals, each miscounted once here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.items import to_wire
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import Key, charity_key, stock_key
from shared.audit.__main__ import prove
from shared.audit.books import Books
from shared.audit.counted import READINGS_MAX, counted_break
from shared.domain.audit import Break
from shared.domain.tallies import Tallies
from tests.contract.counter import DONATION, MUG, Counter
from tests.contract.ledgers import dynamo_place, store_of
from tests.engines.ministack import ministack_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB

MARCH = grocer.NOON.date()
STOCK, TREES = stock_key("mug"), charity_key("forest", MARCH, "USD")


@dataclass
class Shop:
    """A stage on which mugs were taken, and points given to a forest."""

    store: Store
    counter: Counter

    def change(self, key: Key, **changes: Any) -> None:
        """Write past the ledger."""
        item = {**(self.store.get(key) or key), **changes}
        self.store.client.put_item(TableName=self.store.table, Item=to_wire(item))

    def drop(self, key: Key) -> None:
        """Drop an item past the ledger."""
        self.store.client.delete_item(TableName=self.store.table, Key=to_wire(key))


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Of ten mugs one is used, one held, one cancelled, one lapsed; Ada and Bob gave in March, Ada in April too."""
    with ministack_table(product_client) as engine:
        store = store_of(engine)
        clock = TestClock(store, FakeClock(grocer.NOON))
        clock.move_to(grocer.NOON)
        DynamoPrograms(store, 0).add(grocer.version())
        counter = Counter(dynamo_place(store, clock))
        for member in (ADA, BOB):
            counter.place.open(member, grocer.OPENED)
            counter.earn(f"order-{member}", 5000, member_id=member)
        counter.offer(MUG, stock=10)
        counter.offer(DONATION)
        counter.redeem("lapsed")
        counter.redeem("march-1", "trees", points=100)
        counter.redeem("march-2", "trees", BOB, points=50)
        clock.move_to(grocer.NOON + timedelta(days=31))
        counter.redeem("april", "trees", points=70)
        counter.use(counter.redeem("used"))
        counter.cancel(counter.redeem("cancelled", member=BOB))
        counter.redeem("held", member=BOB)
        yield Shop(store, counter)


def found(store: Store) -> Break | None:
    """What the proof of the counts finds."""
    books = Books.read(store, lambda _: None)
    return counted_break(store, books, Tallies.of(entries for _, _, entries in books.members()))


def test_honest_counts_have_no_break(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(shop.store) is None
    assert prove(shop.store) == 0
    assert "stock" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (lambda shop: shop.change(STOCK, used=2), "mug"),
        (lambda shop: shop.change(STOCK, used=0), "mug"),
        (lambda shop: shop.change(STOCK, held={}), "mug"),
        (lambda shop: shop.change(STOCK, held={"20260502": 1, "20260601": 1}), "mug"),
        (lambda shop: shop.drop(STOCK), "mug"),
        (lambda shop: shop.change(stock_key("cup"), total=3, used=1, held={}, version=1), "cup"),
        (lambda shop: shop.change(TREES, points=149), "forest in 2026-03"),
        (lambda shop: shop.change(TREES, value=0), "forest in 2026-03"),
        (lambda shop: shop.change(TREES, gifts=3), "forest in 2026-03"),
        (lambda shop: shop.drop(TREES), "forest in 2026-03"),
        (lambda shop: shop.change(charity_key("moor", MARCH, "USD"), points=1, value=1, gifts=1), "moor in 2026-03"),
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


def test_a_hold_that_has_lapsed_counts_no_more_whether_the_stock_forgot_it_or_not(shop: Shop) -> None:
    held = shop.store.get(STOCK)["held"]  # type: ignore[index]
    shop.change(STOCK, held={**held, "20260401": 1})
    assert found(shop.store) is None


class BusyStore(Store):
    """A store on which somebody redeems during each of the first scans."""

    def during_scans(self, redeem: Callable[[int], object], scans: int) -> BusyStore:
        """`redeem` is told the number of the scan."""
        object.__setattr__(self, "client", _BusyClient(self.client, redeem, scans))
        return self


class _BusyClient:
    def __init__(self, client: Any, redeem: Callable[[int], object], scans: int) -> None:
        self._client, self._redeem, self._left = client, redeem, scans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **arguments: Any) -> Any:
        """What was read is old news a moment later."""
        page = self._client.scan(**arguments)
        if self._left:
            self._left -= 1
            self._redeem(self._left)
        return page


@pytest.mark.parametrize("scans", [1, 2, 1 + READINGS_MAX, 5 + READINGS_MAX])
def test_a_stage_in_use_is_not_accused(shop: Shop, scans: int) -> None:
    """Half of the items are read before somebody redeems, half after."""
    shop.change(STOCK, used=2)
    assert found(shop.store) is not None
    shop.change(STOCK, used=1)
    busy = BusyStore(shop.store.client, shop.store.table, shop.store.backoff)
    busy.during_scans(lambda number: shop.counter.redeem(f"busy-{number}"), scans)
    books = Books.read(busy, lambda _: None)
    tallies = Tallies.of(entries for _, _, entries in books.members())
    # As if the scan had met the stock after the redemption, and the entries before it.
    books.database.execute("DELETE FROM items WHERE kind = 'reward'")
    assert counted_break(busy, books, tallies) is None
