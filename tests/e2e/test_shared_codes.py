"""Referrals over HTTP, each request served by a function of its own, every step sent twice at once.

Moves the test clock by weeks, so it runs after all that needs 2017.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx
import pytest

from infra.local_cloud.demo import rfc3339
from tests.e2e.laurel import Laurel
from tests.e2e.test_program import GROCER
from tests.e2e.test_redemptions import at_once

pytestmark = pytest.mark.e2e

FRIENDS = 40
MEGABYTES, CEILING = 500, 16_000
TERMS: dict[str, Any] = {
    "qualifies": {"kind": "orders", "net_min": 2_500},
    "hold_days": 14,
    "advocate": [{"currency": "points", "points": 500}],
    "friend": [{"currency": "points", "points": 250}],
    "link": "https://shop.example/join?ref={code}",
    "abuse": {"same_device": "review"},
}
STORAGE: dict[str, Any] = {
    "qualifies": {"kind": "enrolment"},
    "hold_days": 0,
    "advocate": [{"currency": "mb", "points": MEGABYTES, "caps": ["ceiling"]}],
    "friend": [{"currency": "mb", "points": MEGABYTES}],
}
CEILINGS = [{"id": "ceiling", "currency": "mb", "scope": "member", "points": CEILING}]
BASE = {"id": "base", "kind": "purchase", "currency": "stars", "per_amount": {"points": 1, "minor_units": 10**9}}
PROGRAM: dict[str, Any] = {
    "name": "Friends",
    "time_zone": GROCER["time_zone"],
    "money_currency": "USD",
    "currencies": [{"code": "points"}, {"code": "stars"}, {"code": "mb"}],
    # What orders earn is in a currency of its own, so that points are of referrals only.
    "earning_rules": [BASE],
    "referral": TERMS,
}


@pytest.fixture(scope="module")
def shop(laurel: Laurel) -> Iterator[Laurel]:
    """The stage with a program for friends; afterwards the grocer's program is in force again."""
    laurel.put_in_force(PROGRAM)
    yield laurel
    laurel.put_in_force(GROCER)


def twice(call: partial[httpx.Response]) -> dict[str, Any]:
    """The answer to a request that is sent twice at once and once more: three times the same."""
    answers = [*at_once([call, call]), call()]
    assert len({answer.content for answer in answers}) == 1, [answer.text for answer in answers]
    assert answers[0].is_success, answers[0].text
    found: dict[str, Any] = answers[0].json()
    return found


class Pair(NamedTuple):
    """An advocate, a friend who enrolled by their code, and the friend's order of 60 dollars."""

    advocate: str
    friend: str
    order_id: str
    bought_at: datetime


def brought(shop: Laurel) -> Pair:
    advocate = shop.enrol()
    code = shop.pos.expect("GET", f"/v1/members/{advocate}/referral-code")["code"]
    enrolment = {"customer_id": shop.new_id("friend"), "referral": {"code": code.lower()}}
    joined = twice(partial(shop.pos.call, "POST", "/v1/members", enrolment))
    assert joined["referral"] == {"state": "joined", "flagged": False}
    other = shop.pos.expect("GET", f"/v1/members/{shop.enrol()}/referral-code")["code"]
    rival = shop.pos.call("POST", "/v1/members", {**enrolment, "referral": {"code": other}})
    assert rival.status_code == HTTPStatus.CONFLICT
    order = shop.order(joined["member_id"], amount=6_000)
    twice(partial(shop.pos.call, "POST", "/v1/purchases", order))
    return Pair(advocate, joined["member_id"], order["order_id"], datetime.fromisoformat(order["occurred_at"]))


def points(shop: Laurel, member: str) -> dict[str, int]:
    """A member's points beside those of orders."""
    found = [purse for purse in shop.wallet(member)["currencies"] if purse["currency"] == "points"]
    return {name: found[0][name] if found else 0 for name in ("balance", "pending", "debt")}


def give_back(shop: Laurel, pair: Pair, amount: int) -> dict[str, Any]:
    refund = {"refund_id": shop.new_id("refund"), "amount": amount, "occurred_at": rfc3339(shop.now())}
    return twice(partial(shop.pos.call, "POST", f"/v1/purchases/{pair.order_id}/refunds", refund))


def state(shop: Laurel, pair: Pair) -> str:
    found: str = shop.operator.expect("GET", f"/v1/members/{pair.friend}/referral")["state"]
    return found


NOTHING = {"balance": 0, "pending": 0, "debt": 0}


