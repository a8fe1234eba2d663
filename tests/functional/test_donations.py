"""Donations through the handlers: totals of a charity, a member's yearly statement."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import Caller, Reply
from tests.functional.conftest import Stage

RESCUE = {"kind": "donation", "charity": "sea_rescue", "charity_name": "Sea Rescue", "points": 100, "minor_units": 50}
FOREST = {"kind": "donation", "charity": "forest", "charity_name": "The Forest", "points": 10, "minor_units": 3}
CHOSEN = {"points_min": 10, "points_max": 1000, "points_step": 5}


@pytest.fixture(autouse=True)
def rewards(till: Caller, operator: Caller) -> None:
    """Two charities that take what members choose to give, one that takes 200; Ada and Bob have 5,000 each."""
    documents = {
        "rescue": {"name": "Rescue", "benefit": RESCUE, "price": {**CHOSEN, "points_min": 100}},
        "forest": {"name": "Trees", "benefit": FOREST, "price": CHOSEN},
        "card": {"name": "Card", "benefit": {"kind": "gift_card", "amount": 500}, "price": {"points": 50}},
        "mug": {"name": "Mug", "benefit": {"kind": "free_product", "sku": "mug"}, "price": {"points": 50}},
    }
    for id, document in documents.items():
        assert operator.put(f"/v1/rewards/{id}", {**document, "currency": "points"}).status == 200
    for member in (ADA, BOB):
        assert till.post("/v1/purchases", order(f"order-{member}", 500_000, member_id=member)).status == 201


def give(till: Caller, reward: str, points: int | None, key: str, member: str = ADA) -> Reply:
    """Give a member's points to a charity."""
    body = {"reward_id": reward, **({"points": points} if points else {})}
    reply = till.post(f"/v1/members/{member}/redemptions", body, key=key)
    assert reply.status == 201, reply.text
    return reply


def told(month: str, points: int, value: int, gifts: int, money: str = "USD") -> dict[str, Any]:
    """A month of a charity's totals."""
    return {"month": month, "points": points, "value": value, "money_currency": money, "gifts": gifts}


def test_a_charity_is_told_what_it_was_given_month_by_month(till: Caller, operator: Caller, clock: FakeClock) -> None:
    give(till, "rescue", 250, "a")
    give(till, "rescue", 105, "b", BOB)
    give(till, "forest", 10, "c")
    clock.advance(days=31)
    give(till, "rescue", 100, "d")
    found = operator.get("/v1/donations", charity="sea_rescue").json
    assert found["months"] == [told("2026-03", 355, 177, 2), told("2026-04", 100, 50, 1)]
    assert found["totals"] == [{"points": 455, "value": 227, "money_currency": "USD", "gifts": 3}]
    assert till.get("/v1/donations", charity="forest").json["months"] == [told("2026-03", 10, 3, 1)]


def test_a_period_is_whole_months_with_both_ends(till: Caller, clock: FakeClock) -> None:
    for number in range(4):
        give(till, "rescue", 100, f"gift-{number}")
        clock.advance(days=31)

    def months(**period: str) -> list[str]:
        return [row["month"] for row in till.get("/v1/donations", charity="sea_rescue", **period).json["months"]]

    assert months() == ["2026-03", "2026-04", "2026-05", "2026-06"]
    assert months(**{"from": "2026-04", "until": "2026-05"}) == ["2026-04", "2026-05"]
    assert months(**{"from": "2026-05"}) == ["2026-05", "2026-06"]
    assert months(until="2026-03") == ["2026-03"]
    assert months(**{"from": "2027-01"}) == []


def test_the_same_gift_sent_again_counts_once(till: Caller) -> None:
    assert [give(till, "rescue", 250, "a").text for _ in range(3)] == [give(till, "rescue", 250, "a").text] * 3
    assert till.get("/v1/donations", charity="sea_rescue").json["months"] == [told("2026-03", 250, 125, 1)]


def test_a_month_begins_where_the_programs_zone_says(till: Caller, clock: FakeClock) -> None:
    # 2026-04-01 03:59 in UTC is still March in New York.
    clock.advance(days=29, hours=10, minutes=59)
    give(till, "rescue", 100, "a")
    clock.advance(minutes=1)
    give(till, "rescue", 100, "b")
    months = till.get("/v1/donations", charity="sea_rescue").json["months"]
    assert [row["month"] for row in months] == ["2026-03", "2026-04"]


