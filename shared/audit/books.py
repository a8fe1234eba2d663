"""All entries, wallets and gift cards of a stage, sorted by owner on disk, so that a large stage fits a small machine."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Any

from boto3.dynamodb.types import Binary

from shared.adapters.dynamodb.gift_cards import card_entry_of, card_of
from shared.adapters.dynamodb.items import Item, entry_of, from_wire, wallet_of
from shared.adapters.dynamodb.referrals import friend_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import FLAGS_PK, FRIEND, TALLY, is_entry
from shared.audit.campaigns import passed_of, tally_of
from shared.domain.code import CodeKind
from shared.domain.entry import Entry, MemberId
from shared.domain.gift_card import CardEntry, CardId, GiftCard
from shared.domain.referral_books import Beside
from shared.domain.wallet import Wallet

STATE = 0
"""Entries count from 1, so a member's wallet and a card sort before them."""
TENDER = -1
"""What a card paid of an order sorts before the card."""
TENDER_SK = f"TENDER#{CodeKind.GIFT_CARD}:"
ADVOCATES = "#ADVOCATE"
"""How sort keys of an advocate's entries end, which stand beside the friend's."""


class Owner(StrEnum):
    """Who has books of their own."""

    MEMBER = "member"
    CARD = "card"
    REWARD = "reward"
    CHARITY = "charity"
    BUDGET = "budget"
    FRIEND = "friend"
    TALLY = "tally"
    FUNNEL = "funnel"
    CODE = "code"
    CAMPAIGN = "campaign"
    PASSED = "passed"


COUNTED = {"STOCK": Owner.REWARD, "CHARITY": Owner.CHARITY, "BUDGET": Owner.BUDGET, "FUNNEL": Owner.FUNNEL}
"""What is counted beside the ledger, by how the partition key begins."""


@dataclass(frozen=True, slots=True)
class CardBooks:
    """All there is of one gift card; `card` is None where it is missing, `tenders` are minor units by order id."""

    id: CardId
    card: GiftCard | None
    entries: list[CardEntry]
    tenders: dict[str, int]


@dataclass(frozen=True)
class Books:
    """One scan of a stage, in a temporary database."""

    database: sqlite3.Connection

    @classmethod
    def read(cls, store: Store, progress: Callable[[int], None]) -> "Books":
        """Scan the whole table, strongly consistent; `progress` is told the number of items of each page."""
        database = sqlite3.connect("")
        database.execute("CREATE TABLE items (kind TEXT, owner TEXT, sequence INTEGER, item TEXT)")
        for items, scanned in scan(store):
            rows = [(*place, json.dumps(item, default=_plain)) for item in items for place in _places(item)]
            database.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", rows)
            progress(scanned)
        database.execute("CREATE INDEX by_owner ON items (kind, owner, sequence)")
        return cls(database)

    def count(self, kind: Owner) -> int:
        """How many members or cards the stage has, those whose wallet or card is missing included."""
        counted = self.database.execute("SELECT count(DISTINCT owner) FROM items WHERE kind = ?", (kind,))
        return int(counted.fetchone()[0])

    def members(self) -> Iterator[tuple[MemberId, Wallet | None, list[Entry]]]:
        """Every member with their wallet (None where it is missing) and entries in order of sequence."""
        for member, rows in self._owners(Owner.MEMBER):
            wallet: Wallet | None = None
            entries: list[Entry] = []
            for sequence, item in rows:
                if sequence == STATE:
                    wallet = wallet_of(item)
                else:
                    entries.append(entry_of(item))
            yield MemberId(member), wallet, entries

    def cards(self) -> Iterator[CardBooks]:
        """Every gift card with its entries in order of sequence and what it paid of orders."""
        for card, rows in self._owners(Owner.CARD):
            found = CardBooks(CardId(card), None, [], {})
            for sequence, item in rows:
                if sequence == TENDER:
                    found.tenders[item["pk"].removeprefix("ORDER#")] = int(item["amount"])
                elif sequence == STATE:
                    found = CardBooks(found.id, card_of(item), found.entries, found.tenders)
                else:
                    found.entries.append(card_entry_of(item))
            yield found

    def beside(self, friend: MemberId) -> Beside:
        """What there is of a friend's referral beside their own books."""
        found = self.database.execute("SELECT item FROM items WHERE kind = ? AND owner = ?", (Owner.FRIEND, friend))
        return beside_of(json.loads(text, object_hook=_binary) for (text,) in found)

    def strays(self) -> Iterator[MemberId]:
        """Friends who are listed, or whom somebody was rewarded for, and who are no members."""
        found = self.database.execute(
            "SELECT owner FROM items WHERE kind = ? EXCEPT SELECT owner FROM items WHERE kind = ?", (Owner.FRIEND, Owner.MEMBER)
        )
        yield from (MemberId(owner) for (owner,) in found)

    def heir(self, member: str) -> str | None:
        """Who took over from a member by a merge; None where nobody did."""
        wallet = self._state(member)
        return wallet.merged_into if wallet else None

    def _state(self, member: str) -> Wallet | None:
        place = (Owner.MEMBER, member, STATE)
        found = self.database.execute("SELECT item FROM items WHERE kind = ? AND owner = ? AND sequence = ?", place).fetchone()
        return wallet_of(json.loads(found[0], object_hook=_binary)) if found else None

    def tallies(self) -> Iterator[Item]:
        """What is counted of each member or campaign that brought friends."""
        yield from self._items(Owner.TALLY)

    def funnel(self) -> Iterator[Item]:
        """What each shard of the funnel counts of each day."""
        yield from self._items(Owner.FUNNEL)

    def campaigns(self) -> Iterator[Item]:
        """What each shard of a campaign's counters counts of a period."""
        yield from self._items(Owner.CAMPAIGN)

    def passed(self) -> Iterator[tuple[str, str, str]]:
        """Campaign, period and reason of everybody who was passed over."""
        yield from (marker for item in self._items(Owner.PASSED) if (marker := passed_of(item)))

    def codes(self) -> Iterator[tuple[str, list[Item]]]:
        """Every referral code with the item that says whose it is, and those of a member or campaign that shows it."""
        for code, rows in self._owners(Owner.CODE):
            yield code, [item for _, item in rows]

    def is_member(self, member: str) -> bool:
        """Whether there is a wallet of a member."""
        return self._state(member) is not None

    def stocks(self) -> Iterator[Item]:
        """How many of each reward there are."""
        yield from self._items(Owner.REWARD)

    def charities(self) -> Iterator[Item]:
        """What each charity was given, by month."""
        yield from self._items(Owner.CHARITY)

    def budgets(self) -> Iterator[Item]:
        """What was given of each shard of each budget, by period."""
        yield from self._items(Owner.BUDGET)

    def _items(self, kind: Owner) -> Iterator[Item]:
        yield from (item for _, rows in self._owners(kind) for _, item in rows)

    def _owners(self, kind: Owner) -> Iterator[tuple[str, Iterator[tuple[int, Item]]]]:
        rows = self.database.execute("SELECT owner, sequence, item FROM items WHERE kind = ? ORDER BY owner, sequence", (kind,))
        for owner, group in groupby(rows, key=lambda row: row[0]):
            yield owner, ((sequence, json.loads(text, object_hook=_binary)) for _, sequence, text in group)


