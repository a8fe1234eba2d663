"""A purchase on the warm path is two round trips; small ones are four write units and one for the history.

A member's first points set the first alarm of their wallet, once: a unit more. Those that follow are gone later, and leave it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.engine import Engine
from tests.meter.meter import Meter
from tests.meter.readings import ENTRIES, LINES, by_entries, by_lines
from tests.meter.shop import Shop, open_shop


@pytest.fixture
def shop(ministack_engine: Engine) -> Iterator[Shop]:
    with open_shop(ministack_engine) as opened:
        yield opened


def test_an_order_is_two_round_trips_whatever_its_length(shop: Shop) -> None:
    readings = list(by_lines(shop))
    assert len(readings) == len(LINES)
    assert {reading.round_trips for reading in readings} == {2}
    # The member's first order sets their alarm.
    assert [reading.index_write_units for reading in readings] == [2, 1, 1, 1]


def test_a_small_order_is_four_units_and_one_for_the_history_from_the_first_entry_to_the_ten_thousandth(
    shop: Shop,
) -> None:
    readings = list(by_entries(shop))
    assert len(readings) == len(ENTRIES)
    for reading in readings:
        assert reading.largest_item <= 1024, f"{reading.what}: this promise is for items of at most 1 KB"
        first = reading is readings[0]
        assert (reading.round_trips, reading.write_units, reading.index_write_units) == (2, 4, 2 if first else 1), reading.what


def test_each_started_kilobyte_of_an_order_costs_two_units_more(shop: Shop) -> None:
    for reading in by_lines(shop):
        kilobytes = -(-reading.largest_item // 1024)
        assert reading.write_units == 2 * kilobytes + 2, reading.what


def test_an_order_sent_again_is_one_read_and_writes_nothing(shop: Shop) -> None:
    member = shop.enrol(1)
    first = shop.buy(member, "again")
    with Meter(shop.engine.client, table=shop.engine.table) as meter:
        assert shop.buy(member, "again") == first
    assert (meter.round_trips, meter.write_units, meter.index_write_units) == (1, 0, 0)
