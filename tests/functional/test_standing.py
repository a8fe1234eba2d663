"""Tiers and paid memberships through the handlers, in a sandbox whose clock the tests move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.fakes import grocer
from tests.fakes.grocer import ADA, BOB, earning_rule, order
from tests.functional.api import MEMBER, MEMBER_ISSUER, OPERATOR, POS, Caller, Reply
from tests.functional.conftest import Stage, profile
from tests.functional.explained import check_all, why
from tests.functional.test_redemptions import FIVE_OFF, balance, redeem

HALF_MORE = {"multipliers": [{"currency": "points", "percent": 150}], "perks": ["Free gift wrap"], "early_access_hours": 48}
LEVELS: list[dict[str, Any]] = [
    {"id": "bronze", "name": "Bronze", "threshold": 0},
    {"id": "silver", "name": "Silver", "threshold": 500},
    {"id": "gold", "name": "Gold", "threshold": 1000, "benefits": HALF_MORE},
]
TIERS: dict[str, Any] = {
    "metric": "points",
    "currency": "points",
    "period": {"kind": "anniversary"},
    "grace_days": 30,
    "downgrade": "one_step",
    "levels": LEVELS,
}
PRIME: dict[str, Any] = {
    "id": "prime",
    "name": "Prime",
    "price": 13_900,
    "term": {"months": 12},
    "trial_days": 30,
    "protects_tier": True,
    "benefits": {"multipliers": [{"currency": "points", "percent": 300}], "early_access_hours": 72},
}
SEASONS = [{"id": "june", "months": [6]}]


@pytest.fixture
def stage(make_stage: Any) -> Iterator[Stage]:
    """A sandbox that begins on 2025-04-15, when Cat and Dan enrol; in the end its books balance and each entry explains."""
    stage: Stage = make_stage(sandbox=True)
    move(Caller(OPERATOR), "2025-04-15T12:00")
    stage.activate(grocer.version(tiers=TIERS, memberships=[PRIME], seasons=SEASONS))
    for member, name in ((ADA, "ada"), (BOB, "bob")):
        stage.wiring.members.enrol(profile(member, name), name.encode() * 8)
    # They enrol at the sandbox's time, not at the fake's.
    for customer in ("cat", "dan"):
        login = {"issuer": MEMBER_ISSUER, "subject": f"sub-{customer}"}
        reply = Caller(POS).post("/v1/members", {"customer_id": customer, "login": login})
        assert reply.status == 201, reply.text
    yield stage
    assert stage.breaks() == []
    check_all(stage, Caller(OPERATOR))


def move(operator: Caller, local: str) -> None:
    """Set the test clock to a wall time in New York."""
    instant = at(local)
    assert operator.put("/v1/test-clock", {"now": instant}).status == 200


def at(local: str) -> str:
    """The instant of a wall time in New York, as the API wants it."""
    wall = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(grocer.ZONE))
    return wall.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def cat(stage: Stage) -> Caller:
    """Cat with her phone; she enrolled on 2025-04-15."""
    return Caller(MEMBER, MEMBER_ISSUER, "sub-cat")


@pytest.fixture
def cat_id(cat: Caller) -> str:
    found: str = cat.get("/v1/me").json["member_id"]
    return found


def buy(till: Caller, member: str, dollars: int, order_id: str, **changes: Any) -> Reply:
    """An order, now unless told otherwise."""
    now = Caller(OPERATOR).get("/v1/test-clock").json["now"]
    reply = till.post("/v1/purchases", order(order_id, dollars * 100, **{"member_id": member, "occurred_at": now, **changes}))
    assert reply.status == 201, reply.text
    return reply


def job(operator: Caller, member: str) -> tuple[bool, str | None, str | None]:
    """What a review finds: whether something changed, from what, to what."""
    reply = operator.post(f"/v1/members/{member}/tier/reviews")
    assert reply.status == 200, reply.text
    return reply.json["changed"], reply.json["before"], reply.json["tier"]


def tier(caller: Caller, member: str) -> str | None:
    found: str | None = caller.get(f"/v1/members/{member}/tier").json["tier"]
    return found


def reviews(operator: Caller, member: str) -> list[dict[str, Any]]:
    """The events that reviews told, newest first."""
    rows = operator.get(f"/v1/members/{member}/entries", kind="review").json["entries"]
    found = [operator.get(f"/v1/entries/{row['entry_id']}").json for row in rows]
    assert all(entry["earned"] == [] for entry in found)
    return [entry["about"] for entry in found]


# ---- tier grace, as the rules tell it


@pytest.fixture
def graced(till: Caller, operator: Caller, cat_id: str) -> str:
    """Cat is Gold since her first year and earned 900 in the one that ends on 2027-04-15; it is that day."""
    move(operator, "2026-03-01T12:00")
    buy(till, cat_id, 1000, "first-year")
    move(operator, "2027-01-10T12:00")
    buy(till, cat_id, 900, "second-year")
    move(operator, "2027-04-15T00:00")
    return cat_id


def test_the_member_sees_where_they_stand_and_when_it_ends(graced: str, cat: Caller) -> None:
    assert cat.get("/v1/me/tier").json == {
        "member_id": graced,
        "day": "2027-04-15",
        "tier": "gold",
        "tier_name": "Gold",
        "metric": "points",
        "credited": 0,
        "period_start": "2027-04-15",
        "period_ends_on": "2028-04-15",
        "review_on": "2027-05-15",
        "next": None,
        "missing": None,
        "will_downgrade_on": "2027-05-15",
        "will_downgrade_at": "2027-05-15T04:00:00Z",
        "will_downgrade_to": {"id": "silver", "name": "Silver", "threshold": 500},
        "benefits": {
            "multipliers": [{"by": "tier:gold", "currency": "points", "percent": 150}],
            "perks": ["Free gift wrap"],
            "early_access_hours": 48,
            "birthday_gift": None,
            "free_shipping": False,
        },
        "memberships": [],
    }


def test_gold_holds_through_the_grace(operator: Caller, graced: str) -> None:
    for day in ("2027-04-15T00:00", "2027-05-10T12:00", "2027-05-14T23:59"):
        move(operator, day)
        assert (tier(operator, graced), job(operator, graced)) == ("gold", (False, "gold", "gold"))


def test_a_hundred_more_on_05_10_keeps_gold_and_there_is_no_event(till: Caller, operator: Caller, graced: str) -> None:
    move(operator, "2027-05-10T12:00")
    assert why(buy(till, graced, 100, "grace")) == {"base": 100, "tier:gold": 50}
    move(operator, "2027-05-15T00:00")
    assert [job(operator, graced) for _ in range(3)] == [(False, "gold", "gold")] * 3
    assert reviews(operator, graced) == []
    told = operator.get(f"/v1/members/{graced}/tier").json
    # What was earned in grace counts to the new year too; its own review is a year later.
    assert (told["tier"], told["credited"], told["will_downgrade_on"]) == ("gold", 100, "2028-05-15")


def test_otherwise_it_is_silver_on_05_15_and_one_event_though_the_job_runs_three_times(operator: Caller, graced: str) -> None:
    move(operator, "2027-05-15T00:00")
    assert tier(operator, graced) == "silver"
    assert [job(operator, graced) for _ in range(3)] == [(True, "gold", "silver"), *[(False, "silver", "silver")] * 2]
    assert reviews(operator, graced) == [{"before": "gold", "after": "silver"}]


def test_redeeming_5000_changes_nothing(till: Caller, operator: Caller, graced: str) -> None:
    given = {"currency": "points", "points": 5000, "reason": "a gift"}
    assert operator.post(f"/v1/members/{graced}/adjustments", given, key="gift").status == 201
    assert operator.put("/v1/rewards/trip", {**FIVE_OFF, "price": {"points": 5000}}).status == 200
    before = operator.get(f"/v1/members/{graced}/tier").json
    assert redeem(till, "trip", member=graced).status == 201
    assert operator.get(f"/v1/members/{graced}/tier").json == before
    move(operator, "2027-05-10T12:00")
    buy(till, graced, 100, "grace")
    move(operator, "2027-05-15T00:00")
    assert job(operator, graced) == (False, "gold", "gold")


@pytest.mark.parametrize("given_back", [None, 1])
def test_refunding_the_05_10_order_before_the_review_makes_silver(
    till: Caller, operator: Caller, graced: str, given_back: int | None
) -> None:
    """Even by a cent: 99.99 dollars are 99 points of credit, whatever the fractions of other rules come to."""
    move(operator, "2027-05-10T12:00")
    buy(till, graced, 100, "grace")
    move(operator, "2027-05-14T23:00")
    body = {"refund_id": "r1", "occurred_at": at("2027-05-14T23:00"), **({"amount": given_back} if given_back else {})}
    assert till.post("/v1/purchases/grace/refunds", body).status == 201
    assert tier(operator, graced) == "gold"
    move(operator, "2027-05-15T00:00")
    assert tier(operator, graced) == "silver"
    assert [job(operator, graced)[0] for _ in range(3)] == [True, False, False]
    assert reviews(operator, graced) == [{"before": "gold", "after": "silver"}]


def test_one_step_a_review_where_nothing_was_earned(till: Caller, operator: Caller, cat_id: str) -> None:
    buy(till, cat_id, 1000, "first-year")
    found = []
    for day in ("2026-05-15T00:00", "2027-05-14T23:59", "2027-05-15T00:00", "2028-05-15T00:00", "2029-05-15T00:00"):
        move(operator, day)
        found.append(job(operator, cat_id))
    # The first review looks at the year in which she became Gold.
    assert found == [
        (False, "gold", "gold"),
        (False, "gold", "gold"),
        (True, "gold", "silver"),
        (True, "silver", "bronze"),
        (False, "bronze", "bronze"),
    ]


def test_where_the_job_never_ran_the_reads_are_right_and_the_next_entry_tells(
    till: Caller, operator: Caller, graced: str
) -> None:
    move(operator, "2027-06-01T12:00")
    assert tier(operator, graced) == "silver"
    assert why(buy(till, graced, 10, "june")) == {"base": 10}
    assert job(operator, graced) == (False, "silver", "silver")
    assert reviews(operator, graced) == []


def test_progress_counts_from_the_first_cent_to_the_next_tier(till: Caller, operator: Caller, cat: Caller, cat_id: str) -> None:
    seen: list[tuple[Any, ...]] = []
    for dollars in (0, 499, 1, 499, 1):
        buy(till, cat_id, dollars, f"order-{len(seen)}")
        told = cat.get("/v1/me/tier").json
        seen.append((told["tier"], told["credited"], told["next"] and told["next"]["id"], told["missing"]))
    assert seen == [
        ("bronze", 0, "silver", 500),
        ("bronze", 499, "silver", 1),
        ("silver", 500, "gold", 500),
        ("silver", 999, "gold", 1),
        ("gold", 1000, None, None),
    ]


def test_bonus_points_do_not_count_unless_the_rule_says_so(stage: Stage, till: Caller, operator: Caller, cat_id: str) -> None:
    for number, qualifying in ((2, False), (3, True)):
        bonus = {"id": "bonus", "kind": "bonus", "currency": "points", "points": 400, "qualifying": qualifying}
        stage.activate(grocer.version(number, tiers=TIERS, earning_rules=[earning_rule(), bonus]))
        buy(till, cat_id, 100, f"order-{number}")
    assert operator.get(f"/v1/members/{cat_id}/tier").json["credited"] == 600


@pytest.mark.parametrize(
    ("metric", "credited"), [({"metric": "spend"}, 24_850), ({"metric": "orders"}, 2), ({"metric": "referrals"}, 0)]
)
def test_other_metrics_count_what_was_paid_net_or_orders(
    stage: Stage, till: Caller, operator: Caller, cat_id: str, metric: dict[str, str], credited: int
) -> None:
    tiers = {name: value for name, value in TIERS.items() if name not in ("metric", "currency")}
    stage.activate(grocer.version(2, tiers={**tiers, **metric}))
    buy(till, cat_id, 100, "order-1")
    buy(till, cat_id, 200, "order-2", paid_with_rewards=5000)
    buy(till, cat_id, 300, "order-3")
    buy(till, cat_id, 0, "order-0", lines=[{"sku": "card", "quantity": 1, "amount": 9000, "category": "gift_card"}])
    for order_id, more in (("order-1", {"amount": 150}), ("order-3", {})):
        body = {"refund_id": f"r-{order_id}", "occurred_at": at("2025-04-15T12:00"), **more}
        assert till.post(f"/v1/purchases/{order_id}/refunds", body).status == 201
    assert operator.get(f"/v1/members/{cat_id}/tier").json["credited"] == credited


def test_a_program_without_tiers_tells_none(stage: Stage, operator: Caller, cat_id: str) -> None:
    stage.activate(grocer.version(2))
    told = operator.get(f"/v1/members/{cat_id}/tier").json
    assert (told["tier"], told["next"], told["metric"], told["credited"]) == (None, None, None, 0)
    assert operator.post("/v1/members/nobody/tier/reviews").problem == "member-unknown"


# ---- late arrival


def test_a_late_order_meets_the_season_the_version_and_the_tier_of_its_own_time(
    stage: Stage, till: Caller, operator: Caller, cat_id: str
) -> None:
    november = {"id": "november", "time_zone": grocer.ZONE, "starts": "2026-11-01T00:00", "ends": "2026-11-30T24:00"}
    double = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "when": {"seasons": ["november"]}}
    stage.activate(grocer.version(2, tiers=TIERS, seasons=[november], earning_rules=[earning_rule(), double]))
    move(operator, "2026-12-01T12:00")
    buy(till, cat_id, 1000, "promotion")
    assert tier(operator, cat_id) == "gold"
    move(operator, "2026-12-02T12:00")
    now = datetime.fromisoformat(at("2026-12-02T12:00"))
    stage.activate(grocer.version(3, now, tiers=TIERS, earning_rules=[earning_rule()]))
    move(operator, "2026-12-03T12:00")
    before = balance(till, cat_id)
    late = [buy(till, cat_id, 40, "late", occurred_at=at("2026-11-30T23:59:30")) for _ in range(3)]
    assert len({reply.text for reply in late}) == 1
    [earned] = late[0].json["earned"]
    assert earned["why"] == [
        {"rule": "base", "program_version": 2, "points": 40, "room": None},
        {"rule": "double", "program_version": 2, "points": 40, "room": None},
    ]
    # 365 days from the purchase, not from the day on which it arrived.
    assert (earned["lots"][0]["expires_at"], earned["lots"][0]["last_day"]) == ("2027-11-30T05:00:00Z", "2027-11-29")
    assert why(buy(till, cat_id, 40, "later", occurred_at=at("2026-12-01T00:00:10"))) == {"base": 40}
    assert why(buy(till, cat_id, 40, "now")) == {"base": 40, "tier:gold": 20}
    assert balance(till, cat_id) - before == 80 + 40 + 60


# ---- paid memberships


def bill(caller: Caller, member: str, kind: str, event: str, local: str, **edges: str) -> Reply:
    """A billing provider tells; edges are wall times in New York."""
    told = {name: at(edge) for name, edge in edges.items()}
    body = {"event_id": event, "member_id": member, "plan": "prime", "kind": kind, "occurred_at": at(local), **told}
    return caller.post("/v1/memberships/events", body)


def running(caller: Caller, member: str) -> list[str]:
    """Until when the memberships of a member run."""
    return [plan["until"] for plan in caller.get(f"/v1/members/{member}/tier").json["memberships"]]


def test_a_trial_a_renewal_and_a_lapse(till: Caller, operator: Caller, cat_id: str) -> None:
    trial = bill(till, cat_id, "trial_started", "e1", "2025-04-15T12:00")
    assert (trial.status, trial.json["starts_at"], trial.json["ends_at"]) == (
        201,
        at("2025-04-15T12:00"),
        at("2025-05-15T12:00"),
    )
    assert running(operator, cat_id) == [at("2025-05-15T12:00")]
    assert why(buy(till, cat_id, 10, "in-trial")) == {"base": 10, "membership:prime": 20}
    move(operator, "2025-05-14T12:00")
    paid = bill(till, cat_id, "renewed", "e2", "2025-05-14T12:00", starts_at="2025-05-15T12:00")
    assert (paid.status, paid.json["ends_at"]) == (201, at("2026-05-15T12:00"))
    assert running(operator, cat_id) == [at("2026-05-15T12:00")]
    move(operator, "2026-05-15T11:59:59")
    assert why(buy(till, cat_id, 10, "last")) == {"base": 10, "membership:prime": 20}
    move(operator, "2026-05-15T12:00")
    assert (running(operator, cat_id), why(buy(till, cat_id, 10, "lapsed"))) == ([], {"base": 10})
    entry = operator.get("/v1/entries/billing:e2").json
    assert (entry["kind"], entry["about"]["plan"], entry["about"]["event"], entry["earned"]) == (
        "billing",
        "prime",
        "renewed",
        [],
    )


def test_the_same_event_again_is_the_same_answer_and_another_body_is_refused(
    stage: Stage, till: Caller, operator: Caller, cat_id: str
) -> None:
    first = bill(till, cat_id, "started", "e1", "2025-04-15T12:00")
    move(operator, "2026-12-01T12:00")
    before = stage.items()
    assert [bill(caller, cat_id, "started", "e1", "2025-04-15T12:00").text for caller in (till, operator)] == [first.text] * 2
    for changed in (("lapsed", "2025-04-15T12:00"), ("started", "2025-04-15T12:01")):
        assert bill(till, cat_id, changed[0], "e1", changed[1]).problem == "key-reused"
    assert bill(till, ADA, "started", "e1", "2025-04-15T12:00").problem == "key-reused"
    assert stage.items() == before


@pytest.mark.parametrize("turn", range(3))
def test_events_out_of_order_end_in_the_same_place(till: Caller, operator: Caller, cat_id: str, turn: int) -> None:
    events = [
        ("started", "e1", "2025-04-15T12:00", {}),
        ("renewed", "e2", "2026-04-15T12:00", {"starts_at": "2026-04-15T12:00"}),
        ("lapsed", "e3", "2026-08-01T00:00", {"ends_at": "2026-08-01T00:00"}),
    ]
    move(operator, "2026-09-01T12:00")
    for kind, event, local, edges in events[turn:] + events[:turn]:
        assert bill(till, cat_id, kind, event, local, **edges).status == 201
    assert running(operator, cat_id) == []
    told = [why(buy(till, cat_id, 10, day, occurred_at=at(f"{day}T12:00"))) for day in ("2026-07-31", "2026-08-01")]
    assert told == [{"base": 10, "membership:prime": 20}, {"base": 10}]


def test_who_cancels_keeps_what_is_paid_and_who_is_refunded_does_not(till: Caller, operator: Caller, cat_id: str) -> None:
    assert bill(till, cat_id, "started", "e1", "2025-04-15T12:00").status == 201
    move(operator, "2025-06-01T12:00")
    assert bill(till, cat_id, "cancelled", "e2", "2025-06-01T12:00").status == 201
    assert running(operator, cat_id) == [at("2026-04-15T12:00")]
    move(operator, "2025-07-01T12:00")
    paid = why(buy(till, cat_id, 10, "paid", occurred_at=at("2025-06-30T12:00")))
    back = bill(till, cat_id, "refunded", "e3", "2025-07-01T12:00", starts_at="2025-04-15T12:00")
    assert (back.status, running(operator, cat_id)) == (201, [])
    late = [why(buy(till, cat_id, 10, day, occurred_at=at(f"{day}T11:00"))) for day in ("2025-06-30", "2025-07-01")]
    assert [paid, *late] == [{"base": 10, "membership:prime": 20}] * 3
    assert why(buy(till, cat_id, 10, "after")) == {"base": 10}


def test_a_membership_that_begins_later_is_no_membership_yet(till: Caller, operator: Caller, cat_id: str) -> None:
    assert bill(till, cat_id, "started", "e1", "2025-04-15T12:00", starts_at="2025-05-01T00:00").status == 201
    assert (running(operator, cat_id), why(buy(till, cat_id, 10, "now"))) == ([], {"base": 10})
    move(operator, "2025-05-01T00:00")
    assert why(buy(till, cat_id, 10, "then")) == {"base": 10, "membership:prime": 20}
    assert bill(till, cat_id, "lapsed", "e2", "2025-05-01T00:00", starts_at="2025-05-01T00:00").status == 201
    assert running(operator, cat_id) == []


def test_a_second_trial_is_refused_and_writes_nothing(stage: Stage, till: Caller, operator: Caller, cat_id: str) -> None:
    assert bill(till, cat_id, "trial_started", "e1", "2025-04-15T12:00").status == 201
    move(operator, "2026-01-01T12:00")
    before = stage.items()
    for _ in range(2):
        refused = bill(till, cat_id, "trial_started", "e2", "2026-01-01T12:00")
        assert (refused.status, refused.problem) == (409, "trial-used")
    assert stage.items() == before
    assert bill(till, cat_id, "started", "e3", "2026-01-01T12:00").status == 201


@pytest.mark.parametrize(
    ("kind", "changes", "problem", "path"),
    [
        ("renewed", {}, "request-invalid", "starts_at"),
        ("started", {"plan": "gold"}, "request-invalid", "plan"),
        ("started", {"ends_at": "2025-04-15T12:00:00Z"}, "request-invalid", "ends_at"),
        ("started", {"occurred_at": "2025-04-15T16:05:01Z"}, "occurred-in-future", None),
        ("started", {"member_id": "nobody"}, "member-unknown", None),
        ("bought", {}, "request-invalid", "kind"),
    ],
)
def test_an_event_that_says_nothing_sensible_is_refused_and_writes_nothing(
    stage: Stage, till: Caller, cat_id: str, kind: str, changes: dict[str, str], problem: str, path: str | None
) -> None:
    before = stage.items()
    body = {
        "event_id": "e1",
        "member_id": cat_id,
        "plan": "prime",
        "kind": kind,
        "occurred_at": at("2025-04-15T12:00"),
        **changes,
    }
    refused = till.post("/v1/memberships/events", body)
    assert refused.problem == problem
    assert path is None or refused.paths == [path]
    assert stage.items() == before


def test_a_membership_protects_the_tier_while_it_runs(till: Caller, operator: Caller, graced: str) -> None:
    assert bill(till, graced, "started", "e1", "2027-04-15T00:00", ends_at="2027-07-01T00:00").status == 201
    move(operator, "2027-05-15T00:00")
    assert job(operator, graced) == (False, "gold", "gold")
    assert operator.get(f"/v1/members/{graced}/tier").json["will_downgrade_on"] == "2027-07-01"
    move(operator, "2027-06-30T23:59")
    assert job(operator, graced) == (False, "gold", "gold")
    move(operator, "2027-07-01T00:00")
    assert [job(operator, graced) for _ in range(2)] == [(True, "gold", "silver"), (False, "silver", "silver")]


# ---- rewards for tiers, memberships and seasons


def offered(caller: Caller, member: str, reward: str) -> tuple[int, list[str]]:
    """A reward's price for a member, and the reasons why they may not have it now."""
    quote = caller.post(f"/v1/members/{member}/redemptions/quote", {"reward_id": reward})
    assert quote.status == 200, quote.text
    return quote.json["points"], [one.get("reason", one["type"].rpartition(":")[2]) for one in quote.json["obstacles"]]


