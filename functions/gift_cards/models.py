"""Requests and answers of gift cards."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field

from functions.gift_cards.issue_cards import Batch
from functions.gift_cards.read_card import CardOfDay
from shared.api.answers import expires_at, last_day
from shared.api.fields import Answer, Id, Instant, MoneyCode, Request, Text
from shared.domain.code import GROUP, spoken
from shared.domain.gift_card import CardEntry, CardState
from shared.domain.purchase import AMOUNT_MAX

BATCH_MAX = 25
"""Cards that one request may issue."""

CardAmount = Annotated[int, Field(ge=1, le=AMOUNT_MAX, examples=[5000])]
"""Minor units of the card's currency, at least 1 and at most 10^9."""

CardCode = Annotated[str, Field(max_length=64, examples=["K7QM-2XWD-9HTC-4RB6"])]
"""A card's code as somebody wrote or scanned it: case, spaces and hyphens do not matter."""


class CardIssueRequest(Request):
    """`count` cards worth `amount` each.

    A card is active at once; a `pending` one is worth nothing until a till activates it. From that day on it can be spent for
    `valid_days` days, that day included; without it, for ever.
    """

    amount: CardAmount
    currency: MoneyCode
    count: Annotated[int, Field(ge=1, le=BATCH_MAX)] = 1
    pending: bool = False
    valid_days: Annotated[int, Field(ge=1, le=36600)] | None = None

    def batch(self) -> Batch:
        """What is to be issued."""
        return Batch(**self.model_dump())


class CardBalanceRequest(Request):
    """A code that a customer shows."""

    code: CardCode


class CardSpendRequest(Request):
    """The card pays `amount` of the order. `order_id` is the shop's own: one card pays once for an order."""

    code: CardCode
    order_id: Id
    amount: CardAmount
    currency: MoneyCode


class CardRefundRequest(Request):
    """Some or all of what the card paid for the order comes back onto it. `refund_id` is the shop's own number."""

    order_id: Id
    refund_id: Id
    amount: CardAmount


class CardGuardRequest(Request):
    """Why the card is blocked or unblocked; operators see it."""

    reason: Text


class CardPostingAnswer(Answer):
    """Minor units that left the account `debit` and reached the account `credit`."""

    debit: str
    credit: str
    amount: int


class CardEntryAnswer(Answer):
    """An entry of a card, with what is on the card after it."""

    card_id: str
    sequence: int
    kind: str
    amount: int
    currency: str
    balance: int
    state: CardState
    expires_at: Instant | None
    last_day: date | None
    recorded_at: Instant
    order_id: str | None
    refund_id: str | None
    reason: str | None
    postings: list[CardPostingAnswer]

    @classmethod
    def of(cls, entry: CardEntry, *, to_operator: bool) -> Self:
        """The answer that the entry stands for."""
        return cls(
            card_id=entry.card,
            sequence=entry.sequence,
            kind=entry.kind,
            amount=entry.amount,
            currency=entry.currency,
            balance=entry.balance,
            state=entry.state,
            expires_at=expires_at(entry.expires_on, entry.zone),
            last_day=last_day(entry.expires_on),
            recorded_at=entry.recorded_at,
            order_id=entry.order_id,
            refund_id=entry.refund_id,
            reason=entry.reason if to_operator else None,
            postings=[
                CardPostingAnswer(debit=posting.debit, credit=posting.credit, amount=posting.amount)
                for posting in entry.postings
            ],
        )


class IssuedCardAnswer(Answer):
    """A new card with its code, which tills will never see again."""

    code: str
    entry: CardEntryAnswer

    @classmethod
    def of(cls, entry: CardEntry) -> Self:
        """The answer of a card's first entry."""
        return cls(
            code=spoken(entry.terms.code) if entry.terms else "",
            entry=CardEntryAnswer.of(entry, to_operator=True),
        )


class CardIssueAnswer(Answer):
    """The cards that were issued."""

    cards: list[IssuedCardAnswer]


class CardAnswer(Answer):
    """How a card stands today. `amount` = `balance` + `spent` + `expired` once it is active.

    `code` is shown to operators only, `code_end` to all. `spent` is what orders keep, after refunds. `source` is "operator", or
    the entry that bought the card with points, for `member_id`.
    """

    card_id: str
    code: str | None
    code_end: str
    state: CardState
    currency: str
    amount: int
    balance: int
    spent: int
    expired: int
    expires_at: Instant | None
    last_day: date | None
    source: str
    member_id: str | None

    @classmethod
    def of(cls, found: CardOfDay, *, to_operator: bool) -> Self:
        """The card on its day."""
        card, terms = found.card, found.card.terms
        return cls(
            card_id=card.id,
            code=spoken(terms.code) if to_operator else None,
            code_end=terms.code[-GROUP:],
            state=card.state(found.day),
            currency=terms.currency,
            amount=terms.face,
            balance=card.balance,
            spent=card.spent,
            expired=card.expired,
            expires_at=expires_at(card.expires_on, found.zone),
            last_day=last_day(card.expires_on),
            source=terms.source,
            member_id=terms.member,
        )


class CardHistoryAnswer(CardAnswer):
    """A card with all its entries, oldest first."""

    entries: list[CardEntryAnswer]