def test_a_referral_is_held_kept_or_taken_back_on_both_sides(shop: Laurel) -> None:
    below, above, late = brought(shop), brought(shop), brought(shop)
    for pair in (below, above, late):
        assert points(shop, pair.advocate) == {"balance": 0, "pending": 500, "debt": 0}
        assert points(shop, pair.friend) == {"balance": 0, "pending": 250, "debt": 0}
        assert state(shop, pair) == "held"

    shop.move_clock(above.bought_at + timedelta(days=9))
    give_back(shop, below, 4_000)
    give_back(shop, above, 3_000)
    assert (state(shop, below), state(shop, above)) == ("rejected", "held")
    assert points(shop, below.advocate) == points(shop, below.friend) == NOTHING

    shop.move_clock(above.bought_at + timedelta(days=15))
    assert (state(shop, above), state(shop, late)) == ("rewarded", "rewarded")
    assert points(shop, above.advocate)["balance"] == 500
    assert points(shop, above.friend)["balance"] == 250
    path = f"/v1/members/{late.advocate}/redemptions"
    wish = partial(shop.pos.call, "POST", path, {"reward_id": shop.reward(points=300)}, key=shop.new_id("wish"))
    twice(wish)

    shop.move_clock(above.bought_at + timedelta(days=19))
    give_back(shop, late, 4_000)
    assert points(shop, late.advocate) == {"balance": -300, "pending": 0, "debt": 300}
    assert points(shop, late.friend) == NOTHING
    assert state(shop, late) == "clawed_back"
    shop.pos.expect("POST", "/v1/purchases", shop.order(late.friend, amount=6_000))
    assert points(shop, late.friend) == NOTHING
    assert points(shop, late.advocate)["balance"] == -300


def test_a_family_on_one_device_is_looked_at_and_then_rewarded(shop: Laurel) -> None:
    device = {"device": "c1a5-the-family-tablet"}
    advocate = shop.enrol(fingerprints=device)
    code = shop.pos.expect("GET", f"/v1/members/{advocate}/referral-code")["code"]
    enrolment = {"customer_id": shop.new_id("friend"), "referral": {"code": code}, "fingerprints": device}
    joined = twice(partial(shop.pos.call, "POST", "/v1/members", enrolment))
    assert joined["referral"] == {"state": "joined", "flagged": True}
    friend = joined["member_id"]
    shop.pos.expect("POST", "/v1/purchases", shop.order(friend, amount=6_000))
    assert points(shop, advocate) == NOTHING
    waiting = shop.operator.expect("GET", "/v1/referrals/flags")["referrals"]
    assert [one["signs"] for one in waiting if one["member_id"] == friend] == [["same_device"]]
    twice(partial(shop.operator.call, "POST", f"/v1/referrals/{friend}/pass", {"reason": "they are a family"}))
    assert points(shop, advocate)["pending"] == 500
    assert friend not in [one["member_id"] for one in shop.operator.expect("GET", "/v1/referrals/flags")["referrals"]]
    twice(partial(shop.operator.call, "POST", f"/v1/referrals/{friend}/void", {"reason": "they are not"}))
    assert points(shop, advocate) == points(shop, friend) == NOTHING


def test_40_friends_who_join_at_once_give_exactly_16000_megabytes(shop: Laurel) -> None:
    shop.put_in_force({**PROGRAM, "caps": CEILINGS, "referral": STORAGE})
    advocate = shop.enrol()
    code = shop.pos.expect("GET", f"/v1/members/{advocate}/referral-code")["code"]
    bodies = [{"customer_id": shop.new_id("friend"), "referral": {"code": code}} for _ in range(FRIENDS)]
    answers = at_once([partial(shop.pos.call, "POST", "/v1/members", body) for body in bodies])
    assert {answer.status_code for answer in answers} == {HTTPStatus.CREATED}
    [mine] = [purse for purse in shop.wallet(advocate)["currencies"] if purse["currency"] == "mb"]
    assert mine["balance"] == CEILING
    told = shop.operator.expect("GET", f"/v1/members/{advocate}/referrals?limit=100")
    given = sorted(sum(one["points"] for one in friend["points"] or ()) for friend in told["friends"])
    assert given == [0] * (FRIENDS - CEILING // MEGABYTES) + [MEGABYTES] * (CEILING // MEGABYTES)
    assert told["to_earn"] == [{"currency": "mb", "next_points": MEGABYTES, "left": 0}]
    first = shop.operator.expect("GET", "/v1/referrals/advocates?limit=1")["advocates"]
    assert first[0]["member_id"] == advocate
    shop.put_in_force(PROGRAM)


def test_whoever_guesses_codes_is_told_to_wait(shop: Laurel) -> None:
    _, app = shop.sign_up(shop.new_id("guesser"))
    statuses = [app.call("GET", f"/v1/me/referral-codes/GUESS{number:05}").status_code for number in range(21)]
    assert statuses == [HTTPStatus.NOT_FOUND] * 20 + [HTTPStatus.TOO_MANY_REQUESTS]
    refused = app.call("GET", "/v1/me/referral-codes/GUESS99999")
    assert int(refused.headers["retry-after"]) > 0


def test_two_at_once_who_want_one_code_end_with_one_of_them_having_it(shop: Laurel) -> None:
    members = [shop.enrol() for _ in range(4)]
    wish = shop.new_id("THE-BEST-CODE")
    answers = at_once(
        [partial(shop.operator.call, "PUT", f"/v1/members/{member}/referral-code", {"code": wish}) for member in members]
    )
    assert sorted(answer.status_code for answer in answers) == [HTTPStatus.OK] + [HTTPStatus.CONFLICT] * 3
    codes = [shop.pos.expect("GET", f"/v1/members/{member}/referral-code")["code"] for member in members]
    assert len(set(codes)) == len(members)
