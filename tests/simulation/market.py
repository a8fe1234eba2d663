"""What the scenarios of spending share: a program, members with points, rewards of which there are few, and who asks for what.

Whatever callers do goes through `insist`: sent again, word for word, until there is a real answer, and by chance much later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import functions.earning.handler
import functions.gift_cards.handler
import functions.redemption.handler
from functions.earning.earn_points import record_purchase
from shared.domain.calendar import local_day
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.member import Login, Profile
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.purchase import Line, Purchase
from shared.domain.reward import parse_reward
from shared.entrypoint.wiring import Wiring
from tests.simulation.clients import insist, phone_event, staff_event
from tests.simulation.invariants import ZONE, Item
from tests.simulation.promises import spending_violations
from tests.simulation.service import Answer, Event, Service
from tests.simulation.world import START, World

SINCE = START - timedelta(days=10)
POINTS_PER_DOLLAR = {"points": 1, "stars": 3}
DAY = 86_400
# At the same moment, within a round trip, a while, or a day or two days later, when points are gone and vouchers lapsed.
LATER_SECONDS = (0, 0, 0, 0.02, 0.1, 5, 600, 12 * 3600, DAY, 2 * DAY)
_COPIES = (1, 1, 2, 3)
_RIVAL_SHARE = 0.3

Then = Callable[[dict[str, Any]], None]
"""What a caller does next with the parsed answer of a success."""


@dataclass
class Market:
    """One to three members who have a few hundred points, and three rewards: a voucher, a gift card, a donation."""

    functions: Mapping[str, Any] = field(
        default_factory=lambda: {
            "/v1/purchases": functions.earning.handler,
            "/v1/gift-cards": functions.gift_cards.handler,
            "/v1/": functions.redemption.handler,
        }
    )
    members: list[MemberId] = field(default_factory=list)
    orders: dict[str, MemberId] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def prepare(self, world: World, wired: Wiring) -> None:
        """Put a program and rewards into force, enrol the members, and let them buy something."""
        chance = world.chance
        document = _program(
            pending_days=chance.choice((0, 0, 0, 1)),
            expiry_days=chance.choice((2, 4, 30)),
            clawback=chance.choice(("debt", "debt", "forgive")),
        )
        wired.programs.add(ProgramVersion(1, SINCE, SINCE, parse_program(document)))
        for number in range(chance.randint(1, 3)):
            member = MemberId(f"01ARZ3NDEKTSV4RRFFQ69G5FA{number}")
            profile = Profile(member=member, customer_id=f"c-{number}", enrolled_at=SINCE, login=_login(member))
            wired.members.enrol(profile, request_hash(profile))
            self.members.append(member)
            for order in range(chance.randint(1, 2)):
                record_purchase(
                    self._purchase(world, member, f"first-{number}-{order}"), ledger=wired.ledger, programs=wired.programs
                )
        for reward in _rewards(world):
            wired.rewards.put(parse_reward(reward), SINCE)
            if reward["stock_limited"]:
                wired.rewards.set_stock(reward["id"], chance.choice((1, 1, 2, 3)), local_day(START, ZONE))

    def violations(self, items: list[Item], service: Service) -> list[str]:
        """See promises.py."""
        return spending_violations(items, service.given, self.orders, service.world.now())

    # What callers do. Each spawns its tasks and comes back at once; `then` is called in the task that has the answer.

    def wish(self, world: World, service: Service, member: MemberId, reward: str, then: Then | None = None) -> None:
        """A member wants a reward: one key, sent by one or more taps, and now and then another wish under the same key."""
        chance, key = world.chance, f"wish-{self._number('wish')}"
        body: dict[str, Any] = {"reward_id": reward}
        if reward == "gift":
            body["points"] = 10 * chance.randint(1, 12)
        bodies = [body]
        if chance.random() < _RIVAL_SHARE:
            bodies.append({**body, "channel": "app"})
        by_phone, till = chance.random() < 0.5, f"till-{chance.randint(1, 2)}"
        for copy in range(max(len(bodies), chance.choice(_COPIES))):
            sent = bodies[copy % len(bodies)]
            if by_phone:
                event = phone_event("POST", "/v1/me/redemptions", sent, login=_login(member), key=key)
            else:
                event = staff_event("POST", f"/v1/members/{member}/redemptions", sent, client=till, key=key)
            self.send(world, service, f"{key}.{copy}", event, then if copy == 0 else None)

    def use(self, world: World, service: Service, issued: dict[str, Any], order: str, then: Then | None = None) -> None:
        """A till takes a voucher for an order."""
        body = {"code": issued["code"], "member_id": issued["member_id"], "order_id": order}
        till = f"till-{world.chance.randint(1, 2)}"
        event = staff_event("POST", "/v1/vouchers/redeem", body, client=till)
        self.send(world, service, f"use {self._number('use')}", event, then)

    def cancel(self, world: World, service: Service, issued: dict[str, Any]) -> None:
        """A till or the member's phone takes a redemption back."""
        chance, path = world.chance, f"/redemptions/{issued['redemption_id']}/cancel"
        body = {"reason": "changed my mind"} if chance.random() < 0.8 else {}
        if chance.random() < 0.5:
            event = staff_event("POST", f"/v1{path}", body)
        else:
            event = phone_event("POST", f"/v1/me{path}", body, login=_login(issued["member_id"]))
        self.send(world, service, f"cancel {self._number('cancel')}", event)

    def buy(
        self, world: World, service: Service, member: MemberId, order: str, *, paid: int = 0, then: Then | None = None
    ) -> None:
        """A till sends an order, of which rewards paid up to `paid` minor units."""
        chance = world.chance
        lines = [
            {"sku": f"sku-{line}", "quantity": 1, "amount": chance.randint(0, 9_000)} for line in range(chance.randint(1, 3))
        ]
        body: dict[str, Any] = {
            "order_id": order,
            "member_id": member,
            "currency": "USD",
            "occurred_at": world.now().isoformat(),
            "lines": lines,
        }
        if paid:
            body["paid_with_rewards"] = min(paid, sum(line["amount"] for line in lines))
        self.orders[order] = member
        for copy in range(chance.choice((1, 1, 2))):
            event = staff_event("POST", "/v1/purchases", body)
            self.send(world, service, f"{order}.{copy}", event, then if copy == 0 else None, seconds=0.05 * copy)

    def refund(self, world: World, service: Service, order: str) -> None:
        """A shop gives money of a recorded order back: all that is left, an amount, or some of its lines."""
        chance = world.chance
        # The same number from two tills is one refund, or an error of the shop.
        number = f"r-{chance.randint(1, 3)}"
        body: dict[str, Any] = {"refund_id": number, "occurred_at": START.isoformat()}
        match chance.choice(("all", "amount", "amount", "line", "lines")):
            case "amount":
                body["amount"] = chance.randint(0, 5_000)
            case "line":
                body["lines"] = [{"line": 1}]
            case "lines":
                body["lines"] = [{"line": 1, "amount": chance.randint(0, 3_000)}, {"line": 1, "amount": 0}]
        for copy in range(chance.choice((1, 1, 2))):
            event = staff_event("POST", f"/v1/purchases/{order}/refunds", body)
            self.send(world, service, f"refund {self._number('refund')}.{copy}", event)

    def pay(self, world: World, service: Service, issued: dict[str, Any], order: str) -> None:
        """A till takes a part of what an order costs from a gift card that was bought with points."""
        body = {"code": issued["code"], "order_id": order, "amount": world.chance.randint(1, 1_500), "currency": "USD"}
        self.send(world, service, f"pay {self._number('pay')}", staff_event("POST", "/v1/gift-cards/spend", body))

    def send(
        self, world: World, service: Service, name: str, event: Event, then: Then | None = None, *, seconds: float | None = None
    ) -> None:
        """Send a request from a task of its own after `seconds` (by default, some time within two days)."""
        after = world.chance.choice(LATER_SECONDS) if seconds is None else seconds
        done = partial(_go_on, then) if then else None
        world.spawn(name, partial(insist, world, service, event, done), after_seconds=after)

    def _purchase(self, world: World, member: MemberId, order: str) -> Purchase:
        chance = world.chance
        lines = tuple(Line(f"sku-{n}", 1, chance.randint(0, 9_000)) for n in range(chance.randint(1, 3)))
        occurred_at = START - timedelta(seconds=chance.randint(0, DAY))
        self.orders[order] = member
        return Purchase(order_id=order, member_id=member, currency="USD", occurred_at=occurred_at, lines=lines)

    def _number(self, what: str) -> int:
        self.numbers[what] = self.numbers.get(what, 0) + 1
        return self.numbers[what]


