"""A shop whose members bring friends: terms, codes, and friends who join and buy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes import grocer
from tests.functional.api import OPERATOR, POS, Caller, Reply
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS

PHONE_A, PHONE_B, TABLET = "device-hash-of-phone-a", "device-hash-of-phone-b", "device-hash-of-the-tablet"
CARD = "payment-hash-of-a-card"
TERMS: dict[str, Any] = {
    "qualifies": {"kind": "orders", "net_min": 2500},
    "hold_days": 14,
    "advocate": [{"currency": "points", "points": 500}],
    "friend": [{"currency": "points", "points": 250}],
}
"""Ada's friends count with their first order of 25 dollars; 500 points for her, 250 for them, held for 14 days."""


@dataclass
class Bringing:
    """A shop with referral terms, seen through its till and by its operator."""

    stage: Stage
    till: Caller = field(default_factory=lambda: Caller(POS))
    operator: Caller = field(default_factory=lambda: Caller(OPERATOR, subject="operator-1"))
    orders: int = 0

    def offer(self, number: int = 2, effective_from: datetime = grocer.OPENED, caps: Any = (), **changes: Any) -> None:
        """Put referral terms into force as version `number`; `changes` replace their fields."""
        terms = {**TERMS, **changes}
        version = grocer.version(number, effective_from, referral=terms, caps=list(caps))
        self.stage.activate(version)

    def member(self, name: str, **told: Any) -> str:
        """Somebody who enrols on their own."""
        reply = self.till.post(MEMBERS, {"customer_id": f"customer-{name}", "email": f"{name}@example.com", **told})
        assert reply.status == 201, reply
        member: str = reply.json["member_id"]
        return member

    def code(self, member: str) -> str:
        """The code that a member shares."""
        reply = self.operator.get(f"{MEMBERS}/{member}/referral-code")
        assert reply.status == 200, reply
        code: str = reply.json["code"]
        return code

    def joins(self, name: str, code: str, **told: Any) -> Reply:
        """A friend's enrolment by a code."""
        body = {"customer_id": f"customer-{name}", "email": f"{name}@example.com", "referral": {"code": code}, **told}
        return self.till.post(MEMBERS, {field: value for field, value in body.items() if value is not None})

    def friend(self, name: str, advocate: str, **told: Any) -> str:
        """A friend who joins by a member's code; their id."""
        reply = self.joins(name, self.code(advocate), **told)
        assert reply.status == 201, reply
        member: str = reply.json["member_id"]
        return member

    def buys(self, member: str, amount: int = 6000) -> Reply:
        """An order of now."""
        self.orders += 1
        now = self.stage.wiring.clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z")
        order = grocer.order(f"order-{self.orders}", amount, member_id=member, occurred_at=now)
        reply = self.till.post("/v1/purchases", order)
        assert reply.status == 201, reply
        return reply

    def pending(self, member: str) -> int:
        """A member's held points."""
        return sum(purse["pending"] for purse in self._purses(member))

    def active(self, member: str) -> int:
        """A member's points that can be spent."""
        return sum(purse["active"] for purse in self._purses(member))

    def _purses(self, member: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.till.get(f"{MEMBERS}/{member}/wallet").json["currencies"]
        return found

    def stands(self, friend: str) -> tuple[str, list[str]]:
        """Where a friend's referral stands, and the signs of farming."""
        reply = self.operator.get(f"{MEMBERS}/{friend}/referral")
        assert reply.status == 200, reply
        return reply.json["state"], reply.json["signs"]

    def flagged(self) -> list[str]:
        """Friends whose referral waits for an operator."""
        return [flag["member_id"] for flag in self.operator.get("/v1/referrals/flags").json["referrals"]]

    def rules(self, friend: str, verb: str) -> Reply:
        """The operator lets a friend's referral pass, rejects it or voids its award."""
        return self.operator.post(f"/v1/referrals/{friend}/{verb}", {"reason": "looked at it"})
