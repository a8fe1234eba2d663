"""The reference set `mini`: whoever bought nothing for 60 days is given a bonus on that very day, and nobody else ever is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from infra.local_cloud.retail import read_orders
from shared.domain.audit import audit
from tests.retail.figures import MODULUS_AND_REMAINDER
from tests.retail.silence import DAYS, LAST_TICK, Silence, Silent, expected_mini_silent, expected_silent, open_silence

COUNTS, LISTED = expected_silent("mini"), expected_mini_silent()
EACH_DAY = pytest.mark.parametrize("day", list(COUNTS), ids=str)
EVERY = 10
"""Every tenth household's books are audited."""


@pytest.fixture(scope="module")
def year() -> Iterator[Silence]:
    modulus, remainder = MODULUS_AND_REMAINDER["mini"]
    with open_silence() as silence:
        silence.replay.run(read_orders(modulus=modulus, remainder=remainder))
        yield silence


@EACH_DAY
def test_those_who_were_given_it_and_are_silent_still_are_the_list(year: Silence, day: date):
    assert year.silent(day) == LISTED[day]
    assert Silent.of(year.silent(day)) == COUNTS[day]


@EACH_DAY
def test_each_who_is_listed_was_given_it_on_the_sixtieth_day(year: Silence, day: date):
    given = year.given()
    for household, days in LISTED[day].items():
        assert household in given[day - timedelta(days=days - DAYS)]
    exactly = [household for household, days in LISTED[day].items() if days == DAYS]
    assert set(exactly) <= set(given.get(day, []))


def test_on_every_day_of_fifteen_months_exactly_those_are_given_it_who_are_due(year: Silence):
    assert year.given() == year.due(LAST_TICK)
    assert sum(map(len, year.given().values())) > 247


def test_each_silence_is_told_once(year: Silence):
    told = [(household, grant.period) for household, grant, _ in year.grants()]
    assert len(set(told)) == len(told)


def test_the_books_hold(year: Silence):
    for member in list(year.replay.members.values())[::EVERY]:
        wallet = year.there.ledger.view(member).wallet
        assert list(audit(wallet, year.there.entries(member), year.there.versions)) == []
