"""/v1/campaigns: operators start, pause, resume and cancel campaigns, try them, and read what they gave."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from functions.campaigns.dry_run_campaign import begin_dry_run, read_dry_run
from functions.campaigns.find_campaign import find_campaign, list_campaigns, with_runs
from functions.campaigns.models import (
    CampaignActRequest,
    CampaignAnswer,
    CampaignDryRunRequest,
    CampaignListedAnswer,
    CampaignsAnswer,
)
from functions.campaigns.move_campaign import GOES_ON, Calendar, move_campaign
from functions.campaigns.read_draw import read_draw
from functions.campaigns.read_report import read_report
from functions.campaigns.report_models import (
    CampaignDrawAnswer,
    CampaignDryRunAnswer,
    CampaignDryRunStartedAnswer,
    CampaignReportAnswer,
)
from shared.api.fields import Id
from shared.domain.control import Act
from shared.domain.document import Code
from shared.domain.errors import LaurelError
from shared.entrypoint import outlets, wiring
from shared.entrypoint.app import JSON, make_app, serve
from shared.entrypoint.callers import OPERATOR, caller, for_any
from shared.entrypoint.waking import want_tick

app = make_app()
logger = Logger()

CampaignId = Annotated[Code, Path()]
Period = Annotated[Id, Path()]
Why = Annotated[CampaignActRequest, Body()]


@app.get("/v1/campaigns", tags=["campaigns"], **for_any(OPERATOR))
def get_campaigns() -> CampaignsAnswer:
    """The campaigns of the program, and where each one stands"""
    wired = wiring.wired()
    found = list_campaigns(campaigns=wired.campaigns, programs=wired.programs, clock=wired.clock)
    return CampaignsAnswer(campaigns=[CampaignListedAnswer.listed(standing) for standing in found])


@app.get("/v1/campaigns/<campaign_id>", tags=["campaigns"], **for_any(OPERATOR))
def get_campaign(campaign_id: CampaignId) -> CampaignAnswer:
    """A campaign: its document, what was done with it by whom and why, and its runs"""
    wired = wiring.wired()
    found = find_campaign(campaign_id, campaigns=wired.campaigns, programs=wired.programs, clock=wired.clock)
    return CampaignAnswer.of(with_runs(found, runs=wired.runs))


@app.post("/v1/campaigns/<campaign_id>/start", tags=["campaigns"], **for_any(OPERATOR))
def post_campaign_start(campaign_id: CampaignId, body: Why) -> CampaignAnswer:
    """Start a draft: it gives from now on, or from its own time"""
    return _move(campaign_id, Act.START, body)


@app.post("/v1/campaigns/<campaign_id>/pause", tags=["campaigns"], **for_any(OPERATOR))
def post_campaign_pause(campaign_id: CampaignId, body: Why) -> CampaignAnswer:
    """Give nothing more until it is resumed, from the very next bonus on"""
    return _move(campaign_id, Act.PAUSE, body)


@app.post("/v1/campaigns/<campaign_id>/resume", tags=["campaigns"], **for_any(OPERATOR))
def post_campaign_resume(campaign_id: CampaignId, body: Why) -> CampaignAnswer:
    """Go on after a pause, and make up for what came meanwhile"""
    return _move(campaign_id, Act.RESUME, body)


@app.post("/v1/campaigns/<campaign_id>/cancel", tags=["campaigns"], **for_any(OPERATOR))
def post_campaign_cancel(campaign_id: CampaignId, body: Why) -> CampaignAnswer:
    """Give nothing more, for ever; what was given stays given"""
    return _move(campaign_id, Act.CANCEL, body)


def _move(campaign_id: str, act: Act, body: CampaignActRequest) -> CampaignAnswer:
    wired = wiring.wired()
    calendar = Calendar(outlets.schedules(), outlets.named("bonuses"), wired.settings.stage, _left_over)
    moved = move_campaign(
        campaign_id,
        act,
        caller(app).digest,
        body.reason,
        campaigns=wired.campaigns,
        programs=wired.programs,
        clock=wired.clock,
        calendar=calendar,
    )
    if act in GOES_ON:
        want_tick(f"campaign_{act}", campaign=campaign_id)
    return CampaignAnswer.of(with_runs(moved, runs=wired.runs))


def _left_over(error: LaurelError) -> None:
    logger.warning("schedule_left_over", error=type(error).__name__, exc_info=error)


@app.post(
    "/v1/campaigns/<campaign_id>/dry-runs",
    status_code=HTTPStatus.ACCEPTED,
    responses={
        HTTPStatus.ACCEPTED: {"description": "It runs", "content": {JSON: {"model": CampaignDryRunStartedAnswer}}},
    },
    tags=["campaigns"],
    **for_any(OPERATOR),
)
def post_campaign_dry_run(
    campaign_id: CampaignId, body: Annotated[CampaignDryRunRequest, Body()]
) -> Response[CampaignDryRunStartedAnswer]:
    """Find out what the campaign would give if it came now; nothing is given"""
    wired = wiring.wired()
    run = begin_dry_run(
        campaign_id,
        body.breakage_percent,
        runs=wired.runs,
        machine=outlets.machine(),
        budgets=wired.budgets,
        rewards=wired.rewards,
        programs=wired.programs,
        clock=wired.clock,
    )
    return Response(HTTPStatus.ACCEPTED, JSON, CampaignDryRunStartedAnswer.of(run))


@app.get("/v1/campaigns/<campaign_id>/dry-runs/<period>", tags=["campaigns"], **for_any(OPERATOR))
def get_campaign_dry_run(campaign_id: CampaignId, period: Period) -> CampaignDryRunAnswer:
    """What a dry run counted, and what that would cost"""
    wired = wiring.wired()
    return CampaignDryRunAnswer.of(read_dry_run(campaign_id, period, runs=wired.runs, programs=wired.programs))


@app.get("/v1/campaigns/<campaign_id>/report", tags=["campaigns"], **for_any(OPERATOR))
def get_campaign_report(campaign_id: CampaignId) -> CampaignReportAnswer:
    """What a campaign gave, what it cost, whom it passed over and why, and what is left of its budgets"""
    wired = wiring.wired()
    report = read_report(
        campaign_id,
        campaigns=wired.campaigns,
        runs=wired.runs,
        budgets=wired.budgets,
        programs=wired.programs,
        clock=wired.clock,
    )
    return CampaignReportAnswer.of(report)


@app.get("/v1/campaigns/<campaign_id>/draws/<period>", tags=["campaigns"], **for_any(OPERATOR))
def get_campaign_draw(campaign_id: CampaignId, period: Period) -> CampaignDrawAnswer:
    """A draw: its seed, its rule, and the tickets that won"""
    wired = wiring.wired()
    drawing = read_draw(campaign_id, period, campaigns=wired.campaigns, runs=wired.runs, programs=wired.programs)
    return CampaignDrawAnswer.of(drawing)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