def order_for(issued: dict[str, Any], name: str) -> str:
    """The id of an order that a redemption pays a part of."""
    return f"{name}-{issued['redemption_id'].replace(':', '-')}"


def _go_on(then: Then, answer: Answer) -> None:
    if answer.status < 300:
        then(json.loads(answer.body))


def _login(member: str) -> Login:
    return Login("https://login.example.com", member)


def _program(*, pending_days: int, expiry_days: int, clawback: str) -> dict[str, Any]:
    return {
        "name": "Simulated",
        "time_zone": ZONE,
        "money_currency": "USD",
        "clawback": clawback,
        "currencies": [
            {"code": "points", "pending_days": pending_days, "expiry": {"after": expiry_days, "rounded_to": "day"}},
            {"code": "stars"},
        ],
        "earning_rules": [
            {"id": f"base_{code}", "kind": "purchase", "currency": code, "per_amount": {"points": points, "minor_units": 100}}
            for code, points in POINTS_PER_DOLLAR.items()
        ],
    }


def _rewards(world: World) -> list[dict[str, Any]]:
    chance = world.chance
    limits = chance.choice(({}, {}, {"ever": 1}, {"per_period": {"period": "day", "count": 1}}))
    return [
        {
            "id": "mug",
            "name": "A mug",
            "benefit": {"kind": "discount", "amount": 500},
            "currency": "points",
            "price": {"points": chance.choice((20, 60))},
            "stock_limited": chance.random() < 0.7,
            "lapse_days": chance.choice((1, 1, 2, None)),
            "limits": limits,
        },
        {
            "id": "card",
            "name": "A gift card",
            "benefit": {"kind": "gift_card", "amount": 1_000},
            "currency": "stars",
            "price": {"points": 100},
            "stock_limited": chance.random() < 0.5,
        },
        {
            "id": "gift",
            "name": "A gift to the zoo",
            "benefit": {"kind": "donation", "charity": "zoo", "charity_name": "Zoo", "points": 10, "minor_units": 7},
            "currency": "points",
            "price": {"points_min": 10, "points_max": 120, "points_step": 10},
            "stock_limited": False,
        },
    ]
