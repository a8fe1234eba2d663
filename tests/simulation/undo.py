"""Everything is taken back: orders that vouchers and gift cards paid a part of, before and after their points were spent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.simulation.market import LATER_SECONDS, Market, order_for
from tests.simulation.service import Service
from tests.simulation.world import World

_WISHED = ("mug", "mug", "mug", "card")


@dataclass
class Undo(Market):
    """One to four wishes whose vouchers pay orders, one to three more orders, and refunds of any of them."""

    def begin(self, world: World, service: Service) -> None:
        """Spawn the callers."""
        chance = world.chance
        first = list(self.orders)
        for _ in range(chance.randint(1, 4)):
            then = partial(self._pay_with, world, service)
            self.wish(world, service, chance.choice(self.members), chance.choice(_WISHED), then)
        for number in range(chance.randint(1, 3)):
            order = f"order-{number}"
            buys = partial(self.buy, world, service, chance.choice(self.members), order)
            then = partial(self._bought, world, service, order)
            world.spawn(f"buys {order}", partial(buys, then=then), after_seconds=chance.choice(LATER_SECONDS))
        for _ in range(chance.randint(1, 4)):
            self.refund(world, service, chance.choice(first))

    def _pay_with(self, world: World, service: Service, issued: dict[str, Any]) -> None:
        """A new order, or one that was there before, is paid in part with what was redeemed; or it is taken back."""
        chance = world.chance
        if issued["reward_id"] == "mug" and chance.random() < 0.3:
            self.cancel(world, service, issued)
            return
        theirs = [order for order, member in self.orders.items() if member == issued["member_id"]]
        order = chance.choice(theirs) if chance.random() < 0.4 else order_for(issued, "paid")
        if issued["reward_id"] == "card":
            self.pay(world, service, issued, order)
        else:
            self.use(world, service, issued, order)
        if order not in self.orders:
            then = partial(self._bought, world, service, order)
            self.buy(world, service, issued["member_id"], order, paid=500, then=then)

    def _bought(self, world: World, service: Service, order: str, _: dict[str, Any]) -> None:
        for _refund in range(world.chance.choice((0, 1, 1, 2, 3))):
            self.refund(world, service, order)
