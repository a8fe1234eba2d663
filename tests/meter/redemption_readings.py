"""What spending points and taking things back cost, by the number of lots, by what is stocked, by what paid the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from tests.meter.meter import Meter
from tests.meter.report import Reading
from tests.meter.shop import POINTS_EACH, Shop

LOTS = (1, 10, 365)


def redemptions(shop: Shop, reward: str = "cents") -> Iterator[Reading]:
    """Points of one lot are taken out of a wallet of 1 to 365 lots. `shop` keeps points by day."""
    for number, lots in enumerate(LOTS, start=20 if reward == "cents" else 30):
        member = shop.enrol(number, entries=lots, days=lots)
        yield _read(shop, f"redeem out of {lots} lots", partial(shop.redeem, member, f"{reward}-{lots}", 20, reward=reward))


def large_redemptions(shop: Shop) -> Iterator[Reading]:
    """Half of all points are taken at once, out of 1 to 365 lots."""
    for number, lots in enumerate(LOTS, start=40):
        member = shop.enrol(number, entries=lots, days=lots)
        points = lots * POINTS_EACH // 2
        yield _read(shop, f"redeem half of {lots} lots", partial(shop.redeem, member, f"half-{lots}", points))


def uses(shop: Shop) -> Iterator[Reading]:
    """Vouchers are used and cancelled, with and without stock; a redemption after one that lapsed and was not booked."""
    member = shop.enrol(50, entries=10, days=10, kept=True)
    for reward in ("cents", "few"):
        issued = shop.redeem(member, f"used-{reward}", 20, reward=reward)
        yield _read(shop, f"use a voucher{_of(reward)}", partial(shop.use, issued, f"basket-{reward}"))
        again = shop.redeem(member, f"cancelled-{reward}", 20, reward=reward)
        yield _read(shop, f"cancel{_of(reward)}", partial(shop.cancel, again))
    shop.redeem(member, "lapses", 20, reward="fleeting")
    shop.clock.instant += timedelta(days=1)
    yield _read(shop, "redeem after an unbooked lapse", partial(shop.redeem, member, "after", 20))


def refunds(shop: Shop) -> Iterator[Reading]:
    """Orders are refunded: in part, as a whole, after their points were spent, paid in part with a voucher or a gift card."""
    member = shop.enrol(60, entries=10, days=10, kept=True)
    shop.buy(member, "plain")
    yield _read(shop, "refund a part", partial(shop.refund, "plain", "r-1", amount=200))
    yield _read(shop, "refund the rest", partial(shop.refund, "plain", "r-2"))
    yield _read(shop, "refund, the same again", partial(shop.refund, "plain", "r-2"))
    shop.buy(member, "paid")
    shop.use(shop.redeem(member, "pays", 20), "paid")
    yield _read(shop, "refund, paid in part with a voucher", partial(shop.refund, "paid", "r-1"))
    shop.buy(member, "mixed")
    shop.use(shop.redeem(member, "pays-too", 20), "mixed")
    shop.pay(shop.redeem(member, "card", 1, reward="card"), "mixed", 100)
    yield _read(shop, "refund, paid in part with a voucher and a gift card", partial(shop.refund, "mixed", "r-1"))
    for number in range(3):
        shop.redeem(member, f"spends-{number}", 100)
    yield _read(shop, "refund of an order 10 entries ago", partial(shop.refund, f"before-{member}-9", "r-1"))


def _of(reward: str) -> str:
    return " of a stocked reward" if reward == "few" else ""


def _read(shop: Shop, what: str, call: Callable[[], Any]) -> Reading:
    with Meter(shop.engine.client, table=shop.engine.table) as meter:
        call()
    return Reading.of(what, meter)
