"""Multiplier vouchers and bonuses on orders, against a plain list of vouchers: with refunds and merges in any order."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.boost import Boost, best_boosts, percent_of, used_of
from shared.domain.counts import Count
from shared.domain.errors import RefusedError
from tests.unit.books import day, noon
from tests.unit.crowd import Crowd, campaign, member_id, program

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "60"))
"""Histories per promise; LAUREL_EXAMPLES asks for more."""
NAMES = ["ann", "bob"]


def multiplier(percent: int, days: int) -> dict[str, Any]:
    """A bonus that multiplies the next order."""
    return {"kind": "multiplier", "currency": "points", "percent": percent, "days": days}


BIG = 500
CAMPAIGNS = [
    campaign("triple", {"kind": "purchase_number", "every": 2, "amount_min": BIG}, multiplier(300, 6), grants_max=1000),
    campaign("double", {"kind": "purchase_number", "every": 3}, multiplier(200, 20)),
    campaign("third", {"kind": "purchase_number", "every": 3}, 50, caps=["pot"], grants_max=1000),
]
POT = {"id": "pot", "currency": "points", "scope": "program", "per": "year", "points": 10_000, "shards": 3}


@dataclass
class Voucher:
    """A multiplier that somebody holds, good from the day `since` to `until`; it came with the order `came`."""

    percent: int
    since: date
    until: date
    came: str
    used: bool = False


@dataclass
class Bought:
    """An order: what is left of it, the percent it was multiplied by, and the points that came along."""

    net: int
    percent: int
    owner: str
    extra: int = 0
    least: int = 1

    @property
    def points(self) -> int:
        """Points of the order itself."""
        return self.net * self.percent // 10_000


@dataclass
class PlainShop:
    """Orders, their numbers and vouchers, by the letter of docs/campaigns.md."""

    orders: dict[str, Bought] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)
    vouchers: dict[str, list[Voucher]] = field(default_factory=lambda: {name: [] for name in NAMES})
    heir: dict[str, str] = field(default_factory=dict)

    def owner(self, name: str) -> str:
        """Who has what a member had."""
        return self.heir.get(name, name)

    def buys(self, name: str, order_id: str, amount: int, today: date) -> None:
        """The best voucher that is good today is used, if there is anything to multiply."""
        good = [one for one in self.vouchers[name] if not one.used and one.since <= today <= one.until]
        best = max(good, key=lambda one: (one.percent, -one.until.toordinal()), default=None) if amount else None
        if best is not None:
            best.used = True
        self.numbers[name] += 1
        order = self.orders[order_id] = Bought(amount, best.percent if best else 100, name)
        if self.numbers[name] % 2 == 0 and amount >= BIG:
            self.vouchers[name].append(Voucher(300, today, date.fromordinal(today.toordinal() + 5), order_id))
        if self.numbers[name] % 3 == 0 and amount:
            self.vouchers[name].append(Voucher(200, today, date.fromordinal(today.toordinal() + 19), order_id))
            order.extra = 50

    def refunds(self, order_id: str, amount: int) -> None:
        """What came along goes where too little is left; a voucher that was used was used."""
        order = self.orders[order_id]
        order.net -= amount
        held = self.vouchers[self.owner(order.owner)]
        if order.net < 1:
            order.extra = 0
            held[:] = [one for one in held if one.came != order_id or one.used or one.percent == 300]
        if order.net < BIG:
            held[:] = [one for one in held if one.came != order_id or one.used or one.percent != 300]

    def merges(self, leaver: str, survivor: str) -> None:
        """All that one has is the other's."""
        self.heir[leaver] = survivor
        self.numbers[survivor] += self.numbers.pop(leaver, 0)
        self.vouchers[survivor] += self.vouchers[leaver]

    def points(self, name: str) -> int:
        """A member's points."""
        return sum(order.points + order.extra for order in self.orders.values() if self.owner(order.owner) == name)


acts = st.tuples(
    st.sampled_from(["buy", "buy", "buy", "refund", "part", "merge", "day", "week"]),
    st.integers(0, 1),
    st.sampled_from([0, 50, 300, 499, 500, 1000, 1550]),
    st.integers(0, 30),
)


@settings(max_examples=EXAMPLES)
@given(st.lists(acts, min_size=6, max_size=40), st.randoms(use_true_random=False))
def test_orders_refunds_and_merges_leave_what_a_plain_list_of_vouchers_says(
    history: list[tuple[str, int, int, int]], shuffled: Any
) -> None:
    crowd, plain = Crowd([program(*CAMPAIGNS, caps=[POT], frequency_caps=[{"per": "year", "count": 1000}])]), PlainShop()
    for name in NAMES:
        crowd.enrol(name, noon(-30))
    crowd.start()
    today = 0
    for act, who, amount, number in history:
        name = NAMES[who]
        orders = [order_id for order_id, order in plain.orders.items() if order.net]
        match act:
            case "buy" if name not in plain.heir:
                order_id = f"o{len(plain.orders)}"
                crowd.buys(name, order_id, amount)
                plain.buys(name, order_id, amount, day(today))
            case "refund" | "part" if orders:
                order_id = orders[number % len(orders)]
                left = plain.orders[order_id].net
                taken = left if act == "refund" else min(left, amount)
                crowd.refunds(order_id, taken)
                plain.refunds(order_id, taken)
            case "merge" if not plain.heir and number < 10:
                crowd.merges(name, NAMES[1 - who])
                plain.merges(name, NAMES[1 - who])
            case "day" | "week":
                today += 1 if act == "day" else 7
                crowd.goes_on(days=1 if act == "day" else 7)
        _agrees(crowd, plain)
    event(f"{sum(order.percent > 100 for order in plain.orders.values())} vouchers used")
    rest = list(plain.orders)
    shuffled.shuffle(rest)
    for order_id in rest:
        crowd.refunds(order_id)
        plain.refunds(order_id, plain.orders[order_id].net)
    _agrees(crowd, plain)
    _is_back_at_the_start(crowd, plain)


