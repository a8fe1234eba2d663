"""What a decision sees, and what it may change beside the wallet, all in the same transaction."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Self

from shared.domain.cap import BudgetKey
from shared.domain.control import Control
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId
from shared.domain.errors import PurchaseUnknownError
from shared.domain.fingerprint import Fingerprint
from shared.domain.gift_card import CardEntry, CardId, GiftCard
from shared.domain.history import History
from shared.domain.member import Profile
from shared.domain.purchase import Purchase
from shared.domain.referred import Referred
from shared.domain.reward import RewardVersion
from shared.domain.stock import Stock
from shared.domain.wallet import Wallet


@dataclass(frozen=True, slots=True)
class ReferralWanted:
    """What a decision on a referral reads besides, once the member's own view has told that there is one.

    `advocate` is a member, whose view comes with whoever took over from them; `entries` of either side, and `budgets`. `signs`
    brings what tells farming from friendship: both profiles, and who else was seen with the same fingerprints; `joins` how
    many joined by the advocate so far.
    """

    advocate: MemberId | None = None
    entries: tuple[EntryKey, ...] = ()
    budgets: tuple[BudgetKey, ...] = ()
    signs: bool = False
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a decision reads beside the wallet, in the same consistent batch.

    `reward` brings the reward as it is now and its stock; `entries` bring what was posted under these keys; `other` is
    another member's wallet that is moved too; `cards` are ids of gift cards; `budgets` what was given of caps that all members
    share. `profile` is the member's, and the other member's where there is one; `survivors` brings whoever took over from a
    merged member, one by one. `campaigns` brings whether they run.
    `referral` says what to read besides, by the view of the rest; None for nothing.
    """

    reward: str | None = None
    profile: bool = False
    entries: tuple[EntryKey, ...] = ()
    other: MemberId | None = None
    cards: tuple[CardId, ...] = ()
    budgets: tuple[BudgetKey, ...] = ()
    survivors: bool = False
    campaigns: tuple[str, ...] = ()
    referral: "Callable[[View], ReferralWanted | None] | None" = None


NOTHING_MORE = Wanted()
"""The wallet alone is enough."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its refunds, and what paid for it beside money: one read of its partition.

    `redemptions` are the keys of those that were used on it, `cards` the ids of gift cards.
    """

    purchase: Entry
    refunds: tuple[Entry, ...] = ()
    redemptions: tuple[EntryKey, ...] = ()
    cards: tuple[CardId, ...] = ()

    @property
    def bought(self) -> Purchase:
        """What was bought. Raises PurchaseUnknownError."""
        if self.purchase.purchase is None:
            raise PurchaseUnknownError
        return self.purchase.purchase


