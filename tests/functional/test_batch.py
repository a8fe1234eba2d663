"""A till that was offline sends what it kept."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes import grocer
from tests.fakes.grocer import BOB, order
from tests.functional.api import Caller
from tests.functional.conftest import Stage

PATH = "/v1/purchases/batch"


def batch(*orders: Any) -> dict[str, Any]:
    return {"purchases": list(orders)}


def statuses(reply: Any) -> list[int]:
    return [result["status"] for result in reply.json["results"]]


def test_each_purchase_of_a_batch_has_the_result_that_it_would_have_met_alone(stage: Stage, till: Caller) -> None:
    till.post("/v1/purchases", order("known", 300))
    orders = [
        order("good", 1000),
        order("known", 300),
        order("known", 301),
        order("nobodys", member_id=grocer.CAT),
        order("euros", currency="EUR"),
        order("future", occurred_at="2027-01-01T00:00:00Z"),
        {**order("odd"), "points": 1},
        {},
        order("bobs", 200, member_id=BOB),
    ]
    reply = till.post(PATH, batch(*orders))
    assert reply.status == 200
    assert statuses(reply) == [201, 201, 409, 404, 422, 422, 422, 422, 201]
    for sent, result in zip(orders, reply.json["results"], strict=True):
        alone = till.post("/v1/purchases", sent).json
        assert (result["entry"] or result["problem"]) == alone


def test_the_same_order_twice_in_a_batch_is_one_entry(till: Caller) -> None:
    results = till.post(PATH, batch(order(), order(), order(amount=1))).json["results"]
    assert [result["status"] for result in results] == [201, 201, 409]
    assert results[0] == results[1]
    assert till.post("/v1/purchases", order("next")).json["sequence"] == 2


def test_a_batch_sent_again_has_the_same_results(stage: Stage, till: Caller) -> None:
    orders = batch(order("order-1", 100), order("order-2", 250), order("order-3", -1))
    first = till.post(PATH, orders)
    before = stage.items()
    assert till.post(PATH, orders).text == first.text
    assert stage.items() == before


def test_twenty_five_purchases_are_recorded_in_the_order_in_which_they_were_sent(till: Caller) -> None:
    reply = till.post(PATH, batch(*(order(f"order-{n}", 100) for n in range(25))))
    assert [result["entry"]["sequence"] for result in reply.json["results"]] == list(range(1, 26))


@pytest.mark.parametrize(
    "purchases", [[], [order(f"order-{n}") for n in range(26)], None, {}, "x", [order(), 1], [order(), [order()]], [None]]
)
def test_a_batch_of_the_wrong_shape_is_refused_whole(stage: Stage, till: Caller, purchases: Any) -> None:
    before = stage.items()
    reply = till.post(PATH, {"purchases": purchases})
    assert (reply.status, reply.problem) == (422, "request-invalid")
    assert stage.items() == before


def test_a_batch_takes_no_unknown_fields(stage: Stage, till: Caller) -> None:
    before = stage.items()
    assert till.post(PATH, {**batch(order()), "force": True}).paths == ["force"]
    assert stage.items() == before


def test_the_faults_of_one_purchase_are_named_within_it(till: Caller) -> None:
    [result] = till.post(PATH, batch(order(lines=[{"sku": "a", "quantity": 1, "amount": "1"}]))).json["results"]
    assert [fault["path"] for fault in result["problem"]["faults"]] == ["lines.0.amount"]


def test_half_a_symbol_in_one_purchase_does_not_spoil_the_others(till: Caller) -> None:
    reply = till.post(PATH, batch(order("good"), {**order("odd"), "\ud800": 1}, order("ba\ud800d"), order("fine")))
    assert statuses(reply) == [201, 422, 422, 201]


class DeniedWrites:
    """A client whose role lacks the right to write."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        """As AWS without the right."""
        denied = {"Code": "AccessDeniedException", "Message": "arn:aws:iam::123456789012:role/laurel is not authorized"}
        raise ClientError({"Error": denied}, "TransactWriteItems")


@pytest.mark.parametrize(("path", "body"), [("/v1/purchases", order()), (PATH, batch(order()))])
def test_a_fault_of_ours_is_told_as_one_and_rings_the_alarm(
    stage: Stage,
    make_stage: Any,
    till: Caller,
    caplog: pytest.LogCaptureFixture,
    path: str,
    body: Any,
) -> None:
    make_stage(client=DeniedWrites(stage.store.client))
    reply = till.post(path, body)
    assert (reply.status, reply.json["type"]) == (500, "urn:laurel:problem:fault")
    assert "AccessDenied" not in reply.text
    alarms = [record for record in caplog.records if (record.levelname, record.message) == ("ERROR", "fault")]
    assert [alarm.__dict__["code"] for alarm in alarms] == ["AccessDeniedException"]


def test_a_purchase_of_a_batch_that_must_be_sent_again_says_so(stage: Stage, make_stage: Any, till: Caller) -> None:
    class Busy(DeniedWrites):
        def transact_write_items(self, **arguments: Any) -> Any:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "TransactWriteItems")

    make_stage(client=Busy(stage.store.client))
    [result] = till.post(PATH, batch(order())).json["results"]
    assert (result["status"], result["problem"]["type"]) == (503, "urn:laurel:problem:try-again")
    alone = till.post("/v1/purchases", order())
    assert (alone.status, alone.problem, alone.headers["Retry-After"]) == (503, "try-again", "1")
