"""The earning function in process: the handler's own code over a ledger in memory, or over MiniStack's request handler."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from unittest.mock import patch

import functions.earning.handler
import functions.members.handler
from shared.adapters.dynamodb.store import Backoff, Store
from shared.domain.entry import MemberId
from shared.domain.program import ProgramVersion, parse_program
from shared.entrypoint import app, wiring
from shared.entrypoint.settings import Settings
from shared.ports import Ledger, Programs
from tests.engines.ministack import ministack_table
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.memory_ledger import FixedPrograms, MemoryLedger

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
    clock: FakeClock
    enrol: Callable[[str], MemberId]

    def record(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send a purchase to the function; gives its answer. Raises AssertionError where it is refused."""
        return _called(functions.earning.handler.handler, "/v1/purchases", body)


@dataclass(frozen=True)
class StoredShop(Shop):
    """A shop on the DynamoDB adapter, over a table of its own."""

    store: Store


def grocer_program(after: int = 365, rounded_to: str = "day") -> dict[str, Any]:
    """The demo's program document, with another life of its points where asked."""
    document: dict[str, Any] = json.loads(GROCER.read_text(encoding="utf-8"))
    document["currencies"][0]["expiry"] = {"after": after, "rounded_to": rounded_to}
    return document


def open_shop(engine: EngineName, document: dict[str, Any] | None = None) -> AbstractContextManager[Shop]:
    """A shop whose program has been in force since DAWN; by default the grocer's."""
    return open_stored_shop(document) if engine == "ministack" else _open_in_memory(document)


@contextmanager
def _open_in_memory(document: dict[str, Any] | None) -> Iterator[Shop]:
    clock = FakeClock(DAWN)
    ledger, programs = MemoryLedger(clock), FixedPrograms(_first_version(document))

    def enrol(household: str) -> MemberId:
        member = MemberId(f"household-{household}")
        ledger.open(member, clock.now())
        return member

    with _wired(SimpleNamespace(ledger=ledger, programs=programs)):
        yield Shop(ledger, programs, clock, enrol)


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
            answer = _called(functions.members.handler.handler, "/v1/members", {"customer_id": household})
            return MemberId(answer["member_id"])

        with _wired(wired):
            yield StoredShop(wired.ledger, wired.programs, clock, enrol, Store(engine.client, engine.table))


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


def _called(handler: Handler, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer of a till's POST, which must be 201."""
    event = {
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": "POST", "path": path},
            "stage": "$default",
            "authorizer": {"jwt": {"claims": {"iss": "staff", "client_id": "till", "scope": "laurel/pos"}}},
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    answer = handler(event, None)
    assert answer["statusCode"] == 201, f"POST {path} {body} was answered {answer['statusCode']} {answer['body']}"
    parsed: dict[str, Any] = json.loads(answer["body"])
    return parsed
