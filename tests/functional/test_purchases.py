"""A till records purchases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import POS, Caller
from tests.functional.conftest import Stage, profile


def test_a_purchase_answers_with_its_points_their_numbers_their_dates_and_why(till: Caller) -> None:
    reply = till.post("/v1/purchases", order(amount=1999))
    assert reply.status == 201
    assert reply.json == {
        "entry_id": "purchase:order-1",
        "kind": "purchase",
        "member_id": ADA,
        "sequence": 1,
        "occurred_at": "2026-03-02T17:00:00Z",
        "recorded_at": "2026-03-02T17:00:00Z",
        "earned": [
            {
                "currency": "points",
                "points": 19,
                "why": [{"rule": "base", "program_version": 1, "points": 19, "room": None}],
                "lots": [
                    {
                        "first_serial": 1,
                        "last_serial": 19,
                        "points": 19,
                        "spendable_from": "2026-03-02T05:00:00Z",
                        "expires_at": "2027-03-02T05:00:00Z",
                        "last_day": "2027-03-01",
                    }
                ],
            }
        ],
        "balances": [{"currency": "points", "balance": 19, "active": 19, "pending": 0, "debt": 0}],
    }


def test_serial_numbers_go_on_where_the_last_order_stopped(till: Caller) -> None:
    till.post("/v1/purchases", order("order-1", 1000))
    second = till.post("/v1/purchases", order("order-2", 500)).json
    assert [(lot["first_serial"], lot["last_serial"]) for lot in second["earned"][0]["lots"]] == [(11, 15)]
    assert second["balances"][0]["balance"] == 15


def test_a_recorded_purchase_can_be_read_back_with_its_entry(till: Caller, operator: Caller) -> None:
    lines = [
        {"sku": "apples", "quantity": 2, "amount": 500, "category": "fruit"},
        {"sku": "Käse 🧀", "quantity": 0, "amount": 0},
    ]
    recorded = till.post("/v1/purchases", order(lines=lines, channel="app", store="store-7")).json
    for caller in (till, operator):
        reply = caller.get("/v1/purchases/order-1")
        assert reply.status == 200
        assert reply.json["entry"] == recorded
        assert reply.json["purchase"] == {
            "order_id": "order-1",
            "member_id": ADA,
            "currency": "USD",
            "amount": 500,
            "occurred_at": "2026-03-02T17:00:00Z",
            "channel": "app",
            "store": "store-7",
            "paid_with_rewards": 0,
            "attributes": None,
            "lines": [lines[0], {**lines[1], "category": None}],
        }


def test_a_purchase_that_was_never_recorded_is_unknown(till: Caller) -> None:
    reply = till.get("/v1/purchases/order-9")
    assert (reply.status, reply.problem) == (404, "purchase-unknown")


@pytest.mark.parametrize("order_id", ["quote", "batch", "a", "x" * 64, "A-b_c.d~9"])
def test_an_order_id_of_the_shops_own_can_be_recorded_and_read(till: Caller, order_id: str) -> None:
    assert till.post("/v1/purchases", order(order_id)).status == 201
    assert till.get(f"/v1/purchases/{order_id}").json["purchase"]["order_id"] == order_id


@pytest.mark.parametrize("order_id", [".", ".."])
def test_an_id_that_no_path_can_hold_is_refused(till: Caller, order_id: str) -> None:
    """Every HTTP client turns /v1/purchases/.. into /v1: such an order could be recorded and never read."""
    reply = till.post("/v1/purchases", order(order_id))
    assert (reply.status, reply.problem) == (422, "request-invalid")


def test_an_order_of_no_amount_is_an_entry_that_earns_nothing(till: Caller) -> None:
    reply = till.post("/v1/purchases", order(amount=0))
    assert reply.status == 201
    assert (reply.json["earned"][0]["points"], reply.json["earned"][0]["lots"]) == (0, [])
    assert reply.json["sequence"] == 1


def test_orders_may_arrive_out_of_order_and_each_keeps_its_own_expiry(till: Caller, clock: FakeClock) -> None:
    later = till.post("/v1/purchases", order("later", 500, occurred_at="2026-03-02T12:00:00Z")).json
    earlier = till.post("/v1/purchases", order("earlier", 700, occurred_at="2025-09-01T12:00:00Z")).json
    assert later["earned"][0]["lots"][0]["last_day"] == "2027-03-01"
    assert earlier["earned"][0]["lots"][0]["last_day"] == "2026-08-31"
    assert (earlier["sequence"], earlier["balances"][0]["balance"]) == (2, 12)


def test_an_order_a_year_late_earns_points_that_are_gone_already(till: Caller) -> None:
    reply = till.post("/v1/purchases", order(amount=900, occurred_at="2025-03-02T17:00:00Z"))
    assert reply.status == 201
    assert reply.json["earned"][0]["points"] == 9
    assert reply.json["balances"][0]["balance"] == 0
    wallet = till.get(f"/v1/members/{ADA}/wallet").json["currencies"][0]
    assert (wallet["lifetime"]["earned"], wallet["lifetime"]["expired"]) == (9, 9)


def test_an_order_one_day_less_late_still_has_its_last_day(till: Caller) -> None:
    reply = till.post("/v1/purchases", order(amount=900, occurred_at="2025-03-03T17:00:00Z"))
    assert reply.json["balances"][0]["balance"] == 9
    assert reply.json["earned"][0]["lots"][0]["last_day"] == "2026-03-02"


def test_a_late_order_meets_the_version_of_its_own_day(stage: Stage, till: Caller) -> None:
    double = [grocer.earning_rule(points=2)]
    stage.activate(grocer.version(2, grocer.NOON - timedelta(days=1), earning_rules=double))
    new = till.post("/v1/purchases", order("new", 1000)).json
    late = till.post("/v1/purchases", order("late", 1000, occurred_at="2026-02-01T17:00:00Z")).json
    assert new["earned"][0]["why"] == [{"rule": "base", "program_version": 2, "points": 20, "room": None}]
    assert late["earned"][0]["why"] == [{"rule": "base", "program_version": 1, "points": 10, "room": None}]


def test_a_line_may_name_the_orders_own_currency(till: Caller) -> None:
    lines = [{"sku": "a", "quantity": 1, "amount": 150, "currency": "USD"}, {"sku": "b", "quantity": 1, "amount": 50}]
    assert till.post("/v1/purchases", order(lines=lines)).json["earned"][0]["points"] == 2


def test_points_of_several_currencies_are_earned_side_by_side(stage: Stage, till: Caller) -> None:
    stage.activate(
        grocer.version(
            2,
            grocer.NOON,
            currencies=[{"code": "points", "pending_days": 14}, {"code": "stars"}],
            earning_rules=[grocer.earning_rule(), grocer.earning_rule("stars", "stars", 1, 1000)],
        )
    )
    reply = till.post("/v1/purchases", order(amount=2500)).json
    assert [(earned["currency"], earned["points"]) for earned in reply["earned"]] == [("points", 25), ("stars", 2)]
    assert reply["balances"] == [
        {"currency": "points", "balance": 0, "active": 0, "pending": 25, "debt": 0},
        {"currency": "stars", "balance": 2, "active": 2, "pending": 0, "debt": 0},
    ]
    assert reply["earned"][0]["lots"][0]["spendable_from"] == "2026-03-16T04:00:00Z"
    assert reply["earned"][0]["lots"][0]["expires_at"] is None


def test_without_a_program_nothing_can_be_earned_and_nothing_is_written(bare_stage: Stage) -> None:
    bare_stage.wiring.members.enrol(profile(ADA, "ada"), b"x" * 32)
    before = bare_stage.items()
    reply = Caller(POS).post("/v1/purchases", order())
    assert (reply.status, reply.problem) == (409, "program-missing")
    assert bare_stage.items() == before


def test_five_hundred_lines_are_accepted_and_read_back(till: Caller) -> None:
    lines = [{"sku": f"sku-{n:03d}", "quantity": n, "amount": n, "category": "x" * 64} for n in range(500)]
    assert till.post("/v1/purchases", order(lines=lines)).json["earned"][0]["points"] == 1247
    assert len(till.get("/v1/purchases/order-1").json["purchase"]["lines"]) == 500


def test_the_largest_order_is_accepted(till: Caller) -> None:
    lines = [{"sku": "gold", "quantity": 10**6, "amount": 10**9 - 1}, {"sku": "bag", "quantity": 1, "amount": 1}]
    assert till.post("/v1/purchases", order(lines=lines)).json["earned"][0]["points"] == 10**7


def test_an_order_of_one_member_gives_another_nothing(till: Caller, bob: Caller) -> None:
    till.post("/v1/purchases", order())
    assert bob.get("/v1/me/wallet").json["currencies"][0]["balance"] == 0
    assert till.post("/v1/purchases", order("bobs", member_id=BOB)).json["sequence"] == 1


def test_a_quote_is_what_recording_then_gives_and_writes_nothing(stage: Stage, till: Caller) -> None:
    till.post("/v1/purchases", order("order-0", 777))
    before = stage.items()
    quote = till.post("/v1/purchases/quote", order(amount=1234))
    assert quote.status == 200
    assert stage.items() == before
    recorded = till.post("/v1/purchases", order(amount=1234)).json
    assert quote.json == {"earned": recorded["earned"], "balances": recorded["balances"]}
    assert recorded["balances"][0]["balance"] == 19


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"member_id": grocer.CAT}, "member-unknown"),
        ({"occurred_at": "2026-03-02T17:05:01Z"}, "occurred-in-future"),
        ({"currency": "EUR"}, "currency-not-accepted"),
        ({"lines": []}, "request-invalid"),
    ],
)
def test_a_quote_is_refused_as_recording_would_be(till: Caller, change: dict[str, object], problem: str) -> None:
    quote = till.post("/v1/purchases/quote", order(**change))
    assert quote.problem == problem
    assert till.post("/v1/purchases", order(**change)).text == quote.text
