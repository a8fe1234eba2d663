"""What each operation asks of DynamoDB: the real handlers on a warm path, counted by tests/meter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

from benchmarks.referring import TERMS, referring
from shared.domain.entry import MemberId
from tests.functional.api import OPERATOR, POS, Caller, Reply
from tests.meter.meter import Meter
from tests.meter.rule_readings import RULES
from tests.retail.regulars import enrol_regular
from tests.retail.shop import DAWN, StoredShop, grocer_program, open_stored_shop

NOW = datetime(2018, 6, 30, 16, tzinfo=UTC)
LINES = (1, 10, 100, 500)
ENROLMENT = {
    "customer_id": "ada",
    "email": "ada@example.com",
    "phone": "+12015550123",
    "birth_date": "1990-02-28",
    "login": {"issuer": "https://login.example.com", "subject": "ada"},
}

FIVE_OFF = {"kind": "discount", "amount": 500}
REWARDS: dict[str, dict[str, Any]] = {
    "five_off": {"benefit": FIVE_OFF},
    "few": {"benefit": FIVE_OFF, "stock_limited": True},
    "fleeting": {"benefit": FIVE_OFF, "lapse_days": 1},
    "dear": {"benefit": FIVE_OFF, "price": {"points": 10**9}},
    "card": {"benefit": {"kind": "gift_card", "amount": 1_000}},
    "zoo": {"benefit": {"kind": "donation", "charity": "zoo", "charity_name": "Zoo", "points": 1, "minor_units": 1}},
}
"""What points buy, for 120 where nothing else is said."""

Operation = Callable[[], Reply]
till, operator = Caller(POS), Caller(OPERATOR)


@dataclass(frozen=True, slots=True)
class Cost:
    """An operation's round trips, its documented units, and the bytes of the largest item it wrote (0 for none)."""

    operation: str
    round_trips: int
    write_units: int
    index_units: int
    read_units: Any
    largest_item: int


def order(member: MemberId, order_id: str, lines: int = 10) -> dict[str, Any]:
    """A grocer's order; the published baskets have 9 lines on average."""
    return {
        "order_id": order_id,
        "member_id": member,
        "currency": "USD",
        "occurred_at": "2018-06-30T16:00:00Z",
        "channel": "store",
        "store": "406",
        "lines": [
            {"sku": f"{900_000 + line}", "category": "BAKED BREAD", "quantity": 1, "amount": 315} for line in range(lines)
        ],
    }


def measure_operations(done: Callable[[], None]) -> list[Cost]:
    """Measure every operation once; `done` is called after each."""
    costs = []
    with open_stored_shop(grocer_program(12, "month")) as shop:
        few, some, many = (_regular(shop, orders) for orders in (9, 999, 9_999))
        # Each is asked for only when the one before is done: some need what was done before.
        for name, call in chain(_earns(few, many), _reads(few, some), _spending(shop, some), _undoing(some), _enrolments(few)):
            costs.append(_measured(shop, name, call))
            done()
    with open_stored_shop(grocer_program(365, "day")) as shop:
        member = _regular(shop, 999)
        _offer()
        for name, call in [
            ("earn, 365 days of points, by day", lambda: _send(order(member, "by-day"))),
            ("redeem, 365 days of points, by day", lambda: _redeem(member, "five_off", "by-day")),
        ]:
            costs.append(_measured(shop, name, call))
            done()
    with open_stored_shop({**grocer_program(12, "month"), **RULES}) as shop:
        for name, call in _rules(shop):
            costs.append(_measured(shop, name, call))
            # Tills' clocks differ by up to five minutes: what is closer together needs a look at what occurred first.
            shop.clock.advance(minutes=10)
            done()
    with open_stored_shop({**grocer_program(12, "month"), "referral": TERMS}) as shop:
        shop.clock.instant = NOW
        for name, call in referring(shop, order):
            costs.append(_measured(shop, name, call))
            done()
    return costs


COUNT = 63
"""How many operations `measure_operations` measures."""


def _regular(shop: StoredShop, orders: int) -> MemberId:
    """A member who has sent that many orders within a year; the key that signs cursors has been read."""
    shop.clock.instant = DAWN
    member = enrol_regular(shop, f"regular-{orders}", orders, now=NOW)
    till.get(f"/v1/members/{member}/entries", limit=1)
    return member


