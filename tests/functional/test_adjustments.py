"""Adjustments through the handlers: given and taken with a reason, above a limit with a second operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.engine import Engine
from tests.engines.faults import Fault, faulty
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, order
from tests.functional.api import OPERATOR, Caller, Reply
from tests.functional.conftest import Stage

LATE = "the parcel came late"


@pytest.fixture
def second(stage: Stage) -> Caller:
    """Another operator."""
    return Caller(OPERATOR, subject="operator-2")


def adjust(operator: Caller, points: int, key: str = "case-1", member: str = ADA, **more: Any) -> Reply:
    """Give or take a member's points."""
    body = {"currency": "points", "points": points, "reason": LATE, **more}
    return operator.post(f"/v1/members/{member}/adjustments", body, key=key)


def purse(caller: Caller) -> dict[str, Any]:
    """Ada's points."""
    [points] = caller.get(f"/v1/members/{ADA}/wallet").json["currencies"]
    found: dict[str, Any] = points
    return found


def test_points_that_are_given_can_be_spent_at_once_and_expire_as_if_bought_today(till: Caller, operator: Caller) -> None:
    given = adjust(operator, 250)
    assert (given.status, given.json["state"], given.json["reason"]) == (201, "posted", LATE)
    assert given.json["entry"]["balances"] == [{"currency": "points", "balance": 250, "active": 250, "pending": 0, "debt": 0}]
    found = purse(till)
    assert [(row["points"], row["last_day"]) for row in found["deadlines"]] == [(250, "2027-03-01")]
    assert found["lifetime"]["adjusted"] == -250
    assert found["lifetime"]["earned"] == 0


def test_points_that_are_given_have_serials_and_a_reason_that_the_member_can_read(operator: Caller, ada: Caller) -> None:
    entry = adjust(operator, 250).json["entry"]["entry_id"]
    told = ada.get(f"/v1/me/entries/{entry}").json
    assert (told["kind"], told["about"]["reason"], told["about"]["points"]) == ("adjustment", LATE, 250)
    [posting] = told["postings"]
    assert (posting["debit"], posting["credit"]) == ("adjusted", "active")
    assert [(lot["first_serial"], lot["last_serial"]) for lot in posting["lots"]] == [(1, 250)]
    [row] = ada.get("/v1/me/entries").json["entries"]
    assert row["kind"] == "adjustment"


def test_the_same_adjustment_meets_the_same_bytes_and_happens_once(till: Caller, operator: Caller) -> None:
    first = adjust(operator, 250)
    assert [adjust(operator, 250).text for _ in range(4)] == [first.text] * 4
    other = adjust(operator, 251)
    assert (other.status, other.problem) == (409, "key-reused")
    assert purse(till)["balance"] == 250


def test_points_are_taken_in_the_order_in_which_they_would_be_spent(till: Caller, operator: Caller) -> None:
    assert till.post("/v1/purchases", order("order-a", 10000, occurred_at="2026-02-02T17:00:00Z")).status == 201
    assert till.post("/v1/purchases", order("order-b", 8000)).status == 201
    assert adjust(operator, -130).status == 201
    assert [(row["points"], row["last_day"]) for row in purse(till)["deadlines"]] == [(50, "2027-03-01")]


def test_no_more_is_taken_than_there_is_and_the_refusal_stays_under_its_key(till: Caller, operator: Caller) -> None:
    assert till.post("/v1/purchases", order("order-a", 10000)).status == 201
    refused = adjust(operator, -120)
    assert (refused.status, refused.problem, refused.json["short_by"]) == (409, "points-short", 20)
    assert till.post("/v1/purchases", order("order-b", 10000)).status == 201
    assert adjust(operator, -120).text == refused.text
    assert purse(till)["balance"] == 200
    assert operator.get(f"/v1/adjustments/{refused_id(operator)}").problem == "adjustment-unknown"


