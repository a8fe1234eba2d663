"""Random lives of advocates and friends: the domain and the plain rules agree at every step, and nobody gains by any order.

The plain rules (tests/unit/plain_referrals.py) know nothing of the domain.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.errors import MemberClosedError, MemberMergedError, ReferralStateError, ReferralUnknownError
from shared.domain.fingerprint import Fingerprint, FingerprintKind
from tests.unit.circle import START, ZONE, Circle, member, terms, version
from tests.unit.plain_referrals import Plain, Promise

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "150"))
"""Histories per promise; LAUREL_EXAMPLES asks for more."""
ADVOCATES = ("ann", "abe")
FRIENDS = ("fay", "fox", "fin", "flo")
"""A friend may bring the next one."""
CHANGED = datetime(2026, 3, 9, 4, tzinfo=UTC)
"""When the second version takes effect: midnight after the clocks went forward."""
SKEW = timedelta(minutes=5)


def number(instant: datetime) -> int:
    """The local day of an instant, as an ordinal."""
    return instant.astimezone(ZoneInfo(ZONE)).date().toordinal()


def month(instant: datetime) -> str:
    """The local month of an instant."""
    return instant.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m")


def written(promise: Promise, forgives: bool = False) -> dict[str, Any]:
    """A promise as a program's document says it."""
    caps: list[dict[str, Any]] = []
    shared = ["budget"] if promise.budget is not None else []
    if promise.budget is not None:
        caps.append({"id": "budget", "currency": "points", "scope": "program", "points": promise.budget, "shards": 2})
    if promise.monthly is not None:
        caps.append({"id": "monthly", "currency": "points", "scope": "member", "per": "month", "points": promise.monthly})
    mine = {
        "currency": "points",
        "points": promise.advocate,
        "caps": [*shared, *(["monthly"] if promise.monthly is not None else [])],
        "steps": [{"referral": since, "points": points} for since, points in promise.steps],
    }
    referral = terms(
        qualifies={"kind": "orders", "net_min": promise.least, "orders": promise.orders, "within_days": promise.within},
        hold_days=promise.hold,
        advocate=[mine],
        friend=[{"currency": "points", "points": promise.friend, "caps": shared}],
        campaigns=[
            {
                "id": "spring",
                "qualifies": {
                    "kind": "orders",
                    "net_min": promise.least,
                    "orders": promise.orders,
                    "within_days": promise.within,
                },
                "hold_days": promise.hold,
                "friend": [{"currency": "points", "points": promise.friend, "caps": shared}],
            }
        ],
        abuse={"disposable": "review", "shared_device": {"verdict": "review"}, "shared_payment": {"verdict": "reject"}},
    )
    return {"referral": referral, "caps": caps, "clawback": "forgive" if forgives else "debt"}


promises = st.builds(
    Promise,
    least=st.sampled_from([0, 1, 2500, 2500]),
    orders=st.sampled_from([1, 1, 2]),
    within=st.sampled_from([None, None, None, None, 0, 3]),
    hold=st.sampled_from([0, 1, 7, 14]),
    advocate=st.sampled_from([0, 1, 500]),
    friend=st.sampled_from([0, 250, 700]),
    steps=st.sampled_from([(), ((2, 800),), ((2, 0), (3, 100))]),
    monthly=st.sampled_from([None, None, 600, 0]),
    budget=st.sampled_from([None, None, 1000, 1300]),
)


