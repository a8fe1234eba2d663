"""Activities through the handlers: rewarded once for each proof, within limits, taken back whole, never farmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, earning_rule, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage
from tests.functional.explained import check_all, why
from tests.functional.test_redemptions import FIVE_OFF, balance, redeem

PATH = "/v1/activities"
NOON = "2026-03-02T17:00:00Z"
MONTHLY = [{"per": "month", "count": 2}]
TIERS: dict[str, Any] = {
    "metric": "points",
    "currency": "points",
    "period": {"kind": "calendar_year"},
    "levels": [{"id": "silver", "name": "Silver", "threshold": 0}, {"id": "gold", "name": "Gold", "threshold": 500}],
}
PRIME = {"id": "prime", "name": "Prime", "price": 0, "term": {"months": 1}}


@pytest.fixture(autouse=True)
def explained(stage: Stage, operator: Caller) -> Iterator[None]:
    """At the end of every test each entry's shares add up to its points."""
    yield
    check_all(stage, operator)


def rule(id: str = "review", activity: str = "review", points: int = 20, **more: Any) -> dict[str, Any]:
    return {"id": id, "kind": "activity", "currency": "points", "activity": activity, "points": points, **more}


def activate(stage: Stage, *rules: dict[str, Any], number: int = 2, **changes: Any) -> None:
    """A program that rewards activities, in force since the beginning."""
    stage.activate(grocer.version(number, **{"earning_rules": [earning_rule(), *rules], **changes}))


def tell(caller: Caller, proof: str = "r-1", activity: str = "review", member: str = ADA, **more: Any) -> Reply:
    """A member did something."""
    body = {"activity": activity, "activity_id": proof, "member_id": member, "occurred_at": NOON, **more}
    return caller.post(PATH, body)


def told(caller: Caller, proof: str = "r-1", **more: Any) -> dict[str, int]:
    """What it gave, by rule."""
    reply = tell(caller, proof, **more)
    assert reply.status == 201, reply.text
    return why(reply)


def void(caller: Caller, proof: str = "r-1", activity: str = "review", reason: str = "copied") -> Reply:
    return caller.post(f"{PATH}/{activity}/{proof}/void", {"reason": reason})


def test_an_activity_is_an_entry_that_tells_what_was_done(stage: Stage, till: Caller, operator: Caller) -> None:
    activate(stage, rule())
    reply = tell(till, channel="app", store="soho", attributes={"stars": 5})
    assert (reply.status, reply.json["kind"], reply.json["entry_id"]) == (201, "activity", "activity:review:r-1")
    [earned] = reply.json["earned"]
    assert (earned["points"], earned["lots"][0]["last_day"]) == (20, "2027-03-01")
    about = operator.get("/v1/entries/activity:review:r-1").json["about"]
    assert about == {"activity": "review", "activity_id": "r-1", "channel": "app", "store": "soho", "attributes": {"stars": 5}}


@pytest.mark.parametrize(
    "activity",
    [
        "sign_up",
        "profile_completed",
        "review",
        "photo",
        "social_share",
        "survey_answered",
        "check_in",
        "app_install",
        "newsletter",
        "walked_the_dog",
    ],
)
def test_every_kind_of_activity_is_a_word_of_the_program(stage: Stage, till: Caller, activity: str) -> None:
    activate(stage, rule(activity=activity, limits=[{"per": "ever", "count": 1}]))
    assert told(till, activity=activity) == {"review": 20}
    assert tell(till, "r-2", activity).problem == "limit-reached"


def test_an_activity_that_the_program_does_not_reward_is_refused_with_those_it_does(stage: Stage, till: Caller) -> None:
    activate(stage, rule())
    before = stage.items()
    refused = tell(till, activity="juggling")
    assert (refused.status, refused.paths, refused.json["faults"][0]["reason"]) == (
        422,
        ["activity"],
        "the program rewards review",
    )
    assert stage.items() == before


# ---- proofs


def test_the_same_report_again_is_the_same_entry_byte_for_byte(stage: Stage, till: Caller, clock: FakeClock) -> None:
    activate(stage, rule(limits=[{"per": "ever", "count": 1}]))
    first = tell(till)
    clock.advance(days=40)
    assert [tell(till).text for _ in range(3)] == [first.text] * 3
    assert (tell(till, attributes={}).text, balance(till)) == (first.text, 20)


