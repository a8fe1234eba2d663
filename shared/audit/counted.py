"""What is counted beside the ledger, held to the entries: charities' totals, stocks, budgets, referrals, and campaigns."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

from shared.adapters.clock import SystemClock
from shared.adapters.dynamodb.changes import TALLY_SHARDS
from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.donations import charity_month_of
from shared.adapters.dynamodb.items import Item
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.rewards import stock_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import (
    Key,
    budget_key,
    charity_key,
    funnel_key,
    grants_tally_key,
    referrer_pk,
    stock_key,
    tally_key,
)
from shared.audit.books import Books
from shared.audit.campaigns import campaign_counts, tally_of
from shared.domain.audit import Break
from shared.domain.brought import is_counter
from shared.domain.calendar import local_day
from shared.domain.cap import BudgetKey
from shared.domain.program import ProgramVersion, zone_of
from shared.domain.rule_audit import Rulebook
from shared.domain.tallies import CampaignPeriod, MonthOf, Tallies

READINGS_MAX = 3
"""Times that the entries are read again for what looks miscounted, if it is in use meanwhile."""

Found = Sequence[Item | None]
Check = Callable[[Tallies, Found], Break | None]


def counted_break(store: Store, books: Books, tallies: Tallies) -> Break | None:
    """The first of the stage's counts that the entries do not make.

    A scan is no snapshot: what looks miscounted is read again, before and after all entries are, and counts only if it stood
    still meanwhile. Of what never stands still nothing is said.
    """
    for keys, found, check in _checks(store, books, tallies):
        if check(tallies, found) is not None:
            broken = _again(store, keys, check)
            if broken is not None:
                return broken
    return None


def add_markers(tallies: Tallies, books: Books) -> None:
    """Count whom campaigns passed over."""
    for marker in books.passed():
        tallies.pass_over(*marker)


def versions_of(store: Store) -> Sequence[ProgramVersion]:
    """All versions of the stage's program."""
    return DynamoPrograms(store, 0).latest()


def _checks(store: Store, books: Books, tallies: Tallies) -> Iterator[tuple[Sequence[Key], Found, Check]]:
    day = _today(store)
    stocks = {stock_of(item).reward: item for item in books.stocks()}
    for reward in sorted(stocks.keys() | tallies.rewards()):
        yield [stock_key(reward)], [stocks.get(reward)], _stock_check(reward, day)
    months = {MonthOf.of(charity_month_of(item)): item for item in books.charities()}
    for place in sorted(months.keys() | tallies.given.keys(), key=str):
        yield [charity_key(place.charity, place.month, place.money)], [months.get(place)], _charity_check(place)
    shards = {budget_of(item): item for item in books.budgets()}
    for budget in sorted({key._replace(shard=0) for key in (*shards, *tallies.drawn)}, key=str):
        last = max([key.shard for key in shards if key._replace(shard=0) == budget], default=0)
        keys = [budget._replace(shard=shard) for shard in range(max(last + 1, _shards(tallies, budget.cap)))]
        yield [budget_key(key) for key in keys], [shards.get(key) for key in keys], _budget_check(budget)
    brought = {item["pk"].removeprefix(referrer_pk("")): item for item in books.tallies()}
    for source in sorted(brought.keys() | tallies.referrals.counts.keys()):
        yield [tally_key(source)], [brought.get(source)], _tally_check(source)
    days = {day_of_funnel(item): item for item in books.funnel()}
    for shard, on in sorted(days.keys() | tallies.referrals.funnel.keys()):
        yield [funnel_key(shard, on)], [days.get((shard, on))], _funnel_check(shard, on)
    yield from _campaign_checks(books, tallies)


def _campaign_checks(books: Books, tallies: Tallies) -> Iterator[tuple[Sequence[Key], Found, Check]]:
    given: dict[CampaignPeriod, list[Item]] = {}
    for item in books.campaigns():
        if place := tally_of(item):
            given.setdefault(place, []).append(item)
    for place in sorted(given.keys() | tallies.campaigns.keys()):
        keys = [grants_tally_key(*place, shard) for shard in range(TALLY_SHARDS)]
        yield keys, given.get(place, []), _campaign_check(place)


def budget_of(item: Item) -> BudgetKey:
    """Of which shard of a budget an item is."""
    _, cap, shard = item["pk"].split("#")
    since = None if item["sk"] == "EVER" else datetime.strptime(item["sk"], "SINCE#%Y%m%d").date()  # noqa: DTZ007
    return BudgetKey(cap, since, int(shard))


def day_of_funnel(item: Item) -> tuple[int, date]:
    """Which shard of the funnel an item is, and of which day."""
    return int(item["pk"].partition("#")[2]), datetime.strptime(item["sk"], "DAY#%Y%m%d").date()  # noqa: DTZ007


def _shards(tallies: Tallies, cap: str) -> int:
    """The most shards that any version gave the budget."""
    programs = [version.program for version in tallies.rulebook.versions.values()]
    return max((program.caps_by_id[cap].shards for program in programs if cap in program.caps_by_id), default=1)


def _budget_check(budget: BudgetKey) -> Check:
    return lambda tallies, items: tallies.budget_break(budget, sum(int(item["spent"]) for item in items if item))


def _tally_check(source: str) -> Check:
    return lambda tallies, items: tallies.referrals.tally_break(source, *_counters(items[0]))


def _funnel_check(shard: int, day: date) -> Check:
    return lambda tallies, items: tallies.referrals.funnel_break(shard, day, _counters(items[0])[0])


def _counters(item: Item | None) -> tuple[dict[str, int], int]:
    """The counters of an item, and its rank."""
    counts = {name: int(count) for name, count in (item or {}).items() if is_counter(name)}
    return counts, int(item["rank"]) if item and "rank" in item else 0


def _campaign_check(place: CampaignPeriod) -> Check:
    def check(tallies: Tallies, items: Found) -> Break | None:
        found: Counter[str] = Counter()
        for item in items:
            found.update(campaign_counts(item or {}))
        return tallies.campaign_break(*place, found)

    return check


def _stock_check(reward: str, day: date) -> Check:
    return lambda tallies, items: tallies.stock_break(reward, stock_of(items[0]) if items[0] else None, day)


def _charity_check(place: MonthOf) -> Check:
    return lambda tallies, items: tallies.charity_break(place, charity_month_of(items[0]).given if items[0] else None)


def _again(store: Store, keys: Sequence[Key], check: Check) -> Break | None:
    for _ in range(READINGS_MAX):
        before = [store.get(key) for key in keys]
        books = Books.read(store, lambda _: None)
        tallies = Tallies(Rulebook.of(versions_of(store)))
        for member, _, entries in books.members():
            tallies.add(entries, books.beside(member))
        add_markers(tallies, books)
        if [store.get(key) for key in keys] == before:
            return check(tallies, before)
    return None


def _today(store: Store) -> date:
    """The local day of the program's zone, by the test clock of a sandbox stage."""
    zone = zone_of(versions_of(store))
    return local_day(TestClock(store, SystemClock()).now(), zone)
