"""What a purchase earns, and which purchases earn nothing because they are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.digest import request_hash
from shared.domain.entry import Entry
from shared.domain.errors import (
    AmountOverLimitError,
    BeforeEnrolmentError,
    BeforeProgramError,
    CurrencyNotAcceptedError,
    MemberClosedError,
    MixedCurrenciesError,
    OccurredInFutureError,
    ProgramMissingError,
    TooLateError,
)
from shared.domain.program import ProgramVersion
from shared.domain.purchase import AMOUNT_MAX, Line, Purchase
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, NOON, OPENED, earn, earning_rule, purchase, version

WALLET = Wallet(member=ADA, enrolled_at=OPENED)
LAST_SECOND_OF_DAY = datetime(2026, 3, 3, 4, 59, 59, tzinfo=UTC)


def earned(order: Purchase, *versions: ProgramVersion, now: datetime = NOON, wallet: Wallet = WALLET) -> Entry:
    """The entry of an order under the grocer's program, or under the versions given."""
    return earn(wallet, order, versions or [version()], now=now)[0]


def points(entry: Entry) -> int:
    return sum(share.points for share in entry.why)


def days_ago(days: int) -> datetime:
    return NOON - timedelta(days=days)


def test_an_entry_answers_its_request_and_says_why() -> None:
    order = purchase(amount=1999)
    entry, wallet = earn(WALLET, order, [version(7)], now=NOON)
    assert (entry.key, entry.kind, entry.member, entry.sequence) == ("purchase:order-1", "purchase", ADA, 1)
    assert (entry.occurred_at, entry.recorded_at, entry.recorded_on) == (NOON, NOON, date(2026, 3, 2))
    assert (entry.purchase, entry.request_hash) == (order, request_hash(order))
    [share] = entry.why
    assert (share.rule, share.program_version, share.currency, share.points) == ("base", 7, "points", 19)
    assert (wallet.sequence, wallet.last_key, wallet.purse("points").active) == (1, entry.key, 19)


def test_points_are_floored_once_on_the_orders_total() -> None:
    """One point per dollar at 1.5 on three lines of 0.99: 4, where flooring each line would give 3."""
    half_again = version(earning_rules=[earning_rule(points=3, minor_units=200)])
    lines = tuple(Line(f"sku-{n}", 1, 99) for n in range(3))
    assert points(earned(purchase(lines=lines), half_again)) == 4


@given(
    amounts=st.lists(st.integers(0, 10**6), min_size=1, max_size=20),
    rate=st.integers(0, 50),
    unit=st.integers(1, 10**4),
)
def test_how_an_order_is_split_into_lines_changes_nothing(amounts: list[int], rate: int, unit: int) -> None:
    program = version(earning_rules=[earning_rule(points=rate, minor_units=unit)])
    split = purchase(lines=tuple(Line("a", 1, amount) for amount in amounts))
    assert points(earned(split, program)) == points(earned(purchase(amount=sum(amounts)), program))
    assert points(earned(split, program)) == sum(amounts) * rate // unit


def test_amounts_too_large_for_inexact_arithmetic_are_exact() -> None:
    program = version(earning_rules=[earning_rule(points=999_999, minor_units=10**6)])
    assert points(earned(purchase(amount=AMOUNT_MAX - 1), program)) == (10**9 - 1) * 999_999 // 10**6


@pytest.mark.parametrize("lines", [(Line("a", 0, 0),), (Line("a", 5, 99),), (Line("a", 1, 0), Line("b", 0, 50))])
def test_an_order_that_earns_nothing_is_an_entry_without_postings(lines: tuple[Line, ...]) -> None:
    entry = earned(purchase(lines=lines))
    assert (entry.sequence, entry.postings, points(entry)) == (1, (), 0)
    assert [share.points for share in entry.why] == [0]


def test_quantity_gives_no_points() -> None:
    assert points(earned(purchase(lines=(Line("a", 1000, 500),)))) == 5


