"""/v1/program: the rules as data."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel

from functions.program.activate_program import activate_program, roll_back
from functions.program.check_program import compare_programs, validate_program
from functions.program.conditions import etag_of
from functions.program.models import (
    ActivateRequest,
    BudgetAnswer,
    BudgetsAnswer,
    IfMatch,
    IfNoneMatch,
    ProgramAnswer,
    ProgramDiffAnswer,
    ProgramDiffRequest,
    ProgramDraftRequest,
    ProgramRollbackRequest,
    ProgramsAnswer,
    ProgramVerdictAnswer,
    ProgramVersionAnswer,
    VersionInPath,
)
from functions.program.read_budgets import read_budgets
from functions.program.read_program import document_of, list_versions, program_schema, version_at, version_of
from functions.program.simulate_program import simulate_program
from functions.program.simulation_models import SimulationAnswer, SimulationRequest
from shared.domain.program import ProgramVersion
from shared.entrypoint import wiring
from shared.entrypoint.app import JSON, make_app, serve
from shared.entrypoint.callers import OPERATOR, POS, caller, for_any

app = make_app()


def _with_etag(model: type[BaseModel], etag: str) -> dict[str, Any]:
    """The argument of a route whose answer has an ETag."""
    answer = {
        "description": "Successful Response",
        "headers": {"ETag": {"description": etag, "schema": {"type": "string"}}},
        "content": {JSON: {"model": model}},
    }
    return {"responses": {HTTPStatus.OK: answer}}


_OF_NEWEST = "of the newest version, for If-Match; none before the first"
_OF_THIS = "of this version, for If-Match while it is the newest"


@app.get("/v1/program", tags=["program"], **_with_etag(ProgramsAnswer, _OF_NEWEST), **for_any(POS, OPERATOR))
def get_program() -> Response[ProgramsAnswer]:
    """The document in force, and a list of every version there ever was"""
    wired = wiring.wired()
    versions, now = wired.programs.latest(), wired.clock.now()
    current = version_at(versions, now)
    answer = ProgramsAnswer(
        in_force=current.version if current else None,
        program=document_of(current) if current else None,
        versions=[ProgramVersionAnswer.of(listed) for listed in list_versions(versions, now)],
    )
    return Response(HTTPStatus.OK, JSON, answer, headers=_etag(versions[-1]) if versions else None)


@app.get("/v1/program/versions/<version>", tags=["program"], **_with_etag(ProgramAnswer, _OF_THIS), **for_any(POS, OPERATOR))
def get_program_version(version: VersionInPath) -> Response[ProgramAnswer]:
    """One version with its document"""
    return _answer(version_of(wiring.wired().programs.latest(), version))


@app.get("/v1/program/schema", tags=["program"], **for_any(POS, OPERATOR))
def get_program_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a program document"""
    return program_schema()


@app.post("/v1/program/validate", tags=["program"], **for_any(OPERATOR))
def post_program_validation(body: Annotated[ProgramDraftRequest, Body()]) -> ProgramVerdictAnswer:
    """Every fault of a document, and what members would lose by it; nothing is written"""
    wired = wiring.wired()
    return ProgramVerdictAnswer.of(validate_program(body.program, programs=wired.programs, clock=wired.clock))


@app.post("/v1/program/diff", tags=["program"], **for_any(OPERATOR))
def post_program_diff(body: Annotated[ProgramDiffRequest, Body()]) -> ProgramDiffAnswer:
    """What is different between two versions, or between a version and a draft; nothing is written"""
    wired = wiring.wired()
    return ProgramDiffAnswer.of(compare_programs(body.before, body.other, programs=wired.programs, clock=wired.clock))


@app.post("/v1/program/simulations", tags=["program"], **for_any(OPERATOR))
def post_simulation(body: Annotated[SimulationRequest, Body()]) -> SimulationAnswer:
    """What a draft would give for orders, beside the version in force; nothing is written"""
    wired = wiring.wired()
    found = simulate_program(body.simulation(), ledger=wired.ledger, programs=wired.programs, clock=wired.clock)
    return SimulationAnswer.of(found)


@app.put("/v1/program", tags=["program"], **_with_etag(ProgramAnswer, _OF_THIS), **for_any(OPERATOR))
def put_program(
    body: Annotated[ActivateRequest, Body()], if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Response[ProgramAnswer]:
    """Put a document into force as the next version"""
    wired = wiring.wired()
    activation = body.activation(caller(app).digest, if_match, if_none_match)
    return _answer(activate_program(body.program, activation, programs=wired.programs, clock=wired.clock))


@app.post("/v1/program/rollback", tags=["program"], **_with_etag(ProgramAnswer, _OF_THIS), **for_any(OPERATOR))
def post_program_rollback(body: Annotated[ProgramRollbackRequest, Body()], if_match: IfMatch = None) -> Response[ProgramAnswer]:
    """Put the document of an old version into force once more, as the next version"""
    wired = wiring.wired()
    activation = body.activation(caller(app).digest, if_match)
    return _answer(roll_back(body.to_version, activation, programs=wired.programs, clock=wired.clock))


def _answer(version: ProgramVersion) -> Response[ProgramAnswer]:
    return Response(HTTPStatus.OK, JSON, ProgramAnswer.of(version), headers=_etag(version))


def _etag(version: ProgramVersion) -> Mapping[str, str | list[str]]:
    return {"ETag": etag_of(version.version)}


@app.get("/v1/program/budgets", tags=["program"], **for_any(OPERATOR))
def get_budgets() -> BudgetsAnswer:
    """What was given of each budget that all members share, in today's period"""
    wired = wiring.wired()
    found = read_budgets(budgets=wired.budgets, programs=wired.programs, clock=wired.clock)
    return BudgetsAnswer(budgets=[BudgetAnswer.of(budget) for budget in found])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
