"""Referrals: members' codes and friends, what brings new customers and what it costs, and operators' rulings."""

from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import BeforeValidator

from functions.referrals.campaign_codes import give_code
from functions.referrals.export_referrals import export_referrals
from functions.referrals.import_models import (
    CampaignCodeAnswer,
    CampaignCodeRequest,
    DomainAnswer,
    DomainPage,
    DomainsAnswer,
    DomainsRequest,
    ExportAnswer,
    ExportRow,
    ImportAnswer,
    ImportRequestBody,
)
from functions.referrals.import_referrals import import_row
from functions.referrals.list_domains import add_domains, list_domains
from functions.referrals.models import (
    InvitationAnswer,
    InvitationBody,
    MyReferralsAnswer,
    OfferedCodeAnswer,
    ReferralCodeAnswer,
    ReferralCodeBody,
    ReferralsAnswer,
)
from functions.referrals.operator_models import (
    AdvocateAnswer,
    AdvocatesAnswer,
    FlagAnswer,
    FlagsAnswer,
    FunnelAnswer,
    ReferralAnswer,
    RulingAnswer,
    RulingRequest,
)
from functions.referrals.read_funnel import list_flags, rank_advocates, read_funnel
from functions.referrals.read_referrals import Brought, read_referral, read_referrals
from functions.referrals.rule_referral import Verb, rule_referral
from functions.referrals.share_code import (
    MEMBERS_MISSES_MAX,
    TILLS_MISSES_MAX,
    choose_code,
    look_up_code,
    read_code,
    share_code,
)
from shared.api.fields import Day, Id, IdempotencyKey, PageSize
from shared.api.mail import MailDomain
from shared.domain import document
from shared.domain.entry import MemberId, caller_key
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, POS, caller, for_any, my_member
from shared.ports import Guesser

app = make_app()

Member = Annotated[Id, Path()]
Code = Annotated[str, BeforeValidator(unquote), Path(min_length=1, max_length=100, description="as it was shared or written")]
Friend = Annotated[Id, Path(description="the member who came by the referral")]
From = Annotated[Day | None, Query(alias="from", description="the first local day; 29 days before the last by default")]
To = Annotated[Day | None, Query(description="the last local day; today by default. At most 366 days in all")]
Limit = Annotated[PageSize, Query()]
Cursor = Annotated[str | None, Query(max_length=1000)]
Why = Annotated[RulingRequest, Body()]


@app.get("/v1/me/referral-code", tags=["referrals"], **for_any(MEMBER))
def get_my_referral_code() -> ReferralCodeAnswer:
    """The caller's own referral code and share link, made at the first ask"""
    return _code(_me())


@app.get("/v1/members/<member_id>/referral-code", tags=["referrals"], **for_any(POS, OPERATOR))
def get_referral_code(member_id: Member) -> ReferralCodeAnswer:
    """A member's referral code and share link, made at the first ask"""
    return _code(MemberId(member_id))


@app.put("/v1/me/referral-code", tags=["referrals"], **for_any(MEMBER))
def put_my_referral_code(body: Annotated[ReferralCodeBody, Body()]) -> ReferralCodeAnswer:
    """Choose the caller's own referral code, once; the one before goes on working"""
    return _chosen(_me(), body, freely=False)


@app.put("/v1/members/<member_id>/referral-code", tags=["referrals"], **for_any(OPERATOR))
def put_referral_code(member_id: Member, body: Annotated[ReferralCodeBody, Body()]) -> ReferralCodeAnswer:
    """Choose a member's referral code; those before go on working"""
    return _chosen(MemberId(member_id), body, freely=True)


@app.get("/v1/me/referral-codes/<code>", tags=["referrals"], **for_any(MEMBER))
def get_offered_code_for_me(code: Code) -> OfferedCodeAnswer:
    """What a referral code promises to a friend"""
    return _offer(code, MEMBERS_MISSES_MAX)


@app.get("/v1/referral-codes/<code>", tags=["referrals"], **for_any(POS, OPERATOR))
def get_offered_code(code: Code) -> OfferedCodeAnswer:
    """What a referral code promises to a friend"""
    return _offer(code, TILLS_MISSES_MAX)


