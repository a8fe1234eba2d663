"""What a dry run tells: the same points that the decisions give in earnest, what caps kept back, and who wins or loses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.activity import ActivityReport
from shared.domain.cap import BudgetKey
from shared.domain.dry_books import Happening, always
from shared.domain.entry import MemberId
from shared.domain.errors import BeforeEnrolmentError, CurrencyNotAcceptedError, KeyReusedError, PurchaseUnknownError
from shared.domain.membership import Term
from shared.domain.purchase import Line, Purchase
from shared.domain.refunding import RefundRequest
from shared.domain.simulating import TOP, Known, Outcome, Part, Script, run, swings
from tests.fakes.grocer import ADA, BOB, NOON, ZONE, earning_rule, program, purchase

DOUBLE = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200}
TIERS = {
    "metric": "points",
    "currency": "points",
    "period": {"kind": "calendar_year"},
    "levels": [
        {"id": "silver", "name": "Silver", "threshold": 0},
        {
            "id": "gold",
            "name": "Gold",
            "threshold": 100,
            "benefits": {"multipliers": [{"currency": "points", "percent": 150}]},
        },
    ],
}
COSTS = [{"code": "points", "cost": {"points": 100, "minor_units": 100}}]


def cap(id: str = "cap", **changes: Any) -> dict[str, Any]:
    return {"id": id, "currency": "points", "scope": "member", "points": 150, **changes}


def doubled(**changes: Any) -> dict[str, Any]:
    """Changes of the grocer's program: points double, and the bonus has a cap."""
    return {"earning_rules": [earning_rule(), DOUBLE | {"caps": ["cap"]}], "caps": [cap()], **changes}


def order(number: int, amount: int = 10_000, member: MemberId = ADA, **changes: Any) -> Purchase:
    """The n-th order, an hour after the one before."""
    at = NOON + timedelta(hours=number)
    return purchase(f"order-{number}", amount, **{"member_id": member, "occurred_at": at, **changes})


def refund(order_number: int, number: int, **changes: Any) -> RefundRequest:
    """A refund an hour after what came before it."""
    at = NOON + timedelta(hours=number)
    return RefundRequest(order_id=f"order-{order_number}", refund_id=f"refund-{number}", occurred_at=at, **changes)


def tried(
    *happened: Happening,
    known: list[Known] | None = None,
    days: tuple[date, ...] = (),
    spent: Mapping[BudgetKey, int] | None = None,
    **changes: Any,
) -> Outcome:
    """What the grocer's program with these changes makes of what happened."""
    return run(always(program(**changes), 2), Script.of(map(Part, happened), known or [], days, ZONE), spent or {})


def test_points_are_net_of_refunds_by_member_and_by_rule() -> None:
    outcome = tried(order(1, 1999), order(2, 500, BOB), refund(1, 3, amount=1000))
    assert outcome.points == {"points": {ADA: 9, BOB: 5}}
    rule = outcome.rules["points", "base"]
    assert (rule.points, rule.gave, rule.applied) == (14, 2, 2)
    assert outcome.total("points") == 14


def test_a_rule_that_never_applied_is_told_too() -> None:
    unlikely = DOUBLE | {"when": {"channels": ["phone"]}}
    outcome = tried(order(1), earning_rules=[earning_rule(), unlikely])
    rule = outcome.rules["points", "double"]
    assert (rule.points, rule.gave, rule.applied) == (0, 0, 0)


def test_orders_are_run_in_the_order_in_which_they_occurred() -> None:
    first = {"id": "first", "kind": "bonus", "currency": "points", "points": 7, "when": {"order_number": 1}}
    outcome = tried(order(5), order(1, 0), order(3, 500), earning_rules=[earning_rule(), first])
    assert outcome.rules["points", "first"].applied == 0, "the first one came to nothing"
    assert tried(order(5), order(1), earning_rules=[earning_rule(), first]).rules["points", "first"].gave == 1


def test_an_order_of_any_time_meets_the_program() -> None:
    old, coming = datetime(1999, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)
    assert tried(order(1, occurred_at=old), order(2, occurred_at=coming)).total("points") == 200


def test_cost_is_what_the_currency_says_and_else_unknown() -> None:
    assert tried(order(1), currencies=COSTS).cost("points") == 100
    assert tried(order(1)).cost("points") is None
    assert tried(order(1)).cost("stars") is None


def test_a_cap_tells_how_many_orders_it_cut_and_what_they_missed() -> None:
    outcome = tried(order(1), order(2), order(3), **doubled())
    assert outcome.total("points") == 300 + 150
    assert (outcome.cuts["cap"].orders, outcome.cuts["cap"].points) == (2, 150)


