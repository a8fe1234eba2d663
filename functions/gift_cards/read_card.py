"""Use cases: how a card stands now, and how it came to that."""

from dataclasses import dataclass
from datetime import date

from shared.domain.gift_card import CardEntry, CardId, GiftCard
from shared.domain.program import zone_of
from shared.ports import GiftCards, Programs


@dataclass(frozen=True, slots=True)
class CardOfDay:
    """A card settled to the local `day` of `zone`."""

    card: GiftCard
    day: date
    zone: str


def read_card(card: CardId, *, cards: GiftCards, programs: Programs) -> CardOfDay:
    """The card as dates have made it by now. Raises GiftCardUnknownError, TryAgainError."""
    found, now = cards.card(card)
    zone = zone_of(programs.versions())
    day = found.day_of(now, zone)
    return CardOfDay(found.settled(day), day, zone)


def read_entries(card: CardOfDay, *, cards: GiftCards) -> list[CardEntry]:
    """The entries that made the card, oldest first; none that came after it was read."""
    return [entry for entry in cards.entries(card.card.id) if entry.sequence <= card.card.sequence]
