"""A wallet's counts as a map of short lists of numbers: under each name the first day and its amount, then for each following
one the days between and its amount. `{"orders": [0, 12], "tier:spend": [20260105, 1999, 2, 500]}` is 12 orders, and 1,999 minor
units of the 5th and 500 of the 7th. 0 stands for no day, which comes first.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from shared.adapters.dynamodb.lots import day_number, day_of
from shared.domain.counts import Count


def count_numbers(counts: Iterable[Count]) -> dict[str, list[int]]:
    """Counts, in order of name and day, as numbers."""
    return {name: list(_told(found)) for name, found in groupby(counts, key=attrgetter("name"))}


def _told(counts: Iterable[Count]) -> Iterator[int]:
    before: date | None = None
    for count in counts:
        yield day_number(count.day) if count.day is None or before is None else (count.day - before).days
        yield count.amount
        before = count.day


def counts_of(numbers: Mapping[str, Any]) -> tuple[Count, ...]:
    """The inverse of `count_numbers`."""
    return tuple(count for name, told in sorted(numbers.items()) for count in _named(name, [int(number) for number in told]))


def _named(name: str, told: list[int]) -> Iterator[Count]:
    day: date | None = None
    for number, amount in zip(told[::2], told[1::2], strict=True):
        day = day_of(number) if day is None else day + timedelta(days=number)
        yield Count(name, day, amount)
