"""Campaigns, activities, memberships and recognitions over HTTP, each request served by a function of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from infra.local_cloud.demo import PROGRAM, rfc3339
from tests.e2e.laurel import Laurel
from tests.e2e.test_redemptions import at_once, balance, told

pytestmark = pytest.mark.e2e

GROCER: dict[str, Any] = json.loads(PROGRAM.read_text(encoding="utf-8"))
BASE = {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}}


def campaign(id: str, points: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Double points for orders of a campaign, and its budget."""
    rule = {"id": id, "kind": "multiplier", "currency": "points", "percent": 200, "caps": [f"{id}_budget"]}
    rule["when"] = {"order_attributes": {"campaign": [id]}}
    return rule, {"id": f"{id}_budget", "currency": "points", "scope": "program", "points": points}


SPRING, SPRING_BUDGET = campaign("spring", 120)
AUTUMN, AUTUMN_BUDGET = campaign("autumn", 300)
DOCUMENT: dict[str, Any] = {
    "name": "The whole of it",
    "time_zone": GROCER["time_zone"],
    "money_currency": "USD",
    "currencies": [{"code": "points", "expiry": {"after": 365, "rounded_to": "day"}}],
    "caps": [SPRING_BUDGET, AUTUMN_BUDGET],
    "earning_rules": [
        BASE,
        SPRING,
        AUTUMN,
        {
            "id": "review",
            "kind": "activity",
            "currency": "points",
            "activity": "review",
            "points": 20,
            "limits": [{"per": "month", "count": 2}],
        },
    ],
    "tiers": {
        "metric": "points",
        "currency": "points",
        "period": {"kind": "anniversary"},
        "levels": [
            {"id": "silver", "name": "Silver", "threshold": 0},
            {
                "id": "gold",
                "name": "Gold",
                "threshold": 1000,
                "benefits": {"multipliers": [{"currency": "points", "percent": 150}]},
            },
        ],
    },
    "memberships": [
        {
            "id": "prime",
            "name": "Prime",
            "price": 13_900,
            "term": {"months": 12},
            "trial_days": 30,
            "benefits": {"multipliers": [{"currency": "points", "percent": 300}]},
        }
    ],
    "recognitions": [
        {
            "id": "kudos",
            "currency": "points",
            "allowance": {"points": 500, "per": "month"},
            "points_max": 100,
            "givers": {"segments": ["employee"]},
            "takers": {"segments": ["employee"]},
        }
    ],
}


@pytest.fixture(scope="module")
def shop(laurel: Laurel) -> Iterator[Laurel]:
    """The stage with the program; afterwards the grocer's is in force again."""
    laurel.put_in_force(DOCUMENT)
    yield laurel
    laurel.put_in_force(GROCER)


def why(entry: dict[str, Any]) -> dict[str, int]:
    """The points that each rule gave; they add up."""
    found: dict[str, int] = {}
    for earned in entry["earned"]:
        found |= {share["rule"]: share["points"] for share in earned["why"]}
        assert earned["points"] == sum(share["points"] for share in earned["why"])
    return found


