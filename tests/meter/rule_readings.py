"""What rules cost: tiers by the days of credit that a wallet keeps, caps, budgets, activities, memberships, recognitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from shared.domain.entry import MemberId
from tests.meter.meter import Meter
from tests.meter.report import Reading
from tests.meter.shop import Shop

CREDIT_DAYS = (1, 10, 100, 365)
_OPERATOR = "laurel/operator"
RULES: dict[str, Any] = {
    "caps": [
        {"id": "monthly", "currency": "points", "scope": "member", "per": "month", "points": 10**9},
        {"id": "budget", "currency": "points", "scope": "program", "points": 10**9},
    ],
    "earning_rules": [
        {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}},
        {"id": "kiosk", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["monthly"]}
        | {"when": {"channels": ["kiosk"]}},
        {"id": "app", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["budget"]}
        | {"when": {"channels": ["app"]}},
        {"id": "review", "kind": "activity", "activity": "review", "currency": "points", "points": 20}
        | {"limits": [{"per": "month", "count": 5}]},
    ],
    "tiers": {
        "metric": "spend",
        "period": {"kind": "rolling", "days": 365},
        "levels": [
            {"id": "silver", "name": "Silver", "threshold": 0},
            {
                "id": "gold",
                "name": "Gold",
                "threshold": 10_000,
                "benefits": {"multipliers": [{"currency": "points", "percent": 150}]},
            },
        ],
    },
    "memberships": [{"id": "prime", "name": "Prime", "price": 9900, "term": {"months": 12}}],
    "recognitions": [{"id": "kudos", "currency": "points", "allowance": {"points": 500, "per": "month"}, "points_max": 100}],
}
"""Parts of a program: orders from a kiosk use a cap of the member's, those from the app a budget of all."""


def tiers(shop: Shop) -> Iterator[Reading]:
    """The same order for members with 1 to 365 days of credit. `shop` has RULES."""
    for number, days in enumerate(CREDIT_DAYS, start=10):
        member = shop.enrol(number, entries=days, days=days)
        yield _read(shop, f"earn, {days} days of credit", partial(shop.buy, member, f"tiered-{days}"))


def counted(shop: Shop) -> Iterator[Reading]:
    """Everything else that rules count, each for a member with 10 days of credit."""
    member, other = (shop.enrol(number, entries=10, days=10, kept=True) for number in (20, 21))
    shop.buy(other, "opens-the-budget", channel="app")
    yield _read(shop, "earn under a member's cap", partial(shop.buy, member, "capped", channel="kiosk"))
    yield _read(shop, "earn under a budget", partial(shop.buy, member, "budgeted", channel="app"))
    yield _read(shop, "earn, late or within minutes of the last", partial(shop.buy, member, "late", minutes_ago=12))
    yield _read(shop, "refund of what a budget paid", partial(shop.refund, "budgeted", "r-1"))
    now = (shop.clock.now() + timedelta(minutes=10)).isoformat()
    review = {"activity": "review", "activity_id": "r-1", "member_id": member, "occurred_at": now}
    yield _read(shop, "activity", partial(shop.post, "/v1/activities", review))
    yield _read(shop, "activity, the same again", partial(shop.post, "/v1/activities", review))
    yield _read(shop, "void", partial(shop.post, "/v1/activities/review/r-1/void", {"reason": "spam"}))
    bill = {"event_id": "b-1", "member_id": member, "plan": "prime", "kind": "started", "occurred_at": now}
    yield _read(shop, "billing event", partial(shop.post, "/v1/memberships/events", bill))
    kudos = {"recognition": "kudos", "to": other, "points": 50}
    path = f"/v1/members/{member}/recognitions"
    yield _read(shop, "recognition", partial(shop.post, path, kudos, key="kudos-1", scope=_OPERATOR))
    yield _read(shop, "review, nothing changed", partial(_review, shop, member))
    shop.clock.instant += timedelta(days=400)
    yield _read(shop, "review that tells a lower tier", partial(_review, shop, member))


def _review(shop: Shop, member: MemberId) -> None:
    shop.post(f"/v1/members/{member}/tier/reviews", None, status=200, scope=_OPERATOR)


def _read(shop: Shop, what: str, call: Callable[[], Any]) -> Reading:
    # Tills' clocks differ by up to five minutes: what is closer together needs a look at what occurred first.
    shop.clock.instant += timedelta(minutes=10)
    with Meter(shop.engine.client, table=shop.engine.table) as meter:
        call()
    return Reading.of(what, meter)
