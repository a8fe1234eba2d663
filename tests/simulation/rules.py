"""Everything that rules count: capped bonuses, one small budget for all, tiers that fall by date, memberships, recognitions.

Several tills and jobs at once, days that pass, refunds and voids, and operators who put another program into force meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import functions.earning.handler
import functions.program.handler
import functions.standing.handler
import functions.transfers.handler
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.member import Login, Profile
from shared.domain.program import ProgramVersion, parse_program
from shared.entrypoint.wiring import Wiring
from tests.simulation.clients import Firm, always, insist, phone_event, staff_event
from tests.simulation.invariants import ZONE, Item
from tests.simulation.rule_promises import rule_violations
from tests.simulation.service import Answer, Event, Service
from tests.simulation.world import START, World

DAY = 86_400
SINCE = START - timedelta(days=400)
# Within a round trip: what is shared is scarce, and in a rush many want it at once.
_AT_ONCE_SECONDS = (0, 0, 0, 0, 0.01, 0.05)
_RUSH_SHARE = 0.5
_LATER_SECONDS = (*_AT_ONCE_SECONDS, 1, 600, 12 * 3600, DAY, 2 * DAY)
_REVIEWED_AFTER_SECONDS = (0, 12 * 3600, DAY, DAY, 2 * DAY, 3 * DAY)
_AT_REST_SECONDS = 12 * DAY
"""When nobody does anything any more, and members look at their tiers."""
_COPIES = (1, 1, 2, 3)
_RIVAL_SHARE = 0.3
_STORIES = (("started",), ("trial_started", "renewed"), ("started", "lapsed"), ("trial_started", "cancelled"))
_OPERATOR = "laurel/operator"


@dataclass
class Rules:
    """Two or three members, two to six orders, activities, memberships, recognitions, reviews, and up to two activations."""

    functions: dict[str, Any] = field(
        default_factory=lambda: {
            "/v1/purchases": functions.earning.handler,
            "/v1/activities": functions.earning.handler,
            "/v1/memberships": functions.standing.handler,
            "/v1/members/": functions.standing.handler,
            "/v1/me/": functions.transfers.handler,
            "/v1/program": functions.program.handler,
        }
    )
    members: list[MemberId] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    bought_after: tuple[float, ...] = _LATER_SECONDS

    def prepare(self, world: World, wired: Wiring) -> None:
        """Put a program into force and enrol the members; the year of some ends tomorrow."""
        chance = world.chance
        self.document = program_document(world)
        wired.programs.add(ProgramVersion(1, SINCE, SINCE, parse_program(self.document)))
        for number in range(chance.randint(2, 3)):
            member = MemberId(f"01ARZ3NDEKTSV4RRFFQ69G5FA{number}")
            enrolled_at = START - timedelta(days=chance.choice((10, 364, 364)))
            profile = Profile(member=member, customer_id=f"c-{number}", enrolled_at=enrolled_at, login=_login(member))
            wired.members.enrol(profile, request_hash(profile))
            self.members.append(member)

    def begin(self, world: World, service: Service) -> None:
        """Spawn the callers."""
        chance = world.chance
        if chance.random() < _RUSH_SHARE:
            self.bought_after = _AT_ONCE_SECONDS
        for _ in range(chance.randint(2, 6)):
            self._buy(world, service)
        for _ in range(chance.randint(0, 3)):
            self._do(world, service)
        for _ in range(chance.randint(0, 3)):
            self._recognize(world, service)
        for _ in range(chance.randint(0, 2)):
            self._bill(world, service)
        for _ in range(chance.choice((0, 0, 1, 2))):
            self._activate(world, service)
        for _ in range(chance.randint(1, 3)):
            self._review(world, service)
        for member in self.members:
            event = staff_event("GET", f"/v1/members/{member}/tier", scope=_OPERATOR)
            self._send(world, service, f"looks {member[-1]}", event, _AT_REST_SECONDS, firm=_never)

    def violations(self, items: list[Item], service: Service) -> list[str]:
        """See rule_promises.py."""
        return rule_violations(items, service.given, service.world)

    def _buy(self, world: World, service: Service) -> None:
        """An order from one to three tills; then, by chance, refunds of it."""
        chance, order = world.chance, f"order-{self._number('order')}"
        after = chance.choice(self.bought_after)
        body = {
            "order_id": order,
            "member_id": chance.choice(self.members),
            "currency": "USD",
            "occurred_at": self._occurred(world, after).isoformat(),
            "lines": [_line(world, number) for number in range(chance.randint(1, 3))],
        }
        refunds = partial(self._refund, world, service, order) if chance.random() < 0.5 else None
        for copy in range(chance.choice(_COPIES)):
            event = staff_event("POST", "/v1/purchases", body)
            self._send(world, service, f"{order}.{copy}", event, after, then=None if copy else refunds)

    def _refund(self, world: World, service: Service, order: str, _: Answer) -> None:
        chance = world.chance
        for _refund in range(chance.choice((1, 1, 2))):
            body: dict[str, Any] = {"refund_id": f"r-{chance.randint(1, 2)}", "occurred_at": START.isoformat()}
            if chance.random() < 0.6:
                body["amount"] = chance.randint(0, 6_000)
            for copy in range(chance.choice((1, 2))):
                event = staff_event("POST", f"/v1/purchases/{order}/refunds", body)
                self._send(world, service, f"refund {self._number('refund')}.{copy}", event, chance.choice(_LATER_SECONDS))

    def _do(self, world: World, service: Service) -> None:
        """A member does something, for which there is one proof; another copy may say something else under it."""
        chance = world.chance
        # The same proof may be told twice, for different members.
        proof = f"proof-{chance.randint(1, 4)}"
        after = chance.choice(_LATER_SECONDS)
        body = {
            "activity": "review",
            "activity_id": proof,
            "member_id": chance.choice(self.members),
            "occurred_at": self._occurred(world, after).isoformat(),
        }
        bodies = [body, {**body, "channel": "app"}] if chance.random() < _RIVAL_SHARE else [body]
        void = partial(self._void, world, service, proof) if chance.random() < 0.4 else None
        for copy in range(max(len(bodies), chance.choice(_COPIES))):
            event = staff_event("POST", "/v1/activities", bodies[copy % len(bodies)])
            name = f"{proof}.{self._number('activity')}"
            self._send(world, service, name, event, after, then=None if copy else void, firm=_once_done)

    def _void(self, world: World, service: Service, proof: str, _: Answer) -> None:
        event = staff_event("POST", f"/v1/activities/review/{proof}/void", {"reason": "spam"})
        for copy in range(world.chance.choice((1, 2))):
            self._send(world, service, f"void {proof}.{copy}", event, world.chance.choice(_LATER_SECONDS))

    def _recognize(self, world: World, service: Service) -> None:
        """A member gives another points of the program's, by one or more taps under one key."""
        chance, key = world.chance, f"kudos-{self._number('kudos')}"
        giver, taker = chance.sample(self.members, 2)
        body = {"recognition": "kudos", "to": taker, "points": chance.randint(1, 30)}
        bodies = [body, {**body, "message": "Thanks!"}] if chance.random() < _RIVAL_SHARE else [body]
        for copy in range(max(len(bodies), chance.choice(_COPIES))):
            sent = bodies[copy % len(bodies)]
            event = phone_event("POST", "/v1/me/recognitions", sent, login=_login(giver), key=key)
            self._send(world, service, f"{key}.{copy}", event, chance.choice(_LATER_SECONDS))

    def _bill(self, world: World, service: Service) -> None:
        """A billing provider tells a short story of a membership, in any order."""
        chance, number = world.chance, self._number("membership")
        member = chance.choice(self.members)
        for kind in chance.choice(_STORIES):
            after = chance.choice(_LATER_SECONDS)
            body = {
                "event_id": f"{kind}-{number}",
                "member_id": member,
                "plan": "prime",
                "kind": kind,
                "occurred_at": (START - timedelta(seconds=chance.randint(0, DAY))).isoformat(),
            }
            if kind == "renewed":
                body["starts_at"] = START.isoformat()
            for copy in range(chance.choice(_COPIES)):
                event = staff_event("POST", "/v1/memberships/events", body)
                self._send(world, service, f"bill {number} {kind}.{copy}", event, after, firm=_once_done)

    def _activate(self, world: World, service: Service) -> None:
        """An operator changes what orders earn, or ends the campaign."""
        chance = world.chance
        base, *rules = self.document["earning_rules"]
        base = {**base, "per_amount": {"points": chance.choice((1, 2)), "minor_units": 100}}
        if chance.random() < 0.5:
            rules = [rule for rule in rules if rule["id"] != "double"]
        body = {"program": {**self.document, "earning_rules": [base, *rules]}, "reason": "another season"}
        event = staff_event("PUT", "/v1/program", body, scope=_OPERATOR, client=f"operator-{chance.randint(1, 2)}")
        self._send(world, service, f"activate {self._number('activation')}", event, chance.choice(_LATER_SECONDS), firm=_never)

    def _review(self, world: World, service: Service) -> None:
        """One to three jobs look at everybody's tier at the same time."""
        after = world.chance.choice(_REVIEWED_AFTER_SECONDS)
        for job in range(world.chance.choice(_COPIES)):
            for member in self.members:
                event = staff_event("POST", f"/v1/members/{member}/tier/reviews", scope=_OPERATOR, client=f"job-{job}")
                self._send(world, service, f"job {self._number('job')}", event, after, firm=_never)

    def _occurred(self, world: World, after: float) -> datetime:
        """Just now, by the time it is sent; some are late."""
        late = world.chance.choice((0, 0, 1, 600, 6 * 3600, DAY))
        return START + timedelta(seconds=int(after) - late)

    def _send(
        self,
        world: World,
        service: Service,
        name: str,
        event: Event,
        after: float,
        *,
        then: Any = None,
        firm: Firm = always,
    ) -> None:
        done = partial(_go_on, then) if then else None
        world.spawn(name, partial(insist, world, service, event, done, firm), after_seconds=after)

    def _number(self, what: str) -> int:
        self.numbers[what] = self.numbers.get(what, 0) + 1
        return self.numbers[what]


