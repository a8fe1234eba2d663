"""What makes a friend count, to the cent and to the minute, and what both sides then have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.cap import BudgetKey
from shared.domain.fingerprint import Fingerprint, FingerprintKind
from shared.domain.membership import Plan
from shared.domain.purchase import Line
from shared.domain.referral import ADVOCATE
from shared.domain.subject import Award
from tests.fakes import grocer
from tests.unit.circle import START, Circle, member, terms, version

POINTS = [{"code": "points"}]
BUDGET = {"id": "budget", "currency": "points", "scope": "program", "points": 600}
GOLD = {"id": "gold", "name": "Gold", "price": 900, "term": {"days": 30}, "trial_days": 7}


def circle(*friends: str, now: datetime = START, **changes: Any) -> Circle:
    """Ann, and friends who joined by her code."""
    found = Circle(versions=[version(**changes)], now=now)
    found.enrols("ann")
    for friend in friends or ("fay",):
        found.enrols(friend, "ann")
    return found


# Orders


@pytest.mark.parametrize(("money", "state"), [(2499, "joined"), (2500, "held"), (2501, "held")])
def test_an_order_counts_from_the_minimum_on(money: int, state: str) -> None:
    there = circle()
    there.buys("fay", "o-1", money)
    assert there.state("fay") == state


def test_smaller_orders_before_do_no_harm_and_orders_after_change_nothing() -> None:
    there = circle()
    there.buys("fay", "small", 2400)
    there.buys("fay", "large", 2600)
    before = (there.points("ann"), there.wallets[member("fay")].referral)
    for number, money in enumerate((2500, 9000, 0)):
        there.buys("fay", f"more-{number}", money)
    there.refunds("more-1")
    there.refunds("small")
    assert (there.points("ann"), there.wallets[member("fay")].referral) == before


def test_where_any_money_counts_an_order_of_none_does_not() -> None:
    there = circle(referral=terms(qualifies={"kind": "orders"}))
    there.buys("fay", "free", 0)
    assert there.state("fay") == "joined"
    there.buys("fay", "cent", 1)
    assert there.state("fay") == "held"
    there.refunds("cent")
    assert there.state("fay") == "rejected"


def test_only_money_counts_that_was_paid_for_what_earns() -> None:
    excluded = {"categories": ["tobacco"]}
    there = circle("fay", "fox", exclusions=excluded)
    lines = (Line("bread", 1, 2499, "food"), Line("cigars", 1, 9000, "tobacco"))
    there.buys("fay", "o-1", lines=lines)
    assert there.state("fay") == "joined"
    there.buys("fox", "o-2", 3000, paid_with_rewards=501)
    assert there.state("fox") == "joined"
    there.buys("fox", "o-3", 3000, paid_with_rewards=500)
    assert there.state("fox") == "held"


def test_an_order_of_nothing_but_excluded_lines_never_counts() -> None:
    there = circle(exclusions={"skus": ["line-1"]}, referral=terms(qualifies={"kind": "orders"}))
    there.buys("fay", "o-1", 9000)
    assert there.state("fay") == "joined"


def test_what_is_excluded_is_what_the_program_said_when_the_friend_joined() -> None:
    later = START + timedelta(hours=1)
    versions = [version(1), version(2, later, exclusions={"categories": ["food"]})]
    there = Circle(versions=versions)
    there.enrols("ann")
    there.enrols("fay", "ann")
    there.passes_time(hours=2)
    there.buys("fay", "o-1", lines=(Line("bread", 1, 6000, "food"),))
    assert there.state("fay") == "held"
    there.refunds("o-1", 1)
    assert there.state("fay") == "held"
    there.refunds("o-1", 3500)
    assert there.state("fay") == "rejected"


@pytest.mark.parametrize(("minutes", "state"), [(-6, "joined"), (-5, "held"), (0, "held"), (5, "held")])
def test_an_order_from_before_the_enrolment_does_not_count_but_clocks_may_differ(minutes: int, state: str) -> None:
    there = circle()
    there.buys("fay", "o-1", 9000, at=START + timedelta(minutes=minutes))
    assert there.state("fay") == state


@pytest.mark.parametrize(
    ("within", "minutes", "state"), [(0, 0, "held"), (0, 1, "joined"), (3, 71 * 60, "held"), (3, 71 * 60 + 1, "joined")]
)
def test_the_last_day_that_counts_ends_at_local_midnight(within: int, minutes: int, state: str) -> None:
    # A minute before midnight in New York; the day that begins then has 23 hours.
    last_minute = datetime(2026, 3, 8, 4, 59, tzinfo=UTC)
    there = circle(now=last_minute, referral=terms(qualifies={"kind": "orders", "within_days": within}))
    there.passes_time(minutes=minutes)
    there.buys("fay", "o-1", 100)
    assert there.state("fay") == state


def test_of_several_orders_that_count_each_must_reach_the_minimum() -> None:
    there = circle(referral=terms(qualifies={"kind": "orders", "orders": 3, "net_min": 1000}))
    for number, money in enumerate((1000, 999, 1000)):
        there.buys("fay", f"o-{number}", money)
    assert there.state("fay") == "joined"
    there.refunds("o-0", 1)
    there.buys("fay", "o-3", 1000)
    assert there.state("fay") == "joined"
    there.buys("fay", "o-4", 1000)
    assert there.state("fay") == "held"
    referred = there.wallets[member("fay")].referral
    assert referred is not None
    assert referred.orders == ("o-2", "o-3", "o-4")
    there.refunds("o-3", 1)
    assert there.state("fay") == "rejected"


@pytest.mark.parametrize("parts", [(1, 1, 3498), (3500,), (1000, 1000, 1500)])
def test_refunds_undo_it_only_where_less_than_the_minimum_is_left(parts: tuple[int, ...]) -> None:
    there = circle()
    there.buys("fay", "o-1", 6000)
    for part in parts:
        there.refunds("o-1", part)
    assert (there.state("fay"), there.points("ann")) == ("held", (0, 500, 0))
    there.refunds("o-1", 1)
    assert (there.state("fay"), there.points("ann"), there.points("fay")) == ("rejected", (0, 0, 0), (24, 0, 0))


def test_an_order_that_replaces_one_that_was_taken_back_does_not_bring_it_back() -> None:
    there = circle()
    there.buys("fay", "o-1", 6000)
    there.refunds("o-1")
    there.buys("fay", "o-1b", 9000)
    assert (there.state("fay"), there.points("ann")) == ("rejected", (0, 0, 0))


# Holds


def test_the_hold_is_counted_from_the_day_of_the_order_also_where_it_comes_late() -> None:
    there = circle(referral=terms(hold_days=7))
    ordered = there.now
    there.passes_time(days=5)
    there.buys("fay", "o-1", 2500, at=ordered)
    assert there.points("ann") == (0, 500, 0)
    there.passes_time(days=2)
    assert (there.points("ann"), there.points("fay"), there.state("fay")) == ((500, 0, 0), (275, 0, 0), "rewarded")


def test_an_order_that_comes_after_its_hold_is_rewarded_at_once_and_a_refund_claws_back() -> None:
    there = circle(referral=terms(hold_days=7))
    ordered = there.now
    there.passes_time(days=20)
    there.buys("fay", "o-1", 2500, at=ordered)
    assert (there.points("ann"), there.state("fay")) == ((500, 0, 0), "rewarded")
    there.refunds("o-1")
    assert (there.points("ann"), there.state("fay")) == ((0, 0, 0), "clawed_back")
    assert {day: counts["rewarded"] for day, counts in there.funnel.items() if counts["rewarded"]} == {there.today: 1}


@pytest.mark.parametrize(("minutes", "state"), [(-1, "rejected"), (0, "clawed_back")])
def test_the_hold_ends_with_the_local_day_whatever_the_clocks_do(minutes: int, state: str) -> None:
    """Clocks go forward on 8 March: the fourteen days are an hour shorter."""
    there = circle()
    there.buys("fay", "o-1", 2500)
    there.now = datetime(2026, 3, 16, 4, tzinfo=UTC) + timedelta(minutes=minutes)
    assert there.points("ann")[0] == (500 if minutes == 0 else 0)
    there.refunds("o-1")
    assert there.state("fay") == state


def test_spent_points_that_are_clawed_back_are_debt_which_the_next_points_repay() -> None:
    there = circle()
    there.buys("fay", "o-1", 6000)
    there.passes_time(days=14)
    there.spends("ann", 300)
    there.refunds("o-1", 4000)
    assert (there.points("ann"), there.state("fay")) == ((0, 0, 300), "clawed_back")
    there.buys("ann", "hers", 30_000)
    assert there.points("ann") == (0, 0, 0)


def test_a_program_that_forgives_leaves_no_debt_on_either_side_however_it_is_undone() -> None:
    qualifies = {"kind": "membership"}
    for undo in ("refund", "void", "billing"):
        changes: dict[str, Any] = {"clawback": "forgive", "memberships": [GOLD]}
        there = circle(referral=terms(qualifies=qualifies if undo == "billing" else {"kind": "orders"}), **changes)
        there.pays("fay", "e-1", "started") if undo == "billing" else there.buys("fay", "o-1", 100)
        there.passes_time(days=14)
        there.spends("ann", 500)
        there.spends("fay", 250)
        if undo == "refund":
            there.refunds("o-1")
        elif undo == "void":
            there.voids("fay")
        else:
            there.pays("fay", "e-2", "refunded")
        assert there.state("fay") == "clawed_back"
        assert (there.points("ann")[2], there.points("fay")[2]) == (0, 0), undo


# Memberships


def test_the_first_payment_counts_and_a_trial_is_none() -> None:
    there = circle(referral=terms(qualifies={"kind": "membership", "plans": ["gold"]}), memberships=[GOLD])
    there.pays("fay", "e-1", "trial_started")
    assert there.state("fay") == "joined"
    there.passes_time(days=7)
    there.pays("fay", "e-2", "renewed", starts_at=there.now)
    assert there.state("fay") == "held"


def test_another_plan_does_not_count_and_no_order_does() -> None:
    tin = Plan.model_validate({**GOLD, "id": "tin", "name": "Tin"}).model_dump(mode="json")
    there = circle(referral=terms(qualifies={"kind": "membership", "plans": ["gold"]}), memberships=[GOLD, tin])
    there.pays("fay", "e-1", "started", "tin")
    there.buys("fay", "o-1", 99_000)
    assert there.state("fay") == "joined"


def test_a_payment_from_before_the_enrolment_does_not_count() -> None:
    there = circle(referral=terms(qualifies={"kind": "membership"}), memberships=[GOLD])
    there.pays("fay", "e-1", "started", at=START - timedelta(days=3))
    assert there.state("fay") == "joined"


def test_the_refund_of_the_payment_that_counted_undoes_it_by_whatever_name() -> None:
    starts = START + timedelta(days=10)
    for named in (starts, None):
        there = circle(referral=terms(qualifies={"kind": "membership"}), memberships=[GOLD])
        there.pays("fay", "e-1", "renewed", starts_at=starts)
        assert there.state("fay") == "held"
        there.passes_time(days=12)
        there.pays("fay", "e-2", "refunded", starts_at=named)
        assert (there.state("fay"), there.points("ann"), there.points("fay")) == ("rejected", (0, 0, 0), (0, 0, 0))


def test_the_refund_of_a_later_payment_changes_nothing() -> None:
    there = circle(referral=terms(qualifies={"kind": "membership"}), memberships=[GOLD])
    there.pays("fay", "e-1", "started")
    there.passes_time(days=30)
    there.pays("fay", "e-2", "renewed", starts_at=there.now)
    there.passes_time(days=1)
    there.pays("fay", "e-3", "refunded")
    assert (there.state("fay"), there.points("ann")) == ("rewarded", (500, 0, 0))
    there.pays("fay", "e-4", "refunded", starts_at=START)
    assert (there.state("fay"), there.points("ann")) == ("clawed_back", (0, 0, 0))


@pytest.mark.parametrize("kind", ["cancelled", "lapsed"])
def test_a_membership_that_merely_ends_changes_nothing(kind: str) -> None:
    there = circle(referral=terms(qualifies={"kind": "membership"}), memberships=[GOLD])
    there.pays("fay", "e-1", "started")
    there.pays("fay", "e-2", kind)
    assert there.state("fay") == "held"


# What each side gets


def test_each_side_gets_its_own_currencies_and_an_entry_also_where_it_gets_nothing() -> None:
    currencies = [{"code": "points"}, {"code": "coffee"}, {"code": "stars"}]
    sides = {
        "advocate": [{"currency": "points", "points": 500}, {"currency": "coffee", "points": 1}],
        "friend": [{"currency": "stars", "points": 7}, {"currency": "points", "points": 0}],
    }
    there = circle(currencies=currencies, referral=terms(hold_days=0, **sides))
    there.buys("fay", "o-1", 2500)
    assert [there.points("ann", currency=code) for code in ("points", "coffee", "stars")] == [(500, 0, 0), (1, 0, 0), (0, 0, 0)]
    assert [there.points("fay", currency=code) for code in ("points", "coffee", "stars")] == [(25, 0, 0), (0, 0, 0), (7, 0, 0)]
    there.voids("fay")
    assert all(there.points("ann", currency=code) == (0, 0, 0) for code in ("points", "coffee", "stars"))
    assert [there.points("fay", currency=code)[0] for code in ("points", "stars")] == [25, 0]


@pytest.mark.parametrize("side", ["advocate", "friend"])
def test_a_side_with_no_reward_has_an_entry_all_the_same(side: str) -> None:
    there = circle(referral=terms(**{side: []}))
    there.buys("fay", "o-1", 2500)
    assert there.kinds("fay") == ["referral", "purchase", "award"]
    assert there.kinds("ann") == ["award"]
    there.refunds("o-1")
    assert (there.state("fay"), there.points("ann"), there.points("fay")) == ("rejected", (0, 0, 0), (0, 0, 0))


def test_a_step_of_nothing_gives_nothing_and_still_takes_a_number() -> None:
    steps = [{"referral": 2, "points": 0}, {"referral": 3, "points": 40}]
    there = circle("fay", "fox", "fin", referral=terms(advocate=[{"currency": "points", "points": 500, "steps": steps}]))
    given = []
    for number, name in enumerate(("fay", "fox", "fin")):
        there.buys(name, f"o-{number}", 2500)
        given.append(there.points("ann")[1])
    assert given == [500, 500, 540]
    subjects = [there.entry(f"award:{member(name)}:advocate").subject for name in ("fay", "fox", "fin")]
    assert [subject.number for subject in subjects if isinstance(subject, Award) and subject.side == ADVOCATE] == [1, 2, 3]


def test_a_budget_serves_the_advocate_first_and_pays_the_remainder() -> None:
    shared = [{"currency": "points", "points": 500, "caps": ["budget"]}]
    there = circle("fay", "fox", caps=[BUDGET], referral=terms(advocate=shared, friend=shared))
    there.buys("fay", "o-1", 2500)
    assert (there.points("ann")[1], there.points("fay")[1]) == (500, 100)
    there.buys("fox", "o-2", 2500)
    assert (there.points("ann")[1], there.points("fox")[1]) == (500, 0)
    there.refunds("o-1")
    assert (there.points("ann")[1], sum(there.budgets.values())) == (0, 0)
    there.voids("fox")
    assert sum(there.budgets.values()) == 0


def test_an_order_and_its_award_draw_on_one_budget_within_the_lower_limit_of_both_versions() -> None:
    def program(number: int, since: datetime, limit: int) -> Any:
        reward = [{"currency": "points", "points": 500, "caps": ["budget"]}]
        double = {"id": "double", "kind": "multiplier", "currency": "points", "percent": 200, "caps": ["budget"]}
        rules = [grocer.earning_rule(), double]
        caps = [{**BUDGET, "points": limit}]
        return version(number, since, terms(advocate=reward), earning_rules=rules, caps=caps)

    for limits, drawn in (((1000, 100), 100), ((1000, 60), 60), ((300, 1000), 300), ((100, 1000), 100)):
        there = Circle(
            versions=[program(1, START - timedelta(days=9), limits[0]), program(2, START + timedelta(hours=1), limits[1])]
        )
        there.enrols("ann")
        there.enrols("fay", "ann")
        there.passes_time(hours=2)
        there.buys("fay", "o-1", 9000)
        assert there.budgets == {BudgetKey("budget", None): drawn}, limits
        assert there.state("fay") == "held"
        there.refunds("o-1")
        assert there.budgets == {BudgetKey("budget", None): 0}, limits


def test_a_cap_of_each_member_is_given_back_to_the_month_in_which_it_was_used() -> None:
    cap = {"id": "monthly", "currency": "points", "scope": "member", "per": "month", "points": 700}
    reward = [{"currency": "points", "points": 500, "caps": ["monthly"]}]
    there = circle("fay", "fox", "fin", caps=[cap], referral=terms(advocate=reward))
    there.buys("fay", "o-1", 2500)
    there.buys("fox", "o-2", 2500)
    assert there.points("ann")[1] == 700
    there.now = datetime(2026, 4, 2, 12, tzinfo=UTC)
    there.refunds("o-1")
    there.buys("fin", "o-3", 2500)
    assert there.points("ann") == (200, 500, 0)
    counts = {count.day: count.amount for count in there.wallets[member("ann")].counts if count.name.startswith("cap:")}
    assert {day.month: amount for day, amount in counts.items() if day} == {3: 200, 4: 500}


# Versions


def test_the_terms_of_the_day_of_joining_hold_whatever_the_program_says_later() -> None:
    first = terms(advocate=[{"currency": "points", "points": 500}, {"currency": "coffee", "points": 1}])
    later = START + timedelta(days=1)
    versions = [
        version(1, referral=first, currencies=[*POINTS, {"code": "coffee"}]),
        version(2, later, referral=terms(qualifies={"kind": "orders", "net_min": 9000}, hold_days=1, advocate=[])),
    ]
    there = Circle(versions=versions)
    there.enrols("ann")
    there.enrols("fay", "ann")
    there.passes_time(days=2)
    there.enrols("fox", "ann")
    there.buys("fay", "o-1", 2500)
    there.buys("fox", "o-2", 2500)
    assert (there.state("fay"), there.state("fox")) == ("held", "joined")
    assert (there.points("ann"), there.points("ann", currency="coffee")) == ((0, 500, 0), (0, 1, 0))
    there.passes_time(days=13)
    assert there.state("fay") == "held"


def test_a_program_that_ends_its_referral_keeps_what_it_promised_before() -> None:
    ended = START + timedelta(days=1)
    there = Circle(versions=[version(1), version(2, ended)])
    there.versions = [there.versions[0], type(there.versions[1])(2, ended, ended, _without_referral())]
    there.enrols("ann")
    there.enrols("fay", "ann")
    there.passes_time(days=2)
    there.enrols("fox", "ann")
    there.buys("fay", "o-1", 2500)
    there.buys("fox", "o-2", 2500)
    assert (there.state("fay"), there.state("fox")) == ("held", "rejected")
    referred = there.wallets[member("fox")].referral
    assert referred is not None
    assert referred.signs == ("not_offered",)
    there.refunds("o-1")
    there.refunds("o-2")
    assert (there.state("fay"), there.points("ann")) == ("rejected", (0, 0, 0))


def _without_referral() -> Any:
    return version(2).program.model_copy(update={"referral": None})


# Merges


def test_a_friend_who_took_over_from_the_advocate_has_brought_themselves() -> None:
    there = Circle(versions=[version()])
    there.enrols("ann", email="ann@example.com", phone="+15550100")
    there.enrols("fay", "ann", email="fay@example.com", phone="+15550101")
    there.merges("ann", "fay")
    there.buys("fay", "o-1", 2500)
    assert (there.state("fay"), there.points("fay")) == ("rejected", (25, 0, 0))


def test_what_was_given_follows_both_sides_through_their_merges_and_back() -> None:
    there = circle()
    for name in ("sue", "tom"):
        there.enrols(name)
    there.buys("fay", "o-1", 2500)
    there.merges("ann", "sue")
    there.merges("fay", "tom")
    there.merges("sue", "tom")
    assert there.points("tom") == (25, 750, 0)
    there.passes_time(days=14)
    there.spends("tom", 700)
    there.refunds("o-1")
    assert (there.state("fay"), there.points("tom")) == ("clawed_back", (0, 0, 700))


def test_a_merge_of_the_friend_into_the_advocate_ends_what_is_open_and_keeps_what_was_given() -> None:
    for bought, state, points in ((False, "rejected", (0, 0, 0)), (True, "held", (25, 750, 0))):
        there = circle()
        if bought:
            there.buys("fay", "o-1", 2500)
        there.merges("fay", "ann")
        assert (there.state("fay"), there.points("ann")) == (state, points)
        if bought:
            there.refunds("o-1")
            assert (there.state("fay"), there.points("ann")) == ("rejected", (0, 0, 0))


def test_an_advocate_who_left_gets_nothing_and_the_friend_does() -> None:
    there = circle()
    there.closes("ann")
    there.buys("fay", "o-1", 2500)
    assert (there.state("fay"), there.points("fay"), there.kinds("ann")) == ("held", (25, 250, 0), ["closure"])
    there.enrols("fox", "ann")
    assert there.state("fox") == "rejected"


# Rulings


def test_what_an_operator_let_pass_is_awarded_with_the_hold_of_its_order_and_never_looked_at_again() -> None:
    there = circle()
    there.disposable.add(member("fox"))
    there.enrols("fox", "ann", email="fox@example.com")
    there.buys("fox", "o-1", 2500)
    assert (there.state("fox"), there.points("ann")) == ("qualified", (0, 0, 0))
    there.passes_time(days=10)
    there.passes("fox")
    assert (there.state("fox"), there.points("ann")) == ("held", (0, 500, 0))
    there.passes_time(days=4)
    assert (there.state("fox"), there.points("ann")) == ("rewarded", (500, 0, 0))


def test_who_was_let_pass_before_is_not_flagged_by_what_is_seen_later() -> None:
    there = circle()
    there.disposable.add(member("fox"))
    there.enrols("fox", "ann", email="fox@example.com")
    there.passes("fox")
    there.seen[Fingerprint(FingerprintKind.MAILBOX, "fox@example.com")] = (member("fox"), member("ann"))
    there.buys("fox", "o-1", 2500)
    assert there.state("fox") == "held"


def test_signs_that_show_only_as_it_qualifies_reject_it_and_the_order_stands() -> None:
    there = circle()
    there.enrols("fox", "ann", email="fox@example.com")
    there.seen[Fingerprint(FingerprintKind.MAILBOX, "fox@example.com")] = (member("fox"), member("ann"))
    there.buys("fox", "o-1", 2500)
    assert there.kinds("fox") == ["referral", "purchase", "ruling"]
    assert (there.state("fox"), there.points("fox"), there.points("ann")) == ("rejected", (25, 0, 0), (0, 0, 0))
    there.refunds("o-1")
    assert there.state("fox") == "rejected"


def test_the_friend_after_as_many_as_are_fine_in_a_day_is_flagged_and_tomorrows_is_not() -> None:
    abuse = {"velocity": [{"per": "day", "friends_max": 2}]}
    there = circle("fay", "fox", "fin", referral=terms(abuse=abuse))
    there.now = datetime(2026, 3, 3, 5, tzinfo=UTC)
    there.enrols("flo", "ann")
    flagged = [there.wallets[member(name)].referral for name in ("fay", "fox", "fin", "flo")]
    assert [referred.flagged for referred in flagged if referred] == [False, False, True, False]