def refused_id(operator: Caller) -> str:
    """The id that the adjustment under `case-1` would have had."""
    given = adjust(operator, 1, key="case-0").json["adjustment_id"]
    assert isinstance(given, str)
    return given.replace("case-0", "case-1")


def test_points_that_are_given_repay_debt_first(till: Caller, operator: Caller) -> None:
    mug = {"name": "Mug", "benefit": {"kind": "free_product", "sku": "mug"}, "currency": "points", "price": {"points": 60}}
    assert operator.put("/v1/rewards/mug", mug).status == 200
    assert till.post("/v1/purchases", order("order-a", 10000)).status == 201
    assert till.post(f"/v1/members/{ADA}/redemptions", {"reward_id": "mug"}, key="wish").status == 201
    refund = {"refund_id": "r1", "occurred_at": "2026-03-02T17:00:00Z"}
    assert till.post("/v1/purchases/order-a/refunds", refund).status == 201
    assert purse(till)["balance"] == -60
    assert adjust(operator, 100).status == 201
    assert (purse(till)["active"], purse(till)["debt"]) == (40, 0)


def test_above_the_limit_a_second_operator_must_agree(till: Caller, operator: Caller, second: Caller, clock: FakeClock) -> None:
    assert adjust(operator, 10_000, key="case-0").status == 201
    proposed = adjust(operator, 10_001)
    assert (proposed.status, proposed.json["state"], proposed.json["entry"]) == (202, "awaiting_approval", None)
    assert purse(till)["balance"] == 10_000
    adjustment = proposed.json["adjustment_id"]
    assert operator.get("/v1/adjustments").json["adjustments"] == [proposed.json]
    own = operator.post(f"/v1/adjustments/{adjustment}/approve")
    assert (own.status, own.problem) == (409, "same-operator")
    clock.advance(days=1)
    approved = second.post(f"/v1/adjustments/{adjustment}/approve")
    assert (approved.status, approved.json["state"]) == (200, "posted")
    assert approved.json["decided_by"] not in (None, approved.json["proposed_by"])
    assert purse(till)["balance"] == 20_001
    assert operator.get("/v1/adjustments").json["adjustments"] == []
    assert operator.get(f"/v1/adjustments/{adjustment}").text == approved.text
    told = operator.get(f"/v1/entries/{approved.json['entry']['entry_id']}").json
    assert told["about"]["approved_by"] == approved.json["decided_by"]
    # Points live from the day on which they were given, not from the day of the proposal.
    assert [lot["last_day"] for posting in told["postings"] for lot in posting["lots"]] == ["2027-03-02"]


def test_a_proposal_answers_the_same_for_ever_and_is_approved_once(till: Caller, operator: Caller, second: Caller) -> None:
    proposed = adjust(operator, 20_000)
    path = f"/v1/adjustments/{proposed.json['adjustment_id']}"
    assert adjust(operator, 20_000).text == proposed.text
    assert adjust(operator, 20_001).problem == "key-reused"
    approved = second.post(f"{path}/approve")
    third = Caller(OPERATOR, subject="operator-3")
    assert [caller.post(f"{path}/approve").text for caller in (second, third)] == [approved.text] * 2
    assert adjust(operator, 20_000).text == proposed.text
    late = second.post(f"{path}/reject", {"reason": "too much"})
    assert (late.status, late.problem) == (409, "adjustment-posted")
    assert purse(till)["balance"] == 20_000


def test_a_rejected_proposal_is_never_posted(till: Caller, operator: Caller, second: Caller) -> None:
    path = f"/v1/adjustments/{adjust(operator, 20_000).json['adjustment_id']}"
    assert operator.post(f"{path}/reject", {"reason": "mine"}).problem == "same-operator"
    rejected = second.post(f"{path}/reject", {"reason": "too much"})
    assert (rejected.status, rejected.json["state"], rejected.json["rejected_because"]) == (200, "rejected", "too much")
    assert second.post(f"{path}/reject", {"reason": "too much"}).text == rejected.text
    assert second.post(f"{path}/reject", {"reason": "another"}).problem == "key-reused"
    late = second.post(f"{path}/approve")
    assert (late.status, late.problem) == (409, "adjustment-rejected")
    assert operator.get("/v1/adjustments").json["adjustments"] == []
    assert operator.get(path).text == rejected.text
    assert purse(till)["balance"] == 0