@pytest.mark.parametrize("change", [{"member": BOB}, {"occurred_at": "2026-03-02T16:59:59Z"}, {"attributes": {"stars": 1}}])
def test_a_proof_is_good_for_one_report(stage: Stage, till: Caller, change: dict[str, Any]) -> None:
    activate(stage, rule())
    assert tell(till).status == 201
    before = stage.items()
    refused = tell(till, **change)
    assert (refused.status, refused.problem) == (409, "key-reused")
    assert stage.items() == before


def test_the_same_id_is_another_proof_for_another_activity(stage: Stage, till: Caller) -> None:
    activate(stage, rule(), rule("photo", "photo", 5))
    assert (told(till), told(till, activity="photo")) == ({"review": 20}, {"photo": 5})


# ---- limits


def test_a_limit_holds_for_each_period_of_the_activitys_own_day(stage: Stage, till: Caller, clock: FakeClock) -> None:
    activate(stage, rule(limits=MONTHLY))
    assert [told(till, f"r-{n}") for n in (1, 2)] == [{"review": 20}] * 2
    refused = tell(till, "r-3")
    assert (refused.status, refused.problem, refused.json["limit"], refused.json["until"]) == (
        409,
        "limit-reached",
        "activity",
        "2026-04-01",
    )
    # February has room, by the hour in New York; so has Bob.
    assert told(till, "r-4", occurred_at="2026-03-01T04:59:59Z") == {"review": 20}
    assert tell(till, "r-5", occurred_at="2026-03-01T05:00:00Z").problem == "limit-reached"
    assert told(till, "r-6", member=BOB) == {"review": 20}
    clock.advance(days=30)
    assert told(till, "r-7", occurred_at="2026-04-01T04:00:00Z") == {"review": 20}


def test_what_was_refused_for_a_limit_may_be_told_again_and_claims_nothing(
    stage: Stage, till: Caller, clock: FakeClock
) -> None:
    activate(stage, rule(limits=MONTHLY))
    assert [tell(till, f"r-{n}").status for n in (1, 2, 3)] == [201, 201, 409]
    before = stage.items()
    assert tell(till, "r-3").problem == "limit-reached"
    assert stage.items() == before
    assert void(till, "r-1").status == 201
    assert told(till, "r-3") == {"review": 20}


def test_every_limit_must_leave_room(stage: Stage, till: Caller, clock: FakeClock) -> None:
    limits = [{"per": "day", "count": 1}, {"per": "week", "count": 2}, {"per": "year", "count": 3}, {"per": "ever", "count": 4}]
    activate(stage, rule(limits=limits))
    days = [f"2026-03-{day:02d}T17:00:00Z" for day in range(2, 32)]
    clock.advance(days=29)
    assert tell(till, "d-0", occurred_at=days[0]).status == 201
    assert tell(till, "d-0b", occurred_at=days[0]).json["until"] == "2026-03-03"
    assert tell(till, "d-1", occurred_at=days[1]).status == 201
    assert tell(till, "d-2", occurred_at=days[2]).json["until"] == "2026-03-09"
    assert tell(till, "d-7", occurred_at=days[7]).status == 201
    assert tell(till, "d-8", occurred_at=days[8]).json["until"] == "2027-01-01"
    clock.advance(days=300)
    assert tell(till, "y-1", occurred_at="2027-01-04T17:00:00Z").status == 201
    last = tell(till, "y-2", occurred_at="2027-01-05T17:00:00Z")
    assert (last.problem, last.json["until"], last.json["count"]) == ("limit-reached", None, 4)


def test_two_rules_for_an_activity_each_keep_their_own_limit(stage: Stage, till: Caller) -> None:
    first = rule("first", points=100, limits=[{"per": "ever", "count": 1}])
    activate(stage, first, rule("each", points=5, limits=[{"per": "month", "count": 2}]))
    assert [told(till, "r-1"), told(till, "r-2")] == [{"first": 100, "each": 5}, {"each": 5}]
    assert tell(till, "r-3").problem == "limit-reached"


# ---- voids


