"""Rules cost what they count: tiers and caps live in the wallet, a budget is one write more, and no round trip is added."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.engine import Engine
from tests.meter.report import Reading
from tests.meter.rule_readings import RULES, counted, tiers
from tests.meter.shop import BY_MONTH, Shop, open_shop


@pytest.fixture
def shop(ministack_engine: Engine) -> Iterator[Shop]:
    with open_shop(ministack_engine, BY_MONTH, RULES) as opened:
        yield opened


def costs(readings: Iterator[Reading]) -> dict[str, tuple[int, int, int]]:
    """Trips, write units and units of the history, by what was done."""
    return {r.what: (r.round_trips, r.write_units, r.index_write_units) for r in readings}


def test_an_earn_with_tiers_is_two_round_trips_and_pays_for_the_kilobytes_of_its_days_of_credit(shop: Shop) -> None:
    """A day of credit is about six bytes of the wallet."""
    assert costs(tiers(shop)) == {
        "earn, 1 days of credit": (2, 4, 1),
        "earn, 10 days of credit": (2, 4, 1),
        "earn, 100 days of credit": (2, 6, 1),
        "earn, 365 days of credit": (2, 8, 1),
    }


def test_what_caps_budgets_activities_memberships_and_recognitions_cost(shop: Shop) -> None:
    assert costs(counted(shop)) == {
        "earn under a member's cap": (2, 4, 1),
        # The budget's own item.
        "earn under a budget": (2, 6, 1),
        # Which credit of the day came first: one query of the history.
        "earn, late or within minutes of the last": (3, 4, 1),
        "refund of what a budget paid": (4, 6, 1),
        "activity": (2, 4, 1),
        "activity, the same again": (1, 0, 0),
        # The activity, the wallet, entries since, the transaction.
        "void": (4, 4, 1),
        "billing event": (2, 4, 1),
        # Two members, each with an entry and a wallet.
        "recognition": (2, 8, 2),
        "review, nothing changed": (2, 0, 0),
        "review that tells a lower tier": (3, 4, 1),
    }