def test_what_the_member_has_decides_when_it_is_approved(till: Caller, operator: Caller, second: Caller) -> None:
    path = f"/v1/adjustments/{adjust(operator, -20_000).json['adjustment_id']}"
    short = second.post(f"{path}/approve")
    assert (short.status, short.problem, short.json["short_by"]) == (409, "points-short", 20_000)
    # It waits on: whoever approves it once the member has enough takes them.
    assert len(operator.get("/v1/adjustments").json["adjustments"]) == 1
    assert till.post("/v1/purchases", order("order-a", 2_500_000)).status == 201
    assert second.post(f"{path}/approve").status == 200
    assert purse(till)["balance"] == 5_000


def test_the_one_that_waits_longest_is_listed_first(operator: Caller, clock: FakeClock) -> None:
    keys = ["b", "c", "a"]
    for key in keys:
        assert adjust(operator, 20_000, key=key).status == 202
        clock.advance(minutes=1)
    listed = [found["adjustment_id"] for found in operator.get("/v1/adjustments").json["adjustments"]]
    assert [key.rpartition(":")[2] for key in listed] == keys


def test_the_limit_is_the_programs_and_a_key_keeps_its_first_answer(stage: Stage, operator: Caller, clock: FakeClock) -> None:
    posted = adjust(operator, 500)
    assert posted.status == 201
    stage.activate(grocer.version(2, clock.now(), adjustment_limit=100))
    assert adjust(operator, 101, key="case-2").status == 202
    assert adjust(operator, 500).text == posted.text
    proposed = adjust(operator, 500, key="case-3")
    assert proposed.status == 202
    stage.activate(grocer.version(3, clock.now(), adjustment_limit=1000))
    assert adjust(operator, 500, key="case-3").text == proposed.text


def test_a_member_who_left_is_not_adjusted(operator: Caller, second: Caller) -> None:
    path = f"/v1/adjustments/{adjust(operator, 20_000).json['adjustment_id']}"
    assert operator.post(f"/v1/members/{ADA}/close").status == 200
    for refused in (adjust(operator, 5, "case-2"), adjust(operator, 20_000, "case-3"), second.post(f"{path}/approve")):
        assert (refused.status, refused.problem) == (409, "member-closed")
    assert second.post(f"{path}/reject", {"reason": "has left"}).status == 200


@pytest.mark.parametrize(("faster", "slower"), [("approve", "reject"), ("reject", "approve")])
def test_of_an_approval_and_a_rejection_at_the_same_moment_one_wins(
    make_stage: Callable[..., Stage], engine: Engine, operator: Caller, second: Caller, till: Caller, faster: str, slower: str
) -> None:
    path = f"/v1/adjustments/{adjust(operator, 20_000).json['adjustment_id']}"
    third = Caller(OPERATOR, subject="operator-3")
    bodies = {"approve": None, "reject": {"reason": "no"}}
    won: list[Reply] = []
    # The slower one has decided on what it read, and is overtaken before it writes.
    make_stage(client=InterruptedClient(engine.client, lambda: won.append(third.post(f"{path}/{faster}", bodies[faster]))))
    lost = second.post(f"{path}/{slower}", bodies[slower])
    assert (won[0].status, lost.status) == (200, 409)
    assert lost.problem == {"approve": "adjustment-posted", "reject": "adjustment-rejected"}[faster]
    assert operator.get(path).text == won[0].text
    assert purse(till)["balance"] == {"approve": 20_000, "reject": 0}[faster]


