"""/v1/members/{member_id}/tier and /v1/memberships: where a member stands."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from functions.standing.models import BillingAnswer, BillingBody, ReviewAnswer, StandingAnswer
from functions.standing.read_standing import read_standing
from functions.standing.review_tier import review_tier
from functions.standing.tell_billing import record_billing
from shared.api.fields import Id
from shared.domain.billing import billing_of
from shared.domain.entry import MemberId
from shared.domain.reviewing import review_of
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, POS, for_any, my_member

app = make_app()


@app.get("/v1/members/<member_id>/tier", tags=["standing"], **for_any(POS, OPERATOR))
def get_tier(member_id: Annotated[Id, Path()]) -> StandingAnswer:
    """A member's tier, the way to the next one, when it falls, and paid memberships"""
    return _standing(MemberId(member_id))


@app.get("/v1/me/tier", tags=["standing"], **for_any(MEMBER))
def get_my_tier() -> StandingAnswer:
    """The caller's tier, the way to the next one, when it falls, and paid memberships"""
    return _standing(my_member(app, wiring.wired().members))


@app.post("/v1/members/<member_id>/tier/reviews", tags=["standing"], **for_any(OPERATOR))
def post_review(member_id: Annotated[Id, Path()]) -> ReviewAnswer:
    """Tell a tier that changed by date, once however often this is called"""
    wired, member = wiring.wired(), MemberId(member_id)
    entry = review_tier(member, ledger=wired.ledger, programs=wired.programs)
    if entry is None:
        level = read_standing(member, ledger=wired.ledger, programs=wired.programs).outlook.level
        tier = level.id if level else None
        return ReviewAnswer(changed=False, entry_id=None, before=tier, tier=tier)
    told = review_of(entry)
    return ReviewAnswer(changed=True, entry_id=entry.key, before=told.before, tier=told.after)


@app.post("/v1/memberships/events", status_code=201, tags=["standing"], **for_any(POS, OPERATOR))
def post_billing(body: Annotated[BillingBody, Body()]) -> BillingAnswer:
    """Keep what a billing provider tells of a paid membership, once per event_id, in any order"""
    wired = wiring.wired()
    entry = record_billing(body.event(), ledger=wired.ledger, programs=wired.programs)
    return BillingAnswer.of(entry, billing_of(entry))


def _standing(member: MemberId) -> StandingAnswer:
    wired = wiring.wired()
    return StandingAnswer.of(read_standing(member, ledger=wired.ledger, programs=wired.programs))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
