"""Donations: what charities were given in all, and what a member gave."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from functions.donations.models import CharityTotalsAnswer, Month, StatementAnswer, Year, first_day
from functions.donations.read_statement import read_statement
from functions.donations.read_totals import read_totals
from shared.api.fields import Id
from shared.domain.document import Code
from shared.domain.entry import MemberId
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, POS, for_any, my_member

app = make_app()

Charity = Annotated[Code, Query(description="as the rewards' documents name it")]
From = Annotated[Month, Query(alias="from", description="the first month")]
Until = Annotated[Month, Query(description="the last month")]
OfYear = Annotated[Year | None, Query(description="a calendar year of the program's zone; this one by default")]


@app.get("/v1/donations", tags=["donations"], **for_any(POS, OPERATOR))
def get_donations(charity: Charity, from_: From = "2000-01", until: Until = "2999-12") -> CharityTotalsAnswer:
    """What a charity was given, month by month"""
    months = read_totals(charity, first_day(from_), first_day(until), donations=wiring.wired().donations)
    return CharityTotalsAnswer.of(charity, months)


@app.get("/v1/members/<member_id>/donations", tags=["donations"], **for_any(POS, OPERATOR))
def get_member_donations(member_id: Annotated[Id, Path()], year: OfYear = None) -> StatementAnswer:
    """A member's donations of a year"""
    return _statement(MemberId(member_id), year)


@app.get("/v1/me/donations", tags=["donations"], **for_any(MEMBER))
def get_my_donations(year: OfYear = None) -> StatementAnswer:
    """The caller's own donations of a year"""
    return _statement(my_member(app, wiring.wired().members), year)


def _statement(member: MemberId, year: str | None) -> StatementAnswer:
    wired = wiring.wired()
    found = read_statement(member, int(year) if year else None, ledger=wired.ledger, programs=wired.programs)
    return StatementAnswer.of(member, found)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
