"""A shop on one engine's table: a program, rewards, members, and the functions' real handlers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import functions.earning.handler
import functions.gift_cards.handler
import functions.redemption.handler
import functions.standing.handler
import functions.transfers.handler
from shared.adapters.dynamodb.items import entry_item, to_wire, wallet_item
from shared.adapters.dynamodb.store import Backoff
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, MemberId
from shared.domain.member import Profile
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.purchase import Line, Purchase
from shared.domain.reward import parse_reward
from shared.domain.wallet import Wallet
from shared.entrypoint import wiring
from shared.entrypoint.settings import Settings
from tests.engines.engine import Engine
from tests.fakes.grocer import earn
from tests.simulation.clients import staff_event
from tests.simulation.service import Answer, Event

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPENED = NOW - timedelta(days=500)
POINTS_EACH = 40
BY_MONTH, BY_DAY = {"after": 12, "rounded_to": "month"}, {"after": 365, "rounded_to": "day"}
CENT_A_POINT = {"kind": "pay_with_points", "points": 1, "minor_units": 1}
REWARDS: dict[str, dict[str, Any]] = {
    "cents": {"benefit": CENT_A_POINT},
    "few": {"benefit": CENT_A_POINT, "stock_limited": True},
    "fleeting": {"benefit": CENT_A_POINT, "lapse_days": 1},
    "card": {
        "benefit": {"kind": "gift_card", "amount": 1_000},
        "price": {"points": 1},
    },
}
"""What points buy; where nothing else is said, members choose how many."""


@dataclass
class StandingClock:
    """It is NOW until somebody moves it."""

    instant: datetime = NOW

    def now(self) -> datetime:
        """Where it stands."""
        return self.instant


@dataclass(frozen=True)
class Shop:
    """Members enrolled 500 days ago, and tills that send orders, redemptions and refunds; `given` are all answers so far."""

    engine: Engine
    wired: wiring.Wiring
    clock: StandingClock
    given: list[tuple[Event, Answer]] = field(default_factory=list)

    def enrol(self, number: int, *, entries: int = 0, days: int = 400, kept: bool = False) -> MemberId:
        """A member whose wallet is what `entries` purchases, evenly over the last `days` days, have made it.

        The purchases themselves are in the table where they are `kept`.
        """
        member = MemberId(f"01ARZ3NDEKTSV4RRFFQ69G5F{number:02}")
        profile = Profile(member=member, customer_id=f"customer-{number}", enrolled_at=OPENED)
        self.wired.members.enrol(profile, request_hash(profile))
        if entries:
            wallet, made = self._after(Wallet(member=member, enrolled_at=OPENED), entries, days)
            for item in (wallet_item(wallet), *(map(entry_item, made) if kept else ())):
                self.engine.client.put_item(TableName=self.engine.table, Item=to_wire(item))
        return member

    def redeem(self, member: MemberId, key: str, points: int, *, reward: str = "cents") -> dict[str, Any]:
        """Redeem a reward for a member at a till; gives the answer, which must be 201."""
        body = {"reward_id": reward} if reward == "card" else {"reward_id": reward, "points": points, "order_amount": 10**9}
        return self.post(f"/v1/members/{member}/redemptions", body, key=key)

    def use(self, issued: dict[str, Any], order: str) -> dict[str, Any]:
        """Take a voucher for an order."""
        body = {"code": issued["code"], "member_id": issued["member_id"], "order_id": order}
        return self.post("/v1/vouchers/redeem", body, status=200)

    def cancel(self, issued: dict[str, Any]) -> dict[str, Any]:
        """Take a redemption back."""
        return self.post(f"/v1/redemptions/{issued['redemption_id']}/cancel", {}, status=200)

    def pay(self, issued: dict[str, Any], order: str, amount: int) -> dict[str, Any]:
        """Pay a part of an order with a gift card that was bought with points."""
        body = {"code": issued["code"], "order_id": order, "amount": amount, "currency": "USD"}
        return self.post("/v1/gift-cards/spend", body)

    def refund(self, order: str, number: str, **more: Any) -> dict[str, Any]:
        """Give money of an order back."""
        body = {"refund_id": number, "occurred_at": NOW.isoformat(), **more}
        return self.post(f"/v1/purchases/{order}/refunds", body)

    def post(
        self,
        path: str,
        body: dict[str, Any] | None,
        *,
        key: str | None = None,
        status: int = 201,
        scope: str = "laurel/pos",
    ) -> dict[str, Any]:
        """Send a till's request to the function that has its route; gives the answer, which must have `status`."""
        function: Any = next(function for part, function in _FUNCTIONS.items() if part in path)
        event = staff_event("POST", path, body, key=key, scope=scope)
        answer = function.handler(event, None)
        self.given.append((event, Answer(answer["statusCode"], answer["body"])))
        assert answer["statusCode"] == status, answer
        parsed: dict[str, Any] = json.loads(answer["body"])
        return parsed

    def buy(
        self, member: MemberId, order: str, *, lines: int = 1, channel: str = "store", minutes_ago: int = 0
    ) -> dict[str, Any]:
        """Send one order of `lines` lines; gives the answer, which must be 201."""
        occurred_at = self.clock.now() - timedelta(minutes=minutes_ago)
        body = {
            "order_id": order,
            "member_id": member,
            "currency": "USD",
            "occurred_at": occurred_at.isoformat(),
            "channel": channel,
            "store": "store-0042",
            "lines": [
                {"sku": f"{1_000_000 + line}", "quantity": 1 + line % 3, "amount": 399, "category": "grocery"}
                for line in range(lines)
            ],
        }
        return self.post("/v1/purchases", body)

    def _after(self, wallet: Wallet, entries: int, days: int) -> tuple[Wallet, list[Entry]]:
        """The wallet after so many purchases, by the domain's own rules, and their entries."""
        versions, made = self.wired.programs.versions(), []
        for number in range(entries):
            at = NOW - timedelta(days=days) * (entries - number) / entries
            purchase = Purchase(
                order_id=f"before-{wallet.member}-{number}",
                member_id=wallet.member,
                currency="USD",
                occurred_at=at.replace(microsecond=0),
                lines=(Line("1000000", 1, 100 * POINTS_EACH),),
            )
            entry, wallet = earn(wallet, purchase, versions, now=at)
            made.append(entry)
        return wallet, made


