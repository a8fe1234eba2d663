"""Random histories of a member, with many orders, rewards, refunds, vouchers and dates: the domain and the plain rules agree.

The plain rules (tests/unit/plain.py) know nothing of the domain: every point is an object, and each answer folds all events
again from the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.errors import (
    LimitReachedError,
    MemberClosedError,
    OverRefundError,
    PointsShortError,
    RefusedError,
    SoldOutError,
    VoucherCancelledError,
    VoucherLapsedError,
    VoucherUsedError,
)
from shared.domain.stock import Stock
from shared.domain.subject import Refund
from tests.unit.agreement import due, told
from tests.unit.books import Books, redemption, reward, terms
from tests.unit.plain import Adjusted, Bought, Cancelled, Closed, Plain, Redeemed, Refunded, Used

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "400"))
"""Histories per promise; LAUREL_EXAMPLES asks for more."""
MONTHS = (-31, 0, 30, 61, 92, 122, 153, 183, 214, 245, 273, 304, 334, 365)
"""The first days of months, from May on."""
CHANGED = -3
"""The day on which the second version of the program takes effect."""


@dataclass(frozen=True)
class Terms:
    """What a version of the program promises."""

    points: int
    per: int
    pending: int
    lives: int | None


@dataclass(frozen=True)
class Prize:
    cost: int
    lapses: int | None = None
    immediate: bool = False
    ever: int | None = None
    monthly: int | None = None
    stock: int | None = None


PRIZES = {
    "mug": Prize(7, lapses=10, ever=4, monthly=2),
    "cup": Prize(3, lapses=3),
    "pin": Prize(2, lapses=None, stock=3),
    "gift": Prize(5, immediate=True, monthly=3),
    "feast": Prize(15, lapses=40),
    "ticket": Prize(4, lapses=1, stock=2, ever=6),
}
GIFT = {"kind": "donation", "charity": "shelter", "charity_name": "Shelter", "points": 1, "minor_units": 1}


def catalog() -> dict[str, Any]:
    found = {}
    for name, prize in PRIZES.items():
        changes: dict[str, Any] = {"stock_limited": prize.stock is not None, "limits": {"ever": prize.ever}}
        if prize.monthly:
            changes["limits"]["per_period"] = {"period": "month", "count": prize.monthly}
        if prize.immediate:
            changes["benefit"] = GIFT
        found[name] = reward(name, prize.cost, lapses=prize.lapses, **changes)
    return found


REWARDS = catalog()


@dataclass
class Player:
    """Does the same to the books of the domain and to the plain rules, and expects the same answer."""

    before: Terms
    after: Terms
    forgives: bool
    books: Books = field(init=False)
    plain: Plain = field(default_factory=Plain)
    orders: list[str] = field(default_factory=list)
    redeemed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        versions = [self._version(1, -400, self.before), self._version(2, CHANGED, self.after)]
        stock = {name: Stock(name, total=prize.stock) for name, prize in PRIZES.items() if prize.stock is not None}
        self.books = Books(versions=versions, rewards=REWARDS, stock=stock)

    def _version(self, number: int, since: int, promised: Terms) -> Any:
        rule = {
            "id": "base",
            "kind": "purchase",
            "currency": "points",
            "per_amount": {"points": promised.points, "minor_units": promised.per},
        }
        return terms(
            number,
            since,
            lives=promised.lives,
            pending=promised.pending,
            earning_rules=[rule],
            clawback="forgive" if self.forgives else "debt",
        )

    @property
    def today(self) -> int:
        """The day that counts: no earlier than the last entry's, though a server's clock may be behind."""
        return max([self.books.today, *(event.day for event in self.plain.events[-1:])])

    def play(self, step: tuple[str, int, int, int]) -> None:
        name, *numbers = step
        doing: dict[str, Callable[[int, int, int], None]] = {
            "buy": self.buy,
            "redeem": self.redeem,
            "use": self.use,
            "cancel": self.cancel,
            "refund all": self.refund_all,
            "refund amount": self.refund_amount,
            "refund lines": self.refund_lines,
            "pass": self.pass_days,
            "adjust": self.adjust,
            "close": self.close,
        }
        doing[name](*numbers)
        self.check(self.today)

    def check(self, today: int) -> None:
        wallet = self.books.standing(today)
        assert told(wallet) == due(self.plain.state(today))
        assert not (wallet.purse("points").active and wallet.purse("points").debt)

    def buy(self, back: int, first: int, second: int) -> None:
        order = f"order-{len(self.orders)}"
        occurred = self.books.today - back % 26
        lines = ((700 + first * 13) % 1600,) if second % 3 else ((500 + first * 7) % 900, second * 11 % 700, 99)
        paid = lines[0] // 3 if second % 4 == 1 else None
        if self.plain.state(self.today).closed:
            with pytest.raises(MemberClosedError):
                self.books.bought(order, *lines, occurred=occurred)
            return
        self.books = self.books.bought(order, *lines, occurred=occurred, paid_with_rewards=paid)
        met = self.after if occurred >= CHANGED else self.before
        gone = None if met.lives is None else occurred + met.lives
        given = Bought(order, self.today, lines, met.points, met.per, occurred + met.pending, gone, paid or 0)
        self.plain = self.plain.and_then(given)
        self.orders.append(order)

    def redeem(self, which: int, _: int, __: int) -> None:
        prize_name = sorted(PRIZES)[which % len(PRIZES)]
        prize, name, today = PRIZES[prize_name], f"r{len(self.redeemed)}", self.today
        state = self.plain.state(today)
        claims: list[tuple[str, int | None]] = [(prize_name, None)] if prize.ever else []
        month = next(start for start in MONTHS if start > today)
        if prize.monthly:
            claims.append((prize_name, month))
        refusal: type[RefusedError] | None = None
        if state.closed:
            refusal = MemberClosedError
        elif (prize.ever and state.claims[prize_name, None] >= prize.ever) or (
            prize.monthly and state.claims[prize_name, month] >= prize.monthly
        ):
            refusal = LimitReachedError
        elif prize.stock is not None and self.plain.stock_gone(prize_name, today) >= prize.stock:
            refusal = SoldOutError
        elif state.active < prize.cost:
            refusal = PointsShortError
        if refusal:
            event(f"refused: {refusal.__name__}")
            with pytest.raises(refusal):
                self.books.redeemed(name, prize_name)
            return
        self.books = self.books.redeemed(name, prize_name)
        lapses = None if prize.lapses is None else today + prize.lapses
        given = Redeemed(name, today, prize.cost, lapses, tuple(claims), prize_name, prize.immediate)
        self.plain = self.plain.and_then(given)
        self.redeemed.append(name)

    def _open(self, which: int) -> str | None:
        """The name of a redemption, for open ones twice as often."""
        names = [*self.redeemed, *self.plain.state(self.today).holds]
        return names[which % len(names)] if names else None

    def use(self, which: int, order: int, _: int) -> None:
        name = self._open(which)
        if name is None:
            return
        used_on = f"order-{order % (len(self.orders) + 1)}"
        if name not in self.plain.state(self.today).holds:
            with pytest.raises((VoucherUsedError, VoucherCancelledError, VoucherLapsedError)):
                self.books.used(name, used_on)
            return
        self.books = self.books.used(name, used_on)
        self.plain = self.plain.and_then(Used(name, self.today, used_on))

    def cancel(self, which: int, _: int = 0, __: int = 0) -> None:
        name = self._open(which)
        if name is None:
            return
        if name not in self.plain.state(self.today).holds:
            with pytest.raises((VoucherUsedError, VoucherCancelledError, VoucherLapsedError)):
                self.books.cancelled(name)
            return
        self.books = self.books.cancelled(name)
        self.plain = self.plain.and_then(Cancelled(name, self.today))

    def refund_all(self, which: int, _: int = 0, __: int = 0) -> None:
        if self.orders:
            order = self.orders[which % len(self.orders)]
            self._refund(order, (), self.plain.left(order), asked={})

    def refund_amount(self, which: int, share: int, _: int) -> None:
        if self.orders:
            order = self.orders[which % len(self.orders)]
            amount = self.plain.left(order) * (share % 12) // 10
            self._refund(order, (), amount, asked={"amount": amount})

    def refund_lines(self, which: int, line: int, share: int) -> None:
        if not self.orders:
            return
        order = self.orders[which % len(self.orders)]
        number = line % len(self.plain.order(order).lines)
        left = self.plain.left_of_line(order, number)
        amount = left if share % 3 == 0 else left * (share % 12) // 10
        asked = ((number + 1, None if share % 3 == 0 else amount),)
        self._refund(order, ((number, amount),), 0, asked={"lines": asked})

    def _refund(self, order: str, lines: tuple[tuple[int, int], ...], amount: int, asked: dict[str, Any]) -> None:
        over = amount > self.plain.left(order) or any(a > self.plain.left_of_line(order, n) for n, a in lines)
        if over:
            event("refused: OverRefundError")
            with pytest.raises(OverRefundError):
                self.books.refunded(order, **asked)
            return
        earned = self.plain.earned(order)
        taken = {name: self.plain.taken(name, self.today) for name in self.redeemed}
        self.books = self.books.refunded(order, **asked)
        self.plain = self.plain.and_then(Refunded(order, self.today, lines, amount, self.forgives))
        entry = self.books.entries[-1]
        assert sum(share.points for share in entry.why) == self.plain.earned(order) - earned
        assert isinstance(entry.subject, Refund)
        assert (entry.subject.net, entry.subject.total) == (self.plain.left(order), amount + sum(a for _, a in lines))
        back = {redemption(name): taken[name] - self.plain.taken(name, self.today) for name in self.redeemed}
        assert {part.reference: part.amount for part in entry.subject.returned} == {k: v for k, v in back.items() if v}

    def pass_days(self, days: int, _: int, __: int) -> None:
        # Now and then another server answers, whose clock is a day behind.
        self.books = self.books.on(self.books.today + (-1 if days % 17 == 16 else days % (31 if days % 5 == 0 else 11)))

    def adjust(self, points: int, gone: int, _: int) -> None:
        given = points % 21 - 10
        if not given or self.plain.state(self.today).closed:
            return
        name = str(len(self.plain.events))
        ends = self.today + gone % 30 + 1 if gone % 2 else None
        if self.books.today < self.today:
            # A test gives dates by the day that counts.
            self.books = self.books.on(self.today)
        self.books = self.books.adjusted(name, given, gone_on=ends)
        self.plain = self.plain.and_then(Adjusted(self.today, given, ends if given > 0 else None))

    def close(self, chance: int, _: int, __: int) -> None:
        if chance % 8 == 7 and not self.plain.state(self.today).closed:
            event("closed")
            self.books = self.books.closed()
            self.plain = self.plain.and_then(Closed(self.today))

    def undo(self, steps: Sequence[tuple[str, str]]) -> Books:
        books = self.books
        for kind, name in steps:
            books = books.cancelled(name) if kind == "cancel" else books.refunded(name)
        return books

    def undos(self) -> list[tuple[str, str]]:
        """All that can be taken back."""
        held = self.plain.state(self.today).holds
        return [("cancel", name) for name in held] + [("refund", order) for order in self.orders]


NUMBERS = st.sampled_from(range(1000))
OFTEN = ("buy", "buy", "redeem", "redeem", "redeem", "use", "cancel", "refund all", "refund amount", "refund lines", "pass")
STEP = st.tuples(st.sampled_from((*OFTEN, "pass", "adjust", "close")), NUMBERS, NUMBERS, NUMBERS)
STEPS = st.lists(STEP, min_size=5, max_size=24)
PROMISES = st.builds(
    Terms,
    points=st.sampled_from([1, 1, 3]),
    per=st.sampled_from([100, 150, 40]),
    pending=st.sampled_from([0, 0, 2, 9]),
    lives=st.sampled_from([None, 12, 20, 31, 60]),
)
PLAYERS = st.builds(Player, PROMISES, PROMISES, st.booleans())
STRICT = st.builds(Player, PROMISES, PROMISES, st.just(False))


@settings(max_examples=EXAMPLES)
@given(PLAYERS, STEPS, st.lists(st.integers(0, 70), max_size=3))
def test_the_books_are_what_the_plain_rules_make_of_the_same_history(
    player: Player, steps: list[tuple[str, int, int, int]], looks: list[int]
) -> None:
    for step in steps:
        player.play(step)
    for look in sorted(looks):
        day = player.today + look
        player.check(day)
        assert player.books.standing(day) == player.books.fold(day)
    late = settled_entry(player.books.on(player.today + 45))
    assert told(late.wallet) == due(player.plain.state(late.today))
    assert late.breaks() == []


@settings(max_examples=EXAMPLES // 2)
@given(STRICT, STEPS, st.randoms(use_true_random=False))
def test_no_order_of_undoing_everything_pays_better_than_another(
    player: Player, steps: list[tuple[str, int, int, int]], chance: Any
) -> None:
    for step in steps:
        player.play(step)
    undos = player.undos()
    shuffled = list(undos)
    chance.shuffle(shuffled)
    one, other = player.undo(undos), player.undo(shuffled)
    assert (one.wallet.purses, one.wallet.claims) == (other.wallet.purses, other.wallet.claims)
    assert one.breaks() == other.breaks() == []
    if not any(isinstance(e, Used | Adjusted) or (isinstance(e, Redeemed) and e.immediate) for e in player.plain.events):
        purse = one.wallet.purse("points")
        left = (purse.lots, purse.debt, purse.issued, purse.redeemed, purse.expired, purse.adjusted)
        assert left == ((), 0, 0, 0, 0, 0)
        assert (one.wallet.holds, one.wallet.claims) == ((), ())


@settings(max_examples=EXAMPLES // 2)
@given(PLAYERS, STEPS, st.lists(st.integers(0, 25), max_size=6))
def test_when_dates_are_booked_does_not_matter(
    player: Player, steps: list[tuple[str, int, int, int]], places: list[int]
) -> None:
    """An entry in between that does nothing but settle moves no point that the next would not have."""
    quiet, busy = player, Player(player.before, player.after, player.forgives)
    for number, step in enumerate(steps):
        quiet.play(step)
        if number in places and busy.plain.events:
            busy.books = settled_entry(busy.books)
        busy.play(step)
    assert quiet.books.standing(quiet.today).purses == busy.books.standing(quiet.today).purses


def settled_entry(books: Books) -> Books:
    """The books after an entry of nothing."""
    return books.adjusted(f"nothing-{len(books.entries)}", 0)
