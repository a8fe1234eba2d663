"""What recording a purchase costs, by the order's length and by the member's past."""

from __future__ import annotations

from collections.abc import Iterator

from tests.meter.meter import Meter
from tests.meter.report import Reading
from tests.meter.shop import Shop

LINES = (1, 10, 100, 500)
ENTRIES = (1, 10, 100, 1_000, 10_000)


def by_lines(shop: Shop) -> Iterator[Reading]:
    """Orders of 1 to 500 lines."""
    member = shop.enrol(1)
    for lines in LINES:
        with Meter(shop.engine.client, table=shop.engine.table) as meter:
            shop.buy(member, f"order-of-{lines}", lines=lines)
        yield Reading.of(f"an order of {lines:,} lines", meter)


def by_entries(shop: Shop) -> Iterator[Reading]:
    """The same small order as a member's 1st to 10,000th entry."""
    for number, entries in enumerate(ENTRIES, start=10):
        member = shop.enrol(number, entries=entries - 1)
        with Meter(shop.engine.client, table=shop.engine.table) as meter:
            answer = shop.buy(member, f"entry-{entries}")
        assert answer["sequence"] == entries
        yield Reading.of(f"a member's entry {entries:,}", meter)
