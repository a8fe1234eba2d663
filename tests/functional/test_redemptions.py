"""Redemptions through the handlers: quoted, issued, used at a till, cancelled, lapsed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage

FIVE_OFF = {
    "name": "Five dollars off",
    "benefit": {"kind": "discount", "amount": 500},
    "currency": "points",
    "price": {"points": 120},
}


@pytest.fixture
def five_off(operator: Caller) -> str:
    """A reward for 120 points."""
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    return "five_off"


@pytest.fixture
def rich(till: Caller) -> None:
    """Ada has 180 points: 100 of one order, 80 of another."""
    assert till.post("/v1/purchases", order("order-a", 10000)).status == 201
    assert till.post("/v1/purchases", order("order-b", 8000)).status == 201


def redeem(till: Caller, reward: str = "five_off", key: str = "wish-1", member: str = ADA, **more: Any) -> Reply:
    """Redeem a reward for a member at a till."""
    return till.post(f"/v1/members/{member}/redemptions", {"reward_id": reward, **more}, key=key)


def balance(till: Caller, member: str = ADA) -> int:
    """What a member can spend less what they owe."""
    [points] = till.get(f"/v1/members/{member}/wallet").json["currencies"]
    found: int = points["balance"]
    return found


def use(till: Caller, code: str, order_id: str = "order-9", member: str = ADA) -> Reply:
    """Take a voucher for an order."""
    return till.post("/v1/vouchers/redeem", {"code": code, "order_id": order_id, "member_id": member})


@pytest.mark.usefixtures("rich")
def test_a_quote_tells_what_it_would_take_and_writes_nothing(stage: Stage, till: Caller, five_off: str) -> None:
    before = stage.items()
    told = till.post(f"/v1/members/{ADA}/redemptions/quote", {"reward_id": five_off})
    assert told.status == 200
    assert (told.json["points"], told.json["value"], told.json["available"], told.json["short_by"]) == (120, 500, True, 0)
    assert stage.items() == before


@pytest.mark.usefixtures("rich")
def test_a_voucher_is_issued_validated_and_taken_once(till: Caller, five_off: str) -> None:
    issued = redeem(till, five_off)
    assert (issued.status, issued.json["state"], issued.json["points"]) == (201, "issued", 120)
    assert balance(till) == 60
    code = issued.json["code"]
    seen = till.post("/v1/vouchers/validate", {"code": code.lower().replace("-", " "), "member_id": ADA})
    assert (seen.status, seen.json["state"]) == (200, "issued")
    used = use(till, code)
    assert (used.status, used.json["state"], used.json["order_id"]) == (200, "redeemed", "order-9")
    assert use(till, code).text == used.text
    assert (use(till, code, "order-10").status, use(till, code, "order-10").problem) == (409, "voucher-used")
    assert till.get(f"/v1/redemptions/{issued.json['redemption_id']}").json["state"] == "redeemed"
    assert balance(till) == 60


@pytest.mark.usefixtures("rich")
def test_the_same_wish_meets_the_same_bytes_and_another_body_is_refused(till: Caller, five_off: str) -> None:
    first = redeem(till, five_off)
    assert [redeem(till, five_off).text for _ in range(9)] == [first.text] * 9
    assert balance(till) == 60
    other = redeem(till, five_off, channel="app")
    assert (other.status, other.problem) == (409, "key-reused")


@pytest.mark.usefixtures("rich")
def test_a_cancelled_redemption_gives_the_points_back_with_their_dates(till: Caller, five_off: str) -> None:
    before = till.get(f"/v1/members/{ADA}/wallet").json["currencies"][0]["deadlines"]
    issued = redeem(till, five_off)
    path = f"/v1/redemptions/{issued.json['redemption_id']}/cancel"
    cancelled = till.post(path, {"reason": "changed my mind"})
    assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled")
    assert till.post(path, {"reason": "changed my mind"}).text == cancelled.text
    assert till.get(f"/v1/members/{ADA}/wallet").json["currencies"][0]["deadlines"] == before
    assert use(till, issued.json["code"]).problem == "voucher-cancelled"


@pytest.mark.usefixtures("rich")
def test_a_redeemed_voucher_cannot_be_cancelled(till: Caller, five_off: str) -> None:
    issued = redeem(till, five_off)
    assert use(till, issued.json["code"]).status == 200
    refused = till.post(f"/v1/redemptions/{issued.json['redemption_id']}/cancel", {})
    assert (refused.status, refused.problem) == (409, "voucher-used")


@pytest.mark.usefixtures("rich")
def test_a_lapsed_voucher_is_back_by_date_alone(till: Caller, five_off: str, clock: FakeClock) -> None:
    issued = redeem(till, five_off)
    assert issued.json["last_day"] == "2026-03-31"
    clock.advance(days=30)
    assert balance(till) == 180
    late = use(till, issued.json["code"])
    assert (late.status, late.problem, late.json["lapsed_on"]) == (409, "voucher-lapsed", "2026-04-01")
    answers = [till.post(f"/v1/redemptions/{issued.json['redemption_id']}/cancel", {}) for _ in range(2)]
    assert [(answer.status, answer.json["state"]) for answer in answers] == [(200, "expired")] * 2
    assert till.get(f"/v1/members/{ADA}/redemptions").json["redemptions"] == []
    # The next entry books it.
    assert till.post("/v1/purchases", order("order-c", 100, occurred_at="2026-04-01T17:00:00Z")).status == 201
    assert balance(till) == 181
    assert till.get(f"/v1/redemptions/{issued.json['redemption_id']}").json["state"] == "expired"


def test_whoever_is_short_is_told_by_how_much_and_stays_refused_under_the_key(till: Caller, five_off: str) -> None:
    assert till.post("/v1/purchases", order("order-a", 10000)).status == 201
    refused = redeem(till, five_off)
    assert (refused.status, refused.problem, refused.json["short_by"]) == (409, "points-short", 20)
    assert till.post("/v1/purchases", order("order-b", 10000)).status == 201
    assert redeem(till, five_off).text == refused.text
    assert balance(till) == 200
    assert redeem(till, five_off, key="wish-2").status == 201


@pytest.mark.usefixtures("rich")
def test_another_members_voucher_an_unknown_one_and_a_misread_one_meet_answers_of_their_own(
    till: Caller, five_off: str, bob: Caller, ada: Caller
) -> None:
    issued = redeem(till, five_off)
    foreign = till.post("/v1/vouchers/validate", {"code": issued.json["code"], "member_id": BOB})
    assert (foreign.status, foreign.problem) == (409, "voucher-foreign")
    assert set(foreign.json) == {"type", "title", "status", "detail"}
    unknown = till.post("/v1/vouchers/validate", {"code": "0000-0000-0000", "member_id": ADA})
    assert (unknown.status, unknown.problem) == (404, "voucher-unknown")
    misread = till.post("/v1/vouchers/validate", {"code": "0000-0000-0001", "member_id": ADA})
    assert (misread.status, misread.problem) == (422, "code-malformed")
    assert bob.get(f"/v1/me/redemptions/{issued.json['redemption_id']}").status == 404
    assert ada.get(f"/v1/me/redemptions/{issued.json['redemption_id']}").json["state"] == "issued"


@pytest.mark.usefixtures("rich")
def test_the_last_one_goes_to_one_and_comes_back_when_it_lapses(
    till: Caller, operator: Caller, clock: FakeClock, five_off: str
) -> None:
    assert operator.put("/v1/rewards/five_off", {**FIVE_OFF, "stock_limited": True, "price": {"points": 50}}).status == 200
    assert redeem(till, five_off).problem == "sold-out"
    assert operator.put("/v1/rewards/five_off/stock", {"total": 1}).json["available"] == 1
    assert redeem(till, five_off, "wish-2").status == 201
    assert redeem(till, five_off, "wish-3").problem == "sold-out"
    clock.advance(days=30)
    assert redeem(till, five_off, "wish-4").status == 201


@pytest.mark.usefixtures("rich")
def test_a_limit_counts_what_was_taken_and_not_what_came_back(till: Caller, operator: Caller, five_off: str) -> None:
    limited = {**FIVE_OFF, "price": {"points": 10}, "limits": {"ever": 2, "per_period": {"period": "month", "count": 1}}}
    assert operator.put("/v1/rewards/five_off", limited).status == 200
    issued = redeem(till, five_off)
    assert issued.status == 201
    refused = redeem(till, five_off, "wish-2")
    assert (refused.problem, refused.json["limit"]) == ("limit-reached", "per_period")
    assert till.post(f"/v1/redemptions/{issued.json['redemption_id']}/cancel", {}).status == 200
    assert redeem(till, five_off, "wish-3").status == 201


@pytest.mark.usefixtures("rich")
def test_a_reward_that_changed_since_it_was_shown_is_not_taken(till: Caller, operator: Caller, five_off: str) -> None:
    assert operator.put("/v1/rewards/five_off", {**FIVE_OFF, "price": {"points": 150}}).status == 200
    refused = redeem(till, five_off, reward_version=1)
    assert (refused.status, refused.problem, refused.json["points"]) == (409, "reward-changed", 150)
    assert balance(till) == 180


@pytest.mark.usefixtures("rich")
def test_a_member_redeems_with_their_phone_and_sees_what_is_open(ada: Caller, five_off: str) -> None:
    issued = ada.post("/v1/me/redemptions", {"reward_id": five_off}, key="tap-1")
    assert issued.status == 201
    [shown] = ada.get("/v1/me/redemptions").json["redemptions"]
    assert (shown["code"], shown["state"]) == (issued.json["code"], "issued")
    assert ada.post(f"/v1/me/redemptions/{issued.json['redemption_id']}/cancel", {}).json["state"] == "cancelled"


@pytest.mark.usefixtures("rich")
def test_a_redemption_without_a_key_is_refused(till: Caller, five_off: str) -> None:
    refused = till.post(f"/v1/members/{ADA}/redemptions", {"reward_id": five_off})
    assert (refused.status, refused.problem) == (422, "request-invalid")


@pytest.mark.usefixtures("rich")
def test_a_member_has_at_most_fifty_open_redemptions(till: Caller, operator: Caller, five_off: str) -> None:
    assert operator.put("/v1/rewards/five_off", {**FIVE_OFF, "price": {"points": 1}}).status == 200
    issued = [redeem(till, five_off, f"wish-{n}") for n in range(50)]
    assert {reply.status for reply in issued} == {201}
    assert len(till.get(f"/v1/members/{ADA}/redemptions").json["redemptions"]) == 50
    refused = redeem(till, five_off, "wish-50")
    assert (refused.problem, refused.json["limit"]) == ("limit-reached", "open")
    assert use(till, issued[0].json["code"]).status == 200
    assert redeem(till, five_off, "wish-51").status == 201
