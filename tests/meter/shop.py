"""A shop on one engine's table: a program, members, and the earning function's real handler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from functions.earning.handler import handler
from shared.adapters.dynamodb.items import to_wire, wallet_item
from shared.adapters.dynamodb.store import Backoff
from shared.domain.digest import request_hash
from shared.domain.entry import EntryKind, MemberId, purchase_key
from shared.domain.member import Profile
from shared.domain.points import Credit
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.wallet import Accrual, Reason, Wallet
from shared.entrypoint import wiring
from shared.entrypoint.settings import Settings
from tests.engines.engine import Engine
from tests.simulation.clients import staff_event

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPENED = NOW - timedelta(days=500)
POINTS_EACH = 40
PROGRAM = {
    "name": "Metered",
    "time_zone": "America/New_York",
    "money_currency": "USD",
    "currencies": [{"code": "points", "expiry": {"after": 12, "rounded_to": "month"}}],
    "earning_rules": [
        {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}}
    ],
}


class StandingClock:
    """It is always NOW."""

    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True)
class Shop:
    """Members enrolled 500 days ago; `buy` sends an order as a till does."""

    engine: Engine
    wired: wiring.Wiring

    def enrol(self, number: int, *, entries: int = 0) -> MemberId:
        """A member whose wallet is what `entries` purchases, evenly over the last 400 days, have made it."""
        member = MemberId(f"01ARZ3NDEKTSV4RRFFQ69G5F{number:02}")
        profile = Profile(member=member, customer_id=f"customer-{number}", enrolled_at=OPENED)
        self.wired.members.enrol(profile, request_hash(profile))
        if entries:
            wallet = _after(Wallet(member=member, enrolled_at=OPENED), entries)
            self.engine.client.put_item(TableName=self.engine.table, Item=to_wire(wallet_item(wallet)))
        return member

    def buy(self, member: MemberId, order: str, *, lines: int = 1) -> dict[str, Any]:
        """Send one order of `lines` lines; gives the answer, which must be 201."""
        body = {
            "order_id": order,
            "member_id": member,
            "currency": "USD",
            "occurred_at": NOW.isoformat(),
            "channel": "store",
            "store": "store-0042",
            "lines": [
                {"sku": f"{1_000_000 + line}", "quantity": 1 + line % 3, "amount": 399, "category": "grocery"}
                for line in range(lines)
            ],
        }
        answer = handler(staff_event("POST", "/v1/purchases", body), None)
        assert answer["statusCode"] == 201, answer
        parsed: dict[str, Any] = json.loads(answer["body"])
        return parsed


@contextmanager
def open_shop(engine: Engine) -> Iterator[Shop]:
    """A shop whose function is warm: its program is read and its first order is sold."""
    wired = wiring.wire(Settings(table=engine.table, stage="prod"), engine.client, StandingClock(), Backoff())
    wired.programs.add(ProgramVersion(1, OPENED, OPENED, parse_program(PROGRAM)))
    with patch.object(wiring, "wired", lambda: wired):
        shop = Shop(engine, wired)
        shop.buy(shop.enrol(0), "warm-up")
        yield shop


def _after(wallet: Wallet, entries: int) -> Wallet:
    """The wallet after so many purchases, by the domain's own rules."""
    (currency,) = parse_program(PROGRAM).currencies
    for number in range(entries):
        at = NOW - timedelta(days=400) * (entries - number) / entries
        gone_on = currency.expiry.gone_on(at.date()) if currency.expiry else None
        reason = Reason(purchase_key(f"before-{wallet.member}-{number}"), EntryKind.PURCHASE, at, b"")
        credit = Credit(currency.code, POINTS_EACH, at.date(), gone_on)
        _, wallet = wallet.posted(Accrual((credit,)), reason, now=at, zone="UTC")
    return replace(wallet, recorded_at=NOW - timedelta(hours=1))
