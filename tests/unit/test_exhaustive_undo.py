"""Every order of earning, redeeming, cancelling, refunding and passing dates, walked through one by one.

Two purchases: A of 10 points that live long, B of 8 that expire first. A redemption takes 7 and lapses after ten days.
Whatever the order, the books hold, the wallet is the fold, the plain rules (tests/unit/plain.py) say the same, the order of
undoing changes nothing, and undoing everything returns to the start. Histories share their beginnings, so each entry is
decided once; none is left out, for no two of them have the same entries. What is refused writes nothing and ends its branch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from shared.domain.entry import Entry
from shared.domain.errors import (
    OverRefundError,
    RefusedError,
    VoucherCancelledError,
    VoucherLapsedError,
    VoucherUsedError,
)
from shared.domain.points import Account
from shared.domain.purse import Purse
from tests.unit.agreement import due, told
from tests.unit.books import Books, day, reward, terms
from tests.unit.plain import Bought, Cancelled, Event, Plain, Redeemed, Refunded, Used

LAPSES = 10
A_BOUGHT = -15
B_LIVES = 20
COST = 7
OPERATIONS = (
    *("earn A", "earn B", "redeem", "cancel", "cancel the newer", "use"),
    *("refund A", "refund B", "part of A", "part of B", "a date passes"),
)
LINES = {"A": (600, 400), "B": (800,)}
MUG = reward("mug", COST, lapses=LAPSES, limits={"ever": 3, "per_period": {"period": "month", "count": 2}})
JULY, AUGUST = 30, 61
"""The first days after June, when all begins, and after July."""


@dataclass(frozen=True)
class Course:
    """One way that things went: the operations, and where they led."""

    pending: int = 0
    forgives: bool = False
    uses: bool = False
    a_lives: int = 55
    steps: tuple[str, ...] = ()
    books: Books = field(default_factory=Books)
    plain: Plain = field(default_factory=Plain)
    places: Mapping[int, Account] = field(default_factory=dict)

    @classmethod
    def start(cls, *, pending: int = 0, forgives: bool = False, uses: bool = False, a_lives: int = 55) -> Course:
        """Before the first entry: B is `pending` so many days, A is gone `a_lives` days after its purchase 15 days ago."""
        changes = {"clawback": "forgive" if forgives else "debt"}
        versions = (
            terms(1, -400, lives=a_lives, **changes),
            terms(2, -10, lives=B_LIVES, pending=pending, **changes),
        )
        return cls(pending, forgives, uses, a_lives, books=Books(versions=versions, rewards={"mug": MUG}))

    @property
    def today(self) -> int:
        return self.books.today

    def bought(self, order: str) -> bool:
        return any(isinstance(event, Bought) and event.order == order for event in self.plain.events)

    def held(self) -> list[str]:
        return list(self.plain.state(self.today).holds)

    def dates(self) -> list[int]:
        """Days on which something may be due, whoever has the points now."""
        found: set[int] = set()
        for event in self.plain.events:
            if isinstance(event, Bought):
                found |= {event.spendable, event.gone or 0}
            if isinstance(event, Redeemed):
                found.add(event.lapses or 0)
        return sorted(day for day in found if day > self.today)

    def then(self, step: str, books: Books, *events: Event) -> Course:
        plain = Plain((*self.plain.events, *events))
        places = followed(self.places, books.entries[len(self.books.entries) :])
        return replace(self, steps=(*self.steps, step), books=books, plain=plain, places=places)

    def next(self) -> Iterator[Course]:
        """Every operation that makes sense now and that the rules allow."""
        for step in OPERATIONS:
            yield from self._try(step)

    def _try(self, step: str) -> Iterator[Course]:
        name, _, order = step.rpartition(" ")
        doing: dict[str, Callable[[], Course | None]] = {
            "earn": lambda: self._earn(step, order),
            "redeem": self._redeem,
            "cancel": lambda: self._cancel(step, 0),
            "cancel the newer": lambda: self._cancel(step, 1),
            "use": self._use,
            "refund": lambda: self._refund(step, order, None),
            "part of": lambda: self._refund(step, order, {"A": 250, "B": 300}[order]),
            "a date passes": self._pass,
        }
        after = doing[step if step in doing else name]()
        if after is not None:
            yield after

    def _earn(self, step: str, order: str) -> Course | None:
        if self.bought(order):
            return None
        occurred = A_BOUGHT if order == "A" else 0
        pending, lives = (0, self.a_lives) if order == "A" else (self.pending, B_LIVES)
        bought = Bought(order, self.today, LINES[order], 1, 100, occurred + pending, occurred + lives)
        return self.then(step, self.books.bought(order, *LINES[order], occurred=occurred), bought)

    def _redeem(self) -> Course | None:
        name = f"r{sum(isinstance(event, Redeemed) for event in self.plain.events)}"
        until = next(day for day in (JULY, AUGUST, 10**6) if self.today < day)
        state = self.plain.state(self.today)
        claims = state.claims
        allowed = state.active >= COST and claims["mug", None] < 3 and claims["mug", until] < 2
        try:
            books = self.books.redeemed(name)
        except RefusedError:
            assert not allowed, self.steps
            return None
        assert allowed, self.steps
        event = Redeemed(name, self.today, COST, self.today + LAPSES, (("mug", None), ("mug", until)))
        return self.then("redeem", books, event)

    def _cancel(self, step: str, which: int) -> Course | None:
        held = self.held()
        if len(held) <= which:
            return None
        return self.then(f"cancel {held[which]}", self.books.cancelled(held[which]), Cancelled(held[which], self.today))

    def _use(self) -> Course | None:
        """The oldest voucher pays a part of B."""
        held = self.held()
        if not held or not self.uses:
            return None
        return self.then("use", self.books.used(held[0], "B", 100), Used(held[0], self.today, "B"))

    def _refund(self, step: str, order: str, amount: int | None) -> Course | None:
        if not self.bought(order) or not self.plain.left(order):
            return None
        if amount is None:
            taken = self.plain.left(order)
            books = self.books.refunded(order)
            return self.then(step, books, Refunded(order, self.today, (), taken, self.forgives))
        if order == "A":
            # Off the first line of A; off all lines of B.
            if self.plain.left_of_line("A", 0) < amount:
                return None
            books = self.books.refunded("A", lines=((1, amount),))
            return self.then(step, books, Refunded("A", self.today, ((0, amount),), 0, self.forgives))
        if self.plain.left(order) < amount:
            return None
        books = self.books.refunded("B", amount=amount)
        return self.then(step, books, Refunded("B", self.today, (), amount, self.forgives))

    def _pass(self) -> Course | None:
        dates = self.dates()
        return self.then("a date passes", self.books.on(dates[0])) if dates else None

    def undos(self) -> Iterator[Course]:
        """Every single thing that can be taken back in full."""
        for step in ("cancel", "cancel the newer", "refund A", "refund B"):
            yield from self._try(step)


def walk(course: Course, length: int) -> Iterator[Course]:
    """The course and all that follow from it, depth first, up to `length` operations."""
    yield course
    if len(course.steps) < length:
        for after in course.next():
            yield from walk(after, length)


def is_undo(step: str) -> bool:
    return step.startswith(("cancel", "refund", "part"))


def whatever_the_order_of_undoing(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The steps, with undos that follow each other on one day in a fixed order."""
    found: list[str] = []
    run: list[str] = []
    for step in (*steps, ""):
        if is_undo(step):
            run.append(step)
        else:
            found += [*sorted(run), step]
            run = []
    return tuple(found)