def _earns(few: MemberId, many: MemberId) -> list[tuple[str, Operation]]:
    return [
        ("earn, 10 lines, 10th entry", lambda: _send(order(few, "tenth"))),
        ("earn, 10 lines, 10,000th entry", lambda: _send(order(many, "ten-thousandth"))),
        *((f"earn, {lines} line{'s' * (lines > 1)}", partial(_send, order(few, f"lines-{lines}", lines))) for lines in LINES),
        ("earn, the same order again", lambda: _send(order(few, "tenth"))),
        ("batch of 25 orders", lambda: till.post("/v1/purchases/batch", _batch(few))),
        ("quote", lambda: till.post("/v1/purchases/quote", order(few, "quoted"))),
    ]


def _reads(few: MemberId, some: MemberId) -> list[tuple[str, Operation]]:
    yesterday = "2018-06-29"
    return [
        ("purchase read", lambda: till.get("/v1/purchases/tenth")),
        ("wallet read", lambda: till.get(f"/v1/members/{some}/wallet")),
        ("wallet as of a day, 39 entries", lambda: till.get(f"/v1/members/{few}/wallet", as_of=yesterday)),
        ("wallet as of a day, 999 entries", lambda: till.get(f"/v1/members/{some}/wallet", as_of=yesterday)),
        ("history page of 25 entries", lambda: till.get(f"/v1/members/{some}/entries", limit=25)),
        ("member found by customer id", lambda: till.get("/v1/members", customer_id="regular-9")),
    ]


def _offer() -> None:
    """Put the rewards into the catalog."""
    for reward, more in REWARDS.items():
        answer = operator.put(f"/v1/rewards/{reward}", {"name": reward, "currency": "points", "price": {"points": 120}, **more})
        assert answer.status == 200, answer.text
    assert operator.put("/v1/rewards/few/stock", {"total": 100}).status == 200


def _spending(shop: StoredShop, member: MemberId) -> Iterator[tuple[str, Operation]]:
    _offer()
    yield "quote of a redemption", lambda: till.post(f"/v1/members/{member}/redemptions/quote", {"reward_id": "five_off"})
    yield "redeem", lambda: _redeem(member, "five_off", "first")
    yield "redeem, the same again", lambda: _redeem(member, "five_off", "first")
    yield "redeem, too few points", lambda: _redeem(member, "dear", "short")
    yield "redeem a reward with a stock", lambda: _redeem(member, "few", "stocked")
    yield "redeem a gift card", lambda: _redeem(member, "card", "card")
    yield "donate", lambda: _redeem(member, "zoo", "zoo")
    first, stocked = _redeem(member, "five_off", "first").json, _redeem(member, "few", "stocked").json
    yield "voucher validated", lambda: till.post("/v1/vouchers/validate", {"code": first["code"], "member_id": member})
    yield "voucher used", lambda: _use(first, "basket")
    yield "voucher of a reward with a stock used", lambda: _use(stocked, "basket")
    third = _redeem(member, "five_off", "third").json
    yield "redemption cancelled", lambda: till.post(f"/v1/redemptions/{third['redemption_id']}/cancel", {})
    _redeem(member, "fleeting", "fleeting")
    shop.clock.advance(days=1)
    yield "redeem after an unbooked lapse", lambda: _redeem(member, "five_off", "after")


def _undoing(member: MemberId) -> Iterator[tuple[str, Operation]]:
    for name in ("plain", "paid", "mixed"):
        assert _send(order(member, name)).status == 201
    yield "refund of a part", lambda: _refund("plain", "r-1", amount=500)
    yield "refund of the rest", lambda: _refund("plain", "r-2")
    yield "refund, the same again", lambda: _refund("plain", "r-2")
    assert _use(_redeem(member, "five_off", "pays").json, "paid").status == 200
    yield "refund, a voucher paid a part", lambda: _refund("paid", "r-1")
    assert _use(_redeem(member, "five_off", "pays-too").json, "mixed").status == 200
    code = _redeem(member, "card", "card").json["code"]
    spent = till.post("/v1/gift-cards/spend", {"code": code, "order_id": "mixed", "amount": 500, "currency": "USD"})
    assert spent.status == 201, spent.text
    yield "refund, a voucher and a gift card paid parts", lambda: _refund("mixed", "r-1")


