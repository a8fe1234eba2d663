"""A ledger in memory over the domain alone: fast enough for replays of a year, held to the contract suite."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from shared.domain.cap import BudgetKey
from shared.domain.code import CodeKind, CodeOwner
from shared.domain.decision import (
    NOTHING_MORE,
    BudgetMoved,
    CardPosted,
    Change,
    Decision,
    Donated,
    Order,
    OrderPaid,
    StockMoved,
    View,
    VoucherIssued,
    Wanted,
)
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId, is_callers_own, purchase_key
from shared.domain.errors import (
    EntryUnknownError,
    KeyReusedError,
    MemberUnknownError,
    PurchaseUnknownError,
    RefusalError,
    TryAgainError,
)
from shared.domain.gift_card import CardEntry, CardEntryKind, CardId, CardKey, GiftCard
from shared.domain.member import Profile
from shared.domain.reward import RewardVersion
from shared.domain.stock import Stock
from shared.domain.subject import Refund
from shared.domain.wallet import Wallet
from shared.ports import Clock, Decide, DecideOnOrder

ATTEMPTS_MAX = 16


class Write(NamedTuple):
    """A change of one place of a shelf, under a condition on what stands there (None: nothing)."""

    shelf: dict[Any, Any]
    place: Hashable
    holds: Callable[[Any], bool]
    made: Callable[[Any], Any]

    @classmethod
    def put(cls, shelf: dict[Any, Any], place: Hashable, value: object) -> Write:
        """Put where nothing stands."""
        return cls(shelf, place, lambda before: before is None, lambda _: value)

    @classmethod
    def listed(cls, shelf: dict[Any, Any], place: Hashable, value: object) -> Write:
        """Add to the sorted list of a place, once."""
        return cls(
            shelf,
            place,
            lambda before: value not in (before or ()),
            lambda before: tuple(sorted((*(before or ()), value))),
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that stands under a caller's key."""

    request_hash: bytes
    refusal: RefusalError


@dataclass(frozen=True, slots=True)
class CharityTotals:
    """What was given to a charity in a month, in one currency."""

    points: int = 0
    value: int = 0
    gifts: int = 0


