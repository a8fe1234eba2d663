"""Transfers between members and merges, through the handlers."""

from __future__ import annotations

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import Caller
from tests.functional.conftest import Stage
from tests.functional.test_redemptions import FIVE_OFF, balance, redeem, use
from tests.functional.test_refunds import clawed_back, refund

GIFT = {"to": BOB, "currency": "points", "points": 30}


@pytest.fixture
def generous(stage: Stage, till: Caller) -> None:
    """A program that lets members give up to 100 points, twice a month; Ada has 180."""
    stage.activate(grocer.version(2, transfers={"currencies": ["points"], "points_max": 100, "per_month": 2}))
    assert till.post("/v1/purchases", order("order-a", 10000)).status == 201
    assert till.post("/v1/purchases", order("order-b", 8000)).status == 201


@pytest.mark.usefixtures("generous")
def test_points_keep_their_dates_and_tell_their_serials(till: Caller, operator: Caller, ada: Caller, bob: Caller) -> None:
    given = ada.post("/v1/me/transfers", GIFT, key="gift-1")
    assert (given.status, given.json["balances"][0]["balance"]) == (201, 150)
    assert ada.post("/v1/me/transfers", GIFT, key="gift-1").text == given.text
    assert (balance(till), balance(till, BOB)) == (150, 30)
    deadlines = [caller.get("/v1/me/wallet").json["currencies"][0]["deadlines"][0]["last_day"] for caller in (ada, bob)]
    assert deadlines[0] == deadlines[1]
    arrival = bob.get("/v1/me/entries").json["entries"][0]["entry_id"]
    about = bob.get(f"/v1/me/entries/{arrival}").json["about"]
    assert (about["counterpart"], about["serials"]) == (ADA, [{"first": 1, "count": 30, "became": 1}])


@pytest.mark.usefixtures("generous")
def test_a_transfer_keeps_to_the_programs_limits(till: Caller, ada: Caller, clock: FakeClock) -> None:
    much = ada.post("/v1/me/transfers", {**GIFT, "points": 101}, key="gift-0")
    assert (much.status, much.problem, much.json["points_max"]) == (409, "transfer-not-offered", 100)
    assert [ada.post("/v1/me/transfers", {**GIFT, "points": 70}, key=f"gift-{n}").status for n in (1, 2)] == [201, 201]
    third = ada.post("/v1/me/transfers", {**GIFT, "points": 10}, key="gift-3")
    assert (third.problem, third.json["until"]) == ("limit-reached", "2026-04-01")
    clock.advance(days=30)
    short = ada.post("/v1/me/transfers", {**GIFT, "points": 41}, key="gift-4")
    assert (short.problem, short.json["short_by"]) == ("points-short", 1)
    assert ada.post("/v1/me/transfers", {**GIFT, "points": 40}, key="gift-5").status == 201
    assert (balance(till), balance(till, BOB)) == (0, 180)


def test_a_program_without_transfers_offers_none(ada: Caller) -> None:
    refused = ada.post("/v1/me/transfers", GIFT, key="gift-1")
    assert (refused.status, refused.problem, refused.json["points_max"]) == (409, "transfer-not-offered", 0)


@pytest.mark.usefixtures("generous")
def test_nobody_gives_to_themselves_or_to_a_stranger(ada: Caller) -> None:
    assert ada.post("/v1/me/transfers", {**GIFT, "to": ADA}, key="gift-1").paths == ["to"]
    assert ada.post("/v1/me/transfers", {**GIFT, "to": "01HNOBODY"}, key="gift-2").problem == "member-unknown"


@pytest.mark.usefixtures("generous")
def test_a_refund_after_points_were_given_away_is_the_givers_debt(till: Caller, ada: Caller) -> None:
    assert ada.post("/v1/me/transfers", {**GIFT, "points": 100}, key="gift-1").status == 201
    assert clawed_back(refund(till, "order-a")) == 100
    assert (balance(till), balance(till, BOB)) == (-20, 100)


@pytest.mark.usefixtures("generous")
def test_a_merge_moves_all_there_is_and_the_old_id_tells_where_it_went(till: Caller, operator: Caller) -> None:
    assert till.post("/v1/purchases", order("order-c", 500, member_id=BOB)).status == 201
    body = {"into": BOB, "reason": "enrolled twice"}
    merged = operator.post(f"/v1/members/{ADA}/merge", body)
    assert (merged.status, merged.json["merged_into"]) == (200, BOB)
    assert operator.post(f"/v1/members/{ADA}/merge", body).text == merged.text
    assert balance(till, BOB) == 185
    old = till.get(f"/v1/members/{ADA}").json
    assert (old["status"], old["merged_into"], old["email"]) == ("merged", BOB, None)
    refused = till.post("/v1/purchases", order("order-d"))
    assert (refused.status, refused.problem, refused.json["into"]) == (409, "member-merged", BOB)
    # The next points take serials that neither of them ever had.
    assert till.post("/v1/purchases", order("order-d", 700, member_id=BOB)).json["earned"][0]["lots"][0]["first_serial"] == 186


