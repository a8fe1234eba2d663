"""The real handlers over MiniStack: killed in the middle, started again twice, everything delivered twice; given exactly once.

As tests/campaigns/test_exactly_once.py, with fewer members and the product's own adapters. The stage's books are proven too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.bonuses import handler as bonuses
from shared.entrypoint import outlets
from tests.campaigns.storm import Killed, StormyMachine
from tests.contract.campaigner import Context
from tests.engines.engine import Engine
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.functional.campaigning import Campaigning, campaign
from tests.functional.conftest import Stage

MEMBERS, POINTS, KILLED_AFTER = 300, 50, 187
CAMPAIGN = "/v1/campaigns/we_miss_you"
CURRENCY = {"code": "points", "expiry": {"after": 365, "rounded_to": "day"}, "cost": {"points": 1, "minor_units": 1}}


@dataclass
class MortalClient:
    """A client whose callers all die right after the bonus that is the `last` was posted: they never hear of it."""

    client: Any
    last: int | None = None
    given: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        """As the client's."""
        with self.lock:
            self._die()
            answer = self.client.transact_write_items(**arguments)
            self.given += sum(_is_grant(write) for write in arguments["TransactItems"])
            self._die()
        return answer

    def _die(self) -> None:
        if self.last is not None and self.given >= self.last:
            raise Killed


def _is_grant(write: dict[str, Any]) -> bool:
    item = write.get("Put", {}).get("Item", {})
    return item.get("pk", {}).get("S", "").startswith("GRANT#") and item["sk"]["S"] == "GRANT"


@pytest.fixture
def client(engine: Engine) -> MortalClient:
    return MortalClient(engine.client)


@pytest.fixture
def bare_stage(make_stage: Callable[..., Stage], client: MortalClient) -> Any:
    """A stage on that client; its books must balance at the end."""
    stage = make_stage(client=client)
    yield stage
    assert stage.breaks() == []


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> StormyMachine:
    machine = StormyMachine(bonuses.handler, workers=4)
    monkeypatch.setattr(outlets, "machine", lambda: machine)
    return machine


def test_a_run_that_was_killed_and_repeated_gives_what_its_dry_run_said(
    bare_stage: Stage, client: MortalClient, machine: StormyMachine, clock: FakeClock
) -> None:
    shop = Campaigning(bare_stage, clock, FakeMachine(lambda work: work))

    def tick(times: int = 1) -> None:
        for _ in range(times):
            bonuses.handler({"source": "aws.events", "detail-type": "Scheduled Event"}, Context())
        machine.work()

    shop.offer(campaign("we_miss_you", {"kind": "silence", "days": 60}, POINTS), currencies=[CURRENCY])
    members = [shop.member(f"m{number}") for number in range(MEMBERS)]
    for member in members[::3]:
        shop.buys(member)
    tick(2)
    clock.advance(days=60)

    started = shop.operator.post(f"{CAMPAIGN}/dry-runs", {"breakage_percent": 20}).json
    machine.work()
    dry = shop.operator.get(f"{CAMPAIGN}/dry-runs/{started['period']}").json
    assert (dry["state"], dry["members"], dry["cost"]) == ("done", MEMBERS, 12_000)

    shop.act("we_miss_you")
    client.last = KILLED_AFTER
    with pytest.raises(Killed):
        tick()
    client.last = None
    assert shop.operator.get(f"{CAMPAIGN}/report").json["granted"] == KILLED_AFTER
    for _ in range(2):
        clock.advance(minutes=61)
        bonuses.handler({"source": "aws.events", "detail-type": "Scheduled Event"}, Context())
    tick(2)

    report = shop.operator.get(f"{CAMPAIGN}/report").json
    assert (report["granted"], report["points"][0]["given"]) == (MEMBERS, MEMBERS * POINTS)
    assert (report["granted"], report["points"][0]["given"]) == (dry["granted"], dry["points"][0]["given"])
    assert [len(shop.grants(member)) for member in members] == [1] * MEMBERS
    assert bare_stage.wiring.runs.going() == []

    # No second time, until there was something and 60 days.
    clock.advance(days=30)
    tick()
    shop.buys(members[0])
    clock.advance(days=59)
    tick()
    assert client.given == MEMBERS
    clock.advance(days=1)
    tick()
    assert (client.given, len(shop.grants(members[0]))) == (MEMBERS + 1, 2)