class MemoryLedger:
    """Implements shared.ports.Ledger; safe for threads. `open` stands for the enrolment, which makes the wallet.

    Its shelves are the table: each posting changes all that it changes at once, or nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wallets: dict[MemberId, Wallet] = {}
        self.posted: dict[EntryKey, Entry | Refused] = {}
        self.profiles: dict[MemberId, Profile] = {}
        self.rewards: dict[str, RewardVersion] = {}
        self.stocks: dict[str, Stock] = {}
        self.codes: dict[str, CodeOwner] = {}
        self.refunds: dict[str, tuple[EntryKey, ...]] = {}
        self.tenders: dict[str, tuple[tuple[CodeKind, str], ...]] = {}
        self.charities: dict[tuple[str, str, str], CharityTotals] = {}
        self.cards: dict[CardId, GiftCard] = {}
        self.budgets: dict[BudgetKey, int] = {}
        self.card_entries: dict[tuple[CardId, CardKey], CardEntry] = {}
        self.lock = threading.RLock()

    def open(self, member: MemberId, enrolled_at: datetime) -> None:
        """Give a new member an empty wallet."""
        self.wallets[member] = Wallet(member=member, enrolled_at=enrolled_at)

    def decide_and_post(
        self, key: EntryKey, member: MemberId, request_hash: bytes, decide: Decide, wanted: Wanted = NOTHING_MORE
    ) -> Entry:
        """See shared.ports.Ledger."""
        for _ in range(ATTEMPTS_MAX):
            with self.lock:
                stored = self.posted.get(key)
                view = None if stored else self.view(member, wanted)
            if view is None:
                return _replayed(key, stored, request_hash)
            if wanted.survivors:
                view = self._followed(view)
            try:
                decision = decide(view)
            except TryAgainError:
                continue
            except RefusalError as refusal:
                if not is_callers_own(key) or self.transact([Write.put(self.posted, key, Refused(request_hash, refusal))]):
                    raise
                continue
            if self._post(view, decision):
                return decision.entry
        raise TryAgainError

    def correct_order(self, order_id: str, key: EntryKey, request_hash: bytes, decide: DecideOnOrder) -> Entry:
        """See shared.ports.Ledger."""
        for _ in range(ATTEMPTS_MAX):
            order = self.order(order_id)
            if any(entry.key == key for entry in order.refunds):
                return _replayed(key, self.posted[key], request_hash)
            view = self._followed(self.view(order.purchase.member, Wanted(entries=order.redemptions, cards=order.cards)))
            try:
                decision = decide(view, order)
            except TryAgainError:
                continue
            if self._post(view, decision):
                return decision.entry
        raise TryAgainError

    def _followed(self, view: View) -> View:
        into = view.wallet.merged_into
        return view if into is None else replace(view, other=self._followed(self.view(into)))

    def transact(self, writes: list[Write]) -> bool:
        """All of `writes`, or none where a condition does not hold."""
        with self.lock:
            if not all(write.holds(write.shelf.get(write.place)) for write in writes):
                return False
            for write in writes:
                write.shelf[write.place] = write.made(write.shelf.get(write.place))
            return True

    def _post(self, view: View, decision: Decision) -> bool:
        before = {wallet.member: wallet for wallet in view.wallets()}
        writes: list[Write] = []
        for entry, after in ((decision.entry, decision.wallet), *decision.others):
            writes += self._entry_writes(before[entry.member], entry, after)
        for change in decision.changes:
            writes += self._change_writes(change)
        return self.transact(writes)

    def _entry_writes(self, before: Wallet, entry: Entry, after: Wallet) -> list[Write]:
        writes = [
            Write.put(self.posted, entry.key, entry),
            Write(self.wallets, before.member, lambda wallet: wallet.sequence == before.sequence, lambda _: after),
        ]
        if isinstance(entry.subject, Refund):
            writes.append(Write.listed(self.refunds, entry.subject.order_id, entry.key))
        return writes

    def _change_writes(self, change: Change) -> list[Write]:
        match change:
            case StockMoved(before, after):
                version = before.version
                return [Write(self.stocks, after.reward, lambda stock: stock and stock.version == version, lambda _: after)]
            case VoucherIssued(code, redemption, member):
                return [Write.put(self.codes, code, CodeOwner(CodeKind.REDEMPTION, redemption, member))]
            case OrderPaid(order_id, redemption, _):
                return [Write.listed(self.tenders, order_id, (CodeKind.REDEMPTION, redemption))]
            case CardPosted(entry, before, after):
                return self.card_writes(entry, before, after)
            case Donated():
                return [self._added(change)]
            case BudgetMoved(key, points, limit):
                return [
                    Write(
                        self.budgets,
                        key,
                        lambda spent: limit is None or (spent or 0) + points <= limit,
                        lambda spent: (spent or 0) + points,
                    )
                ]

    def _added(self, gift: Donated) -> Write:
        def add(before: CharityTotals | None) -> CharityTotals:
            total = before or CharityTotals()
            return CharityTotals(total.points + gift.points, total.value + gift.value, total.gifts + 1)

        place = gift.charity, f"{gift.day:%Y%m}", gift.money
        return Write(self.charities, place, lambda _: True, add)

    def card_writes(self, entry: CardEntry, before: GiftCard | None, after: GiftCard) -> list[Write]:
        """What posts an entry of a gift card; `before` is None for a new card."""
        writes = [Write.put(self.card_entries, (entry.card, entry.key), entry)]
        if before is None:
            owner = CodeOwner(CodeKind.GIFT_CARD, after.id, after.terms.member)
            return [*writes, Write.put(self.cards, after.id, after), Write.put(self.codes, after.terms.code, owner)]
        sequence = before.sequence
        writes.append(Write(self.cards, after.id, lambda card: card and card.sequence == sequence, lambda _: after))
        if entry.kind is CardEntryKind.SPEND and entry.order_id is not None:
            writes.append(Write.listed(self.tenders, entry.order_id, (CodeKind.GIFT_CARD, entry.card)))
        return writes

    def view(self, member: MemberId, wanted: Wanted = NOTHING_MORE) -> View:
        """See shared.ports.Ledger."""
        with self.lock:
            reward = wanted.reward
            entries = {key: found for key in wanted.entries if isinstance(found := self.posted.get(key), Entry)}
            return View(
                wallet=self._wallet(member),
                now=self.clock.now(),
                history=Remembered(self, self._wallet(member)),
                reward=self.rewards.get(reward) if reward else None,
                stock=self.stocks.get(reward) if reward else None,
                profile=self.profiles.get(member) if wanted.profile else None,
                entries=entries,
                cards={card: self.cards[card] for card in wanted.cards if card in self.cards},
                budgets={budget: self.budgets.get(budget, 0) for budget in wanted.budgets},
                other=self.view(wanted.other, Wanted(profile=wanted.profile)) if wanted.other else None,
            )

    def _wallet(self, member: MemberId) -> Wallet:
        if member not in self.wallets:
            raise MemberUnknownError
        return self.wallets[member]

    def order(self, order_id: str) -> Order:
        """See shared.ports.Ledger."""
        with self.lock:
            purchase = self.posted.get(purchase_key(order_id))
            if not isinstance(purchase, Entry):
                raise PurchaseUnknownError
            paid = self.tenders.get(order_id, ())
            return Order(
                purchase,
                tuple(map(self.entry, self.refunds.get(order_id, ()))),
                tuple(EntryKey(reference) for kind, reference in paid if kind is CodeKind.REDEMPTION),
                tuple(CardId(reference) for kind, reference in paid if kind is CodeKind.GIFT_CARD),
            )

    def entry(self, key: EntryKey) -> Entry:
        """See shared.ports.Ledger."""
        found = self.posted.get(key)
        if not isinstance(found, Entry):
            raise EntryUnknownError
        return found

    def rows(self, wallet: Wallet, start: tuple[int, EntryKey] | None = None, page: int | None = None) -> Iterator[HistoryRow]:
        """See shared.ports.Ledger."""
        key = start[1] if start else wallet.last_key
        while key is not None:
            row = self.entry(key)
            yield row
            key = row.previous


@dataclass(frozen=True, slots=True)
class Remembered:
    """A wallet's history, newest first, however often it is looked through."""

    ledger: MemoryLedger
    wallet: Wallet

    def __iter__(self) -> Iterator[HistoryRow]:
        return self.ledger.rows(self.wallet)


def _replayed(key: EntryKey, stored: Entry | Refused | None, request_hash: bytes) -> Entry:
    if stored is None or stored.request_hash != request_hash:
        raise KeyReusedError(key=key)
    if isinstance(stored, Refused):
        raise stored.refusal
    return stored
