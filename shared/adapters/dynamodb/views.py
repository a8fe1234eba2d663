"""What a decision sees, out of one consistent batch."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.controls import control_of
from shared.adapters.dynamodb.gift_cards import card_of
from shared.adapters.dynamodb.items import Item, entry_of, wallet_of
from shared.adapters.dynamodb.profiles import profile_of
from shared.adapters.dynamodb.rewards import reward_of, stock_of
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import (
    CLOCK,
    Key,
    budget_key,
    card_key,
    catalog_key,
    control_key,
    entry_key,
    is_entry,
    profile_key,
    stock_key,
    wallet_key,
)
from shared.domain.cap import BudgetKey
from shared.domain.code import CodeKind
from shared.domain.control import Control
from shared.domain.decision import Order, View, Wanted
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId
from shared.domain.errors import MemberUnknownError, PurchaseUnknownError
from shared.domain.gift_card import CardId
from shared.domain.history import History
from shared.domain.wallet import Wallet
from shared.ports import Clock


class Recalled:
    """A history that reads its rows as they are looked at, each once however often it is looked through."""

    def __init__(self, rows: Callable[[], Iterator[HistoryRow]]) -> None:
        self._rows = rows
        self._coming: Iterator[HistoryRow] | None = None
        self._seen: list[HistoryRow] = []

    def __iter__(self) -> Iterator[HistoryRow]:
        yield from self._seen
        if self._coming is None:
            self._coming = self._rows()
        for row in self._coming:
            self._seen.append(row)
            yield row


Recall = Callable[[Wallet], History]


@dataclass(frozen=True)
class Views:
    """The items of one batch. `stored` is what stands under the key of the entry to be posted."""

    member: MemberId
    wanted: Wanted
    now: datetime
    found: dict[tuple[str, str], Item]
    stored: Item | None
    recall: Recall

    @classmethod
    def read(cls, store: Store, clock: Clock, member: MemberId, wanted: Wanted, stored: Key | None, recall: Recall) -> "Views":
        """One round trip for all that is wanted, the time of a test clock included."""
        keys = _keys(member, wanted, stored)
        if isinstance(clock, TestClock):
            keys.append(CLOCK)
        items = store.get_all(keys)
        found = {(item["pk"], item["sk"]): item for item in items if item is not None}
        now = clock.time_of(_at(found, CLOCK)) if isinstance(clock, TestClock) else clock.now()
        return cls(member, wanted, now, found, _at(found, stored) if stored else None, recall)

    def view(self) -> View:
        """The view of the member. Raises MemberUnknownError."""
        other = None if self.wanted.other is None else self._alone(self.wanted.other)
        reward, stock = self._reward()
        profile = _at(self.found, profile_key(self.member))
        wallet = self._wallet(self.member)
        stored = {key: _at(self.found, entry_key(key)) for key in self.wanted.entries}
        entries = {key: entry_of(item) for key, item in stored.items() if item and is_entry(item)}
        cards = {card: card_of(item) for card in self.wanted.cards if (item := _at(self.found, card_key(card)))}
        return View(
            wallet=wallet,
            now=self.now,
            history=self.recall(wallet),
            reward=reward_of(reward) if reward else None,
            stock=stock_of(stock) if stock else None,
            profile=profile_of(profile) if profile else None,
            entries=entries,
            cards=cards,
            budgets=self._budgets(),
            other=other,
            controls=self._controls(),
        )

    def _controls(self) -> dict[str, Control]:
        found = ((campaign, _at(self.found, control_key(campaign))) for campaign in self.wanted.campaigns)
        return {campaign: control_of(item) if item else Control(campaign) for campaign, item in found}

    def _budgets(self) -> dict[BudgetKey, int]:
        found = ((budget, _at(self.found, budget_key(budget))) for budget in self.wanted.budgets)
        return {budget: int(item["spent"]) if item else 0 for budget, item in found}

    def _alone(self, member: MemberId) -> View:
        wallet, profile = self._wallet(member), _at(self.found, profile_key(member))
        return View(wallet=wallet, now=self.now, history=self.recall(wallet), profile=profile_of(profile) if profile else None)

    def _wallet(self, member: MemberId) -> Wallet:
        item = _at(self.found, wallet_key(member))
        if item is None:
            raise MemberUnknownError
        return wallet_of(item)

    def _reward(self) -> tuple[Item | None, Item | None]:
        if self.wanted.reward is None:
            return None, None
        return _at(self.found, catalog_key(self.wanted.reward)), _at(self.found, stock_key(self.wanted.reward))


def _keys(member: MemberId, wanted: Wanted, stored: Key | None) -> list[Key]:
    keys = [wallet_key(member), *map(entry_key, wanted.entries), *map(card_key, wanted.cards), *map(budget_key, wanted.budgets)]
    keys += map(control_key, wanted.campaigns)
    if stored is not None:
        keys.append(stored)
    if wanted.reward is not None:
        keys += [catalog_key(wanted.reward), stock_key(wanted.reward)]
    if wanted.profile:
        keys.append(profile_key(member))
    if wanted.other is not None and wanted.other != member:
        keys.append(wallet_key(wanted.other))
        if wanted.profile:
            keys.append(profile_key(wanted.other))
    return [key for n, key in enumerate(keys) if key not in keys[:n]]


def _at(found: dict[tuple[str, str], Item], key: Key) -> Item | None:
    return found.get((key["pk"], key["sk"]))


def order_of(items: Iterable[Item]) -> Order:
    """An order out of the items of its partition. Raises PurchaseUnknownError."""
    purchase, refunds, redemptions, cards = None, list[Entry](), list[EntryKey](), list[CardId]()
    for item in items:
        family, _, name = item["sk"].partition("#")
        kind, _, reference = name.partition(":")
        if item["sk"].endswith("#ARRIVAL"):
            continue
        if family == "PURCHASE":
            purchase = entry_of(item)
        elif family == "REFUND":
            refunds.append(entry_of(item))
        elif kind == CodeKind.REDEMPTION:
            redemptions.append(EntryKey(reference))
        else:
            cards.append(CardId(reference))
    if purchase is None:
        raise PurchaseUnknownError
    return Order(purchase, tuple(refunds), tuple(redemptions), tuple(cards))
