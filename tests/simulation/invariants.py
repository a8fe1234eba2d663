"""What must hold of the ledger's table, read as it lies there: after every write, and when a world has come to rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from shared.adapters.dynamodb.gift_cards import card_entry_of, card_of
from shared.adapters.dynamodb.items import entry_of, from_wire, wallet_of
from shared.adapters.dynamodb.rewards import stock_of
from shared.adapters.dynamodb.table import ALARM_DAYS, ALARM_KEYS, is_entry
from shared.domain.audit import audit
from shared.domain.calendar import local_day
from shared.domain.card_audit import audit_card
from shared.domain.entry import Entry, MemberId
from shared.domain.gift_card import CardEntry
from shared.domain.wallet import Wallet
from tests.engines.ministack import Backend
from tests.simulation.world import World

Item = dict[str, Any]
ZONE = "America/New_York"
"""Every simulated program's."""
_WRITTEN_ONCE = (
    *("ENTRY", "PURCHASE", "CLOSURE", "USE", "CANCEL", "CODE", "REFUND#", "TENDER#", "VERSION#"),
    *("ACTIVITY", "VOID", "BILLING", "REVIEW"),
    *("JOINED", "PASSED", "REJECTED", "AWARD", "CLAWBACK", "MERGE"),
    *("GRANT", "GIFT", "NOTICE", "SWEEP", "TICKET#"),
)
"""How the sort keys begin of what never changes once it is written: entries, kept refusals, codes, tenders, versions."""


ENTRIES_AT_ONCE_MAX = 3
"""Entries of one member that one transaction writes: an order and the award or the bonuses that follow; what a refund undoes
after merges."""

_COUNTED = (("WALLET", "seq", ENTRIES_AT_ONCE_MAX), ("STOCK", "version", 1), ("CARD", "number", 1), ("PART", "version", 1))
"""What has a counter that grows with each change: by how much at most."""

Watching = Callable[[World, tuple[str, str], Item | None, Item], Iterable[str]]
"""Says what is wrong with an item that was just written: its place, what stood there before, what stands there now."""


