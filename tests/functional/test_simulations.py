"""A dry run of a draft: it forecasts to the point what will be given, and leaves no trace."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from functions.program.simulate_program import PARTS_MAX
from shared.domain.calendar import instant_text
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, NOON, OPENED, document, earning_rule, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage

PATH = "/v1/program/simulations"
DOUBLE = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200}
REVIEW = {"id": "review", "kind": "activity", "currency": "points", "activity": "review", "points": 20}
DRAFT = document(
    currencies=[{"code": "points", "expiry": {"after": 365, "rounded_to": "day"}, "cost": {"points": 100, "minor_units": 90}}],
    seasons=[
        {"id": "spring", "time_zone": "America/New_York", "starts": "2026-03-04T00:00", "ends": "2026-03-12T00:00"},
    ],
    caps=[
        {"id": "each", "currency": "points", "scope": "member", "per": "week", "points": 60},
        {"id": "budget", "currency": "points", "scope": "program", "per": "month", "points": 150},
    ],
    earning_rules=[
        earning_rule(),
        DOUBLE | {"when": {"seasons": ["spring"]}, "caps": ["each", "budget"]},
        REVIEW | {"limits": [{"per": "month", "count": 1}]},
    ],
    tiers={
        "metric": "points",
        "currency": "points",
        "period": {"kind": "calendar_year"},
        "levels": [
            {"id": "silver", "name": "Silver", "threshold": 0},
            {
                "id": "gold",
                "name": "Gold",
                "threshold": 120,
                "benefits": {"multipliers": [{"currency": "points", "percent": 150}]},
            },
        ],
    },
)


def at(days: int) -> str:
    """So many days, and ten minutes, after noon."""
    return instant_text(NOON + timedelta(days=days, minutes=10))


def bought(number: int, amount: int, member: str = ADA, **changes: Any) -> dict[str, Any]:
    """The order of a day."""
    return order(f"order-{number}", amount, member_id=member, **{"occurred_at": at(number), **changes})


ORDERS = [
    bought(1, 4_000),
    bought(2, 4_050),
    bought(3, 4_099),
    bought(4, 3_000, BOB),
    bought(5, 9_900, BOB),
    bought(7, 2_000),
    bought(8, 7_000),
    bought(9, 5_555, BOB, lines=[{"sku": sku, "quantity": 1, "amount": amount} for sku, amount in (("a", 555), ("b", 5_000))]),
    bought(12, 1_999),
]
REFUNDS: list[dict[str, Any]] = [
    {"order_id": "order-5", "refund_id": "r1", "occurred_at": at(6), "amount": 4_950},
    {"order_id": "order-9", "refund_id": "r1", "occurred_at": at(10), "lines": [{"line": 1}]},
]
ACTIVITIES = [
    {"activity": "review", "activity_id": f"review-{day}", "member_id": ADA, "occurred_at": at(day)} for day in (2, 3)
]
MEMBERS = [{"member_id": member, "enrolled_at": instant_text(OPENED)} for member in (ADA, BOB)]


def simulate(operator: Caller, **body: Any) -> Any:
    """The answer to a dry run that is right."""
    reply = operator.post(PATH, {"program": DRAFT, **body})
    assert reply.status == 200, reply.text
    return reply.json


def refused(operator: Caller, **body: Any) -> Reply:
    return operator.post(PATH, {"program": DRAFT, **body})


def record(till: Caller, clock: FakeClock) -> dict[str, int]:
    """Everything through the real API, each in its own time; gives the net points by member."""
    orders = [("/v1/purchases", body) for body in ORDERS]
    refunds: list[tuple[str, dict[str, Any]]] = [
        (f"/v1/purchases/{body['order_id']}/refunds", {name: part for name, part in body.items() if name != "order_id"})
        for body in REFUNDS
    ]
    reports = [("/v1/activities", body) for body in ACTIVITIES]
    points: dict[str, int] = {ADA: 0, BOB: 0}
    calls: list[tuple[str, dict[str, Any]]] = [*orders, *refunds, *reports]
    for path, body in sorted(calls, key=lambda call: call[1]["occurred_at"]):
        clock.instant = datetime.fromisoformat(body["occurred_at"])
        reply = till.post(path, body)
        if reply.status == 201:
            gave = sum(part["points"] for part in reply.json.get("earned", []))
            points[reply.json["member_id"]] += gave - sum(part["points"] for part in reply.json.get("clawed_back", []))
    return points


def test_the_forecast_is_what_happens_when_the_draft_is_activated(
    stage: Stage, operator: Caller, till: Caller, clock: FakeClock
) -> None:
    told = simulate(operator, orders=ORDERS, refunds=REFUNDS, activities=ACTIVITIES, members=MEMBERS)
    assert operator.put("/v1/program", {"program": DRAFT}).json["effective_from"] < ORDERS[0]["occurred_at"]
    points = record(till, clock)

    [currency] = told["currencies"]
    assert currency["points"]["draft"] == sum(points.values())
    changes = [*currency["winners"]["top"], *currency["losers"]["top"]]
    assert {change["member_id"]: change["draft"] for change in changes} == points
    [tiers] = told["draft"]["tiers"]
    standings = [till.get(f"/v1/members/{member}/tier").json["tier"] for member in points]
    assert {level["tier"]: level["members"] for level in tiers["levels"] if level["members"]} == {
        tier: standings.count(tier) for tier in set(standings)
    }
    [budget] = operator.get("/v1/program/budgets").json["budgets"]
    assert told["carry"]["draft"] == [{"cap": "budget", "since": "2026-03-01", "points": budget["spent"]}]
    # What makes this worth a test did happen.
    assert {cap["cap"]: cap["orders_cut"] > 0 for cap in told["draft"]["caps"]} == {"each": True, "budget": True}
    assert {rule["rule"]: rule["gave"] for rule in told["draft"]["rules"]} == {
        "base": 9,
        "double": 6,
        "review": 1,
        "tier:gold": 3,
    }


def test_a_dry_run_writes_nothing(stage: Stage, operator: Caller, till: Caller, clock: FakeClock) -> None:
    record(till, clock)
    before = stage.items()
    stored = {"member_ids": [ADA, BOB]}
    given = [{**bought(1, 100), "order_id": "given-1"}]
    assert simulate(operator, orders=given, stored=stored, members=MEMBERS)["counts"]["orders"] == 1 + len(ORDERS)
    assert refused(operator, orders=[{**bought(1, 100), "lines": []}]).status == 422
    assert stage.items() == before


def test_the_version_in_force_is_what_the_draft_is_held_against(operator: Caller) -> None:
    told = simulate(operator, orders=ORDERS[:2])
    assert (told["against"], told["active"]["version"], told["draft"]["version"]) == (1, 1, None)
    assert told["currencies"] == [
        {
            "currency": "points",
            "points": {"draft": 40 + 81, "active": 40 + 40, "difference": 41},
            "cost": {"draft": 109, "active": None, "difference": None},
            "winners": {
                "members": 1,
                "points": 41,
                "top": [{"member_id": ADA, "draft": 121, "active": 80, "difference": 41}],
            },
            "losers": {"members": 0, "points": 0, "top": []},
        }
    ]
    assert told["counts"] == {"orders": 2, "refunds": 0, "activities": 0, "members": 1}


def test_any_version_or_nothing_at_all_can_stand_on_the_other_side(operator: Caller, clock: FakeClock) -> None:
    operator.put("/v1/program", {"program": document(earning_rules=[earning_rule(points=3)])})
    sides = {against: simulate(operator, orders=ORDERS[:1], against=against) for against in (1, "newest", "in_force", None)}
    assert {against: told["against"] for against, told in sides.items()} == {1: 1, "newest": 2, "in_force": 1, None: None}
    points = {against: told["currencies"][0]["points"]["active"] for against, told in sides.items()}
    assert points == {1: 40, "newest": 120, "in_force": 40, None: 0}
    assert sides[None]["active"] is None
    assert refused(operator, against=9).problem == "program-version-unknown"
    assert refused(operator, against="best").paths == ["against"]


def test_before_the_first_program_a_draft_is_held_against_nothing(bare_stage: Stage) -> None:
    told = simulate(Caller("laurel/operator"), orders=ORDERS[:1])
    assert (told["against"], told["currencies"][0]["points"]["difference"]) == (None, 40)


def test_a_draft_is_validated_as_an_activation_would(operator: Caller) -> None:
    bad = {**DRAFT, "time_zone": "Europe/Paris", "earning_rules": [earning_rule(currency="stars")]}
    reply = refused(operator, program=bad, orders=ORDERS)
    assert (reply.problem, reply.text) == ("program-invalid", operator.put("/v1/program", {"program": bad}).text)


def test_stored_orders_earn_under_their_own_program_what_they_earned(operator: Caller, till: Caller, clock: FakeClock) -> None:
    operator.put("/v1/program", {"program": DRAFT})
    points = record(till, clock)
    told = simulate(operator, stored={"member_ids": [ADA, BOB, ADA]}, against=1)
    assert told["counts"] == {"orders": len(ORDERS), "refunds": len(REFUNDS), "activities": 1, "members": 2}
    assert told["currencies"][0]["points"]["draft"] == sum(points.values())
    assert told["draft"]["refused"] == []
    # The plain program knows no reviews; nor would it have given anything for one.
    assert told["active"]["refused"] == [
        {"type": "urn:laurel:problem:request-invalid", "count": 1, "first": "activity:review:review-2"}
    ]


def test_stored_orders_before_the_window_prepare_the_ground(operator: Caller, till: Caller, clock: FakeClock) -> None:
    record(till, clock)
    window = {"member_ids": [ADA], "from": "2026-03-05", "until": "2026-03-10"}
    told = simulate(operator, stored=window)
    assert told["counts"] == {"orders": 3, "refunds": 0, "activities": 0, "members": 1}
    whole = simulate(operator, stored={"member_ids": [ADA], "until": "2026-03-10"})
    early = simulate(operator, stored={"member_ids": [ADA], "until": "2026-03-04"})
    points = [answer["currencies"][0]["points"]["draft"] for answer in (early, told, whole)]
    assert points[0] + points[1] == points[2]
    assert told["draft"]["tiers"] == whole["draft"]["tiers"]


def test_of_stored_members_something_else_may_be_supposed(stage: Stage, operator: Caller, till: Caller) -> None:
    assert operator.patch(f"/v1/members/{ADA}", {"attributes": {"employee": True, "level": 3}}).status == 200
    assert till.post("/v1/purchases", order("order-1", 1_000)).status == 201
    when = {"segments": ["employee"], "attributes": {"level": [4]}}
    draft = document(earning_rules=[earning_rule(), DOUBLE | {"when": when}])
    stored = {"member_ids": [ADA]}
    supposed = [{"member_id": ADA, "attributes": {"level": 4}}]
    points = [
        simulate(operator, program=draft, stored=stored, members=members)["currencies"][0]["points"]["draft"]
        for members in ([], supposed)
    ]
    assert points == [10, 20]


def test_a_voided_activity_is_none(operator: Caller, till: Caller, clock: FakeClock) -> None:
    operator.put("/v1/program", {"program": DRAFT})
    record(till, clock)
    assert operator.post("/v1/activities/review/review-2/void", {"reason": "spam"}).status == 201
    assert simulate(operator, stored={"member_ids": [ADA]})["counts"]["activities"] == 0


def test_a_run_in_parts_shares_its_budgets_in_the_order_of_the_parts(operator: Caller) -> None:
    of_ada, of_bob = ([one for one in ORDERS if one["member_id"] == member] for member in (ADA, BOB))
    first = simulate(operator, orders=of_bob)
    second = simulate(operator, orders=of_ada, carry=first["carry"])
    assert first["carry"]["draft"][0]["points"] < second["carry"]["draft"][0]["points"] <= 150
    alone = simulate(operator, orders=of_ada)
    assert second["currencies"][0]["points"]["draft"] < alone["currencies"][0]["points"]["draft"]
    strange = {"active": [{"cap": "each", "since": "2026-03-02", "points": 1}]}
    assert refused(operator, carry=strange).paths == ["carry.active.0.cap"]


def test_tiers_are_told_at_the_end_of_the_days_asked_for(operator: Caller) -> None:
    told = simulate(operator, orders=ORDERS, tier_days=["2026-03-31", "2026-03-03"])
    assert told["draft"]["tiers"] == [
        {
            "day": day,
            "levels": [
                {"tier": None, "members": 0},
                {"tier": "silver", "members": silver},
                {"tier": "gold", "members": gold},
            ],
        }
        for day, silver, gold in (("2026-03-03", 1, 0), ("2026-03-31", 0, 2))
    ]
    assert told["active"]["tiers"][0]["levels"] == [{"tier": None, "members": 1}]


def test_what_would_be_refused_is_told_with_its_problem(operator: Caller) -> None:
    foreign = [{**bought(day, 100), "currency": "EUR"} for day in (1, 2)]
    told = simulate(operator, orders=[*foreign, bought(3, 100)])
    expected = [{"type": "urn:laurel:problem:currency-not-accepted", "count": 2, "first": "purchase:order-1"}]
    assert (told["draft"]["refused"], told["active"]["refused"]) == (expected, expected)


def test_a_malformed_run_is_refused_with_the_place_of_every_fault(operator: Caller) -> None:
    mixed = {**bought(1, 1), "lines": [{"sku": "a", "quantity": 1, "amount": 1, "currency": "EUR"}]}
    assert refused(operator, orders=[bought(2, 1), mixed]).paths == ["orders.1"]
    assert refused(operator, stored={"member_ids": [ADA, "nobody"]}).paths == ["stored.member_ids.1"]
    terms = [{"plan": "prime", "starts_at": at(2), "ends_at": at(1)}]
    assert refused(operator, members=[{"member_id": ADA, "memberships": terms}]).paths == ["members.0.memberships.0"]
    assert refused(operator, orders=[{**bought(1, 1), "points": 5}]).paths == ["orders.0.points"]


def test_more_than_a_thousand_are_refused(operator: Caller) -> None:
    refunds = [{"order_id": "o", "refund_id": f"r{number}", "occurred_at": at(1)} for number in range(PARTS_MAX)]
    told = simulate(operator, refunds=refunds)
    assert told["draft"]["refused"][0]["count"] == PARTS_MAX
    assert refused(operator, refunds=refunds, activities=ACTIVITIES).status == 422