def followed(places: Mapping[int, Account], entries: tuple[Entry, ...]) -> Mapping[int, Account]:
    """Where every serial stands after the entries, each of which must take it from where it was."""
    found = dict(places)
    for entry in entries:
        for posting in entry.postings:
            for serial in (n for lot in posting.lots if lot.first for n in range(lot.first, lot.last + 1)):
                assert found.get(serial, Account.ISSUED) is posting.debit, (entry, serial)
                found[serial] = posting.credit
    return found


def check_books(course: Course) -> None:
    """The posted wallet is the fold, the postings lead every serial to where the wallet has it, and the plain rules agree."""
    wallet = course.books.standing()
    assert wallet == course.books.fold(course.today), course.steps
    assert told(wallet) == due(course.plain.state(course.today)), course.steps
    purse = wallet.purse("points")
    assert not (purse.active and purse.debt), course.steps
    assert purse.issued == purse.balance + purse.pending + purse.redeemed + purse.expired + purse.adjusted, course.steps
    assert sum(points for _, points in purse.deadlines()) == purse.active, course.steps
    posted = course.books.wallet
    if posted.recorded_on == day(course.today):
        assert posted == wallet, course.steps
    lots = posted.purse("points").lots
    for account in (Account.ACTIVE, Account.PENDING):
        kept = [lot for lot in lots if (lot.spendable_from is None) == (account is Account.ACTIVE)]
        there = {serial for lot in kept for serial in range(lot.first, lot.last + 1)}
        assert there == {serial for serial, place in course.places.items() if place is account}, course.steps