def test_a_reward_for_a_tier_or_a_membership_is_for_them_alone(till: Caller, operator: Caller, graced: str) -> None:
    reward = {**FIVE_OFF, "price": {"points": 10}, "tiers": ["gold"], "memberships": ["prime"]}
    assert operator.put("/v1/rewards/exclusive", reward).status == 200
    for member in (ADA, BOB):
        buy(till, member, 10, f"order-of-{member}")
    assert bill(till, BOB, "started", "e1", "2027-04-15T00:00").status == 201
    assert (offered(till, graced, "exclusive"), offered(till, BOB, "exclusive")) == ((10, []), (10, []))
    assert offered(till, ADA, "exclusive") == (10, ["segment"])
    assert redeem(till, "exclusive", "a", graced).status == redeem(till, "exclusive", "b", BOB).status == 201
    refused = redeem(till, "exclusive", "c", ADA)
    assert (refused.status, refused.problem, refused.json["reason"]) == (409, "reward-not-offered", "segment")
    move(operator, "2027-05-15T00:00")
    assert offered(till, graced, "exclusive") == (10, ["segment"])
    # What was refused stays refused under its key; what was given is given again.
    assert redeem(till, "exclusive", "c", ADA).text == refused.text
    assert redeem(till, "exclusive", "a", graced).status == 201


