"""Gift cards: prepaid money with a ledger of its own (docs/gift-cards.md).

A card is the fold of its entries, as a wallet is. All amounts are `int` minor units of the card's currency; all days are local
days of the program's zone. Deciding and folding share one function, `moved`, so a card cannot differ from its entries.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NewType

from shared.domain.calendar import local_day
from shared.domain.entry import MemberId

REFUND_DAYS_MIN = 90
"""Money that comes back onto a card can be spent for at least this many days, the day of the refund included."""
OPERATOR = "operator"
"""The source of a card that was not bought with points."""

CardId = NewType("CardId", str)
"""A ULID."""
CardKey = NewType("CardKey", str)
"""What an entry is, within its card, once and for ever: `spend:order-1`. It is the idempotency key."""


class CardAccount(StrEnum):
    """The accounts of a card's double entry; they sum to zero. What `issued` owes is the sum of the other three."""

    ISSUED = "issued"
    CARD = "card"
    SPENT = "spent"
    EXPIRED = "expired"


class CardEntryKind(StrEnum):
    """What an entry records. What a date changed is booked by the card's next entry, whatever its kind."""

    ISSUE = "issue"
    ACTIVATE = "activate"
    SPEND = "spend"
    REFUND = "refund"
    BLOCK = "block"
    UNBLOCK = "unblock"


class CardState(StrEnum):
    """How a card stands; the first that holds, in this order, is told."""

    BLOCKED = "blocked"
    PENDING = "pending"
    EXPIRED = "expired"
    SPENT = "spent"
    REFUNDED = "refunded"
    PARTLY_SPENT = "partly_spent"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class CardPosting:
    """An amount that leaves the account `debit` and reaches the account `credit`; at least 1."""

    debit: CardAccount
    credit: CardAccount
    amount: int


@dataclass(frozen=True, slots=True)
class NewCard:
    """The id and the code (in its stored form) of a card that is to be issued: unguessable, never given before."""

    id: CardId
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTerms:
    """What a card was issued as; it never changes.

    `face` is the amount it is worth once it is active: at once, or for a `pending` card when it is activated. From that local
    day on it can be spent for `valid_days` days, that one included; None for ever. `source` is "operator", or the key of the
    entry that bought it with points, for `member`. `code` is in its stored form.
    """

    code: str
    currency: str
    face: int
    source: str = OPERATOR
    member: MemberId | None = None
    pending: bool = False
    valid_days: int | None = None