@app.post("/v1/me/invitations", status_code=201, tags=["referrals"], **for_any(MEMBER))
def post_my_invitation(body: Annotated[InvitationBody, Body()], idempotency_key: IdempotencyKey) -> InvitationAnswer:
    """Tell that the caller shared their referral code, once per Idempotency-Key"""
    wired, key = wiring.wired(), caller_key(caller(app).digest, "invitation", idempotency_key)
    entry = share_code(_me(), body.request(), key, codes=wired.referral_codes, ledger=wired.ledger, programs=wired.programs)
    return InvitationAnswer.of(entry)


@app.get("/v1/me/referrals", tags=["referrals"], **for_any(MEMBER))
def get_my_referrals(limit: Limit = 25, cursor: Cursor = None) -> MyReferralsAnswer:
    """What the caller's friends brought, and what more friends would"""
    return MyReferralsAnswer.of(*_brought(_me(), limit, cursor))


@app.get("/v1/members/<member_id>/referrals", tags=["referrals"], **for_any(POS, OPERATOR))
def get_referrals(member_id: Member, limit: Limit = 25, cursor: Cursor = None) -> ReferralsAnswer:
    """What a member's friends brought, and what more friends would"""
    return ReferralsAnswer.of(*_brought(MemberId(member_id), limit, cursor))


@app.get("/v1/members/<member_id>/referral", tags=["referrals"], **for_any(OPERATOR))
def get_referral(member_id: Member) -> ReferralAnswer:
    """How a member came, where the referral stands, and every entry about it"""
    wired, member = wiring.wired(), MemberId(member_id)
    found = read_referral(member, ledger=wired.ledger, referrals=wired.referrals, programs=wired.programs)
    return ReferralAnswer.of(member_id, found)


@app.get("/v1/referrals/funnel", tags=["referrals"], **for_any(OPERATOR))
def get_funnel(from_: From = None, to: To = None) -> FunnelAnswer:
    """How referrals go on from sharing to reward, and what a friend costs"""
    wired = wiring.wired()
    found = read_funnel(from_, to, referrals=wired.referrals, programs=wired.programs, clock=wired.clock)
    return FunnelAnswer.of(found)


@app.get("/v1/referrals/advocates", tags=["referrals"], **for_any(OPERATOR))
def get_advocates(limit: Limit = 25) -> AdvocatesAnswer:
    """The members and campaigns that brought the most friends"""
    found = rank_advocates(limit, referrals=wiring.wired().referrals)
    return AdvocatesAnswer(advocates=[AdvocateAnswer.of(tally) for tally in found])


@app.get("/v1/referrals/flags", tags=["referrals"], **for_any(OPERATOR))
def get_flags(limit: Limit = 25, cursor: Cursor = None) -> FlagsAnswer:
    """Referrals that wait for an operator's look"""
    wired = wiring.wired()
    flags, following = list_flags(limit, cursor, referrals=wired.referrals, secret=wired.cursor_secret.value)
    return FlagsAnswer(referrals=[FlagAnswer.of(flag) for flag in flags], cursor=following)


@app.post("/v1/referrals/<friend_id>/pass", status_code=201, tags=["referrals"], **for_any(OPERATOR))
def post_referral_pass(friend_id: Friend, body: Why) -> RulingAnswer:
    """Let a flagged referral pass; where the friend has qualified, both sides get their points at once"""
    return _ruled(friend_id, Verb.PASS, body)


@app.post("/v1/referrals/<friend_id>/reject", status_code=201, tags=["referrals"], **for_any(OPERATOR))
def post_referral_rejection(friend_id: Friend, body: Why) -> RulingAnswer:
    """Reject a referral before it is awarded"""
    return _ruled(friend_id, Verb.REJECT, body)


@app.post("/v1/referrals/<friend_id>/void", status_code=201, tags=["referrals"], **for_any(OPERATOR))
def post_referral_void(friend_id: Friend, body: Why) -> RulingAnswer:
    """Take back what a referral gave to both sides, whenever that was"""
    return _ruled(friend_id, Verb.VOID, body)


def _ruled(friend: str, verb: Verb, body: RulingRequest) -> RulingAnswer:
    wired = wiring.wired()
    entry = rule_referral(MemberId(friend), verb, body.reason, caller(app).digest, ledger=wired.ledger, programs=wired.programs)
    return RulingAnswer.of(entry)


