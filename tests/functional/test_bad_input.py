"""What a till must never send: refused with a stable type, nothing written, no key claimed, nothing of the stack told."""
# ruff: noqa: RUF001 - look-alike digits and letters are what these tests send

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.dynamodb.items import to_wire, wallet_item
from shared.domain.points import Lot
from shared.domain.purse import Purse
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage


def line(**changes: Any) -> dict[str, Any]:
    """One line of an order."""
    return {"sku": "apples", "quantity": 1, "amount": 1999, **changes}


def refused(stage: Stage, till: Caller, *bodies: Any) -> Reply:
    """Send what must be refused; the table stays as it is, and the good order under the same id works right afterwards."""
    before = stage.items()
    for body in bodies:
        reply = till.post("/v1/purchases", body)
        assert 400 <= reply.status < 500, (body, reply)
        assert stage.items() == before, body
    assert till.post("/v1/purchases", order()).status == 201
    return reply


WRONG_VALUES: dict[str, list[Any]] = {
    "order_id": [
        *(1, None, True, "", "a b", "a/b", "x" * 65, "order\n1", "order-1\n", " order-1", "ord:1", "a%20b", [], {}),
        *("１２３", "é", "a\u0000", "\ud800", "order-1\u200b"),
    ],
    "member_id": [1, None, False, "", "a#b", "x" * 65, "０1HADA00000000000000000000", "\udc00", [ADA], {"id": ADA}],
    "currency": [840, None, "usd", "US", "USDX", "ＵＳＤ", "", "U$D", "USD\n", ["USD"]],
    "occurred_at": [
        *(1772470800, 1772470800.5, None, True, "", "today", "now", "1772470800", {}, ["2026-03-02T17:00:00Z"]),
        *("2026-03-02", "2026-03-02T17:00:00", "2026-03-02 17:00:00Z", "2026-03-02T17:00Z", "2026-03-02T17:00:60Z"),
        *("2026-03-02T25:00:00Z", "2026-02-30T12:00:00Z", "2026-03-02T17:00:00+25:00", "20260302T170000Z"),
        *("2026-W10-1T00:00:00Z", "2026-03-02T17:00:00.1234567Z", "2026-03-02T17:00:00Z ", "2026-03-02T17:00:00Z\n"),
        *("２０26-03-02T17:00:00Z", "2026-03-02T17:00:00+००:००", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"),
    ],
    "lines": [None, [], {}, "apples", 1, {"0": line()}, [None], ["apples"], [[]], [line(), 1]],
    "lines.0.amount": [
        *("1", "", None, True, False, 1.5, 1.0, 1e3, 1e400, -1, -(10**9), 10**9 + 1, 10**30, -(10**30)),
        *("１２", "٣", [1], {"cents": 1}),
    ],
    "lines.0.quantity": ["1", None, True, 0.5, 2.0, -1, 10**6 + 1, 10**30, "一"],
    "lines.0.sku": [
        *(1, None, "", " ", " a", "a ", "x" * 65, "a\u0000b", "a\nb", "a\u200bb", "e\u0301", "\ue000", "\u202eabc"),
        *("\ud83d", "\udfff\ud800", "\u2028", "\u00a0a", "\U000e0041", "\uffff"),
    ],
    "lines.0.category": [1, "", "\t", "x" * 65, ["fruit"]],
    "channel": [1, "", "\u0007", {"a": 1}, "x" * 65],
    "store": [False, "", "Ko\u0308ln", "\ud800", 7],
}


def with_value(path: str, value: Any) -> dict[str, Any]:
    """The good order but for the value at `path`."""
    *inside_line, name = path.split(".")
    return order(lines=[line(**{name: value})]) if inside_line else {**order(), name: value}


@pytest.mark.parametrize("path", WRONG_VALUES)
def test_a_field_of_the_wrong_kind_is_named_and_refused(stage: Stage, till: Caller, path: str) -> None:
    refused(stage, till, *(with_value(path, value) for value in WRONG_VALUES[path]))
    for value, reply in zip(WRONG_VALUES[path], till.calls, strict=False):
        # 1e400 is beyond what JSON numbers may be here: it is Infinity by another name.
        assert (reply.status, reply.problem) in [(422, "request-invalid"), (400, "malformed-body")], (value, reply)
        if reply.status == 422:
            assert any(found == path or found.startswith(f"{path}.") for found in reply.paths), (value, reply)


@pytest.mark.parametrize("name", ["order_id", "member_id", "currency", "occurred_at", "lines"])
def test_a_field_that_is_left_out_is_named(stage: Stage, till: Caller, name: str) -> None:
    reply = refused(stage, till, {key: value for key, value in order().items() if key != name})
    assert (reply.status, reply.problem, reply.paths) == (422, "request-invalid", [name])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({**order(), "points": 500}, "points", id="top"),
        pytest.param({**order(), "recorded_at": "2020-01-01T00:00:00Z"}, "recorded_at", id="a field of the answer"),
        pytest.param({**order(), "Order_id": "x"}, "Order_id", id="other case"),
        pytest.param({**order(), "__class__": "x"}, "__class__", id="dunder"),
        pytest.param({**order(), "": 1}, "", id="empty name"),
        pytest.param(order(lines=[line(price=5)]), "lines.0.price", id="line"),
        pytest.param(order(lines=[line(), line(discount=None)]), "lines.1.discount", id="second line"),
    ],
)
def test_an_unknown_field_is_refused(stage: Stage, till: Caller, body: Any, path: str) -> None:
    reply = refused(stage, till, body)
    assert (reply.status, reply.problem) == (422, "request-invalid")
    assert path in [*reply.paths, *("" for found in reply.paths if found == "$")]