@dataclass(frozen=True, slots=True)
class CardOrder:
    """What a card paid for an order, and what of that came back."""

    order_id: str
    spent: int = 0
    refunded: int = 0

    @property
    def refundable(self) -> int:
        """What can still come back."""
        return self.spent - self.refunded


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCard:
    """A card as its entries left it. `expires_on` is the first local day on which it can be spent no more, None for never.

    `sequence` is the number of entries so far and the card's version. `money_back` says that nothing was spent since money
    came back. `orders` are those it paid for, by id.
    """

    id: CardId
    terms: CardTerms
    activated: bool = False
    blocked: bool = False
    money_back: bool = False
    expires_on: date | None = None
    balance: int = 0
    spent: int = 0
    expired: int = 0
    orders: tuple[CardOrder, ...] = ()
    sequence: int = 0
    recorded_at: datetime | None = None
    recorded_on: date | None = None

    @property
    def issued(self) -> int:
        """What was put on the card from outside: its face, once it is active."""
        return self.balance + self.spent + self.expired

    def order(self, order_id: str) -> CardOrder:
        """What the card has to do with an order; nothing of one that it never paid for."""
        return next((order for order in self.orders if order.order_id == order_id), CardOrder(order_id))

    def settled(self, day: date) -> "GiftCard":
        """The card as the dates up to `day` have made it."""
        return _settled(self, day)[0]

    def is_gone(self, day: date) -> bool:
        """Whether its last day is over."""
        return self.expires_on is not None and self.expires_on <= day

    def state(self, day: date) -> CardState:
        """How the card stands on `day`."""
        holds = {
            CardState.BLOCKED: self.blocked,
            CardState.PENDING: not self.activated,
            CardState.EXPIRED: self.is_gone(day),
            CardState.SPENT: not self.balance,
            CardState.REFUNDED: self.money_back,
            CardState.PARTLY_SPENT: self.spent > 0,
            CardState.ACTIVE: True,
        }
        return next(state for state in CardState if holds[state])

    def day_of(self, now: datetime, zone: str) -> date:
        """The local day of `zone` on which an entry of `now` counts; it never runs backward within a card."""
        return max(local_day(self.time_of(now), zone), self.recorded_on or date.min)

    def time_of(self, now: datetime) -> datetime:
        """When an entry of `now` is recorded: never before the last one, whatever the clocks of two servers say."""
        return max(now, self.recorded_at or now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAct:
    """What is done to a card: an entry before it is posted."""

    key: CardKey
    kind: CardEntryKind
    request_hash: bytes
    amount: int = 0
    order_id: str | None = None
    refund_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry(CardAct):
    """An entry of a card: immutable, append-only, and the answer of its request.

    `balance`, `state` and `expires_on` are the card's after it. `terms` are given by an issue only. `zone` is the
    program's, so that the entry's days can be told as instants from the entry alone.
    """

    card: CardId
    sequence: int
    currency: str
    zone: str
    postings: tuple[CardPosting, ...]
    balance: int
    state: CardState
    expires_on: date | None
    recorded_at: datetime
    recorded_on: date
    terms: CardTerms | None = None


def post_act(card: GiftCard, act: CardAct, now: datetime, zone: str) -> tuple[CardEntry, GiftCard]:
    """The entry that records `act`, which the card allows, and the card after it."""
    day = card.day_of(now, zone)
    after, postings = moved(card, act, day)
    after = replace(after, sequence=card.sequence + 1, recorded_at=card.time_of(now), recorded_on=day)
    entry = CardEntry(
        key=act.key,
        kind=act.kind,
        request_hash=act.request_hash,
        amount=act.amount,
        order_id=act.order_id,
        refund_id=act.refund_id,
        reason=act.reason,
        card=card.id,
        sequence=after.sequence,
        currency=card.terms.currency,
        zone=zone,
        postings=postings,
        balance=after.balance,
        state=after.state(day),
        expires_on=after.expires_on,
        recorded_at=card.time_of(now),
        recorded_on=day,
        terms=card.terms if act.kind is CardEntryKind.ISSUE else None,
    )
    return entry, after


def _settled(card: GiftCard, day: date) -> tuple[GiftCard, tuple[CardPosting, ...]]:
    if not card.balance or not card.is_gone(day):
        return card, ()
    gone = CardPosting(CardAccount.CARD, CardAccount.EXPIRED, card.balance)
    return replace(card, balance=0, expired=card.expired + card.balance), (gone,)


def moved(card: GiftCard, act: CardAct, day: date) -> tuple[GiftCard, tuple[CardPosting, ...]]:
    """The card after `act` on the local day `day`, with every posting that the day and the act make."""
    card, postings = _settled(card, day)
    between: tuple[CardAccount, CardAccount] | None = None
    match act.kind:
        case CardEntryKind.ACTIVATE | CardEntryKind.ISSUE if act.kind is CardEntryKind.ACTIVATE or not card.terms.pending:
            between = CardAccount.ISSUED, CardAccount.CARD
            days = card.terms.valid_days
            expires_on = None if days is None else day + timedelta(days=days)
            card = replace(card, activated=True, balance=act.amount, expires_on=expires_on)
        case CardEntryKind.SPEND:
            between = CardAccount.CARD, CardAccount.SPENT
            card = replace(
                card,
                balance=card.balance - act.amount,
                spent=card.spent + act.amount,
                orders=_orders(card, act, spent=act.amount),
                money_back=False,
            )
        case CardEntryKind.REFUND:
            between = CardAccount.SPENT, CardAccount.CARD
            grace = day + timedelta(days=REFUND_DAYS_MIN)
            card = replace(
                card,
                balance=card.balance + act.amount,
                spent=card.spent - act.amount,
                orders=_orders(card, act, refunded=act.amount),
                expires_on=None if card.expires_on is None else max(card.expires_on, grace),
                money_back=True,
            )
        case CardEntryKind.BLOCK | CardEntryKind.UNBLOCK:
            card = replace(card, blocked=act.kind is CardEntryKind.BLOCK)
    return card, postings if between is None else (*postings, CardPosting(*between, act.amount))


def _orders(card: GiftCard, act: CardAct, spent: int = 0, refunded: int = 0) -> tuple[CardOrder, ...]:
    before = card.order(act.order_id or "")
    after = CardOrder(before.order_id, before.spent + spent, before.refunded + refunded)
    others = (order for order in card.orders if order.order_id != before.order_id)
    return tuple(sorted((*others, after), key=lambda order: order.order_id))


def fold_card(entries: Iterable[CardEntry]) -> GiftCard:
    """The card that its entries, in order of sequence and from its issue on, make. Raises ValueError without an issue."""
    card: GiftCard | None = None
    for entry in entries:
        card = folded(card, entry)[0]
    if card is None:
        raise ValueError("a card begins with its issue")
    return card


def folded(card: GiftCard | None, entry: CardEntry) -> tuple[GiftCard, tuple[CardPosting, ...]]:
    """One step of the fold: the card after `entry`, and the postings that it ought to hold. Raises ValueError."""
    if card is None:
        if entry.terms is None:
            raise ValueError(f"a card begins with its issue, not with {entry.key}")
        card = GiftCard(id=entry.card, terms=entry.terms)
    after, postings = moved(card, entry, entry.recorded_on)
    after = replace(after, sequence=entry.sequence, recorded_at=entry.recorded_at, recorded_on=entry.recorded_on)
    return after, postings