def test_a_void_takes_all_back_and_frees_the_limit_and_the_same_proof_gives_nothing_again(
    stage: Stage, till: Caller, operator: Caller
) -> None:
    activate(stage, rule(limits=[{"per": "ever", "count": 1}]))
    first = tell(till)
    taken = void(till)
    assert (taken.status, taken.json["activity_entry_id"], taken.json["clawed_back"][0]["points"]) == (
        201,
        "activity:review:r-1",
        20,
    )
    assert (void(till).text, balance(till)) == (taken.text, 0)
    again = tell(till)
    assert (again.text, balance(till)) == (first.text, 0)
    assert void(operator, reason="another").problem == "key-reused"
    # The limit is free again, for another proof.
    assert told(till, "r-2") == {"review": 20}
    assert void(till).text == taken.text
    assert (tell(till, "r-3").problem, balance(till)) == ("limit-reached", 20)


def test_a_void_after_the_points_were_spent_is_debt(stage: Stage, till: Caller, operator: Caller) -> None:
    activate(stage, rule(points=120))
    assert operator.put("/v1/rewards/five_off", FIVE_OFF).status == 200
    assert told(till) == {"review": 120}
    assert redeem(till).status == 201
    taken = void(till)
    assert taken.json["balances"] == [{"currency": "points", "balance": -120, "active": 0, "pending": 0, "debt": 120}]
    assert told(till, "r-2") == {"review": 120}
    assert balance(till) == 0


def test_what_was_never_told_cannot_be_voided(stage: Stage, till: Caller) -> None:
    activate(stage, rule())
    till.post("/v1/purchases", order("r-1"))
    before = stage.items()
    refused = void(till)
    assert (refused.status, refused.problem) == (404, "activity-unknown")
    assert stage.items() == before


def test_a_void_reaches_caps_budgets_and_tiers(stage: Stage, till: Caller, operator: Caller) -> None:
    caps = [
        {"id": "mine", "currency": "points", "scope": "member", "per": "year", "points": 700},
        {"id": "all", "currency": "points", "scope": "program", "points": 800},
    ]
    activate(stage, rule(points=500, caps=["mine", "all"], qualifying=True), caps=caps, tiers=TIERS)
    assert [told(till, "r-1"), told(till, "r-2")] == [{"review": 500}, {"review": 200}]
    assert told(till, "b-1", member=BOB) == {"review": 100}
    assert operator.get(f"/v1/members/{ADA}/tier").json["tier"] == "gold"
    assert void(till, "r-1").status == 201
    assert operator.get(f"/v1/members/{ADA}/tier").json["tier"] == "silver"
    assert told(till, "b-2", member=BOB) == {"review": 500}
    assert told(till, "r-3") == {"review": 0}
    assert void(till, "b-2").status == 201
    assert told(till, "r-4") == {"review": 500}
    assert operator.get(f"/v1/members/{ADA}/tier").json["tier"] == "gold"


# ---- what applies when


def test_a_late_report_meets_the_version_the_season_and_the_store_of_its_own_time(
    stage: Stage, till: Caller, clock: FakeClock
) -> None:
    stores = [{"id": "ginza", "time_zone": "Asia/Tokyo"}]
    march = [{"id": "march", "months": [3]}]
    activate(stage, rule(when={"seasons": ["march"]}), stores=stores, seasons=march)
    clock.advance(days=60)
    stage.activate(grocer.version(3, clock.now(), earning_rules=[earning_rule(), rule("less", points=1)]))
    assert told(till, "in", occurred_at="2026-04-01T03:59:59Z") == {"review": 20}
    assert told(till, "out", occurred_at="2026-04-01T04:00:00Z") == {}
    assert told(till, "ginza-in", occurred_at="2026-02-28T15:00:00Z", store="ginza") == {"review": 20}
    assert told(till, "ginza-out", occurred_at="2026-03-31T15:00:00Z", store="ginza") == {}
    assert told(till, "new", occurred_at="2026-05-01T17:00:00Z") == {"less": 1}
    [lot] = tell(till, "in", occurred_at="2026-04-01T03:59:59Z").json["earned"][0]["lots"]
    assert lot["last_day"] == "2027-03-30"


