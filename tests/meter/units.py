"""DynamoDB's documented prices of reads and writes in units, as pure functions of items before and after.

Sources: the developer guide's chapters on read/write capacity mode, transactions ("two underlying reads or writes of every
item") and global secondary indexes ("provisioned throughput considerations"). Whether the index writes of a transaction are
doubled is not documented; they are counted once, as a third party measured on AWS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.meter.item_size import item_size

Item = dict[str, Any]
WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
TRANSACTION_FACTOR = 2


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index: the attributes of its key, the table's, and what else it carries (None for everything)."""

    name: str
    key: tuple[str, ...]
    table_key: tuple[str, ...]
    projected: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """What the index holds of an item: None where the item lacks a part of the index's key."""
        if item is None or not all(name in item for name in self.key):
            return None
        if self.projected is None:
            return item
        kept = {*self.key, *self.table_key, *self.projected}
        return {name: value for name, value in item.items() if name in kept}


def write_units(before: Item | None, after: Item | None, *, transactional: bool = False) -> int:
    """Units of one write to the table: one for each started kilobyte of the larger of the two, doubled in a transaction."""
    units = _started(max(_size(before), _size(after)), WRITE_UNIT_BYTES)
    return units * TRANSACTION_FACTOR if transactional else units


def index_write_units(index: Index, before: Item | None, after: Item | None) -> int:
    """Units of the same write in an index: none, one write, or a delete and a put where its key changes."""
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old is not None and new is not None and any(old[name] != new[name] for name in index.key):
        return _started(_size(old), WRITE_UNIT_BYTES) + _started(_size(new), WRITE_UNIT_BYTES)
    return _started(max(_size(old), _size(new)), WRITE_UNIT_BYTES)


def read_units(size: int, *, consistent: bool) -> float:
    """Units of reading `size` bytes at once: one for each started 4 KB, at least one, half of it eventually consistent."""
    units = _started(size, READ_UNIT_BYTES)
    return float(units) if consistent else units / 2


def transactional_read_units(items: Iterable[Item | None]) -> int:
    """Units of reading each of `items` in a transaction."""
    return sum(TRANSACTION_FACTOR * _started(_size(item), READ_UNIT_BYTES) for item in items)


def _size(item: Item | None) -> int:
    return 0 if item is None else item_size(item)


def _started(size: int, unit: int) -> int:
    return max(1, -(-size // unit))
