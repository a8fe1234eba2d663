"""Where a referral stands, and as what people are told it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from shared.domain.referred import ReferralState, Referred

JOINED = Referred(version=1, joined_on=date(2026, 3, 1), advocate="ann")
HELD_UNTIL = date(2026, 3, 19)
AWARDED = replace(
    JOINED,
    state=ReferralState.AWARDED,
    orders=("o-1",),
    qualified_on=date(2026, 3, 5),
    held_until=HELD_UNTIL,
    award=2,
    awarded_to="ann",
)
EVE = HELD_UNTIL - timedelta(days=1)


def test_an_award_is_held_up_to_the_day_on_which_the_hold_ends_and_rewarded_from_it_on() -> None:
    assert [AWARDED.shown(day) for day in (date(2026, 3, 5), EVE, HELD_UNTIL, date.max)] == [
        "held",
        "held",
        "rewarded",
        "rewarded",
    ]
    assert replace(AWARDED, held_until=None).shown(date.min) == "rewarded"


@pytest.mark.parametrize("state", [state for state in ReferralState if state is not ReferralState.AWARDED])
def test_any_other_state_is_told_as_it_is(state: ReferralState) -> None:
    assert replace(AWARDED, state=state).shown(EVE) == state.value


def test_within_the_hold_it_is_rejected_and_from_its_end_on_clawed_back() -> None:
    assert AWARDED.closed(EVE).state is ReferralState.REJECTED
    assert AWARDED.closed(HELD_UNTIL).state is ReferralState.CLAWED_BACK


def test_what_was_never_given_is_rejected_whenever_that_is() -> None:
    waiting = replace(JOINED, state=ReferralState.QUALIFIED, flagged=True)
    for referred in (JOINED, waiting):
        assert referred.closed(date.max).state is ReferralState.REJECTED
    assert not waiting.closed(EVE).flagged


def test_a_friend_who_leaves_ends_what_is_open_and_nothing_else() -> None:
    assert [AWARDED.abandoned(EVE), AWARDED.closed(EVE).abandoned(EVE)] == [None, None]
    assert JOINED.abandoned(EVE) == JOINED.closed(EVE)


def test_only_what_was_counted_and_is_not_closed_hangs_on_an_order() -> None:
    assert AWARDED.hangs_on("o-1")
    assert not AWARDED.hangs_on("o-2")
    assert not any(AWARDED.closed(day).hangs_on("o-1") for day in (EVE, HELD_UNTIL))


def test_only_joined_and_qualified_are_open() -> None:
    assert [state for state in ReferralState if replace(AWARDED, state=state).open] == [
        ReferralState.JOINED,
        ReferralState.QUALIFIED,
    ]


@pytest.mark.parametrize(
    ("within", "late"), [(None, [False, False, False]), (0, [False, True, True]), (2, [False, False, True])]
)
def test_the_last_day_that_counts_is_so_many_days_after_the_enrolment(within: int | None, late: list[bool]) -> None:
    days = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4)]
    assert [JOINED.is_late(day, within) for day in days] == late


def test_it_came_by_a_member_or_by_a_campaign() -> None:
    assert (JOINED.source, replace(JOINED, advocate=None, campaign="spring").source) == ("ann", "spring")
