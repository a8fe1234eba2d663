"""Use cases of a till: activate a card, pay with it, give money back onto it."""

from shared.domain.card_decision import (
    ACTIVATION_KEY,
    activate_card,
    activation_hash,
    refund_card,
    refund_hash,
    refund_key,
    spend_card,
    spend_hash,
    spend_key,
)
from shared.domain.code import CARD_SYMBOLS, CodeKind, read_code
from shared.domain.gift_card import CardEntry, CardId
from shared.domain.program import zone_of
from shared.ports import Attempts, GiftCards, Programs


def find_card(code: str, caller: str, *, attempts: Attempts) -> CardId:
    """The card with a code, as somebody wrote it, for the caller (by digest).

    Raises CodeMalformedError, GiftCardUnknownError, TooManyAttemptsError, TryAgainError.
    """
    return CardId(attempts.find(read_code(code, CARD_SYMBOLS), CodeKind.GIFT_CARD, caller).id)


def activate(card: CardId, *, cards: GiftCards, programs: Programs) -> CardEntry:
    """Give a pending card its money, once.

    Raises GiftCardUnknownError, GiftCardActiveError, GiftCardBlockedError, TryAgainError.
    """
    zone = zone_of(programs.versions())
    return cards.decide_and_post(
        card, ACTIVATION_KEY, activation_hash(card), lambda found, now: activate_card(found, now=now, zone=zone)
    )


def spend(card: CardId, order_id: str, amount: int, currency: str, *, cards: GiftCards, programs: Programs) -> CardEntry:
    """Pay a part of an order with a card, once per order. Raises what spend_card raises, KeyReusedError, TryAgainError."""
    zone = zone_of(programs.versions())
    return cards.decide_and_post(
        card,
        spend_key(order_id),
        spend_hash(card, order_id, amount, currency),
        lambda found, now: spend_card(found, order_id, amount, currency, now=now, zone=zone),
    )


def refund(card: CardId, order_id: str, refund_id: str, amount: int, *, cards: GiftCards, programs: Programs) -> CardEntry:
    """Give back onto a card what it paid for an order, once per refund.

    Raises GiftCardUnknownError, GiftCardSpendUnknownError, OverRefundError, KeyReusedError, TryAgainError.
    """
    zone = zone_of(programs.versions())
    return cards.decide_and_post(
        card,
        refund_key(order_id, refund_id),
        refund_hash(card, order_id, refund_id, amount),
        lambda found, now: refund_card(found, amount=amount, order_id=order_id, refund_id=refund_id, now=now, zone=zone),
    )
