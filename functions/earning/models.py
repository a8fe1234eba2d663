"""Requests and answers of purchases."""

from typing import Annotated, Any

from pydantic import Field

from shared.api.answers import BalanceAnswer, EarnedAnswer, EntryAnswer, PurchaseAnswer
from shared.api.fields import Amount, Answer, Id, Instant, MoneyCode, Request, Text
from shared.domain.purchase import LINES_MAX, Line, Purchase

BATCH_MAX = 25
"""Purchases that one batch may carry."""

QUANTITY_MAX = 10**6


class LineRequest(Request):
    """One line of an order. `amount` is the line's total in minor units, after discounts.

    `currency`, if sent, is the order's.
    """

    sku: Text
    quantity: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
    amount: Amount
    category: Text | None = None
    currency: MoneyCode | None = None


class PurchaseRequest(Request):
    """An order that a member paid for. `order_id` is the shop's own: one order is one entry, however often it is sent."""

    order_id: Id
    member_id: Id
    currency: MoneyCode
    occurred_at: Instant
    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=LINES_MAX)]
    channel: Text | None = None
    store: Text | None = None

    def purchase(self) -> Purchase:
        """The domain's purchase. Raises MixedCurrenciesError, AmountOverLimitError."""
        purchase = Purchase(
            order_id=self.order_id,
            member_id=self.member_id,
            currency=self.currency,
            occurred_at=self.occurred_at,
            lines=tuple(Line(line.sku, line.quantity, line.amount, line.category) for line in self.lines),
            channel=self.channel,
            store=self.store,
        )
        purchase.check(tuple(line.currency for line in self.lines))
        return purchase


class QuoteAnswer(Answer):
    """What the purchase would earn if it were recorded now, and the balances it would leave. Nothing was written."""

    earned: list[EarnedAnswer]
    balances: list[BalanceAnswer]


class BatchRequest(Request):
    """Purchases of tills that were offline, each like the body of POST /v1/purchases and each with a result of its own."""

    purchases: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=BATCH_MAX)]


class BatchResult(Answer):
    """How one purchase of a batch ended: the status and body that it would have met alone."""

    status: int
    entry: EntryAnswer | None = None
    problem: dict[str, Any] | None = None


class BatchAnswer(Answer):
    """A result for each purchase, in the order in which they were sent."""

    results: list[BatchResult]


class RecordedAnswer(Answer):
    """A recorded purchase and the entry it became."""

    purchase: PurchaseAnswer
    entry: EntryAnswer