def _me() -> MemberId:
    return my_member(app, wiring.wired().members)


def _code(member: MemberId) -> ReferralCodeAnswer:
    wired = wiring.wired()
    found = read_code(member, codes=wired.referral_codes, programs=wired.programs, clock=wired.clock)
    return ReferralCodeAnswer.of(found)


def _chosen(member: MemberId, body: ReferralCodeBody, *, freely: bool) -> ReferralCodeAnswer:
    wired = wiring.wired()
    found = choose_code(
        member, body.code, freely=freely, codes=wired.referral_codes, programs=wired.programs, clock=wired.clock
    )
    return ReferralCodeAnswer.of(found)


def _offer(code: str, misses_max: int) -> OfferedCodeAnswer:
    wired = wiring.wired()
    found = look_up_code(
        code,
        Guesser(caller(app).digest, misses_max),
        codes=wired.referral_codes,
        ledger=wired.ledger,
        programs=wired.programs,
        clock=wired.clock,
    )
    return OfferedCodeAnswer.of(found)


def _brought(member: MemberId, limit: int, cursor: str | None) -> tuple[Brought, str | None]:
    wired = wiring.wired()
    found = read_referrals(
        member,
        limit,
        cursor,
        ledger=wired.ledger,
        referrals=wired.referrals,
        programs=wired.programs,
        secret=wired.cursor_secret.value,
    )
    # Who left has no code to share any more.
    return found, None if found.wallet.closed else wired.referral_codes.own(member).shown


@app.get("/v1/referrals/disposable-domains", tags=["referrals"], **for_any(OPERATOR))
def get_domains(limit: Limit = 25, cursor: Cursor = None) -> DomainPage:
    """Mail domains that are listed as disposable"""
    wired = wiring.wired()
    found, following = list_domains(limit, cursor, domains=wired.mail_domains, secret=wired.cursor_secret.value)
    return DomainPage(domains=found, cursor=following)


@app.put("/v1/referrals/disposable-domains", tags=["referrals"], **for_any(OPERATOR))
def put_domains(body: Annotated[DomainsRequest, Body()]) -> DomainsAnswer:
    """List mail domains as disposable, beside those that are"""
    return DomainsAnswer(domains=add_domains(body.domains, domains=wiring.wired().mail_domains))


@app.delete("/v1/referrals/disposable-domains/<domain>", tags=["referrals"], **for_any(OPERATOR))
def delete_domain(domain: Annotated[MailDomain, BeforeValidator(unquote), Path()]) -> DomainAnswer:
    """List a mail domain as disposable no more"""
    wiring.wired().mail_domains.remove(domain)
    return DomainAnswer(domain=domain, listed=False)


@app.post("/v1/referrals/campaigns/<campaign>/codes", status_code=201, tags=["referrals"], **for_any(OPERATOR))
def post_campaign_code(
    campaign: Annotated[document.Code, Path()], body: Annotated[CampaignCodeRequest, Body()]
) -> CampaignCodeAnswer:
    """Give a campaign a code"""
    wired = wiring.wired()
    given = give_code(campaign, body.code, codes=wired.referral_codes, programs=wired.programs)
    return CampaignCodeAnswer.of(given)


@app.post("/v1/referrals/import", tags=["referrals"], **for_any(OPERATOR))
def post_import(body: Annotated[ImportRequestBody, Body()]) -> ImportAnswer:
    """Take over up to 25 referrals of another system, each with a result of its own"""
    wired = wiring.wired()
    results = [import_row(row, ledger=wired.ledger, members=wired.members, programs=wired.programs) for row in body.referrals]
    return ImportAnswer(results=results)


@app.get("/v1/referrals/export", tags=["referrals"], **for_any(OPERATOR))
def get_export(limit: Limit = 25, cursor: Cursor = None) -> ExportAnswer:
    """All referrals, in the form in which they can be imported"""
    wired = wiring.wired()
    found, following = export_referrals(limit, cursor, export=wired.referral_export, secret=wired.cursor_secret.value)
    return ExportAnswer(referrals=[ExportRow.of(one) for one in found], cursor=following)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
