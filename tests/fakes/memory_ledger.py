"""A ledger in memory over the domain alone: fast enough for replays of a year, held to the contract suite."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple, get_args

from shared.domain.alarm import Alarm
from shared.domain.alarm import shard_of as member_shard
from shared.domain.calendar import first_of_period
from shared.domain.cap import BudgetKey, Period
from shared.domain.code import CodeKind, CodeOwner
from shared.domain.control import Control
from shared.domain.decision import (
    NOTHING_MORE,
    BudgetMoved,
    CardPosted,
    Change,
    CodeShared,
    Decision,
    Donated,
    FingerprintsSeen,
    GrantCounted,
    Joins,
    Order,
    OrderPaid,
    ReferralMoved,
    ReferralWanted,
    Sighting,
    StockMoved,
    View,
    VoucherIssued,
    Wanted,
)
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId, is_callers_own, purchase_key, referral_key
from shared.domain.errors import (
    EntryUnknownError,
    IdentityTakenError,
    KeyReusedError,
    MemberUnknownError,
    PurchaseUnknownError,
    RefusalError,
    TryAgainError,
)
from shared.domain.fingerprint import SEEN_MAX, Fingerprint
from shared.domain.gift_card import CardEntry, CardEntryKind, CardId, CardKey, GiftCard
from shared.domain.mailbox import domains_of
from shared.domain.member import Enrolment, IdentityKind, JoinedBy, Profile
from shared.domain.referral_counts import funnelled, shard_of, tallied
from shared.domain.referred import Referred
from shared.domain.referring import Joining
from shared.domain.refunding import referral_wanted
from shared.domain.reward import RewardVersion
from shared.domain.stock import Stock
from shared.domain.subject import Referral, Refund
from shared.domain.wallet import Wallet
from shared.ports import Clock, Decide, DecideOnOrder
from tests.fakes.memory_index import Indexed, MemberIndex

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

    @classmethod
    def added(cls, shelf: dict[Any, Counter[str]], place: Hashable, counts: Counter[str]) -> Write:
        """Add to the counters of a place."""
        return cls(
            shelf, place, lambda _: True, lambda before: Counter({**(before or {}), **_sums(before or Counter(), counts)})
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


def _sums(before: Counter[str], counts: Counter[str]) -> dict[str, int]:
    return {name: before[name] + count for name, count in counts.items()}


class MemoryLedger:
    """Implements shared.ports.Ledger; safe for threads. `open` makes a wallet alone, `enrol` a member with a profile.

    Its shelves are the table: each posting changes all that it changes at once, or nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.index = MemberIndex()
        self.wallets: dict[MemberId, Wallet] = Indexed(self.index, "WALLET")
        self.posted: dict[EntryKey, Entry | Refused] = {}
        self.profiles: dict[MemberId, Profile] = Indexed(self.index, "PROFILE")
        self.rewards: dict[str, RewardVersion] = {}
        self.stocks: dict[str, Stock] = {}
        self.codes: dict[str, CodeOwner] = {}
        self.refunds: dict[str, tuple[EntryKey, ...]] = {}
        self.tenders: dict[str, tuple[tuple[CodeKind, str], ...]] = {}
        self.charities: dict[tuple[str, str, str], CharityTotals] = {}
        self.cards: dict[CardId, GiftCard] = {}
        self.budgets: dict[BudgetKey, int] = {}
        self.card_entries: dict[tuple[CardId, CardKey], CardEntry] = {}
        self.enrolled: dict[str, tuple[bytes, Enrolment]] = {}
        self.fingerprints: dict[Fingerprint, tuple[MemberId, ...]] = {}
        self.disposable: set[str] = set()
        self.listed: dict[tuple[str, MemberId], Referred] = {}
        self.flagged: dict[MemberId, Referred | None] = {}
        self.tallies: dict[str, Counter[str]] = {}
        self.recent: dict[str, Joins] = {}
        self.funnel: dict[tuple[int, date], Counter[str]] = {}
        self.controls: dict[str, Control] = {}
        self.given: dict[tuple[str, str, int], Counter[str]] = {}
        self.passed: dict[tuple[str, str, MemberId], str] = {}
        self.lock = threading.RLock()

    def open(self, member: MemberId, enrolled_at: datetime) -> None:
        """Give a new member an empty wallet."""
        self.wallets[member] = Wallet(member=member, enrolled_at=enrolled_at)

    def enrol(self, profile: Profile, request_hash: bytes, joining: Joining | None = None) -> Enrolment:
        """As shared.ports.Members, for members who share no identity but their customer id."""
        profile = replace(profile, alarm=Alarm().no_later([profile.enrolled_at]))
        for _ in range(ATTEMPTS_MAX):
            if profile.customer_id in self.enrolled:
                digest, receipt = self.enrolled[profile.customer_id]
                if digest != request_hash:
                    raise IdentityTakenError(identity=IdentityKind.CUSTOMER_ID)
                return receipt
            view = View(wallet=Wallet(member=profile.member, enrolled_at=profile.enrolled_at), now=profile.enrolled_at)
            writes, joined = [Write.put(self.wallets, profile.member, view.wallet)], None
            if joining is not None:
                view = self._sighted(view, joining.wanted(view), profile)
                decision = joining.decide(view)
                writes = self._writes(view, decision, new=profile.member)
                referred = next(wallet.referral for _, wallet in decision.posted[::-1] if wallet.member == profile.member)
                assert referred is not None
                joined = JoinedBy(referred.shown(decision.entry.recorded_on), referred.flagged)
            receipt = Enrolment(profile.member, profile.customer_id, profile.enrolled_at, joined)
            writes.append(Write.put(self.profiles, profile.member, profile))
            if self.transact([Write.put(self.enrolled, profile.customer_id, (request_hash, receipt)), *writes]):
                return receipt
        raise TryAgainError

    def decide_and_post(
        self,
        key: EntryKey,
        member: MemberId,
        request_hash: bytes,
        decide: Decide,
        wanted: Wanted = NOTHING_MORE,
        also: Callable[[], list[Write]] = list,
    ) -> Entry:
        """See shared.ports.Ledger. `also` joins further writes to the transaction."""
        for _ in range(ATTEMPTS_MAX):
            with self.lock:
                stored = self.posted.get(key)
                view = None if stored else self._view(member, wanted)
            if view is None:
                return _replayed(key, stored, request_hash)
            if wanted.survivors:
                view = self._followed(view)
            view = self._sighted(view, wanted.referral(view) if wanted.referral else None)
            try:
                decision = decide(view)
            except TryAgainError:
                continue
            except RefusalError as refusal:
                if not is_callers_own(key) or self.transact([Write.put(self.posted, key, Refused(request_hash, refusal))]):
                    raise
                continue
            if self._post(view, decision, also()):
                return decision.entry
        raise TryAgainError

    def correct_order(self, order_id: str, key: EntryKey, request_hash: bytes, decide: DecideOnOrder) -> Entry:
        """See shared.ports.Ledger."""
        for _ in range(ATTEMPTS_MAX):
            order = self.order(order_id)
            if any(entry.key == key for entry in order.refunds):
                return _replayed(key, self.posted[key], request_hash)
            entries = (*order.redemptions, *map(EntryKey, order.purchase.effect.gave))
            view = self._followed(self._view(order.purchase.member, Wanted(entries=entries, cards=order.cards)))
            view = self._sighted(view, referral_wanted(view, order))
            try:
                decision = decide(view, order)
            except TryAgainError:
                continue
            if self._post(view, decision):
                return decision.entry
        raise TryAgainError

    def _followed(self, view: View, wanted: Wanted = NOTHING_MORE) -> View:
        into = view.wallet.merged_into
        return view if into is None else replace(view, other=self._followed(self._view(into, wanted), wanted))

    def _sighted(self, view: View, wanted: ReferralWanted | None, joining: Profile | None = None) -> View:
        """The view with what is wanted of a referral; `joining` is the friend's profile while they enrol."""
        if wanted is None:
            return view
        with self.lock:
            friend = joining or (self.profiles.get(view.wallet.member) if wanted.signs else None)
            asked, source = Wanted(profile=wanted.signs), wanted.advocate
            brought = self.posted.get(referral_key(source)) if source else None
            told = brought.subject if isinstance(brought, Entry) else None
            domains = domains_of(joining.email) if joining and joining.email else ()
            sighting = Sighting(
                friend=friend,
                advocate=self._followed(self._view(source, asked), asked) if source else None,
                entries={key: found for key in wanted.entries if isinstance(found := self.posted.get(key), Entry)},
                budgets={budget: self.budgets.get(budget, 0) for budget in wanted.budgets},
                path=told.path if isinstance(told, Referral) and wanted.signs else (),
                seen={one: self.fingerprints.get(one, ()) for one in friend.fingerprints()} if friend and wanted.signs else {},
                joins=self.recent.get(source, Joins()) if wanted.joins and source else None,
                disposable=not self.disposable.isdisjoint(domains),
            )
        return replace(view, referral=sighting)

    def transact(self, writes: list[Write]) -> bool:
        """All of `writes`, or none where a condition does not hold."""
        with self.lock:
            if not all(write.holds(write.shelf.get(write.place)) for write in writes):
                return False
            for write in writes:
                write.shelf[write.place] = write.made(write.shelf.get(write.place))
            return True

    def set(self, write: Write) -> bool:
        """One write by itself; False where its condition does not hold."""
        return self.transact([write])

    def _post(self, view: View, decision: Decision, also: list[Write] | None = None) -> bool:
        try:
            return self.transact([*self._writes(view, decision), *(also or [])])
        except TryAgainError:
            return False

    def _writes(self, view: View, decision: Decision, new: MemberId | None = None) -> list[Write]:
        """What posts a decision on `view`; `new` is a member who is only now enrolled."""
        before: dict[MemberId, Wallet] = {}
        for wallet in view.wallets():
            if before.setdefault(wallet.member, wallet).sequence != wallet.sequence:
                raise TryAgainError
        writes = [write for entry, _ in decision.posted for write in self._entry_writes(entry)]
        for member, after in {wallet.member: wallet for _, wallet in decision.posted}.items():
            writes.append(
                Write.put(self.wallets, member, after) if member == new else self._wallet_write(before[member], after)
            )
        return [*writes, *(write for change in decision.changes for write in self._change_writes(change))]

    def _wallet_write(self, before: Wallet, after: Wallet) -> Write:
        # Neither an entry nor the sweep wrote it since.
        read = before.sequence, before.alarm.at
        return Write(self.wallets, before.member, lambda now: (now.sequence, now.alarm.at) == read, lambda _: after)

    def _entry_writes(self, entry: Entry) -> list[Write]:
        writes = [Write.put(self.posted, entry.key, entry)]
        if isinstance(entry.subject, Refund):
            writes.append(Write.listed(self.refunds, entry.subject.order_id, entry.key))
        return writes

    def _change_writes(self, change: Change) -> list[Write]:  # noqa: C901, PLR0911 - one for each kind
        match change:
            case ReferralMoved():
                return list(self._moved_writes(change))
            case FingerprintsSeen(member, seen):
                return [
                    Write(self.fingerprints, one, lambda now, was=was: (now or ()) == was, lambda _, was=was: (*was, member))
                    for one, was in seen.items()
                    if member not in was and len(was) < SEEN_MAX
                ]
            case CodeShared(member, day):
                place = shard_of(member), day
                return [
                    Write.added(shelf, at, Counter(shared=1)) for shelf, at in ((self.tallies, member), (self.funnel, place))
                ]
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
            case GrantCounted(campaign, period, member, counts):
                return [self.counted(campaign, period, member, Counter(counts))]
            case BudgetMoved(key, points, limit):
                return [
                    Write(
                        self.budgets,
                        key,
                        lambda spent: limit is None or (spent or 0) + points <= limit,
                        lambda spent: (spent or 0) + points,
                    )
                ]

    def counted(self, campaign: str, period: str, member: MemberId, counts: Counter[str]) -> Write:
        """Add to what a campaign gave."""
        return Write.added(self.given, (campaign, period, member_shard(member)), counts)

    def _moved_writes(self, moved: ReferralMoved) -> Iterator[Write]:
        """The list of who was brought, the queue, and the counters."""
        before, after, source = moved.before, moved.after, moved.after.source
        yield Write(self.listed, (source, moved.friend), lambda row: row == before, lambda _: after)
        if after.flagged or (before and before.flagged):
            yield Write(self.flagged, moved.friend, lambda _: True, lambda _: after if after.flagged else None)
        yield Write.added(self.tallies, source, tallied(moved))
        for day, counts in funnelled(moved).items():
            yield Write.added(self.funnel, (shard_of(moved.friend), day), counts)
        joins = moved.joins
        if joins is not None:
            firsts = {per: first_of_period(per, moved.day) for per in get_args(Period)}
            counted = {per: joins.by_period.get(per, (first, 0)) for per, first in firsts.items()}
            more = Joins(
                {per: (first, counted[per][1] + 1 if counted[per][0] == first else 1) for per, first in firsts.items()}
            )
            yield Write(self.recent, source, lambda now: (now or Joins()) == joins, lambda _: more)

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
        view = self._view(member, wanted)
        return self._sighted(view, wanted.referral(view) if wanted.referral else None)

    def _view(self, member: MemberId, wanted: Wanted = NOTHING_MORE) -> View:
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
                other=self._view(wanted.other, Wanted(profile=wanted.profile)) if wanted.other else None,
                controls={campaign: self.controls.get(campaign, Control(campaign)) for campaign in wanted.campaigns},
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
