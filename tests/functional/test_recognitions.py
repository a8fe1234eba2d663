"""Recognitions through the handlers: an allowance to give away, who may give what to whom, and what the taker is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage
from tests.functional.explained import check_all, why
from tests.functional.test_redemptions import FIVE_OFF, balance, redeem

KUDOS: dict[str, Any] = {
    "id": "kudos",
    "currency": "points",
    "allowance": {"points": 500, "per": "month"},
    "points_max": 200,
    "givers": {"segments": ["employee"]},
    "takers": {"segments": ["employee"]},
}


@pytest.fixture(autouse=True)
def team(stage: Stage, till: Caller, operator: Caller) -> Iterator[None]:
    """Ada and Bob are employees who may give 500 points a month; in the end every entry explains itself."""
    stage.activate(grocer.version(2, recognitions=[KUDOS]))
    for member in (ADA, BOB):
        assert till.patch(f"/v1/members/{member}", {"attributes": {"employee": True}}).status == 200
    yield
    check_all(stage, operator)


def give(caller: Caller, points: int = 100, key: str = "thanks-1", **changes: Any) -> Reply:
    """Thank Bob."""
    return caller.post("/v1/me/recognitions", {"recognition": "kudos", "to": BOB, "points": points, **changes}, key=key)


def left(caller: Caller) -> int:
    """What the caller may still give."""
    [allowance] = caller.get("/v1/me/recognitions").json["allowances"]
    found: int = allowance["left"]
    return found


def test_the_taker_has_new_points_and_is_told_who_gave_them_and_why(
    till: Caller, operator: Caller, ada: Caller, bob: Caller
) -> None:
    given = give(ada, message="for staying late")
    assert given.status == 201
    assert {name: given.json[name] for name in ("member_id", "to", "recognition", "currency", "points", "message")} == {
        "member_id": ADA,
        "to": BOB,
        "recognition": "kudos",
        "currency": "points",
        "points": 100,
        "message": "for staying late",
    }
    assert (balance(till, BOB), left(ada), left(bob)) == (100, 400, 500)
    assert till.get(f"/v1/members/{ADA}/wallet").json["currencies"][0]["balance"] == 0
    [row] = bob.get("/v1/me/entries").json["entries"]
    entry = bob.get(f"/v1/me/entries/{row['entry_id']}").json
    assert why(entry) == {"recognition:kudos": 100}
    assert (entry["about"]["counterpart"], entry["about"]["message"], entry["names_entry_id"]) == (
        ADA,
        "for staying late",
        given.json["entry_id"],
    )
    assert entry["earned"][0]["why"][0]["program_version"] == 2
    assert entry["earned"][0]["lots"][0]["last_day"] == "2027-03-01"
    mine = ada.get(f"/v1/me/entries/{given.json['entry_id']}").json
    assert (mine["kind"], mine["earned"], mine["postings"], mine["about"]["counterpart"]) == ("recognition", [], [], BOB)


def test_the_same_wish_again_gives_nothing_more(stage: Stage, till: Caller, ada: Caller, clock: FakeClock) -> None:
    first = give(ada)
    clock.advance(days=40)
    before = stage.items()
    assert [give(ada).text for _ in range(3)] == [first.text] * 3
    for changes in ({"points": 99}, {"message": "thanks"}):
        assert give(ada, **changes).problem == "key-reused"
    assert (stage.items(), balance(till, BOB)) == (before, 100)


def test_an_allowance_is_for_a_month_and_what_is_left_of_it_is_gone(till: Caller, ada: Caller, clock: FakeClock) -> None:
    assert [give(ada, 200, f"k-{n}").status for n in (1, 2)] == [201, 201]
    over = give(ada, 101, "k-3")
    assert (over.status, over.problem, over.json["limit"], over.json["count"], over.json["until"]) == (
        409,
        "limit-reached",
        "allowance",
        500,
        "2026-04-01",
    )
    [allowance] = ada.get("/v1/me/recognitions").json["allowances"]
    assert (allowance["left"], allowance["last_day"], allowance["points_min"], allowance["points_max"]) == (
        100,
        "2026-03-31",
        1,
        200,
    )
    # Midnight in New York is 04:00Z by then.
    clock.instant = grocer.NOON.replace(month=4, day=1, hour=3, minute=59)
    assert left(ada) == 100
    clock.advance(minutes=1)
    assert left(ada) == 500
    assert give(ada, 200, "k-4").status == 201
    assert (left(ada), balance(till, BOB)) == (300, 600)


def test_a_refusal_by_the_ledger_stays_under_its_key(till: Caller, ada: Caller, clock: FakeClock) -> None:
    assert [give(ada, 200, f"k-{n}").status for n in (1, 2)] == [201, 201]
    refused = give(ada, 200, "k-3")
    clock.advance(days=31)
    assert (give(ada, 200, "k-3").text, balance(till, BOB)) == (refused.text, 400)
    assert give(ada, 200, "k-4").status == 201


@pytest.mark.parametrize(("member", "reason"), [(ADA, "giver"), (BOB, "taker")])
@pytest.mark.parametrize("value", [False, 1, "true", None])
def test_only_members_of_the_segment_give_and_take(
    stage: Stage, till: Caller, ada: Caller, member: str, reason: str, value: Any
) -> None:
    assert till.patch(f"/v1/members/{member}", {"attributes": {"employee": value}}).status == 200
    refused = give(ada)
    assert (refused.status, refused.problem, refused.json["reason"]) == (409, "recognition-not-offered", reason)
    assert till.patch(f"/v1/members/{member}", {"attributes": {"employee": True}}).status == 200
    assert give(ada).text == refused.text
    assert give(ada, key="thanks-2").status == 201
    assert balance(till, BOB) == 100


@pytest.mark.parametrize("points", [9, 201])
def test_each_gift_keeps_to_its_size(stage: Stage, ada: Caller, points: int) -> None:
    stage.activate(grocer.version(3, recognitions=[{**KUDOS, "points_min": 10}]))
    refused = give(ada, points)
    assert (refused.problem, refused.json["reason"], refused.json["points_min"], refused.json["points_max"]) == (
        "recognition-not-offered",
        "points",
        10,
        200,
    )


def test_tiers_and_attributes_may_say_who(stage: Stage, till: Caller, ada: Caller, bob: Caller) -> None:
    levels = [{"id": "silver", "name": "Silver", "threshold": 0}, {"id": "gold", "name": "Gold", "threshold": 100}]
    tiers = {"metric": "points", "currency": "points", "period": {"kind": "calendar_year"}, "levels": levels}
    who = {"givers": {"tiers": ["gold"]}, "takers": {"attributes": {"team": ["tills", 7]}}}
    stage.activate(grocer.version(3, tiers=tiers, recognitions=[{**KUDOS, **who}]))
    assert give(ada, key="k-1").json["reason"] == "giver"
    assert till.post("/v1/purchases", order(amount=10_000)).status == 201
    assert give(ada, key="k-2").json["reason"] == "taker"
    assert till.patch(f"/v1/members/{BOB}", {"attributes": {"team": 7}}).status == 200
    assert give(ada, key="k-3").status == 201


def test_what_was_given_to_a_member_does_not_make_a_tier(stage: Stage, operator: Caller, ada: Caller) -> None:
    levels = [{"id": "silver", "name": "Silver", "threshold": 0}, {"id": "gold", "name": "Gold", "threshold": 100}]
    tiers = {"metric": "points", "currency": "points", "period": {"kind": "calendar_year"}, "levels": levels}
    stage.activate(grocer.version(3, tiers=tiers, recognitions=[KUDOS]))
    assert give(ada, 200).status == 201
    assert operator.get(f"/v1/members/{BOB}/tier").json["tier"] == "silver"


@pytest.mark.parametrize(
    ("changes", "status", "problem"),
    [
        ({"to": ADA}, 422, "request-invalid"),
        ({"to": grocer.CAT}, 404, "member-unknown"),
        ({"recognition": "applause"}, 422, "request-invalid"),
        ({"points": 0}, 422, "request-invalid"),
        ({"points": -5}, 422, "request-invalid"),
        ({"message": ""}, 422, "request-invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_and_claims_no_key(
    stage: Stage, ada: Caller, changes: dict[str, Any], status: int, problem: str
) -> None:
    before = stage.items()
    refused = give(ada, **changes)
    assert (refused.status, refused.problem) == (status, problem)
    assert stage.items() == before
    assert give(ada).status == 201


def test_nobody_gives_out_of_another_members_allowance(till: Caller, ada: Caller, bob: Caller, operator: Caller) -> None:
    assert till.post(f"/v1/members/{ADA}/recognitions", {"recognition": "kudos", "to": BOB, "points": 1}, key="k").status == 403
    assert bob.post(f"/v1/members/{ADA}/recognitions", {"recognition": "kudos", "to": BOB, "points": 1}, key="k").status == 403
    by_staff = operator.post(f"/v1/members/{ADA}/recognitions", {"recognition": "kudos", "to": BOB, "points": 50}, key="k")
    assert (by_staff.status, left(ada)) == (201, 450)
    # The operator's key is another than the member's own.
    assert give(ada, key="k").status == 201
    assert left(ada) == 350


def test_the_takers_points_can_be_spent_and_are_no_ones_to_take_back(till: Caller, operator: Caller, ada: Caller) -> None:
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    assert give(ada, 120).status == 201
    assert redeem(till, member=BOB).status == 201
    assert balance(till, BOB) == 0


def test_a_merge_carries_what_was_given_this_month(
    till: Caller, operator: Caller, stage: Stage, ada: Caller, bob: Caller
) -> None:
    stage.activate(grocer.version(3, recognitions=[{**KUDOS, "takers": {}}]))
    cat = till.post("/v1/members", {"customer_id": "cat"}).json["member_id"]
    assert give(ada, 200).status == 201
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    assert left(bob) == 300
    assert [give(bob, 150, f"k-{n}", to=cat).status for n in (1, 2, 3)] == [201, 201, 409]
    assert balance(till, cat) == 300