def test_an_unknown_field_with_half_a_symbol_for_a_name_is_refused(stage: Stage, till: Caller) -> None:
    assert refused(stage, till, {**order(), "\ud800": 1}).problem == "request-invalid"


def test_all_faults_are_told_at_once(stage: Stage, till: Caller) -> None:
    reply = refused(stage, till, {**order(), "currency": "usd", "extra": 1, "lines": [line(amount=-1)]})
    assert sorted(reply.paths) == ["currency", "extra", "lines.0.amount"]


def test_five_hundred_and_one_lines_are_refused(stage: Stage, till: Caller) -> None:
    reply = refused(stage, till, order(lines=[line(amount=1)] * 501))
    assert (reply.status, reply.problem, reply.paths) == (422, "request-invalid", ["lines"])


def test_lines_that_come_to_more_than_one_call_may_move_are_refused(stage: Stage, till: Caller) -> None:
    reply = refused(stage, till, order(lines=[line(amount=10**9), line(amount=1)]))
    assert (reply.status, reply.problem) == (422, "amount-over-limit")
    assert (reply.json["amount"], reply.json["amount_max"]) == (10**9 + 1, 10**9)


def test_an_order_that_would_earn_more_points_than_one_call_may_move_is_refused(stage: Stage, till: Caller) -> None:
    generous = [grocer.earning_rule(points=10**6, minor_units=1)]
    stage.activate(grocer.version(2, grocer.NOON, earning_rules=generous))
    reply = refused_but_smaller(stage, till, order(amount=1001), order(amount=1000))
    assert (reply.status, reply.problem) == (422, "amount-over-limit")


def test_an_order_that_would_fill_a_wallet_beyond_its_limit_is_refused(stage: Stage, till: Caller) -> None:
    """A thousand orders of 10^9 points would take a while to send."""
    nearly = 10**12 - 20
    full = Purse("points", (Lot(1, nearly, None, None),), next_serial=nearly + 1, issued=nearly)
    wallet = replace(stage.wiring.ledger.view(ADA).wallet, purses=(full,))
    stage.store.client.put_item(TableName=stage.store.table, Item=to_wire(wallet_item(wallet)))
    stage.forged = True
    reply = refused_but_smaller(stage, till, order(amount=2000), order(amount=1999))
    assert (reply.status, reply.problem, reply.json["balance_max"]) == (422, "balance-over-limit", 10**12)


def refused_but_smaller(stage: Stage, till: Caller, body: Any, smaller: Any) -> Reply:
    """As `refused`, where the good order is a smaller one."""
    before = stage.items()
    reply = till.post("/v1/purchases", body)
    assert stage.items() == before
    assert till.post("/v1/purchases", smaller).status == 201
    return reply


