"""A year of orders as dry runs: sent to the function in parts of whole households, and the answers put together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from functions.program.simulate_program import PARTS_MAX
from infra.local_cloud.demo import rfc3339
from infra.local_cloud.retail import RetailOrder
from shared.domain.calendar import first_of_next_month
from shared.entrypoint.app import BODY_BYTES_MAX
from tests.retail.replay import CURRENCY
from tests.retail.shop import Shop, grocer_program
from tests.retail.tiers import tiered_program

MONTH_ENDS = [first_of_next_month(date(2017, month, 1)) - timedelta(days=1) for month in range(1, 13)]
SIDES = ("draft", "active")


MULTIPLIERS = {"silver": 110, "gold": 125, "platinum": 150}
"""Percent of the base by tier."""


def plain_program() -> dict[str, Any]:
    """The active side: of the grocer's program, the points for money alone."""
    document = grocer_program()
    base = [rule for rule in document["earning_rules"] if rule["kind"] == "purchase"]
    return {name: part for name, part in document.items() if name != "tiers"} | {"earning_rules": base}


def lively_program() -> dict[str, Any]:
    """The draft: the same with tiers that give more, and weekends before Christmas that double under two caps."""
    document = plain_program()
    tiers = tiered_program()["tiers"]
    for level in tiers["levels"]:
        if percent := MULTIPLIERS.get(level["id"]):
            level["benefits"] = {"multipliers": [{"currency": CURRENCY, "percent": percent}]}
    season = {
        "id": "christmas",
        "time_zone": document["time_zone"],
        "starts": "2017-11-25T00:00",
        "ends": "2017-12-25T00:00",
        "weekdays": ["saturday", "sunday"],
    }
    weekend = {
        "id": "weekend",
        "kind": "multiplier",
        "currency": CURRENCY,
        "percent": 200,
        "when": {"seasons": [season["id"]]},
        "caps": ["each", "budget"],
    }
    return {
        **document,
        "tiers": tiers,
        "seasons": [season],
        "caps": [
            {"id": "each", "currency": CURRENCY, "scope": "member", "points": 100},
            {"id": "budget", "currency": CURRENCY, "scope": "program", "points": 75_000},
        ],
        "earning_rules": [*document["earning_rules"], weekend],
    }


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders of one or more whole households, each as JSON text: a year of them as objects is a gigabyte."""

    texts: Sequence[str]
    households: int = 1

    @property
    def size(self) -> int:
        """Bytes in a request, commas included."""
        return sum(len(text) + 1 for text in self.texts)

    def __add__(self, other: Orders) -> Orders:
        return Orders([*self.texts, *other.texts], self.households + other.households)


def by_household(orders: Iterable[RetailOrder]) -> list[Orders]:
    """The orders of each household, by its number."""
    found: dict[str, list[str]] = {}
    for order in orders:
        found.setdefault(order.household, []).append(_text(order))
    return [Orders(found[household]) for household in sorted(found, key=int)]


def _text(order: RetailOrder) -> str:
    # Without category, channel and store, which neither program asks for, the largest household's year fits one request.
    lines = [{"sku": line.sku, "quantity": line.quantity, "amount": line.amount} for line in order.lines]
    body = {
        "order_id": order.order_id,
        "member_id": order.household,
        "currency": "USD",
        "occurred_at": rfc3339(order.occurred_at),
        "lines": lines,
    }
    return json.dumps(body, separators=(",", ":"))


def in_parts(households: Iterable[Orders], size: int) -> Iterator[Orders]:
    """As many whole households at a time as one request takes: at most `size` bytes of orders."""
    part = Orders([], 0)
    for one in households:
        if part.texts and (part.size + one.size > size or len(part.texts) + len(one.texts) > PARTS_MAX):
            yield part
            part = Orders([], 0)
        part += one
    if part.texts:
        yield part


@dataclass
class Side:
    """What one program gives in all: by rule, by cap, by the end of a day and tier, points and their cost in cents in all."""

    points: int = 0
    cost: int = 0
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    caps: dict[str, Counter[str]] = field(default_factory=dict)
    tiers: dict[date, Counter[str]] = field(default_factory=dict)
    refused: int = 0

    def add(self, answer: dict[str, Any]) -> None:
        """Put one part's answer to the others."""
        for rule in answer["rules"]:
            self.rules.setdefault(rule["rule"], Counter()).update(_numbers(rule))
        for cap in answer["caps"]:
            self.caps.setdefault(cap["cap"], Counter()).update(_numbers(cap))
        for day in answer["tiers"]:
            levels = {level["tier"] or "none": level["members"] for level in day["levels"]}
            self.tiers.setdefault(date.fromisoformat(day["day"]), Counter()).update(levels)
        self.refused += sum(refused["count"] for refused in answer["refused"])


def _numbers(row: dict[str, Any]) -> dict[str, int]:
    return {name: value for name, value in row.items() if isinstance(value, int)}


def _nothing(_: Orders) -> None: ...


@dataclass
class DryRun:
    """Sends parts of a year one after the other, each with the budgets that the part before left.

    `groups` are members and points of winners and losers; `top` the ten of each with the greatest difference.
    """

    shop: Shop
    document: dict[str, Any]
    days: Sequence[date] = tuple(MONTH_ENDS)
    on_part: Callable[[Orders], None] = _nothing
    parts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    sides: dict[str, Side] = field(default_factory=lambda: {side: Side() for side in SIDES})
    groups: dict[str, Counter[str]] = field(default_factory=lambda: {"winners": Counter(), "losers": Counter()})
    top: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"winners": [], "losers": []})
    carry: dict[str, Any] = field(default_factory=dict)
    largest: int = 0

    def run(self, households: Iterable[Orders]) -> None:
        """Send the orders of these households."""
        for part in in_parts(households, BODY_BYTES_MAX - len(self._body([])) - 1_000):
            body = self._body(part.texts)
            self.largest = max(self.largest, len(body))
            self._add(self.shop.simulate(body))
            self.on_part(part)

    def _body(self, texts: Sequence[str]) -> str:
        days = [day.isoformat() for day in self.days]
        head = {"program": self.document, "tier_days": days, "carry": self.carry}
        return f'{json.dumps(head, separators=(",", ":"))[:-1]},"orders":[{",".join(texts)}]}}'

    def _add(self, answer: dict[str, Any]) -> None:
        self.parts += 1
        self.counts.update(answer["counts"])
        self.carry = answer["carry"]
        [currency] = answer["currencies"]
        for name, side in self.sides.items():
            side.points += currency["points"][name]
            side.cost += currency["cost"][name]
            side.add(answer[name])
        for name, group in self.groups.items():
            told = currency[name]
            group.update(members=told["members"], points=told["points"])
            self.top[name] = sorted([*self.top[name], *told["top"]], key=lambda change: -abs(change["difference"]))[:10]
