"""The ledger in memory with a meter: the units that the same calls ask of DynamoDB, by the same rules and the same items.

For members by the million, which no engine for tests holds. tests/meter/test_memory_meter.py holds its counts equal to those of
the meter at the wire. It prices what campaigns need of the ledger and of alarms; anything else raises UnpricedError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.dynamodb.controls import control_item
from shared.adapters.dynamodb.items import entry_item, to_wire, wallet_item
from shared.adapters.dynamodb.profiles import profile_item
from shared.adapters.dynamodb.table import (
    ALARM_AT,
    ALARM_PARTITION,
    ROSTER_PARTITION,
    alarm_partition,
    budget_key,
    create_table_arguments,
    grants_tally_key,
    passed_key,
    profile_key,
    roster_partition,
    wallet_key,
)
from shared.domain.calendar import instant_text
from shared.domain.control import Control
from shared.domain.decision import NOTHING_MORE, View, Wanted
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId
from shared.domain.wallet import Wallet
from shared.ports import Clock, Decide
from tests.fakes.memory_campaigns import MemoryAlarms, MemoryCampaigns, line_of
from tests.fakes.memory_ledger import MemoryLedger, Write
from tests.meter.item_size import item_size
from tests.meter.meter import indexes_of
from tests.meter.units import index_write_units, read_units, write_units

INDEXES = indexes_of(create_table_arguments("metered"))
Item = dict[str, Any]


class UnpricedError(Exception):
    """The meter was asked for something whose price it does not know."""


@dataclass
class Units:
    """Round trips, and read and write units of the table; write units of all indexes apart."""

    round_trips: int = 0
    read_units: float = 0
    write_units: int = 0
    index_write_units: int = 0

    def read(self, items: Sequence[Item | None]) -> None:
        """A batch, strongly consistent: each item by itself, one that is not there too."""
        self.round_trips += 1
        self.read_units += sum(read_units(_size(item), consistent=True) for item in items)

    def page(self, items: Sequence[Item]) -> None:
        """A page of an index, eventually consistent."""
        self.round_trips += 1
        self.read_units += read_units(sum(map(_size, items)), consistent=False)

    def write(self, images: Sequence[tuple[Item | None, Item | None]], *, transactional: bool) -> None:
        """Items before and after."""
        self.round_trips += 1
        for before, after in images:
            old, new = (to_wire(item) if item else None for item in (before, after))
            self.write_units += write_units(old, new, transactional=transactional)
            self.index_write_units += sum(index_write_units(index, old, new) for index in INDEXES)


def _size(item: Item | None) -> int:
    return item_size(to_wire(item)) if item else 0


class MeteredLedger(MemoryLedger):
    """The ledger in memory; `units` is what was asked of it so far."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.units = Units()
        self.metered = True
        self._items: dict[int, Callable[[Any, Any], Item]] = {
            id(self.wallets): lambda _, wallet: wallet_item(wallet),
            id(self.profiles): lambda _, profile: profile_item(profile),
            id(self.posted): lambda _, entry: entry_item(entry),
            id(self.budgets): lambda budget, spent: {**budget_key(budget), "spent": spent},
            id(self.given): lambda place, counts: {**grants_tally_key(*place), **counts},
            id(self.passed): lambda place, reason: {**passed_key(*place), "reason": reason},
            id(self.controls): lambda _, control: control_item(control),
        }

    def transact(self, writes: list[Write], *, transactional: bool = True) -> bool:
        """As the ledger's. What is refused costs as if it were done."""
        before = [write.shelf.get(write.place) for write in writes]
        done = super().transact(writes)
        if self.metered:
            after = [write.shelf.get(write.place) for write in writes]
            places = [(write.shelf, write.place) for write in writes]
            images = [
                (self._item(*place, old), self._item(*place, new))
                for place, old, new in zip(places, before, after, strict=True)
            ]
            self.units.write(images, transactional=transactional)
        return done

    def set(self, write: Write) -> bool:
        """As the ledger's."""
        return self.transact([write], transactional=False)

    def _item(self, shelf: dict[Any, Any], place: Any, value: Any) -> Item | None:
        if value is None:
            return None
        if id(shelf) not in self._items:
            raise UnpricedError(f"an item at {place}")
        return self._items[id(shelf)](place, value)

    def decide_and_post(
        self,
        key: EntryKey,
        member: MemberId,
        request_hash: bytes,
        decide: Decide,
        wanted: Wanted = NOTHING_MORE,
        also: Callable[[], list[Write]] = list,
    ) -> Entry:
        """As the ledger's."""
        decided: list[Entry] = []

        def counted(view: View) -> Any:
            self._read(member, wanted, key)
            decision = decide(view)
            decided.append(decision.entry)
            return decision

        entry = super().decide_and_post(key, member, request_hash, counted, wanted, also)
        if not decided or decided[-1] is not entry:
            # Nothing was decided in the last round: it read what is stored.
            self._read(member, wanted, key)
        return entry

    def view(self, member: MemberId, wanted: Wanted = NOTHING_MORE) -> View:
        """As the ledger's."""
        self._read(member, wanted)
        return super().view(member, wanted)

    def _read(self, member: MemberId, wanted: Wanted, key: EntryKey | None = None) -> None:
        if not self.metered:
            return
        if wanted.reward or wanted.cards or wanted.other or wanted.referral:
            raise UnpricedError(f"a view of {wanted}")
        found: list[Item | None] = [self._item(self.wallets, member, self.wallets.get(member))]
        found += [self._item(self.posted, entry, self.posted.get(entry)) for entry in wanted.entries]
        found += [self._item(self.budgets, budget, self.budgets.get(budget)) for budget in wanted.budgets]
        found += [self._item(self.controls, campaign, self.controls.get(campaign)) for campaign in wanted.campaigns]
        found += [self._item(self.profiles, member, self.profiles.get(member))] if wanted.profile else []
        found += [self._item(self.posted, key, self.posted.get(key))] if key else []
        self.units.read(found)

    def rows(self, wallet: Wallet, start: tuple[int, EntryKey] | None = None, page: int | None = None) -> Iterator[HistoryRow]:
        """As the ledger's; unpriced."""
        if self.metered:
            raise UnpricedError("a look at the history")
        return super().rows(wallet, start, page)


@dataclass(frozen=True)
class MeteredAlarms(MemoryAlarms):
    """Alarms over a metered ledger."""

    ledger: MeteredLedger

    def due(self, shard: int, until: datetime, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """As in memory."""
        lines = self.ledger.index.due(shard, until, limit, line_of(after) if after else None)
        keys = {"WALLET": wallet_key, "PROFILE": profile_key}
        self.ledger.units.page(
            [
                {**keys[name](MemberId(member)), ALARM_PARTITION: alarm_partition(shard), ALARM_AT: instant_text(at)}
                for at, member, name in lines
            ]
        )
        return super().due(shard, until, limit, after)

    def roster(self, shard: int, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """As in memory."""
        members, following = super().roster(shard, limit, after)
        self.ledger.units.page([{**profile_key(member), ROSTER_PARTITION: roster_partition(shard)} for member in members])
        return members, following


@dataclass(frozen=True)
class MeteredCampaigns(MemoryCampaigns):
    """Campaigns over a metered ledger."""

    ledger: MeteredLedger

    def controls(self, campaigns: Sequence[str]) -> Mapping[str, Control]:
        """As in memory."""
        found = super().controls(campaigns)
        if self.ledger.metered:
            self.ledger.units.read([control_item(control) if control.version else None for control in found.values()])
        return found