LOST = [Fault.REQUEST_LOST, Fault.RESPONSE_LOST, Fault.CONFLICT, Fault.SERVER_ERROR_AFTER]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_lost_answer_of_the_store_changes_nothing(
    engine: Engine, operator: Caller, second: Caller, till: Caller, decision: str, fault: Fault
) -> None:
    with faulty(engine) as wire:
        wire.next("TransactWriteItems", fault)
        proposed = adjust(operator, 20_000)
        assert proposed.status == 202
        assert operator.get("/v1/adjustments").json["adjustments"] == [proposed.json]
        path = f"/v1/adjustments/{proposed.json['adjustment_id']}"
        wire.next("TransactWriteItems", fault)
        decided = second.post(f"{path}/{decision}", {"approve": None, "reject": {"reason": "no"}}[decision])
        assert decided.status == 200
    assert operator.get(path).text == decided.text
    assert operator.get("/v1/adjustments").json["adjustments"] == []
    assert purse(till)["balance"] == {"approve": 20_000, "reject": 0}[decision]


def test_of_two_proposals_under_one_key_at_the_same_moment_one_waits(
    make_stage: Callable[..., Stage], engine: Engine, operator: Caller
) -> None:
    first: list[Reply] = []
    make_stage(client=InterruptedClient(engine.client, lambda: first.append(adjust(operator, 20_000))))
    again = adjust(operator, 20_000)
    assert (again.status, again.text) == (202, first[0].text)
    assert len(operator.get("/v1/adjustments").json["adjustments"]) == 1


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"points": 0}, "points"),
        ({"points": 10**9 + 1}, "points"),
        ({"points": "5"}, "points"),
        ({"points": 1.5}, "points"),
        ({"points": True}, "points"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"reason": " space "}, "reason"),
        ({"currency": "stars"}, "currency"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_is_wrong_in_form_writes_nothing(stage: Stage, operator: Caller, change: dict[str, Any], path: str) -> None:
    before = stage.items()
    body = {"currency": "points", "points": 5, "reason": LATE, **change}
    refused = operator.post(f"/v1/members/{ADA}/adjustments", body, key="case-1")
    assert (refused.status, refused.problem) == (422, "request-invalid")
    assert refused.paths == [path]
    assert stage.items() == before


def test_an_adjustment_needs_a_key_and_a_member(operator: Caller) -> None:
    body = {"currency": "points", "points": 5, "reason": LATE}
    assert operator.post(f"/v1/members/{ADA}/adjustments", body).problem == "request-invalid"
    assert adjust(operator, 5, member="01HNOBODY0000000000000000").problem == "member-unknown"
    assert adjust(operator, 20_000, member="01HNOBODY0000000000000000").problem == "member-unknown"


@pytest.mark.parametrize("entry", ["purchase:order-1", "key:a:adjust:b", "approval:key:a:adjust:b", "nothing:at-all"])
def test_what_is_no_adjustment_is_unknown(operator: Caller, second: Caller, till: Caller, entry: str) -> None:
    assert till.post("/v1/purchases", order("order-1")).status == 201
    for reply in (
        operator.get(f"/v1/adjustments/{entry}"),
        second.post(f"/v1/adjustments/{entry}/approve"),
        second.post(f"/v1/adjustments/{entry}/reject", {"reason": "no"}),
    ):
        assert (reply.status, reply.problem) == (404, "adjustment-unknown")


def test_an_adjustment_that_one_operator_made_waits_for_nobody(operator: Caller, second: Caller) -> None:
    posted = adjust(operator, 5)
    path = f"/v1/adjustments/{posted.json['adjustment_id']}"
    assert operator.get(path).text == posted.text
    assert second.post(f"{path}/approve").problem == "adjustment-posted"
    assert second.post(f"{path}/reject", {"reason": "no"}).problem == "adjustment-posted"