def test_what_just_fits_is_not_cut() -> None:
    outcome = tried(order(1, 15_000), **doubled())
    assert outcome.total("points") == 300
    assert (outcome.cuts["cap"].orders, outcome.cuts["cap"].points) == (0, 0)


def test_of_several_caps_the_one_that_left_least_is_told() -> None:
    caps = [cap("wide", points=90), cap("tight", points=40), cap("budget", scope="program", points=60)]
    rules = [earning_rule(), DOUBLE | {"caps": [one["id"] for one in caps]}]
    outcome = tried(order(1), order(2, member=BOB), caps=caps, earning_rules=rules)
    assert {name: (cut.orders, cut.points) for name, cut in outcome.cuts.items()} == {
        "wide": (0, 0),
        "tight": (1, 60),
        "budget": (1, 80),
    }


def test_with_the_best_bonus_only_what_another_one_gave_instead_is_not_missed() -> None:
    other = {"id": "other", "kind": "bonus", "currency": "points", "points": 80}
    rules = [earning_rule(), DOUBLE | {"caps": ["cap"]}, other]
    outcome = tried(order(1), earning_rules=rules, caps=[cap(points=50)], stacking="best")
    assert outcome.total("points") == 180
    assert (outcome.cuts["cap"].orders, outcome.cuts["cap"].points) == (1, 20)


def test_a_refund_gives_its_share_back_to_the_budget_for_later_orders() -> None:
    budget = doubled(caps=[cap(scope="program", points=100)])
    outcome = tried(order(1), refund(1, 2), order(3, member=BOB), **budget)
    assert outcome.points["points"] == {ADA: 0, BOB: 200}
    assert outcome.spent == {BudgetKey("cap", None): 100}


def test_a_budget_goes_on_where_an_earlier_part_ended() -> None:
    budget = doubled(caps=[cap(scope="program", per="month", points=250)])
    parts = [order(1), order(2), order(3, member=BOB), order(4, member=BOB)]
    first = tried(*parts[:2], **budget)
    second = tried(*parts[2:], spent=first.spent, **budget)
    whole = tried(*parts, **budget)
    assert first.total("points") + second.total("points") == whole.total("points") == 400 + 250
    assert second.spent == whole.spent == {BudgetKey("cap", date(2026, 3, 1)): 250}


def test_tiers_are_counted_at_the_end_of_days_among_those_who_had_enrolled() -> None:
    days = (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4))
    bobs = [order(number, member=BOB) for number in (48, 49)]
    outcome = tried(order(1), *bobs, tiers=TIERS, days=days)
    assert outcome.tiers == {days[0]: {}, days[1]: {"gold": 1}, days[2]: {"gold": 2}}
    # The first order was rated as Silver, the second as Gold.
    assert outcome.points["points"][BOB] == 100 + 150


def test_without_days_tiers_are_counted_at_the_end() -> None:
    outcome = tried(order(1), refund(1, 2), order(3, 500, BOB), tiers=TIERS)
    assert outcome.tiers == {date(2026, 3, 2): {"silver": 2}}
    assert tried(order(1)).tiers == {date(2026, 3, 2): {None: 1}}
    assert tried(tiers=TIERS).tiers == {}


def test_rules_ask_for_what_is_known_of_a_member() -> None:
    rules = [
        earning_rule(),
        DOUBLE | {"id": "staff", "when": {"segments": ["employee"]}},
        DOUBLE | {"id": "prime", "when": {"memberships": ["prime"]}},
    ]
    plans = [{"id": "prime", "name": "Prime", "price": 100, "term": {"months": 1}}]
    term = Term("term", "prime", NOON + timedelta(hours=2), NOON + timedelta(hours=3), "paid")
    known = [Known(ADA, NOON, {"employee": True}), Known(BOB, terms=(term,))]
    bobs = [order(number, member=BOB) for number in (2, 3)]
    outcome = tried(order(1), *bobs, known=known, earning_rules=rules, memberships=plans)
    assert outcome.points["points"] == {ADA: 200, BOB: 200 + 100}


def test_orders_from_before_the_enrolment_are_claimed_with_it() -> None:
    enrolled = NOON + timedelta(days=20)
    outcome = tried(order(1), order(500), known=[Known(ADA, enrolled)], tiers=TIERS, days=(date(2026, 3, 21), enrolled.date()))
    assert outcome.points["points"] == {ADA: 100 + 150}
    assert outcome.tiers == {date(2026, 3, 21): {}, enrolled.date(): {"gold": 1}}


