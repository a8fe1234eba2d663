"""The rules of referrals once more, as plainly as can be, to hold the domain against. Nothing here comes from the domain.

A friend is a record, a wallet is a sum over all that ever happened and still counts; days are ordinals of local days.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

ENDED = ("rejected", "clawed_back")


@dataclass(frozen=True)
class Promise:
    """Terms by which a friend joins: an order of `least` minor units, `orders` times, `within` days; what each side gets.

    `steps` are (number of the friend, points) for the advocate; `monthly` is each advocate's cap in a calendar month,
    `budget` one of all members for ever, of both sides.
    """

    least: int = 2500
    orders: int = 1
    within: int | None = None
    hold: int = 14
    advocate: int = 500
    friend: int = 250
    steps: tuple[tuple[int, int], ...] = ()
    monthly: int | None = None
    budget: int | None = None

    def for_number(self, number: int) -> int:
        """What an advocate gets for the n-th friend."""
        reached = [points for since, points in self.steps if since <= number]
        return reached[-1] if reached else self.advocate


@dataclass
class Given:
    """What one side got: by whom it is held, in which month, and from which day it can be spent. `back`: no more."""

    holder: str
    points: int
    month: str
    spendable: int
    capped: bool
    back: bool = False


@dataclass
class Friend:
    """A friend and how far the referral came."""

    name: str
    source: str
    by_member: bool
    promise: Promise
    joined: int
    state: str = "joined"
    flagged: bool = False
    cleared: bool = False
    orders: list[str] = field(default_factory=list)
    held_until: int | None = None
    qualified: int | None = None
    awarded: int | None = None
    ended: int | None = None
    flagged_once: bool = False
    given: dict[str, Given] = field(default_factory=dict)
    day_of_order: int | None = None

    def shown(self, today: int) -> str:
        """The state as people are told it."""
        if self.state != "awarded":
            return self.state
        assert self.held_until is not None
        return "held" if today < self.held_until else "rewarded"


@dataclass
class Bought:
    """An order of a member: what counted at first, and what is left."""

    member: str
    day: int
    since_joining: bool
    money: int
    left: int


@dataclass
class Plain:
    """Everybody, every order and every friend."""

    members: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    into: dict[str, str] = field(default_factory=dict)
    friends: dict[str, Friend] = field(default_factory=dict)
    orders: dict[str, Bought] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)
    suspects: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, int, str]] = field(default_factory=list)

    def last(self, name: str) -> str:
        """Who took over from a member in the end."""
        while name in self.into:
            name = self.into[name]
        return name

    def stays(self, name: str) -> bool:
        """Whether a member can still do anything."""
        return name in self.members and name not in self.closed and name not in self.into

    # What happens.

    def join(self, name: str, source: str, *, by_member: bool, promise: Promise, today: int, flagged: bool = False) -> None:
        self.members.add(name)
        friend = Friend(name, source, by_member, promise, today)
        self.friends[name] = friend
        gone = by_member and self.last(source) in self.closed
        if gone:
            friend.state, friend.ended = "rejected", today
        elif flagged:
            friend.flagged = friend.flagged_once = True
            self.log.append((source, today, "flagged"))
        self.log.append((source, today, "joined"))
        if gone:
            self.log.append((source, today, "rejected"))

    def buy(self, name: str, order: str, money: int, *, day: int, since_joining: bool, today: int, month: str) -> None:
        self.orders[order] = Bought(name, day, since_joining, money, money)
        friend = self.friends.get(name)
        if friend is None or friend.state != "joined" or not since_joining:
            return
        promise = friend.promise
        if money < max(1, promise.least) or (promise.within is not None and day > friend.joined + promise.within):
            return
        friend.orders.append(order)
        if len(friend.orders) < promise.orders:
            return
        friend.state, friend.qualified, friend.day_of_order = "qualified", today, day
        self.log.append((friend.source, today, "qualified"))
        themselves = friend.by_member and self.last(friend.source) == name
        suspect = "reject" if themselves else self.suspects.get(name)
        if not friend.flagged and not friend.cleared and suspect == "reject":
            friend.state, friend.ended = "rejected", today
            self.log.append((friend.source, today, "rejected"))
        elif not friend.flagged and not friend.cleared and suspect == "review":
            friend.flagged = friend.flagged_once = True
            self.log.append((friend.source, today, "flagged"))
        elif not friend.flagged:
            self._award(friend, today, month)

    def refund(self, order: str, amount: int, today: int) -> None:
        bought = self.orders[order]
        bought.left -= amount
        friend = self.friends.get(bought.member)
        if friend is None or order not in friend.orders or friend.state in ENDED:
            return
        if bought.left >= max(1, friend.promise.least):
            return
        if friend.state == "joined":
            friend.orders.remove(order)
        else:
            self._end(friend, today)

    def rule(self, name: str, passed: bool, today: int, month: str) -> None:
        friend = self.friends[name]
        if not passed:
            return self._end(friend, today)
        friend.flagged, friend.cleared = False, True
        if friend.state == "qualified":
            self._award(friend, today, month)
        return None

    def void(self, name: str, today: int) -> None:
        self._end(self.friends[name], today)

    def close(self, name: str, today: int) -> None:
        self.closed.add(name)
        self._leaves(name, today)

    def merge(self, name: str, into: str, today: int) -> None:
        self._one_person(name, into, today, self.friends.get(into))
        self._one_person(into, name, today, None)
        self.into[name] = into
        self._leaves(name, today)

    def _one_person(self, name: str, other: str, today: int, beside: Friend | None) -> None:
        """What was given for a friend who is the one who brought them, or was brought before, is to be looked at."""
        friend = self.friends.get(name)
        if friend is None or friend.state != "awarded" or friend.flagged or friend.cleared:
            return
        holder = friend.given["advocate"].holder if "advocate" in friend.given else None
        twice = beside is not None and beside.state == "awarded" and beside.source == friend.source
        if twice or other == holder or (friend.by_member and other == friend.source):
            friend.flagged = friend.flagged_once = True
            self.log.append((friend.source, today, "flagged"))

    def may_rule(self, name: str, passed: bool) -> bool:
        friend = self.friends.get(name)
        if friend is None:
            return False
        return friend.flagged if passed else friend.state in ("joined", "qualified")

    def may_void(self, name: str) -> bool:
        friend = self.friends.get(name)
        return friend is not None and friend.state == "awarded"

    def _leaves(self, name: str, today: int) -> None:
        friend = self.friends.get(name)
        if friend is not None and friend.state in ("joined", "qualified"):
            self._end(friend, today)

    def _award(self, friend: Friend, today: int, month: str) -> None:
        assert friend.day_of_order is not None
        promise, until = friend.promise, friend.day_of_order + friend.promise.hold
        holder = self.last(friend.source) if friend.by_member else None
        if holder is not None and (holder in self.closed or holder == friend.name):
            holder = None
        if holder is not None:
            number = 1 + sum(
                1 for f in self.friends.values() if (g := f.given.get("advocate")) and self.last(g.holder) == holder
            )
            points = promise.for_number(number)
            if promise.monthly is not None:
                points = min(points, max(0, promise.monthly - self._used(holder, month)))
            points = self._within_budget(promise, points)
            friend.given["advocate"] = Given(holder, points, month, max(until, today), promise.monthly is not None)
        points = self._within_budget(promise, promise.friend)
        friend.given["friend"] = Given(friend.name, points, month, max(until, today), capped=False)
        friend.state, friend.held_until, friend.awarded = "awarded", until, today
        self.log.append((friend.source, today, "awarded"))

    def _within_budget(self, promise: Promise, points: int) -> int:
        return points if promise.budget is None else min(points, max(0, promise.budget - self.drawn()))

    def _used(self, holder: str, month: str) -> int:
        gifts = [f.given["advocate"] for f in self.friends.values() if "advocate" in f.given]
        return sum(g.points for g in gifts if g.capped and not g.back and g.month == month and self.last(g.holder) == holder)

    def _end(self, friend: Friend, today: int) -> None:
        awarded = friend.state == "awarded"
        over = friend.held_until is not None and today >= friend.held_until
        friend.state = "clawed_back" if awarded and over else "rejected"
        friend.flagged, friend.ended = False, today
        what = "rejected" if not awarded else "clawed_back" if over else "cancelled"
        self.log.append((friend.source, today, what))
        for given in friend.given.values():
            given.back = True

    # What there is to see.

    def drawn(self) -> int:
        """What is given of the budget."""
        gifts = [g for f in self.friends.values() if f.promise.budget is not None for g in f.given.values()]
        return sum(g.points for g in gifts if not g.back)

    def held_points(self, name: str, today: int) -> tuple[int, int]:
        """Balance (active less debt) and pending points of a member who is there, with all they took over."""
        mine = {other for other in self.members if self.last(other) == name}
        gifts = [g for f in self.friends.values() for g in f.given.values() if not g.back and g.holder in mine]
        pending = sum(g.points for g in gifts if g.spendable > today)
        earned = sum(order.left // 100 for order in self.orders.values() if order.member in mine)
        spent = sum(self.spent[other] for other in mine)
        return earned - spent + sum(g.points for g in gifts) - pending, pending

    def tallied(self, source: str) -> Counter[str]:
        """What is counted for an advocate or a campaign, from how all their friends stand now."""
        mine = [friend for friend in self.friends.values() if friend.source == source]
        found = Counter[str]()
        for friend in mine:
            found["joined"] += 1
            found["flagged"] += friend.flagged_once
            found["qualified"] += friend.qualified is not None
            found["awarded"] += friend.awarded is not None
            found["rejected"] += friend.state == "rejected" and friend.awarded is None
            found["cancelled"] += friend.state == "rejected" and friend.awarded is not None
            found["clawed_back"] += friend.state == "clawed_back"
            for side, given in friend.given.items():
                found[f"given:{side}:points"] += 0 if given.back else given.points
        return Counter({name: count for name, count in found.items() if count})

    def rewarded(self) -> Counter[int]:
        """Referrals whose hold is over and was not broken off, by the day on which it ended."""
        found = Counter[int]()
        for friend in self.friends.values():
            if friend.awarded is not None and friend.state != "rejected":
                assert friend.held_until is not None
                found[max(friend.held_until, friend.awarded)] += 1
        return found

    def funnelled(self) -> dict[int, Counter[str]]:
        """What happened, by day."""
        found: dict[int, Counter[str]] = {}
        for _, day, what in self.log:
            found.setdefault(day, Counter())[what] += 1
        for day, count in self.rewarded().items():
            found.setdefault(day, Counter())["rewarded"] += count
        return found
