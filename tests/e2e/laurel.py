"""A deployed Laurel of the tests' own: its cloud, its API, and callers of every kind."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from infra.local_cloud.api import Caller
from infra.local_cloud.cloud import Cloud
from infra.local_cloud.state import LocalFolder
from infra.local_cloud.tokens import IdentityProvider


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

    def order(self, member_id: str, *, amount: int = 1_000) -> dict[str, Any]:
        """A new order of that member, paid right now by the stage's clock; `amount` in cents."""
        return {
            "order_id": self.new_id("order"),
            "member_id": member_id,
            "currency": "USD",
            "occurred_at": self.operator.expect("GET", "/v1/test-clock")["now"],
            "lines": [{"sku": "tea", "quantity": 1, "amount": amount}],
        }

    def wallet(self, member_id: str) -> dict[str, Any]:
        """The member's wallet, as a till sees it."""
        return self.pos.expect("GET", f"/v1/members/{member_id}/wallet")
