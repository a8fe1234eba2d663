"""A paid membership is what its billing events say, in whatever order and however often they arrive."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.errors import RequestInvalidError, TrialUsedError
from shared.domain.membership import (
    BillingEvent,
    Plan,
    Term,
    active_at,
    multiplier,
    protected_days,
    refuse_second_trial,
    term_of,
    trial_used,
    until,
    with_terms,
)

NEW_YORK = "America/New_York"


def plan(id: str = "prime", **parts: Any) -> Plan:
    document = {"id": id, "name": "Prime", "price": 1499, "term": {"months": 1}, "trial_days": 30, **parts}
    return Plan.model_validate_json(json.dumps(document))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def event(
    event_id: str, kind: Any, occurred_at: str, starts_at: str = "", ends_at: str = "", plan: str = "prime"
) -> BillingEvent:
    return BillingEvent(
        event_id=event_id,
        member_id="01J00000000000000000000000",
        plan=plan,
        kind=kind,
        occurred_at=day(occurred_at),
        starts_at=day(starts_at) if starts_at else None,
        ends_at=day(ends_at) if ends_at else None,
    )


def told(*events: BillingEvent, plans: tuple[Plan, ...] = (), zone: str = "UTC") -> tuple[Term, ...]:
    known = {found.id: found for found in (plan(), *plans)}
    terms: tuple[Term, ...] = ()
    for one in events:
        terms = with_terms(terms, [term_of(one, known[one.plan], zone)])
    return terms


def days_active(terms: tuple[Term, ...], plan: str = "prime", year: int = 2026) -> tuple[str, str, int]:
    """The first day and the day after the last one on which the membership runs at noon, and how many there are."""
    found = [
        noon for number in range(730) if plan in active_at(terms, noon := day(f"{year}-01-01T12:00") + timedelta(days=number))
    ]
    return f"{found[0]:%m-%d}", f"{found[-1] + timedelta(days=1):%m-%d}", len(found)


# Terms


def test_a_month_is_paid_from_its_start_up_to_the_same_time_a_month_later() -> None:
    terms = told(event("e1", "started", "2026-05-10T14:30"))

    assert active_at(terms, day("2026-05-10T14:29:59")) == ()
    assert active_at(terms, day("2026-05-10T14:30")) == ("prime",)
    assert active_at(terms, day("2026-06-10T14:29:59")) == ("prime",)
    assert active_at(terms, day("2026-06-10T14:30")) == ()
    assert until(terms, "prime", day("2026-05-20")) == day("2026-06-10T14:30")
    assert until(terms, "prime", day("2026-06-20")) is None


@pytest.mark.parametrize(
    ("starts", "term", "ends"),
    [
        pytest.param("2026-01-31T12:00", {"months": 1}, "2026-02-28T12:00", id="a month without the day"),
        pytest.param("2028-02-29T12:00", {"months": 12}, "2029-02-28T12:00", id="a leap day"),
        pytest.param("2026-02-10T12:00", {"months": 1}, "2026-03-10T11:00", id="the same wall time in summer"),
        pytest.param("2026-03-07T12:00", {"days": 1}, "2026-03-08T11:00", id="a day of 23 hours"),
        pytest.param("2026-10-31T12:00", {"days": 1}, "2026-11-01T13:00", id="a day of 25 hours"),
        pytest.param("2026-02-08T07:30", {"months": 1}, "2026-03-08T07:30", id="02:30 does not exist: 03:30"),
        pytest.param("2026-10-01T05:30", {"months": 1}, "2026-11-01T05:30", id="01:30 comes twice: the first"),
        pytest.param("2026-11-01T06:30", {"days": 371}, "2027-11-07T05:30", id="from the second 01:30 to the first"),
        pytest.param(
            "2026-04-01T03:00", {"months": 1}, "2026-05-01T03:00", id="months of the program's zone: 31 March to 30 April"
        ),
    ],
)
def test_terms_are_local_months_and_days_of_the_programs_zone(starts: str, term: dict[str, int], ends: str) -> None:
    found = term_of(event("e1", "started", starts), plan(term=term), NEW_YORK)

    assert (found.starts, found.ends) == (day(starts), day(ends))


def test_a_provider_that_names_the_edges_is_believed() -> None:
    terms = told(event("e1", "started", "2026-05-10", "2026-05-12", "2027-05-12"))

    assert days_active(terms) == ("05-12", "05-12", 365)


def test_edges_in_any_zone_are_kept_in_utc() -> None:
    tokyo = datetime.fromisoformat("2026-05-11T06:00+09:00")
    found = term_of(BillingEvent(event_id="e", member_id="m", plan="prime", kind="started", occurred_at=tokyo), plan(), "UTC")

    assert found.starts == day("2026-05-10T21:00")
    assert found.starts.tzinfo is UTC


def test_renewals_chain_also_when_they_are_paid_early_or_late() -> None:
    terms = told(
        event("e1", "started", "2026-05-10"),
        event("e2", "renewed", "2026-06-07", "2026-06-10"),
        event("e3", "renewed", "2026-07-14", "2026-07-10"),
    )

    assert until(terms, "prime", day("2026-05-11")) == day("2026-08-10")
    assert days_active(terms) == ("05-10", "08-10", 92)


def test_a_gap_in_the_payments_is_a_gap_in_the_membership() -> None:
    terms = told(event("e1", "started", "2026-05-10"), event("e2", "renewed", "2026-06-15", "2026-06-15"))

    assert until(terms, "prime", day("2026-05-11")) == day("2026-06-10")
    assert active_at(terms, day("2026-06-12")) == ()
    assert active_at(terms, day("2026-06-15")) == ("prime",)


def test_a_cancelled_membership_runs_until_what_is_paid_is_over() -> None:
    terms = told(event("e1", "started", "2026-05-10"), event("e2", "cancelled", "2026-05-20"))

    assert terms[1].kind == "cancelled"
    assert days_active(terms) == ("05-10", "06-10", 31)


def test_a_cancellation_that_names_its_end_ends_then() -> None:
    terms = told(event("e1", "started", "2026-05-10"), event("e2", "cancelled", "2026-05-20", ends_at="2026-05-25"))

    assert days_active(terms) == ("05-10", "05-25", 15)


def test_a_lapse_ends_the_term_at_once() -> None:
    terms = told(event("e1", "started", "2026-05-10"), event("e2", "lapsed", "2026-05-20T08:00"))

    assert until(terms, "prime", day("2026-05-11")) == day("2026-05-20T08:00")
    assert active_at(terms, day("2026-05-20T08:00")) == ()


def test_a_lapse_after_the_term_changes_nothing_and_a_new_start_begins_anew() -> None:
    terms = told(
        event("e1", "started", "2026-05-10"),
        event("e2", "lapsed", "2026-06-10"),
        event("e3", "started", "2026-06-10"),
    )

    assert days_active(terms) == ("05-10", "07-10", 61)


def test_a_lapse_of_one_plan_leaves_the_other() -> None:
    terms = told(
        event("e1", "started", "2026-05-10"),
        event("e2", "started", "2026-05-10", plan="box"),
        event("e3", "lapsed", "2026-05-20", plan="box"),
        plans=(plan("box"),),
    )

    assert active_at(terms, day("2026-05-19")) == ("box", "prime")
    assert active_at(terms, day("2026-05-20")) == ("prime",)


def test_a_refund_takes_the_term_back_from_then_on_and_not_the_one_bought_after_it() -> None:
    terms = told(
        event("e1", "started", "2026-05-10"),
        event("e2", "refunded", "2026-05-12"),
        event("e3", "started", "2026-05-14"),
    )

    assert [active_at(terms, day(f"2026-05-{number}")) for number in (11, 12, 13, 14)] == [("prime",), (), (), ("prime",)]


def test_a_renewal_that_is_refunded_before_it_begins_never_begins() -> None:
    terms = told(
        event("e1", "started", "2026-05-10"),
        event("e2", "renewed", "2026-06-01", "2026-06-10"),
        event("e3", "refunded", "2026-06-05", "2026-06-10"),
    )

    assert days_active(terms) == ("05-10", "06-10", 31)
    assert (terms[2].starts, terms[2].ends) == (day("2026-06-10"), day("2026-06-10"))


def test_a_term_that_is_named_by_its_start_is_ended_also_in_the_instant_in_which_it_began() -> None:
    terms = told(event("e1", "started", "2026-05-10"), event("e2", "refunded", "2026-05-10", "2026-05-10"))

    assert active_at(terms, day("2026-05-10")) == ()


def test_an_end_that_names_a_later_day_than_the_terms_own_does_not_prolong_it() -> None:
    terms = told(event("e1", "started", "2026-05-10"), event("e2", "cancelled", "2026-05-11", "2026-05-10", "2026-09-01"))

    assert until(terms, "prime", day("2026-05-12")) == day("2026-06-10")


def test_a_member_who_goes_from_monthly_to_yearly_is_in_both_plans_while_both_are_paid() -> None:
    yearly = plan("yearly", term={"months": 12})
    terms = told(event("e1", "started", "2026-05-10"), event("e2", "started", "2026-05-20", plan="yearly"), plans=(yearly,))

    assert active_at(terms, day("2026-05-25")) == ("prime", "yearly")
    assert active_at(terms, day("2026-06-10")) == ("yearly",)


# Trials


def test_a_trial_lasts_the_plans_days_and_goes_over_into_the_first_paid_term() -> None:
    terms = told(event("e1", "trial_started", "2026-05-01"), event("e2", "started", "2026-05-31"))

    assert terms[0].kind == "trial"
    assert days_active(terms) == ("05-01", "06-30", 60)
    assert trial_used(terms, "prime")
    assert not trial_used(terms, "box")


def test_a_second_trial_of_a_plan_is_refused_with_the_day_of_the_first() -> None:
    terms = told(event("e1", "trial_started", "2026-05-01"), event("e2", "lapsed", "2026-05-02"))
    second = term_of(event("e3", "trial_started", "2026-08-01"), plan(), "UTC")

    with pytest.raises(TrialUsedError) as caught:
        refuse_second_trial(terms, second)
    assert (caught.value.plan, caught.value.tried_at) == ("prime", day("2026-05-01"))


def test_the_same_trial_again_another_plans_and_what_is_paid_are_not_refused() -> None:
    terms = told(event("e1", "trial_started", "2026-05-01"))

    refuse_second_trial(terms, terms[0])
    refuse_second_trial(terms, term_of(event("e2", "trial_started", "2026-08-01", plan="box"), plan("box"), "UTC"))
    refuse_second_trial(terms, term_of(event("e3", "started", "2026-08-01"), plan(), "UTC"))


def test_an_earlier_trial_that_is_told_later_is_the_one_that_counts() -> None:
    terms = told(event("e2", "trial_started", "2026-08-01"))
    earlier = term_of(event("e1", "trial_started", "2026-05-01"), plan(), "UTC")

    refuse_second_trial(terms, earlier)
    assert days_active(with_terms(terms, [earlier])) == ("05-01", "05-31", 30)


def test_of_two_trials_that_began_together_the_one_with_the_first_event_id_counts() -> None:
    one, two = (
        term_of(event(id, "trial_started", "2026-05-01", ends_at=ends), plan(), "UTC")
        for id, ends in (("e1", "2026-05-11"), ("e2", "2026-05-21"))
    )

    with pytest.raises(TrialUsedError):
        refuse_second_trial([one], two)
    refuse_second_trial([two], one)
    assert days_active((two, one)) == days_active((one, two)) == ("05-01", "05-11", 10)


# Arrival


def test_an_event_that_comes_again_changes_nothing() -> None:
    once = told(event("e1", "started", "2026-05-10"), event("e2", "lapsed", "2026-05-20"))

    assert with_terms(once, reversed(once)) == once
    assert with_terms(once, []) is once


STORY = (
    event("e1", "trial_started", "2026-05-01"),
    event("e2", "started", "2026-05-31"),
    event("e3", "renewed", "2026-06-28", "2026-06-30"),
    event("e4", "lapsed", "2026-07-04"),
    event("e5", "started", "2026-07-20"),
    event("e6", "cancelled", "2026-07-25"),
)


def test_a_story_told_in_any_order_is_the_same_story() -> None:
    straight = told(*STORY)

    assert until(straight, "prime", day("2026-05-02")) == day("2026-07-04")
    assert days_active(straight) == ("05-01", "08-20", 64 + 31)
    for order in permutations(STORY):
        assert told(*order, order[0]) == straight


moments = st.integers(0, 40).map(lambda number: day("2026-05-01") + timedelta(hours=12 * number))
maybe = st.one_of(st.none(), moments)


@st.composite
def billing_events(draw: st.DrawFn, event_id: str) -> BillingEvent:
    kind = draw(st.sampled_from(["started", "trial_started", "renewed", "cancelled", "lapsed", "refunded"]))
    starts_at = draw(moments) if kind == "renewed" else draw(maybe)
    occurred_at, ends_at = draw(moments), draw(maybe)
    if ends_at and kind in {"started", "trial_started", "renewed"} and ends_at <= (starts_at or occurred_at):
        ends_at = None
    return BillingEvent(
        event_id=event_id,
        member_id="m",
        plan=draw(st.sampled_from(["prime", "box"])),
        kind=kind,
        occurred_at=occurred_at,
        starts_at=starts_at,
        ends_at=ends_at,
    )


stories = st.integers(1, 8).flatmap(lambda count: st.tuples(*(billing_events(f"e{number}") for number in range(count))))
PLANS = (
    plan(term={"days": 5}, trial_days=3, protects_tier=True),
    plan("box", term={"days": 2}, trial_days=4, protects_tier=True),
)


def heard(events: list[BillingEvent]) -> tuple[Term, ...]:
    """What is kept where second trials are refused as they come."""
    terms: tuple[Term, ...] = ()
    for one in events:
        term = term_of(one, next(found for found in PLANS if found.id == one.plan), NEW_YORK)
        try:
            refuse_second_trial(terms, term)
        except TrialUsedError:
            continue
        terms = with_terms(terms, [term])
    return terms


def plainly(terms: tuple[Term, ...], plan: str, instant: datetime) -> bool:
    """Whether some term of the plan runs at the instant and nothing ended it by then."""
    mine = [term for term in terms if term.plan == plan]
    trials = sorted((term for term in mine if term.kind == "trial"), key=lambda term: (term.starts, term.event))
    for term in (*(term for term in mine if term.kind == "paid"), *trials[:1]):
        over = [end for end in mine if end.kind == "end" and end.ends is None and term.starts < end.starts <= instant]
        named = [end for end in mine if end.kind == "end" and end.ends and end.starts == term.starts and end.ends <= instant]
        if term.ends and term.starts <= instant < term.ends and not over and not named:
            return True
    return False


HALF_DAYS = [day("2026-04-30") + timedelta(hours=12 * number, minutes=1) for number in range(60)]


@given(story=stories, data=st.data())
def test_any_story_told_in_any_order_and_in_part_twice_gives_the_same_memberships(
    story: tuple[BillingEvent, ...], data: st.DataObject
) -> None:
    other = data.draw(st.permutations([*story, *data.draw(st.lists(st.sampled_from(story), max_size=3))]))
    straight, mixed = heard(list(story)), heard(other)

    for found in PLANS:
        times = [(active_at(terms, at), until(terms, found.id, at)) for terms in (straight, mixed) for at in HALF_DAYS]
        assert times[: len(HALF_DAYS)] == times[len(HALF_DAYS) :]
    assert protected_days(straight, PLANS, NEW_YORK) == protected_days(mixed, PLANS, NEW_YORK)


@given(story=stories)
def test_a_membership_runs_where_a_term_does_and_nothing_ended_it(story: tuple[BillingEvent, ...]) -> None:
    terms = heard(list(story))

    for at in HALF_DAYS:
        assert active_at(terms, at) == tuple(id for id in ("box", "prime") if plainly(terms, id, at))
        for id in active_at(terms, at):
            over = until(terms, id, at)
            assert over is not None
            assert all(plainly(terms, id, moment) for moment in HALF_DAYS if at <= moment < over)
            assert not plainly(terms, id, over)


@given(story=stories)
def test_a_day_is_protected_where_a_protecting_membership_runs_as_the_day_begins(story: tuple[BillingEvent, ...]) -> None:
    terms = heard(list(story))
    ranges = protected_days(terms, PLANS, "Asia/Kathmandu")

    assert all(first < last for first, last in ranges)
    assert all(last < first for (_, last), (first, _) in pairwise(ranges))
    for number in range(40):
        found = date(2026, 4, 29) + timedelta(days=number)
        begins = datetime(found.year, found.month, found.day, tzinfo=UTC) - timedelta(hours=5, minutes=45)
        assert any(first <= found < last for first, last in ranges) == bool(active_at(terms, begins))


# What it gives


def test_only_plans_that_say_so_protect_the_tier() -> None:
    safe, box = plan(protects_tier=True), plan("box")
    terms = told(event("e1", "started", "2026-05-10T04:00"), event("e2", "started", "2026-07-01", plan="box"), plans=(box,))

    assert protected_days(terms, [safe, box], NEW_YORK) == ((date(2026, 5, 10), date(2026, 6, 10)),)
    assert protected_days(terms, [box], NEW_YORK) == ()
    assert protected_days(terms, [safe], "UTC") == ((date(2026, 5, 11), date(2026, 6, 11)),)


def test_a_membership_that_is_over_within_a_day_protects_none() -> None:
    terms = told(
        event("e1", "started", "2026-05-10T08:00", ends_at="2026-05-10T20:00"),
        event("e2", "started", "2026-05-12T08:00"),
        event("e3", "lapsed", "2026-05-13T00:00"),
    )

    assert protected_days(terms, [plan(protects_tier=True)], "UTC") == ()


def test_of_two_plans_the_one_that_multiplies_more_counts_and_the_first_of_the_document_on_a_tie() -> None:
    silver, gold, other = (
        plan(id, benefits={"multipliers": [{"currency": "points", "percent": percent}]})
        for id, percent in (("silver", 150), ("gold", 200), ("other", 200))
    )
    plans = [silver, gold, other]

    assert multiplier(("gold", "silver"), plans, "points") == ("gold", 200)
    assert multiplier(("other", "gold"), plans, "points") == ("gold", 200)
    assert multiplier(("silver",), plans, "points") == ("silver", 150)
    assert multiplier(("silver",), plans, "stars") is None
    assert multiplier((), plans, "points") is None


# What is refused


@pytest.mark.parametrize(
    ("found", "path"),
    [
        pytest.param(event("e", "renewed", "2026-06-10"), "starts_at", id="a renewal that does not say when it begins"),
        pytest.param(event("e", "started", "2026-06-10", ends_at="2026-06-10"), "ends_at", id="over as it begins"),
        pytest.param(event("e", "trial_started", "2026-06-10", ends_at="2026-06-09"), "ends_at", id="over before it begins"),
        pytest.param(event("e", "trial_started", "2026-06-10", ends_at="2026-06-20", plan="box"), "kind", id="no trial"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(found: BillingEvent, path: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        term_of(found, plan(found.plan, trial_days=30 if found.plan == "prime" else 0), "UTC")
    assert [fault["path"] for fault in caught.value.faults] == [path]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param({"term": {}}, "give exactly one of months and days", id="no length"),
        pytest.param({"term": {"months": 1, "days": 30}}, "give exactly one of months and days", id="two lengths"),
        pytest.param({"term": {"months": 0}}, "greater than or equal to 1", id="no month"),
        pytest.param({"price": -1}, "greater than or equal to 0", id="a negative price"),
        pytest.param({"price": 13.9}, "valid integer", id="a price with cents after a point"),
        pytest.param({"trial_days": 367}, "less than or equal to 366", id="a trial of more than a year"),
        pytest.param({"id": "Prime"}, "String should match", id="a capital"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(parts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan(**parts)
    assert reason in str(caught.value)


def test_a_plan_may_be_free_and_without_trial_or_benefits() -> None:
    found = Plan(id="club", name="Club", price=0, term=plan().term)

    assert (found.trial_days, found.protects_tier, found.benefits.multipliers) == (0, False, [])
