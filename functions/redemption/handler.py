"""Redemptions and vouchers: members spend points, tills take vouchers."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from functions.redemption.models import (
    CancelledAnswer,
    CancelRequest,
    IssuedAnswer,
    RedeemQuoteAnswer,
    RedeemRequest,
    RedemptionAnswer,
    RedemptionsAnswer,
    UsedAnswer,
    UseRequest,
    VoucherRequest,
)
from functions.redemption.redeem_reward import (
    cancel_redemption,
    find_redemption,
    open_redemptions,
    quote_reward,
    read_redemption,
    redeem_reward,
)
from functions.redemption.use_voucher import use_voucher, validate_voucher
from shared.api.fields import EntryId, Id, IdempotencyKey
from shared.domain.entry import EntryKey, MemberId, caller_key
from shared.domain.errors import VoucherLapsedError
from shared.domain.voucher import RedemptionState
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, POS, caller, for_any, my_member

app = make_app()

Redemption = Annotated[EntryId, Path()]


@app.post("/v1/members/<member_id>/redemptions", status_code=201, tags=["redemption"], **for_any(POS, OPERATOR))
def post_redemption(
    member_id: Annotated[Id, Path()], body: Annotated[RedeemRequest, Body()], idempotency_key: IdempotencyKey
) -> IssuedAnswer:
    """Redeem a reward for a member, once per Idempotency-Key"""
    return _redeemed(member_id, body, idempotency_key)


@app.post("/v1/me/redemptions", status_code=201, tags=["redemption"], **for_any(MEMBER))
def post_my_redemption(body: Annotated[RedeemRequest, Body()], idempotency_key: IdempotencyKey) -> IssuedAnswer:
    """Redeem a reward for the caller, once per Idempotency-Key"""
    return _redeemed(_me(), body, idempotency_key)


@app.post("/v1/members/<member_id>/redemptions/quote", tags=["redemption"], **for_any(POS, OPERATOR))
def post_redemption_quote(member_id: Annotated[Id, Path()], body: Annotated[RedeemRequest, Body()]) -> RedeemQuoteAnswer:
    """What a redemption would take now; writes nothing"""
    return _quoted(member_id, body)


@app.post("/v1/me/redemptions/quote", tags=["redemption"], **for_any(MEMBER))
def post_my_redemption_quote(body: Annotated[RedeemRequest, Body()]) -> RedeemQuoteAnswer:
    """What a redemption would take now; writes nothing"""
    return _quoted(_me(), body)


@app.get("/v1/members/<member_id>/redemptions", tags=["redemption"], **for_any(POS, OPERATOR))
def get_redemptions(member_id: Annotated[Id, Path()]) -> RedemptionsAnswer:
    """What a member has and did not use yet"""
    return _open(MemberId(member_id))


@app.get("/v1/me/redemptions", tags=["redemption"], **for_any(MEMBER))
def get_my_redemptions() -> RedemptionsAnswer:
    """What the caller has and did not use yet"""
    return _open(_me())


@app.get("/v1/redemptions/<redemption_id>", tags=["redemption"], **for_any(POS, OPERATOR))
def get_redemption(redemption_id: Redemption) -> RedemptionAnswer:
    """A redemption and where it stands"""
    return _read(redemption_id, None)


@app.get("/v1/me/redemptions/<redemption_id>", tags=["redemption"], **for_any(MEMBER))
def get_my_redemption(redemption_id: Redemption) -> RedemptionAnswer:
    """One of the caller's redemptions and where it stands"""
    return _read(redemption_id, _me())


@app.post("/v1/redemptions/<redemption_id>/cancel", tags=["redemption"], **for_any(POS, OPERATOR))
def post_cancel(redemption_id: Redemption, body: Annotated[CancelRequest, Body()]) -> CancelledAnswer:
    """Take a redemption back: its points return with their own dates"""
    return _cancelled(redemption_id, body, None)


@app.post("/v1/me/redemptions/<redemption_id>/cancel", tags=["redemption"], **for_any(MEMBER))
def post_my_cancel(redemption_id: Redemption, body: Annotated[CancelRequest, Body()]) -> CancelledAnswer:
    """Take one of the caller's redemptions back"""
    return _cancelled(redemption_id, body, _me())


@app.post("/v1/vouchers/validate", tags=["redemption"], **for_any(POS))
def post_validation(body: Annotated[VoucherRequest, Body()]) -> RedemptionAnswer:
    """What a voucher is for and whether it can be used; uses nothing"""
    wired = wiring.wired()
    found, state = validate_voucher(body.code, body.member_id, caller(app).digest, ledger=wired.ledger, attempts=wired.attempts)
    return RedemptionAnswer.of(found, state)


@app.post("/v1/vouchers/redeem", tags=["redemption"], **for_any(POS))
def post_use(body: Annotated[UseRequest, Body()]) -> UsedAnswer:
    """Take a voucher for an order, once"""
    wired = wiring.wired()
    found, used = use_voucher(
        body.code, body.use(), body.member_id, caller(app).digest, ledger=wired.ledger, attempts=wired.attempts
    )
    return UsedAnswer.used(found, used, body.use())


def _me() -> MemberId:
    return my_member(app, wiring.wired().members)


def _redeemed(member_id: str, body: RedeemRequest, idempotency_key: str) -> IssuedAnswer:
    wired, key = wiring.wired(), caller_key(caller(app).digest, "redeem", idempotency_key)
    request = body.request(member_id)
    entry = redeem_reward(request, key, ledger=wired.ledger, programs=wired.programs, clock=wired.clock, rng=wired.code_rng)
    return IssuedAnswer.issued(entry)


def _quoted(member_id: str, body: RedeemRequest) -> RedeemQuoteAnswer:
    wired = wiring.wired()
    found = quote_reward(body.request(member_id), ledger=wired.ledger, programs=wired.programs, clock=wired.clock)
    return RedeemQuoteAnswer.of(found)


def _open(member: MemberId) -> RedemptionsAnswer:
    found = open_redemptions(member, ledger=wiring.wired().ledger)
    return RedemptionsAnswer(redemptions=[RedemptionAnswer.of(entry, RedemptionState.ISSUED) for entry in found])


def _read(redemption_id: str, member: MemberId | None) -> RedemptionAnswer:
    found, state = read_redemption(EntryKey(redemption_id), member=member, ledger=wiring.wired().ledger)
    return RedemptionAnswer.of(found, state)


def _cancelled(redemption_id: str, body: CancelRequest, member: MemberId | None) -> CancelledAnswer:
    ledger, key = wiring.wired().ledger, EntryKey(redemption_id)
    found = find_redemption(key, member=member, ledger=ledger)
    try:
        return CancelledAnswer.cancelled(found, cancel_redemption(found, body.reason, ledger=ledger))
    except VoucherLapsedError:
        return CancelledAnswer.cancelled(found, None)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
