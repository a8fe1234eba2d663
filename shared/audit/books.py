"""All entries and wallets of a stage, sorted by member on disk, so that a large stage fits a small machine."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import Binary

from shared.adapters.dynamodb.items import Item, entry_of, from_wire, wallet_of
from shared.adapters.dynamodb.store import Store
from shared.domain.entry import Entry, MemberId
from shared.domain.wallet import Wallet

ENTRY_SORT_KEYS = ("PURCHASE", "CLOSURE")
WALLET_SEQUENCE = 0
"""Entries count from 1, so a member's wallet sorts before them."""


@dataclass(frozen=True)
class Books:
    """One scan of a stage, in a temporary database."""

    database: sqlite3.Connection

    @classmethod
    def read(cls, store: Store, progress: Callable[[int], None]) -> "Books":
        """Scan the whole table, strongly consistent; `progress` is told the number of items of each page."""
        database = sqlite3.connect("")
        database.execute("CREATE TABLE items (member TEXT, sequence INTEGER, item TEXT)")
        for items, scanned in scan(store):
            rows = [(*place, json.dumps(item, default=_plain)) for item in items if (place := _place(item))]
            database.executemany("INSERT INTO items VALUES (?, ?, ?)", rows)
            progress(scanned)
        database.execute("CREATE INDEX by_member ON items (member, sequence)")
        return cls(database)

    def count_members(self) -> int:
        """How many members the stage has, those without a wallet included."""
        return int(self.database.execute("SELECT count(DISTINCT member) FROM items").fetchone()[0])

    def members(self) -> Iterator[tuple[MemberId, Wallet | None, list[Entry]]]:
        """Every member with their wallet (None where it is missing) and entries in order of sequence."""
        member: str | None = None
        wallet: Wallet | None = None
        entries: list[Entry] = []
        for found, sequence, text in self.database.execute("SELECT * FROM items ORDER BY member, sequence"):
            if member is not None and found != member:
                yield MemberId(member), wallet, entries
                wallet, entries = None, []
            member, item = found, json.loads(text, object_hook=_binary)
            if sequence == WALLET_SEQUENCE:
                wallet = wallet_of(item)
            else:
                entries.append(entry_of(item))
        if member is not None:
            yield MemberId(member), wallet, entries


def scan(store: Store) -> Iterator[tuple[list[Item], int]]:
    """Pages of all items, and how many the page read."""
    start: dict[str, Any] = {}
    while True:
        page = store.client.scan(TableName=store.table, ConsistentRead=True, **start)
        yield [from_wire(item) for item in page["Items"]], page["ScannedCount"]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _place(item: Item) -> tuple[str, int] | None:
    """Which member an item belongs to, and where it sorts; None for items that hold no points."""
    if item["sk"] == "WALLET":
        return item["pk"].removeprefix("MEMBER#"), WALLET_SEQUENCE
    if item["sk"] in ENTRY_SORT_KEYS:
        return item["member"], int(item["seq"])
    return None


def _plain(value: Any) -> Any:
    return {"__bytes__": value.value.hex()} if isinstance(value, Binary) else int(value)  # type: ignore[attr-defined]


def _binary(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["__bytes__"]) if "__bytes__" in value else value