class Witness:
    """Looks at each item as it is written: what is written once never changes, and what is counted grows by one at a time.

    No reward is ever used and held more often than there are of it. What a task has read last of each place it `knows`; a
    story's own `watching` may ask for that.
    """

    def __init__(self, backend: Backend, table: str) -> None:
        self.watching: Watching = lambda world, place, before, item: ()
        self._backend = backend
        self._table = table
        self._seen = {(item["pk"]["S"], item["sk"]["S"]): item for item in backend.items(table)}

    def after_write(self, world: World, keys: list[Item]) -> None:
        """Compare what stands under `keys` with what stood there when it was last written."""
        for key in keys:
            place = (key["pk"]["S"], key["sk"]["S"])
            item = self._backend.ask("GetItem", TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
            before = self._seen.get(place)
            world.written_at.setdefault(place, world.now())
            if before is not None and item != before:
                for broken in _change_broken(place, before, item):
                    world.violate(broken)
            if place[1] == "STOCK":
                for broken in _stock_broken(item, world):
                    world.violate(broken)
            if place[0].startswith("BUDGET#"):
                budget = " ".join(place)
                world.spent_most[budget] = max(world.spent_most.get(budget, 0), _count(item, "spent"))
            self._seen[place] = item
            if item != before:
                for broken in self.watching(world, place, before, item):
                    world.violate(broken)
            if place[0].startswith("BUDGET#") and self._spent(place) < 0:
                world.violate(f"more came back to {' '.join(place)} than was given: {item}")

    def after_read(self, world: World, items: list[Item]) -> None:
        """Note in the current task what it has read."""
        if world.current is not None:
            for item in items:
                world.current.knows[item["pk"]["S"], item["sk"]["S"]] = item

    def _spent(self, place: tuple[str, str]) -> int:
        """What is given of a budget by all its shards: what one drew for another comes back to the member's own."""
        budget, since = place[0].rpartition("#")[0], place[1]
        found = (item for (pk, sk), item in self._seen.items() if (pk.rpartition("#")[0], sk) == (budget, since))
        return sum(_count(item, "spent") for item in found)


def _change_broken(place: tuple[str, str], before: Item, item: Item) -> Iterator[str]:
    pk, sk = place
    if sk.startswith(_WRITTEN_ONCE) or pk.startswith("CARDLOG#"):
        yield f"the entry {pk} was changed after it was written"
    if sk == "WALLET" and _unalarmed(before) == _unalarmed(item):
        return
    for kind, counter, most in _COUNTED:
        if (sk.partition("#")[0] if kind == "PART" else sk) != kind:
            continue
        if not 1 <= _count(item, counter) - _count(before, counter) <= most:
            yield f"{pk} went from sequence {_count(before, counter)} to {_count(item, counter)}"


def _unalarmed(wallet: Item) -> Item:
    """A wallet but for when to look at it again, which is no part of the ledger."""
    return {name: value for name, value in wallet.items() if name not in (*ALARM_KEYS, *ALARM_DAYS)}


def _stock_broken(item: Item, world: World) -> Iterator[str]:
    stock, day = stock_of(from_wire(item)), local_day(world.now(), ZONE)
    if stock.available(day) < 0:
        yield f"{stock.reward} is oversold: {stock}"


def ledger_violations(items: Iterable[Item]) -> list[str]:
    """Every broken promise of a table at rest, as sentences; `items` are low-level attribute values."""
    entries: dict[MemberId, list[Entry]] = defaultdict(list)
    wallets: list[Wallet] = []
    found = [from_wire(item) for item in items]
    for item in found:
        if is_entry(item):
            entry = entry_of(item)
            entries[entry.member].append(entry)
        elif item["sk"] == "WALLET":
            wallets.append(wallet_of(item))
    broken = [f"entries of {member}, who has no wallet" for member in entries.keys() - {w.member for w in wallets}]
    for wallet in wallets:
        history = sorted(entries[wallet.member], key=lambda entry: entry.sequence)
        # A history with gaps cannot be folded.
        what = [*_chain_broken(history, wallet)] or [f"{b.promise}: {b.where}: {b.found}" for b in audit(wallet, history)]
        broken += [f"{wallet.member}: {sentence}" for sentence in what]
    return [*broken, *_cards_broken(found)]


def _chain_broken(history: list[Entry], wallet: Wallet) -> Iterable[str]:
    """Sequences count 1, 2, 3 ...; each entry names the one before; time only grows."""
    sequences = [entry.sequence for entry in history]
    if sequences != list(range(1, wallet.sequence + 1)):
        yield f"has sequence {wallet.sequence} and entries {sequences}"
    keys = [entry.key for entry in history]
    if [entry.previous for entry in history] != [None, *keys][: len(keys)]:
        yield f"entries {keys} name {[entry.previous for entry in history]} as the ones before them"
    if (keys[-1] if keys else None) != wallet.last_key:
        yield f"the wallet's last entry is {wallet.last_key}, not {keys[-1:]}"
    instants = [entry.recorded_at for entry in history]
    if instants != sorted(instants):
        yield "an entry was recorded before the one before it"


def _cards_broken(items: list[Item]) -> Iterator[str]:
    """Each gift card is the fold of its entries, and orders know what it paid."""
    entries: dict[str, list[CardEntry]] = defaultdict(list)
    tenders: dict[str, dict[str, int]] = defaultdict(dict)
    for item in items:
        if item["pk"].startswith("CARDLOG#"):
            entry = card_entry_of(item)
            entries[entry.card].append(entry)
        elif item["sk"].startswith("TENDER#gift_card:"):
            tenders[item["sk"].removeprefix("TENDER#gift_card:")][item["pk"].removeprefix("ORDER#")] = int(item["amount"])
    cards = {card.id: card for card in (card_of(item) for item in items if item["sk"] == "CARD")}
    for stray in sorted({*entries, *tenders} - cards.keys()):
        yield f"entries or payments of the gift card {stray}, which is not there"
    for card in cards.values():
        history = sorted(entries[card.id], key=lambda entry: entry.sequence)
        yield from (f"gift card {b.where}: {b.promise}: {b.found}" for b in audit_card(card, history))
        paid = {order.order_id: order.spent for order in card.orders}
        if paid != tenders[card.id]:
            yield f"the gift card {card.id} paid {paid}, orders know of {tenders[card.id]}"


def _count(item: Item, name: str) -> int:
    return int(item[name]["N"])
