"""The reference set `mini` reaches exactly the tiers that were computed apart, whatever its points do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import pytest

from infra.local_cloud.retail import read_orders
from shared.domain.audit import audit
from tests.functional.api import POS, Caller
from tests.retail.figures import MODULUS_AND_REMAINDER, EndOfDay, expected_figures
from tests.retail.replay import LAST_DAY, Replay
from tests.retail.shop import open_shop
from tests.retail.tiers import MembersByTier, Watch, expected_mini_tiers, expected_tiers, tiered_program, watched

COUNTS = expected_tiers("mini")
TIERS = expected_mini_tiers()
DAYS = pytest.mark.parametrize("day", list(COUNTS), ids=str)
EVERY = 10
"""Every tenth household is looked at through the handler, and its books are audited."""


@pytest.fixture(scope="module")
def year() -> Iterator[Watch]:
    modulus, remainder = MODULUS_AND_REMAINDER["mini"]
    with open_shop("memory", tiered_program()) as shop:
        replay = Replay(shop)
        watch = watched(replay, "mini")
        replay.run(read_orders(modulus=modulus, remainder=remainder))
        yield watch


@DAYS
def test_every_member_has_the_tier_of_their_spend_of_365_days(year: Watch, day: date):
    assert year.found[day] == TIERS[day]
    assert MembersByTier.of(year.found[day]) == COUNTS[day]


def test_tiers_that_give_nothing_change_no_point(year: Watch):
    day = date(2017, 12, 31)
    assert EndOfDay.of(year.replay.purses(day)) == expected_figures("mini").end_of_day[day]


def test_a_year_without_an_order_leaves_the_lowest_tier(year: Watch):
    for member in list(year.replay.members.values())[::EVERY]:
        told = Caller(POS).get(f"/v1/members/{member}/tier").json
        assert (told["day"], told["tier"], told["credited"]) == (str(LAST_DAY), "bronze", 0)
        assert (told["next"]["id"], told["missing"]) == ("silver", 50_000)


def test_every_change_of_tier_is_told_once(year: Watch):
    for member in list(year.replay.members.values())[::EVERY]:
        ledger = year.replay.shop.ledger
        wallet = ledger.view(member).wallet
        rows = list(ledger.rows(wallet))[::-1]
        told = [row.told.stands.tier for row in rows if row.told and row.told.stands]
        # Bronze is everybody's.
        assert all(before != after for before, after in pairwise(["bronze", *told]))
        entries = [ledger.entry(row.key) for row in rows]
        assert list(audit(wallet, entries)) == []