def test_a_program_that_changes_its_money_keeps_the_totals_apart(stage: Stage, till: Caller, clock: FakeClock) -> None:
    give(till, "rescue", 100, "a")
    stage.activate(grocer.version(2, clock.now(), money_currency="EUR"))
    give(till, "rescue", 200, "b")
    found = till.get("/v1/donations", charity="sea_rescue").json
    assert found["months"] == [told("2026-03", 200, 100, 1, "EUR"), told("2026-03", 100, 50, 1)]
    assert [total["money_currency"] for total in found["totals"]] == ["EUR", "USD"]


def test_a_charity_that_nobody_gave_to_was_given_nothing(till: Caller) -> None:
    assert till.get("/v1/donations", charity="nobody").json == {"charity": "nobody", "months": [], "totals": []}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({}, "query.charity"),
        ({"charity": "Sea Rescue"}, "query.charity"),
        ({"charity": "forest", "from": "2026-13"}, "query.from"),
        ({"charity": "forest", "until": "2026-6"}, "query.until"),
        ({"charity": "forest", "from": "2026-05", "until": "2026-04"}, "query.until"),
        ({"charity": "forest", "month": "2026-05"}, "query.month"),
    ],
)
def test_a_wrong_period_is_refused(till: Caller, query: dict[str, str], path: str) -> None:
    refused = till.get("/v1/donations", **query)
    assert (refused.status, refused.paths) == (422, [path])


def test_a_statement_lists_a_members_gifts_of_the_year_and_sums_them(till: Caller, ada: Caller, clock: FakeClock) -> None:
    first = give(till, "rescue", 250, "a").json["redemption_id"]
    give(till, "card", None, "b")
    give(till, "mug", None, "c")
    give(till, "rescue", 500, "d", BOB)
    clock.advance(days=1)
    give(till, "forest", 15, "e")
    give(till, "rescue", 105, "f")
    found = ada.get("/v1/me/donations", year="2026").json
    assert found == till.get(f"/v1/members/{ADA}/donations").json
    assert found["donations"][0] == {
        "entry_id": first,
        "day": "2026-03-02",
        "charity": "sea_rescue",
        "charity_name": "Sea Rescue",
        "currency": "points",
        "points": 250,
        "value": 125,
        "money_currency": "USD",
    }
    assert [(row["day"], row["points"], row["value"]) for row in found["donations"]] == [
        ("2026-03-02", 250, 125),
        ("2026-03-03", 15, 4),
        ("2026-03-03", 105, 52),
    ]
    assert [(row["charity_name"], row["points"], row["value"], row["gifts"]) for row in found["charities"]] == [
        ("The Forest", 15, 4, 1),
        ("Sea Rescue", 355, 177, 2),
    ]
    assert found["totals"] == [{"points": 370, "value": 181, "money_currency": "USD", "gifts": 3}]


def test_a_statement_is_of_one_year_of_the_programs_zone(till: Caller, ada: Caller, clock: FakeClock) -> None:
    # 2027-01-01 04:59 in UTC is still 2026 in New York.
    clock.advance(days=304, hours=11, minutes=59)
    assert clock.now().isoformat() == "2027-01-01T04:59:00+00:00"
    give(till, "rescue", 100, "a")
    clock.advance(minutes=1)
    give(till, "rescue", 200, "b")
    years = {year: ada.get("/v1/me/donations", year=year).json["donations"] for year in ("2025", "2026", "2027", "2028")}
    assert {year: [row["points"] for row in rows] for year, rows in years.items()} == {
        "2025": [],
        "2026": [100],
        "2027": [200],
        "2028": [],
    }
    assert ada.get("/v1/me/donations").json["year"] == 2027


def test_a_statement_reads_across_a_merge(till: Caller, operator: Caller, ada: Caller, clock: FakeClock) -> None:
    give(till, "rescue", 100, "a", BOB)
    give(till, "rescue", 200, "b")
    clock.advance(days=1)
    assert operator.post(f"/v1/members/{BOB}/merge", {"into": ADA, "reason": "one person"}).status == 200
    give(till, "rescue", 300, "c")
    assert [row["points"] for row in ada.get("/v1/me/donations").json["donations"]] == [100, 200, 300]


def test_a_statement_of_many_gifts_is_whole(till: Caller, ada: Caller) -> None:
    for number in range(95):
        give(till, "forest", 10, f"gift-{number}")
    found = ada.get("/v1/me/donations").json
    assert len(found["donations"]) == 95
    assert found["totals"] == [{"points": 950, "value": 285, "money_currency": "USD", "gifts": 95}]


@pytest.mark.parametrize("year", ["26", "2026-01", "twenty", "\uff12\uff10\uff12\uff16"])
def test_what_is_no_year_is_refused(ada: Caller, year: str) -> None:
    refused = ada.get("/v1/me/donations", year=year)
    assert (refused.status, refused.paths) == (422, ["query.year"])
