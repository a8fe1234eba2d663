"""What rules give for an order: exact parts, capped, floored once (the rules of points, 10, 12, 15).

A refund asks the same question again with what is left of the order and the inputs that were stored: the rules that gave
something, and the room that their caps had left. So undoing is exact.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Protocol

from shared.domain.purchase import Line, Purchase
from shared.domain.rule import BonusRule, MultiplierRule, PurchaseRule, When

NOTHING = Fraction(0)
EVERY_LINE = When()


@dataclass(frozen=True, slots=True)
class Standalone:
    """A multiplier that is no rule of the document: a tier's or a membership's."""

    id: str
    currency: str
    percent: int
    when: When = EVERY_LINE
    qualifying: bool = False


Bonus = MultiplierRule | BonusRule | Standalone


class Rooms(Protocol):
    """What the caps of rules leave."""

    def of(self, rule: str) -> int | None:
        """The points that the rule may still give; None where it has no cap."""
        ...

    def take(self, rule: str, points: int) -> None:
        """The rule gives up to so many points of the order."""
        ...

    def most(self, rule: str) -> int | None:
        """The points that the rule gave before, which it never exceeds again; None where it has no cap or gave nothing yet."""
        ...


@dataclass
class SharedRooms:
    """Rooms of caps, each shared by all rules that name it. `left` are points by cap, `caps` the caps of each rule."""

    left: dict[str, int]
    caps: Mapping[str, Sequence[str]]

    def of(self, rule: str) -> int | None:
        """See Rooms."""
        return min((self.left[cap] for cap in self.caps.get(rule, ())), default=None)

    def take(self, rule: str, points: int) -> None:
        """See Rooms."""
        for cap in self.caps.get(rule, ()):
            self.left[cap] -= points

    def most(self, rule: str) -> int | None:
        """See Rooms."""


@dataclass(frozen=True)
class StoredRooms:
    """Rooms as they were offered to rules with a cap when the order was recorded, and the points that each gave."""

    rooms: Mapping[str, int] = field(default_factory=dict)
    gave: Mapping[str, int] = field(default_factory=dict)

    def of(self, rule: str) -> int | None:
        """See Rooms."""
        return self.rooms.get(rule)

    def take(self, rule: str, points: int) -> None:
        """See Rooms."""

    def most(self, rule: str) -> int | None:
        """See Rooms."""
        return self.gave.get(rule) if rule in self.rooms else None


@dataclass(frozen=True, slots=True)
class Basket:
    """What is left of an order to earn on.

    `amounts` are exact minor units of each line, 0 where a line earns nothing. `paid` is the share that was paid with money.
    """

    lines: tuple[Line, ...]
    amounts: tuple[Fraction, ...]
    paid: Fraction = Fraction(1)

    @classmethod
    def of(cls, purchase: Purchase, net: Sequence[Fraction | int], earns: Callable[[Line], bool]) -> "Basket":
        """The order with `net` minor units left of each line, of which those count that `earns` takes."""
        rewards = purchase.paid_with_rewards or 0
        paid = Fraction(purchase.amount - rewards, purchase.amount) if rewards else Fraction(1)
        amounts = (Fraction(amount) if earns(line) else NOTHING for line, amount in zip(purchase.lines, net, strict=True))
        return cls(purchase.lines, tuple(amounts), paid)

    def money(self) -> Fraction:
        """Minor units that count and were paid with money."""
        return sum(self.amounts, NOTHING) * self.paid

    def chosen(self, when: When) -> Sequence[int]:
        """The lines that a rule looks at, by number from 0."""
        if not when.chooses_lines:
            return range(len(self.lines))
        return [number for number, line in enumerate(self.lines) if when.chooses(line)]

    def reaches(self, when: When) -> bool:
        """Whether something is left of the lines that a rule looks at, and as much as it asks for."""
        left = sum((self.amounts[number] for number in self.chosen(when)), NOTHING)
        money = left * self.paid
        return (
            left > 0
            and (when.amount_min is None or money >= when.amount_min)
            and (when.amount_max is None or money <= when.amount_max)
        )

    def base(self, rule: PurchaseRule) -> tuple[dict[int, Fraction], Fraction]:
        """What a base rule gives by line, and for the order as a whole; exact."""
        if not self.reaches(rule.when):
            return {}, NOTHING
        if rule.per_visit is not None:
            return {}, Fraction(rule.per_visit.points)
        lines = [number for number in self.chosen(rule.when) if self.amounts[number]]
        if rule.per_amount is not None:
            rate = self.paid * rule.per_amount.points / rule.per_amount.minor_units
            return {number: self.amounts[number] * rate for number in lines}, NOTHING
        points = rule.per_item.points if rule.per_item else 0
        return {number: self._pieces(number) * points for number in lines}, NOTHING

    def _pieces(self, number: int) -> Fraction:
        """Pieces of a line, as far as they were paid for with money and not given back."""
        line = self.lines[number]
        return line.quantity * self.amounts[number] * self.paid / line.amount


@dataclass(frozen=True, slots=True)
class Part:
    """What a rule gives: `points` of what was `exact` after its caps, which left `room` (None: it has no cap)."""

    rule: str
    currency: str
    exact: Fraction
    room: int | None
    points: int = 0
    qualifying: bool = False


def accrue(
    basket: Basket, base: Sequence[PurchaseRule], bonuses: Sequence[Bonus], stacking: str, rooms: Rooms
) -> tuple[Part, ...]:
    """The parts of all rules; they add up to the order's points of each currency.

    `base` and `bonuses` are those whose conditions hold but for lines and amounts. Base rules are all among the parts, bonuses
    where they would give something if there were room. Rules that share a cap are served in this order. With stacking best only
    the best bonus of a currency is among the parts, the first on a tie.
    """
    parts: list[Part] = []
    for currency in dict.fromkeys(rule.currency for rule in (*base, *bonuses)):
        basis = _Basis(basket, [rule for rule in base if rule.currency == currency], rooms)
        offered = [bonus for bonus in bonuses if bonus.currency == currency]
        given = basis.best(offered) if stacking == "best" else basis.stacked(offered, stacking == "multiplicative")
        parts += _floored(basis.parts, given, rooms)
    return tuple(parts)


class _Basis:
    """What bonuses of a currency multiply: the base by line and for the order as a whole, after its caps."""

    def __init__(self, basket: Basket, rules: Sequence[PurchaseRule], rooms: Rooms) -> None:
        self._basket, self._rooms = basket, rooms
        self._lines = [NOTHING] * len(basket.lines)
        self._whole = NOTHING
        self.parts: list[Part] = []
        for rule in rules:
            lines, whole = basket.base(rule)
            wished = sum(lines.values(), whole)
            part = self._capped(rule, wished)
            rooms.take(rule.id, ceil(part.exact))
            cut = part.exact / wished if wished else NOTHING
            for number, points in lines.items():
                self._lines[number] += points * cut
            self._whole += whole * cut
            self.parts.append(part)

    def _capped(self, rule: PurchaseRule | Bonus, wished: Fraction) -> Part:
        room = self._rooms.of(rule.id)
        exact = wished if room is None else min(wished, Fraction(room))
        return Part(rule.id, rule.currency, exact, room, qualifying=rule.qualifying)

    def _wish(self, bonus: Bonus) -> Fraction:
        if not self._basket.reaches(bonus.when):
            return NOTHING
        if isinstance(bonus, BonusRule):
            return Fraction(bonus.points)
        base = sum((self._lines[number] for number in self._basket.chosen(bonus.when)), NOTHING)
        whole = NOTHING if bonus.when.chooses_lines else self._whole
        return (base + whole) * (bonus.percent - 100) / 100

    def stacked(self, bonuses: Sequence[Bonus], multiplicative: bool) -> list[Part]:
        """All bonuses, each on the base, or each on what those before it made of the base."""
        parts = []
        for bonus in bonuses:
            wish = self._wish(bonus)
            if not wish:
                continue
            part = self._capped(bonus, wish)
            self._rooms.take(bonus.id, floor(part.exact))
            parts.append(part)
            if multiplicative and not isinstance(bonus, BonusRule):
                self._grow(bonus, part.exact / wish)
        return parts

    def _grow(self, bonus: MultiplierRule | Standalone, cut: Fraction) -> None:
        factor = 1 + Fraction(bonus.percent - 100, 100) * cut
        for number in self._basket.chosen(bonus.when):
            self._lines[number] *= factor
        if not bonus.when.chooses_lines:
            self._whole *= factor

    def best(self, bonuses: Sequence[Bonus]) -> list[Part]:
        """The bonus that gives most after its caps, if any gives something."""
        parts = [self._capped(bonus, wish) for bonus in bonuses if (wish := self._wish(bonus))]
        if not parts:
            return []
        best = max(parts, key=lambda part: part.exact)
        self._rooms.take(best.rule, floor(best.exact))
        return [best]


def _floored(base: Sequence[Part], bonuses: Sequence[Part], rooms: Rooms) -> Iterator[Part]:
    """One floor for all: each bonus gets the floor of its own, the base what is left, never more than its caps."""
    total = floor(sum((part.exact for part in (*base, *bonuses)), NOTHING))
    points = {part.rule: floor(part.exact) for part in (*base, *bonuses)}
    left = total - sum(points.values())
    # To the rule that gives most; by its id on a tie, so that the order of rules does not matter.
    for part in sorted(base, key=lambda part: (-part.exact, part.rule)):
        more = left if part.room is None else min(left, ceil(part.exact) - floor(part.exact))
        if (most := rooms.most(part.rule)) is not None:
            more = min(more, most - points[part.rule])
        points[part.rule] += more
        left -= more
    for part in (*base, *bonuses):
        yield Part(part.rule, part.currency, part.exact, part.room, points[part.rule], part.qualifying)
