"""The catalog: an operator changes it without a deploy, and each member sees what they may have and what is in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.adapters.dynamodb.items import wallet_item
from shared.adapters.dynamodb.rewards import stock_item
from shared.adapters.dynamodb.store import Outcome
from shared.domain.wallet import Claim
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import OPERATOR, Caller
from tests.functional.conftest import Stage

PATH = "/v1/rewards"
DISCOUNT = {"kind": "discount", "amount": 500}
DONATION = {"kind": "donation", "charity": "sea_rescue", "charity_name": "Sea Rescue", "points": 100, "minor_units": 50}


def document(**changes: Any) -> dict[str, Any]:
    """Five dollars off for 200 points; a change to None sends null."""
    return {"name": "Five off", "benefit": DISCOUNT, "currency": "points", "price": {"points": 200}, **changes}


def put(operator: Caller, id: str = "five_off", **changes: Any) -> Any:
    reply = operator.put(f"{PATH}/{id}", document(**changes))
    assert reply.status == 200, reply
    return reply.json


def earn(till: Caller, points: int, member: str = ADA) -> None:
    assert till.post("/v1/purchases", order(f"{member}-{points}", points * 100, member_id=member)).status == 201


def offers(caller: Caller, path: str = f"/v1/members/{ADA}/rewards", **query: str) -> dict[str, Any]:
    """What a member sees, by id."""
    reply = caller.get(path, **query)
    assert reply.status == 200, reply
    found = [offer["id"] for offer in reply.json["rewards"]]
    assert found == sorted(found)
    return {offer["id"]: offer for offer in reply.json["rewards"]}


def in_the_way(offer: dict[str, Any]) -> list[str]:
    """What stands between a member and a reward, by its short name and reason."""
    assert offer["available"] == (not offer["obstacles"])
    words = [f"{one['type'].removeprefix('urn:laurel:problem:')} {one.get('reason', '')}" for one in offer["obstacles"]]
    return [word.strip() for word in words]


# ---- the operator's side


def test_a_reward_is_put_into_the_catalog_with_its_defaults(operator: Caller, till: Caller) -> None:
    answer = put(operator)
    assert answer == {
        "version": 1,
        "changed_at": "2026-03-02T17:00:00Z",
        "reward": {
            "id": "five_off",
            "name": "Five off",
            "description": "",
            "benefit": {"kind": "discount", "amount": 500, "percent": None},
            "currency": "points",
            "price": {"points": 200},
            "season_prices": [],
            "stock_limited": False,
            "limits": {"ever": None, "per_period": None},
            "starts_at": None,
            "ends_at": None,
            "segments": [],
            "tiers": [],
            "memberships": [],
            "regions": [],
            "channels": [],
            "lapse_days": 30,
            "archived": False,
        },
        "stock": None,
    }
    assert till.get(PATH).json == {"rewards": [answer]}
    history = {key: answer[key] for key in ("version", "changed_at", "reward")}
    assert till.get(f"{PATH}/five_off").json == {**answer, "versions": [history]}


def test_the_answer_can_be_sent_back_as_it_is(operator: Caller) -> None:
    first = put(operator, starts_at="2026-03-01T00:00:00+01:00", lapse_days=None)
    again = operator.put(f"{PATH}/five_off", first["reward"])
    assert (again.status, again.json) == (200, first)


def test_every_version_is_kept_newest_first(operator: Caller, clock: FakeClock) -> None:
    put(operator)
    clock.advance(hours=1)
    put(operator, price={"points": 250})
    clock.advance(hours=1)
    put(operator, benefit={"kind": "shipping"}, price={"points": 250})
    found = operator.get(f"{PATH}/five_off").json
    assert [one["version"] for one in found["versions"]] == [3, 2, 1]
    assert [one["changed_at"][11:16] for one in found["versions"]] == ["19:00", "18:00", "17:00"]
    assert [one["reward"]["price"]["points"] for one in found["versions"]] == [250, 250, 200]
    assert (found["version"], found["reward"]) == (3, found["versions"][0]["reward"])
    assert [one["version"] for one in operator.get(PATH).json["rewards"]] == [3]


def test_the_same_document_again_changes_nothing(stage: Stage, operator: Caller, clock: FakeClock) -> None:
    first = put(operator)
    before = stage.items()
    clock.advance(days=1)
    assert put(operator) == first
    assert stage.items() == before


def test_a_change_may_insist_on_the_version_it_was_made_from(operator: Caller) -> None:
    created = operator.put(f"{PATH}/five_off", {**document(), "if_version": 0})
    assert (created.status, created.json["version"]) == (200, 1)
    changed = operator.put(f"{PATH}/five_off", {**document(name="A"), "if_version": 1})
    assert changed.json["version"] == 2
    late = operator.put(f"{PATH}/five_off", {**document(name="B"), "if_version": 1})
    assert (late.status, late.problem, late.json["version"]) == (409, "version-stale", 2)
    assert operator.get(f"{PATH}/five_off").json["reward"]["name"] == "A"
    repeated = operator.put(f"{PATH}/five_off", {**document(name="A"), "if_version": 1})
    assert (repeated.status, repeated.text) == (200, changed.text)


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"name": ""}, ["name"]),
        ({"benefit": {"kind": "car"}}, ["benefit.kind"]),
        ({"benefit": {"kind": "discount", "amount": "5", "percent": 101}}, ["benefit.amount", "benefit.percent"]),
        ({"benefit": {"kind": "discount", "amount": 5, "percent": 5}}, ["benefit"]),
        ({"price": {"points": 0}}, ["price.points"]),
        ({"price": {"points_min": 1, "points_max": 2}}, ["$"]),
        ({"benefit": DONATION, "lapse_days": 30}, ["$"]),
        ({"limits": {"per_period": {"period": "hour", "count": 0}}}, ["limits.per_period.period", "limits.per_period.count"]),
        ({"starts_at": "2026-03-01"}, ["starts_at"]),
        ({"currency": "stars"}, ["currency"]),
        ({"id": "ten_off"}, ["id"]),
        ({"colour": "red", "segments": [5]}, ["segments.0", "colour"]),
    ],
)
def test_a_document_with_faults_is_refused_with_their_paths(
    stage: Stage, operator: Caller, changes: dict[str, Any], paths: list[str]
) -> None:
    before = stage.items()
    reply = operator.put(f"{PATH}/five_off", document(**changes))
    assert (reply.status, reply.problem, reply.paths) == (422, "reward-invalid", paths)
    assert stage.items() == before


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (json.dumps(document(description="\ud800")), "$"),
        (json.dumps(document(name="a\u0000b")), "name"),
        (json.dumps(document(name="e\u0301")), "name"),
        (json.dumps(document(channels=[" app"])), "channels.0"),
        (json.dumps(document(price={"points": 1e2})), "price.points"),
        (json.dumps(document(benefit={"kind": "discount", "amount": 10**400})), "benefit.amount"),
        (json.dumps(document())[:-1] + ', "x": ' + "[" * 900 + "]" * 900 + "}", "$"),
        (json.dumps(document())[:-1] + ', "x": 1e999}', "x"),
    ],
)
def test_what_is_hardly_json_is_refused_like_any_other_fault(operator: Caller, text: str, path: str) -> None:
    reply = operator.send("PUT", f"{PATH}/five_off", text)
    assert (reply.status, reply.problem, reply.paths) == (422, "reward-invalid", [path])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{PATH}/five_off", {**document(), "if_version": -1}),
        (f"{PATH}/five_off", {**document(), "if_version": "1"}),
        (f"{PATH}/Five-Off", document()),
        (f"{PATH}/{'x' * 33}", document()),
        (f"{PATH}/five_off/stock", {}),
        (f"{PATH}/five_off/stock", {"total": -1}),
        (f"{PATH}/five_off/stock", {"total": True}),
        (f"{PATH}/five_off/stock", {"total": 10**9 + 1}),
        (f"{PATH}/five_off/stock", {"total": 1, "used": 0}),
    ],
)
def test_a_request_with_faults_is_refused(operator: Caller, path: str, body: Any) -> None:
    reply = operator.put(path, body)
    assert (reply.status, reply.problem) == (422, "request-invalid")


def test_a_reward_needs_a_program(bare_stage: Stage) -> None:
    reply = Caller(OPERATOR).put(f"{PATH}/five_off", document())
    assert (reply.status, reply.problem) == (409, "program-missing")


def test_an_unknown_reward_is_unknown(operator: Caller) -> None:
    for reply in (
        operator.get(f"{PATH}/five_off"),
        operator.send("DELETE", f"{PATH}/five_off"),
        operator.put(f"{PATH}/five_off/stock", {"total": 5}),
    ):
        assert (reply.status, reply.problem) == (404, "reward-unknown")


def test_an_archived_reward_stays_in_the_catalog_and_can_come_back(operator: Caller, till: Caller) -> None:
    put(operator)
    archived = operator.send("DELETE", f"{PATH}/five_off")
    assert (archived.status, archived.json["version"], archived.json["reward"]["archived"]) == (200, 2, True)
    assert operator.send("DELETE", f"{PATH}/five_off").text == archived.text
    assert [one["reward"]["archived"] for one in till.get(PATH).json["rewards"]] == [True]
    assert offers(till) == {}
    put(operator)
    assert list(offers(till)) == ["five_off"]


def test_stock_is_set_in_all_and_told_with_the_reward(operator: Caller, till: Caller) -> None:
    put(operator, stock_limited=True)
    none = {"total": 0, "used": 0, "held": 0, "available": 0}
    assert operator.get(f"{PATH}/five_off").json["stock"] == none
    reply = operator.put(f"{PATH}/five_off/stock", {"total": 5})
    assert (reply.status, reply.json) == (200, {"total": 5, "used": 0, "held": 0, "available": 5})
    assert till.get(f"{PATH}/five_off").json["stock"] == till.get(PATH).json["rewards"][0]["stock"] == reply.json
    assert operator.put(f"{PATH}/five_off/stock", {"total": 0}).json == none


def test_only_operators_change_the_catalog_and_only_members_ask_for_themselves(
    operator: Caller, till: Caller, ada: Caller, stranger: Caller
) -> None:
    put(operator)
    for caller in (till, ada):
        for reply in (
            caller.put(f"{PATH}/five_off", document()),
            caller.put(f"{PATH}/five_off/stock", {"total": 5}),
            caller.send("DELETE", f"{PATH}/five_off"),
        ):
            assert (reply.status, reply.problem) == (403, "forbidden")
    for path in (PATH, f"{PATH}/five_off", f"/v1/members/{ADA}/rewards"):
        assert till.get(path).status == operator.get(path).status == 200
        assert ada.get(path).problem == "forbidden"
    assert till.get("/v1/me/rewards").problem == "forbidden"
    assert stranger.get("/v1/me/rewards").problem == "login-unknown"
    assert till.get(f"/v1/members/{grocer.CAT}/rewards").problem == "member-unknown"


# ---- the member's side


def test_a_member_sees_what_they_may_have_and_how_much_is_missing_for_the_rest(
    operator: Caller, till: Caller, ada: Caller
) -> None:
    put(operator, "five_off")
    put(operator, "ten_off", price={"points": 500}, description="Ten dollars off your next order")
    earn(till, 220)
    found = offers(ada, "/v1/me/rewards")
    assert found == offers(till)
    assert (found["five_off"]["available"], found["five_off"]["short_by"], found["five_off"]["obstacles"]) == (True, 0, [])
    short = {"type": "urn:laurel:problem:points-short", "currency": "points", "points": 500, "active": 220, "short_by": 280}
    assert found["ten_off"] == {
        "id": "ten_off",
        "version": 1,
        "name": "Five off",
        "description": "Ten dollars off your next order",
        "benefit": {"kind": "discount", "amount": 500},
        "currency": "points",
        "price": {"points": 500},
        "left": None,
        "limits": {"ever": None, "per_period": None},
        "starts_at": None,
        "ends_at": None,
        "regions": [],
        "channels": [],
        "lapse_days": 30,
        "available": False,
        "short_by": 280,
        "obstacles": [short],
    }
    assert offers(till, f"/v1/members/{BOB}/rewards")["five_off"]["short_by"] == 200


def test_a_free_choice_is_short_of_the_fewest_points(operator: Caller, till: Caller) -> None:
    put(operator, "gift", benefit=DONATION, price={"points_min": 100, "points_max": 1000, "points_step": 50})
    earn(till, 70)
    found = offers(till)["gift"]
    assert (found["short_by"], found["price"]) == (30, {"points_min": 100, "points_max": 1000, "points_step": 50})


def test_points_that_have_expired_buy_nothing(operator: Caller, till: Caller, clock: FakeClock) -> None:
    put(operator)
    earn(till, 200)
    assert in_the_way(offers(till)["five_off"]) == []
    clock.advance(days=365)
    assert offers(till)["five_off"]["short_by"] == 200


def test_a_reward_is_offered_from_its_start_until_before_its_end(operator: Caller, till: Caller, clock: FakeClock) -> None:
    earn(till, 200)
    put(operator, starts_at="2026-03-02T18:00:00Z", ends_at="2026-03-02T19:00:00Z")
    found = []
    for _ in range(3):
        found.append(in_the_way(offers(till)["five_off"]))
        clock.advance(hours=1)
    assert found == [["reward-not-offered not_started"], [], ["reward-not-offered ended"]]


def test_only_the_members_of_a_segment_see_its_rewards(operator: Caller, till: Caller) -> None:
    earn(till, 200)
    put(operator, "insiders", segments=["insider"])
    assert offers(till) == {}
    for attributes, seen in [({"insider": False}, False), ({"insider": True}, True)]:
        till.patch(f"/v1/members/{ADA}", {"attributes": attributes})
        assert list(offers(till)) == (["insiders"] if seen else [])
    shown = offers(till)["insiders"]
    assert shown["available"]
    assert "segments" not in shown
    assert "tiers" not in shown


def test_a_reward_of_a_channel_or_region_says_so_until_the_caller_is_there(operator: Caller, till: Caller) -> None:
    earn(till, 200)
    put(operator, channels=["app"], regions=["north", "east"])
    assert in_the_way(offers(till)["five_off"]) == ["reward-not-offered region", "reward-not-offered channel"]
    assert in_the_way(offers(till, channel="app", region="west")["five_off"]) == ["reward-not-offered region"]
    assert in_the_way(offers(till, channel="app", region="east")["five_off"]) == []
    assert offers(till)["five_off"]["regions"] == ["north", "east"]


def test_what_is_out_of_stock_says_so(operator: Caller, till: Caller) -> None:
    earn(till, 200)
    put(operator, stock_limited=True)
    assert in_the_way(offers(till)["five_off"]) == ["sold-out"]
    operator.put(f"{PATH}/five_off/stock", {"total": 3})
    found = offers(till)["five_off"]
    assert (found["left"], found["available"]) == (3, True)


def test_a_limit_that_is_reached_says_until_when(stage: Stage, operator: Caller, till: Caller, clock: FakeClock) -> None:
    earn(till, 200)
    put(operator, "monthly", limits={"per_period": {"period": "month", "count": 2}})
    put(operator, "once", limits={"ever": 1})
    wallet = stage.wiring.ledger.view(ADA).wallet
    claims = (Claim("monthly", date(2026, 4, 1), 2), Claim("once", None, 1))
    taken = stage.store.update(wallet_item(replace(wallet, claims=claims)), expected={"seq": wallet.sequence})
    assert stage.store.transact([taken]).outcome is Outcome.DONE
    stage.forged = True
    reached = {"type": "urn:laurel:problem:limit-reached"}
    found = offers(till)
    assert found["monthly"]["obstacles"] == [{**reached, "limit": "per_period", "count": 2, "until": "2026-04-01"}]
    assert found["once"]["obstacles"] == [{**reached, "limit": "ever", "count": 1, "until": None}]
    clock.advance(days=30)
    found = offers(till)
    assert (found["monthly"]["available"], found["once"]["available"]) == (True, False)


def test_what_others_hold_is_not_left_until_it_lapses(stage: Stage, operator: Caller, till: Caller, clock: FakeClock) -> None:
    earn(till, 200)
    put(operator, stock_limited=True)
    operator.put(f"{PATH}/five_off/stock", {"total": 2})
    stock = stage.wiring.rewards.stock(["five_off"])["five_off"]
    day = date(2026, 3, 2)
    held = stock.taken(date(2026, 3, 12), day).taken_for_good(day)
    stage.forged = True
    assert stage.store.transact([stage.store.update(stock_item(held), expected={"version": 1})]).outcome is Outcome.DONE
    assert till.get(f"{PATH}/five_off").json["stock"] == {"total": 2, "used": 1, "held": 1, "available": 0}
    assert in_the_way(offers(till)["five_off"]) == ["sold-out"]
    assert operator.put(f"{PATH}/five_off/stock", {"total": 1}).json["available"] == -1
    assert offers(till)["five_off"]["left"] == 0
    operator.put(f"{PATH}/five_off/stock", {"total": 2})
    clock.advance(days=10)
    assert till.get(f"{PATH}/five_off").json["stock"] == {"total": 2, "used": 1, "held": 0, "available": 1}
    assert offers(till)["five_off"]["left"] == 1


def test_a_closed_member_is_offered_nothing(operator: Caller, till: Caller) -> None:
    put(operator)
    assert operator.post(f"/v1/members/{ADA}/close").status == 200
    assert offers(till) == {}


def test_unknown_query_parameters_are_refused(till: Caller) -> None:
    reply = till.get(f"/v1/members/{ADA}/rewards", store="1")
    assert (reply.status, reply.paths) == (422, ["query.store"])
