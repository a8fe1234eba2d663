"""Random programs and orders: the parts sum to the whole, caps hold, and refunding everything leaves nothing.

The plain rules (tests/unit/plain_rules.py) know nothing of the domain.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.counts import ONE_ORDER
from shared.domain.entry import Entry
from shared.domain.membership import BillingEvent
from shared.domain.purchase import Line
from tests.fakes.grocer import ADA, document, version
from tests.unit.books import ZONE, noon
from tests.unit.market import Market
from tests.unit.plain_rules import Given, PlainLine, PlainOrder, PlainRating, bonus_points, whole

EXAMPLES = int(os.environ.get("LAUREL_EXAMPLES", "150"))
"""Programs per promise; LAUREL_EXAMPLES asks for more."""
CATEGORIES = ["coffee", "cake", "gift_card", None]
CURRENCIES = ["points", "stars"]
Json = dict[str, Any]

amounts = st.one_of(st.just(0), st.sampled_from([33, 50, 99, 100, 2500]), st.integers(1, 3000))
lines = st.lists(
    st.builds(
        lambda n, category, quantity, amount: Line(f"sku-{n}", quantity, amount, category),
        st.integers(1, 4),
        st.sampled_from(CATEGORIES),
        st.sampled_from([0, 1, 1, 2, 3]),
        amounts,
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def conditions(draw: Any) -> Json:
    when: Json = {}
    if draw(st.booleans()):
        when["categories"] = draw(st.lists(st.sampled_from(["coffee", "cake", "gift_card"]), min_size=1, max_size=2))
    elif draw(st.booleans()):
        when["skus"] = draw(st.lists(st.sampled_from(["sku-1", "sku-2", "sku-3"]), min_size=1, max_size=2))
    match draw(st.integers(0, 5)):
        case 0:
            when["amount_min"] = draw(amounts)
        case 1:
            when["amount_max"] = draw(amounts)
    return when


@st.composite
def rules(draw: Any, number: int, caps: Sequence[Json], currency: str) -> Json:
    rule: Json = {"id": f"r{number}", "currency": currency, "when": draw(conditions())}
    kind = draw(st.integers(0, 5))
    # A budget is for bonuses: the base is the same for all.
    fitting = [cap["id"] for cap in caps if cap["currency"] == currency and (kind > 3 or cap["scope"] == "member")]
    if fitting and draw(st.booleans()):
        rule["caps"] = draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=2, unique=True))
    match kind:
        case 0 | 1:
            per = {"points": draw(st.integers(0, 3)), "minor_units": draw(st.sampled_from([1, 40, 100, 150]))}
            return {**rule, "kind": "purchase", "per_amount": per}
        case 2:
            return {**rule, "kind": "purchase", "per_item": {"points": draw(st.integers(0, 7))}}
        case 3:
            return {**rule, "kind": "purchase", "per_visit": {"points": draw(st.integers(0, 7))}}
        case 4:
            return {**rule, "kind": "multiplier", "percent": draw(st.sampled_from([101, 133, 150, 200, 700]))}
    return {**rule, "kind": "bonus", "points": draw(st.integers(1, 50))}


@st.composite
def caps(draw: Any, number: int) -> Json:
    cap = {
        "id": f"cap{number}",
        "currency": draw(st.sampled_from(CURRENCIES)),
        "scope": draw(st.sampled_from(["member", "program"])),
        "per": draw(st.sampled_from(["day", "week", "month", "year", "ever"])),
    }
    limit = draw(st.sampled_from([0, 1, 3, 10, 25, 60, 10_000]))
    if cap["scope"] == "program":
        cap["shards"] = draw(st.sampled_from([1, 1, 2, 3]))
    return {**cap, draw(st.sampled_from(["points", "minor_units"])): limit}


multipliers = st.lists(
    st.builds(
        lambda code, percent: {"currency": code, "percent": percent},
        st.sampled_from(CURRENCIES),
        st.sampled_from([110, 150, 333]),
    ),
    max_size=2,
    unique_by=lambda one: one["currency"],
)


@st.composite
def programs(draw: Any, *, capped: bool = True, stackings: Sequence[str] = ("additive", "multiplicative", "best")) -> Json:
    drawn = [draw(caps(n)) for n in range(draw(st.integers(0, 3)))] if capped else []
    codes = [draw(st.sampled_from(["points", "points", "stars"])) for _ in range(draw(st.integers(1, 6)))]
    found: Json = {
        "currencies": [{"code": code, "cost": {"points": 3, "minor_units": 2}} for code in CURRENCIES],
        "caps": drawn,
        "stacking": draw(st.sampled_from(stackings)),
        "earning_rules": [draw(rules(n, drawn, code)) for n, code in enumerate(codes)],
        "exclusions": {
            "categories": draw(st.sampled_from([[], ["gift_card"]])),
            "skus": draw(st.sampled_from([[], ["sku-4"]])),
        },
    }
    if draw(st.booleans()):
        metric = draw(st.sampled_from([{"metric": "points", "currency": "points"}, {"metric": "spend"}, {"metric": "orders"}]))
        level = {"id": "gold", "name": "Gold", "threshold": 0, "benefits": {"multipliers": draw(multipliers)}}
        found["tiers"] = {**metric, "period": {"kind": "anniversary"}, "levels": [level]}
    if draw(st.booleans()):
        plan = {
            "id": "prime",
            "name": "Prime",
            "price": 1,
            "term": {"months": 12},
            "benefits": {"multipliers": draw(multipliers)},
        }
        found["memberships"] = [plan]
    return found


@dataclass
class Bought:
    """An order that was sent and how much of it is left."""

    order_id: str
    plain: PlainOrder
    entry: Entry


def opened(program: Json) -> Market:
    """A member of every plan, before the first order."""
    market = Market([version(1, noon(-400), **document(time_zone=ZONE, **program))])
    if program.get("memberships"):
        joined = BillingEvent(event_id="join", member_id=ADA, plan="prime", kind="started", occurred_at=noon(-1))
        market.billed(joined)
    return market


def buy(market: Market, basket: Sequence[Line], paid: int = 0) -> Bought:
    order_id = f"order-{len(market.entries)}"
    plain = PlainOrder([PlainLine(one.sku, one.category, one.quantity, one.amount) for one in basket])
    plain.rewards = plain.total * paid // 10
    entry = market.bought(order_id, basket, paid_with_rewards=plain.rewards or None)
    return Bought(order_id, plain, entry)


def refund(market: Market, order: Bought, step: tuple[int, int, int]) -> Entry:
    """Give back a part: off a line, or off all of them."""
    which, number, share = step
    plain = order.plain
    if which:
        amount = plain.left * share // 10
        entry = market.refunded(order.order_id, amount=amount)
        plain.off_all += amount
        return entry
    line = number % len(plain.lines)
    left = min(plain.lines[line].amount - plain.off_lines.get(line, 0), plain.left)
    entry = market.refunded(order.order_id, lines=((line + 1, left * share // 10),))
    plain.off_lines[line] = plain.off_lines.get(line, 0) + left * share // 10
    return entry


def benefits(program: Json, currency: str) -> list[tuple[str, int]]:
    """Multipliers of the tier that everybody has, and of the membership."""
    found = []
    for name, part in (
        ("tier:gold", program.get("tiers", {}).get("levels", [])),
        ("membership:prime", program.get("memberships", [])),
    ):
        found += [
            (name, one["percent"]) for level in part for one in level["benefits"]["multipliers"] if one["currency"] == currency
        ]
    return found


def rooms(market: Market, program: Json) -> dict[str, int]:
    """The points that each cap leaves now, read off the books."""
    found = {}
    for cap in market.versions[0].program.caps:
        since = cap.since(market.now.date())
        used = (
            market.spent().get((cap.id, since), 0) if cap.scope == "program" else market.wallet.counted(cap.count_name, since)
        )
        found[cap.id] = (cap.points if cap.points is not None else (cap.minor_units or 0) * 3 // 2) - used
    return found


def given_points(entry: Entry, currency: str) -> dict[str, int]:
    """Points by rule, as the entry tells them."""
    return {share.rule: share.points for share in entry.why if share.currency == currency}


def check_same(entry: Entry, plain: list[Given], currency: str) -> None:
    """Bonuses are the floors of their own; all in all it is the floor of the exact sum, but for what caps keep back."""
    told = given_points(entry, currency)
    bonuses = bonus_points(plain)
    assert {rule: told[rule] for rule in bonuses} == bonuses
    total, due = sum(told.values()), whole(plain)
    kept_back = any(one.base and one.room is not None and one.room < one.exact + len(plain) for one in plain)
    assert total == due or (kept_back and total <= due)


def sums(entry: Entry) -> dict[str, int]:
    found: dict[str, int] = {}
    for share in entry.why:
        found[share.currency] = found.get(share.currency, 0) + share.points
    return {currency: points for currency, points in found.items() if points}


def credit(market: Market) -> int:
    """Qualifying credit."""
    return sum(count.amount for count in market.wallet.counts if count.name.startswith("tier:"))


paid = st.sampled_from([0, 0, 0, 1, 5, 10])
steps = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.sampled_from([0, 1, 3, 5, 9, 10])), max_size=5)


@settings(max_examples=EXAMPLES)
@given(programs(), st.lists(st.tuples(lines, paid), min_size=1, max_size=3))
def test_the_parts_sum_to_the_whole_and_are_what_the_plain_rules_give(
    program: Json, baskets: list[tuple[list[Line], int]]
) -> None:
    market = opened(program)
    for basket, share in baskets:
        left = rooms(market, program)
        order = buy(market, basket, share)
        assert sums(order.entry) == {c: sum(lot.count for lot in lots) for c, lots in order.entry.minted().items()}
        for currency in CURRENCIES:
            plain = PlainRating(program | {}, order.plain, currency, benefits(program, currency), dict(left))
            check_same(order.entry, plain.given(), currency)
        assert all(0 <= one.points <= one.room for one in order.entry.why if one.room is not None)
        assert min(rooms(market, program).values(), default=0) >= 0
    assert market.fold() == market.wallet
    assert market.breaks() == []


@settings(max_examples=EXAMPLES)
@given(programs(), lines, paid, steps)
def test_no_refund_gives_points_and_refunding_everything_leaves_nothing(
    program: Json, basket: list[Line], share: int, parts: list[tuple[int, int, int]]
) -> None:
    market = opened(program)
    before = market.wallet.counts
    order = buy(market, basket, share)
    for part in parts:
        had = {code: market.points(code) for code in CURRENCIES}
        counted, spent = credit(market), market.spent()
        entry = refund(market, order, part)
        assert all(market.points(code) <= had[code] for code in CURRENCIES)
        assert all(points <= 0 for points in sums(entry).values())
        assert all(points <= spent[place] for place, points in market.spent().items())
        assert credit(market) <= counted
        assert min(rooms(market, program).values(), default=0) >= 0
    market.refunded(order.order_id)
    # All but the order's number, or a first order could be given again and again.
    assert [count for count in market.wallet.counts if count != ONE_ORDER] == list(before)
    assert market.spent() == {}
    assert all(purse.issued == 0 and not purse.lots and not purse.debt for purse in market.wallet.purses)
    assert market.fold() == market.wallet
    assert market.breaks() == []


@settings(max_examples=EXAMPLES)
@given(programs(), lines, paid, steps, st.randoms(use_true_random=False))
def test_only_the_totals_of_refunds_matter_never_their_order(
    program: Json, basket: list[Line], share: int, parts: list[tuple[int, int, int]], chance: Any
) -> None:
    market = opened(program)
    order = buy(market, basket, share)
    taken = [refund(market, order, part).subject for part in parts]
    other = opened(program)
    buy(other, basket, share)
    chance.shuffle(taken)
    for subject in taken:
        told = tuple((line.line, line.amount) for line in subject.lines)
        other.refunded(order.order_id, **({"lines": told} if told else {"amount": subject.amount}))
    assert {c: market.points(c) for c in CURRENCIES} == {c: other.points(c) for c in CURRENCIES}
    assert market.wallet.counts == other.wallet.counts
    assert market.spent() == other.spent()


@settings(max_examples=EXAMPLES)
@given(programs(), lines, paid, steps)
def test_what_is_left_of_an_order_earns_what_the_plain_rules_give(
    program: Json, basket: list[Line], share: int, parts: list[tuple[int, int, int]]
) -> None:
    market = opened(program)
    left = rooms(market, program)
    order = buy(market, basket, share)
    given = {c: PlainRating(program, order.plain, c, benefits(program, c), dict(left)).given() for c in CURRENCIES}
    for part in parts:
        refund(market, order, part)
    for currency in CURRENCIES:
        again = PlainRating(program, order.plain, currency, benefits(program, currency), {}, given[currency]).given()
        due = whole(again)
        limited = any(one.base and one.room is not None for one in again)
        assert market.points(currency) == due or (limited and market.points(currency) < due)


@settings(max_examples=EXAMPLES)
@given(programs(capped=False), lines, paid, st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_no_total_where_no_caps_are(
    program: Json, basket: list[Line], share: int, chance: Any
) -> None:
    shuffled = list(program["earning_rules"])
    chance.shuffle(shuffled)
    one, other = opened(program), opened(program | {"earning_rules": shuffled})
    first, second = buy(one, basket, share).entry, buy(other, basket, share).entry
    event(program["stacking"])
    assert sums(first) == sums(second)
    if program["stacking"] == "additive":
        assert {(s.rule, s.points) for s in first.why} == {(s.rule, s.points) for s in second.why}


@settings(max_examples=EXAMPLES)
@given(programs(stackings=["additive"]), lines, paid, st.randoms(use_true_random=False))
def test_with_caps_that_no_two_rules_share_the_order_of_rules_changes_no_share(
    program: Json, basket: list[Line], share: int, chance: Any
) -> None:
    seen: set[str] = set()
    for rule in program["earning_rules"]:
        rule["caps"] = [cap for cap in rule.get("caps", []) if cap not in seen]
        seen.update(rule["caps"])
    shuffled = list(program["earning_rules"])
    chance.shuffle(shuffled)
    one, other = opened(program), opened(program | {"earning_rules": shuffled})
    first, second = buy(one, basket, share).entry, buy(other, basket, share).entry
    assert {(s.rule, s.points) for s in first.why} == {(s.rule, s.points) for s in second.why}


@settings(max_examples=EXAMPLES)
@given(programs(capped=False, stackings=["additive", "multiplicative"]), lines, paid)
def test_where_nothing_is_capped_the_total_is_one_floor_of_the_exact_sum(program: Json, basket: list[Line], share: int) -> None:
    market = opened(program)
    order = buy(market, basket, share)
    for currency in CURRENCIES:
        exact = sum(
            (g.exact for g in PlainRating(program, order.plain, currency, benefits(program, currency)).given()), Fraction(0)
        )
        assert sum(given_points(order.entry, currency).values()) == floor(exact)
