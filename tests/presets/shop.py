"""A shop that runs a preset: what its customers, tills and operators do, whichever way the API is reached."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

FOLDER = Path(__file__).parents[2] / "docs" / "presets"
PRESETS = sorted(path.stem for path in FOLDER.glob("*.json"))
STOCK = 10
"""How many there are of a reward that can sell out."""
Shares = dict[str, int]
"""Points by the rule that gave them."""


def preset(id: str) -> dict[str, Any]:
    """A preset's file."""
    found: dict[str, Any] = json.loads((FOLDER / f"{id}.json").read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Told:
    """An answer of the API."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        """The parsed body, whatever it is."""
        return json.loads(self.text)

    @property
    def ok(self) -> Any:
        """The parsed body of a request that succeeded."""
        assert 200 <= self.status < 300, self.text
        return self.json

    @property
    def refusal(self) -> str:
        """The short name of the problem that was met."""
        assert self.status >= 400, self.text
        kind: str = self.json["type"]
        return kind.removeprefix("urn:laurel:problem:")


class Desk(Protocol):
    """Someone who calls the API with a token of their own."""

    def __call__(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Told: ...


@dataclass(frozen=True)
class Member:
    """A member of the shop's program, with the app they signed in to where they have one."""

    id: str
    app: Desk | None = None


@dataclass
class Shop:
    """A stage with a preset in force. `wait` lets the stage's time pass; `sign_in` gives a new login and its app."""

    preset: dict[str, Any]
    till: Desk
    operator: Desk
    now: Callable[[], datetime]
    wait: Callable[[timedelta], None]
    sign_in: Callable[[str], tuple[dict[str, str], Desk]]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @cached_property
    def version(self) -> int:
        """The number under which the preset is in force."""
        found: int = self.operator("GET", "/v1/program").ok["in_force"]
        return found

    def open(self) -> None:
        """Put the preset in force, its rewards into the catalog, and stock on the shelves."""
        program = self.preset["program"]
        activated = self.operator("PUT", "/v1/program", {"program": program}).ok
        self.wait(max(datetime.fromisoformat(activated["effective_from"]) - self.now(), timedelta()))
        assert self.version == activated["version"]
        for reward in self.preset["rewards"]:
            path = f"/v1/rewards/{reward['id']}"
            self.operator("PUT", path, reward).ok  # noqa: B018
            if reward.get("stock_limited"):
                self.operator("PUT", f"{path}/stock", {"total": STOCK}).ok  # noqa: B018

    def new_id(self, kind: str) -> str:
        """An id that nothing else has."""
        return f"{self.preset['id']}-{kind}-{next(self._numbers)}"

    def join(self, *, with_app: bool = False, by: Member | None = None, **attributes: Any) -> Member:
        """A new member with these attributes in the profile, who may come by the code of another."""
        body: dict[str, Any] = {"customer_id": self.new_id("customer"), "attributes": attributes}
        app = None
        if with_app:
            body["login"], app = self.sign_in(self.new_id("login").replace("_", "-"))
        if by is not None:
            body["referral"] = {"code": self.till("GET", f"/v1/members/{by.id}/referral-code").ok["code"]}
        return Member(self.till("POST", "/v1/members", body).ok["member_id"], app)

    def brought(self, friend: Member) -> tuple[Shares, Shares]:
        """What each rule gave for bringing a friend: to the advocate, and to the friend."""
        award = f"award:{friend.id}"
        return self.explained(f"{award}:advocate"), self.explained(award)

    def buy(self, member: Member, *lines: dict[str, Any], **fields: Any) -> Shares:
        """A purchase now: what each rule gave for it, as the entry explains it. A second later it is in the past."""
        order = self.order(member, *lines, **fields)
        entry = self.till("POST", "/v1/purchases", order).ok
        self.wait(timedelta(seconds=1))
        return self.explained(entry["entry_id"])

    def order(self, member: Member, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """The body of a purchase now."""
        money = self.preset["program"]["money_currency"]
        body = {"order_id": self.new_id("order"), "member_id": member.id, "currency": money, "lines": [*lines]}
        return body | {"occurred_at": f"{self.now():%Y-%m-%dT%H:%M:%SZ}"} | fields

    def does(self, member: Member, activity: str, **fields: Any) -> Told:
        """The member did something; each time with a proof of its own."""
        body = {"activity": activity, "activity_id": self.new_id("proof"), "member_id": member.id}
        told = self.till("POST", "/v1/activities", body | {"occurred_at": f"{self.now():%Y-%m-%dT%H:%M:%SZ}"} | fields)
        self.wait(timedelta(seconds=1))
        return told

    def bill(self, member: Member, plan: str, kind: str, **fields: Any) -> None:
        """The billing provider tells of a plan."""
        body = {"event_id": self.new_id("bill"), "member_id": member.id, "plan": plan, "kind": kind}
        told = self.till("POST", "/v1/memberships/events", body | {"occurred_at": f"{self.now():%Y-%m-%dT%H:%M:%SZ}"} | fields)
        assert told.status < 300, told.text
        self.wait(timedelta(seconds=1))

    def explained(self, entry_id: str) -> Shares:
        """What each rule gave in an entry; all of it by this version of the program, and adding up to the entry's points."""
        entry = self.till("GET", f"/v1/entries/{entry_id}").ok
        shares: Shares = {}
        for earned in entry["earned"]:
            assert {why["program_version"] for why in earned["why"]} <= {self.version}
            assert (
                sum(why["points"] for why in earned["why"]) == earned["points"] == sum(lot["points"] for lot in earned["lots"])
            )
            shares |= {why["rule"]: why["points"] for why in earned["why"] if why["points"]}
        return shares

    def balance(self, member: Member, currency: str) -> int:
        """What the member can spend of a currency."""
        wallet = self.till("GET", f"/v1/members/{member.id}/wallet").ok
        return sum(purse["balance"] for purse in wallet["currencies"] if purse["currency"] == currency)

    def pending(self, member: Member, currency: str) -> int:
        """What the member has of a currency and cannot spend yet."""
        wallet = self.till("GET", f"/v1/members/{member.id}/wallet").ok
        return sum(purse["pending"] for purse in wallet["currencies"] if purse["currency"] == currency)

    def tier(self, member: Member) -> dict[str, Any]:
        """The member's tier, its benefits and what is missing for the next."""
        found: dict[str, Any] = self.till("GET", f"/v1/members/{member.id}/tier").ok
        return found

    def prices(self, member: Member) -> Shares:
        """The rewards that the member sees, with the fewest points each takes."""
        offers = self.till("GET", f"/v1/members/{member.id}/rewards").ok["rewards"]
        return {offer["id"]: offer["price"].get("points", offer["price"].get("points_min")) for offer in offers}

    def quote(self, member: Member, reward: str, **fields: Any) -> dict[str, Any]:
        """What a reward would take and be worth now."""
        path = f"/v1/members/{member.id}/redemptions/quote"
        found: dict[str, Any] = self.till("POST", path, {"reward_id": reward, **fields}).ok
        return found

    def redeem(self, member: Member, reward: str, **fields: Any) -> Told:
        """The member asks for a reward."""
        path = f"/v1/members/{member.id}/redemptions"
        return self.till("POST", path, {"reward_id": reward, **fields}, key=self.new_id("wish"))


def line(category: str, amount: int, quantity: int = 1) -> dict[str, Any]:
    """A line of an order; `amount` in minor units."""
    return {"sku": f"{category}-1", "category": category, "quantity": quantity, "amount": amount}