def answered(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_two_gold_orders_at_once_share_exactly_what_is_left_of_a_budget(shop: Laurel) -> None:
    golds = [shop.enrol() for _ in range(3)]
    for member in golds:
        shop.pos.expect("POST", "/v1/purchases", shop.order(member, amount=100_000))
    shop.move_clock(shop.now() + timedelta(seconds=1))
    orders = [shop.order(member, amount=20_000) | {"attributes": {"campaign": "spring"}} for member in golds]
    send = [partial(shop.pos.call, "POST", "/v1/purchases", order) for order in orders]
    answers = at_once(send[:2])
    given = sorted((why(answered(answer)) for answer in answers), key=lambda shares: shares["spring"])
    assert [(shares["base"], shares["tier:gold"]) for shares in given] == [(200, 100)] * 2
    assert sum(shares["spring"] for shares in given) == 120
    assert [answer.content for answer in at_once(send[:2])] == [answer.content for answer in answers]
    for order, answer in zip(orders, answers, strict=False):
        entry = shop.operator.expect("GET", f"/v1/entries/purchase:{order['order_id']}")
        assert why(entry) == why(answer.json())

    # What a refund gives back is there for later orders, and for them alone.
    full = next(order for order, answer in zip(orders, answers, strict=False) if why(answer.json())["spring"])
    share = next(why(answer.json())["spring"] for answer in answers if why(answer.json())["spring"])
    refund = partial(
        shop.pos.call,
        "POST",
        f"/v1/purchases/{full['order_id']}/refunds",
        {"refund_id": "all", "occurred_at": full["occurred_at"]},
    )
    refunded = [answered(refund())["clawed_back"][0]["points"] for _ in range(2)]
    assert refunded == [300 + share] * 2
    assert [answer.content for answer in at_once(send[:2])] == [answer.content for answer in answers]
    assert why(answered(send[2]()))["spring"] == share


def test_many_members_at_once_draw_a_budget_to_the_point(shop: Laurel) -> None:
    members = [shop.enrol() for _ in range(12)]
    orders = [shop.order(member, amount=5000) | {"attributes": {"campaign": "autumn"}} for member in members]
    answers = at_once([partial(shop.pos.call, "POST", "/v1/purchases", order) for order in orders])
    assert sorted(why(answered(answer))["autumn"] for answer in answers) == [0] * 6 + [50] * 6
    assert sum(balance(shop, member) for member in members) == 12 * 50 + 300


def test_an_activity_is_rewarded_once_within_its_limit_and_can_be_voided(shop: Laurel) -> None:
    member = shop.enrol()
    proof = shop.new_id("review")

    def report(id: str) -> dict[str, Any]:
        return {"activity": "review", "activity_id": id, "member_id": member, "occurred_at": rfc3339(shop.now())}

    same = at_once([partial(shop.pos.call, "POST", "/v1/activities", report(proof))] * 6)
    assert (told(same), len({answer.content for answer in same})) == ({"ok": 6}, 1)
    others = [partial(shop.pos.call, "POST", "/v1/activities", report(shop.new_id("review"))) for _ in range(5)]
    assert told(at_once(others)) == {"ok": 1, "limit-reached": 4}
    assert balance(shop, member) == 40
    void = partial(shop.operator.call, "POST", f"/v1/activities/review/{proof}/void", {"reason": "copied"})
    assert len({answer.content for answer in at_once([void] * 3)}) == 1
    assert balance(shop, member) == 20
    assert shop.pos.call("POST", "/v1/activities", report(proof)).content == same[0].content
    assert balance(shop, member) == 20


def test_a_billing_event_starts_a_membership_and_the_next_order_has_its_points(shop: Laurel) -> None:
    member = shop.enrol()
    event = {"event_id": shop.new_id("bill"), "member_id": member, "plan": "prime", "occurred_at": rfc3339(shop.now())}
    trial = [partial(shop.pos.call, "POST", "/v1/memberships/events", {**event, "kind": "trial_started"})] * 4
    answers = at_once(trial)
    assert (told(answers), len({answer.content for answer in answers})) == ({"ok": 4}, 1)
    again = shop.operator.call(
        "POST", "/v1/memberships/events", {**event, "event_id": shop.new_id("bill"), "kind": "trial_started"}
    )
    assert told([again]) == {"trial-used": 1}
    shown = shop.pos.expect("GET", f"/v1/members/{member}/tier")
    assert [(plan["plan"], plan["until"]) for plan in shown["memberships"]] == [("prime", answers[0].json()["ends_at"])]
    entry = shop.pos.expect("POST", "/v1/purchases", shop.order(member, amount=1000))
    assert why(entry) == {"base": 10, "membership:prime": 20}


def test_an_employee_gives_no_more_than_the_months_allowance_however_many_gifts_at_once(shop: Laurel) -> None:
    giver, app = shop.sign_up("kudos-giver")
    taker, takers_app = shop.sign_up("kudos-taker")
    gift = {"recognition": "kudos", "to": taker, "points": 100, "message": "for staying late"}
    refused = app.call("POST", "/v1/me/recognitions", gift, key=shop.new_id("kudos"))
    assert told([refused]) == {"recognition-not-offered": 1}
    for member in (giver, taker):
        shop.pos.expect("PATCH", f"/v1/members/{member}", {"attributes": {"employee": True}})
    calls = [partial(app.call, "POST", "/v1/me/recognitions", gift, key=shop.new_id("kudos")) for _ in range(8)]
    answers = at_once(calls)
    assert told(answers) == {"ok": 5, "limit-reached": 3}
    assert [answer.content for answer in at_once(calls)] == [answer.content for answer in answers]
    assert balance(shop, taker) == 500
    assert app.expect("GET", "/v1/me/recognitions")["allowances"][0]["left"] == 0
    newest = takers_app.expect("GET", "/v1/me/entries")["entries"][0]["entry_id"]
    entry = takers_app.expect("GET", f"/v1/me/entries/{newest}")
    assert (why(entry), entry["about"]["counterpart"], entry["about"]["message"]) == (
        {"recognition:kudos": 100},
        giver,
        "for staying late",
    )


def test_a_program_is_changed_only_on_top_of_the_version_that_was_read(laurel: Laurel) -> None:
    read = laurel.operator.call("GET", "/v1/program")
    stale = laurel.operator.http.put("v1/program", json={"program": GROCER}, headers={"if-match": '"999"'})
    assert (read.headers["etag"], stale.status_code) == (f'"{read.json()["versions"][0]["version"]}"', 412)
    assert stale.json()["etag"] == read.headers["etag"]
    assert laurel.operator.call("GET", "/v1/program").headers["etag"] == read.headers["etag"]
