"""Asking for the standing tick at once, where somebody waits for what it does."""

from typing import Any

from aws_lambda_powertools import Logger

from shared.domain.errors import FaultError
from shared.entrypoint import outlets
from shared.ports import BusEvent

TICK_WANTED = "TickWanted"

logger = Logger()


def want_tick(because: str, **told: Any) -> bool:
    """Ask for the standing tick; whether the bus took it.

    Whoever asks goes on where it did not: what they did is written, and the tick comes by itself within 15 minutes.
    """
    event = BusEvent(TICK_WANTED, {"because": because, **told})
    try:
        taken = not outlets.bus().publish([event])
    except FaultError as error:
        logger.error("tick_not_wanted", because=because, code=error.code, exc_info=error)
        return False
    if not taken:
        logger.warning("tick_not_wanted", because=because)
    return taken
