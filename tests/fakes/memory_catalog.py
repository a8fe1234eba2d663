"""What lies beside the ledger, in memory: the program, the catalog, codes and gift cards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from shared.adapters.dynamodb.attempts import UNKNOWN
from shared.domain.code import CodeKind, CodeOwner
from shared.domain.errors import (
    GiftCardUnknownError,
    KeyReusedError,
    RewardUnknownError,
    TryAgainError,
    VersionStaleError,
)
from shared.domain.gift_card import CardEntry, CardId, CardKey, GiftCard
from shared.domain.program import ProgramVersion
from shared.domain.reward import Reward, RewardVersion
from shared.domain.stock import Stock
from shared.ports import DecideOnCard
from tests.fakes.memory_ledger import ATTEMPTS_MAX, MemoryLedger


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


@dataclass(frozen=True)
class MemoryRewards:
    """Implements shared.ports.Rewards over the shelves of a ledger in memory."""

    ledger: MemoryLedger
    kept: dict[str, list[RewardVersion]] = field(default_factory=dict)

    def put(self, reward: Reward, now: datetime, expected_version: int | None = None) -> RewardVersion:
        """See shared.ports.Rewards."""
        with self.ledger.lock:
            kept = self.kept.setdefault(reward.id, [])
            if kept and kept[-1].reward == reward:
                return kept[-1]
            if expected_version not in (None, len(kept)):
                raise VersionStaleError(version=len(kept))
            kept.append(RewardVersion(len(kept) + 1, now, reward))
            self.ledger.rewards[reward.id] = kept[-1]
            return kept[-1]

    def get(self, reward: str) -> RewardVersion:
        """See shared.ports.Rewards."""
        return self.versions(reward)[-1]

    def versions(self, reward: str) -> Sequence[RewardVersion]:
        """See shared.ports.Rewards."""
        if not self.kept.get(reward):
            raise RewardUnknownError
        return self.kept[reward]

    def all(self) -> Sequence[RewardVersion]:
        """See shared.ports.Rewards."""
        return [kept[-1] for _, kept in sorted(self.kept.items()) if kept]

    def stock(self, rewards: Collection[str]) -> Mapping[str, Stock]:
        """See shared.ports.Rewards."""
        return {reward: self.ledger.stocks.get(reward) or Stock(reward, total=0) for reward in rewards}

    def set_stock(self, reward: str, total: int, day: date) -> Stock:
        """See shared.ports.Rewards."""
        with self.ledger.lock:
            before = self.ledger.stocks.get(reward) or Stock(reward, total=0)
            if not before.version or before.total != total:
                self.ledger.stocks[reward] = before.resized(total, day)
            return self.ledger.stocks[reward]


@dataclass(frozen=True)
class MemoryCodes:
    """Finds codes as shared.ports.Attempts does, for callers who do not guess: it counts no misses."""

    ledger: MemoryLedger

    def find(self, code: str, kind: CodeKind, caller: str) -> CodeOwner:
        """See shared.ports.Attempts."""
        owner = self.ledger.codes.get(code)
        if owner is None or owner.kind is not kind:
            raise UNKNOWN[kind]
        return owner


@dataclass(frozen=True)
class MemoryGiftCards:
    """Implements shared.ports.GiftCards over the shelves of a ledger in memory."""

    ledger: MemoryLedger
    issued: dict[tuple[str, str], tuple[bytes, list[CardEntry]]] = field(default_factory=dict)

    def issue(
        self, caller: str, key: str, request_hash: bytes, make: Callable[[datetime], Sequence[tuple[CardEntry, GiftCard]]]
    ) -> list[CardEntry]:
        """See shared.ports.GiftCards."""
        with self.ledger.lock:
            if (caller, key) in self.issued:
                digest, entries = self.issued[caller, key]
                if digest != request_hash:
                    raise KeyReusedError(key=key)
                return entries
            for _ in range(ATTEMPTS_MAX):
                made = make(self.ledger.clock.now())
                if self.ledger.transact(
                    [write for entry, card in made for write in self.ledger.card_writes(entry, None, card)]
                ):
                    self.issued[caller, key] = request_hash, [entry for entry, _ in made]
                    return self.issued[caller, key][1]
        raise TryAgainError

    def decide_and_post(self, card: CardId, key: CardKey, request_hash: bytes, decide: DecideOnCard) -> CardEntry:
        """See shared.ports.GiftCards."""
        for _ in range(ATTEMPTS_MAX):
            with self.ledger.lock:
                stored = self.ledger.card_entries.get((card, key))
                before, now = self.card(card)
            if stored is not None:
                if stored.request_hash != request_hash:
                    raise KeyReusedError(key=key)
                return stored
            entry, after = decide(before, now)
            if self.ledger.transact(self.ledger.card_writes(entry, before, after)):
                return entry
        raise TryAgainError

    def card(self, card: CardId) -> tuple[GiftCard, datetime]:
        """See shared.ports.GiftCards."""
        if card not in self.ledger.cards:
            raise GiftCardUnknownError
        return self.ledger.cards[card], self.ledger.clock.now()

    def entries(self, card: CardId) -> list[CardEntry]:
        """See shared.ports.GiftCards."""
        found = [entry for (of, _), entry in self.ledger.card_entries.items() if of == card]
        return sorted(found, key=lambda entry: entry.sequence)
