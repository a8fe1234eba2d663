"""/v1/members and /v1/me: who the members are."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from functions.members.change_member import change_member, close_member, merge_members
from functions.members.enrol_member import enrol_member
from functions.members.find_member import find_me, find_members
from functions.members.models import (
    ChangeRequest,
    EnrolAnswer,
    EnrolRequest,
    MemberAnswer,
    MembersAnswer,
    MergedAnswer,
    MergeRequest,
    MyChangeRequest,
)
from shared.api.answers import BalanceAnswer, EntryAnswer
from shared.api.fields import Id
from shared.domain.entry import MemberId
from shared.domain.errors import ForbiddenError
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, POS, caller, for_any

app = make_app()


@app.post("/v1/members", status_code=201, tags=["members"], **for_any(POS, OPERATOR))
def post_member(body: Annotated[EnrolRequest, Body()]) -> EnrolAnswer:
    """Enrol a customer as a member, once per customer id; by a referral code, if the customer has one"""
    wired = wiring.wired()
    enrolment = enrol_member(
        body,
        caller(app).digest,
        members=wired.members,
        programs=wired.programs,
        codes=wired.referral_codes,
        clock=wired.clock,
    )
    return EnrolAnswer.of(enrolment)


@app.get("/v1/members", tags=["members"], **for_any(POS, OPERATOR))
def get_members(
    customer_id: Annotated[Id | None, Query()] = None,
    email: Annotated[str | None, Query(max_length=254)] = None,
    phone: Annotated[str | None, Query(max_length=32)] = None,
) -> MembersAnswer:
    """Find a member by exactly one of customer id, e-mail and phone"""
    given = {"customer_id": customer_id, "email": email, "phone": phone}
    found = find_members(given, members=wiring.wired().members)
    return MembersAnswer(members=[MemberAnswer.of(profile) for profile in found])


@app.get("/v1/members/<member_id>", tags=["members"], **for_any(POS, OPERATOR))
def get_member(member_id: Annotated[Id, Path()]) -> MemberAnswer:
    """A member's profile"""
    return MemberAnswer.of(wiring.wired().members.profile(MemberId(member_id)))


@app.patch("/v1/members/<member_id>", tags=["members"], **for_any(POS, OPERATOR))
def patch_member(member_id: Annotated[Id, Path()], body: Annotated[ChangeRequest, Body()]) -> MemberAnswer:
    """Change a member's profile; only an operator changes the login"""
    if "login" in body.model_fields_set and OPERATOR not in caller(app).scopes:
        raise ForbiddenError(scopes_any=[OPERATOR])
    wired = wiring.wired()
    changed = change_member(MemberId(member_id), body, members=wired.members, clock=wired.clock)
    return MemberAnswer.of(changed)


@app.post("/v1/members/<member_id>/close", tags=["members"], **for_any(OPERATOR))
def post_close(member_id: Annotated[Id, Path()]) -> EntryAnswer:
    """Close a member: points are forfeited, debt is forgiven, personal data are erased"""
    wired = wiring.wired()
    return EntryAnswer.of(close_member(MemberId(member_id), members=wired.members, programs=wired.programs))


@app.post("/v1/members/<member_id>/merge", tags=["members"], **for_any(OPERATOR))
def post_merge(member_id: Annotated[Id, Path()], body: Annotated[MergeRequest, Body()]) -> MergedAnswer:
    """Merge a member into another, who takes over points with their dates, and debt"""
    wired = wiring.wired()
    entry = merge_members(MemberId(member_id), MemberId(body.into), body.reason, members=wired.members, programs=wired.programs)
    return MergedAnswer(
        entry_id=entry.key,
        member_id=entry.member,
        merged_into=body.into,
        recorded_at=entry.recorded_at,
        balances=[BalanceAnswer.of(after) for after in entry.after],
    )


@app.get("/v1/me", tags=["members"], **for_any(MEMBER))
def get_me() -> MemberAnswer:
    """The caller's own profile"""
    return MemberAnswer.of(find_me(caller(app).login, members=wiring.wired().members))


@app.patch("/v1/me", tags=["members"], **for_any(MEMBER))
def patch_me(body: Annotated[MyChangeRequest, Body()]) -> MemberAnswer:
    """Change what members may change themselves"""
    wired = wiring.wired()
    me = find_me(caller(app).login, members=wired.members)
    changed = change_member(me.member, body, members=wired.members, clock=wired.clock)
    return MemberAnswer.of(changed)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