def test_a_line_in_another_currency_than_its_order_is_refused(stage: Stage, till: Caller) -> None:
    reply = refused(stage, till, order(lines=[line(currency="USD"), line(currency="EUR")]))
    assert (reply.status, reply.problem) == (422, "mixed-currencies")
    assert (reply.json["currency"], reply.json["line_currency"]) == ("USD", "EUR")


def test_an_order_in_another_currency_than_the_programs_is_refused(stage: Stage, till: Caller) -> None:
    reply = refused(stage, till, order(currency="EUR"))
    assert (reply.status, reply.problem) == (422, "currency-not-accepted")
    assert (reply.json["currency"], reply.json["accepted"]) == ("EUR", "USD")


def test_an_unknown_member_is_refused(stage: Stage, till: Caller) -> None:
    reply = refused(stage, till, order(member_id=grocer.CAT))
    assert (reply.status, reply.problem) == (404, "member-unknown")


def test_a_closed_member_earns_no_more_but_old_orders_still_answer(stage: Stage, till: Caller, operator: Caller) -> None:
    first = till.post("/v1/purchases", order("before"))
    operator.post(f"/v1/members/{ADA}/close")
    before = stage.items()
    reply = till.post("/v1/purchases", order())
    assert (reply.status, reply.problem) == (409, "member-closed")
    assert stage.items() == before
    assert till.post("/v1/purchases", order("before")).text == first.text
    assert till.post("/v1/purchases", order(member_id=BOB)).status == 201, "the refused order claimed no key"


def test_an_order_more_than_five_minutes_ahead_is_refused_and_one_of_five_is_not(stage: Stage, till: Caller) -> None:
    before = stage.items()
    reply = till.post("/v1/purchases", order(occurred_at="2026-03-02T17:05:00.000001Z"))
    assert (reply.status, reply.problem) == (422, "occurred-in-future")
    assert reply.json["now"] == "2026-03-02T17:00:00Z"
    assert stage.items() == before
    assert till.post("/v1/purchases", order(occurred_at="2026-03-02T17:05:00Z")).status == 201


def test_an_order_older_than_the_program_accepts_is_refused(stage: Stage, till: Caller, clock: FakeClock) -> None:
    clock.instant = grocer.OPENED
    clock.advance(days=500)
    before = stage.items()
    reply = till.post("/v1/purchases", order(occurred_at="2025-04-10T03:59:59Z"))
    assert (reply.status, reply.problem, reply.json["late_days_max"]) == (422, "too-late", 400)
    assert stage.items() == before
    assert till.post("/v1/purchases", order(occurred_at="2025-04-11T04:00:00Z")).status == 201


def test_an_order_from_before_the_program_began_is_refused(stage: Stage, till: Caller, clock: FakeClock) -> None:
    clock.instant = grocer.OPENED
    clock.advance(days=1)
    before = stage.items()
    reply = till.post("/v1/purchases", order(occurred_at="2024-12-31T23:59:59.999999Z"))
    assert (reply.status, reply.problem) == (422, "before-program")
    assert reply.json["program_since"] == "2025-01-01T00:00:00Z"
    assert stage.items() == before
    assert till.post("/v1/purchases", order(occurred_at="2025-01-01T00:00:00Z")).status == 201


def test_the_same_id_with_another_body_is_refused_and_changes_nothing(stage: Stage, till: Caller) -> None:
    first = till.post("/v1/purchases", order())
    before = stage.items()
    others = [
        order(amount=2000),
        order(member_id=BOB),
        order(channel="web"),
        order(store="s"),
        order(occurred_at="2026-03-02T17:00:01Z"),
        order(lines=[line(), line(amount=0)]),
        order(lines=[line(category="fruit")]),
        order(lines=[line(quantity=2)]),
    ]
    for body in others:
        reply = till.post("/v1/purchases", body)
        assert (reply.status, reply.problem, reply.json["key"]) == (409, "key-reused", "purchase:order-1")
    assert stage.items() == before
    assert till.post("/v1/purchases", order()).text == first.text
