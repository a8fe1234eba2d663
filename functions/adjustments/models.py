"""Requests and answers of adjustments."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from shared.api.answers import EntryAnswer
from shared.api.fields import Answer, Instant, Request
from shared.domain.adjusting import AdjustmentRequest, Standing, adjustment_of
from shared.domain.document import Code
from shared.domain.points import POINTS_PER_CALL_MAX
from shared.domain.written import Reason


def _moves(points: int) -> int:
    if not points:
        raise ValueError("must not be 0")
    return points


Points = Annotated[int, Field(ge=-POINTS_PER_CALL_MAX, le=POINTS_PER_CALL_MAX, examples=[250, -250]), AfterValidator(_moves)]


class AdjustRequest(Request):
    """Points that a member is to get (above zero) or to lose (below zero)."""

    currency: Code
    points: Points
    reason: Reason

    def request(self, member_id: str) -> AdjustmentRequest:
        """The domain's request for a member."""
        return AdjustmentRequest(member_id=member_id, currency=self.currency, points=self.points, reason=self.reason)


class RejectRequest(Request):
    """Why a proposed adjustment is not to be."""

    reason: Reason


class AdjustmentState(StrEnum):
    """Where an adjustment stands."""

    POSTED = "posted"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"


class AdjustmentAnswer(Answer):
    """An adjustment and where it stands: posted, awaiting_approval or rejected.

    Operators are named by digests that tell nothing of their login. `decided_by` and `decided_at` are null where one operator
    was enough, and while it waits. `entry` is what was posted.
    """

    adjustment_id: str
    state: AdjustmentState
    member_id: str
    currency: str
    points: int
    reason: str
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None
    decided_at: Instant | None
    rejected_because: str | None
    entry: EntryAnswer | None

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The adjustment as it stands."""
        proposal, entry, rejection = standing.proposal, standing.entry, standing.rejection
        by, at = _decided(standing)
        return cls(
            adjustment_id=proposal.key,
            state=_state(standing),
            member_id=proposal.member,
            currency=proposal.adjustment.currency,
            points=proposal.adjustment.points,
            reason=proposal.adjustment.reason,
            proposed_by=proposal.adjustment.operator,
            proposed_at=proposal.proposed_at,
            decided_by=by,
            decided_at=at,
            rejected_because=rejection.reason if rejection else None,
            entry=EntryAnswer.of(entry) if entry else None,
        )


def _state(standing: Standing) -> AdjustmentState:
    if standing.entry is not None:
        return AdjustmentState.POSTED
    return AdjustmentState.REJECTED if standing.rejection else AdjustmentState.AWAITING_APPROVAL


def _decided(standing: Standing) -> tuple[str | None, datetime | None]:
    if standing.rejection is not None:
        return standing.rejection.operator, standing.rejection.rejected_at
    if standing.entry is None or standing.alone:
        return None, None
    return adjustment_of(standing.entry).approved_by, standing.entry.recorded_at


class AdjustmentsAnswer(Answer):
    """Adjustments that wait for a second operator, the oldest first."""

    adjustments: list[AdjustmentAnswer]
