"""Requests that tell what members bought, brought back and did: to record it, and to try a program on it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.api.fields import Amount, Attributes, Id, Instant, MoneyCode, Request, Text
from shared.domain.activity import ActivityReport
from shared.domain.document import Code
from shared.domain.purchase import LINES_MAX, Line, Purchase
from shared.domain.refunding import RefundRequest

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
    """An order that a member paid for. `order_id` is the shop's own: one order is one entry, however often it is sent.

    `paid_with_rewards` are the minor units of its total that were paid with points or vouchers; they earn nothing.
    """

    order_id: Id
    member_id: Id
    currency: MoneyCode
    occurred_at: Instant
    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=LINES_MAX)]
    channel: Text | None = None
    store: Text | None = None
    paid_with_rewards: Amount | None = None
    attributes: Attributes | None = None

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
            paid_with_rewards=self.paid_with_rewards or None,
            attributes=self.attributes or None,
        )
        purchase.check(tuple(line.currency for line in self.lines))
        return purchase


class RefundLineRequest(Request):
    """Money that comes off one line: `line` is its number in the order, from 1; without `amount`, all that is left of it."""

    line: Annotated[int, Field(ge=1, le=LINES_MAX)]
    amount: Amount | None = None


class RefundBody(Request):
    """Money of an order that was given back: for `lines`, or an `amount` off all lines alike; without both, all of it."""

    refund_id: Id
    occurred_at: Instant
    lines: Annotated[list[RefundLineRequest], Field(min_length=1, max_length=LINES_MAX)] | None = None
    amount: Amount | None = None

    @model_validator(mode="after")
    def _lines_or_amount(self) -> Self:
        if self.lines is not None and self.amount is not None:
            raise ValueError("give lines or an amount, not both: two refunds can do what one cannot")
        return self

    def request(self, order_id: str) -> RefundRequest:
        """The domain's request about an order."""
        return RefundRequest(
            order_id=order_id,
            refund_id=self.refund_id,
            occurred_at=self.occurred_at,
            lines=tuple((line.line, line.amount) for line in self.lines or ()),
            amount=self.amount,
        )


class ActivityBody(Request):
    """Something that a member did beside buying: `activity` under the shop's proof `activity_id` (a review's id, a visit's)."""

    activity: Code
    activity_id: Id
    member_id: Id
    occurred_at: Instant
    channel: Text | None = None
    store: Text | None = None
    attributes: Attributes | None = None

    def report(self) -> ActivityReport:
        """The domain's report."""
        return ActivityReport(
            activity=self.activity,
            activity_id=self.activity_id,
            member_id=self.member_id,
            occurred_at=self.occurred_at,
            channel=self.channel,
            store=self.store,
            attributes=self.attributes or None,
        )
