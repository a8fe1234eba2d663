"""What rules give for an order: exact parts, capped, floored once (the rules of points, 10, 12, 15).

A refund asks the same question again with what is left of the order and the inputs that were stored: the rules that gave
something, and the room that their caps had left. So undoing is exact.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Protocol

from shared.domain.purchase import Line, Purchase
from shared.domain.rule import BonusRule, MultiplierRule, PurchaseRule, When

NOTHING, UNCUT = Fraction(0), Fraction(1)
EVERY_LINE = When()


def summed(numbers: Iterable[Fraction]) -> Fraction:
    """The exact sum. Lines of an order mostly have the same denominators: those are added as whole numbers, which is quick."""
    numerators: dict[int, int] = {}
    for number in numbers:
        below = number.denominator
        numerators[below] = numerators.get(below, 0) + number.numerator
    return sum((Fraction(above, below) for below, above in numerators.items()), NOTHING)


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


@dataclass(frozen=True)
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
        return self._whole * self.paid

    @cached_property
    def _whole(self) -> Fraction:
        return summed(self.amounts)

    def chosen(self, when: When) -> Sequence[int]:
        """The lines that a rule looks at, by number from 0."""
        if not when.chooses_lines:
            return range(len(self.lines))
        return [number for number, line in enumerate(self.lines) if when.chooses(line)]

    def _left(self, when: When) -> Fraction:
        if not when.chooses_lines:
            return self._whole
        return summed(self.amounts[number] for number in self.chosen(when))

    def reaches(self, when: When) -> bool:
        """Whether something is left of the lines that a rule looks at, and as much as it asks for."""
        left = self._left(when)
        return (
            left * self.paid > 0 and (when.amount_min is None or left * self.paid >= when.amount_min) and not self.exceeds(when)
        )

    def exceeds(self, when: When) -> bool:
        """Whether it is more than a rule takes: then the rule gives nothing for the order, whatever is refunded later."""
        return when.amount_max is not None and self._left(when) * self.paid > when.amount_max

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
    """What a rule gives: `points` of what was `exact` after its caps, which left `room` (None: it has no cap).

    `cut` is what the caps left of what it would have given. `held` is what the order uses of the caps: a base share can be a
    point more after a refund than after the refund before it, never more than `held`.
    """

    rule: str
    currency: str
    exact: Fraction
    room: int | None
    points: int = 0
    qualifying: bool = False
    cut: Fraction = UNCUT
    held: int = 0


Cuts = Mapping[str, Fraction]
"""What the caps left of what each rule would have given, as it was when the order was recorded."""


def accrue(
    basket: Basket,
    base: Sequence[PurchaseRule],
    bonuses: Sequence[Bonus],
    stacking: str,
    rooms: Rooms,
    cuts: Cuts | None = None,
) -> tuple[Part, ...]:
    """The parts of all rules; they add up to the order's points of each currency.

    `base` and `bonuses` are those whose conditions hold but for lines and amounts. Base rules are all among the parts, bonuses
    where they would give something if there were room. Rules that share a cap are served in this order. With stacking best only
    the best bonus of a currency is among the parts, the first on a tie. An order keeps its `cuts` for life: what a refunded
    line leaves of a cap is for later orders, not for the bonuses of other lines.
    """
    parts: list[Part] = []
    for currency in dict.fromkeys(rule.currency for rule in (*base, *bonuses)):
        basis = _Basis(basket, [rule for rule in base if rule.currency == currency], rooms, cuts or {})
        offered = [bonus for bonus in bonuses if bonus.currency == currency]
        given = basis.best(offered) if stacking == "best" else basis.stacked(offered, stacking == "multiplicative")
        parts += _floored(basis.parts, given, rooms)
    return tuple(parts)


class _Basis:
    """What bonuses of a currency multiply: the base after its caps, in all and by line."""

    def __init__(self, basket: Basket, rules: Sequence[PurchaseRule], rooms: Rooms, cuts: Cuts) -> None:
        self._basket, self._rooms, self._cuts = basket, rooms, cuts
        self._by_line: list[tuple[dict[int, Fraction], Fraction]] = []
        self.parts: list[Part] = []
        for rule in rules:
            lines, whole = basket.base(rule)
            part = self._capped(rule, summed((*lines.values(), whole)))
            rooms.take(rule.id, ceil(part.exact))
            self._by_line.append((lines, part.cut))
            self.parts.append(part)
        self._all = summed(part.exact for part in self.parts)
        # What multipliers made of every line, and of some.
        self._grown, self._growth = UNCUT, dict[int, Fraction]()

    @cached_property
    def _lines(self) -> list[Fraction]:
        """Worked out when a bonus asks for some lines only: most orders meet none that does."""
        found = [NOTHING] * len(self._basket.lines)
        for lines, cut in self._by_line:
            for number, points in lines.items():
                found[number] += points * cut
        return found

    def _capped(self, rule: PurchaseRule | Bonus, wished: Fraction) -> Part:
        room = self._rooms.of(rule.id)
        exact = wished if room is None else min(wished, Fraction(room))
        cut = self._cuts.get(rule.id, exact / wished if wished else UNCUT)
        return Part(rule.id, rule.currency, exact, room, qualifying=rule.qualifying, cut=cut)

    def _wish(self, bonus: Bonus) -> Fraction:
        if not self._basket.reaches(bonus.when):
            return NOTHING
        if isinstance(bonus, BonusRule):
            return Fraction(bonus.points)
        base = self._all
        if bonus.when.chooses_lines:
            chosen = self._basket.chosen(bonus.when)
            base = summed(self._lines[number] * self._growth.get(number, UNCUT) for number in chosen) * self._grown
        return base * (bonus.percent - 100) / 100

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
                self._grow(bonus, part)
        return parts

    def _grow(self, bonus: MultiplierRule | Standalone, part: Part) -> None:
        self._all += part.exact
        factor = 1 + Fraction(bonus.percent - 100, 100) * part.cut
        if not bonus.when.chooses_lines:
            self._grown *= factor
            return
        for number in self._basket.chosen(bonus.when):
            self._growth[number] = self._growth.get(number, UNCUT) * factor

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
    total = floor(summed(part.exact for part in (*base, *bonuses)))
    points = {part.rule: floor(part.exact) for part in (*base, *bonuses)}
    left = total - sum(points.values())
    # To the rule that gives most; by its id on a tie, so that the order of rules does not matter.
    for part in sorted(base, key=lambda part: (-part.exact, part.rule)):
        reserved = ceil(part.exact) - floor(part.exact)
        room = rooms.of(part.rule)
        more = left if room is None else min(left, reserved + room)
        if (most := rooms.most(part.rule)) is not None:
            more = min(more, most - points[part.rule])
        rooms.take(part.rule, max(0, more - reserved))
        points[part.rule] += more
        left -= more
    for part in base:
        most = rooms.most(part.rule)
        held = points[part.rule] if most is None else min(most, total)
        yield replace(part, points=points[part.rule], held=held)
    for part in bonuses:
        yield replace(part, points=points[part.rule], held=points[part.rule])
