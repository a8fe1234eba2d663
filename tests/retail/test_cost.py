"""What an earn costs: round trips and documented units, early and late in a member's life."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.dynamodb.items import to_wire
from shared.adapters.dynamodb.table import entry_key, wallet_key
from shared.domain.entry import EntryKey, MemberId
from tests.functional.api import POS, Caller
from tests.meter.item_size import item_size
from tests.meter.meter import Meter
from tests.retail.regulars import enrol_regular
from tests.retail.shop import StoredShop, grocer_program, open_stored_shop

NOW = datetime(2018, 6, 30, 16, tzinfo=UTC)
KILOBYTE = 1024
PAST_ORDERS = (9, 9_999)


def order(member: MemberId, lines: int = 1, order_id: str = "now-1") -> dict[str, Any]:
    return {
        "order_id": order_id,
        "member_id": member,
        "currency": "USD",
        "occurred_at": "2018-06-30T16:00:00Z",
        "channel": "store",
        "store": "406",
        "lines": [{"sku": f"{line:07}", "category": "APPLES", "quantity": 1, "amount": 2_949} for line in range(lines)],
    }


@pytest.fixture(scope="module")
def shop() -> Iterator[StoredShop]:
    with open_stored_shop(grocer_program(12, "month")) as shop:
        yield shop


@pytest.fixture(scope="module")
def regulars(shop: StoredShop) -> dict[int, MemberId]:
    """Members by how many orders they have sent."""
    dawn = shop.clock.instant
    made = {}
    for orders in PAST_ORDERS:
        shop.clock.instant = dawn
        made[orders] = enrol_regular(shop, f"regular-{orders}", orders, now=NOW)
    return made


def stored_bytes(shop: StoredShop, key: dict[str, str]) -> int:
    return item_size(shop.store.client.get_item(TableName=shop.store.table, Key=to_wire(key))["Item"])


@pytest.mark.parametrize("past", PAST_ORDERS, ids=["10th entry", "10,000th entry"])
def test_a_warm_earn_is_two_round_trips_and_five_write_units(shop: StoredShop, regulars: dict[int, MemberId], past: int):
    with Meter(shop.store.client, table=shop.store.table) as meter:
        reply = Caller(POS).post("/v1/purchases", order(regulars[past], order_id=f"cost-{past}"))
    assert (reply.status, reply.json["sequence"]) == (201, past + 1)
    assert stored_bytes(shop, entry_key(EntryKey(f"purchase:cost-{past}"))) <= KILOBYTE
    assert stored_bytes(shop, wallet_key(regulars[past])) <= KILOBYTE
    assert [trip.operation for trip in meter.trips] == ["BatchGetItem", "TransactWriteItems"]
    assert (meter.write_units, meter.index_write_units, meter.read_units) == (4, 1, 2)


def test_a_repeated_order_is_one_round_trip_and_writes_nothing(shop: StoredShop, regulars: dict[int, MemberId]):
    till, body = Caller(POS), order(regulars[9], order_id="repeated")
    first = till.post("/v1/purchases", body)
    with Meter(shop.store.client, table=shop.store.table) as meter:
        assert till.post("/v1/purchases", body) == first
    assert [trip.operation for trip in meter.trips] == ["BatchGetItem"]
    assert (meter.write_units, meter.index_write_units, meter.read_units) == (0, 0, 2)


def test_lines_cost_only_the_kilobytes_that_they_fill(shop: StoredShop, regulars: dict[int, MemberId]):
    with Meter(shop.store.client, table=shop.store.table) as meter:
        Caller(POS).post("/v1/purchases", order(regulars[9], lines=100, order_id="hundred"))
    entry = stored_bytes(shop, entry_key(EntryKey("purchase:hundred")))
    assert len(meter.trips) == 2
    assert meter.write_units == 2 + 2 * -(-entry // KILOBYTE)
    assert meter.index_write_units == 1, "the history leaves the lines out"
