"""The grocer of the tests: a program, two members, and orders to send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.domain import earning
from shared.domain.decision import View
from shared.domain.entry import Entry, MemberId
from shared.domain.history import History
from shared.domain.program import Program, ProgramVersion, parse_program
from shared.domain.purchase import Line, Purchase
from shared.domain.wallet import Wallet

ADA = MemberId("01HADA00000000000000000000")
BOB = MemberId("01HB0B00000000000000000000")
CAT = MemberId("01HCAT00000000000000000000")

OPENED = datetime(2025, 1, 1, tzinfo=UTC)
"""When the program took effect and the members enrolled."""
NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
"""Noon in the program's zone, where the tests' clocks stand at first."""
ZONE = "America/New_York"


def document(**changes: Any) -> dict[str, Any]:
    """A program document: one point a dollar, spendable at once, gone after 365 days; `changes` replace its fields."""
    return {
        "name": "Corner grocer",
        "time_zone": ZONE,
        "money_currency": "USD",
        "currencies": [{"code": "points", "expiry": {"after": 365, "rounded_to": "day"}}],
        "earning_rules": [earning_rule()],
        **changes,
    }


def earning_rule(id: str = "base", currency: str = "points", points: int = 1, minor_units: int = 100) -> dict[str, Any]:
    """A rule of a document: `points` for every `minor_units`."""
    return {
        "id": id,
        "kind": "purchase",
        "currency": currency,
        "per_amount": {"points": points, "minor_units": minor_units},
    }


def program(**changes: Any) -> Program:
    """The parsed `document`."""
    return parse_program(document(**changes))


def version(number: int = 1, effective_from: datetime = OPENED, **changes: Any) -> ProgramVersion:
    """A version of the program in force from `effective_from`."""
    return ProgramVersion(number, effective_from, effective_from, program(**changes))


def earn(
    wallet: Wallet, order: Purchase, versions: Sequence[ProgramVersion], *, now: datetime, history: History = ()
) -> tuple[Entry, Wallet]:
    """The entry of an order and the wallet after it."""
    decision = earning.earn(View(wallet=wallet, now=now, history=history), order, versions)
    return decision.entry, decision.wallet


def purchase(order_id: str = "order-1", amount: int = 1999, **changes: Any) -> Purchase:
    """Ada's order of one line at noon."""
    fields: dict[str, Any] = {
        "order_id": order_id,
        "member_id": ADA,
        "currency": "USD",
        "occurred_at": NOON,
        "lines": (Line("apples", 1, amount),),
        **changes,
    }
    return Purchase(**fields)


def order(order_id: str = "order-1", amount: int = 1999, **changes: Any) -> dict[str, Any]:
    """The same order as a till sends it; a change to None leaves the field out."""
    body: dict[str, Any] = {
        "order_id": order_id,
        "member_id": ADA,
        "currency": "USD",
        "occurred_at": "2026-03-02T17:00:00Z",
        "lines": [{"sku": "apples", "quantity": 1, "amount": amount}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}