def test_early_access_opens_the_door_before_others(till: Caller, operator: Caller, graced: str) -> None:
    reward = {**FIVE_OFF, "price": {"points": 10}, "starts_at": at("2027-05-01T12:00")}
    assert operator.put("/v1/rewards/launch", reward).status == 200
    for member in (ADA, BOB):
        buy(till, member, 10, f"order-of-{member}")
    assert bill(till, BOB, "started", "e1", "2027-04-15T00:00").status == 201
    open_to = []
    for local in ("2027-04-28T11:59:59", "2027-04-28T12:00", "2027-04-29T11:59:59", "2027-04-29T12:00", "2027-05-01T12:00"):
        move(operator, local)
        open_to.append([member for member in (BOB, graced, ADA) if not offered(till, member, "launch")[1]])
    assert open_to == [[], [BOB], [BOB], [BOB, graced], [BOB, graced, ADA]]
    assert redeem(till, "launch", "a", graced).status == 201


def test_a_season_has_a_price_of_its_own_that_the_quote_shows_and_the_redemption_takes(
    till: Caller, operator: Caller, graced: str
) -> None:
    reward = {**FIVE_OFF, "price": {"points": 100}, "season_prices": [{"season": "june", "points": 40}]}
    version = operator.put("/v1/rewards/summer", reward).json["version"]
    move(operator, "2027-05-31T23:59:59")
    assert offered(till, graced, "summer") == (100, [])
    move(operator, "2027-06-01T00:00")
    assert offered(till, graced, "summer") == (40, [])
    [offer] = operator.get(f"/v1/members/{graced}/rewards").json["rewards"]
    assert offer["price"] == {"points": 40}
    before = balance(till, graced)
    taken = redeem(till, "summer", "june", graced, reward_version=version)
    assert (taken.status, taken.json["points"], before - balance(till, graced)) == (201, 40, 40)
    move(operator, "2027-07-01T00:00")
    assert redeem(till, "summer", "june", graced, reward_version=version).text == taken.text
    # Who saw 40 and comes too late is not charged 100 unseen: the price that was seen can be insisted on.
    late = redeem(till, "summer", "late", graced, reward_version=version, points=40)
    assert (late.status, late.problem) == (422, "points-not-offered")
    assert redeem(till, "summer", "now", graced, points=100).json["points"] == 100


