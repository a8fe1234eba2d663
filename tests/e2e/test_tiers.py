"""A tier's year, its grace and its review over HTTP. Moves the test clock by years, so it runs after all that needs 2017."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from infra.local_cloud.demo import rfc3339
from tests.e2e.laurel import Laurel
from tests.e2e.test_program import DOCUMENT, GROCER
from tests.e2e.test_redemptions import at_once

pytestmark = pytest.mark.e2e

TIERS: dict[str, Any] = {**DOCUMENT["tiers"], "grace_days": 30, "downgrade": "one_step"}
TRIP = {"name": "A trip", "benefit": {"kind": "experience", "details": "A week at sea"}, "currency": "points"}


@pytest.fixture(scope="module")
def shop(laurel: Laurel) -> Iterator[Laurel]:
    """The stage with tiers that have a grace of 30 days; afterwards the grocer's program is in force again."""
    laurel.put_in_force({**DOCUMENT, "tiers": TIERS})
    yield laurel
    laurel.put_in_force(GROCER)


def test_gold_with_900_points_in_a_year_has_thirty_days_to_keep_it(shop: Laurel) -> None:
    zone = ZoneInfo(GROCER["time_zone"])
    enrolled = (shop.now() + timedelta(days=1)).astimezone(zone).date()
    # The year of somebody who enrols on 29 February ends on the 28th; any other day will do.
    enrolled += timedelta(days=(enrolled.month, enrolled.day) == (2, 29))

    def go(year: int, days: int = 0) -> None:
        """To noon of a day after the enrolment, by its anniversaries."""
        day = enrolled.replace(year=enrolled.year + year) + timedelta(days=days)
        shop.move_clock(datetime.combine(day, time(0 if days == 30 else 12), zone))

    def tier(member: str) -> str:
        found: str = shop.pos.expect("GET", f"/v1/members/{member}/tier")["tier"]
        return found

    def buy(member: str, dollars: int) -> dict[str, Any]:
        order = shop.order(member, amount=dollars * 100)
        shop.pos.expect("POST", "/v1/purchases", order)
        return order

    def job(member: str) -> list[bool]:
        path = f"/v1/members/{member}/tier/reviews"
        return sorted(answer.json()["changed"] for answer in at_once([lambda: shop.operator.call("POST", path)] * 3))

    go(0)
    keeps, falls, redeems, refunds = members = [shop.enrol() for _ in range(4)]
    for member in members:
        buy(member, 1000)
    go(1, 200)
    for member in members:
        buy(member, 900)
    go(2)
    assert [tier(member) for member in members] == ["gold"] * 4
    assert shop.pos.expect("GET", f"/v1/members/{falls}/tier")["will_downgrade_to"]["id"] == "silver"
    gift = {"currency": "points", "points": 5000, "reason": "a gift"}
    shop.operator.expect("POST", f"/v1/members/{redeems}/adjustments", gift, key=shop.new_id("gift"))
    trip = shop.new_id("trip").replace("-", "_")
    shop.operator.expect("PUT", f"/v1/rewards/{trip}", {**TRIP, "price": {"points": 5000}})
    shop.pos.expect("POST", f"/v1/members/{redeems}/redemptions", {"reward_id": trip}, key=shop.new_id("wish"))
    assert tier(redeems) == "gold"
    go(2, 25)
    for member in (keeps, redeems):
        buy(member, 100)
    given_back = buy(refunds, 100)
    go(2, 29)
    body = {"refund_id": "all", "occurred_at": rfc3339(shop.now())}
    shop.pos.expect("POST", f"/v1/purchases/{given_back['order_id']}/refunds", body)
    assert [tier(member) for member in members] == ["gold"] * 4

    go(2, 30)
    assert [tier(member) for member in members] == ["gold", "silver", "gold", "silver"]
    # However often the job runs, and be it at once: one event for each who fell, none for who stayed.
    for member, fell in zip(members, (False, True, False, True), strict=True):
        job(member)
        told = shop.operator.expect("GET", f"/v1/members/{member}/entries?kind=review")["entries"]
        assert len(told) == fell
        assert job(member) == [False] * 3
