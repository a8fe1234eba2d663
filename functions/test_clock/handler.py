"""/v1/test-clock: a sandbox stage's time, so that a year can be tried in a minute."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.test_clock.models import ClockAnswer, ClockRequest
from shared.domain.errors import RouteUnknownError
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import OPERATOR, for_any
from shared.entrypoint.waking import want_tick
from shared.ports import SettableClock

app = make_app()


@app.get("/v1/test-clock", tags=["test_clock"], **for_any(OPERATOR))
def get_clock() -> ClockAnswer:
    """The stage's time"""
    clock = _clock()
    return ClockAnswer(now=clock.now(), is_set=clock.is_set())


@app.put("/v1/test-clock", tags=["test_clock"], **for_any(OPERATOR))
def put_clock(body: Annotated[ClockRequest, Body()]) -> ClockAnswer:
    """Set the stage's time: the first time to any instant, later only forward; what is due by then is done at once"""
    answer = ClockAnswer(now=_clock().move_to(body.now), is_set=True)
    want_tick("clock_set")
    return answer


def _clock() -> SettableClock:
    clock = wiring.wired().test_clock
    if clock is None:
        # Deployed where it must not be: production's time is real.
        raise RouteUnknownError
    return clock


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
