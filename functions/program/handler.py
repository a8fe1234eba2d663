"""/v1/program: the rules as data."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.program.activate_program import activate_program
from functions.program.models import ActivateRequest, ProgramAnswer, ProgramsAnswer
from shared.domain.errors import BeforeProgramError, ProgramMissingError
from shared.domain.program import ProgramVersion, in_force
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import OPERATOR, POS, for_any

app = make_app()


@app.get("/v1/program", tags=["program"], **for_any(POS, OPERATOR))
def get_program() -> ProgramsAnswer:
    """The version in force, and every version there ever was"""
    wired = wiring.wired()
    versions = wired.programs.latest()
    try:
        current = in_force(versions, wired.clock.now()).version
    except (ProgramMissingError, BeforeProgramError):
        current = None
    return ProgramsAnswer(in_force=current, versions=[_answer(version) for version in reversed(versions)])


@app.put("/v1/program", tags=["program"], **for_any(OPERATOR))
def put_program(body: Annotated[ActivateRequest, Body()]) -> ProgramAnswer:
    """Validate a document and put it into force as the next version"""
    wired = wiring.wired()
    return _answer(activate_program(body.program, body.effective_from, programs=wired.programs, clock=wired.clock))


def _answer(version: ProgramVersion) -> ProgramAnswer:
    return ProgramAnswer(
        version=version.version,
        effective_from=version.effective_from,
        activated_at=version.activated_at,
        program=version.program.model_dump(mode="json"),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
