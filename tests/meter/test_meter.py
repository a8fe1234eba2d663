"""The meter counts what AWS documents, on the wire, and nothing of its own."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from tests.engines.engine import Engine
from tests.engines.faults import Fault, faulty
from tests.meter.meter import Meter, MeterError
from tests.meter.report import Reading, table_of
from tests.meter.units import Index, index_write_units, read_units, write_units

KEY = {"pk": {"S": "ORDER#1"}, "sk": {"S": "PURCHASE"}}
WALLET = {"pk": {"S": "MEMBER#1"}, "sk": {"S": "WALLET"}}
ENTRY = KEY | {"member": {"S": "m"}, "seq": {"N": "1"}, "kind": {"S": "purchase"}}


def of_size(size: int, **attributes: Any) -> dict[str, Any]:
    """An item of exactly `size` bytes."""
    base = KEY | attributes
    used = sum(len(name) + len(next(iter(value.values()))) for name, value in base.items())
    return base | {"fill": {"S": "x" * (size - used - 4)}}


@pytest.mark.parametrize(("size", "units"), [(100, 1), (1024, 1), (1025, 2), (4096, 4)])
def test_a_put_costs_a_unit_for_each_started_kilobyte(ministack_engine: Engine, size: int, units: int) -> None:
    with Meter(ministack_engine.client, table=ministack_engine.table) as meter:
        ministack_engine.client.put_item(TableName=ministack_engine.table, Item=of_size(size))
    assert (meter.round_trips, meter.write_units, meter.largest_item) == (1, units, size)
    assert (meter.index_write_units, meter.read_units) == (0, 0)


def test_a_smaller_item_over_a_larger_one_costs_the_larger(ministack_engine: Engine) -> None:
    client, table = ministack_engine.client, ministack_engine.table
    client.put_item(TableName=table, Item=of_size(3000))
    with Meter(client, table=table) as meter:
        client.put_item(TableName=table, Item=of_size(100))
        client.delete_item(TableName=table, Key=KEY)
    assert [trip.write_units for trip in meter.trips] == [3, 1]


def post(engine: Engine) -> None:
    """The ledger's shape: one batch read, one transaction of an entry and a wallet."""
    client, table = engine.client, engine.table
    client.batch_get_item(RequestItems={table: {"Keys": [WALLET, KEY], "ConsistentRead": True}})
    update: Any = {
        "TableName": table,
        "Key": WALLET,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": ENTRY, "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Update": update},
        ]
    )


@pytest.mark.parametrize("name", ["ministack_engine", "moto_engine", "dynamodb_local_engine"])
def test_a_posting_of_small_items_is_two_trips_four_units_and_one_for_the_index(
    request: pytest.FixtureRequest, name: str
) -> None:
    engine: Engine = request.getfixturevalue(name)
    with Meter(engine.client, table=engine.table) as meter:
        post(engine)
    assert meter.round_trips == 2
    assert meter.write_units == 4
    assert meter.index_write_units == 1
    assert meter.read_units == 2  # two missing items, each charged as a small one


def test_the_meters_own_reads_are_not_counted_and_it_leaves_nothing_behind(ministack_engine: Engine) -> None:
    with Meter(ministack_engine.client, table=ministack_engine.table) as meter:
        post(ministack_engine)
    post_trips = meter.round_trips
    ministack_engine.client.get_item(TableName=ministack_engine.table, Key=KEY)
    assert post_trips == meter.round_trips == 2


def test_a_refused_transaction_costs_what_it_would_have_written(ministack_engine: Engine) -> None:
    post(ministack_engine)
    with Meter(ministack_engine.client, table=ministack_engine.table) as meter, pytest.raises(ClientError):
        post(ministack_engine)
    assert [trip.error for trip in meter.trips] == [None, "TransactionCanceledException"]
    assert (meter.write_units, meter.index_write_units) == (4, 0)


def test_a_retry_after_a_lost_answer_is_a_trip_and_a_transactional_read(ministack_engine: Engine) -> None:
    with faulty(ministack_engine) as wire, Meter(ministack_engine.client, table=ministack_engine.table) as meter:
        wire.next("TransactWriteItems", Fault.RESPONSE_LOST)
        post(ministack_engine)
    assert [trip.error for trip in meter.trips] == [None, "no answer", None]
    assert [trip.write_units for trip in meter.trips] == [0, 4, 4]


