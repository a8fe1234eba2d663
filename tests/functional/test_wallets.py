"""What a member has, now and at the end of past days."""
# ruff: noqa: RUF001 - look-alike digits and letters are what these tests send

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, NOON, order
from tests.functional.api import Caller
from tests.functional.conftest import Stage

WALLET = f"/v1/members/{ADA}/wallet"
TODAY = "2026-03-02"


def purse(caller: Caller, path: str = WALLET, **query: Any) -> Any:
    """The only currency of a wallet."""
    [found] = caller.get(path, **query).json["currencies"]
    return found


def earn(till: Caller, order_id: str, points: int, day: str) -> Any:
    reply = till.post("/v1/purchases", order(order_id, points * 100, occurred_at=f"{day}T17:00:00Z"))
    assert reply.status == 201, reply
    return reply.json


def test_a_new_wallet_shows_every_currency_of_the_program_at_nothing(till: Caller) -> None:
    reply = till.get(WALLET)
    assert reply.status == 200
    assert reply.json == {
        "member_id": ADA,
        "status": "active",
        "day": TODAY,
        "time_zone": grocer.ZONE,
        "sequence": 0,
        "currencies": [
            {
                "currency": "points",
                "balance": 0,
                "active": 0,
                "pending": 0,
                "debt": 0,
                "expiring_soon": 0,
                "deadlines": [],
                "pending_until": [],
                "lifetime": {"earned": 0, "redeemed": 0, "expired": 0, "adjusted": 0, "transferred": 0},
            }
        ],
        "open_redemptions": [],
        "multipliers": [],
    }


def test_deadlines_come_earliest_first_and_sum_to_the_balance(till: Caller) -> None:
    for order_id, points, day in [
        ("a", 5, "2026-02-01"),
        ("b", 7, "2025-04-02"),
        ("c", 11, "2025-03-20"),
        ("d", 2, "2026-02-01"),
    ]:
        earn(till, order_id, points, day)
    found = purse(till)
    assert [(row["points"], row["last_day"], row["expires_at"]) for row in found["deadlines"]] == [
        (11, "2026-03-19", "2026-03-20T04:00:00Z"),
        (7, "2026-04-01", "2026-04-02T04:00:00Z"),
        (7, "2027-01-31", "2027-02-01T05:00:00Z"),
    ]
    assert sum(row["points"] for row in found["deadlines"]) == found["active"] == found["balance"] == 25


def test_points_that_never_expire_stand_last_in_a_row_of_their_own(stage: Stage, till: Caller) -> None:
    stage.activate(grocer.version(2, NOON - timedelta(days=1), currencies=[{"code": "points"}]))
    earn(till, "new", 3, TODAY)
    earn(till, "old", 4, "2026-02-01")
    assert [(row["points"], row["last_day"], row["expires_at"]) for row in purse(till)["deadlines"]] == [
        (4, "2027-01-31", "2027-02-01T05:00:00Z"),
        (3, None, None),
    ]


def test_points_expire_by_the_date_in_every_read_without_any_job(till: Caller, clock: FakeClock) -> None:
    earn(till, "a", 10, TODAY)
    clock.advance(days=364, hours=11, minutes=59)
    assert purse(till)["balance"] == 10
    clock.advance(minutes=1)
    found = purse(till)
    assert (found["balance"], found["deadlines"], found["lifetime"]["expired"]) == (0, [], 10)


def test_points_of_the_last_day_expire_soon_and_those_of_a_month_later_do_not(till: Caller) -> None:
    earn(till, "first", 1, "2025-04-01")
    earn(till, "second", 2, "2025-04-02")
    assert purse(till)["expiring_soon"] == 1


def test_pending_points_are_shown_apart_until_the_day_they_can_be_spent(stage: Stage, till: Caller, clock: FakeClock) -> None:
    pending = [{"code": "points", "pending_days": 14, "expiry": {"after": 365, "rounded_to": "day"}}]
    stage.activate(grocer.version(2, NOON - timedelta(days=60), currencies=pending))
    earn(till, "a", 10, TODAY)
    earn(till, "b", 5, TODAY)
    found = purse(till)
    assert (found["balance"], found["pending"], found["deadlines"]) == (0, 15, [])
    assert found["pending_until"] == [{"points": 15, "spendable_from": "2026-03-16T04:00:00Z"}]
    clock.advance(days=13, hours=11)
    found = purse(till)
    assert (found["balance"], found["pending"], found["pending_until"]) == (15, 0, [])


def test_a_member_sees_the_same_wallet_as_the_staff(till: Caller, operator: Caller, ada: Caller, bob: Caller) -> None:
    earn(till, "a", 10, TODAY)
    assert ada.get("/v1/me/wallet").text == till.get(WALLET).text == operator.get(WALLET).text
    assert bob.get("/v1/me/wallet").json["member_id"] == BOB


