"""The proof finds what rules, caps, limits and activities could not have given: each promise is broken once here, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.audit import audit, unmatched
from shared.domain.cap import BudgetKey
from shared.domain.counts import Count
from shared.domain.effect import Standing
from shared.domain.entry import Entry, EntryKey, Share, caller_key
from shared.domain.purchase import Line
from shared.domain.recognizing import RecognitionRequest, recognize
from shared.domain.tallies import Tallies
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, BOB, document, version
from tests.unit.books import ZONE, day, noon
from tests.unit.market import Market, plain_line

CAPS = [
    {"id": "month", "currency": "points", "scope": "member", "per": "month", "points": 150},
    {"id": "budget", "currency": "points", "scope": "program", "per": "year", "points": 1000},
]
RULES = [
    {"id": "base", "kind": "purchase", "currency": "points", "per_amount": {"points": 1, "minor_units": 100}},
    {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["month", "budget"]},
    {
        "id": "review",
        "kind": "activity",
        "currency": "points",
        "activity": "review",
        "points": 20,
        "limits": [{"per": "month", "count": 2}],
    },
]
LEVELS = [{"id": "gold", "name": "Gold", "threshold": 0, "benefits": {"multipliers": [{"currency": "points", "percent": 150}]}}]
TIERS = {"metric": "points", "currency": "points", "period": {"kind": "anniversary"}, "levels": LEVELS}
YEAR = day(0).replace(month=1, day=1)
MONTH = day(0).replace(day=1)
BUDGET = BudgetKey("budget", YEAR)
BY_RULES = "rules give what their program version says"
IN_ROOM = "no cap or limit of a member is exceeded"
COUNTED = "what an entry counts is what its rules gave"
RECOUNT = "a recount takes back what was there"


@pytest.fixture
def market() -> Market:
    """Two orders fill the month's cap, one of them is refunded in two parts; of three reviews, one is void."""
    market = Market([version(1, noon(-400), **document(time_zone=ZONE, caps=CAPS, earning_rules=RULES, tiers=TIERS))])
    market.did("review", "a")
    market.bought("a", [plain_line(1, 10_000)])
    market.bought("b", [plain_line(1, 6000), plain_line(2, 4000)])
    market.did("review", "b")
    market.voided("review", "a")
    market.refunded("b", lines=((2, None),))
    market.refunded("b")
    market.did("review", "c")
    return market


def tampered(market: Market, key: str, change: Callable[[Entry], Entry]) -> set[str]:
    """The promises that are found broken after one entry was changed."""
    entries = [change(entry) if entry.key == key else entry for entry in market.entries]
    assert entries != market.entries
    return {found.promise for found in audit(market.wallet, entries, market.versions)}


def sharing(number: int, **changes: Any) -> Callable[[Entry], Entry]:
    """Another of the entry's reasons."""

    def change(entry: Entry) -> Entry:
        why = list(entry.why)
        why[number] = replace(why[number], **changes)
        return replace(entry, why=tuple(why))

    return change


def counting(*counts: Count) -> Callable[[Entry], Entry]:
    """The entry with other counts."""
    return lambda entry: replace(entry, told=replace(entry.told, counts=counts))  # type: ignore[type-var]


def test_honest_books_have_no_break(market: Market) -> None:
    assert market.breaks() == []
    assert [(share.rule, share.points, share.room) for share in market.entry(EntryKey("purchase:b")).why] == [
        ("base", 100, None),
        ("double", 50, 50),
        ("tier:gold", 50, None),
    ]
    assert market.spent() == {("budget", YEAR): 100}
    assert market.wallet.counted("cap:month:month", MONTH) == 100
    assert market.wallet.counted("limit:review:month", MONTH) == 2


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("purchase:a", sharing(0, rule="nobody")),
        ("purchase:a", sharing(0, rule="review")),
        ("purchase:a", sharing(0, currency="stars")),
        ("purchase:a", sharing(0, room=1000)),
        ("purchase:a", sharing(1, room=None)),
        ("purchase:a", sharing(1, program_version=2)),
        ("purchase:a", sharing(0, program_version=2)),
        ("purchase:a", sharing(2, rule="tier:platinum")),
        ("purchase:a", sharing(2, rule="membership:gold")),
        ("activity:review:b", sharing(0, rule="base")),
        ("activity:review:b", sharing(0, points=21)),
    ],
)
def test_a_reason_that_is_no_rule_of_the_version_is_found(market: Market, key: str, change: Callable[[Entry], Entry]) -> None:
    assert BY_RULES in tampered(market, key, change)