def _agrees(crowd: Crowd, plain: PlainShop) -> None:
    for name in NAMES:
        assert crowd.points(name) == (0 if name in plain.heir else plain.points(name)), name
        wallet = crowd.ledger.wallets[member_id(name)]
        if name not in plain.heir:
            held = Counter(
                {(f"boost:{count.name.split(':')[1]}", count.day): count.amount for count in wallet.counts if Boost.of(count)}
            )
            names = {300: "boost:triple", 200: "boost:double"}
            due = Counter((names[one.percent], one.until) for one in plain.vouchers[name] if not one.used)
            assert {place[1]: 0 for place in held} == {place[1]: 0 for place in due}
            assert sum(held.values()) == sum(due.values())
        assert all(count.amount > 0 for count in wallet.counts)
    assert crowd.breaks() == []


def _is_back_at_the_start(crowd: Crowd, plain: PlainShop) -> None:
    """Of all orders nothing is left: but their numbers, and what vouchers that were used count."""
    used = [one for name, held in plain.vouchers.items() if name not in plain.heir for one in held]
    assert all(one.used for one in used)
    assert sum(crowd.points(name) for name in NAMES) == 0
    assert sum(spent for key, spent in crowd.ledger.budgets.items() if key.cap == "pot") == 0
    assert sum(spent for key, spent in crowd.ledger.budgets.items() if key.cap == "grants:triple") == sum(
        one.percent == 300 for one in used
    )
    for name in NAMES:
        if name in plain.heir:
            continue
        counts = {count.name: count.amount for count in crowd.ledger.wallets[member_id(name)].counts}
        assert counts.pop("orders", 0) == plain.numbers[name]
        assert counts.pop("limit:#campaigns:year", 0) == len(plain.vouchers[name])
        assert counts == {}


# By hand


def boost(percent: int = 300, since: int = 0, until: int = 9, campaign: str = "a", currency: str = "points") -> Boost:
    return Boost(campaign, currency, percent, day(since), day(until))


def test_a_multiplier_reads_back_from_its_count() -> None:
    assert Boost.of(boost().count(1)) == boost()
    assert boost().count(-1).amount == -1
    for count in (Count("orders", None, 1), Count("gifted:boost", day(0), 1), Count("boost:x", None, 1)):
        assert Boost.of(count) is None
    assert percent_of(boost().rule) == 300


@pytest.mark.parametrize(
    ("there", "today", "best"),
    [
        ([boost(200), boost(300)], 0, [boost(300)]),
        ([boost(200, until=5), boost(300)], 0, [boost(300)]),
        ([boost(300, until=9), boost(300, until=5)], 0, [boost(300, until=5)]),
        ([boost(300, until=5), boost(200)], 6, [boost(200)]),
        ([boost(300, since=3)], 2, []),
        ([boost(300)], 9, [boost(300)]),
        ([boost(300)], 10, []),
        ([boost(300), boost(200, currency="stars")], 0, [boost(300), boost(200, currency="stars")]),
        ([boost(300, campaign="b"), boost(300, campaign="a")], 0, [boost(300, campaign="a")]),
    ],
)
def test_an_order_uses_the_best_multiplier_of_each_currency_that_is_good_on_its_day(
    there: list[Boost], today: int, best: list[Boost]
) -> None:
    counts = [one.count(1) for one in there]
    assert list(best_boosts(counts, day(today))) == best
    assert best_boosts([one.count(0) for one in there], day(today)) == ()


def test_a_multiplier_that_gives_nothing_is_not_used() -> None:
    assert used_of([boost()], []) == []


def test_an_order_told_late_uses_the_multiplier_of_its_own_day() -> None:
    crowd = Crowd([program(campaign("it", {"kind": "recurrence", "every": "day", "at": "12:00"}, multiplier(300, 2)))])
    crowd.enrol("ann", noon(-30))
    crowd.start()
    crowd.goes_on(days=1)
    assert crowd.gives("ann", "it") == "granted"
    crowd.goes_on(days=5)
    crowd.buys("ann", "before", 1000, at=noon(0))
    assert crowd.points("ann") == 10
    crowd.buys("ann", "then", 1000, at=noon(2))
    assert crowd.points("ann") == 40
    crowd.buys("ann", "once", 1000, at=noon(2))
    assert crowd.points("ann") == 50
    with pytest.raises(RefusedError):
        crowd.refunds("then", 5000)
    crowd.refunds("then", 500)
    assert crowd.points("ann") == 35
    assert crowd.breaks() == []
