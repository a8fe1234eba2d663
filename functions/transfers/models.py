"""Requests and answers of transfers."""

from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import Field

from functions.transfers.recognize_member import AllowanceLeft
from shared.api.answers import BalanceAnswer
from shared.api.fields import Answer, Id, Instant, Request
from shared.domain.document import Code
from shared.domain.entry import Entry
from shared.domain.points import POINTS_PER_CALL_MAX
from shared.domain.recognizing import RecognitionRequest, recognized
from shared.domain.transferring import TransferRequest
from shared.domain.written import Reason


class RecognitionBody(Request):
    """A member gives the member `to` `points` out of the allowance of a `recognition`, with a word about why."""

    recognition: Code
    to: Id
    points: Annotated[int, Field(ge=1, le=POINTS_PER_CALL_MAX)]
    message: Reason | None = None

    def request(self, member_id: str) -> RecognitionRequest:
        """The domain's request for the member who gives."""
        return RecognitionRequest(
            member_id=member_id, to=self.to, recognition=self.recognition, points=self.points, message=self.message
        )


class RecognitionAnswer(Answer):
    """Points that were given out of an allowance; the other member has them now, the giver's own are as they were."""

    entry_id: str
    member_id: str
    to: str
    recognition: str
    currency: str
    points: int
    message: str | None
    recorded_at: Instant

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer that the giver's entry stands for."""
        told = recognized(entry)
        return cls(
            entry_id=entry.key,
            member_id=entry.member,
            to=told.counterpart,
            recognition=told.recognition,
            currency=told.currency,
            points=told.points,
            message=told.message,
            recorded_at=entry.recorded_at,
        )


class AllowanceAnswer(Answer):
    """What a member may still give by a recognition: `left` of `points` until the end of `last_day`, so much at a time."""

    recognition: str
    currency: str
    points: int
    left: int
    last_day: date
    points_min: int
    points_max: int

    @classmethod
    def of(cls, found: AllowanceLeft) -> Self:
        """The answer for an allowance."""
        offered = found.recognition
        return cls(
            recognition=offered.id,
            currency=offered.currency,
            points=offered.allowance.points,
            left=found.left,
            last_day=found.until - timedelta(days=1),
            points_min=offered.points_min,
            points_max=offered.points_max,
        )


class AllowancesAnswer(Answer):
    """Every allowance of the program."""

    allowances: list[AllowanceAnswer]


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
