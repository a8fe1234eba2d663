"""E-mail to members: an event of the bus becomes one e-mail at most, at once or after quiet hours."""

from typing import Any

from aws_lambda_powertools import Logger

from functions.messages.models import Call
from functions.messages.tell_member import Outcome, Postroom, tell_member
from shared.domain.errors import FaultError, TryAgainError
from shared.domain.message import MessageState
from shared.entrypoint import metrics, outlets, wiring

logger = Logger()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda's entry point. It is called again where it raises."""
    if wiring.wired().settings.sender is None:
        return {"state": None, "told": "this stage mails nothing"}
    try:
        call = Call.parse(event)
    except ValueError as error:
        # Of what it is wrong with, only how much: the event may hold what is personal.
        raise FaultError(code=f"an event that this code does not know: {event.get('detail-type')}") from error
    outcome = tell_member(call, _postroom())
    _count(outcome)
    logger.info("told", event=call.event.id, state=outcome.state, told=outcome.told, repeated=outcome.repeated)
    if outcome.state is MessageState.PUT_BACK:
        raise TryAgainError
    return {"state": outcome.state, "told": outcome.told}


def _postroom() -> Postroom:
    wired = wiring.wired()
    return Postroom(
        programs=wired.programs,
        members=wired.members,
        ledger=wired.ledger,
        outbox=wired.outbox,
        clock=wired.clock,
        mail=outlets.mail(),
        schedules=outlets.schedules(),
        real=outlets.real_clock(),
        target=outlets.named("messages"),
    )


def _count(outcome: Outcome) -> None:
    """Figures for alarms: a message that somebody began and nobody ended may have been sent, or not."""
    if outcome.repeated:
        if outcome.state is MessageState.SENDING:
            metrics.count("MessageUnsure")
    elif outcome.state is MessageState.SENT:
        metrics.count("MessageSent")
    elif outcome.state is MessageState.FAILED:
        metrics.count("MessageFailed")