@pytest.mark.parametrize(
    ("when", "met", "missed"),
    [
        ({"channels": ["app"]}, {"channel": "app"}, {"channel": "web"}),
        ({"stores": ["soho"]}, {"store": "soho"}, {}),
        ({"order_attributes": {"stars": [4, 5]}}, {"attributes": {"stars": 5}}, {"attributes": {"stars": 3}}),
        ({"weekdays": ["monday"], "hours": {"start": "12:00", "end": "13:00"}}, {}, {"occurred_at": "2026-03-02T16:59:59Z"}),
        ({"segments": ["vip"]}, {}, {"member": BOB}),
        ({"attributes": {"size": ["M"]}}, {}, {"member": BOB}),
        ({"tiers": ["gold"]}, {}, {"member": BOB}),
        ({"memberships": ["prime"]}, {}, {"occurred_at": "2026-03-02T15:59:59Z"}),
    ],
)
def test_conditions_hold_or_it_gives_nothing_and_uses_no_limit(
    stage: Stage, till: Caller, when: dict[str, Any], met: dict[str, Any], missed: dict[str, Any]
) -> None:
    activate(stage, rule(when=when, limits=[{"per": "ever", "count": 1}]), tiers=TIERS, memberships=[PRIME])
    assert till.patch(f"/v1/members/{ADA}", {"attributes": {"vip": True, "size": "M"}}).status == 200
    assert till.post("/v1/purchases", order("gold", 50_000, occurred_at="2026-03-01T17:00:00Z")).status == 201
    begun = {"event_id": "e-1", "member_id": ADA, "plan": "prime", "kind": "started", "occurred_at": "2026-03-02T16:00:00Z"}
    assert till.post("/v1/memberships/events", begun).status == 201
    assert told(till, "r-1", **missed) == {}
    assert told(till, "r-2", **met) == {"review": 20}


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"member": grocer.CAT}, 404, "member-unknown"),
        ({"occurred_at": "2026-03-02T17:05:01Z"}, 422, "occurred-in-future"),
        ({"occurred_at": "2025-01-25T17:00:00Z"}, 422, "too-late"),
        ({"occurred_at": "2026-03-02T17:00:00"}, 422, "request-invalid"),
        ({"activity": "Review!"}, 422, "request-invalid"),
        ({"proof": ""}, 422, "request-invalid"),
        ({"attributes": {"stars": None}}, 422, "request-invalid"),
    ],
)
def test_what_is_refused_writes_nothing(stage: Stage, till: Caller, change: dict[str, Any], status: int, problem: str) -> None:
    activate(stage, rule())
    before = stage.items()
    refused = tell(till, **change)
    assert (refused.status, refused.problem) == (status, problem)
    assert stage.items() == before


def test_pending_points_of_an_activity_mature_and_expire_from_its_own_day(stage: Stage, till: Caller, clock: FakeClock) -> None:
    activate(stage, rule(), currencies=[{"code": "points", "pending_days": 14, "expiry": {"after": 1, "rounded_to": "month"}}])
    [lot] = tell(till).json["earned"][0]["lots"]
    assert (lot["spendable_from"], lot["last_day"]) == ("2026-03-16T04:00:00Z", "2026-04-30")
    assert balance(till) == 0
    clock.advance(days=14)
    assert balance(till) == 20


def test_a_member_who_left_is_told_nothing_of_and_a_merged_ones_proof_stays_used(
    stage: Stage, till: Caller, operator: Caller
) -> None:
    activate(stage, rule(limits=MONTHLY))
    first = tell(till)
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    assert tell(till).text == first.text
    assert tell(till, member=BOB).problem == "key-reused"
    assert tell(till, "r-2").problem == "member-merged"
    # The survivor's limit counts both.
    assert told(till, "r-2", member=BOB) == {"review": 20}
    assert tell(till, "r-3", member=BOB).problem == "limit-reached"
    assert balance(till, BOB) == 40


def test_a_void_after_a_merge_reaches_the_survivor_and_frees_the_limit_there(
    stage: Stage, till: Caller, operator: Caller
) -> None:
    activate(stage, rule(limits=MONTHLY))
    assert [told(till, "r-1"), told(till, "r-2")] == [{"review": 20}] * 2
    assert operator.post(f"/v1/members/{ADA}/merge", {"into": BOB, "reason": "same person"}).status == 200
    assert tell(till, "r-3", member=BOB).problem == "limit-reached"
    taken = void(till)
    assert (taken.status, taken.json["clawed_back"][0]["points"]) == (201, 20)
    assert (void(till).text, balance(till, BOB)) == (taken.text, 20)
    assert told(till, "r-3", member=BOB) == {"review": 20}
    assert tell(till, "r-4", member=BOB).problem == "limit-reached"