_FUNCTIONS = {
    "/v1/purchases": functions.earning.handler,
    "/v1/activities": functions.earning.handler,
    "/v1/gift-cards": functions.gift_cards.handler,
    "/v1/memberships": functions.standing.handler,
    "/tier/reviews": functions.standing.handler,
    "/recognitions": functions.transfers.handler,
    "/v1/": functions.redemption.handler,
}
"""By a part of their paths, the first that fits."""


@contextmanager
def open_shop(engine: Engine, expiry: dict[str, Any] = BY_MONTH, parts: dict[str, Any] | None = None) -> Iterator[Shop]:
    """A shop whose functions are warm: its program is read and its first order is sold. Points expire as `expiry` says.

    `parts` replace those of the program document.
    """
    clock = StandingClock()
    wired = wiring.wire(Settings(table=engine.table, stage="prod"), engine.client, clock, Backoff())
    wired.programs.add(ProgramVersion(1, OPENED, OPENED, parse_program({**_program(expiry), **(parts or {})})))
    # What is measured is the warm path, also after the clock was moved.
    wired.programs.timer = lambda: 0
    for name, reward in REWARDS.items():
        price = {"points_min": 1, "points_max": 10**6}
        wired.rewards.put(parse_reward({"id": name, "name": name, "currency": "points", "price": price, **reward}), OPENED)
    wired.rewards.set_stock("few", 100, NOW.date())
    with patch.object(wiring, "wired", lambda: wired):
        shop = Shop(engine, wired, clock)
        shop.buy(shop.enrol(0), "warm-up")
        yield shop


def _program(expiry: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "Metered",
        "time_zone": "America/New_York",
        "money_currency": "USD",
        "currencies": [{"code": "points", "expiry": expiry}],
        "earning_rules": [
            {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}}
        ],
    }
