"""Purchases become points: tills send orders, all at once or late, twice, and sometimes one id for two orders."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import functions.earning.handler
from shared.adapters.dynamodb.items import entry_of, from_wire
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, MemberId
from shared.domain.member import Profile
from shared.domain.program import ProgramVersion, parse_program
from shared.entrypoint.wiring import Wiring
from tests.simulation.clients import insist, staff_event
from tests.simulation.invariants import Item
from tests.simulation.service import Answer, Event, Service
from tests.simulation.world import START, World

PATH = "/v1/purchases"
POINTS_PER_DOLLAR = {"points": 1, "stars": 3}
_RIVAL_SHARE = 0.35
_TILLS = (1, 2, 2, 3)
# Most tills meet within one round trip; some come a moment, a day or two days later, when points have matured and gone.
_SENT_AFTER_SECONDS = (0, 0, 0, 0.01, 0.02, 0.05, 1, 86_400, 180_000)


@dataclass
class Earn:
    """One to three members, one to five orders, one to three tills each; and now and then a rival for an order id."""

    functions: Mapping[str, Any] = field(default_factory=lambda: {PATH: functions.earning.handler})
    members: list[MemberId] = field(default_factory=list)
    bodies: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def prepare(self, world: World, wired: Wiring) -> None:
        """Put a program into force and enrol the members."""
        since = START - timedelta(days=10)
        program = parse_program(_program(pending_days=world.chance.choice((0, 0, 1))))
        wired.programs.add(ProgramVersion(1, since, since, program))
        for number in range(world.chance.randint(1, 3)):
            member = MemberId(f"01ARZ3NDEKTSV4RRFFQ69G5FA{number}")
            self.members.append(member)
            profile = Profile(member=member, customer_id=f"customer-{number}", enrolled_at=since)
            wired.members.enrol(profile, request_hash(profile))

    def begin(self, world: World, service: Service) -> None:
        """Send each order from each of its tills."""
        chance = world.chance
        for number in range(chance.randint(1, 5)):
            order = f"order-{number}"
            self.bodies[order].append(self._body(world, order))
            if chance.random() < _RIVAL_SHARE:
                self.bodies[order].append(self._body(world, order))
            for copy in range(max(len(self.bodies[order]), chance.choice(_TILLS))):
                body = self.bodies[order][copy % len(self.bodies[order])]
                till = partial(insist, world, service, staff_event("POST", PATH, body))
                world.spawn(f"till {number}.{copy}", till, after_seconds=chance.choice(_SENT_AFTER_SECONDS))

    def _body(self, world: World, order: str) -> dict[str, Any]:
        occurred_at = START - timedelta(seconds=world.chance.randint(0, 86_400))
        return {
            "order_id": order,
            "member_id": world.chance.choice(self.members),
            "currency": "USD",
            "occurred_at": occurred_at.isoformat(),
            "lines": [
                {"sku": f"sku-{line}", "quantity": 1, "amount": world.chance.randint(0, 5_000)}
                for line in range(world.chance.randint(1, 3))
            ],
        }

    def violations(self, items: list[Item], service: Service) -> list[str]:
        """Each order is one entry of one body; equal requests had equal answers; the points are the money's."""
        entries = {
            item["pk"]["S"].removeprefix("ORDER#"): entry_of(from_wire(item)) for item in items if item["sk"]["S"] == "PURCHASE"
        }
        broken = []
        if entries.keys() != self.bodies.keys():
            broken.append(f"orders {sorted(self.bodies)} were sent, {sorted(entries)} have entries")
        for order, entry in entries.items():
            broken += [f"{order}: {what}" for what in _order_broken(entry, self.bodies[order], _answers(service, order))]
        return broken


def _program(*, pending_days: int) -> dict[str, Any]:
    """Two currencies of points, one of which is gone two days after the purchase."""
    return {
        "name": "Simulated",
        "time_zone": "America/New_York",
        "money_currency": "USD",
        "currencies": [
            {"code": "points", "pending_days": pending_days, "expiry": {"after": 2, "rounded_to": "day"}},
            {"code": "stars"},
        ],
        "earning_rules": [
            {
                "id": f"base_{currency}",
                "kind": "purchase",
                "currency": currency,
                "per_amount": {"points": points, "minor_units": 100},
            }
            for currency, points in POINTS_PER_DOLLAR.items()
        ],
    }


def _answers(service: Service, order: str) -> list[tuple[Event, Answer]]:
    """Every answer that an invocation gave about an order, also those nobody waited for any more."""
    return [(event, answer) for event, answer in service.given if json.loads(event["body"])["order_id"] == order]


def _order_broken(entry: Entry, bodies: list[dict[str, Any]], answers: list[tuple[Event, Answer]]) -> list[str]:
    broken = []
    spent = entry.purchase.amount if entry.purchase else -1
    earned = {currency: sum(lot.count for lot in lots) for currency, lots in entry.minted().items()}
    due = {currency: spent * points // 100 for currency, points in POINTS_PER_DOLLAR.items()}
    if earned != {currency: points for currency, points in due.items() if points}:
        broken.append(f"{spent} minor units gave {earned}, not {due}")
    winners = [body for body in bodies if _same_order(body, entry)]
    if not winners:
        broken.append(f"the entry is of an order nobody sent: {entry.purchase}")
    for body in bodies:
        given = {answer for event, answer in answers if json.loads(event["body"]) == body and answer.status < 500}
        allowed = 201 if body in winners else 409
        if len(given) != 1 or {answer.status for answer in given} != {allowed}:
            broken.append(f"{body} deserves one answer, {allowed}; it got {sorted((a.status, a.body) for a in given)}")
        elif body in winners and json.loads(next(iter(given)).body)["sequence"] != entry.sequence:
            broken.append(f"answered {next(iter(given)).body}, recorded {entry}")
    broken += [
        f"answered {answer.status} {answer.body}, though nothing was wrong but the network"
        for _, answer in answers
        if answer.status >= 500 and answer.status != 503
    ]
    return broken


def _same_order(body: dict[str, Any], entry: Entry) -> bool:
    purchase = entry.purchase
    return (
        purchase is not None
        and body["member_id"] == entry.member
        and body["occurred_at"] == entry.occurred_at.isoformat()
        and [line["amount"] for line in body["lines"]] == [line.amount for line in purchase.lines]
    )
