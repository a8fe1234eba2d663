"""What a decision sees, and what it may change beside the wallet, all in the same transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from shared.domain.cap import BudgetKey
from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.errors import PurchaseUnknownError
from shared.domain.gift_card import CardEntry, CardId, GiftCard
from shared.domain.history import History
from shared.domain.member import Profile
from shared.domain.purchase import Purchase
from shared.domain.reward import RewardVersion
from shared.domain.stock import Stock
from shared.domain.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a decision reads beside the wallet, in the same consistent batch.

    `reward` brings the reward as it is now and its stock; `entries` bring what was posted under these keys; `other` is
    another member's wallet that is moved too; `cards` are ids of gift cards; `budgets` what was given of caps that all members
    share. `profile` is the member's, and the other member's where there is one; `survivors` brings whoever took over from a
    merged member, one by one.
    """

    reward: str | None = None
    profile: bool = False
    entries: tuple[EntryKey, ...] = ()
    other: MemberId | None = None
    cards: tuple[CardId, ...] = ()
    budgets: tuple[BudgetKey, ...] = ()
    survivors: bool = False


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

    def wallets(self) -> Iterator[Wallet]:
        """The member's wallet, and those of the others."""
        yield self.wallet
        if self.other is not None:
            yield from self.other.wallets()


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


Change = BudgetMoved | StockMoved | VoucherIssued | OrderPaid | Donated | CardPosted


@dataclass(frozen=True, slots=True)
class Decision:
    """An entry and the wallet after it, with what else changes at once.

    `others` are entries and wallets of other members, for what moves points between them.
    """

    entry: Entry
    wallet: Wallet
    changes: tuple[Change, ...] = ()
    others: tuple[tuple[Entry, Wallet], ...] = ()