@pytest.mark.usefixtures("generous")
def test_a_refund_after_a_merge_reaches_the_survivor(till: Caller, operator: Caller) -> None:
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    code = redeem(till).json["code"]
    assert use(till, code).status == 200
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    assert balance(till, BOB) == 60
    first = refund(till, "order-a", amount=5000)
    assert clawed_back(first) == 50
    assert balance(till, BOB) == 10
    assert refund(till, "order-a", amount=5000).text == first.text
    assert clawed_back(refund(till, "order-a", "refund-2")) == 50
    assert balance(till, BOB) == -40
    assert till.post("/v1/purchases", order("order-e", 10000, member_id=BOB)).status == 201
    assert balance(till, BOB) == 60


@pytest.mark.usefixtures("generous")
def test_a_refund_reaches_through_two_merges(stage: Stage, till: Caller, operator: Caller) -> None:
    from tests.functional.conftest import profile

    stage.wiring.members.enrol(profile(grocer.CAT, "cat"), b"c" * 32)
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    assert operator.post(f"/v1/members/{BOB}/merge", {"into": grocer.CAT, "reason": "same person"}).status == 200
    assert balance(till, grocer.CAT) == 180
    assert clawed_back(refund(till, "order-a")) == 100
    assert balance(till, grocer.CAT) == 80


@pytest.mark.usefixtures("generous")
def test_a_merge_waits_for_open_redemptions(till: Caller, operator: Caller) -> None:
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    issued = redeem(till)
    body = {"into": BOB, "reason": "same person"}
    refused = operator.post(f"/v1/members/{ADA}/merge", body)
    assert (refused.status, refused.problem, refused.json["count"]) == (409, "open-redemptions", 1)
    assert till.post(f"/v1/redemptions/{issued.json['redemption_id']}/cancel", {}).status == 200
    assert operator.post(f"/v1/members/{ADA}/merge", body).status == 200


@pytest.mark.usefixtures("generous")
def test_a_merge_takes_debt_along(till: Caller, operator: Caller) -> None:
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    assert use(till, redeem(till).json["code"]).status == 200
    assert refund(till, "order-a").status == 201
    assert balance(till) == -40
    assert till.post("/v1/purchases", order("order-c", 5000, member_id=BOB)).status == 201
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    assert balance(till, BOB) == 10


@pytest.mark.usefixtures("generous")
def test_the_history_reads_across_a_merge(operator: Caller, bob: Caller, ada: Caller) -> None:
    assert bob.get("/v1/me/entries", of=ADA).problem == "member-unknown"
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    [arrival] = bob.get("/v1/me/entries").json["entries"]
    assert bob.get(f"/v1/me/entries/{arrival['entry_id']}").json["about"]["counterpart"] == ADA
    before = [row["entry_id"] for row in bob.get("/v1/me/entries", of=ADA).json["entries"]]
    assert before == [f"merge:{ADA}", "purchase:order-b", "purchase:order-a"]
    assert bob.get("/v1/me/entries/purchase:order-a").status == 200
    assert ada.get("/v1/me/entries").problem == "login-unknown"


def test_a_transfer_after_an_unbooked_lapse_mints_nothing(
    stage: Stage, till: Caller, operator: Caller, ada: Caller, clock: FakeClock
) -> None:
    """The entry that books the lapse also tells how the transfer before is covered from now on; that is no transfer."""
    stage.activate(grocer.version(2, transfers={"currencies": ["points"], "points_max": 100}))
    assert till.post("/v1/purchases", order("order-b", 10000, occurred_at="2026-02-01T17:00:00Z")).status == 201
    assert till.post("/v1/purchases", order("order-a", 10000)).status == 201
    assert operator.put("/v1/rewards/five_off", {**FIVE_OFF, "price": {"points": 100}, "lapse_days": 1}).status == 200
    assert redeem(till).status == 201
    assert ada.post("/v1/me/transfers", {**GIFT, "points": 100}, key="gift-1").status == 201
    clock.advance(days=1)
    assert ada.post("/v1/me/transfers", {**GIFT, "points": 1}, key="gift-2").status == 201
    assert (balance(till), balance(till, BOB)) == (99, 101)


@pytest.mark.usefixtures("generous")
def test_a_merged_member_is_not_closed_again(till: Caller, operator: Caller, bob: Caller) -> None:
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    refused = operator.post(f"/v1/members/{ADA}/close")
    assert (refused.status, refused.problem, refused.json["into"]) == (409, "member-merged", BOB)
    assert clawed_back(refund(till, "order-a")) == 100
    assert balance(till, BOB) == 80
    assert bob.get("/v1/me/entries", of=ADA).status == 200
