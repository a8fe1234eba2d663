"""Answers that tell of entries and points. All in them comes from the entry: a repeated request meets the same bytes."""

from datetime import date, datetime, timedelta
from typing import Any, Self

from pydantic import ConfigDict

from shared.api.fields import Answer, Instant
from shared.api.problems import problem
from shared.domain.calendar import first_instant
from shared.domain.entry import BalanceAfter, Entry, HistoryRow, Share
from shared.domain.errors import RefusalError
from shared.domain.points import Lot, Posting
from shared.domain.purchase import Purchase


class LotAnswer(Answer):
    """A run of numbered points with equal dates. `expires_at` is the first instant they are gone; both None for never.

    `spendable_from` is None where the points were active before.
    """

    first_serial: int
    last_serial: int
    points: int
    spendable_from: Instant | None
    expires_at: Instant | None
    last_day: date | None

    @classmethod
    def of(cls, lot: Lot, zone: str) -> Self:
        """The lot in the program's `zone`."""
        return cls(
            first_serial=lot.first,
            last_serial=lot.last,
            points=lot.count,
            spendable_from=first_instant(lot.spendable_from, zone) if lot.spendable_from else None,
            expires_at=expires_at(lot.gone_on, zone),
            last_day=last_day(lot.gone_on),
        )


class WhyAnswer(Answer):
    """`points` were given by `rule` of the program's `program_version`; `room` is what its caps left, None where it has none.

    A rule is named by its id; a tier's multiplier is `tier:<level>`, a membership's `membership:<plan>`, a referral's reward
    `referral:<side>:<currency>` or `campaign:<id>:<currency>`, a campaign's bonus `grant:<campaign>`, a multiplier voucher
    `boost:<campaign>:<percent>`.
    """

    rule: str
    program_version: int
    points: int
    room: int | None = None


class EarnedAnswer(Answer):
    """What an entry gave of one currency: points, why, and the lots they became."""

    currency: str
    points: int
    why: list[WhyAnswer]
    lots: list[LotAnswer]


class BalanceAnswer(Answer):
    """A currency right after the entry. `balance` is active less debt; pending points are apart."""

    currency: str
    balance: int
    active: int
    pending: int
    debt: int

    @classmethod
    def of(cls, after: BalanceAfter) -> Self:
        """The balance that an entry keeps."""
        return cls(
            currency=after.currency,
            balance=after.active - after.debt,
            active=after.active,
            pending=after.pending,
            debt=after.debt,
        )


class EntryAnswer(Answer):
    """An entry as the answer of the request that made it."""

    entry_id: str
    kind: str
    member_id: str
    sequence: int
    occurred_at: Instant
    recorded_at: Instant
    earned: list[EarnedAnswer]
    balances: list[BalanceAnswer]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer that the entry stands for."""
        return cls(
            entry_id=entry.key,
            kind=entry.kind,
            member_id=entry.member,
            sequence=entry.sequence,
            occurred_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            earned=earned(entry, entry.why, entry.zone),
            balances=[BalanceAnswer.of(after) for after in entry.after],
        )


class LineAnswer(Answer):
    """A line as it was recorded; `amount` in minor units."""

    sku: str
    quantity: int
    amount: int
    category: str | None


class PurchaseAnswer(Answer):
    """An order as it was recorded."""

    order_id: str
    member_id: str
    currency: str
    amount: int
    occurred_at: Instant
    channel: str | None
    store: str | None
    paid_with_rewards: int
    attributes: dict[str, Any] | None
    lines: list[LineAnswer]

    @classmethod
    def of(cls, purchase: Purchase) -> Self:
        """The order that an entry keeps."""
        return cls(
            order_id=purchase.order_id,
            member_id=purchase.member_id,
            currency=purchase.currency,
            amount=purchase.amount,
            occurred_at=purchase.occurred_at,
            channel=purchase.channel,
            store=purchase.store,
            paid_with_rewards=purchase.paid_with_rewards or 0,
            attributes=dict(purchase.attributes) if purchase.attributes else None,
            lines=[
                LineAnswer(sku=line.sku, quantity=line.quantity, amount=line.amount, category=line.category)
                for line in purchase.lines
            ],
        )


class ObstacleAnswer(Answer):
    """Why a member may not have a reward now: the type and the data of the problem that redeeming it would meet."""

    model_config = ConfigDict(frozen=True, extra="allow", json_schema_extra={"additionalProperties": True})

    type: str

    @classmethod
    def of(cls, error: RefusalError) -> Self:
        """The obstacle that the refusal would tell of."""
        words = ("title", "status", "detail")
        return cls(**{name: value for name, value in problem(error).items() if name not in words})


class PostingAnswer(Answer):
    """Points that left the account `debit` and reached the account `credit`."""

    debit: str
    credit: str
    currency: str
    points: int
    lots: list[LotAnswer]

    @classmethod
    def of(cls, posting: Posting, zone: str) -> Self:
        """The posting in the program's `zone`."""
        return cls(
            debit=posting.debit,
            credit=posting.credit,
            currency=posting.currency,
            points=posting.points,
            lots=[LotAnswer.of(lot, zone) for lot in posting.lots],
        )


def earned(row: HistoryRow, why: tuple[Share, ...], zone: str) -> list[EarnedAnswer]:
    """What an entry gave, by currency, in the order of the rules."""
    minted = row.minted()
    currencies = dict.fromkeys(share.currency for share in why)
    return [
        EarnedAnswer(
            currency=currency,
            points=sum(share.points for share in why if share.currency == currency),
            why=[
                WhyAnswer(rule=share.rule, program_version=share.program_version, points=share.points, room=share.room)
                for share in why
                if share.currency == currency
            ],
            lots=[LotAnswer.of(lot, zone) for lot in minted.get(currency, ())],
        )
        for currency in currencies
    ]


def expires_at(gone_on: date | None, zone: str) -> datetime | None:
    """The first instant at which points are gone."""
    return first_instant(gone_on, zone) if gone_on else None


def last_day(gone_on: date | None) -> date | None:
    """The last day on which points can be spent."""
    return gone_on - timedelta(days=1) if gone_on else None