def test_expiry_counts_from_the_purchase_and_not_from_maturity_or_recording() -> None:
    program = version(currencies=[{"code": "points", "pending_days": 14, "expiry": {"after": 365, "rounded_to": "day"}}])
    [posting] = earned(purchase(occurred_at=days_ago(10)), program).postings
    assert [(lot.spendable_from, lot.gone_on) for lot in posting.lots] == [(date(2026, 3, 6), date(2027, 2, 20))]
    assert posting.credit == "pending"


@pytest.mark.parametrize(("late", "account"), [(0, "active"), (364, "active"), (365, "expired"), (400, "expired")])
def test_a_late_order_lands_where_its_dates_say(late: int, account: str) -> None:
    [posting] = earned(purchase(occurred_at=days_ago(late))).postings
    assert (posting.debit, posting.credit, posting.points) == ("issued", account, 19)


def test_the_purchase_day_is_the_program_zones() -> None:
    order = purchase(occurred_at=datetime(2026, 3, 2, 4, 59, 59, tzinfo=UTC))
    [posting] = earned(order).postings
    assert (posting.lots[0].spendable_from, posting.lots[0].gone_on) == (date(2026, 3, 1), date(2027, 3, 1))


def test_a_late_order_meets_the_version_of_its_own_day() -> None:
    versions = [version(1), version(2, days_ago(5), earning_rules=[earning_rule(points=10)])]
    assert points(earned(purchase(occurred_at=days_ago(5) - timedelta(seconds=1)), *versions)) == 19
    assert points(earned(purchase(occurred_at=days_ago(5)), *versions)) == 199


def test_the_limits_of_an_order_are_those_of_its_own_days_version() -> None:
    lenient, strict = version(1, late_days_max=400), version(2, days_ago(1), late_days_max=0)
    assert points(earned(purchase(occurred_at=days_ago(300)), lenient, strict)) == 19


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=5)])
def test_a_clock_may_run_five_minutes_ahead(ahead: timedelta) -> None:
    assert earned(purchase(occurred_at=NOON + ahead)).occurred_at == NOON + ahead


def test_an_order_further_ahead_is_refused() -> None:
    with pytest.raises(OccurredInFutureError):
        earned(purchase(occurred_at=NOON + timedelta(minutes=5, microseconds=1)))


@pytest.mark.parametrize(("late_days_max", "late"), [(400, 400), (0, 0), (7, 7)])
def test_an_order_as_late_as_the_program_accepts_is_accepted_and_a_day_more_is_not(late_days_max: int, late: int) -> None:
    program = version(1, days_ago(1000), late_days_max=late_days_max)
    wallet = replace(WALLET, enrolled_at=days_ago(1000))
    assert points(earned(purchase(occurred_at=days_ago(late)), program, wallet=wallet)) == 19
    with pytest.raises(TooLateError) as refused:
        earned(purchase(occurred_at=days_ago(late + 1)), program, wallet=wallet)
    assert refused.value.late_days_max == late_days_max


def test_lateness_counts_local_days_and_not_hours() -> None:
    program = version(late_days_max=0)
    start_of_day = datetime(2026, 3, 2, 5, 0, 0, tzinfo=UTC)
    assert points(earned(purchase(occurred_at=start_of_day), program, now=LAST_SECOND_OF_DAY)) == 19
    with pytest.raises(TooLateError):
        earned(purchase(occurred_at=LAST_SECOND_OF_DAY), program, now=LAST_SECOND_OF_DAY + timedelta(seconds=1))


@pytest.mark.parametrize("claim_days", [30, 0])
def test_a_new_member_may_claim_orders_of_some_days_before_enrolment_and_no_older_ones(claim_days: int) -> None:
    program, wallet = version(claim_days=claim_days), replace(WALLET, enrolled_at=NOON)
    assert points(earned(purchase(occurred_at=days_ago(claim_days)), program, wallet=wallet)) == 19
    with pytest.raises(BeforeEnrolmentError) as refused:
        earned(purchase(occurred_at=days_ago(claim_days + 1)), program, wallet=wallet)
    assert (refused.value.claim_days, refused.value.enrolled_on) == (claim_days, date(2026, 3, 2))


def test_without_a_program_or_before_it_nothing_is_earned() -> None:
    with pytest.raises(ProgramMissingError):
        earn(WALLET, purchase(), [], now=NOON)
    with pytest.raises(BeforeProgramError):
        earned(purchase(), version(1, NOON + timedelta(seconds=1)))