def check_days_to_come(course: Course) -> None:
    """The same of a day on which all dates there are have passed, with nothing booked in between."""
    for passed in course.dates()[-1:]:
        assert told(course.books.standing(passed)) == due(course.plain.state(passed)), (course.steps, passed)


def check_refusals(course: Course) -> None:
    """What was taken back, was used or has lapsed cannot be taken back again; nobody gets back more than was paid."""
    held = course.held()
    for event in course.plain.events:
        if isinstance(event, Redeemed) and event.name not in held:
            with pytest.raises((VoucherUsedError, VoucherCancelledError, VoucherLapsedError)):
                course.books.cancelled(event.name)
        if isinstance(event, Bought):
            with pytest.raises(OverRefundError):
                course.books.refunded(event.order, amount=course.plain.left(event.order) + 1)


def is_at_the_start(course: Course) -> bool:
    wallet = course.books.standing()
    purse = wallet.purse("points")
    nothing = Purse("points", next_serial=purse.next_serial)
    return (purse, wallet.holds, wallet.claims) == (nothing, (), ())


def is_undone(course: Course) -> bool:
    """Nothing is left of any order and any redemption."""
    kept = [course.plain.left(event.order) for event in course.plain.events if isinstance(event, Bought)]
    taken = [course.plain.taken(e.name, course.today) for e in course.plain.events if isinstance(e, Redeemed)]
    return not any(kept) and not any(taken)


WORLDS = {
    "B is spendable at once": (Course.start(), 7),
    "B is pending for three days": (Course.start(pending=3), 6),
    "A is gone before B can be spent": (Course.start(pending=6, a_lives=18), 6),
    "vouchers are used on B": (Course.start(uses=True), 6),
    "the program forgives": (Course.start(forgives=True), 6),
    "the program forgives, B is pending, vouchers are used": (Course.start(pending=3, forgives=True, uses=True), 6),
}
"""Where each walk starts, and how many operations it takes at most."""
PROVED = 2
"""So many operations before the last, the proof of the ledger reads the entries too; it is the slowest of all checks."""


@pytest.mark.parametrize("world", WORLDS)
def test_in_every_history_the_books_hold_and_the_order_of_undoing_changes_nothing(world: str) -> None:
    start, length = WORLDS[world]
    outcomes: dict[tuple[str, ...], object] = {}
    lengths: Counter[int] = Counter()
    undone = 0
    for course in walk(start, length):
        lengths[len(course.steps)] += 1
        check_books(course)
        if len(course.steps) <= length - PROVED:
            assert course.books.breaks() == [], course.steps
            check_refusals(course)
        if len(course.steps) == length:
            check_days_to_come(course)
        if is_undone(course):
            undone += 1
            assert is_at_the_start(course), course.steps
        outcome = course.books.wallet.purses, course.books.wallet.claims, course.books.standing().purses
        same = outcomes.setdefault(whatever_the_order_of_undoing(course.steps), outcome)
        assert outcome == same, f"the order of undoing changed something: {course.steps}"
    print(f"{world}: {lengths.total()} histories {dict(lengths)}, {undone} of them with all undone")
    assert min(lengths[length], undone) > 100


@pytest.mark.parametrize("world", WORLDS)
def test_after_every_history_of_four_operations_all_orders_of_undoing_everything_lead_back_to_the_start(world: str) -> None:
    orders = 0
    for course in walk(WORLDS[world][0], 4):
        for undone in all_undone(course):
            orders += 1
            assert not is_undone(undone) or is_at_the_start(undone), undone.steps
    print(f"{world}: {orders} orders of undoing")


def all_undone(course: Course) -> Iterator[Course]:
    """The course after all that can be undone was, in every order; the orders share their beginnings."""
    following = list(course.undos())
    if not following:
        yield course
    for after in following:
        yield from all_undone(after)
