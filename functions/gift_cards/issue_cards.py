"""Use case: an operator issues gift cards."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ulid import ULID

from shared.domain.card_decision import issue_card
from shared.domain.code import CARD_SYMBOLS, make_code
from shared.domain.digest import request_hash
from shared.domain.errors import CurrencyNotAcceptedError
from shared.domain.gift_card import CardEntry, CardId, GiftCard, NewCard
from shared.domain.program import in_force
from shared.ports import GiftCards, Programs


@dataclass(frozen=True, kw_only=True)
class Batch:
    """`count` equal cards, each worth `amount`; see CardTerms for the rest."""

    amount: int
    currency: str
    count: int
    pending: bool
    valid_days: int | None


def issue_cards(
    batch: Batch, caller: str, key: str, *, cards: GiftCards, programs: Programs, rng: random.Random
) -> list[CardEntry]:
    """Issue the cards, all or none, once per caller (by digest) and key; `rng` makes their codes.

    Raises ProgramMissingError, CurrencyNotAcceptedError, KeyReusedError, TryAgainError.
    """
    versions = programs.versions()

    def make(now: datetime) -> Sequence[tuple[CardEntry, GiftCard]]:
        program = in_force(versions, now).program
        if batch.currency != program.money_currency:
            raise CurrencyNotAcceptedError(currency=batch.currency, accepted=program.money_currency)
        return [
            issue_card(
                NewCard(CardId(str(ULID())), make_code(rng, CARD_SYMBOLS)),
                amount=batch.amount,
                currency=batch.currency,
                pending=batch.pending,
                valid_days=batch.valid_days,
                now=now,
                zone=program.time_zone,
            )
            for _ in range(batch.count)
        ]

    return cards.issue(caller, key, request_hash("issue", batch), make)