def test_the_same_token_again_is_charged_as_a_read(ministack_engine: Engine) -> None:
    client, table = ministack_engine.client, ministack_engine.table
    with Meter(client, table=table) as meter:
        for _ in range(2):
            client.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": ENTRY}}], ClientRequestToken="t")
    assert [(trip.write_units, trip.read_units) for trip in meter.trips] == [(2, 0), (0, 2)]


def test_reads_are_rounded_up_per_item_in_a_batch_and_per_page_in_a_query(ministack_engine: Engine) -> None:
    client, table = ministack_engine.client, ministack_engine.table
    for number in range(3):
        sort_key = {"sk": {"S": f"PART{number}"}}
        client.put_item(TableName=table, Item=of_size(1500, member={"S": "m"}, seq={"N": "1"}) | sort_key)
    keys = [KEY | {"sk": {"S": f"PART{number}"}} for number in range(3)]
    mine: Any = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": KEY["pk"]}}
    with Meter(client, table=table) as meter:
        client.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
        client.query(TableName=table, ConsistentRead=True, **mine)
        client.query(TableName=table, **mine)
        client.query(TableName=table, ConsistentRead=True, ProjectionExpression="sk", **mine)
        client.get_item(TableName=table, Key=keys[0])
        client.get_item(TableName=table, Key=keys[0], ConsistentRead=True, ProjectionExpression="sk")
        client.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": key}} for key in keys])
        client.query(
            TableName=table,
            IndexName="history",
            KeyConditionExpression="#member = :m",
            ExpressionAttributeNames={"#member": "member"},
            ExpressionAttributeValues={":m": {"S": "m"}},
        )
    assert [trip.read_units for trip in meter.trips] == [3, 2, 1, 2, 0.5, 1, 6, 0.5]


def test_an_operation_without_a_price_is_refused_and_not_counted_as_free(ministack_engine: Engine) -> None:
    with (
        Meter(ministack_engine.client, table=ministack_engine.table),
        pytest.raises(MeterError, match="ExecuteStatement"),
    ):
        ministack_engine.client.execute_statement(Statement='SELECT * FROM "any"')


HISTORY = Index("history", ("member", "seq"), ("pk", "sk"), frozenset({"kind"}))


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, ENTRY, 1),
        (ENTRY, None, 1),
        (None, WALLET, 0),
        (WALLET, WALLET | {"n": {"N": "1"}}, 0),
        (ENTRY, ENTRY | {"unseen": {"S": "x"}}, 0),
        (ENTRY, ENTRY | {"kind": {"S": "closure"}}, 1),
        (ENTRY, ENTRY | {"seq": {"N": "2"}}, 2),
        (None, ENTRY | {"kind": {"S": "x" * 1024}}, 2),
        (None, ENTRY | {"unseen": {"S": "x" * 5000}}, 1),
    ],
)
def test_an_index_costs_what_its_own_entry_is_worth(before: Any, after: Any, units: int) -> None:
    assert index_write_units(HISTORY, before, after) == units


def test_units_are_those_of_the_guides_examples() -> None:
    """An item of 1.5 KB is 2 write units and 4 in a transaction; 8 KB are 2 read units, 9 KB are 3."""
    item = of_size(1536)
    assert (write_units(None, item), write_units(None, item, transactional=True)) == (2, 4)
    assert (read_units(8192, consistent=True), read_units(9216, consistent=True)) == (2, 3)
    assert read_units(8192, consistent=False) == 1


def test_a_report_shows_every_reading(ministack_engine: Engine) -> None:
    with Meter(ministack_engine.client, table=ministack_engine.table) as meter:
        post(ministack_engine)
    out = io.StringIO()
    Console(file=out, width=120).print(table_of("Cost", [Reading.of("a posting", meter)]))
    row = next(line for line in out.getvalue().splitlines() if "a posting" in line)
    assert [cell.strip() for cell in row.split("│")[2:-1]] == ["2", "2", "4", "1", f"{meter.largest_item} B"]