def _never(answer: Answer) -> bool:
    """What is asked changes by itself, or by what others do."""
    return False


def _once_done(answer: Answer) -> bool:
    """What was refused may be possible later."""
    return answer.status < 300


def _go_on(then: Any, answer: Answer) -> None:
    if answer.status < 300:
        then(answer)


def _login(member: str) -> Login:
    return Login("https://login.example.com", member)


def _line(world: World, number: int) -> dict[str, Any]:
    return {"sku": f"sku-{number}", "quantity": 1, "amount": world.chance.randint(0, 9_000)}


def program_document(world: World) -> dict[str, Any]:
    """Two budgets, a cap of each member and day, three tiers, a membership and an allowance; all of it small."""
    chance = world.chance
    period = chance.choice(({"kind": "rolling", "days": 2}, {"kind": "rolling", "days": 1}, {"kind": "anniversary"}))
    steps = "by_balance" if period["kind"] == "rolling" else chance.choice(("by_balance", "one_step"))
    return {
        "name": "Simulated",
        "time_zone": ZONE,
        "money_currency": "USD",
        "clawback": chance.choice(("debt", "debt", "forgive")),
        "currencies": [
            {
                "code": "points",
                "pending_days": chance.choice((0, 0, 1)),
                "expiry": {"after": chance.choice((2, 30)), "rounded_to": "day"},
                "cost": {"points": 10, "minor_units": 7},
            }
        ],
        "caps": [
            {"id": "daily", "currency": "points", "scope": "member", "per": "day", "points": chance.choice((40, 120))},
            {"id": "budget", "currency": "points", "scope": "program", "points": chance.choice((30, 100, 200))},
            {"id": "reviews", "currency": "points", "scope": "program", "per": "day", "minor_units": chance.choice((10, 30))},
        ],
        "stacking": chance.choice(("additive", "additive", "multiplicative", "best")),
        "earning_rules": [
            {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}},
            {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["daily", "budget"]},
            {
                "id": "large",
                "kind": "bonus",
                "currency": "points",
                "points": 25,
                "when": {"amount_min": 5_000},
                "caps": ["budget"],
            },
            {"id": "welcome", "kind": "bonus", "currency": "points", "points": 50, "when": {"order_number": 1}},
            {
                "id": "review",
                "kind": "activity",
                "currency": "points",
                "activity": "review",
                "points": 20,
                "limits": [{"per": "day", "count": 1}, {"per": "ever", "count": 2}],
                "caps": ["reviews"],
                "qualifying": True,
            },
        ],
        "tiers": {
            "metric": "points",
            "currency": "points",
            "period": period,
            "grace_days": chance.choice((0, 1)),
            "downgrade": steps,
            "levels": [
                {"id": "silver", "name": "Silver", "threshold": 0},
                _level("gold", 60, 150),
                _level("platinum", 140, 200),
            ],
        },
        "memberships": [
            {
                "id": "prime",
                "name": "Prime",
                "price": 900,
                "term": {"days": 1},
                "trial_days": 1,
                "protects_tier": True,
                "benefits": {"multipliers": [{"currency": "points", "percent": 120}]},
            }
        ],
        "recognitions": [
            {"id": "kudos", "currency": "points", "allowance": {"points": 40, "per": "day"}, "points_max": 30},
        ],
    }


def _level(id: str, threshold: int, percent: int) -> dict[str, Any]:
    benefits = {"multipliers": [{"currency": "points", "percent": percent}]}
    return {"id": id, "name": id.title(), "threshold": threshold, "benefits": benefits}