def test_activities_are_rewarded_within_their_limits() -> None:
    rule = {"id": "review", "kind": "activity", "currency": "points", "activity": "review", "points": 20}
    reports = [
        ActivityReport(activity="review", activity_id=str(n), member_id=ADA, occurred_at=NOON + timedelta(hours=n))
        for n in range(3)
    ]
    outcome = tried(*reports, earning_rules=[rule | {"limits": [{"per": "ever", "count": 2}]}])
    assert outcome.total("points") == 40
    assert [total.count for total in outcome.refused.values()] == [1]


def test_what_is_refused_is_counted_by_reason_with_the_first_one_named() -> None:
    foreign = [order(number, currency="EUR") for number in (1, 2)]
    early = order(3, member=BOB)
    outcome = tried(*foreign, early, refund(9, 4), known=[Known(BOB, NOON + timedelta(days=60))])
    assert {kind: (total.count, total.first) for kind, total in outcome.refused.items()} == {
        CurrencyNotAcceptedError: (2, "purchase:order-1"),
        BeforeEnrolmentError: (1, "purchase:order-3"),
        PurchaseUnknownError: (1, "refund:order-9:refund-4"),
    }


def test_an_order_that_is_told_twice_counts_once_and_another_one_under_its_id_is_refused() -> None:
    outcome = tried(order(1), order(1), order(1, 5))
    assert outcome.total("points") == 100
    assert outcome.refused[KeyReusedError].count == 1


def test_what_is_not_counted_prepares_the_ground() -> None:
    parts = [Part(order(1), counted=False), Part(order(2, currency="EUR"), counted=False), Part(order(3))]
    outcome = run(always(program(**doubled(caps=[cap(points=120)])), 1), Script.of(parts, [], (), ZONE), {})
    assert outcome.points["points"] == {ADA: 100 + 20}
    assert outcome.refused == {}
    assert outcome.cuts["cap"].points == 80


def test_winners_and_losers_are_told_with_those_who_win_or_lose_most() -> None:
    members = [MemberId(f"member-{number:02}") for number in range(TOP + 3)]
    orders = [order(number, 1_000 * number, member) for number, member in enumerate(members, 1)]
    minimum = [{**earning_rule(points=2), "when": {"amount_min": 2_000}}]
    draft, active = tried(*orders, earning_rules=minimum), tried(*orders)
    [swing] = swings(draft, active)
    assert (swing.losers.members, swing.losers.points) == (1, -10)
    assert (swing.winners.members, swing.winners.points) == (TOP + 2, sum(10 * n for n in range(2, TOP + 4)))
    assert [change.difference for change in swing.winners.top] == [10 * n for n in range(TOP + 3, 3, -1)]
    assert (swing.losers.top[0].member, swing.losers.top[0].draft, swing.losers.top[0].active) == (members[0], 0, 10)


def test_currencies_that_only_one_program_has_are_compared_with_nothing() -> None:
    stars = tried(order(1), currencies=[{"code": "stars"}], earning_rules=[earning_rule(currency="stars")])
    found = {swing.currency: (swing.winners.points, swing.losers.points) for swing in swings(stars, tried(order(1)))}
    assert found == {"stars": (100, 0), "points": (0, -100)}
    [alone] = swings(stars, None)
    assert (alone.winners.members, alone.losers.members) == (1, 0)


@given(
    amounts=st.lists(st.tuples(st.sampled_from([ADA, BOB]), st.integers(0, 30_000)), min_size=1, max_size=8),
    limit=st.integers(0, 400),
    scope=st.sampled_from(["member", "program"]),
    stacking=st.sampled_from(["additive", "multiplicative", "best"]),
)
def test_a_cap_keeps_back_what_it_tells_and_no_more(
    amounts: list[tuple[MemberId, int]], limit: int, scope: str, stacking: str
) -> None:
    orders = [order(number, amount, member) for number, (member, amount) in enumerate(amounts)]
    rules = [earning_rule(), DOUBLE | {"caps": ["cap"]}]
    capped = tried(*orders, earning_rules=rules, caps=[cap(points=limit, scope=scope)], stacking=stacking)
    free = tried(*orders, earning_rules=[earning_rule(), DOUBLE], stacking=stacking)
    lost = free.total("points") - capped.total("points")
    assert capped.cuts["cap"].points == lost


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=5))
def test_a_run_of_refunds_of_everything_leaves_nothing(orders: list[int]) -> None:
    bought = [order(number, 0, lines=(Line("a", 1, amount), Line("b", 2, 99))) for number, amount in enumerate(orders)]
    back = [refund(number, 100 + number) for number in range(len(orders))]
    outcome = tried(*bought, *back, tiers=TIERS, **doubled(caps=[cap(scope="program")]))
    assert outcome.total("points") == 0
    assert set(outcome.spent.values()) <= {0}
    assert [*outcome.tiers.values()] == [{"silver": 1}]
