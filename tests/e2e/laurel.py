"""A deployed Laurel of the tests' own: its cloud, its API, and callers of every kind."""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.local_cloud.api import Caller
from infra.local_cloud.cloud import Cloud
from infra.local_cloud.demo import rfc3339
from infra.local_cloud.state import LocalFolder
from infra.local_cloud.tokens import IdentityProvider

STALENESS_SECONDS = 1.5
"""Real seconds after which every function of a sandbox stage has seen a new version of the program."""


@dataclass
class Laurel:
    """What a test may use. The test clock stands at the dawn of 2017; whoever moves it can't move it back."""

    folder: LocalFolder
    cloud: Cloud
    outputs: dict[str, str]
    address: str
    identities: IdentityProvider
    _open: ExitStack = field(default_factory=ExitStack)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.stranger = self.caller(None)
        self.pos = self.caller(self.identities.pos_token())
        self.operator = self.caller(self.identities.operator_token())

    def caller(self, token: str | None) -> Caller:
        """A caller with that token; closed with the rest."""
        caller = Caller.at(self.address, token)
        self._open.callback(caller.http.close)
        return caller

    def close(self) -> None:
        """Hang up."""
        self._open.close()
        self.cloud.close()

    def new_id(self, kind: str) -> str:
        """An id that no other test uses."""
        return f"{kind}-{next(self._numbers)}"

    def enrol(self, **fields: Any) -> str:
        """A new member's id."""
        member_id: str = self.pos.expect("POST", "/v1/members", {"customer_id": self.new_id("customer"), **fields})["member_id"]
        return member_id

    def enrol_with(self, points: int) -> str:
        """A new member's id, who has so many points: the grocer gives one for a dollar."""
        member_id = self.enrol()
        self.pos.expect("POST", "/v1/purchases", self.order(member_id, amount=points * 100))
        return member_id

    def sign_up(self, name: str) -> tuple[str, Caller]:
        """A new member with a login of their own: the id, and the app they signed in to."""
        login = self.identities.member(f"{name}@example.com")
        member_id = self.enrol(login={"issuer": login.issuer, "subject": login.subject})
        return member_id, self.caller(self.identities.member_token(login.email))

    def reward(self, *, points: int, stock: int | None = None) -> str:
        """The id of a new reward, five dollars off; with `stock` there are only so many of it."""
        reward_id = self.new_id("reward").replace("-", "_")
        document = {
            "name": "Five dollars off",
            "benefit": {"kind": "discount", "amount": 500},
            "currency": "points",
            "price": {"points": points},
            "stock_limited": stock is not None,
        }
        self.operator.expect("PUT", f"/v1/rewards/{reward_id}", document)
        if stock is not None:
            self.operator.expect("PUT", f"/v1/rewards/{reward_id}/stock", {"total": stock})
        return reward_id

    def stock(self, reward_id: str) -> dict[str, Any]:
        """How many there are of a reward."""
        found: dict[str, Any] = self.pos.expect("GET", f"/v1/rewards/{reward_id}")["stock"]
        return found

    def order(self, member_id: str, *, amount: int = 1_000) -> dict[str, Any]:
        """A new order of that member, paid right now by the stage's clock; `amount` in cents."""
        return {
            "order_id": self.new_id("order"),
            "member_id": member_id,
            "currency": "USD",
            "occurred_at": self.operator.expect("GET", "/v1/test-clock")["now"],
            "lines": [{"sku": "tea", "quantity": 1, "amount": amount}],
        }

    def now(self) -> datetime:
        """The stage's time."""
        return datetime.fromisoformat(self.operator.expect("GET", "/v1/test-clock")["now"])

    def move_clock(self, instant: datetime) -> None:
        """Set the stage's clock forward."""
        self.operator.expect("PUT", "/v1/test-clock", {"now": rfc3339(instant)})

    def put_in_force(self, program: dict[str, Any]) -> int:
        """Put a program in force and wait until every function has seen it; gives its version."""
        activated = self.operator.expect("PUT", "/v1/program", {"program": program})
        self.move_clock(max(self.now(), datetime.fromisoformat(activated["effective_from"])))
        time.sleep(STALENESS_SECONDS)
        version: int = activated["version"]
        return version

    def wallet(self, member_id: str) -> dict[str, Any]:
        """The member's wallet, as a till sees it."""
        return self.pos.expect("GET", f"/v1/members/{member_id}/wallet")
