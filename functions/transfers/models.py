"""Requests and answers of transfers."""

from typing import Annotated, Self

from pydantic import Field

from shared.api.answers import BalanceAnswer
from shared.api.fields import Answer, Id, Instant, Request
from shared.domain.document import Code
from shared.domain.entry import Entry
from shared.domain.points import POINTS_PER_CALL_MAX
from shared.domain.transferring import TransferRequest


class TransferBody(Request):
    """A member gives `points` of a currency to the member `to`; they keep their dates."""

    to: Id
    currency: Code
    points: Annotated[int, Field(ge=1, le=POINTS_PER_CALL_MAX)]

    def request(self, member_id: str) -> TransferRequest:
        """The domain's request for the member who gives."""
        return TransferRequest(member_id=member_id, to=self.to, currency=self.currency, points=self.points)


class TransferAnswer(Answer):
    """Points that were given, and the giver's balances right after."""

    entry_id: str
    member_id: str
    to: str
    currency: str
    points: int
    recorded_at: Instant
    balances: list[BalanceAnswer]

    @classmethod
    def of(cls, entry: Entry, request: TransferRequest) -> Self:
        """The answer that the giver's entry stands for; `request` is the one that it answers, now or before."""
        return cls(
            entry_id=entry.key,
            member_id=entry.member,
            to=request.to,
            currency=request.currency,
            points=request.points,
            recorded_at=entry.recorded_at,
            balances=[BalanceAnswer.of(after) for after in entry.after],
        )
