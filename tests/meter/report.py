"""Readings of a meter as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from rich.table import Table

from tests.meter.meter import Meter


@dataclass(frozen=True, slots=True)
class Reading:
    """What one operation cost. Sizes in bytes; write units of the table and of its indexes stand apart."""

    what: str
    round_trips: int
    read_units: float
    write_units: int
    index_write_units: int
    largest_item: int

    @classmethod
    def of(cls, what: str, meter: Meter) -> Self:
        """The meter's counts so far."""
        return cls(
            what=what,
            round_trips=meter.round_trips,
            read_units=meter.read_units,
            write_units=meter.write_units,
            index_write_units=meter.index_write_units,
            largest_item=meter.largest_item,
        )


def table_of(title: str, readings: Iterable[Reading]) -> Table:
    """The readings, a row each."""
    table = Table(title=title)
    table.add_column("operation", no_wrap=True)
    for column in ("trips", "read units", "write units", "index units", "largest item"):
        table.add_column(column, justify="right")
    for reading in readings:
        table.add_row(
            reading.what,
            str(reading.round_trips),
            f"{reading.read_units:g}",
            str(reading.write_units),
            str(reading.index_write_units),
            f"{reading.largest_item:,} B",
        )
    return table