def scan(store: Store) -> Iterator[tuple[list[Item], int]]:
    """Pages of all items, and how many the page read."""
    start: dict[str, Any] = {}
    while True:
        page = store.client.scan(TableName=store.table, ConsistentRead=True, **start)
        yield [from_wire(item) for item in page["Items"]], page["ScannedCount"]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def beside_of(items: Iterable[Item]) -> Beside:
    """What stands of a friend's referral beside their own books, out of all such items."""
    entries, rows, queued = [], [], False
    for item in items:
        if is_entry(item):
            entries.append(entry_of(item))
        elif item["pk"] == FLAGS_PK:
            queued = True
        else:
            rows.append(replace(row := friend_of(item), reason=None, given=tuple(sorted(row.given))))
    return Beside(tuple(entries), tuple(rows), queued)


def _places(item: Item) -> Iterator[tuple[Owner, str, int]]:
    """Whose an item is, and where it sorts; nothing for items that hold neither points nor money."""
    place = _place(item) or _counter(item) or _of_campaign(item)
    if place is not None:
        yield place
    (prefix, _, owner), sk = item["pk"].partition("#"), item["sk"]
    if prefix == "REFERRAL" and sk.endswith(ADVOCATES):
        yield Owner.FRIEND, owner, STATE


def _of_campaign(item: Item) -> tuple[Owner, str, int] | None:
    """Where an item belongs that counts what a campaign gave, or says whom it passed over; None for any other."""
    tally, marker = tally_of(item), passed_of(item)
    if tally is not None:
        return Owner.CAMPAIGN, "#".join(tally), STATE
    return (Owner.PASSED, marker[0], STATE) if marker else None


def _counter(item: Item) -> tuple[Owner, str, int] | None:
    """Where an item belongs that lists or counts referrals, or says whose code one is; None for any other."""
    (prefix, _, owner), sk = item["pk"].partition("#"), item["sk"]
    if prefix == FLAGS_PK:
        return Owner.FRIEND, sk.partition("#")[2], STATE
    if prefix == "CODE":
        return (Owner.CODE, owner, STATE) if item["for"] in (CodeKind.REFERRAL, CodeKind.CAMPAIGN) else None
    if prefix != "REFERRER":
        return None
    if sk.startswith(FRIEND):
        return Owner.FRIEND, sk.removeprefix(FRIEND), STATE
    kinds = {TALLY: Owner.TALLY, "CODE": Owner.CODE}
    return (kinds[sk], item["code"] if sk == "CODE" else owner, STATE + 1) if sk in kinds else None


def _place(item: Item) -> tuple[Owner, str, int] | None:
    (prefix, _, owner), sk = item["pk"].partition("#"), item["sk"]
    if prefix == "CARDLOG":
        return Owner.CARD, owner, int(item["number"])
    if sk == "CARD":
        return Owner.CARD, owner, STATE
    if sk.startswith(TENDER_SK):
        return Owner.CARD, sk.removeprefix(TENDER_SK), TENDER
    if prefix in COUNTED:
        return COUNTED[prefix], owner, STATE
    if sk == "WALLET":
        return Owner.MEMBER, owner, STATE
    return (Owner.MEMBER, item["member"], int(item["seq"])) if is_entry(item) else None


def _plain(value: Any) -> Any:
    return {"__bytes__": value.value.hex()} if isinstance(value, Binary) else int(value)  # type: ignore[attr-defined]


def _binary(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["__bytes__"]) if "__bytes__" in value else value
