"""Refunds through the handlers: exact to the point, in any order, whatever became of the points."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage
from tests.functional.test_redemptions import FIVE_OFF, balance, redeem, use


def refund(till: Caller, order_id: str = "order-1", refund_id: str = "refund-1", **more: Any) -> Reply:
    """Give money of an order back."""
    body = {"refund_id": refund_id, "occurred_at": "2026-03-02T17:00:00Z", **more}
    return till.post(f"/v1/purchases/{order_id}/refunds", body)


def clawed_back(reply: Reply) -> int:
    """The points that a refund took back."""
    assert reply.status == 201, reply.text
    [taken] = reply.json["clawed_back"]
    points: int = taken["points"]
    return points


def test_a_full_refund_takes_back_what_the_order_earned(till: Caller) -> None:
    assert till.post("/v1/purchases", order("order-1", 1999)).status == 201
    told = refund(till)
    assert (clawed_back(told), told.json["refunded"], told.json["net"]) == (19, 1999, 0)
    assert balance(till) == 0
    assert refund(till).text == told.text
    assert (refund(till, amount=1).status, refund(till, amount=1).problem) == (409, "key-reused")
    recorded = till.get("/v1/purchases/order-1").json
    assert (recorded["net"], [part["refund_id"] for part in recorded["refunds"]]) == (0, ["refund-1"])


def test_rounding_three_lines_at_one_and_a_half_points(stage: Stage, till: Caller) -> None:
    stage.activate(grocer.version(2, earning_rules=[grocer.earning_rule(points=3, minor_units=200)]))
    lines = [{"sku": f"sku-{n}", "quantity": 1, "amount": 99} for n in range(3)]
    earned = till.post("/v1/purchases", order("order-1", lines=lines)).json["earned"]
    assert earned[0]["points"] == 4
    assert [clawed_back(refund(till, refund_id=f"r-{line}", lines=[{"line": line}])) for line in (1, 2, 3)] == [2, 1, 1]


def test_rounding_a_point_per_ten_dollars(stage: Stage, till: Caller) -> None:
    stage.activate(grocer.version(2, earning_rules=[grocer.earning_rule(points=1, minor_units=1000)]))
    assert till.post("/v1/purchases", order("order-1", 2190)).json["earned"][0]["points"] == 2
    taken = [clawed_back(refund(till, refund_id=f"r-{n}", amount=amount)) for n, amount in enumerate((500, 500, 1190))]
    assert taken == [1, 0, 1]


def test_more_than_is_left_is_refused_and_writes_nothing(stage: Stage, till: Caller) -> None:
    assert till.post("/v1/purchases", order("order-1", 1000)).status == 201
    assert refund(till, amount=700).status == 201
    before = stage.items()
    over = refund(till, refund_id="refund-2", amount=301)
    assert (over.status, over.problem, over.json["refundable"]) == (409, "over-refund", 300)
    line = refund(till, refund_id="refund-2", lines=[{"line": 1, "amount": 301}])
    assert (line.status, line.json["refundable"]) == (409, 300)
    nowhere = refund(till, refund_id="refund-2", lines=[{"line": 2}])
    assert (nowhere.status, nowhere.paths) == (422, ["lines.0.line"])
    both = refund(till, refund_id="refund-2", amount=1, lines=[{"line": 1}])
    assert both.status == 422
    assert refund(till, "order-unknown").problem == "purchase-unknown"
    assert stage.items() == before
    assert refund(till, refund_id="refund-2", amount=300).status == 201


@pytest.mark.parametrize(("refunded", "owed", "back", "later"), [("order-a", -40, 80, 0), ("order-b", -20, 100, 100)])
def test_a_refund_after_spending_becomes_debt_and_a_cancellation_lifts_it(
    stage: Stage, till: Caller, operator: Caller, clock: FakeClock, refunded: str, owed: int, back: int, later: int
) -> None:
    """A: 100 points, last day 2027-01-10. B, earned later: 80, last day 2026-06-30. 120 are redeemed."""
    two = [
        {"code": "points", "expiry": {"after": 314, "rounded_to": "day"}},
    ]
    stage.activate(grocer.version(2, currencies=two))
    assert till.post("/v1/purchases", order("order-a", 10000)).json["earned"][0]["lots"][0]["last_day"] == "2027-01-09"
    two[0]["expiry"] = {"after": 120, "rounded_to": "day"}
    stage.activate(grocer.version(3, grocer.NOON, currencies=two))
    assert till.post("/v1/purchases", order("order-b", 8000)).json["earned"][0]["lots"][0]["last_day"] == "2026-06-29"
    assert operator.put("/v1/rewards/five_off", {**FIVE_OFF, "lapse_days": None}).status == 200
    issued = redeem(till)
    assert balance(till) == 60
    for _ in range(2):
        assert refund(till, refunded).status == 201
        assert balance(till) == owed
    for _ in range(2):
        assert till.post(f"/v1/redemptions/{issued.json['redemption_id']}/cancel", {}).status == 200
        assert balance(till) == back
    clock.advance(days=121)
    assert balance(till) == later


def test_an_order_paid_in_part_with_a_voucher_gives_its_points_back_by_share(till: Caller, operator: Caller) -> None:
    assert till.post("/v1/purchases", order("order-a", 20000)).status == 201
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    code = redeem(till).json["code"]
    assert use(till, code, "order-b").status == 200
    paid = till.post("/v1/purchases", order("order-b", 3000, paid_with_rewards=500))
    assert paid.json["earned"][0]["points"] == 25
    assert balance(till) == 200 - 120 + 25
    first = refund(till, "order-b", amount=1000)
    # A third of the order: 120 // 3 points back, and of 25 points floor(20 * 25 / 30) = 16 stay.
    assert (clawed_back(first), [part["amount"] for part in first.json["returned"]]) == (9, [40])
    rest = refund(till, "order-b", "refund-2")
    assert (clawed_back(rest), [part["amount"] for part in rest.json["returned"]]) == (16, [80])
    assert balance(till) == 200


def test_a_refund_of_expired_points_leaves_no_debt(till: Caller, clock: FakeClock) -> None:
    assert till.post("/v1/purchases", order("order-1", 1999)).status == 201
    clock.advance(days=400)
    assert clawed_back(refund(till)) == 19
    assert balance(till) == 0


def test_a_program_that_forgives_leaves_no_debt(stage: Stage, till: Caller, operator: Caller) -> None:
    stage.activate(grocer.version(2, clawback="forgive"))
    assert till.post("/v1/purchases", order("order-1", 12000)).status == 201
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    assert redeem(till).status == 201
    assert clawed_back(refund(till)) == 120
    assert balance(till) == 0


def test_a_refund_of_the_future_is_refused(till: Caller) -> None:
    assert till.post("/v1/purchases", order("order-1", 1999)).status == 201
    assert refund(till, occurred_at="2026-03-02T17:06:00Z").problem == "occurred-in-future"


def test_a_closed_members_order_can_be_refunded(till: Caller, operator: Caller) -> None:
    assert till.post("/v1/purchases", order("order-1", 1999)).status == 201
    assert operator.post(f"/v1/members/{ADA}/close").status == 200
    assert clawed_back(refund(till)) == 19
    assert balance(till) == 0


def test_refunds_that_came_in_another_order_than_they_occurred_count_once(till: Caller, clock: FakeClock) -> None:
    assert till.post("/v1/purchases", order("order-1", 10000)).status == 201
    clock.advance(days=5)
    assert refund(till, amount=5000, occurred_at="2026-03-04T17:00:00Z").status == 201
    assert refund(till, refund_id="refund-2", amount=5000, occurred_at="2026-03-03T17:00:00Z").status == 201
    assert balance(till) == 0
    occurred = till.get(f"/v1/members/{ADA}/wallet", as_of="2026-03-07", basis="occurred").json
    assert occurred["currencies"][0]["balance"] == 0


def test_a_voucher_pays_no_more_than_it_is_worth(till: Caller, operator: Caller) -> None:
    assert till.post("/v1/purchases", order("order-1", 50000)).status == 201
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    code = redeem(till).json["code"]
    body = {"code": code, "order_id": "order-9", "member_id": ADA, "amount": 501}
    refused = till.post("/v1/vouchers/redeem", body)
    assert (refused.status, refused.problem, refused.json["value"]) == (409, "voucher-worth", 500)
    assert till.post("/v1/vouchers/redeem", {**body, "amount": 500}).status == 200


def test_what_a_percentage_is_worth_is_not_the_members_to_say(till: Caller, operator: Caller) -> None:
    assert till.post("/v1/purchases", order("order-1", 50000)).status == 201
    percent = {**FIVE_OFF, "benefit": {"kind": "discount", "percent": 10}}
    assert operator.put("/v1/rewards/five_off", percent).status == 200
    assert redeem(till, order_amount=10**9).json["value"] is None
