"""Use cases: how referrals go on, what they cost, who brings the most friends, and which wait for an operator."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from shared.api.cursor import read_cursor, sign_cursor
from shared.domain.brought import Flag, Funnel, Tally
from shared.domain.errors import RequestInvalidError
from shared.domain.program import in_force
from shared.ports import Clock, Programs, Referrals

DAYS_MAX = 366
"""Days that one question may ask about."""
DAYS = 30
"""Days that are asked about where nobody says so, today included."""


@dataclass(frozen=True, slots=True)
class FunnelOf:
    """The funnel of the local days from `first` to `last`."""

    first: date
    last: date
    funnel: Funnel


def read_funnel(first: date | None, last: date | None, *, referrals: Referrals, programs: Programs, clock: Clock) -> FunnelOf:
    """What was counted from the local day `first` to `last`; of the last 30 days, for None. 8 round trips.

    Raises RequestInvalidError (the wrong way round, or more than 366 days), ProgramMissingError, BeforeProgramError,
    TryAgainError.
    """
    now = clock.now()
    version = in_force(programs.versions(), now)
    if last is None:
        last = version.today(now) if first is None else max(first, version.today(now))
    first = first or last - timedelta(days=DAYS - 1)
    if last < first:
        raise RequestInvalidError(faults=[{"path": "query.to", "reason": "is a day before from"}])
    if (last - first).days >= DAYS_MAX:
        raise RequestInvalidError(faults=[{"path": "query.to", "reason": f"is more than {DAYS_MAX} days after from"}])
    return FunnelOf(first, last, Funnel(referrals.funnel(first, last), version.program))


def rank_advocates(limit: int, *, referrals: Referrals) -> list[Tally]:
    """The members and campaigns with the most friends whose awards stand, the first of all. Raises TryAgainError."""
    return referrals.top(limit)


def list_flags(
    limit: int, cursor: str | None, *, referrals: Referrals, secret: Callable[[], bytes]
) -> tuple[list[Flag], str | None]:
    """Referrals that wait for an operator, who enrolled first first, and the cursor of the next page.

    Raises CursorInvalidError, TryAgainError.
    """
    after = None if cursor is None else read_cursor(cursor, secret(), "flags")
    flags = referrals.flags(limit + 1, after)
    page = flags[:limit]
    return page, sign_cursor(page[-1].friend.friend, secret(), "flags") if len(flags) > limit else None