def test_a_reward_that_was_changed_since_it_was_seen_is_refused(till: Caller, operator: Caller, graced: str) -> None:
    reward = {**FIVE_OFF, "price": {"points": 100}, "season_prices": [{"season": "june", "points": 40}]}
    seen = operator.put("/v1/rewards/summer", reward).json["version"]
    move(operator, "2027-06-01T00:00")
    assert operator.put("/v1/rewards/summer", {**reward, "season_prices": [{"season": "june", "points": 50}]}).status == 200
    refused = redeem(till, "summer", "a", graced, reward_version=seen)
    assert (refused.status, refused.problem, refused.json["points"]) == (409, "reward-changed", 50)
    assert redeem(till, "summer", "b", graced, reward_version=seen + 1).json["points"] == 50


# ---- merges


def test_a_merge_brings_credit_orders_and_memberships_and_later_refunds_reach_them(
    till: Caller, operator: Caller, cat_id: str
) -> None:
    dan_id = till.get("/v1/members", customer_id="dan").json["members"][0]["member_id"]
    buy(till, cat_id, 600, "cats")
    buy(till, dan_id, 450, "dans")
    assert bill(till, cat_id, "trial_started", "e1", "2025-04-15T12:00").status == 201
    assert operator.post(f"/v1/members/{cat_id}/merge", {"into": dan_id, "reason": "same person"}).status == 200
    assert (tier(operator, dan_id), running(operator, dan_id)) == ("gold", [at("2025-05-15T12:00")])
    assert bill(till, dan_id, "trial_started", "e2", "2025-04-15T12:00").problem == "trial-used"
    move(operator, "2025-04-16T12:00")
    assert why(buy(till, dan_id, 10, "both")) == {"base": 10, "tier:gold": 5, "membership:prime": 20}
    assert till.post("/v1/purchases/cats/refunds", {"refund_id": "r1", "occurred_at": at("2025-04-16T12:00")}).status == 201
    told = operator.get(f"/v1/members/{dan_id}/tier").json
    assert (told["tier"], told["credited"], balance(till, dan_id)) == ("bronze", 460, 485)