def _rules(shop: StoredShop) -> Iterator[tuple[str, Operation]]:
    """Orders from the app draw on a budget of all members, those from a kiosk on a cap of the member's: see RULES."""
    for days in (10, 100, 365):
        member = _regular(shop, days)
        yield f"earn with tiers, {days} days of credit", partial(_buy, shop, member, f"tiered-{days}")
    member, other = _regular(shop, 11), _regular(shop, 12)
    yield "earn under a member's cap", partial(_buy, shop, member, "capped", "kiosk")
    yield "earn under a budget, its first", partial(_buy, shop, member, "first", "app")
    yield "earn under a budget", partial(_buy, shop, member, "budgeted", "app")
    yield "earn within minutes of another", partial(_buy, shop, member, "soon", minutes_ago=10)
    yield "refund of what a budget paid", lambda: _refund("budgeted", "r-1")
    review = {"activity": "review", "activity_id": "r-1", "member_id": member, "occurred_at": _now(shop)}
    yield "activity", lambda: till.post("/v1/activities", review)
    yield "activity, the same again", lambda: till.post("/v1/activities", review)
    yield "activity voided", lambda: till.post("/v1/activities/review/r-1/void", {"reason": "spam"})
    bill = {"event_id": "b-1", "member_id": member, "plan": "prime", "kind": "started", "occurred_at": _now(shop)}
    yield "billing event", lambda: till.post("/v1/memberships/events", bill)
    kudos = {"recognition": "kudos", "to": other, "points": 50}
    yield "recognition", lambda: operator.post(f"/v1/members/{member}/recognitions", kudos, key="kudos-1")
    yield "tier read", lambda: till.get(f"/v1/members/{member}/tier")
    yield "review, nothing changed", lambda: operator.post(f"/v1/members/{member}/tier/reviews")
    shop.clock.advance(days=400)
    yield "review that tells a lower tier", lambda: operator.post(f"/v1/members/{member}/tier/reviews")


def _buy(shop: StoredShop, member: MemberId, order_id: str, channel: str = "store", minutes_ago: int = 0) -> Reply:
    occurred_at = shop.clock.instant - timedelta(minutes=minutes_ago)
    return _send({**order(member, order_id), "channel": channel, "occurred_at": occurred_at.isoformat()})


def _now(shop: StoredShop) -> str:
    return shop.clock.instant.isoformat()


def _redeem(member: MemberId, reward: str, key: str) -> Reply:
    return till.post(f"/v1/members/{member}/redemptions", {"reward_id": reward}, key=key)


def _use(issued: dict[str, Any], order_id: str) -> Reply:
    body = {"code": issued["code"], "member_id": issued["member_id"], "order_id": order_id}
    return till.post("/v1/vouchers/redeem", body)


def _refund(order_id: str, refund_id: str, **more: Any) -> Reply:
    body = {"refund_id": refund_id, "occurred_at": "2018-06-30T16:00:00Z", **more}
    return till.post(f"/v1/purchases/{order_id}/refunds", body)


def _enrolments(few: MemberId) -> Iterator[tuple[str, Operation]]:
    yield "enrol, customer id only", lambda: till.post("/v1/members", {"customer_id": "new"})
    # The first fingerprint of a stage makes the key for all: once, and not what an enrolment costs.
    till.post("/v1/members", {"customer_id": "the-first", "email": "the-first@example.com"})
    yield "enrol, e-mail, phone and login", lambda: till.post("/v1/members", ENROLMENT)
    yield "close a member", lambda: operator.post(f"/v1/members/{few}/close")


def _send(body: dict[str, Any]) -> Reply:
    return till.post("/v1/purchases", body)


def _batch(member: MemberId) -> dict[str, Any]:
    return {"purchases": [order(member, f"batch-{number}") for number in range(25)]}


def _measured(shop: StoredShop, name: str, call: Operation) -> Cost:
    with Meter(shop.store.client, table=shop.store.table) as meter:
        reply = call()
    if reply.status not in (200, 201) and reply.problem != "points-short":
        raise AssertionError(f"{name} was answered {reply.status} {reply.text}: put the benchmark right")
    return Cost(name, meter.round_trips, meter.write_units, meter.index_write_units, meter.read_units, meter.largest_item)
