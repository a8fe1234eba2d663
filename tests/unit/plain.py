"""The rules of points once more, as plainly as can be, to hold the domain against.

Every point is an object, a day is a number, and every question folds the whole effective history again from its first event.
Nothing here comes from the domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Bought:
    """An order: `points` for every `per` minor units; dates are days, `gone` None is never."""

    order: str
    day: int
    lines: tuple[int, ...]
    points: int
    per: int
    spendable: int
    gone: int | None
    paid_with_rewards: int = 0


@dataclass(frozen=True)
class Redeemed:
    name: str
    day: int
    points: int
    lapses: int | None
    claims: tuple[tuple[str, int | None], ...] = ()
    reward: str = "mug"
    immediate: bool = False


@dataclass(frozen=True)
class Used:
    name: str
    day: int
    order: str


@dataclass(frozen=True)
class Cancelled:
    name: str
    day: int


@dataclass(frozen=True)
class Refunded:
    """`lines` (number from 0, minor units) and `amount` came off an order; `forgives`: the program clamps."""

    order: str
    day: int
    lines: tuple[tuple[int, int], ...]
    amount: int
    forgives: bool = False


@dataclass(frozen=True)
class Adjusted:
    day: int
    points: int
    gone: int | None = None


@dataclass(frozen=True)
class Closed:
    day: int


Event = Bought | Redeemed | Used | Cancelled | Refunded | Adjusted | Closed


@dataclass(eq=False)
class Point:
    """One point, like one banknote."""

    serial: int
    spendable: int
    gone: int | None
    place: str = "nowhere"


@dataclass
class State:
    """All that a member can see, and where every point of theirs went."""

    day: int
    serial: int = 0
    points: list[Point] = field(default_factory=list)
    debt: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    holds: dict[str, int | None] = field(default_factory=dict)
    claims: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    closed: bool = False

    def at(self, place: str) -> list[Point]:
        return [point for point in self.points if point.place == place]

    @property
    def active(self) -> int:
        return len(self.at("active"))

    def advance(self, day: int) -> None:
        dates = {point.gone for point in self.points} | {point.spendable for point in self.points}
        for due in sorted(date for date in dates if date is not None and self.day < date <= day):
            for point in self.points:
                if point.place == "active" and point.gone == due:
                    point.place = "expired"
            for point in self.points:
                if point.place == "pending" and point.spendable == due:
                    self.ripen(point)
        self.day = day
        self.claims = Counter({claim: n for claim, n in self.claims.items() if claim[1] is None or claim[1] > day})

    def ripen(self, point: Point) -> None:
        if self.debt:
            self.debt -= 1
            point.place = "paid debt"
        else:
            point.place = "active"

    def give(self, point: Point) -> None:
        self.points.append(point)
        if point.gone is not None and point.gone <= self.day:
            point.place = "expired"
        elif point.spendable <= self.day:
            self.ripen(point)
        else:
            point.place = "pending"

    def credit(self, points: int, spendable: int, gone: int | None, source: str) -> None:
        for _ in range(points):
            self.serial += 1
            self.give(Point(self.serial, spendable, gone))
        self.totals[source] += points if source == "issued" else -points

    def redeem(self, event: Redeemed, points: int) -> None:
        if not points:
            return
        self.spend(points, "redeemed")
        self.claims.update(event.claims)
        if not event.immediate:
            self.holds[event.name] = event.lapses

    def forgive(self, points: int) -> None:
        covered = min(points, self.debt)
        self.debt -= covered
        self.totals["adjusted"] -= covered

    def spend(self, points: int, place: str) -> None:
        spendable = sorted(self.at("active"), key=lambda p: (p.gone is None, p.gone or 0, p.serial))
        for point in spendable[:points]:
            point.place = place
        self.debt += max(0, points - len(spendable))
        self.totals[place] += points

    def empty(self) -> None:
        for point in self.at("active") + self.at("pending"):
            point.place = "adjusted"
            self.totals["adjusted"] += 1
        self.totals["adjusted"] -= self.debt
        self.debt = 0

    @property
    def expired(self) -> int:
        return len(self.at("expired"))


@dataclass(frozen=True)
class Plain:
    """A member's history; every answer is worked out anew from all of it."""

    events: tuple[Event, ...] = ()

    def and_then(self, event: Event) -> Plain:
        return replace(self, events=(*self.events, event))

    def order(self, order: str) -> Bought:
        return next(e for e in self.events if isinstance(e, Bought) and e.order == order)

    def redemption(self, name: str) -> Redeemed:
        return next(e for e in self.events if isinstance(e, Redeemed) and e.name == name)

    def refunds(self, order: str, until: int | None = None) -> list[Refunded]:
        return [e for e in self.events[:until] if isinstance(e, Refunded) and e.order == order]

    def left_of_line(self, order: str, line: int) -> int:
        taken = sum(amount for refund in self.refunds(order) for number, amount in refund.lines if number == line)
        return min(self.order(order).lines[line] - taken, self.left(order))

    def left(self, order: str, until: int | None = None) -> int:
        """Minor units that were not given back."""
        return sum(self.order(order).lines) - refunded(self.refunds(order, until))

    def earned(self, order: str, until: int | None = None) -> int:
        """Points that what is left of an order is worth."""
        bought = self.order(order)
        total, points, per = sum(bought.lines), bought.points, bought.per
        if bought.paid_with_rewards:
            points, per = points * (total - bought.paid_with_rewards), per * total
        return self.left(order, until) * points // per

    def taken(self, name: str, day: int) -> int:
        """Points that a redemption takes, all told."""
        redeemed = self.redemption(name)
        use = next((e for e in self.events if isinstance(e, Used) and e.name == name), None)
        if any(isinstance(e, Cancelled) and e.name == name for e in self.events):
            return 0
        if redeemed.immediate:
            return redeemed.points
        if use is None:
            return 0 if redeemed.lapses is not None and redeemed.lapses <= day else redeemed.points
        # The next refund of the order returns what all refunds in sum do.
        if not any(isinstance(e, Refunded) and e.order == use.order for e in self.events[self.events.index(use) :]):
            return redeemed.points
        total, refunds = sum(self.order(use.order).lines), self.refunds(use.order)
        returned = redeemed.points * refunded(refunds) // total if total else redeemed.points * bool(refunds)
        return redeemed.points - returned

    def stock_gone(self, reward: str, day: int) -> int:
        """How many of a reward are used, or issued and not back yet; points that a refund returns bring none back."""
        used = {event.name for event in self.events if isinstance(event, Used)}
        redeemed = [event for event in self.events if isinstance(event, Redeemed) and event.reward == reward]
        return sum(event.immediate or event.name in used or self.taken(event.name, day) > 0 for event in redeemed)

    def state(self, day: int) -> State:
        """How all stands on a day, which is no earlier than the last event."""
        state = State(day=-(10**6))
        for number, event in enumerate(self.events):
            state.advance(event.day)
            match event:
                case Bought():
                    state.credit(self.earned(event.order), event.spendable, event.gone, "issued")
                    # Points that a refund took keep their serials; nobody gets them again.
                    state.serial += self.earned(event.order, until=number) - self.earned(event.order)
                case Adjusted() if event.points > 0:
                    state.credit(event.points, event.day, event.gone, "adjusted")
                case Adjusted():
                    state.spend(-event.points, "adjusted")
                case Redeemed():
                    state.redeem(event, self.taken(event.name, day))
                case Used():
                    state.holds.pop(event.name, None)
                case Refunded() if event.forgives:
                    state.forgive(self.earned(event.order, until=number) - self.earned(event.order, until=number + 1))
                case Closed():
                    state.closed = True
            if state.closed:
                state.empty()
        state.advance(day)
        return state


def refunded(refunds: Sequence[Refunded]) -> int:
    """Minor units that refunds gave back in all."""
    return sum(refund.amount + sum(amount for _, amount in refund.lines) for refund in refunds)
