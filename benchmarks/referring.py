"""What referrals ask of DynamoDB: operations of a friend and of whoever brought them, for `benchmarks.operations`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.functional.api import OPERATOR, POS, Caller, Reply
from tests.retail.shop import StoredShop

FRIENDS = 100
"""Friends whom the member brought before anything is measured."""
TERMS: dict[str, Any] = {
    "qualifies": {"kind": "orders", "net_min": 2500},
    "hold_days": 14,
    "advocate": [{"currency": "points", "points": 500}],
    "friend": [{"currency": "points", "points": 250}],
}
Operation = Callable[[], Reply]
till, operator = Caller(POS), Caller(OPERATOR)


def referring(shop: StoredShop, order: Callable[..., dict[str, Any]]) -> Iterator[tuple[str, Operation]]:
    """Operations in an order in which each finds what it needs; `order` makes a body of 31.50 by member and order id."""
    advocate = _enrolled(till.post("/v1/members", {"customer_id": "advocate"}))
    code = till.get(f"/v1/members/{advocate}/referral-code").json["code"]

    def join(name: str, **more: Any) -> Reply:
        body = {"customer_id": name, "email": f"{name}@example.com", **more}
        return till.post("/v1/members", {**body, "referral": {"code": code}})

    def buy(friend: str, order_id: str, lines: int = 10) -> Reply:
        return till.post("/v1/purchases", order(friend, order_id, lines))

    for number in range(FRIENDS):
        friend = _enrolled(join(f"f-{number}"))
        assert buy(friend, f"f-{number}").status == 201
    # The key that signs cursors has been read.
    till.get(f"/v1/members/{advocate}/referrals", limit=1)
    other = _enrolled(till.post("/v1/members", {"customer_id": "other"}))
    yield "referral code, its first read", lambda: till.get(f"/v1/members/{other}/referral-code")
    yield "referral code read", lambda: till.get(f"/v1/members/{advocate}/referral-code")
    known = {"phone": "+12015550123", "fingerprints": {"device": "d" * 32, "payment": "p" * 32}}
    yield "enrol by a referral code", lambda: join("friend", **known)
    friend = _enrolled(join("friend", **known))
    yield "earn, a friend's order below the minimum", lambda: buy(friend, "small", 1)
    yield "earn, a friend's order that counts", lambda: buy(friend, "large")
    yield "earn, a friend's order after it", lambda: buy(friend, "after")
    yield "refund that takes both awards back", lambda: _refund(shop, "large")
    second = _enrolled(join("second"))
    assert buy(second, "seconds").status == 201
    yield "referral voided", lambda: operator.post(f"/v1/referrals/{second}/void", {"reason": "farming"})
    yield "friends of a member, a page of 25", lambda: till.get(f"/v1/members/{advocate}/referrals", limit=25)
    yield "funnel of a month", lambda: operator.get("/v1/referrals/funnel", **{"from": "2018-06-01", "to": "2018-06-30"})


def _enrolled(reply: Reply) -> str:
    if reply.status not in (200, 201):
        raise AssertionError(f"an enrolment was answered {reply.status} {reply.text}: put the benchmark right")
    return str(reply.json["member_id"])


def _refund(shop: StoredShop, order_id: str) -> Reply:
    body = {"refund_id": "r-1", "occurred_at": shop.clock.instant.isoformat()}
    return till.post(f"/v1/purchases/{order_id}/refunds", body)