def test_points_beyond_what_the_caps_left_are_found(market: Market) -> None:
    assert IN_ROOM in tampered(market, "purchase:b", sharing(1, points=51, room=50))
    # All of it as it would be, but for the order before.
    assert IN_ROOM in tampered(market, "purchase:b", sharing(1, points=51, room=51))
    assert IN_ROOM in tampered(market, "purchase:b", sharing(1, points=-1))


def test_an_order_beyond_the_cap_is_found_though_all_of_it_says_the_same(market: Market) -> None:
    """The cap is 150; here the books are honest, and the program is not the one that was in force."""
    other = document(time_zone=ZONE, caps=[{**CAPS[0], "points": 149}, CAPS[1]], earning_rules=RULES, tiers=TIERS)
    found = list(audit(market.wallet, market.entries, [version(1, noon(-400), **other)]))
    assert [(one.promise, one.where) for one in found] == [(IN_ROOM, "purchase:b")]


def test_an_activity_beyond_its_limit_is_found(market: Market) -> None:
    rules = [*RULES[:2], {**RULES[2], "limits": [{"per": "month", "count": 1}]}]
    other = document(time_zone=ZONE, caps=CAPS, earning_rules=rules, tiers=TIERS)
    found = list(audit(market.wallet, market.entries, [version(1, noon(-400), **other)]))
    assert {(one.promise, one.where) for one in found} == {(IN_ROOM, "activity:review:b"), (IN_ROOM, "activity:review:c")}


@pytest.mark.parametrize(
    "counts",
    [
        (),
        (Count("tier:points:points", day(0), 100),),
        (Count("cap:month:month", MONTH, 99), Count("tier:points:points", day(0), 100)),
        (Count("cap:month:month", day(1), 100), Count("tier:points:points", day(0), 100)),
        (Count("cap:budget:year", YEAR, 100), Count("cap:month:month", MONTH, 100), Count("tier:points:points", day(0), 100)),
        (Count("cap:month:month", MONTH, 100), Count("tier:points:points", day(0), 101)),
        (Count("cap:month:month", MONTH, 100), Count("tier:points:points", day(1), 100)),
        (Count("cap:month:month", MONTH, 100), Count("tier:spend", day(0), 100)),
        (Count("cap:month:month", MONTH, 100), Count("tier:points:points", day(0), 97)),
        (Count("cap:month:month", MONTH, 100),),
        (Count("cap:month:month", MONTH, 100), Count("tier:points:points", day(0), 100), Count("limit:review:month", MONTH, 1)),
    ],
)
def test_an_order_that_counts_otherwise_than_it_gave_is_found(market: Market, counts: tuple[Count, ...]) -> None:
    assert COUNTED in tampered(market, "purchase:a", counting(*counts))


def test_an_activity_that_counts_against_no_limit_is_found(market: Market) -> None:
    assert COUNTED in tampered(market, "activity:review:b", counting())


@pytest.mark.parametrize("key", ["activity:review:b", "void:activity:review:a"])
@pytest.mark.parametrize("points", [-21, 0, 19])
def test_an_activity_or_a_void_that_explains_other_points_is_found(market: Market, key: str, points: int) -> None:
    assert "every point is explained" in tampered(market, key, sharing(0, points=points))


def test_a_refund_that_explains_points_and_takes_none_is_found(market: Market) -> None:
    nothing = lambda entry: replace(entry, told=replace(entry.told, corrections=()))  # noqa: E731
    for key in ("refund:b:1", "void:activity:review:a"):
        assert "every point is explained" in tampered(market, key, nothing)


def test_a_void_or_refund_of_all_that_leaves_counts_is_found(market: Market) -> None:
    for key in ("refund:b:2", "void:activity:review:a"):
        kept = lambda entry: replace(entry, told=replace(entry.told, recounts=()))  # noqa: E731
        assert "all that was taken back counts nothing" in tampered(market, key, kept)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 99},
        {"sequence": 2},
        {"counts": (Count("orders", None, 2),)},
        {"counts": (Count("orders", None, 0),)},
        {"counts": (Count("tier:points:points", day(1), 1),)},
        {"counts": (Count("cap:month:month", MONTH, 51),)},
    ],
)
def test_a_recount_of_what_was_not_there_is_found(market: Market, changes: dict[str, Any]) -> None:
    def change(entry: Entry) -> Entry:
        [recount] = entry.effect.recounts
        return replace(entry, told=replace(entry.effect, recounts=(replace(recount, **changes),)))

    assert RECOUNT in tampered(market, "refund:b:1", change)


def test_a_wallet_that_counts_otherwise_is_found(market: Market) -> None:
    for changes in (
        {"counts": ()},
        {"standing": Standing("gone", day(0))},
        {"counts": (*market.wallet.counts, Count("x", None, 1))},
    ):
        other = replace(market.wallet, **changes)  # type: ignore[arg-type]
        assert {found.promise for found in audit(other, market.entries)} == {"the wallet is the fold of its entries"}


