"""Use case: what a charity was given, month by month."""

from datetime import date

from shared.domain.donating import CharityMonth
from shared.domain.errors import RequestInvalidError
from shared.ports import Donations


def read_totals(charity: str, first: date, last: date, *, donations: Donations) -> list[CharityMonth]:
    """Totals of the months from that of `first` to that of `last`.

    Raises RequestInvalidError (they are the wrong way round), TryAgainError.
    """
    if last < first:
        raise RequestInvalidError(faults=[{"path": "query.until", "reason": "is a month before from"}])
    return donations.months(charity, first, last)
