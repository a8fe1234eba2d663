"""Members bring friends: codes, enrolments, first orders, refunds, rulings, and members who merge or leave, all at once.

Friends share devices, join in a rush, and draw on one budget; tills and operators send everything again until it is answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import functions.earning.handler
import functions.members.handler
import functions.referrals.handler
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.member import Login, Profile
from shared.domain.program import ProgramVersion, parse_program
from shared.entrypoint.wiring import Wiring
from tests.simulation.clients import Firm, always, insist, phone_event, staff_event
from tests.simulation.invariants import ZONE, Item
from tests.simulation.refer_promises import refer_violations
from tests.simulation.service import Answer, Event, Service
from tests.simulation.world import START, World

DAY = 86_400
SINCE = START - timedelta(days=10)
LEAST = 2_500
# Within a round trip, where friends join in a rush; a while; days later, when a hold is over.
_SOON_SECONDS = (0, 0, 0, 0.01, 0.05, 1)
_LATER_SECONDS = (*_SOON_SECONDS, 600, DAY, 2 * DAY)
_COPIES = (1, 1, 2, 3)
_RIVAL_SHARE = 0.2
_RUSH_SHARE = 0.5
_OPERATOR = "laurel/operator"
_MONEY = (LEAST - 1, LEAST, LEAST + 500, 2 * LEAST, 6_000)


@dataclass
class Refer:
    """Two or three advocates, two to five friends, one to three orders each, refunds, rulings, voids, merges and closures."""

    functions: dict[str, Any] = field(
        default_factory=lambda: {
            "/v1/purchases": functions.earning.handler,
            "/v1/members": functions.members.handler,
            "/v1/me/": functions.referrals.handler,
            "/v1/referrals": functions.referrals.handler,
        }
    )
    advocates: list[MemberId] = field(default_factory=list)
    codes: dict[MemberId, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    rush_after: tuple[float, ...] = _LATER_SECONDS
    """When friends join and buy: in a rush, all within a second."""

    def prepare(self, world: World, wired: Wiring) -> None:
        """Put a program into force and enrol the advocates, who have their codes, but for the first one."""
        wired.programs.add(ProgramVersion(1, SINCE, SINCE, parse_program(program_document(world))))
        for number in range(world.chance.randint(2, 3)):
            member = MemberId(f"01ARZ3NDEKTSV4RRFFQ69G5FA{number}")
            profile = Profile(member=member, customer_id=f"advocate-{number}", enrolled_at=SINCE, login=_login(member))
            wired.members.enrol(profile, request_hash(profile))
            self.advocates.append(member)
            if number:
                self.codes[member] = wired.referral_codes.own(member).shown

    def begin(self, world: World, service: Service) -> None:
        """Spawn the callers."""
        chance = world.chance
        if chance.random() < _RUSH_SHARE:
            self.rush_after = _SOON_SECONDS
        for number in range(chance.randint(2, 5)):
            self._enrol(world, service, number, self._body(world, number))
        if chance.random() < 0.5:
            self._ask_for_a_code(world, service)
        for _ in range(chance.choice((0, 1, 2))):
            self._share(world, service, chance.choice(list(self.codes)))
        for _ in range(chance.choice((0, 0, 1))):
            gone, heir = chance.sample(self.advocates, 2)
            self._leave(world, service, gone, heir)

    def violations(self, items: list[Item], service: Service) -> list[str]:
        """See refer_promises.py."""
        return refer_violations(items, service.given, service.world)

    def _ask_for_a_code(self, world: World, service: Service) -> None:
        """An advocate who has no code yet asks for it from several phones at once, and gives it to a friend."""

        def gives(answer: Answer) -> None:
            number = len(self.advocates) + 5
            body = {**self._body(world, number), "referral": {"code": json.loads(answer.body)["code"]}}
            self._enrol(world, service, number, body)

        member = self.advocates[0]
        for copy in range(world.chance.choice((1, 2, 3))):
            event = phone_event("GET", "/v1/me/referral-code", None, login=_login(member))
            self._send(world, service, f"asks {copy}", event, 0, then=None if copy else gives, firm=_never)

    def _share(self, world: World, service: Service, member: MemberId) -> None:
        """A member tells that they shared their code, by one or two taps."""
        key, after = f"share-{self._number('share')}", world.chance.choice(_LATER_SECONDS)
        for copy in range(world.chance.choice((1, 2))):
            event = phone_event("POST", "/v1/me/invitations", {"channel": "mail"}, login=_login(member), key=key)
            self._send(world, service, f"{key}.{copy}", event, after, firm=_never)

    def _enrol(self, world: World, service: Service, number: int, body: dict[str, Any]) -> None:
        """A friend enrols from one to three tills; now and then one of them has another code."""
        chance = world.chance
        bodies = [body]
        if chance.random() < _RIVAL_SHARE:
            bodies.append(self._body(world, number))
        after = chance.choice(self.rush_after)
        lives = partial(self._live, world, service)
        for copy in range(max(len(bodies), chance.choice(_COPIES))):
            event = staff_event("POST", "/v1/members", bodies[copy % len(bodies)])
            # Whoever has the answer tells what the friend does; another body is refused.
            self._send(world, service, f"enrols {number}.{copy}", event, after, then=lives if not copy else None)

    def _body(self, world: World, number: int) -> dict[str, Any]:
        chance = world.chance
        device = f"device-{chance.choice((0, 0, number + 1, number + 1))}"
        return {
            "customer_id": f"friend-{number}",
            "email": f"friend-{number}@example.com",
            "referral": {"code": self.codes[chance.choice(list(self.codes))].lower()},
            "fingerprints": {"device": device},
        }

    def _live(self, world: World, service: Service, answer: Answer) -> None:
        """What a friend and the operators do once the friend is a member."""
        chance, told = world.chance, json.loads(answer.body)
        friend = MemberId(told["member_id"])
        for _ in range(chance.choice((1, 1, 2, 3))):
            self._buy(world, service, friend)
        if told["referral"]["flagged"] or chance.random() < 0.2:
            for verb in chance.choice((("pass",), ("pass",), ("reject",), ("pass", "reject"))):
                self._rule(world, service, friend, verb)
        if chance.random() < 0.25:
            self._rule(world, service, friend, "void")
        if chance.random() < 0.15:
            self._leave(world, service, friend, chance.choice(self.advocates))

    def _buy(self, world: World, service: Service, friend: MemberId) -> None:
        chance, order, after = world.chance, f"order-{self._number('order')}", world.chance.choice(self.rush_after)
        body = {
            "order_id": order,
            "member_id": friend,
            "currency": "USD",
            "occurred_at": (world.now() + timedelta(seconds=int(after))).isoformat(),
            "lines": [{"sku": "sku", "quantity": 1, "amount": chance.choice(_MONEY)}],
        }
        refunds = partial(self._refund, world, service, order) if chance.random() < 0.5 else None
        for copy in range(chance.choice(_COPIES)):
            event = staff_event("POST", "/v1/purchases", body)
            self._send(world, service, f"{order}.{copy}", event, after, then=None if copy else refunds)

    def _refund(self, world: World, service: Service, order: str, _: Answer) -> None:
        chance = world.chance
        for number in range(chance.choice((1, 1, 2))):
            body: dict[str, Any] = {"refund_id": f"r-{number}", "occurred_at": world.now().isoformat()}
            if chance.random() < 0.6:
                body["amount"] = chance.choice((1, 500, LEAST))
            for copy in range(chance.choice((1, 2))):
                event = staff_event("POST", f"/v1/purchases/{order}/refunds", body)
                self._send(world, service, f"refunds {order}.{number}.{copy}", event, chance.choice(_LATER_SECONDS))

    def _rule(self, world: World, service: Service, friend: MemberId, verb: str) -> None:
        """One or two operators say the same of a referral; what was refused may be possible later."""
        path, after = f"/v1/referrals/{friend}/{verb}", world.chance.choice(_LATER_SECONDS)
        for operator in range(world.chance.choice((1, 2))):
            event = staff_event("POST", path, {"reason": "looked"}, scope=_OPERATOR, client=f"operator-{operator}")
            self._send(world, service, f"{verb} {self._number('ruling')}", event, after, firm=_once_done)

    def _leave(self, world: World, service: Service, member: MemberId, heir: MemberId) -> None:
        """A member is merged into another, or closed."""
        after = world.chance.choice(_LATER_SECONDS)
        body = {"into": heir, "reason": "one person"} if world.chance.random() < 0.7 else None
        path = f"/v1/members/{member}/{'merge' if body else 'close'}"
        for copy in range(world.chance.choice((1, 2))):
            event = staff_event("POST", path, body, scope=_OPERATOR)
            self._send(world, service, f"leaves {self._number('leaving')}.{copy}", event, after, firm=_once_done)

    def _send(
        self,
        world: World,
        service: Service,
        name: str,
        event: Event,
        after: float,
        *,
        then: Callable[[Answer], None] | None = None,
        firm: Firm = always,
    ) -> None:
        done = partial(_go_on, then) if then else None
        world.spawn(name, partial(insist, world, service, event, done, firm), after_seconds=after)

    def _number(self, what: str) -> int:
        self.numbers[what] = self.numbers.get(what, 0) + 1
        return self.numbers[what]


def _login(member: str) -> Login:
    return Login("https://login.example.com", member)


def _never(answer: Answer) -> bool:
    """A member who has left has no login any more."""
    return False


def _once_done(answer: Answer) -> bool:
    """What was refused may be possible later."""
    return answer.status < 300


def _go_on(then: Callable[[Answer], None], answer: Answer) -> None:
    if answer.status < 300:
        then(answer)


def program_document(world: World) -> dict[str, Any]:
    """Small ceilings and a small budget, a short hold, one step, and strict about haste and shared devices."""
    chance = world.chance
    return {
        "name": "Simulated",
        "time_zone": ZONE,
        "money_currency": "USD",
        "clawback": chance.choice(("debt", "debt", "forgive")),
        "currencies": [{"code": "points", "expiry": {"after": 30, "rounded_to": "day"}}],
        "caps": [
            {
                "id": "mine",
                "currency": "points",
                "scope": "member",
                "per": "month",
                "points": chance.choice((700, 1_200, 5_000)),
            },
            {
                "id": "budget",
                "currency": "points",
                "scope": "program",
                "points": chance.choice((600, 900, 1_100, 9_000)),
                "shards": chance.choice((1, 1, 2)),
            },
        ],
        "earning_rules": [
            {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}},
            {
                "id": "large",
                "kind": "bonus",
                "currency": "points",
                "points": 25,
                "when": {"amount_min": 5_000},
                "caps": ["budget"],
            },
        ],
        "referral": {
            "qualifies": {"kind": "orders", "net_min": LEAST, "orders": chance.choice((1, 1, 2))},
            "hold_days": chance.choice((0, 1, 2)),
            "advocate": [
                {
                    "currency": "points",
                    "points": 500,
                    "caps": ["mine", "budget"],
                    "steps": [{"referral": 2, "points": chance.choice((300, 800))}],
                }
            ],
            "friend": [{"currency": "points", "points": 250, "caps": ["budget"]}],
            "abuse": {
                "shared_device": {"verdict": chance.choice(("allow", "review", "reject"))},
                "velocity": [{"per": "day", "friends_max": 2}] if chance.random() < 0.5 else [],
            },
        },
    }