@dataclass
class Player:
    """Does the same to the books of the domain and to the plain rules."""

    promises: tuple[Promise, Promise]
    circle: Circle = field(init=False)
    plain: Plain = field(default_factory=Plain)
    orders: int = 0
    spends: bool = True

    def __post_init__(self) -> None:
        first, second = (written(promise) for promise in self.promises)
        self.circle = Circle(versions=[version(1, **first), version(2, CHANGED, **second)])
        for name in ADVOCATES:
            self.circle.enrols(name)
            self.plain.members.add(name)

    @property
    def today(self) -> int:
        return number(self.circle.now)

    def play(self, step: tuple[str, int, int, int]) -> None:
        name, *numbers = step
        doing: dict[str, Callable[[int, int, int], None]] = {
            "join": self.join,
            "buy": self.buy,
            "refund": self.refund,
            "spend": self.spend,
            "rule": self.rule,
            "void": self.void,
            "leave": self.leave,
            "suspect": self.suspect,
            "wait": self.wait,
        }
        doing[name](*numbers)
        self.agree()

    def join(self, who: int, by: int, how: int) -> None:
        name = FRIENDS[who % len(FRIENDS)]
        if name in self.plain.members:
            return
        promise = self.promises[self.circle.now >= CHANGED]
        known = sorted(self.plain.members)
        flagged = how % 4 == 1
        if flagged:
            self.circle.disposable.add(member(name))
        profile = {"email": f"{name}@example.com"}
        if how % 7 == 2:
            self.circle.enrols(name, campaign="spring", **profile)
            source = "spring"
        else:
            source = known[by % len(known)]
            self.circle.enrols(name, source, **profile)
        self.plain.join(name, source, by_member=source != "spring", promise=promise, today=self.today, flagged=flagged)

    def buy(self, who: int, how_much: int, late: int) -> None:
        known = sorted(self.plain.members)
        open_ones = [friend.name for friend in self.plain.friends.values() if friend.state == "joined"]
        name = open_ones[who % len(open_ones)] if open_ones and who % 4 else known[who % len(known)]
        order, self.orders = f"order-{self.orders}", self.orders + 1
        money = (6000, 2500, 2500, 4000, 2499, 0)[how_much % 6]
        at = (
            self.circle.now
            - timedelta(days=(0, 0, 0, 1, 4)[late % 5])
            + (timedelta(minutes=4) if late % 3 == 2 else timedelta())
        )
        amounts = (money,) if how_much % 2 else (money - money // 3, money // 3)
        if not self.plain.stays(name):
            with pytest.raises((MemberClosedError, MemberMergedError)):
                self.circle.buys(name, order, *amounts, at=at)
            return
        enrolled = self.circle.wallets[member(name)].enrolled_at
        self.circle.buys(name, order, *amounts, at=at)
        self.plain.buy(
            name,
            order,
            money,
            day=number(at),
            since_joining=at >= enrolled - SKEW,
            today=self.today,
            month=month(self.circle.now),
        )

    def refund(self, which: int, how_much: int, how: int) -> None:
        if not self.plain.orders:
            return
        known = sorted(self.plain.orders)
        counted = [order for friend in self.plain.friends.values() for order in friend.orders]
        order = counted[which % len(counted)] if counted and which % 3 else known[which % len(known)]
        left = self.plain.orders[order].left
        amount = (left, min(left, 1), min(left, 3500), left // 2)[how_much % 4]
        lines = len(self.circle.order(order).bought.lines)
        if how % 2 and lines == 1:
            self.circle.refunds(order, lines=((1, amount),))
        else:
            self.circle.refunds(order, amount)
        self.plain.refund(order, amount, self.today)

    def spend(self, who: int, how_much: int, _: int) -> None:
        known = sorted(name for name in self.plain.members if self.plain.stays(name))
        if not known or not self.spends:
            return
        name = known[who % len(known)]
        active, _, _ = self.circle.points(name)
        points = (active, active // 2, min(active, 30))[how_much % 3]
        if points:
            self.circle.spends(name, points)
            self.plain.spent[name] += points

    def rule(self, who: int, passed: int, _: int) -> None:
        name = FRIENDS[who % len(FRIENDS)]
        if name not in self.plain.members:
            return
        does = self.circle.passes if passed % 2 else self.circle.rejects
        if not self.plain.may_rule(name, bool(passed % 2)):
            with pytest.raises((ReferralStateError, ReferralUnknownError, MemberClosedError, MemberMergedError)):
                does(name)
            return
        does(name)
        self.plain.rule(name, bool(passed % 2), self.today, month(self.circle.now))

    def void(self, who: int, _: int, __: int) -> None:
        name = FRIENDS[who % len(FRIENDS)]
        if name not in self.plain.members:
            return
        if not self.plain.may_void(name):
            with pytest.raises((ReferralStateError, ReferralUnknownError)):
                self.circle.voids(name)
            return
        self.circle.voids(name)
        self.plain.void(name, self.today)

    def leave(self, who: int, into: int, how: int) -> None:
        known = sorted(name for name in self.plain.members if self.plain.stays(name))
        if len(known) < 2:
            return
        name, survivor = known[who % len(known)], known[into % len(known)]
        if how % 3 == 0:
            self.circle.closes(name)
            self.plain.close(name, self.today)
        elif name != survivor:
            self.circle.merges(name, survivor)
            self.plain.merge(name, survivor, self.today)

    def suspect(self, who: int, how: int, _: int) -> None:
        """The friend's e-mail was told with another member, or their payment was."""
        name = FRIENDS[who % len(FRIENDS)]
        if name not in self.plain.members or name in self.plain.suspects:
            return
        kind = FingerprintKind.DEVICE if how % 2 else FingerprintKind.PAYMENT
        fingerprint = Fingerprint(kind, f"{name}-{kind}")
        id = member(name)
        self.circle.profiles[id] = self.circle.profiles[id].seen_also([fingerprint])
        self.circle.seen[fingerprint] = (id, "somebody else")
        self.plain.suspects[name] = "review" if how % 2 else "reject"

    def wait(self, days: int, hours: int, _: int) -> None:
        self.circle.passes_time(days=(0, 1, 3, 7, 15)[days % 5], hours=(0, 5, 12, 13)[hours % 4])

    def agree(self) -> None:
        """Both say the same of everybody."""
        for name in sorted(self.plain.members):
            if self.plain.last(name) in self.plain.closed or name in self.plain.into:
                active, pending, debt = self.circle.points(name)
                assert (active, pending, debt) == (0, 0, 0), name
                continue
            active, pending, debt = self.circle.points(name)
            assert (active - debt, pending) == self.plain.held_points(name, self.today), name
            assert not (active and debt)
        for name, friend in self.plain.friends.items():
            assert self.circle.state(name) == friend.shown(self.today), name
            referred = self.circle.wallets[member(name)].referral
            assert referred is not None
            assert referred.flagged == friend.flagged, name
        for source in {friend.source for friend in self.plain.friends.values()}:
            key = source if source == "spring" else member(source)
            told = Counter({what: count for what, count in self.circle.tally.get(key, Counter()).items() if count})
            assert told == self.plain.tallied(source), source
        funnel = {
            day.toordinal(): Counter({w: n for w, n in counts.items() if n and not w.startswith("given:")})
            for day, counts in self.circle.funnel.items()
        }
        assert {day: counts for day, counts in funnel.items() if counts} == self.plain.funnelled()
        drawn = sum(points for key, points in self.circle.budgets.items() if key.cap == "budget")
        assert drawn == self.plain.drawn()


names = ["join"] * 5 + ["buy"] * 6 + ["refund"] * 4 + ["spend"] * 2 + ["rule"] * 2 + ["void", "leave", "suspect"] + ["wait"] * 3
steps = st.tuples(st.sampled_from(names), st.integers(0, 11), st.integers(0, 11), st.integers(0, 11))


@settings(max_examples=EXAMPLES)
@given(promises, promises, st.lists(steps, min_size=8, max_size=40))
def test_the_domain_says_what_the_plain_rules_say(
    first: Promise, second: Promise, history: list[tuple[str, int, int, int]]
) -> None:
    player = Player((first, second))
    for step in [("join", 0, 0, 0), ("join", 1, 0, 0), *history]:
        player.play(step)
    for friend in player.plain.friends.values():
        event(friend.state)


@dataclass
class Strangers:
    """The same orders and the same spending by people who brought nobody."""

    player: Player
    circle: Circle = field(init=False)

    def __post_init__(self) -> None:
        self.circle = Circle(versions=self.player.circle.versions)
        self.follow()

    def follow(self) -> None:
        """Do what was done since the last time, but for bringing friends."""
        plain, mine = self.player.plain, self.circle
        mine.now = self.player.circle.now
        for name in sorted(name for name in plain.members if member(name) not in mine.wallets):
            mine.enrols(name)
        for order, bought in sorted(plain.orders.items()):
            if all(entry.key != f"purchase:{order}" for entry in mine.entries[member(bought.member)]):
                told = self.player.circle.order(order)
                mine.buys(bought.member, order, *(line.amount for line in told.bought.lines), at=told.purchase.occurred_at)
        for name in sorted(name for name in plain.closed if not mine.wallets[member(name)].closed):
            mine.closes(name)
        for name, into in plain.into.items():
            if mine.wallets[member(name)].merged_into is None:
                mine.merges(name, into)

    def spend(self, who: int) -> None:
        """Points go that the member has either way; which of them it takes may differ."""
        known = sorted(name for name in self.player.plain.members if self.player.plain.stays(name))
        name = known[who % len(known)] if known else ""
        points = min(self.player.circle.points(name)[0], self.circle.points(name)[0]) if known else 0
        if points:
            self.player.circle.spends(name, points)
            self.circle.spends(name, points)
            self.player.plain.spent[name] += points

    def differs(self, name: str) -> bool:
        """Whether a member has anything else than the one who brought nobody."""
        mine, theirs = (there.standing(name).purse("points") for there in (self.player.circle, self.circle))
        return (mine.active, mine.pending, mine.debt, mine.redeemed) != (
            theirs.active,
            theirs.pending,
            theirs.debt,
            theirs.redeemed,
        )


@settings(max_examples=EXAMPLES // 2)
@given(promises, st.lists(steps, min_size=6, max_size=30), st.randoms(use_true_random=False))
def test_undoing_everything_in_any_order_leaves_what_would_be_without_referrals(
    promise: Promise, history: list[tuple[str, int, int, int]], chance: Any
) -> None:
    player = Player((promise, promise), spends=False)
    strangers = Strangers(player)
    for step in [("join", 0, 0, 0), ("join", 1, 0, 0), ("buy", 1, 0, 0), *history]:
        if step[0] == "spend":
            strangers.spend(step[1])
        elif step[0] not in ("refund", "rule", "void", "suspect"):
            player.play(step)
            strangers.follow()
    awarded = [friend for friend in player.plain.friends.values() if friend.state == "awarded"]
    chance.shuffle(awarded)
    for friend in awarded:
        player.circle.passes_time(days=chance.choice((0, 2)))
        strangers.circle.now = player.circle.now
        if chance.random() < 0.5:
            player.circle.voids(friend.name)
        else:
            order = chance.choice(friend.orders)
            player.circle.refunds(order)
            strangers.circle.refunds(order)
    assert not [name for name in sorted(player.plain.members) if strangers.differs(name)]
    assert not sum(points for key, points in player.circle.budgets.items() if key.cap == "budget")
    event(f"{len(awarded)} undone")


APART: dict[str, Callable[[Circle], None]] = {
    "part of it goes back": lambda circle: circle.refunds("first", 2000),
    "more goes back": lambda circle: circle.refunds("first", 3000),
    "the friend buys again": lambda circle: circle.buys("fay", "second", 9000),
    "the advocate buys": lambda circle: circle.buys("ann", "third", 700),
    "another friend buys": lambda circle: circle.buys("fox", "fourth", 2500),
}
"""What may happen after a friend was awarded."""


@settings(max_examples=EXAMPLES // 3)
@given(st.permutations(list(APART)), st.sampled_from([0, 14]))
def test_steps_that_have_nothing_to_do_with_each_other_may_come_in_any_order(order: list[str], hold: int) -> None:
    ends = []
    for sequence in (order, list(APART)):
        circle = Circle(versions=[version(referral=terms(hold_days=hold))])
        circle.enrols("ann")
        circle.enrols("fay", "ann")
        circle.enrols("fox", "ann")
        circle.buys("fay", "first", 6000)
        for step in sequence:
            APART[step](circle)
        names = ("ann", "fay", "fox")
        ends.append(([circle.points(n) for n in names], [circle.state(n) for n in names], circle.tally, circle.funnel))
    assert ends[0] == ends[1]


@given(
    st.integers(0, 400 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    st.integers(0, 60),
    st.integers(0, 3),
    st.booleans(),
)
@settings(max_examples=EXAMPLES * 2)
def test_nothing_can_be_spent_before_the_first_instant_of_the_day_on_which_the_hold_ends(
    at: datetime, hold: int, late: int, enrolment: bool
) -> None:
    """Whatever clocks do meanwhile: the day of the order counts, not that of its record."""
    qualifies = {"kind": "enrolment"} if enrolment else {"kind": "orders"}
    circle = Circle(versions=[version(referral=terms(qualifies=qualifies, hold_days=hold))], now=at, proved=False)
    circle.enrols("ann")
    circle.enrols("fay", "ann")
    if not enrolment:
        circle.now += timedelta(days=late)
        circle.buys("fay", "order", 5, at=at)
    day = date.fromordinal(number(at) + hold)
    first = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    for name, points in (("ann", 500), ("fay", 250)):
        if first > circle.now:
            assert circle.points(name, circle.now) == (0, points, 0)
            assert circle.points(name, first - timedelta(microseconds=1)) == (0, points, 0)
        assert circle.points(name, max(first, circle.now)) == (points, 0, 0)


@settings(max_examples=EXAMPLES)
@given(st.lists(st.tuples(st.sampled_from(["award", "undo", "wait"]), st.integers(0, 5)), max_size=30))
def test_no_step_is_paid_twice_whatever_is_taken_back_between(history: list[tuple[str, int]]) -> None:
    """The k-th award ever pays what the k-th friend pays; at no time do awards that stand exceed the numbers given once."""
    steps = [(2, 800), (4, 0), (5, 1000)]
    pays = Promise(steps=tuple(steps))
    reward = {"currency": "points", "points": 500, "steps": [{"referral": n, "points": p} for n, p in steps]}
    circle = Circle(versions=[version(referral=terms(advocate=[reward]))])
    circle.enrols("ann")
    standing: dict[str, int] = {}
    awarded = 0
    for what, which in history:
        if what == "award":
            name, awarded = f"f{awarded}", awarded + 1
            circle.enrols(name, "ann")
            circle.buys(name, f"order-{name}", 2500)
            standing[name] = pays.for_number(awarded)
        elif what == "undo" and standing:
            name = sorted(standing)[which % len(standing)]
            circle.voids(name)
            del standing[name]
        else:
            circle.passes_time(days=which * 4)
        active, pending, debt = circle.points("ann")
        assert active - debt + pending == sum(standing.values())
        assert sum(standing.values()) <= sum(pays.for_number(n) for n in range(1, awarded + 1))
