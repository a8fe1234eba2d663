"""Spending and undoing on the warm path: a fixed number of round trips and writes, whatever the number of lots."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.engine import Engine
from tests.meter.redemption_readings import LOTS, large_redemptions, redemptions, refunds, uses
from tests.meter.report import Reading
from tests.meter.shop import BY_DAY, Shop, open_shop


@pytest.fixture
def shop(ministack_engine: Engine) -> Iterator[Shop]:
    """A shop whose points expire by day, so that each day's are a lot of their own."""
    with open_shop(ministack_engine, BY_DAY) as opened:
        yield opened


def costs(readings: Iterator[Reading]) -> dict[str, tuple[int, int, int]]:
    """Trips, write units and units of the history, by what was done."""
    return {r.what: (r.round_trips, r.write_units, r.index_write_units) for r in readings}


@pytest.mark.parametrize(("reward", "units"), [("cents", 6), ("few", 8)])
def test_a_redemption_is_two_round_trips_and_three_writes_or_four_with_stock_whatever_the_number_of_lots(
    shop: Shop, reward: str, units: int
) -> None:
    """Two units each: its entry, the wallet, the code, and the stock, where there is one. A wallet of 365 lots has 4 KB."""
    found = costs(redemptions(shop, reward))
    assert found == {
        # The voucher lapses before the points are gone: the alarm moves earlier, which is two writes of its index.
        "redeem out of 1 lots": (2, units, 3),
        "redeem out of 10 lots": (2, units, 3),
        # There are points that are gone before the voucher lapses.
        "redeem out of 365 lots": (2, units + 6, 1),
    }


def test_a_redemption_that_takes_many_lots_pays_for_the_kilobytes_of_its_entry_only(shop: Shop) -> None:
    found = list(large_redemptions(shop))
    assert len(found) == len(LOTS)
    assert {reading.round_trips for reading in found} == {2}
    # 183 lots, traced one by one: an entry of just over 4 KB, beside a wallet that was just under. The vouchers of the others
    # lapse before their points are gone: their alarms move.
    assert [(reading.write_units, reading.index_write_units) for reading in found] == [(6, 3), (6, 3), (20, 4)]


def test_what_vouchers_and_lapses_cost(shop: Shop) -> None:
    assert costs(uses(shop)) == {
        # Code, redemption, what decides, transaction.
        "use a voucher": (4, 6, 1),
        "use a voucher of a stocked reward": (4, 8, 1),
        # Redemption, where it stands, what decides, entries since, transaction.
        "cancel": (4, 4, 1),
        "cancel of a stocked reward": (4, 6, 1),
        # One query more.
        "redeem after an unbooked lapse": (3, 6, 1),
    }


def test_a_refund_within_one_page_of_entries_is_four_round_trips_whatever_paid_for_the_order(shop: Shop) -> None:
    """Order, wallet, entries since, transaction; a gift card's own entry and the card are two writes more."""
    assert costs(refunds(shop)) == {
        "refund a part": (4, 4, 1),
        "refund the rest": (4, 4, 1),
        "refund, the same again": (1, 0, 0),
        "refund, paid in part with a voucher": (4, 4, 1),
        "refund, paid in part with a voucher and a gift card": (4, 8, 1),
        "refund of an order 10 entries ago": (4, 4, 1),
    }
