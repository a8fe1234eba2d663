"""Points become rewards: phones and tills ask for what there are few of, under one key or many; vouchers are used or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.simulation.market import Market, order_for
from tests.simulation.service import Service
from tests.simulation.world import World

_WISHED = ("mug", "mug", "mug", "card", "gift")


@dataclass
class Redeem(Market):
    """Two to six wishes, up to three orders that come while some were refused, and two tills for one voucher."""

    def begin(self, world: World, service: Service) -> None:
        """Spawn the callers."""
        chance = world.chance
        for _ in range(chance.randint(2, 6)):
            then = partial(self._with_voucher, world, service)
            self.wish(world, service, chance.choice(self.members), chance.choice(_WISHED), then)
        for number in range(chance.randint(0, 3)):
            member = chance.choice(self.members)
            after = chance.choice((0.01, 1, 60, 900, 86_400))
            world.spawn(f"buys {number}", partial(self.buy, world, service, member, f"order-{number}"), after_seconds=after)

    def _with_voucher(self, world: World, service: Service, issued: dict[str, Any]) -> None:
        """Used at a till, at two, or not at all; cancelled or not."""
        if issued["reward_id"] != "mug":
            return
        chance = world.chance
        for till in range(chance.choice((0, 1, 1, 2, 2))):
            self.use(world, service, issued, order_for(issued, f"basket-{chance.choice((0, till))}"))
        for _ in range(chance.choice((0, 0, 1, 2))):
            self.cancel(world, service, issued)
