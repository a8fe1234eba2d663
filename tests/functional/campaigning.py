"""A shop with campaigns: its program, the tick, the workers, and what members were given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from functions.bonuses import handler as bonuses
from functions.bonuses.run_tick import Tick, Ticked
from shared.domain.control import Act, Step
from shared.domain.entry import Entry, MemberId
from shared.domain.program import in_force
from shared.domain.subject import Grant
from shared.entrypoint import outlets
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.fake_machine import FakeMachine
from tests.functional.api import OPERATOR, POS, Caller
from tests.functional.conftest import Stage
from tests.functional.newcomer import MEMBERS


class Context:
    """A Lambda context with so many milliseconds left at each ask."""

    def __init__(self, milliseconds: int = 300_000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """What is left."""
        return self.milliseconds


def campaign(id: str, trigger: dict[str, Any], points: int = 50, **more: Any) -> dict[str, Any]:
    """A campaign's document."""
    document: dict[str, Any] = {
        "id": id,
        "name": id.title(),
        "owner": "crm",
        "reason": "a test",
        "trigger": trigger,
        "bonus": {"kind": "points", "currency": "points", "points": points},
    }
    return {**document, **more}


@dataclass
class Campaigning:
    """A stage, its clock, and its machine."""

    stage: Stage
    clock: FakeClock
    machine: FakeMachine
    till: Caller = field(default_factory=lambda: Caller(POS))
    operator: Caller = field(default_factory=lambda: Caller(OPERATOR, subject="operator-1"))
    versions: int = 1
    orders: int = 0

    def offer(self, *campaigns: dict[str, Any], effective_from: datetime = grocer.OPENED, **program: Any) -> None:
        """Put a program with these campaigns into force."""
        self.versions += 1
        self.stage.activate(grocer.version(self.versions, effective_from, campaigns=list(campaigns), **program))

    def act(self, id: str, act: Act = Act.START) -> None:
        """Do something with a campaign, as an operator does."""
        versions = self.stage.wiring.programs.latest()
        program = in_force(versions, self.clock.now()).program
        step = Step(act, self.clock.now(), "operator-1", "a test")
        self.stage.wiring.campaigns.change(
            id, lambda control: control.after(step, program.campaigns_by_id[id], program.time_zone)
        )

    def tick(self) -> dict[str, Any]:
        """The standing tick, and all that it starts."""
        answer = bonuses.handler({"source": "aws.events", "detail-type": "Scheduled Event"}, Context())
        self.machine.work()
        return answer

    def ticked(self) -> Ticked:
        """What one tick did, before any worker works."""
        return Tick(bonuses._giver(self.clock.now()), self.stage.wiring.runs, self.machine, bonuses._failed).run()

    def member(self, name: str, **told: Any) -> str:
        """Somebody who enrols now."""
        reply = self.till.post(MEMBERS, {"customer_id": f"customer-{name}", **told})
        assert reply.status == 201, reply
        member: str = reply.json["member_id"]
        return member

    def change(self, member: str, **told: Any) -> None:
        """The member's profile changes."""
        reply = self.till.patch(f"{MEMBERS}/{member}", told)
        assert reply.status == 200, reply

    def buys(self, member: str, amount: int = 1000, at: datetime | None = None) -> str:
        """An order; its id."""
        self.orders += 1
        order_id = f"order-{self.orders}"
        body = {
            "order_id": order_id,
            "member_id": member,
            "currency": "USD",
            "occurred_at": (at or self.clock.now()).isoformat().replace("+00:00", "Z"),
            "lines": [{"sku": "a", "quantity": 1, "amount": amount}],
        }
        reply = self.till.post("/v1/purchases", body)
        assert reply.status == 201, reply
        return order_id

    def entries(self, member: str) -> list[Entry]:
        """All entries of a member, the oldest first."""
        ledger = self.stage.wiring.ledger
        rows = list(ledger.rows(ledger.view(MemberId(member)).wallet))
        return [ledger.entry(row.key) for row in reversed(rows)]

    def grants(self, member: str) -> list[Grant]:
        """What campaigns gave a member."""
        return [entry.subject for entry in self.entries(member) if isinstance(entry.subject, Grant)]

    def points(self, member: str) -> int:
        """A member's balance."""
        reply = self.till.get(f"{MEMBERS}/{member}/wallet")
        return int(reply.json["currencies"][0]["balance"]) if reply.json["currencies"] else 0


@pytest.fixture
def shop(bare_stage: Stage, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Campaigning:
    """A shop with the grocer's program and no campaign yet."""
    machine = FakeMachine(lambda work: bonuses.handler(work, Context()))
    monkeypatch.setattr(outlets, "machine", lambda: machine)
    return Campaigning(bare_stage, clock, machine)
