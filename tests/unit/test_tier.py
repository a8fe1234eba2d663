"""Tiers: reached at once, kept by a year's credit, lost at its review, and never by redeeming."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.tier import Benefits, Opening, Outlook, Record, Tiers
from shared.domain.tier_course import opening_for, outlook, tier_on

DAY = timedelta(days=1)
ALWAYS = date(2020, 1, 1)
ENROLLED = date(2026, 4, 15)
LEVELS = {"silver": 0, "gold": 1000}
METALS = {"bronze": 0, "silver": 50_000, "gold": 150_000, "platinum": 300_000}


def tiers(levels: dict[str, int] = LEVELS, **changes: Any) -> Tiers:
    document = {
        "metric": "points",
        "currency": "points",
        "period": {"kind": "anniversary"},
        "grace_days": 30,
        "downgrade": "one_step",
        "levels": [{"id": id, "name": id.title(), "threshold": threshold} for id, threshold in levels.items()],
    }
    return Tiers.model_validate(document | changes)


def rolling(levels: dict[str, int] = METALS, grace_days: int = 0, **length: int) -> Tiers:
    period = {"kind": "rolling", **length}
    return tiers(levels, metric="spend", currency=None, period=period, grace_days=grace_days, downgrade="by_balance")


def member(*credit: tuple[date, int], enrolled_on: date = ENROLLED, **more: Any) -> Record:
    return Record(enrolled_on, tuple(sorted(credit)), **more)


def on(record: Record, day: date, *policies: tuple[date, Tiers | None]) -> str | None:
    level = tier_on(record, policies or [(ALWAYS, tiers())], day)
    return level.id if level else None


def seen(record: Record, day: date, *policies: tuple[date, Tiers | None]) -> Outlook:
    return outlook(record, policies or [(ALWAYS, tiers())], day)


# The grace example: Gold needs 1,000 a year, the year ends 2027-04-15 with 900 earned, 30 days' grace, one step down.
BEFORE = (date(2025, 9, 1), 1000)  # how the member became Gold
ENDED = (date(2026, 11, 1), 900)
GRACE = (date(2027, 5, 10), 100)
FOUNDED = date(2025, 4, 15)


def graced(*credit: tuple[date, int]) -> Record:
    return member(BEFORE, ENDED, *credit, enrolled_on=FOUNDED)


def test_a_gold_member_who_falls_short_is_still_gold_when_the_year_has_ended() -> None:
    assert on(graced(), date(2027, 4, 14)) == "gold"
    assert on(graced(), date(2027, 4, 15)) == "gold"
    assert on(graced(), date(2027, 5, 14)) == "gold"


def test_100_more_within_the_grace_keep_gold() -> None:
    days = [date(2027, 5, 9) + n * DAY for n in range(340)]
    assert {on(graced(GRACE), day) for day in days} == {"gold"}


def test_without_them_the_member_is_silver_from_the_review_on() -> None:
    assert on(graced(), date(2027, 5, 15)) == "silver"
    assert on(graced((date(2027, 5, 10), 99)), date(2027, 5, 15)) == "silver"
    assert on(graced((date(2027, 5, 15), 100)), date(2027, 5, 15)) == "silver"


def test_refunding_the_order_of_the_grace_makes_silver_on_the_day_of_the_review() -> None:
    refunded = graced((GRACE[0], 0))
    assert on(refunded, date(2027, 5, 14)) == "gold"
    assert on(refunded, date(2027, 5, 15)) == "silver"


def test_redeeming_has_no_way_to_matter() -> None:
    assert {field.name for field in fields(Record)} == {"enrolled_on", "credit", "opening", "protected", "others"}


def test_the_member_sees_the_day_of_the_fall_coming() -> None:
    silver, gold = tiers().levels
    assert seen(graced(), date(2027, 4, 15)) == Outlook(
        level=gold,
        credited=0,
        next=None,
        missing=None,
        falls_on=date(2027, 5, 15),
        falls_to=silver,
        period_start=date(2027, 4, 15),
        period_end=date(2028, 4, 15),
        review_on=date(2027, 5, 15),
    )
    kept = seen(graced(GRACE), date(2027, 5, 10))
    assert (kept.credited, kept.falls_on) == (100, date(2028, 5, 15))
    fallen = seen(graced(), date(2027, 5, 15))
    assert (fallen.level, fallen.next, fallen.missing, fallen.falls_on) == (silver, gold, 1000, None)
    assert fallen.review_on == date(2028, 5, 15)


def test_what_is_earned_in_the_grace_counts_to_the_new_year_too() -> None:
    again = graced(GRACE, (date(2027, 12, 1), 900))
    assert on(again, date(2028, 5, 15)) == "gold"
    assert on(graced(GRACE, (date(2027, 12, 1), 899)), date(2028, 5, 15)) == "silver"


def test_what_is_earned_in_the_grace_raises_nobody() -> None:
    record = member((date(2026, 11, 1), 900), (date(2027, 5, 10), 100))
    assert on(record, date(2027, 5, 10)) == "silver"
    assert on(record, date(2027, 5, 15)) == "silver"


def test_the_new_year_alone_may_raise_a_member_within_the_grace() -> None:
    record = member((date(2027, 5, 10), 1000))
    assert [on(record, day) for day in (date(2027, 5, 9), date(2027, 5, 10), date(2028, 5, 14))] == ["silver", "gold", "gold"]
    assert on(record, date(2028, 5, 15)) == "gold"
    assert on(record, date(2029, 5, 15)) == "silver"


def test_without_grace_the_review_is_when_the_year_ends() -> None:
    policy = (ALWAYS, tiers(grace_days=0))
    assert on(graced(), date(2027, 4, 14), policy) == "gold"
    assert on(graced(), date(2027, 4, 15), policy) == "silver"


def test_an_upgrade_is_immediate_and_goes_with_its_order() -> None:
    day = date(2026, 6, 1)
    assert on(member((day, 999)), day) == "silver"
    assert on(member((day, 1000)), day - DAY) == "silver"
    assert on(member((day, 1000)), day) == "gold"
    assert on(member((day, 999)), day + 30 * DAY) == "silver"  # 1 point refunded


def test_three_years_of_silence_are_one_step_down_a_year() -> None:
    record = member((date(2026, 6, 1), 300_000))
    policy = (ALWAYS, tiers(METALS))
    reviews = [date(year, 5, 15) for year in range(2027, 2032)]
    assert [on(record, day - DAY, policy) for day in reviews] == ["platinum", "platinum", "gold", "silver", "bronze"]
    assert [on(record, day, policy) for day in reviews] == ["platinum", "gold", "silver", "bronze", "bronze"]


def test_by_balance_the_first_year_of_silence_takes_all() -> None:
    record = member((date(2026, 6, 1), 300_000))
    policy = (ALWAYS, tiers(METALS, downgrade="by_balance"))
    assert on(record, date(2028, 5, 14), policy) == "platinum"
    assert on(record, date(2028, 5, 15), policy) == "bronze"
    assert seen(record, date(2026, 6, 1), policy).falls_on == date(2028, 5, 15)


def test_one_step_never_takes_less_than_the_credit_gives() -> None:
    record = member((date(2026, 6, 1), 300_000), (date(2027, 6, 1), 160_000))
    assert on(record, date(2028, 5, 15), (ALWAYS, tiers(METALS))) == "gold"
    assert on(record, date(2028, 5, 15), (ALWAYS, tiers(METALS, downgrade="by_balance"))) == "gold"


def test_late_credit_lifts_a_past_review() -> None:
    asked = date(2027, 6, 1)
    assert on(graced(), asked) == "silver"
    assert on(graced((date(2027, 4, 1), 100)), asked) == "gold"


def test_below_the_first_threshold_there_is_no_tier() -> None:
    policy = (ALWAYS, tiers({"gold": 1000}))
    assert on(member(), ENROLLED, policy) is None
    assert seen(member((ENROLLED, 400)), ENROLLED, policy) == Outlook(
        level=None,
        credited=400,
        next=policy[1].levels[0],
        missing=600,
        period_start=ENROLLED,
        period_end=date(2027, 4, 15),
        review_on=date(2027, 5, 15),
    )


def test_what_was_claimed_from_before_the_enrolment_counts_to_the_first_year() -> None:
    record = member((ENROLLED - 5 * DAY, 600), (ENROLLED + 5 * DAY, 400))
    assert on(record, ENROLLED + 5 * DAY) == "gold"
    assert seen(record, ENROLLED + 5 * DAY).credited == 1000
    assert [on(record, date(year, 5, 15)) for year in (2027, 2028)] == ["gold", "silver"]


def test_who_enrolled_on_29_february_has_years_from_the_28th_where_there_is_none() -> None:
    leap = date(2024, 2, 29)
    record = member((leap, 1), enrolled_on=leap)
    years = [
        seen(record, day).period_start for day in (date(2025, 2, 27), date(2025, 2, 28), date(2028, 2, 28), date(2028, 2, 29))
    ]
    assert years == [leap, date(2025, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]


def test_a_calendar_year_begins_on_its_own_day_for_everybody() -> None:
    policy = (ALWAYS, tiers(period={"kind": "calendar_year", "starts": "02-01"}, grace_days=0))
    record = member((date(2027, 1, 31), 1000))
    assert on(record, date(2027, 1, 31), policy) == "gold"
    assert on(record, date(2028, 1, 31), policy) == "gold"
    assert on(record, date(2028, 2, 1), policy) == "silver"
    assert seen(record, date(2027, 2, 1), policy).period_start == date(2027, 2, 1)


# Rolling periods


@pytest.mark.parametrize("level", ["silver", "gold", "platinum"])
def test_of_365_days_day_a_counts_the_days_a_minus_364_to_a(level: str) -> None:
    policy = (ALWAYS, rolling(days=365))
    a = date(2027, 12, 31)
    lower = list(METALS)[list(METALS).index(level) - 1]
    assert on(member((a, METALS[level])), a, policy) == level
    assert on(member((a, METALS[level] - 1)), a, policy) == lower
    assert on(member((a - 364 * DAY, METALS[level] - 1), (a, 1)), a, policy) == level
    assert on(member((a - 365 * DAY, METALS[level] - 1), (a, 1)), a, policy) == "bronze"
    assert on(member((a - 364 * DAY, METALS[level])), a + DAY, policy) == "bronze"


def test_of_months_a_day_counts_what_came_after_the_same_day_before() -> None:
    policy = (ALWAYS, rolling(months=1))
    record = member((date(2027, 1, 31), 50_000), enrolled_on=date(2027, 1, 1))
    assert on(record, date(2027, 2, 28), policy) == "silver"
    assert on(record, date(2027, 3, 1), policy) == "bronze"
    assert seen(record, date(2027, 1, 31), policy).falls_on == date(2027, 3, 1)
    of_the_28th = member((date(2027, 1, 28), 50_000), enrolled_on=date(2027, 1, 1))
    assert on(of_the_28th, date(2027, 2, 28), policy) == "bronze"


def test_in_a_rolling_period_grace_keeps_a_level_as_many_days_longer() -> None:
    day = date(2027, 3, 1)
    record = member((day, 150_000))
    for grace in (0, 1, 30):
        policy = (ALWAYS, rolling(days=365, grace_days=grace))
        falls = day + (365 + grace) * DAY
        assert on(record, falls - DAY, policy) == "gold"
        assert on(record, falls, policy) == "bronze"
        assert seen(record, day, policy).falls_on == falls


def test_the_outlook_of_a_rolling_period_has_a_start_and_no_end() -> None:
    policy = (ALWAYS, rolling(days=365))
    record = member((date(2027, 3, 1), 120_000), (date(2027, 9, 1), 40_000))
    now = seen(record, date(2027, 9, 1), policy)
    assert (now.credited, now.next, now.missing) == (160_000, policy[1].levels[3], 140_000)
    assert (now.falls_on, now.falls_to) == (date(2028, 2, 29), policy[1].levels[0])
    assert (now.period_start, now.period_end, now.review_on) == (date(2026, 9, 2), None, None)


# Paid memberships protect


def test_a_protected_tier_is_not_lowered_and_falls_to_what_the_reviews_gave_when_protection_ends() -> None:
    record = member((date(2026, 6, 1), 300_000), protected=((date(2027, 1, 1), date(2030, 1, 1)),))
    policy = (ALWAYS, tiers(METALS))
    assert {on(record, date(year, 5, 15), policy) for year in (2027, 2028, 2029)} == {"platinum"}
    assert on(record, date(2029, 12, 31), policy) == "platinum"
    assert on(record, date(2030, 1, 1), policy) == "silver"
    assert seen(record, date(2029, 6, 1), policy).falls_on == date(2030, 1, 1)
    assert seen(replace(record, protected=((date(2027, 1, 1), None),)), date(2029, 6, 1), policy).falls_on is None


def test_protection_that_begins_on_the_day_of_the_review_comes_in_time() -> None:
    review = date(2027, 5, 15)
    assert on(replace(graced(), protected=((review, None),)), review) == "gold"
    assert on(replace(graced(), protected=((review + DAY, None),)), review + DAY) == "silver"


def test_protection_that_goes_on_without_a_gap_is_one() -> None:
    terms = ((date(2027, 5, 1), date(2027, 6, 1)), (date(2027, 6, 1), date(2027, 7, 1)))
    assert on(replace(graced(), protected=terms), date(2027, 6, 30)) == "gold"
    gap = ((date(2027, 5, 1), date(2027, 6, 1)), (date(2027, 6, 2), date(2027, 7, 1)))
    assert on(replace(graced(), protected=gap), date(2027, 6, 30)) == "silver"


def test_protection_does_not_keep_what_a_refund_takes_away() -> None:
    record = member((date(2026, 6, 1), 1000), protected=((date(2026, 7, 1), None),))
    assert on(record, date(2026, 8, 1)) == "gold"
    assert on(replace(record, credit=((date(2026, 6, 1), 999),)), date(2026, 8, 1)) == "silver"


# Policies change


def test_a_higher_threshold_takes_a_tier_at_the_review_and_a_lower_one_gives_it_at_once() -> None:
    change = date(2026, 9, 1)
    dearer = ((ALWAYS, tiers()), (change, tiers({"silver": 0, "gold": 2000})))
    record = member((date(2026, 6, 1), 1200))
    assert on(record, date(2027, 5, 14), *dearer) == "gold"
    assert on(record, date(2027, 5, 15), *dearer) == "silver"
    assert seen(record, date(2026, 8, 1), *dearer).falls_on == date(2027, 5, 15)
    cheaper = ((ALWAYS, tiers()), (change, tiers({"silver": 0, "gold": 500})))
    short = member((date(2026, 6, 1), 500))
    assert on(short, change - DAY, *cheaper) == "silver"
    assert on(short, change, *cheaper) == "gold"


def test_a_level_that_is_gone_becomes_the_highest_one_not_above_it() -> None:
    change = date(2026, 9, 1)
    policies = ((ALWAYS, tiers(METALS)), (change, tiers({"member": 0, "friend": 100_000, "patron": 400_000})))
    assert on(member((date(2026, 6, 1), 150_000)), change, *policies) == "friend"
    assert on(member((date(2026, 6, 1), 50_000)), change, *policies) == "member"


def test_in_a_rolling_period_a_new_policy_counts_at_once() -> None:
    change = date(2026, 9, 1)
    policies = ((ALWAYS, rolling(days=365)), (change, rolling({"bronze": 0, "silver": 60_000}, days=365)))
    record = member((date(2026, 6, 1), 50_000))
    assert [on(record, day, *policies) for day in (change - DAY, change)] == ["silver", "bronze"]


def test_a_program_that_goes_from_points_to_spend_keeps_each_tier_until_the_review() -> None:
    change = date(2026, 9, 1)
    spend = tiers({"silver": 0, "gold": 100_000}, metric="spend", currency=None)
    record = member(others={"points:points": ((date(2026, 6, 1), 1000),)})
    policies = ((ALWAYS, tiers()), (change, spend))
    assert on(record, date(2027, 5, 14), *policies) == "gold"
    assert on(record, date(2027, 5, 15), *policies) == "silver"
    spent = replace(record, credit=((date(2026, 10, 1), 100_000),))
    assert on(spent, date(2027, 5, 15), *policies) == "gold"


def test_a_program_that_goes_from_rolling_to_years_keeps_each_tier_until_the_first_review() -> None:
    change = date(2026, 9, 1)
    policies = ((ALWAYS, rolling(days=30)), (change, tiers(METALS, metric="spend", currency=None)))
    record = member((date(2026, 8, 30), 50_000), enrolled_on=date(2026, 8, 20))
    assert on(record, date(2027, 9, 18), *policies) == "silver"
    assert on(record, date(2028, 9, 19), *policies) == "bronze"


def test_what_was_reached_in_a_year_lasts_until_its_review_however_often_the_policy_changes() -> None:
    changes = (date(2027, 5, 5), date(2027, 5, 7), date(2027, 9, 1))
    policies = [(ALWAYS, tiers()), *((day, tiers({"silver": 0, "gold": 2000 + n})) for n, day in enumerate(changes))]
    record = member((date(2027, 5, 1), 1000))
    days = [date(2027, 5, 6), date(2027, 5, 8), date(2027, 5, 15), date(2028, 5, 14), date(2028, 5, 15)]
    assert [on(record, day, *policies) for day in days] == ["gold", "gold", "gold", "gold", "silver"]


def test_a_change_within_the_grace_does_not_spare_the_review() -> None:
    change = date(2027, 5, 1)
    policies = ((ALWAYS, tiers()), (change, tiers(LEVELS | {"platinum": 9000})))
    assert [on(graced(), day, *policies) for day in (date(2027, 5, 14), date(2027, 5, 15))] == ["gold", "silver"]
    cheaper = ((ALWAYS, tiers()), (change, tiers(LEVELS | {"gold": 900})))
    assert on(graced(), date(2027, 5, 15), *cheaper) == "gold"


def test_a_change_makes_no_second_review_of_a_year() -> None:
    record = member((date(2026, 6, 1), 300_000))
    review = date(2028, 4, 15)
    policies = ((ALWAYS, tiers(METALS, grace_days=0)), (review + 10 * DAY, tiers(METALS, grace_days=30)))
    assert [on(record, review + n * DAY, *policies) for n in (-1, 0, 29, 30, 364)] == ["platinum", *["gold"] * 4]


def test_a_change_that_comes_after_its_own_day_of_review_reviews_at_once() -> None:
    end = date(2027, 4, 15)
    policies = ((ALWAYS, tiers(grace_days=60)), (end + 40 * DAY, tiers(grace_days=30)))
    assert [on(graced(), end + n * DAY, *policies) for n in (39, 40)] == ["gold", "silver"]
    kept = graced((end + 35 * DAY, 100))
    assert [on(kept, end + n * DAY, *policies) for n in (39, 40)] == ["gold", "gold"]
    assert on(graced((end + 40 * DAY, 100)), end + 40 * DAY, *policies) == "silver"


def test_a_change_to_years_on_the_day_of_a_review_reviews_the_year_that_ended() -> None:
    review = date(2027, 5, 15)
    record = member((date(2027, 5, 1), 500))
    loose = rolling({"silver": 0, "gold": 500}, days=30)
    years = tiers(metric="spend", currency=None)
    assert on(record, review, (ALWAYS, loose), (review, years)) == "silver"
    assert on(record, review + DAY, (ALWAYS, loose), (review + DAY, years)) == "gold"


def test_a_protected_level_stays_itself_where_others_come_and_go() -> None:
    record = replace(graced(), protected=((date(2027, 5, 1), None),))
    policies = ((ALWAYS, tiers()), (date(2027, 9, 1), tiers({"bronze": 0, "silver": 500, "gold": 1000})))
    assert on(record, date(2027, 9, 1), *policies) == "gold"
    assert on(replace(record, protected=()), date(2027, 9, 1), *policies) == "silver"


def test_without_tiers_there_is_no_tier() -> None:
    change = date(2026, 9, 1)
    record = member((date(2026, 6, 1), 1000))
    policies = ((change, tiers()), (change + 30 * DAY, None))
    assert [on(record, day, *policies) for day in (change - DAY, change, change + 30 * DAY)] == [None, "gold", None]
    assert seen(record, change - DAY, *policies) == Outlook(level=None)
    assert outlook(record, [], change) == Outlook(level=None)
    assert seen(record, change, *policies).falls_on == change + 30 * DAY


# What need not be kept


def test_once_a_review_has_decided_the_credit_before_its_year_may_go() -> None:
    record, policies = graced(GRACE), [(ALWAYS, tiers())]
    assert opening_for(record, policies, date(2027, 5, 16)) == Opening(date(2027, 4, 15), tier="gold")
    assert opening_for(record, policies, date(2027, 5, 15)) == Opening(date(2026, 4, 15), tier="gold")
    assert opening_for(record, policies, date(2026, 5, 15)) == Opening(FOUNDED)
    kept = member(GRACE, enrolled_on=FOUNDED, opening=Opening(date(2027, 4, 15), tier="gold"))
    assert on(kept, date(2028, 5, 14)) == "gold"
    assert on(kept, date(2028, 5, 15)) == "silver"


def test_what_a_membership_protects_is_remembered_beyond_its_credit() -> None:
    record = member((date(2026, 6, 1), 300_000), protected=((date(2027, 1, 1), None),))
    policy = (ALWAYS, tiers(METALS))
    opening = opening_for(record, [policy], date(2031, 1, 1))
    assert opening == Opening(date(2030, 4, 15), tier="bronze", held="platinum", held_since=date(2027, 1, 1))
    kept = replace(record, credit=(), opening=opening)
    assert on(kept, date(2031, 1, 1), policy) == "platinum"
    assert on(replace(kept, protected=()), date(2031, 1, 1), policy) == "bronze"


def test_of_a_rolling_period_only_the_windows_that_still_count_are_kept() -> None:
    policies = [(ALWAYS, rolling(days=365, grace_days=10))]
    keep_from = date(2028, 1, 1)
    assert opening_for(member((ENROLLED, 5)), policies, keep_from) == Opening(keep_from - (364 + 10 + 1) * DAY)


def test_a_change_that_is_known_keeps_what_it_will_look_back_to() -> None:
    month = rolling({"silver": 0, "gold": 500}, days=30)
    year = tiers(metric="spend", currency=None, period={"kind": "calendar_year"}, grace_days=60)
    record = member((date(2026, 6, 1), 1000), (date(2027, 1, 5), 500))
    keep_from, change = date(2027, 1, 10), date(2027, 1, 20)
    assert opening_for(record, [(ALWAYS, month)], keep_from).day == date(2026, 12, 11)
    assert opening_for(record, [(ALWAYS, month), (change, year)], keep_from) == Opening(ENROLLED)
    assert on(record, date(2027, 3, 2), (ALWAYS, month), (change, year)) == "gold"
    longer = rolling({"silver": 0, "gold": 500}, days=40, grace_days=5)
    assert opening_for(record, [(ALWAYS, month), (change, longer)], keep_from) == Opening(ENROLLED)
    later = (date(2027, 2, 20), longer)
    assert opening_for(record, [(ALWAYS, month), later], keep_from).day == date(2026, 12, 11)


def test_protection_that_begins_with_the_review_is_remembered_too() -> None:
    review = date(2027, 5, 15)
    record = replace(graced(), protected=((review, None),))
    opening = Opening(date(2027, 4, 15), tier="silver", held="gold", held_since=review)
    assert opening_for(record, [(ALWAYS, tiers())], date(2027, 6, 1)) == opening


def test_what_is_remembered_of_one_protection_says_nothing_of_the_next() -> None:
    since, end, again = date(2027, 1, 1), date(2030, 6, 1), date(2031, 1, 1)
    opening = Opening(date(2030, 4, 15), tier="bronze", held="platinum", held_since=since)
    record = member(opening=opening, protected=((since, end), (again, None)))
    policy = (ALWAYS, tiers(METALS))
    days = [end - DAY, end, again]
    assert [on(record, day, policy) for day in days] == ["platinum", "bronze", "bronze"]


# Documents


def test_a_whole_document_is_read() -> None:
    document = {
        "metric": "points",
        "currency": "points",
        "period": {"kind": "calendar_year"},
        "levels": [
            {"id": "silver", "name": "Silver", "threshold": 0, "benefits": {}},
            {
                "id": "gold",
                "name": "Gold",
                "threshold": 1000,
                "benefits": {
                    "multipliers": [{"currency": "points", "percent": 150}],
                    "perks": ["Free gift wrap"],
                    "early_access_hours": 48,
                    "birthday_gift": "cake",
                    "free_shipping": True,
                },
            },
        ],
    }
    found = Tiers.model_validate(document)
    assert (found.grace_days, found.downgrade, found.period.starts, found.measure) == (
        0,
        "by_balance",
        "01-01",
        "points:points",
    )
    assert found.levels[0].benefits == Benefits()
    assert found.level("gold") == found.levels[1]
    assert found.level("platinum") is None


YEAR = {"kind": "calendar_year"}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"currency": None}, "metric points"),
        ({"metric": "spend"}, "metric points"),
        ({"period": {"kind": "calendar_year", "starts": "02-29"}}, "a day that every year has"),
        ({"period": {"kind": "calendar_year", "starts": "13-01"}}, "a day that every year has"),
        ({"period": {"kind": "calendar_year", "starts": "2-1"}}, "match pattern"),
        ({"period": {"kind": "rolling"}, "downgrade": "by_balance"}, "either days or months"),
        ({"period": {"kind": "rolling", "days": 30, "months": 1}, "downgrade": "by_balance"}, "either days or months"),
        ({"period": {"kind": "rolling", "days": 30}}, "downgrade must be by_balance"),
        ({"period": {"kind": "lunar"}}, "lunar"),
        ({"period": YEAR, "grace_days": 365}, "less than a year"),
        ({"grace_days": 367}, "less than or equal to 366"),
        ({"levels": []}, "at least 1"),
        ({"levels": [{"id": "a", "name": "A", "threshold": 1}, {"id": "a", "name": "A", "threshold": 2}]}, "same id"),
        ({"levels": [{"id": "a", "name": "A", "threshold": 1}, {"id": "b", "name": "B", "threshold": 1}]}, "must rise"),
        ({"levels": [{"id": "a", "name": "A", "threshold": -1}]}, "greater than or equal to 0"),
        ({"levels": [{"id": f"a{n}", "name": "A", "threshold": n} for n in range(21)]}, "at most 20"),
    ],
)
def test_tiers_that_make_no_sense_are_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Tiers.model_validate(tiers().model_dump() | changes)


@pytest.mark.parametrize(
    ("benefits", "fault"),
    [
        ({"multipliers": [{"currency": "points", "percent": 100}]}, "greater than or equal to 101"),
        ({"multipliers": [{"currency": "points", "percent": 150}] * 2}, "same currency"),
        ({"early_access_hours": 8761}, "8760"),
        ({"perks": [" "]}, "printable text"),
    ],
)
def test_benefits_that_make_no_sense_are_refused(benefits: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Benefits.model_validate(benefits)
