"""A year of orders, sent in the year's own time; and what Laurel says of it then and afterwards.

Where members redeem, whoever was told a balance that pays for the reward asks for it just before the next order, takes it, and
uses its voucher on that order: quoted, issued, used, all through the handlers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from functions.wallets.models import Basis
from functions.wallets.read_wallet import read_wallet
from infra.local_cloud.demo import purchase
from infra.local_cloud.retail import STORE_ZONE, RetailOrder
from shared.domain.calendar import first_instant, first_of_next_month
from shared.domain.entry import MemberId
from shared.domain.points import Posting
from shared.domain.purse import Purse
from tests.retail.shop import Shop

CURRENCY = "points"
LAST_DAY = date(2018, 12, 31)
"""When all points of the year 2017 are gone."""
COST = 500
REWARD: dict[str, Any] = {
    "id": "five_off",
    "name": "5 dollars off",
    "benefit": {"kind": "discount", "amount": 500},
    "currency": CURRENCY,
    "price": {"points": COST},
    # A voucher is good for its day only: one that the till did not take would return its points, and spoil the year's figures.
    "lapse_days": 1,
}


def _nothing(_: RetailOrder) -> None: ...


def _goes_on(_: date) -> None: ...


@dataclass
class Replay:
    """Sends orders to a shop, and lets it stand still at the end of every month to read all wallets.

    With `redeems`, members take a REWARD whenever they can, just before an order. `on_month_end` is called at the last instant
    of each month, with its last day. `closings` holds what was outstanding then, by month; `told` the balance that each
    household's last answer told it; `redemptions` how often each household redeemed.
    """

    shop: Shop
    redeems: bool = False
    on_order: Callable[[RetailOrder], None] = _nothing
    on_month_end: Callable[[date], None] = _goes_on
    members: dict[str, MemberId] = field(default_factory=dict)
    orders: int = 0
    earned_by_answers: int = 0
    redeemed_by_answers: int = 0
    redemptions: Counter[str] = field(default_factory=Counter)
    told: dict[str, int] = field(default_factory=dict)
    closings: dict[str, int] = field(default_factory=dict)
    _month: date = date(2017, 1, 1)

    def run(self, orders: Iterable[RetailOrder]) -> None:
        """Send the orders, which must be sorted by time, then let time pass to the end of LAST_DAY."""
        if self.redeems:
            self.shop.offer(REWARD)
        for order in orders:
            self._pass_time(order.occurred_at)
            self._serve(order)
            self.on_order(order)
        self._pass_time(_end_of(LAST_DAY))

    def _serve(self, order: RetailOrder) -> None:
        member = self.members.get(order.household)
        if member is None:
            member = self.members[order.household] = self.shop.enrol(order.household)
        if self.redeems and self.told.get(order.household, 0) >= COST:
            self._redeem(member, order)
        answer = self.shop.record(purchase(order, member))
        self.orders += 1
        self.earned_by_answers += sum(earned["points"] for earned in answer["earned"])
        # An order that earns nothing, before any other, leaves no balance of any currency to tell.
        self.told[order.household] = sum(balance["balance"] for balance in answer["balances"])

    def _redeem(self, member: MemberId, order: RetailOrder) -> None:
        quoted = self.shop.quote(member, REWARD["id"])
        assert (quoted["points"], quoted["active"]) == (COST, self.told[order.household]), quoted
        issued = self.shop.redeem(member, REWARD["id"], key=order.order_id)
        used = self.shop.use_voucher(member, issued["code"], order.order_id)
        assert (used["redemption_id"], used["state"]) == (issued["redemption_id"], "redeemed")
        self.redeemed_by_answers += issued["points"]
        self.redemptions[order.household] += 1

    def _pass_time(self, instant: datetime) -> None:
        while (end := _end_of(first_of_next_month(self._month) - timedelta(days=1))) <= instant:
            self.shop.clock.instant = end
            self.closings[f"{self._month:%Y-%m}"] = sum(purse.balance for purse in self.purses(None).values())
            self.on_month_end(end.astimezone(STORE_ZONE).date())
            self._month = first_of_next_month(self._month)
        self.shop.clock.instant = instant

    def purses(self, as_of: date | None, basis: Basis = Basis.RECORDED) -> dict[str, Purse]:
        """Every household's points now, or at the end of a past day, as Laurel's own reading gives them."""
        return {household: self._purse(member, as_of, basis) for household, member in self.members.items()}

    def _purse(self, member: MemberId, as_of: date | None, basis: Basis) -> Purse:
        found = read_wallet(member, as_of, basis, ledger=self.shop.ledger, programs=self.shop.programs)
        return next(purse for purse in found.purses if purse.currency == CURRENCY)

    def postings(self) -> Iterator[tuple[date, Posting]]:
        """All postings of all entries, and those that dates have made due since, each with the day it counts on."""
        for member in self.members.values():
            wallet = self.shop.ledger.view(member).wallet
            for row in self.shop.ledger.rows(wallet):
                yield from ((row.recorded_on, posting) for posting in row.postings)
            yield from ((LAST_DAY, posting) for posting in wallet.settled(LAST_DAY)[1])


def _end_of(day: date) -> datetime:
    """The last microsecond of a local day of the store."""
    return first_instant(day + timedelta(days=1), STORE_ZONE.key) - timedelta(microseconds=1)
