"""Adjustments: operators give and take points; above the program's limit a second operator decides."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from functions.adjustments.adjust_points import adjust_points
from functions.adjustments.decide_adjustment import approve_adjustment, read_adjustment, reject_adjustment
from functions.adjustments.models import AdjustmentAnswer, AdjustmentsAnswer, AdjustRequest, RejectRequest
from shared.api.fields import EntryId, Id, IdempotencyKey
from shared.domain.adjusting import Standing
from shared.domain.entry import EntryKey, caller_key
from shared.entrypoint import wiring
from shared.entrypoint.app import JSON, make_app, serve
from shared.entrypoint.callers import OPERATOR, caller, for_any

app = make_app()

Adjustment = Annotated[EntryId, Path()]


@app.post(
    "/v1/members/<member_id>/adjustments",
    status_code=HTTPStatus.CREATED,
    responses={
        HTTPStatus.CREATED: {"description": "Posted", "content": {JSON: {"model": AdjustmentAnswer}}},
        HTTPStatus.ACCEPTED: {"description": "Awaits a second operator", "content": {JSON: {"model": AdjustmentAnswer}}},
    },
    tags=["adjustments"],
    **for_any(OPERATOR),
)
def post_adjustment(
    member_id: Annotated[Id, Path()], body: Annotated[AdjustRequest, Body()], idempotency_key: IdempotencyKey
) -> Response[AdjustmentAnswer]:
    """Give or take a member's points, once per Idempotency-Key"""
    wired, operator = wiring.wired(), caller(app).digest
    standing = adjust_points(
        body.request(member_id),
        caller_key(operator, "adjust", idempotency_key),
        operator,
        ledger=wired.ledger,
        approvals=wired.approvals,
        programs=wired.programs,
        clock=wired.clock,
    )
    status = HTTPStatus.CREATED if standing.alone else HTTPStatus.ACCEPTED
    return Response(status, JSON, AdjustmentAnswer.of(standing))


@app.get("/v1/adjustments", tags=["adjustments"], **for_any(OPERATOR))
def get_adjustments() -> AdjustmentsAnswer:
    """What awaits a second operator"""
    waiting = wiring.wired().approvals.waiting()
    return AdjustmentsAnswer(adjustments=[AdjustmentAnswer.of(Standing(proposal)) for proposal in waiting])


@app.get("/v1/adjustments/<adjustment_id>", tags=["adjustments"], **for_any(OPERATOR))
def get_adjustment(adjustment_id: Adjustment) -> AdjustmentAnswer:
    """An adjustment and where it stands"""
    return AdjustmentAnswer.of(read_adjustment(EntryKey(adjustment_id), approvals=wiring.wired().approvals))


@app.post("/v1/adjustments/<adjustment_id>/approve", tags=["adjustments"], **for_any(OPERATOR))
def post_approval(adjustment_id: Adjustment) -> AdjustmentAnswer:
    """Post what another operator proposed, once"""
    wired = wiring.wired()
    standing = approve_adjustment(
        EntryKey(adjustment_id),
        caller(app).digest,
        approvals=wired.approvals,
        programs=wired.programs,
        clock=wired.clock,
    )
    return AdjustmentAnswer.of(standing)


@app.post("/v1/adjustments/<adjustment_id>/reject", tags=["adjustments"], **for_any(OPERATOR))
def post_rejection(adjustment_id: Adjustment, body: Annotated[RejectRequest, Body()]) -> AdjustmentAnswer:
    """Say no to what another operator proposed, once"""
    wired = wiring.wired()
    standing = reject_adjustment(
        EntryKey(adjustment_id), caller(app).digest, body.reason, approvals=wired.approvals, ledger=wired.ledger
    )
    return AdjustmentAnswer.of(standing)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
