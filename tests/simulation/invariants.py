"""What must hold of the ledger's table, read as it lies there: after every write, and when a world has come to rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from shared.adapters.dynamodb.items import entry_of, from_wire, wallet_of
from shared.domain.entry import Entry, MemberId
from shared.domain.points import Account
from shared.domain.wallet import Wallet, fold
from tests.engines.ministack import Backend
from tests.simulation.world import World

Item = dict[str, Any]
ENTRY_SORT_KEYS = frozenset({"PURCHASE", "CLOSURE"})


class Witness:
    """Looks at each item as it is written: entries never change, a wallet's sequence grows by one at a time."""

    def __init__(self, backend: Backend, table: str) -> None:
        self._backend = backend
        self._table = table
        self._seen = {(item["pk"]["S"], item["sk"]["S"]): item for item in backend.items(table)}

    def after_write(self, world: World, keys: list[Item]) -> None:
        """Compare what stands under `keys` with what stood there when it was last written."""
        for key in keys:
            place = (key["pk"]["S"], key["sk"]["S"])
            item = self._backend.ask("GetItem", TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
            before = self._seen.get(place)
            if before is not None and item != before:
                if place[1] in ENTRY_SORT_KEYS:
                    world.violate(f"the entry {place[0]} was changed after it was written")
                elif place[1] == "WALLET" and _sequence(item) != _sequence(before) + 1:
                    world.violate(f"{place[0]} went from sequence {_sequence(before)} to {_sequence(item)}")
            self._seen[place] = item


def ledger_violations(items: Iterable[Item]) -> list[str]:
    """Every broken promise of a table at rest, as sentences; `items` are low-level attribute values."""
    entries: dict[MemberId, list[Entry]] = defaultdict(list)
    wallets: list[Wallet] = []
    for item in map(from_wire, items):
        if item["sk"] in ENTRY_SORT_KEYS:
            entry = entry_of(item)
            entries[entry.member].append(entry)
        elif item["sk"] == "WALLET":
            wallets.append(wallet_of(item))
    broken = [f"entries of {member}, who has no wallet" for member in entries.keys() - {w.member for w in wallets}]
    for wallet in wallets:
        history = sorted(entries[wallet.member], key=lambda entry: entry.sequence)
        broken += [f"{wallet.member}: {what}" for what in (*_chain_broken(history, wallet), *_wallet_broken(history, wallet))]
    return broken


def _chain_broken(history: list[Entry], wallet: Wallet) -> Iterable[str]:
    """Sequences count 1, 2, 3 ...; each entry names the one before; time and serial numbers only grow."""
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
    next_serial: dict[str, int] = defaultdict(lambda: 1)
    for entry in history:
        for currency, lots in entry.minted().items():
            for lot in lots:
                if lot.first != next_serial[currency]:
                    yield f"{entry.key} numbers {currency} from {lot.first}, not {next_serial[currency]}"
                next_serial[currency] = lot.last + 1


def _wallet_broken(history: list[Entry], wallet: Wallet) -> Iterable[str]:
    """The wallet is the fold of its entries, and each account what the postings say."""
    opened = Wallet(member=wallet.member, enrolled_at=wallet.enrolled_at)
    if fold(opened, history) != wallet:
        yield f"the wallet is {wallet}, its entries fold to {fold(opened, history)}"
    accounts: dict[tuple[str, Account], int] = defaultdict(int)
    for entry in history:
        for posting in entry.postings:
            accounts[posting.currency, posting.debit] -= posting.points
            accounts[posting.currency, posting.credit] += posting.points
    for purse in wallet.purses:
        booked = {account: accounts[purse.currency, account] for account in Account}
        if sum(booked.values()) != 0:
            yield f"{purse.currency} does not sum to zero: {booked}"
        held = booked | {
            Account.ISSUED: -purse.issued,
            Account.ACTIVE: purse.active,
            Account.PENDING: purse.pending,
            Account.EXPIRED: purse.expired,
            Account.DEBT: -purse.debt,
        }
        if held != booked:
            yield f"{purse.currency} is booked as {booked}, the wallet holds {held}"


def _sequence(item: Item) -> int:
    return int(item["seq"]["N"])
