"""What is counted beside the ledger, held to the entries: charities' totals and rewards' stocks."""

from collections.abc import Callable, Iterator
from datetime import date

from shared.adapters.clock import SystemClock
from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.donations import charity_month_of
from shared.adapters.dynamodb.items import Item
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.rewards import stock_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import Key, charity_key, stock_key
from shared.audit.books import Books
from shared.domain.audit import Break
from shared.domain.calendar import local_day
from shared.domain.program import zone_of
from shared.domain.tallies import MonthOf, Tallies

READINGS_MAX = 3
"""Times that the entries are read again for what looks miscounted, if it is in use meanwhile."""

Check = Callable[[Tallies, Item | None], Break | None]


def counted_break(store: Store, books: Books, tallies: Tallies) -> Break | None:
    """The first of the stage's counts that the entries do not make.

    A scan is no snapshot: what looks miscounted is read again, before and after all entries are, and counts only if it stood
    still meanwhile. Of what never stands still nothing is said.
    """
    for key, found, check in _checks(store, books, tallies):
        if check(tallies, found) is not None:
            broken = _again(store, key, check)
            if broken is not None:
                return broken
    return None


def _checks(store: Store, books: Books, tallies: Tallies) -> Iterator[tuple[Key, Item | None, Check]]:
    day = _today(store)
    stocks = {stock_of(item).reward: item for item in books.stocks()}
    for reward in sorted(stocks.keys() | tallies.rewards()):
        yield stock_key(reward), stocks.get(reward), _stock_check(reward, day)
    months = {MonthOf.of(charity_month_of(item)): item for item in books.charities()}
    for place in sorted(months.keys() | tallies.given.keys(), key=str):
        yield charity_key(place.charity, place.month, place.money), months.get(place), _charity_check(place)


def _stock_check(reward: str, day: date) -> Check:
    return lambda tallies, item: tallies.stock_break(reward, stock_of(item) if item else None, day)


def _charity_check(place: MonthOf) -> Check:
    return lambda tallies, item: tallies.charity_break(place, charity_month_of(item).given if item else None)


def _again(store: Store, key: Key, check: Check) -> Break | None:
    for _ in range(READINGS_MAX):
        before = store.get(key)
        tallies = Tallies.of(entries for _, _, entries in Books.read(store, lambda _: None).members())
        if store.get(key) == before:
            return check(tallies, before)
    return None


def _today(store: Store) -> date:
    """The local day of the program's zone, by the test clock of a sandbox stage."""
    zone = zone_of(DynamoPrograms(store, 0).latest())
    return local_day(TestClock(store, SystemClock()).now(), zone)
