"""Requests and answers of redemptions and vouchers."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field

from shared.api.answers import BalanceAnswer, ObstacleAnswer, expires_at, last_day
from shared.api.fields import Amount, Answer, Id, Instant, Request, Text
from shared.domain.code import spoken
from shared.domain.document import Code
from shared.domain.entry import Entry
from shared.domain.redeeming import Quote, RedemptionRequest
from shared.domain.reward import POINTS_MAX
from shared.domain.subject import Use
from shared.domain.voucher import RedemptionState, redemption_of


class RedeemRequest(Request):
    """A member wants a reward.

    `points` where the reward lets them choose; `order_amount` in minor units for a discount in percent and for paying with
    points; `reward_version` is the one that they saw: if the reward changed since, nothing is taken.
    """

    reward_id: Code
    points: Annotated[int, Field(ge=1, le=POINTS_MAX)] | None = None
    order_amount: Amount | None = None
    channel: Text | None = None
    region: Text | None = None
    reward_version: Annotated[int, Field(ge=1)] | None = None

    def request(self, member_id: str) -> RedemptionRequest:
        """The domain's request for a member."""
        return RedemptionRequest(
            member_id=member_id,
            reward=self.reward_id,
            points=self.points,
            order_amount=self.order_amount,
            channel=self.channel,
            region=self.region,
            version=self.reward_version,
        )


class CancelRequest(Request):
    """Why a redemption is taken back, if anybody said."""

    reason: Text | None = None


class VoucherRequest(Request):
    """A code as it was read, typed or scanned, and the member at the till."""

    code: Annotated[str, Field(min_length=1, max_length=64, examples=["K7QM-2XWD-9HTC"])]
    member_id: Id


class UseRequest(VoucherRequest):
    """A voucher is taken for an order. `amount` is what it paid of the order, in minor units, where the till knows."""

    order_id: Id
    amount: Amount | None = None

    def use(self) -> Use:
        """The domain's use."""
        return Use(order_id=self.order_id, amount=self.amount)


class RedeemQuoteAnswer(Answer):
    """What a redemption would take and be worth now. Nothing was written.

    `available` is whether it would be issued; `obstacles` are all reasons why not, `short_by` the points that are missing.
    """

    reward_id: str
    reward_version: int
    currency: str
    points: int
    value: int | None
    active: int
    short_by: int
    last_day: date | None
    available: bool
    obstacles: list[ObstacleAnswer]

    @classmethod
    def of(cls, quote: Quote) -> Self:
        """The quote as the API tells it."""
        return cls(
            reward_id=quote.reward.reward.id,
            reward_version=quote.reward.version,
            currency=quote.reward.reward.currency,
            points=quote.points,
            value=quote.value,
            active=quote.active,
            short_by=max(quote.points - quote.active, 0),
            last_day=last_day(quote.lapses_on),
            available=not quote.obstacles,
            obstacles=[ObstacleAnswer.of(obstacle) for obstacle in quote.obstacles],
        )


class RedemptionAnswer(Answer):
    """A redemption. `state` is issued, redeemed, cancelled or expired.

    `value` is its worth in minor units of `money_currency`. `code` is what the till reads (of a gift card: the card's). It can
    be used until the end of `last_day`; `expires_at` is the first instant at which its points are back.
    """

    redemption_id: str
    member_id: str
    state: RedemptionState
    reward_id: str
    reward_version: int
    name: str
    benefit: dict[str, Any]
    currency: str
    points: int
    value: int | None
    money_currency: str
    code: str | None
    gift_card_id: str | None
    issued_at: Instant
    expires_at: Instant | None
    last_day: date | None

    @classmethod
    def of(cls, entry: Entry, state: RedemptionState) -> Self:
        """The redemption of an entry, where it stands at `state`."""
        found = redemption_of(entry)
        return cls(
            redemption_id=entry.key,
            member_id=entry.member,
            state=state,
            reward_id=found.reward,
            reward_version=found.reward_version,
            name=found.name,
            benefit=dict(found.benefit),
            currency=found.currency,
            points=found.points,
            value=found.value,
            money_currency=found.money,
            code=spoken(found.code) if found.code else None,
            gift_card_id=found.gift_card,
            issued_at=entry.recorded_at,
            expires_at=expires_at(found.lapses_on, entry.zone),
            last_day=last_day(found.lapses_on),
        )


class IssuedAnswer(RedemptionAnswer):
    """A redemption as it was issued, and the balances right after it."""

    balances: list[BalanceAnswer]

    @classmethod
    def issued(cls, entry: Entry) -> Self:
        """The answer that the entry stands for, whatever became of the redemption since."""
        state = RedemptionState.REDEEMED if redemption_of(entry).immediate else RedemptionState.ISSUED
        told = RedemptionAnswer.of(entry, state).model_dump()
        return cls(**told, balances=[BalanceAnswer.of(after) for after in entry.after])


class RedemptionsAnswer(Answer):
    """Redemptions that are issued and not used, oldest first."""

    redemptions: list[RedemptionAnswer]


class CancelledAnswer(RedemptionAnswer):
    """A redemption that was taken back, or that had lapsed and returned by itself (`state` expired).

    `cancelled_at` and `balances` tell of the cancellation; null and empty where there was none.
    """

    cancelled_at: Instant | None
    balances: list[BalanceAnswer]

    @classmethod
    def cancelled(cls, entry: Entry, cancellation: Entry | None) -> Self:
        """The answer to whoever cancels."""
        state = RedemptionState.CANCELLED if cancellation else RedemptionState.EXPIRED
        return cls(
            **RedemptionAnswer.of(entry, state).model_dump(),
            cancelled_at=cancellation.recorded_at if cancellation else None,
            balances=[BalanceAnswer.of(after) for after in cancellation.after] if cancellation else [],
        )


class UsedAnswer(RedemptionAnswer):
    """A voucher that was taken for an order."""

    order_id: str
    amount: int | None
    used_at: Instant

    @classmethod
    def used(cls, entry: Entry, used: Entry, subject: Use) -> Self:
        """The answer to the till that took it, now or before, with the same `subject`."""
        told = RedemptionAnswer.of(entry, RedemptionState.REDEEMED).model_dump()
        return cls(**told, order_id=subject.order_id, amount=subject.amount, used_at=used.recorded_at)
