"""A stage in process: the handlers' own code over a ledger in memory, or over MiniStack's request handler."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from unittest.mock import patch
from urllib.parse import urlencode

import functions.earning.handler
import functions.members.handler
import functions.program.handler
import functions.redemption.handler
import functions.wallets.handler
from shared.adapters.dynamodb.store import Backoff, Store
from shared.domain.entry import MemberId
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.reward import parse_reward
from shared.entrypoint import app, wiring
from shared.entrypoint.callers import OPERATOR, POS
from shared.entrypoint.settings import Settings
from shared.ports import Ledger, Programs, Rewards
from tests.engines.ministack import ministack_table
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.memory_catalog import FixedPrograms, MemoryCodes, MemoryRewards
from tests.fakes.memory_ledger import MemoryLedger

DAWN = datetime(2017, 1, 1, tzinfo=UTC)
"""Before the first order of the data."""
GROCER = Path(__file__).parents[2] / "infra" / "programs" / "grocer.json"
EngineName = Literal["memory", "ministack"]

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True)
class Shop:
    """A stage with one program, its clock in the caller's hand."""

    ledger: Ledger
    programs: Programs
    rewards: Rewards
    clock: FakeClock
    enrol: Callable[[str], MemberId]

    def offer(self, document: dict[str, Any]) -> None:
        """Put a reward into the catalog."""
        self.rewards.put(parse_reward(document), self.clock.now())

    def record(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send a purchase to the function; gives its answer. Like the others, raises AssertionError where it is refused."""
        return _called(functions.earning.handler.handler, "POST", "/v1/purchases", body, status=201)

    def quote(self, member: MemberId, reward: str) -> dict[str, Any]:
        """What a redemption of the reward would take now."""
        path = f"/v1/members/{member}/redemptions/quote"
        return _called(functions.redemption.handler.handler, "POST", path, {"reward_id": reward})

    def redeem(self, member: MemberId, reward: str, key: str) -> dict[str, Any]:
        """Take the points for the reward, once per Idempotency-Key; the answer has the voucher's code."""
        path = f"/v1/members/{member}/redemptions"
        return _called(functions.redemption.handler.handler, "POST", path, {"reward_id": reward}, status=201, key=key)

    def use_voucher(self, member: MemberId, code: str, order_id: str) -> dict[str, Any]:
        """Take a voucher for an order, as the till does."""
        body = {"code": code, "member_id": member, "order_id": order_id}
        return _called(functions.redemption.handler.handler, "POST", "/v1/vouchers/redeem", body)

    def wallet(self, member: MemberId, **query: str) -> dict[str, Any]:
        """A member's points, now or `as_of` a past day."""
        return _called(functions.wallets.handler.handler, "GET", f"/v1/members/{member}/wallet", query=query)

    def simulate(self, body: str) -> dict[str, Any]:
        """What a dry run tells; the body is JSON text."""
        return _called(functions.program.handler.handler, "POST", "/v1/program/simulations", body, scope=OPERATOR)


@dataclass(frozen=True)
class StoredShop(Shop):
    """A shop on the DynamoDB adapter, over a table of its own."""

    store: Store


def grocer_program(after: int = 365, rounded_to: str = "day") -> dict[str, Any]:
    """The demo's program document without its tiers (see tiers.py), with another life of its points where asked."""
    document: dict[str, Any] = json.loads(GROCER.read_text(encoding="utf-8"))
    document.pop("tiers", None)
    document["currencies"][0]["expiry"] = {"after": after, "rounded_to": rounded_to}
    return document


def open_shop(engine: EngineName, document: dict[str, Any] | None = None) -> AbstractContextManager[Shop]:
    """A shop whose program has been in force since DAWN; by default the grocer's."""
    return open_stored_shop(document) if engine == "ministack" else _open_in_memory(document)


@contextmanager
def _open_in_memory(document: dict[str, Any] | None) -> Iterator[Shop]:
    clock = FakeClock(DAWN)
    ledger, programs = MemoryLedger(clock), FixedPrograms(_first_version(document))
    rewards, attempts = MemoryRewards(ledger), MemoryCodes(ledger)

    def enrol(household: str) -> MemberId:
        member = MemberId(f"household-{household}")
        ledger.open(member, clock.now())
        return member

    codes = secrets.SystemRandom()
    with _wired(SimpleNamespace(ledger=ledger, programs=programs, clock=clock, attempts=attempts, code_rng=codes)):
        yield Shop(ledger, programs, rewards, clock, enrol)


@contextmanager
def open_stored_shop(document: dict[str, Any] | None = None) -> Iterator[StoredShop]:
    """A shop as `open_shop` makes it, over MiniStack's DynamoDB in process."""
    clock = FakeClock(DAWN)
    with ministack_table(product_client) as engine:
        wired = wiring.wire(Settings(table=engine.table, stage="local"), engine.client, clock, Backoff())
        wired.programs.add(_first_version(document))
        # A year passes in a minute; what is measured here is the warm path, where the program was read a moment ago.
        wired.programs.timer = lambda: 0
        wired.programs.latest()

        def enrol(household: str) -> MemberId:
            body = {"customer_id": household}
            answer = _called(functions.members.handler.handler, "POST", "/v1/members", body, status=201)
            return MemberId(answer["member_id"])

        with _wired(wired):
            store = Store(engine.client, engine.table)
            yield StoredShop(wired.ledger, wired.programs, wired.rewards, clock, enrol, store)


def _first_version(document: dict[str, Any] | None) -> ProgramVersion:
    return ProgramVersion(1, DAWN, DAWN, parse_program(document or grocer_program()))


@contextmanager
def _wired(wired: Any) -> Iterator[None]:
    """Let the handlers find `wired`, and keep their line per request out of a year's output."""
    level = app.logger.log_level
    app.logger.setLevel("ERROR")
    try:
        with patch.object(wiring, "wired", lambda: wired):
            yield
    finally:
        app.logger.setLevel(level)


def _called(
    handler: Handler,
    method: str,
    path: str,
    body: dict[str, Any] | str | None = None,
    *,
    query: dict[str, str] | None = None,
    key: str | None = None,
    status: int = 200,
    scope: str = POS,
) -> dict[str, Any]:
    """The answer to the shop's request, which must be `status`; `key` is sent as the Idempotency-Key."""
    event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "queryStringParameters": query or {},
        "headers": {"content-type": "application/json", **({"idempotency-key": key} if key else {})},
        "requestContext": {
            "http": {"method": method, "path": path},
            "stage": "$default",
            "authorizer": {"jwt": {"claims": {"iss": "staff", "client_id": "till", "scope": scope}}},
        },
        "isBase64Encoded": False,
        **({} if body is None else {"body": body if isinstance(body, str) else json.dumps(body)}),
    }
    answer = handler(event, None)
    assert answer["statusCode"] == status, (
        f"{method} {path} {str(body)[:2_000]} was answered {answer['statusCode']} {answer['body']}"
    )
    parsed: dict[str, Any] = json.loads(answer["body"])
    return parsed
