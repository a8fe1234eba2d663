"""Requests and answers of purchases."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from shared.api.answers import BalanceAnswer, EarnedAnswer, EntryAnswer, PurchaseAnswer, WhyAnswer
from shared.api.fields import Amount, Answer, Attributes, Id, Instant, MoneyCode, Request, Text
from shared.domain.activity import ActivityReport
from shared.domain.document import Code
from shared.domain.entry import Entry
from shared.domain.purchase import LINES_MAX, Line, Purchase
from shared.domain.refunding import RefundRequest, refund_of
from shared.domain.written import Reason

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


class ClawbackAnswer(Answer):
    """Points of a currency that were taken back, by the rules that had given them."""

    currency: str
    points: int
    why: list[WhyAnswer]

    @classmethod
    def all_of(cls, entry: Entry) -> list[Self]:
        """What an entry took back of each currency."""
        return [cls._of(entry, currency) for currency in dict.fromkeys(share.currency for share in entry.why)]

    @classmethod
    def _of(cls, entry: Entry, currency: str) -> Self:
        shares = [share for share in entry.why if share.currency == currency]
        return cls(
            currency=currency,
            points=-sum(share.points for share in shares),
            why=[WhyAnswer(rule=share.rule, program_version=share.program_version, points=-share.points) for share in shares],
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


class VoidBody(Request):
    """Why an activity did not count."""

    reason: Reason


class VoidAnswer(Answer):
    """An activity that was voided: what it had given is taken back; points that were spent are debt."""

    entry_id: str
    activity_entry_id: str
    member_id: str
    sequence: int
    recorded_at: Instant
    clawed_back: list[ClawbackAnswer]
    balances: list[BalanceAnswer]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer that a void's entry stands for."""
        return cls(
            entry_id=entry.key,
            activity_entry_id=entry.names or "",
            member_id=entry.member,
            sequence=entry.sequence,
            recorded_at=entry.recorded_at,
            clawed_back=ClawbackAnswer.all_of(entry),
            balances=[BalanceAnswer.of(after) for after in entry.after],
        )


class RefundLineAnswer(Answer):
    """Minor units that came off the order's line with this number."""

    line: int
    amount: int


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


class ReturnedAnswer(Answer):
    """What came back of another way of paying: `points` of a redemption, or minor units on a `gift_card`."""

    kind: str
    reference: str
    amount: int


class RefundAnswer(Answer):
    """A refund as it was recorded, and the balances right after it; all amounts in minor units of the order's currency.

    `refunded` is this refund's, `net` what is left of the order. Points that were spent before they were taken back are debt.
    """

    entry_id: str
    order_id: str
    refund_id: str
    member_id: str
    sequence: int
    occurred_at: Instant
    recorded_at: Instant
    refunded: int
    net: int
    lines: list[RefundLineAnswer]
    clawed_back: list[ClawbackAnswer]
    returned: list[ReturnedAnswer]
    balances: list[BalanceAnswer]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer that a refund's entry stands for."""
        found = refund_of(entry)
        return cls(
            entry_id=entry.key,
            order_id=found.order_id,
            refund_id=found.refund_id,
            member_id=entry.member,
            sequence=entry.sequence,
            occurred_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            refunded=found.total,
            net=found.net,
            lines=[RefundLineAnswer(line=part.line, amount=part.amount) for part in found.lines],
            clawed_back=ClawbackAnswer.all_of(entry),
            returned=[ReturnedAnswer(kind=part.kind, reference=part.reference, amount=part.amount) for part in found.returned],
            balances=[BalanceAnswer.of(after) for after in entry.after],
        )


class RecordedAnswer(Answer):
    """A recorded purchase, the entry it became, and its refunds so far; `net` is what is left of it in minor units."""

    purchase: PurchaseAnswer
    entry: EntryAnswer
    refunds: list[RefundAnswer]
    net: int
