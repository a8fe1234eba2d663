"""POST /v1/members/{member_id}/transfers and its kin."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from functions.transfers.models import (
    AllowanceAnswer,
    AllowancesAnswer,
    RecognitionAnswer,
    RecognitionBody,
    TransferAnswer,
    TransferBody,
)
from functions.transfers.recognize_member import read_allowances, recognize_member
from functions.transfers.transfer_points import transfer_points
from shared.api.fields import Id, IdempotencyKey
from shared.domain.entry import caller_key
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, caller, for_any, my_member

app = make_app()


@app.post("/v1/members/<member_id>/transfers", status_code=201, tags=["transfers"], **for_any(OPERATOR))
def post_transfer(
    member_id: Annotated[Id, Path()], body: Annotated[TransferBody, Body()], idempotency_key: IdempotencyKey
) -> TransferAnswer:
    """Give a member's points to another member, once per Idempotency-Key"""
    return _transferred(member_id, body, idempotency_key)


@app.post("/v1/me/transfers", status_code=201, tags=["transfers"], **for_any(MEMBER))
def post_my_transfer(body: Annotated[TransferBody, Body()], idempotency_key: IdempotencyKey) -> TransferAnswer:
    """Give the caller's points to another member, once per Idempotency-Key"""
    return _transferred(my_member(app, wiring.wired().members), body, idempotency_key)


def _transferred(member_id: str, body: TransferBody, idempotency_key: str) -> TransferAnswer:
    wired, request = wiring.wired(), body.request(member_id)
    key = caller_key(caller(app).digest, "transfer", idempotency_key)
    entry = transfer_points(request, key, ledger=wired.ledger, programs=wired.programs, clock=wired.clock)
    return TransferAnswer.of(entry, request)


@app.post("/v1/members/<member_id>/recognitions", status_code=201, tags=["transfers"], **for_any(OPERATOR))
def post_recognition(
    member_id: Annotated[Id, Path()], body: Annotated[RecognitionBody, Body()], idempotency_key: IdempotencyKey
) -> RecognitionAnswer:
    """Give points out of a member's allowance to another member, once per Idempotency-Key"""
    return _recognized(member_id, body, idempotency_key)


@app.post("/v1/me/recognitions", status_code=201, tags=["transfers"], **for_any(MEMBER))
def post_my_recognition(body: Annotated[RecognitionBody, Body()], idempotency_key: IdempotencyKey) -> RecognitionAnswer:
    """Give points out of the caller's allowance to another member, once per Idempotency-Key"""
    return _recognized(my_member(app, wiring.wired().members), body, idempotency_key)


@app.get("/v1/me/recognitions", tags=["transfers"], **for_any(MEMBER))
def get_my_allowances() -> AllowancesAnswer:
    """What the caller may still give out of each allowance"""
    wired = wiring.wired()
    found = read_allowances(my_member(app, wired.members), ledger=wired.ledger, programs=wired.programs, clock=wired.clock)
    return AllowancesAnswer(allowances=[AllowanceAnswer.of(allowance) for allowance in found])


def _recognized(member_id: str, body: RecognitionBody, idempotency_key: str) -> RecognitionAnswer:
    wired, request = wiring.wired(), body.request(member_id)
    key = caller_key(caller(app).digest, "recognition", idempotency_key)
    entry = recognize_member(request, key, ledger=wired.ledger, programs=wired.programs, clock=wired.clock)
    return RecognitionAnswer.of(entry)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
