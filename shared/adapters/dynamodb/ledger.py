"""The ledger on DynamoDB: one consistent batch read, one pure decision, one transaction."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.items import (
    Item,
    entry_item,
    entry_of,
    row_of,
    to_wire,
    wallet_item,
    wallet_of,
)
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import CLOCK, HISTORY_INDEX, Key, entry_key, wallet_key
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId
from shared.domain.errors import EntryUnknownError, KeyReusedError, MemberUnknownError, TryAgainError
from shared.domain.wallet import Wallet
from shared.ports import Clock, Decide, View

HISTORY_PAGE = 3000
"""Rows of the index that one query reads where all are wanted: most of the megabyte that a query may return."""

Also = Callable[[], list[Any]]
"""Further writes of the same transaction, made afresh for every attempt."""


@dataclass(frozen=True)
class DynamoLedger:
    """Ledger over a `Store`. With a `TestClock` the time is read in the same batch as the wallet."""

    store: Store
    clock: Clock

    def decide_and_post(self, key: EntryKey, member: MemberId, request_hash: bytes, decide: Decide, also: Also = list) -> Entry:
        """See ports.Ledger. `also` joins further writes to the transaction."""
        for _ in self.store.backoff.attempts():
            now, (wallet, stored) = self._read(wallet_key(member), entry_key(key))
            if stored is not None:
                return _replayed(entry_of(stored), request_hash)
            if wallet is None:
                raise MemberUnknownError
            before = wallet_of(wallet)
            entry, after = decide(View(before, now))
            if self.store.transact(self._writes(entry, before, after) + also()).outcome is Outcome.DONE:
                return entry
        raise TryAgainError

    def _writes(self, entry: Entry, before: Wallet, after: Wallet) -> list[Any]:
        # The key was never used: this entry is new.
        put_entry = self.store.put(entry_item(entry))
        # Nobody changed the wallet since it was read. A member is closed, merged or earns only by a next sequence number.
        update_wallet = self.store.update(wallet_item(after), expected={"seq": before.sequence})
        return [put_entry, update_wallet]

    def _read(self, *keys: Key) -> tuple[datetime, list[Item | None]]:
        if isinstance(self.clock, TestClock):
            *items, clock = self.store.get_all([*keys, CLOCK])
            return self.clock.time_of(clock), items
        return self.clock.now(), self.store.get_all(keys)

    def view(self, member: MemberId) -> View:
        """See ports.Ledger."""
        now, (wallet,) = self._read(wallet_key(member))
        if wallet is None:
            raise MemberUnknownError
        return View(wallet_of(wallet), now)

    def entry(self, key: EntryKey) -> Entry:
        """See ports.Ledger."""
        item = self.store.get(entry_key(key))
        if item is None:
            raise EntryUnknownError
        return entry_of(item)

    def rows(self, wallet: Wallet, start: tuple[int, EntryKey] | None = None, page: int | None = None) -> Iterator[HistoryRow]:
        """See ports.Ledger.

        The index lags behind the table. Sequences have no gap, so a row that the index does not show yet is known to be
        missing, and its key stands in the row after it (for the last entry, in the wallet): it is read from the table.
        """
        if start is None and wallet.last_key is None:
            return
        sequence, key = start or (wallet.sequence, wallet.last_key)
        for shown in self._indexed(wallet.member, sequence, page or HISTORY_PAGE):
            while key is not None and shown.sequence < sequence:
                missing = self.entry(key)
                yield missing
                sequence, key = missing.sequence - 1, missing.previous
            if shown.sequence == sequence:
                yield shown
                sequence, key = shown.sequence - 1, shown.previous
        while key is not None:
            missing = self.entry(key)
            yield missing
            key = missing.previous

    def _indexed(self, member: MemberId, sequence: int, page: int) -> Iterator[HistoryRow]:
        items = self.store.query(
            IndexName=HISTORY_INDEX,
            KeyConditionExpression="#member = :member AND #seq <= :seq",
            ExpressionAttributeNames={"#member": "member", "#seq": "seq"},
            ExpressionAttributeValues=to_wire({":member": member, ":seq": sequence}),
            ScanIndexForward=False,
            Limit=page,
        )
        return map(row_of, items)


def _replayed(entry: Entry, request_hash: bytes) -> Entry:
    """The stored answer, where it answers the same request."""
    if entry.request_hash != request_hash:
        raise KeyReusedError(key=entry.key)
    return entry
