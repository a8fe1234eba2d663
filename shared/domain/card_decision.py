"""What may be done with a gift card: each decision gives the next entry and the card after it, or a domain error.

`now` is an aware instant, `zone` the program's, whose local days count. Amounts are at least 1 minor unit.
"""

from datetime import datetime, timedelta

from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.errors import (
    CurrencyNotAcceptedError,
    GiftCardActiveError,
    GiftCardBlockedError,
    GiftCardExpiredError,
    GiftCardPendingError,
    GiftCardShortError,
    GiftCardSpendUnknownError,
    GiftCardWornError,
    OverRefundError,
)
from shared.domain.gift_card import (
    OPERATOR,
    CardAct,
    CardEntry,
    CardEntryKind,
    CardId,
    CardKey,
    CardTerms,
    GiftCard,
    NewCard,
    post_act,
)

ORDERS_MAX = 1000
"""Orders that one card may pay for: they stand in its item, so that each knows what can come back."""

ISSUE_KEY = CardKey("issue")


def issue_card(
    new: NewCard,
    *,
    amount: int,
    currency: str,
    now: datetime,
    zone: str,
    source: str = OPERATOR,
    member: MemberId | None = None,
    pending: bool = False,
    valid_days: int | None = None,
) -> tuple[CardEntry, GiftCard]:
    """The first entry of a new card worth `amount`, and the card; the other arguments are those of CardTerms."""
    terms = CardTerms(
        code=new.code,
        currency=currency,
        face=amount,
        source=source,
        member=member,
        pending=pending,
        valid_days=valid_days,
    )
    digest = request_hash("issue", new.id, terms)
    act = CardAct(key=ISSUE_KEY, kind=CardEntryKind.ISSUE, request_hash=digest, amount=amount)
    return post_act(GiftCard(id=new.id, terms=terms), act, now, zone)


ACTIVATION_KEY = CardKey("activate")


def activation_hash(card: CardId) -> bytes:
    """What tells a repeated activation."""
    return request_hash("activate", card)


def activate_card(card: GiftCard, *, now: datetime, zone: str) -> tuple[CardEntry, GiftCard]:
    """A pending card gets its money, and its days begin. Raises GiftCardActiveError, GiftCardBlockedError."""
    if card.activated:
        raise GiftCardActiveError
    if card.blocked:
        raise GiftCardBlockedError
    act = CardAct(
        key=ACTIVATION_KEY,
        kind=CardEntryKind.ACTIVATE,
        request_hash=activation_hash(card.id),
        amount=card.terms.face,
    )
    return post_act(card, act, now, zone)


def spend_key(order_id: str) -> CardKey:
    """A card pays once for an order."""
    return CardKey(f"spend:{order_id}")


def spend_hash(card: CardId, order_id: str, amount: int, currency: str) -> bytes:
    """What tells a repeated spend from a changed one."""
    return request_hash("spend", card, order_id, amount, currency)


def spend_card(
    card: GiftCard, order_id: str, amount: int, currency: str, *, now: datetime, zone: str
) -> tuple[CardEntry, GiftCard]:
    """The card pays `amount` (at least 1) of an order that it has paid nothing of yet.

    Raises CurrencyNotAcceptedError, GiftCardBlockedError, GiftCardPendingError, GiftCardExpiredError, GiftCardShortError,
    GiftCardWornError.
    """
    if currency != card.terms.currency:
        raise CurrencyNotAcceptedError(currency=currency, accepted=card.terms.currency)
    if card.blocked:
        raise GiftCardBlockedError
    if not card.activated:
        raise GiftCardPendingError
    if card.expires_on is not None and card.is_gone(card.day_of(now, zone)):
        raise GiftCardExpiredError(last_day=card.expires_on - timedelta(days=1))
    if card.balance < amount:
        raise GiftCardShortError(currency=currency, balance=card.balance, short_by=amount - card.balance)
    if len(card.orders) >= ORDERS_MAX:
        raise GiftCardWornError(orders_max=ORDERS_MAX)
    act = CardAct(
        key=spend_key(order_id),
        kind=CardEntryKind.SPEND,
        request_hash=spend_hash(card.id, order_id, amount, currency),
        amount=amount,
        order_id=order_id,
    )
    return post_act(card, act, now, zone)


def refund_key(order_id: str, refund_id: str) -> CardKey:
    """A refund of an order, under the shop's own number."""
    return CardKey(f"refund:{order_id}:{refund_id}")


def refund_hash(card: CardId, order_id: str, refund_id: str, amount: int) -> bytes:
    """What tells a repeated refund from a changed one."""
    return request_hash("refund", card, order_id, refund_id, amount)


def refund_card(
    card: GiftCard, *, amount: int, order_id: str, refund_id: str, now: datetime, zone: str, digest: bytes | None = None
) -> tuple[CardEntry, GiftCard]:
    """`amount` of what the card paid for an order comes back onto it, blocked and expired cards included.

    What expired stays expired; the card can then be spent for at least REFUND_DAYS_MIN days. With the `digest` of a refund of
    the order the entry is that refund's, under a key of its own, for the till may have used the number for the card alone.
    Raises GiftCardSpendUnknownError, OverRefundError.
    """
    order = card.order(order_id)
    if not order.spent:
        raise GiftCardSpendUnknownError
    if amount > order.refundable:
        raise OverRefundError(refundable=order.refundable)
    act = CardAct(
        key=refund_key(order_id, refund_id) if digest is None else CardKey(f"share:{order_id}:{refund_id}"),
        kind=CardEntryKind.REFUND,
        request_hash=digest or refund_hash(card.id, order_id, refund_id, amount),
        amount=amount,
        order_id=order_id,
        refund_id=refund_id,
    )
    return post_act(card, act, now, zone)


def guard_key(kind: CardEntryKind, caller: str, idempotency_key: str) -> CardKey:
    """A blocking or unblocking, under the own key of the caller (by digest)."""
    return CardKey(f"{kind}:{caller}:{idempotency_key}")


def guard_hash(card: CardId, kind: CardEntryKind, reason: str) -> bytes:
    """What tells a repeated blocking or unblocking from a changed one."""
    return request_hash(kind, card, reason)


def guard_card(
    card: GiftCard, kind: CardEntryKind, key: CardKey, reason: str, *, now: datetime, zone: str
) -> tuple[CardEntry, GiftCard]:
    """Block or unblock a card (`kind`), and say why. Where it is so already, only the reason is recorded."""
    act = CardAct(key=key, kind=kind, request_hash=guard_hash(card.id, kind, reason), reason=reason)
    return post_act(card, act, now, zone)
