"""Use case: what a member gave to charities in a year, from their own history, exact."""

from dataclasses import dataclass
from itertools import takewhile

from shared.domain.calendar import local_day
from shared.domain.decision import View, Wanted
from shared.domain.donating import Gift, gift_of, may_be_gift, taken_over
from shared.domain.entry import MemberId
from shared.domain.program import zone_of
from shared.ports import Ledger, Programs

BATCH = 90
"""Entries that one batch reads beside the wallet and the clock; a batch takes 100 items."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A member's donations of a calendar year of `zone`, oldest first."""

    year: int
    zone: str
    gifts: tuple[Gift, ...]


def read_statement(member: MemberId, year: int | None, *, ledger: Ledger, programs: Programs) -> Statement:
    """The donations of `year`, by the local day on which they were recorded; of this year, for None.

    It reads across merges: what a member gave who was merged into this one counts too. Raises MemberUnknownError,
    TryAgainError.
    """
    view, zone = ledger.view(member), zone_of(programs.versions())
    wanted = local_day(view.now, zone).year if year is None else year
    gifts = _gifts(member, view, wanted, ledger)
    return Statement(wanted, zone, tuple(sorted(gifts, key=lambda gift: gift.day)))


def _gifts(member: MemberId, view: View, year: int, ledger: Ledger) -> list[Gift]:
    rows = list(takewhile(lambda row: row.recorded_on.year >= year, view.history))[::-1]
    gifts: list[Gift] = []
    for other in filter(None, map(taken_over, rows)):
        gifts += _gifts(other, ledger.view(other), year, ledger)
    keys = [row.key for row in rows if row.recorded_on.year == year and may_be_gift(row)]
    for start in range(0, len(keys), BATCH):
        batch = tuple(keys[start : start + BATCH])
        entries = ledger.view(member, Wanted(entries=batch)).entries
        gifts += [gift for key in batch if (gift := gift_of(entries[key]))]
    return gifts