@pytest.mark.parametrize("spent", [-1, 0, 99, 101])
def test_a_budget_that_counts_other_points_than_its_rules_gave_is_found(market: Market, spent: int) -> None:
    tallies = Tallies.of([market.entries], market.versions)
    assert tallies.budget_break(BUDGET, 100) is None
    assert tallies.budget_break(BUDGET, spent) is not None


def test_a_budget_that_nobody_drew_on_counts_nothing(market: Market) -> None:
    tallies = Tallies.of([market.entries], market.versions)
    assert tallies.budget_break(BUDGET._replace(since=None), 0) is None
    assert tallies.budget_break(BUDGET._replace(since=None), 1) is not None


def test_a_budget_beyond_its_limit_is_found_and_one_that_was_lowered_later_is_not(market: Market) -> None:
    def with_limit(number: int, points: int) -> Any:
        fields = document(time_zone=ZONE, caps=[CAPS[0], {**CAPS[1], "points": points}], earning_rules=RULES, tiers=TIERS)
        return version(number, noon(-400 + number), **fields)

    assert Tallies.of([market.entries], [with_limit(1, 99)]).budget_break(BUDGET, 100) is not None
    assert Tallies.of([market.entries], [with_limit(1, 100), with_limit(2, 50)]).budget_break(BUDGET, 100) is None


def test_a_late_order_counts_against_the_budget_and_the_cap_of_its_own_day(market: Market) -> None:
    market.now = noon(300)
    market.bought("late", [Line("sku", 1, 500)], at=noon(-20))
    market.refunded("late", amount=200)
    assert market.wallet.counted("cap:month:month", day(-20).replace(day=1)) == 3
    assert market.breaks() == []
    assert Share("double", 1, "points", -2) in market.entries[-1].why


@pytest.mark.parametrize(("metric", "due"), [("spend", 10_000), ("orders", 1)])
def test_credit_of_money_or_orders_is_what_the_order_is_about(metric: str, due: int) -> None:
    tiers = {**TIERS, "metric": metric, "currency": None}
    market = Market([version(1, noon(-400), **document(time_zone=ZONE, earning_rules=RULES[:1], tiers=tiers))])
    market.bought("a", [plain_line(1, 10_000), plain_line(2, 500, category="gift_card")])
    assert market.breaks() == []
    for amount in (due - 1, due + 1):
        assert COUNTED in tampered(market, "purchase:a", counting(Count(f"tier:{metric}", day(0), amount)))


def recognized(points: int) -> tuple[Entry, Entry]:
    """The two sides of a recognition."""
    allowed = {"id": "kudos", "currency": "points", "allowance": {"points": 100, "per": "month"}, "points_max": 50}
    versions = [version(1, noon(-400), **document(time_zone=ZONE, recognitions=[allowed]))]
    giver, taker = Market(versions), Market(versions, wallet=Wallet(member=BOB, enrolled_at=noon(-30)))
    request = RecognitionRequest(member_id=ADA, to=BOB, recognition="kudos", points=points)
    view = replace(giver.view(), other=taker.view())
    decision = recognize(view, request, caller_key("till", "recognition", "one"), versions, versions[0])
    [(arrival, wallet)] = decision.others
    assert [*audit(decision.wallet, [decision.entry], versions), *audit(wallet, [arrival], versions)] == []
    return decision.entry, arrival


def test_a_recognition_of_which_one_side_is_missing_or_another_is_found() -> None:
    """It comes out of an allowance, so the giver's own points do not tell it."""
    giver, taker = recognized(30)
    other = replace(taker, subject=replace(taker.subject, points=29))  # type: ignore[type-var]
    promise = "what leaves one member for another arrives there"
    assert list(unmatched([giver, taker])) == []
    for entries in ([giver], [taker], [giver, other]):
        assert [found.promise for found in unmatched(entries)] == [promise]


@pytest.mark.parametrize("points", [0, 29, 31])
def test_a_recognition_that_uses_another_allowance_than_it_gives_is_found(points: int) -> None:
    giver, taker = recognized(30)
    wallet = Wallet(member=ADA, enrolled_at=noon(-30))
    used = replace(giver, told=replace(giver.effect, counts=(Count("allowance:kudos:month", MONTH, points),)))
    assert COUNTED in {found.promise for found in audit(wallet, [used])}
    given = replace(taker, told=replace(taker.effect, credits=(replace(taker.effect.credits[0], points=points),)))
    found = {found.promise for found in audit(replace(wallet, member=BOB), [given])}
    assert {COUNTED, "every point is explained"} <= found