@dataclass(frozen=True, slots=True)
class Joins:
    """How many friends of a source joined in the running calendar periods, by period: since which day, and how many."""

    by_period: Mapping[str, tuple[date, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a referral beside the friend's own view: `friend` is their profile, where signs were asked for.

    `advocate` is the view of the member who brought the friend, with their profile where signs were asked for. `path` are the
    advocate's own advocates, nearest first. `seen` are members who were seen with each of the friend's fingerprints, at most
    SEEN_MAX. `joins` are of the advocate so far. `disposable` says that the friend's mail domain is on the operator's list.
    """

    friend: Profile | None = None
    advocate: "View | None" = None
    entries: Mapping[EntryKey, Entry] = field(default_factory=dict)
    budgets: Mapping[BudgetKey, int] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    seen: Mapping[Fingerprint, tuple[str, ...]] = field(default_factory=dict)
    joins: Joins | None = None
    disposable: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """A history with entries before it that were just decided, newest first."""

    rows: tuple[HistoryRow, ...]
    history: History

    def __iter__(self) -> Iterator[HistoryRow]:
        yield from self.rows
        yield from self.history


@dataclass(frozen=True, slots=True)
class View:
    """What a decision sees: one consistent read, and the time of that read.

    `history` reads the member's rows, newest first, as far as they are looked at. `other` is the view of another member: of the
    one who was asked for, or of the one who took over from a merged member. `budgets` are points that were given so far.
    """

    wallet: Wallet
    now: datetime
    history: History = ()
    reward: RewardVersion | None = None
    stock: Stock | None = None
    profile: Profile | None = None
    entries: Mapping[EntryKey, Entry] = field(default_factory=dict)
    cards: Mapping[CardId, GiftCard] = field(default_factory=dict)
    budgets: Mapping[BudgetKey, int] = field(default_factory=dict)
    other: "View | None" = None
    controls: Mapping[str, Control] = field(default_factory=dict)
    referral: Sighting | None = None

    def wallets(self) -> Iterator[Wallet]:
        """The member's wallet, and those of the others."""
        yield self.wallet
        if self.other is not None:
            yield from self.other.wallets()
        if self.referral is not None and self.referral.advocate is not None:
            yield from self.referral.advocate.wallets()

    def after(self, posted: "Posted") -> Self:
        """The view once these entries are posted: what is decided next, in the same transaction, stands on them."""
        view = self
        for entry, wallet in posted:
            if entry.member == view.wallet.member:
                view = replace(view, wallet=wallet, history=Later((entry,), view.history))
        if view.other is not None:
            view = replace(view, other=view.other.after(posted))
        if view.referral is not None and view.referral.advocate is not None:
            view = replace(view, referral=replace(view.referral, advocate=view.referral.advocate.after(posted)))
        return view

    def last(self) -> "View":
        """The view of the member who took over in the end; this one where nobody did."""
        return self if self.other is None or self.wallet.merged_into is None else self.other.last()


Posted = tuple[tuple[Entry, Wallet], ...]
"""Entries in the order in which they are posted, each with its member's wallet after it."""


@dataclass(frozen=True, slots=True)
class StockMoved:
    """A reward's stock changes, if nobody changed it meanwhile."""

    before: Stock
    after: Stock


@dataclass(frozen=True, slots=True)
class VoucherIssued:
    """A code from now on leads to the redemption."""

    code: str
    redemption: EntryKey
    member: MemberId


@dataclass(frozen=True, slots=True)
class OrderPaid:
    """A redemption paid a part of an order: `amount` minor units, None where the till did not tell.

    It is found with the order when that is refunded.
    """

    order_id: str
    redemption: EntryKey
    amount: int | None


@dataclass(frozen=True, slots=True)
class Donated:
    """Points and their worth in minor units of `money`, added to a charity's totals of the local `day`'s month."""

    charity: str
    day: date
    points: int
    value: int
    money: str


@dataclass(frozen=True, slots=True)
class CardPosted:
    """An entry of a gift card's own ledger; `before` is None for a new card."""

    entry: CardEntry
    before: GiftCard | None
    after: GiftCard


@dataclass(frozen=True, slots=True)
class BudgetMoved:
    """`points` more were given of a cap that all members share; below zero, they come back.

    More is given only while no more than `limit` points are given in all (None where points come back).
    """

    key: BudgetKey
    points: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ReferralMoved:
    """A referral went on, on the local `day`: what is listed and counted of it follows.

    `before` is None where the friend just joined; then `joins` are the source's as they were read, where they decided
    something. `given` are points by side and currency, negative where they were taken back. `signs` are new ones, `reason` why
    it was undone or rejected. `changed_at` is the instant of the entry.
    """

    friend: MemberId
    before: Referred | None
    after: Referred
    day: date
    changed_at: datetime
    signs: tuple[str, ...] = ()
    reason: str | None = None
    given: tuple[tuple[str, str, int], ...] = ()
    code: str | None = None
    joins: Joins | None = None


@dataclass(frozen=True, slots=True)
class GrantCounted:
    """A campaign gave a member something: `counts` by name, of the `period` of a date's campaign, else for ever."""

    campaign: str
    period: str
    member: MemberId
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FingerprintsSeen:
    """A member was seen with fingerprints; `seen` is who was before, as it was read."""

    member: MemberId
    seen: Mapping[Fingerprint, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CodeShared:
    """A member shared their code on the local `day`."""

    member: MemberId
    day: date


Change = (
    CodeShared
    | FingerprintsSeen
    | ReferralMoved
    | BudgetMoved
    | StockMoved
    | VoucherIssued
    | OrderPaid
    | Donated
    | CardPosted
    | GrantCounted
)


@dataclass(frozen=True, slots=True)
class Decision:
    """An entry and the wallet after it, with what else changes at once.

    `others` are further entries, in order, each with its member's wallet after it: of other members, for what moves points
    between them, or of the same one.
    """

    entry: Entry
    wallet: Wallet
    changes: tuple[Change, ...] = ()
    others: Posted = ()

    @property
    def posted(self) -> Posted:
        """All entries, in order."""
        return ((self.entry, self.wallet), *self.others)
