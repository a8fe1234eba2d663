"""A bonus is a read and a transaction, whatever it is and however many have it; who is not due is not looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engines.engine import Engine
from tests.meter.campaign_readings import grants, limits, pages, visits
from tests.meter.report import Reading

Costs = dict[str, tuple[int, float, int, int]]
EXPECTED: dict[Callable[[Engine], Iterator[Reading]], Costs] = {
    grants: {
        # Two units each: the entry, the wallet, the campaign's counter; and the history. Read: wallet, profile, key, control.
        "points": (2, 4, 6, 1),
        # The budget's item is read, and written in the same transaction.
        "points, under a budget": (2, 5, 8, 1),
        # All shards are read, one is written.
        "points, under a budget in 7 shards": (2, 11, 8, 1),
        "points, so many bonuses in all": (2, 5, 8, 1),
        "points, budget and number": (2, 6, 10, 1),
        "a multiplier": (2, 4, 6, 1),
        # The voucher's entry, its code, the stock. It lapses before the points are gone: the alarm moves.
        "a reward with a stock": (2, 6, 12, 4),
        # The card, its entry, its code.
        "a gift card": (2, 4, 12, 1),
        "a message": (2, 4, 6, 1),
        "points, the same again": (1, 4, 0, 0),
    },
    limits: {
        # They are counted in the wallet.
        "points, under 2 frequency caps": (2, 4, 6, 1),
        "nothing, a frequency cap is reached": (1, 4, 0, 0),
        # A date's run counts them where it notes how far it has come.
        "nothing, a date's budget is spent": (1, 5, 0, 0),
        "nothing, another campaign's budget is spent": (2, 5, 4, 0),
        "nothing, it is paused": (1, 4, 0, 0),
    },
    visits: {
        # Wallet, profile, two controls.
        "nothing due, the alarm stays": (1, 4, 0, 0),
        # A look, the bonus, a look, and the profile's alarm, which moves a year on.
        "a birthday": (5, 12, 7, 3),
        "nothing due, the alarm is set anew": (2, 4, 1, 2),
        "60 days of silence": (5, 12, 7, 3),
        "points are gone": (5, 10, 5, 3),
    },
    pages: {
        "a page of 100 alarms": (1, 1.5, 0, 0),
        "a page of 100 members": (1, 1, 0, 0),
        "a shard where nothing rings": (1, 0.5, 0, 0),
        "a run is begun": (1, 0, 4, 0),
        "how far a part has come, noted": (1, 0, 1, 0),
        "a run is ended": (2, 1, 4, 0),
    },
}


@pytest.mark.parametrize("readings", EXPECTED, ids=lambda readings: readings.__name__)
def test_what_it_costs(ministack_engine: Engine, readings: Callable[[Engine], Iterator[Reading]]) -> None:
    found = {r.what: (r.round_trips, r.read_units, r.write_units, r.index_write_units) for r in readings(ministack_engine)}
    assert found == EXPECTED[readings]
