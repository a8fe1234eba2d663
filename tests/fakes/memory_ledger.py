"""A ledger in memory over the domain alone: fast enough for replays of a year, held to the contract suite."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId
from shared.domain.errors import EntryUnknownError, KeyReusedError, MemberUnknownError, TryAgainError
from shared.domain.program import ProgramVersion
from shared.domain.wallet import Wallet
from shared.ports import Clock, Decide, View

ATTEMPTS_MAX = 16


class MemoryLedger:
    """Implements shared.ports.Ledger; safe for threads. `open` stands for the enrolment, which makes the wallet."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._wallets: dict[MemberId, Wallet] = {}
        self._entries: dict[EntryKey, Entry] = {}
        self._commit = threading.Lock()

    def open(self, member: MemberId, enrolled_at: datetime) -> None:
        """Give a new member an empty wallet."""
        self._wallets[member] = Wallet(member=member, enrolled_at=enrolled_at)

    def decide_and_post(self, key: EntryKey, member: MemberId, request_hash: bytes, decide: Decide) -> Entry:
        """See shared.ports.Ledger."""
        for _ in range(ATTEMPTS_MAX):
            view = self._view(member)
            stored = self._entries.get(key)
            if stored is not None:
                if stored.request_hash != request_hash:
                    raise KeyReusedError(key=key)
                return stored
            if view is None:
                raise MemberUnknownError
            entry, after = decide(view)
            if self._posted(entry, view.wallet, after):
                return entry
        raise TryAgainError

    def _posted(self, entry: Entry, before: Wallet, after: Wallet) -> bool:
        with self._commit:
            if entry.key in self._entries or self._wallets[entry.member].sequence != before.sequence:
                return False
            self._entries[entry.key], self._wallets[entry.member] = entry, after
            return True

    def view(self, member: MemberId) -> View:
        """See shared.ports.Ledger."""
        view = self._view(member)
        if view is None:
            raise MemberUnknownError
        return view

    def _view(self, member: MemberId) -> View | None:
        wallet = self._wallets.get(member)
        return None if wallet is None else View(wallet, self.clock.now())

    def entry(self, key: EntryKey) -> Entry:
        """See shared.ports.Ledger."""
        try:
            return self._entries[key]
        except KeyError:
            raise EntryUnknownError from None

    def rows(self, wallet: Wallet, start: tuple[int, EntryKey] | None = None, page: int | None = None) -> Iterator[HistoryRow]:
        """See shared.ports.Ledger."""
        key = start[1] if start else wallet.last_key
        while key is not None:
            row = self.entry(key)
            yield row
            key = row.previous


class FixedPrograms:
    """Implements shared.ports.Programs for reading: the versions it was made with."""

    def __init__(self, *versions: ProgramVersion) -> None:
        self._versions = versions

    def versions(self) -> Sequence[ProgramVersion]:
        """See shared.ports.Programs."""
        return self._versions

    latest = versions

    def add(self, version: ProgramVersion) -> None:
        """See shared.ports.Programs."""
        self._versions = (*self._versions, version)
