"""When points are gone: after days, or after the month or year that contains a day some months on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.program import Expiry, PointCurrency


def gone_on(after: int, rounded_to: str, purchase_day: str) -> date:
    expiry = Expiry.model_validate({"after": after, "rounded_to": rounded_to})
    return expiry.gone_on(date.fromisoformat(purchase_day))


@pytest.mark.parametrize(
    ("after", "rounded_to", "purchase_day", "first_day_gone"),
    [
        (365, "day", "2026-03-02", "2027-03-02"),
        (365, "day", "2027-03-02", "2028-03-01"),
        (1, "day", "2026-12-31", "2027-01-01"),
        (1, "month", "2026-01-31", "2026-03-01"),
        (1, "month", "2028-01-31", "2028-03-01"),
        (1, "month", "2026-01-01", "2026-03-01"),
        (12, "month", "2025-06-30", "2026-07-01"),
        (12, "month", "2025-06-01", "2026-07-01"),
        (12, "month", "2025-12-15", "2027-01-01"),
        (12, "year", "2025-06-30", "2027-01-01"),
        (1, "year", "2026-11-30", "2027-01-01"),
        (1, "year", "2026-12-01", "2028-01-01"),
        (24, "year", "2026-01-31", "2029-01-01"),
    ],
)
def test_points_are_gone_on_the_day_that_the_rules_say(
    after: int, rounded_to: str, purchase_day: str, first_day_gone: str
) -> None:
    assert gone_on(after, rounded_to, purchase_day) == date.fromisoformat(first_day_gone)


@given(day=st.dates(date(1990, 1, 1), date(2100, 1, 1)), after=st.integers(1, 3660))
def test_points_of_n_days_can_be_spent_on_n_days(day: date, after: int) -> None:
    assert gone_on(after, "day", day.isoformat()) - day == timedelta(days=after)


@given(day=st.dates(date(1990, 1, 1), date(2100, 1, 1)), after=st.integers(1, 360), unit=st.sampled_from(["month", "year"]))
def test_rounding_up_never_takes_a_day_away_and_no_earlier_purchase_outlives_a_later_one(
    day: date, after: int, unit: str
) -> None:
    gone = gone_on(after, unit, day.isoformat())
    assert gone.day == 1
    assert unit == "month" or gone.month == 1
    assert gone > day
    assert gone_on(after, unit, (day + timedelta(days=1)).isoformat()) >= gone


A_LEAP_CYCLE = [date(2025, 1, 1) + timedelta(days=n) for n in range(366 + 3 * 365)]


@pytest.mark.parametrize(
    ("after", "rounded_to", "pending_days"),
    [
        *((1, "day", 1), (2, "day", 1), (14, "day", 14), (365, "day", 366), (366, "day", 366), (366, "day", 365)),
        *((1, "month", 27), (1, "month", 28), (1, "month", 29), (1, "month", 30), (2, "month", 59), (2, "month", 60)),
        *((12, "month", 340), (12, "month", 365), (12, "month", 366), (13, "month", 366)),
        *((1, "year", 28), (1, "year", 31), (1, "year", 32), (1, "year", 33), (12, "year", 366), (11, "year", 366)),
    ],
)
def test_a_currency_is_refused_exactly_where_some_purchases_points_would_expire_before_they_can_be_spent(
    after: int, rounded_to: str, pending_days: int
) -> None:
    document = {"code": "points", "pending_days": pending_days, "expiry": {"after": after, "rounded_to": rounded_to}}
    expiry = Expiry.model_validate(document["expiry"])
    shortest = min((expiry.gone_on(day) - day).days for day in A_LEAP_CYCLE)
    try:
        PointCurrency.model_validate(document)
        accepted = True
    except ValidationError:
        accepted = False
    assert accepted == (shortest > pending_days), f"the shortest life is {shortest} days"
