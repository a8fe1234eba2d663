"""The reference set `mini` where members redeem 500 points just before an order whenever they have as many, to the point.

Each redemption is quoted, issued under an Idempotency-Key, and used at the till on that order, through the handlers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from functions.wallets.models import Basis
from infra.local_cloud.retail import read_orders
from shared.domain.audit import audit
from tests.retail.figures import (
    MODULUS_AND_REMAINDER,
    EndOfDay,
    expected_figures,
    expected_mini_balances,
    roll_forward,
    vintages,
)
from tests.retail.replay import CURRENCY, Replay
from tests.retail.shop import open_shop

FIGURES = expected_figures("mini", "with_redemption")
BALANCES = expected_mini_balances("with_redemption")
DAYS = pytest.mark.parametrize("day", list(FIGURES.end_of_day), ids=str)
HOUSEHOLDS_ON_DYNAMODB = (500, 7)
"""Every 500th household is replayed on the DynamoDB adapter as well, where a request takes ten times as long."""
EVERY = 10
"""Every tenth household's wallet is read through the handler, and its books are audited."""


@pytest.fixture(scope="module")
def year() -> Iterator[Replay]:
    modulus, remainder = MODULUS_AND_REMAINDER["mini"]
    with open_shop("memory") as shop:
        replay = Replay(shop, redeems=True)
        replay.run(read_orders(modulus=modulus, remainder=remainder))
        yield replay


def test_every_redemption_is_issued_and_used_once_and_every_order_is_one_entry(year: Replay):
    assert year.redemptions.total() == FIGURES.redemptions == 773
    assert len(year.redemptions) == FIGURES.redeeming_members == 191
    sequences = [year.shop.ledger.view(member).wallet.sequence for member in year.members.values()]
    assert sum(sequences) == FIGURES.orders + 2 * FIGURES.redemptions


def test_no_redemption_is_left_open(year: Replay):
    wallets = [year.shop.ledger.view(member).wallet for member in year.members.values()]
    assert [wallet.member for wallet in wallets if wallet.holds] == []


def test_the_answers_told_every_point(year: Replay):
    assert (year.earned_by_answers, year.redeemed_by_answers) == (450_895, 386_500)
    assert year.told == BALANCES[date(2017, 12, 31)]


@DAYS
def test_balances_and_totals_at_the_end_of_a_day(year: Replay, day: date):
    purses = year.purses(day)
    assert {household: purse.balance for household, purse in purses.items()} == BALANCES[day]
    assert EndOfDay.of(purses) == FIGURES.end_of_day[day]


@DAYS
def test_the_wallet_as_of_a_day_tells_the_same_through_the_handler(year: Replay, day: date):
    households = sorted(year.members)[::EVERY]
    told = {one: year.shop.wallet(year.members[one], as_of=day.isoformat())["currencies"] for one in households}
    assert {one: [purse["balance"] for purse in purses] for one, purses in told.items()} == {
        one: [BALANCES[day][one]] for one in households
    }


def test_both_views_agree_where_no_order_was_late(year: Replay):
    day = date(2018, 3, 31)
    assert EndOfDay.of(year.purses(day, Basis.OCCURRED)) == FIGURES.end_of_day[day]


def test_points_roll_forward_month_by_month(year: Replay):
    assert roll_forward(year.postings(), [row.month for row in FIGURES.months]) == FIGURES.months


def test_wallets_read_at_the_end_of_a_month_hold_what_was_left(year: Replay):
    assert year.closings == {row.month: row.closing for row in FIGURES.months}


def test_the_points_of_each_month_are_traced_to_their_redemption_or_expiry(year: Replay):
    assert vintages(year.postings(), [row.month for row in FIGURES.vintages]) == FIGURES.vintages


def test_the_books_of_those_who_redeemed_are_proved(year: Replay):
    for household in sorted(year.redemptions)[::EVERY]:
        wallet = year.shop.ledger.view(year.members[household]).wallet
        entries = [year.shop.ledger.entry(row.key) for row in year.shop.ledger.rows(wallet)]
        assert list(audit(wallet, entries[::-1])) == []


def test_the_dynamodb_ledger_keeps_the_same_wallets_and_histories(year: Replay):
    with open_shop("ministack") as shop:
        again = Replay(shop, redeems=True)
        modulus, remainder = HOUSEHOLDS_ON_DYNAMODB
        again.run(read_orders(modulus=modulus, remainder=remainder))
        assert again.orders > 100
        assert again.redemptions == {household: year.redemptions[household] for household in again.redemptions}
        assert again.redemptions.total() > 10
        for household, member in again.members.items():
            stored, kept = shop.ledger.view(member).wallet, year.shop.ledger.view(year.members[household]).wallet
            assert (stored.sequence, stored.purse(CURRENCY)) == (kept.sequence, kept.purse(CURRENCY))
            told = [(row.key, row.postings, row.after) for row in shop.ledger.rows(stored)]
            assert told == [(row.key, row.postings, row.after) for row in year.shop.ledger.rows(kept)]