def test_a_past_answer_by_recorded_day_never_changes(till: Caller, clock: FakeClock) -> None:
    earn(till, "a", 10, TODAY)
    clock.advance(days=10)
    earn(till, "b", 20, "2026-03-12")
    clock.advance(days=1)
    days = ["2026-03-01", TODAY, "2026-03-05", "2026-03-11", "2026-03-12"]
    told = {day: till.get(WALLET, as_of=day).text for day in days}
    earn(till, "late", 40, "2026-03-01")
    clock.advance(days=700)
    earn(till, "much-later", 80, "2028-02-01")
    assert {day: till.get(WALLET, as_of=day).text for day in days} == told


def test_a_past_day_tells_what_was_recorded_by_its_end(till: Caller, clock: FakeClock) -> None:
    earn(till, "a", 10, TODAY)
    clock.advance(days=10)
    earn(till, "b", 20, "2026-03-12")
    clock.advance(days=360)
    balances = {day: purse(till, as_of=day)["balance"] for day in ("2026-03-01", TODAY, "2026-03-11", "2026-03-12")}
    assert balances == {"2026-03-01": 0, TODAY: 10, "2026-03-11": 10, "2026-03-12": 30}
    assert purse(till, as_of="2027-03-01")["balance"] == 30
    assert purse(till, as_of="2027-03-02")["balance"] == 20
    assert [till.get(WALLET, as_of=day).json["sequence"] for day in ("2026-03-01", TODAY, "2026-03-12")] == [0, 1, 2]


def test_a_past_day_by_occurrence_tells_what_had_happened_by_its_end(till: Caller, clock: FakeClock) -> None:
    clock.advance(days=30)
    earn(till, "today", 1, "2026-04-01")
    earn(till, "late", 10, "2026-03-10")
    assert purse(till, as_of="2026-03-10")["balance"] == 0
    assert purse(till, as_of="2026-03-10", basis="occurred")["balance"] == 10
    assert purse(till, as_of="2026-03-09", basis="occurred")["balance"] == 0
    assert purse(till, as_of="2026-04-01", basis="occurred") == purse(till, as_of="2026-04-01") == purse(till)


def test_today_as_a_past_day_is_the_wallet_of_now(till: Caller) -> None:
    earn(till, "a", 10, "2025-03-20")
    assert till.get(WALLET, as_of=TODAY).json == till.get(WALLET).json


def test_a_day_to_come_is_refused(till: Caller, clock: FakeClock) -> None:
    reply = till.get(WALLET, as_of="2026-03-03")
    assert (reply.status, reply.problem, reply.paths) == (422, "request-invalid", ["query.as_of"])
    clock.advance(hours=12)
    assert till.get(WALLET, as_of="2026-03-03").status == 200, "the day has begun in the program's zone"


def test_the_day_is_the_program_zones_and_not_utcs(till: Caller, clock: FakeClock) -> None:
    clock.instant = NOON.replace(hour=3)
    assert till.get(WALLET).json["day"] == "2026-03-01"


def test_a_wallet_takes_no_other_question(till: Caller) -> None:
    days = ["2026-3-2", "２０２６-03-02", "2026-02-30", "0000-01-01", "yesterday", "", "2026-03-01,2026-03-02"]
    queries = [*({"as_of": day} for day in days), {"basis": "guessed"}, {"basis": ""}, {"asof": TODAY}, {"limit": "1"}]
    accepted = [query for query in queries if till.get(WALLET, **query).problem != "request-invalid"]
    assert accepted == []


def test_a_day_given_twice_is_refused(till: Caller) -> None:
    assert till.send("GET", WALLET, query="as_of=2026-03-01&as_of=2026-03-02").problem == "request-invalid"


def test_a_closed_wallet_is_empty_and_says_so(till: Caller, operator: Caller, clock: FakeClock) -> None:
    earn(till, "a", 10, TODAY)
    clock.advance(days=1)
    operator.post(f"/v1/members/{ADA}/close")
    wallet = till.get(WALLET).json
    assert (wallet["status"], wallet["currencies"][0]["balance"]) == ("closed", 0)
    lifetime = {"earned": 10, "redeemed": 0, "expired": 0, "adjusted": 10, "transferred": 0}
    assert wallet["currencies"][0]["lifetime"] == lifetime
    before = till.get(WALLET, as_of=TODAY).json
    assert (before["status"], before["currencies"][0]["balance"]) == ("active", 10)


def test_a_closed_wallet_is_empty_on_every_basis(till: Caller, operator: Caller, clock: FakeClock) -> None:
    """A till's clock may run ahead: this order occurred after the closing that forfeited its points."""
    assert till.post("/v1/purchases", order(occurred_at="2026-03-02T17:04:00Z")).status == 201
    operator.post(f"/v1/members/{ADA}/close")
    clock.advance(minutes=10)
    for basis in ("recorded", "occurred"):
        assert purse(till, as_of=TODAY, basis=basis)["balance"] == 0


def test_lifetime_totals_add_up(till: Caller, operator: Caller, clock: FakeClock) -> None:
    for n in range(6):
        earn(till, f"order-{n}", 10 + n, clock.now().date().isoformat())
        clock.advance(days=90)
    found = purse(till)
    total = found["lifetime"]
    assert total["earned"] == 75
    assert total["expired"] > 0
    assert total["earned"] == (
        found["active"] + found["pending"] + total["redeemed"] + total["expired"] + total["adjusted"] - found["debt"]
    )
