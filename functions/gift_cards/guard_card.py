"""Use case: an operator blocks or unblocks a card."""

from shared.domain import card_decision
from shared.domain.gift_card import CardEntry, CardEntryKind, CardId
from shared.domain.program import zone_of
from shared.ports import GiftCards, Programs


def guard_card(
    card: CardId, kind: CardEntryKind, reason: str, caller: str, key: str, *, cards: GiftCards, programs: Programs
) -> CardEntry:
    """Block or unblock a card (`kind`), once per caller (by digest) and key; the money stays on it.

    Raises GiftCardUnknownError, KeyReusedError, TryAgainError.
    """
    zone = zone_of(programs.versions())
    entry_key = card_decision.guard_key(kind, caller, key)
    return cards.decide_and_post(
        card,
        entry_key,
        card_decision.guard_hash(card, kind, reason),
        lambda found, now: card_decision.guard_card(found, kind, entry_key, reason, now=now, zone=zone),
    )
