"""The reference set `mini` (16,677 orders of 247 households) earns and loses exactly the points that were computed apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from functions.wallets.models import Basis
from infra.local_cloud.retail import read_orders
from tests.retail.figures import (
    MODULUS_AND_REMAINDER,
    EndOfDay,
    expected_figures,
    expected_mini_balances,
    roll_forward,
)
from tests.retail.replay import CURRENCY, Replay
from tests.retail.shop import open_shop

FIGURES = expected_figures("mini")
BALANCES = expected_mini_balances()
DAYS = pytest.mark.parametrize("day", list(FIGURES.end_of_day), ids=str)
HOUSEHOLDS_ON_DYNAMODB = (500, 7)
"""Every 500th household is replayed on the DynamoDB adapter as well, where an order takes ten times as long."""


@pytest.fixture(scope="module")
def year() -> Iterator[Replay]:
    modulus, remainder = MODULUS_AND_REMAINDER["mini"]
    with open_shop("memory") as shop:
        replay = Replay(shop)
        replay.run(read_orders(modulus=modulus, remainder=remainder))
        yield replay


def test_every_order_is_one_entry_of_its_household(year: Replay):
    sequences = [year.shop.ledger.view(member).wallet.sequence for member in year.members.values()]
    assert len(year.members) == FIGURES.members == 247
    assert sum(sequences) == year.orders == FIGURES.orders == 16_677


def test_the_answers_told_every_point(year: Replay):
    assert year.earned_by_answers == 450_895
    assert year.told == BALANCES[date(2017, 12, 31)]


@DAYS
def test_balances_and_totals_at_the_end_of_a_day(year: Replay, day: date):
    purses = year.purses(day)
    assert {household: purse.balance for household, purse in purses.items()} == BALANCES[day]
    assert EndOfDay.of(purses) == FIGURES.end_of_day[day]


def test_both_views_agree_where_no_order_was_late(year: Replay):
    day = date(2018, 3, 31)
    assert EndOfDay.of(year.purses(day, Basis.OCCURRED)) == FIGURES.end_of_day[day]


def test_points_roll_forward_month_by_month(year: Replay):
    assert roll_forward(year.postings(), [row.month for row in FIGURES.months]) == FIGURES.months


def test_wallets_read_at_the_end_of_a_month_hold_what_was_left(year: Replay):
    assert year.closings == {row.month: row.closing for row in FIGURES.months}


def test_the_dynamodb_ledger_keeps_the_same_wallets_and_histories(year: Replay):
    with open_shop("ministack") as shop:
        again = Replay(shop)
        modulus, remainder = HOUSEHOLDS_ON_DYNAMODB
        again.run(read_orders(modulus=modulus, remainder=remainder))
        assert again.orders > 100
        for household, member in again.members.items():
            stored, kept = shop.ledger.view(member).wallet, year.shop.ledger.view(year.members[household]).wallet
            assert (stored.sequence, stored.purse(CURRENCY)) == (kept.sequence, kept.purse(CURRENCY))
            told = [(row.key, row.postings, row.after) for row in shop.ledger.rows(stored)]
            assert told == [(row.key, row.postings, row.after) for row in year.shop.ledger.rows(kept)]
