"""Requests and answers of purchases."""

from typing import Annotated, Any, Self

from pydantic import Field

from shared.api.answers import BalanceAnswer, EarnedAnswer, EntryAnswer, PurchaseAnswer, WhyAnswer
from shared.api.fields import Answer, Instant, Request
from shared.domain.entry import Entry
from shared.domain.refunding import refund_of
from shared.domain.written import Reason

BATCH_MAX = 25
"""Purchases that one batch may carry."""


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
