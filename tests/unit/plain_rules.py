"""What an order earns, once more and as plainly as can be, from the program's JSON and the rules of points alone.

An order is a list of lines; every number is a Fraction until the one floor. Nothing here comes from the domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class PlainLine:
    sku: str
    category: str | None
    quantity: int
    amount: int


@dataclass
class PlainOrder:
    """An order, what was paid with rewards, and what was given back: minor units by line, and off all lines."""

    lines: Sequence[PlainLine]
    rewards: int = 0
    off_lines: dict[int, int] = field(default_factory=dict)
    off_all: int = 0

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def left(self) -> int:
        return self.total - sum(self.off_lines.values()) - self.off_all

    def net(self, number: int) -> Fraction:
        """What is left of a line."""
        before = [line.amount - self.off_lines.get(n, 0) for n, line in enumerate(self.lines)]
        return Fraction(before[number]) - Fraction(before[number] * self.off_all, sum(before)) if sum(before) else Fraction(0)

    def money(self, number: int) -> Fraction:
        """What is left of a line of what was paid for it with money."""
        return self.net(number) * (Fraction(self.total - self.rewards, self.total) if self.total else 1)


@dataclass(frozen=True)
class Given:
    """What a rule gives, exactly, after its caps; the room it had, if it has a cap, and the fraction that it left."""

    rule: str
    exact: Fraction
    base: bool
    room: int | None
    kept: Fraction = Fraction(1)


@dataclass
class PlainRating:
    """An order rated in one currency. `benefits` are multipliers of tiers and memberships, `(name, percent)`.

    `left` are points that each cap leaves. For a refund, `first` is what the whole order was given: rules that gave nothing
    give nothing now, caps have the room that they had, and each line keeps the fraction of its points that they left.
    """

    program: Json
    order: PlainOrder
    currency: str
    benefits: Sequence[tuple[str, int]] = ()
    left: dict[str, int] = field(default_factory=dict)
    first: Sequence[Given] | None = None

    def given(self) -> list[Given]:
        base = [rule for rule in self._rules("purchase") if self._may(rule)]
        found: list[Given] = []
        self.by_line = {number: Fraction(0) for number in range(len(self.order.lines))}
        self.all = Fraction(0)
        found.extend(self._base(rule) for rule in base)
        bonuses = [rule for rule in self._rules("multiplier", "bonus") if self._may(rule)]
        found_benefits = [{"id": name, "kind": "multiplier", "percent": percent} for name, percent in self.benefits]
        bonuses += [benefit for benefit in found_benefits if self._may(benefit)]
        if self.program["stacking"] == "best":
            tried = [(self._bonus(rule, take=False), rule) for rule in bonuses if self._wish(rule)]
            if tried:
                best = max(given.exact for given, _ in tried)
                found.append(self._bonus(next(rule for given, rule in tried if given.exact == best)))
            return found
        for rule in bonuses:
            if self._wish(rule):
                given = self._bonus(rule)
                found.append(given)
                if self.program["stacking"] == "multiplicative" and rule["kind"] == "multiplier":
                    self._raise(rule, given)
        return found

    def _may(self, rule: Json) -> bool:
        return self.first is None or any(one.rule == rule["id"] and (one.exact or not one.base) for one in self.first)

    def _kept(self, rule: Json, exact: Fraction, wish: Fraction) -> Fraction:
        if self.first is not None:
            return next(one.kept for one in self.first if one.rule == rule["id"])
        return exact / wish if wish else Fraction(1)

    def _rules(self, *kinds: str) -> list[Json]:
        return [r for r in self.program["earning_rules"] if r["kind"] in kinds and r["currency"] == self.currency]

    def _lines(self, rule: Json) -> list[int]:
        """The lines that a rule looks at and that earn."""
        when, excluded = rule.get("when", {}), self.program["exclusions"]
        return [
            number
            for number, line in enumerate(self.order.lines)
            if line.category not in excluded["categories"]
            and line.sku not in excluded["skus"]
            and (not when.get("categories") or line.category in when["categories"])
            and (not when.get("skus") or line.sku in when["skus"])
        ]

    def _reached(self, rule: Json) -> bool:
        when, lines = rule.get("when", {}), self._lines(rule)
        money = sum((self.order.money(number) for number in lines), Fraction(0))
        return money > 0 and money >= when.get("amount_min", 0) and money <= when.get("amount_max", 10**12)

    def _room(self, rule: Json) -> int | None:
        if self.first is not None:
            return next(one.room for one in self.first if one.rule == rule["id"])
        return min((self.left[cap] for cap in rule.get("caps", [])), default=None)

    def _take(self, rule: Json, points: int) -> None:
        for cap in rule.get("caps", []):
            if self.first is None:
                self.left[cap] -= points

    def _base(self, rule: Json) -> Given:
        lines, whole = {}, Fraction(0)
        if self._reached(rule):
            if "per_visit" in rule:
                whole = Fraction(rule["per_visit"]["points"])
            for number in [] if whole else self._lines(rule):
                line = self.order.lines[number]
                if "per_amount" in rule:
                    lines[number] = self.order.money(number) * rule["per_amount"]["points"] / rule["per_amount"]["minor_units"]
                elif "per_item" in rule and line.amount:
                    lines[number] = rule["per_item"]["points"] * line.quantity * self.order.money(number) / line.amount
        wish = sum(lines.values(), whole)
        room = self._room(rule)
        exact = wish if room is None else min(wish, Fraction(room))
        self._take(rule, ceil(exact))
        given = Given(rule["id"], exact, True, room, self._kept(rule, exact, wish))
        for number, points in lines.items():
            self.by_line[number] += points * given.kept
        self.all += exact
        return given

    def _some(self, rule: Json) -> bool:
        """Whether a rule looks at some lines only."""
        return bool(rule.get("when", {}).get("categories") or rule.get("when", {}).get("skus"))

    def _wish(self, rule: Json) -> Fraction:
        if not self._reached(rule):
            return Fraction(0)
        if rule["kind"] == "bonus":
            return Fraction(rule["points"])
        base = sum((self.by_line[number] for number in self._lines(rule)), Fraction(0)) if self._some(rule) else self.all
        return base * (rule["percent"] - 100) / 100

    def _bonus(self, rule: Json, *, take: bool = True) -> Given:
        wish, room = self._wish(rule), self._room(rule)
        exact = wish if room is None else min(wish, Fraction(room))
        if take:
            self._take(rule, floor(exact))
        return Given(rule["id"], exact, False, room, self._kept(rule, exact, wish))

    def _raise(self, rule: Json, given: Given) -> None:
        """Each multiplier works on what those before it made of the base."""
        self.all += given.exact
        for number in self._lines(rule):
            self.by_line[number] *= 1 + Fraction(rule["percent"] - 100, 100) * given.kept


def whole(given: Sequence[Given]) -> int:
    """The order's points: one floor for all of it."""
    return floor(sum((one.exact for one in given), Fraction(0)))


def bonus_points(given: Sequence[Given]) -> dict[str, int]:
    """The bonuses' shares: the floor of each."""
    return {one.rule: floor(one.exact) for one in given if not one.base}
