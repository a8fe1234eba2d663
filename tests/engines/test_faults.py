"""Each injected fault looks to the SDK as the real one does, and leaves in the table what the real one leaves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engines.engine import Engine
from tests.engines.faults import Fault, can_happen, faulty

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def add_one(engine: Engine) -> None:
    """A write whose repetition shows: the SDK's own retry of a bare ADD counts twice."""
    engine.client.update_item(
        TableName=engine.table,
        Key=KEY,
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def count(engine: Engine) -> int:
    item = engine.client.get_item(TableName=engine.table, Key=KEY, ConsistentRead=True).get("Item")
    return int(item["n"]["N"]) if item else 0


def transact(engine: Engine) -> dict[str, Any]:
    update = {
        "TableName": engine.table,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    writes: list[Any] = [
        {"Update": update | {"Key": KEY}},
        {"Update": update | {"Key": KEY | {"sk": {"S": "c"}}}},
    ]
    return dict(engine.client.transact_write_items(TransactItems=writes))


@pytest.mark.parametrize(
    ("fault", "written"),
    [
        (Fault.REQUEST_LOST, 1),
        (Fault.RESPONSE_LOST, 2),  # the trap: committed, and committed again by the SDK's retry
        (Fault.SERVER_ERROR, 1),
        (Fault.SERVER_ERROR_AFTER, 2),
        (Fault.THROTTLED, 1),
        (Fault.FRONT_END_DOWN, 1),
    ],
)
def test_the_sdk_retries_a_bare_add_and_counts_what_was_done(ministack_engine: Engine, fault: Fault, written: int) -> None:
    with faulty(ministack_engine) as wire:
        wire.next("UpdateItem", fault)
        add_one(ministack_engine)
        assert wire.calls == [("UpdateItem", fault), ("UpdateItem", None)]
    assert count(ministack_engine) == written


@pytest.mark.parametrize("fault", [Fault.RESPONSE_LOST, Fault.SERVER_ERROR_AFTER, Fault.IN_PROGRESS])
def test_a_transaction_repeated_by_the_sdk_is_applied_once_by_its_token(ministack_engine: Engine, fault: Fault) -> None:
    with faulty(ministack_engine) as wire:
        wire.next("TransactWriteItems", fault)
        transact(ministack_engine)
    assert count(ministack_engine) == 1


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.THROTTLED_IN_TRANSACTION])
def test_a_transaction_in_conflict_or_throttled_is_cancelled_with_reasons_and_not_retried(
    ministack_engine: Engine, fault: Fault
) -> None:
    with faulty(ministack_engine) as wire:
        wire.next("TransactWriteItems", fault)
        with pytest.raises(ClientError) as refused:
            transact(ministack_engine)
    assert refused.value.response["Error"]["Code"] == "TransactionCanceledException"
    codes = {reason["Code"] for reason in refused.value.response["CancellationReasons"]}
    assert codes - {"None"} <= {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
    assert codes - {"None"}
    assert count(ministack_engine) == 0


def test_a_single_write_in_conflict_has_an_error_of_its_own(ministack_engine: Engine) -> None:
    with faulty(ministack_engine) as wire:
        wire.next("UpdateItem", Fault.CONFLICT)
        with pytest.raises(ClientError) as refused:
            add_one(ministack_engine)
    assert refused.value.response["Error"]["Code"] == "TransactionConflictException"


def test_a_batch_read_leaves_some_keys_and_the_rest_can_be_asked_for(ministack_engine: Engine) -> None:
    transact(ministack_engine)
    keys = [KEY, KEY | {"sk": {"S": "c"}}]
    seen: set[tuple[int, int]] = set()
    for seed in range(12):
        with faulty(ministack_engine, seed=seed) as wire:
            wire.next("BatchGetItem", Fault.UNPROCESSED)
            page = ministack_engine.client.batch_get_item(RequestItems={ministack_engine.table: {"Keys": keys}})
        found = page["Responses"].get(ministack_engine.table, [])
        left = page["UnprocessedKeys"].get(ministack_engine.table, {"Keys": []})["Keys"]
        got = [{"pk": item["pk"], "sk": item["sk"]} for item in found]
        assert sorted(map(str, [*got, *left])) == sorted(map(str, keys))
        seen.add((len(got), len(left)))
    # With no key read at all DynamoDB throttles instead; the SDK then asks again and gets both.
    assert seen == {(1, 1), (2, 0)}


def test_a_fault_an_operation_never_meets_is_refused() -> None:
    assert not can_happen(Fault.CONFLICT, "BatchGetItem")
    assert not can_happen(Fault.UNPROCESSED, "GetItem")
    assert can_happen(Fault.CONFLICT, "TransactWriteItems")


def test_a_planned_fault_no_call_met_fails_the_test(ministack_engine: Engine) -> None:
    with pytest.raises(AssertionError, match="no call met"), faulty(ministack_engine) as wire:
        wire.next("TransactWriteItems", Fault.CONFLICT)


def test_a_fault_is_not_planned_for_an_operation_that_never_meets_it(ministack_engine: Engine) -> None:
    with faulty(ministack_engine) as wire, pytest.raises(ValueError, match="never meets"):
        wire.next("GetItem", Fault.CONFLICT)


def test_the_engine_is_whole_again_after_the_faults(ministack_engine: Engine) -> None:
    with faulty(ministack_engine) as wire:
        wire.next("UpdateItem", Fault.REQUEST_LOST)
        add_one(ministack_engine)
    add_one(ministack_engine)
    assert count(ministack_engine) == 2


def test_moto_is_refused_because_it_writes_even_what_was_lost(moto_engine: Engine) -> None:
    with pytest.raises(ValueError, match="moto"), faulty(moto_engine):
        pass