def test_another_currency_than_the_programs_is_refused() -> None:
    with pytest.raises(CurrencyNotAcceptedError) as refused:
        earned(purchase(currency="CAD"))
    assert (refused.value.currency, refused.value.accepted) == ("CAD", "USD")


def test_a_closed_member_earns_nothing_whatever_else_is_wrong() -> None:
    closed = replace(WALLET, closed=True)
    for order in (purchase(), purchase(currency="CAD"), purchase(occurred_at=days_ago(900))):
        with pytest.raises(MemberClosedError):
            earned(order, wallet=closed)


def test_more_points_than_one_call_may_move_are_refused() -> None:
    generous = version(earning_rules=[earning_rule(points=10**6, minor_units=1)])
    assert points(earned(purchase(amount=1000), generous)) == 10**9
    with pytest.raises(AmountOverLimitError):
        earned(purchase(amount=1001), generous)


def test_the_wallet_given_is_never_changed() -> None:
    before = replace(WALLET)
    earned(purchase())
    assert before == WALLET


def test_each_currency_has_serials_and_dates_of_its_own() -> None:
    program = version(
        currencies=[{"code": "stars"}, {"code": "points", "expiry": {"after": 1, "rounded_to": "month"}}],
        earning_rules=[earning_rule("b", "points"), earning_rule("a", "stars", 2, 1000)],
    )
    entry, wallet = earn(WALLET, purchase(amount=5000), [program], now=NOON)
    assert [(share.rule, share.points) for share in entry.why] == [("b", 50), ("a", 10)]
    assert [(purse.currency, purse.next_serial) for purse in wallet.purses] == [("points", 51), ("stars", 11)]
    assert wallet.purse("stars").deadlines() == ((None, 10),)
    assert wallet.purse("points").deadlines() == ((date(2026, 5, 1), 50),)


def test_an_entry_books_first_what_the_date_changed() -> None:
    _, wallet = earn(WALLET, purchase(amount=1000), [version()], now=NOON)
    later = NOON + timedelta(days=365)
    entry, after = earn(wallet, purchase("order-2", 700, occurred_at=later), [version()], now=later)
    assert [(p.debit, p.credit, p.points) for p in entry.postings] == [("active", "expired", 10), ("issued", "active", 7)]
    assert (after.purse("points").active, entry.previous, entry.sequence) == (7, "purchase:order-1", 2)


def test_recording_never_runs_backward_in_time_or_day() -> None:
    _, wallet = earn(WALLET, purchase(), [version()], now=LAST_SECOND_OF_DAY + timedelta(seconds=1))
    entry, _ = earn(wallet, purchase("order-2"), [version()], now=LAST_SECOND_OF_DAY)
    assert entry.recorded_at == LAST_SECOND_OF_DAY + timedelta(seconds=1)
    assert entry.recorded_on == date(2026, 3, 3)


def test_the_recorded_day_never_runs_backward_where_midnight_itself_comes_twice() -> None:
    """St. John's until 2011: at 00:01 clocks went back to 23:01 of the day before."""
    program = version(1, datetime(2010, 1, 1, tzinfo=UTC), time_zone="America/St_Johns")
    midnight = datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC)
    wallet = replace(WALLET, enrolled_at=midnight)
    first, wallet = earn(wallet, purchase(occurred_at=midnight), [program], now=midnight)
    later = midnight + timedelta(minutes=5)
    second, _ = earn(wallet, purchase("order-2", occurred_at=later), [program], now=later)
    assert second.recorded_on >= first.recorded_on


def test_an_order_in_two_currencies_or_over_the_limit_is_no_order() -> None:
    lines: dict[str, Any] = {"lines": (Line("a", 1, AMOUNT_MAX), Line("b", 1, 1))}
    with pytest.raises(AmountOverLimitError):
        purchase(**lines).check()
    with pytest.raises(MixedCurrenciesError):
        purchase().check((None, "USD", "EUR"))
    purchase(amount=AMOUNT_MAX).check((None, "USD"))
