"""The difference between two courses of history from the same start, as postings (the rules of points, 8)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from shared.domain.points import UNNUMBERED, Account, Lot, Movements, Posting, owed

SOURCES = frozenset({Account.ISSUED, Account.ADJUSTED, Account.TRANSFERRED})
"""Where new serials come from."""


def difference(currency: str, before: Sequence[Posting], after: Sequence[Posting]) -> tuple[Posting, ...]:
    """The postings of a currency that turn the outcome of the postings `before` into that of `after`."""
    movements = Movements(currency)
    course = _Courses(before, after)
    for lot, source, target in course.moved():
        movements.add(source, target, [lot])
    for source, target, points in _owed(before, after):
        movements.add(source, target, [owed(points)])
    return movements.postings()


class _Courses:
    """Runs of serials that both courses treat alike, and the account where each course leaves them."""

    def __init__(self, before: Sequence[Posting], after: Sequence[Posting]) -> None:
        self._edges = sorted({edge for _, lot in _numbered((*before, *after)) for edge in (lot.first, lot.last + 1)})
        self._start: dict[int, Account] = {}
        self._dates: dict[int, tuple[date | None, date | None]] = {}
        self._before = self._followed(before)
        self._after = self._followed(after)

    def _followed(self, postings: Sequence[Posting]) -> dict[int, Account]:
        place: dict[int, Account] = {}
        for posting, lot in _numbered(postings):
            for run in range(bisect_left(self._edges, lot.first), bisect_left(self._edges, lot.last + 1)):
                self._start.setdefault(run, posting.debit)
                place[run] = posting.credit
                spendable_from, _ = self._dates.get(run, (None, None))
                self._dates[run] = (spendable_from or lot.spendable_from, lot.gone_on)
        return place

    def moved(self) -> Iterator[tuple[Lot, Account, Account]]:
        """Each run of serials that the courses leave in different accounts, with the two accounts."""
        for run, start in sorted(self._start.items()):
            source, target = self._before.get(run, start), self._after.get(run, start)
            if source is target:
                continue
            spendable_from, gone_on = self._dates[run]
            if source not in SOURCES and Account.PENDING not in (source, target):
                spendable_from = None
            first = self._edges[run]
            yield Lot(first, self._edges[run + 1] - first, spendable_from, gone_on), source, target


def _numbered(postings: Iterable[Posting]) -> Iterator[tuple[Posting, Lot]]:
    return ((posting, lot) for posting in postings for lot in posting.lots if lot.first != UNNUMBERED)


def _owed(before: Sequence[Posting], after: Sequence[Posting]) -> Iterator[tuple[Account, Account, int]]:
    """What has to move of unnumbered points: from accounts that have too many to those that have too few."""
    balance = dict.fromkeys(Account, 0)
    for postings, sign in ((after, 1), (before, -1)):
        for posting in postings:
            points = sign * sum(lot.count for lot in posting.lots if lot.first == UNNUMBERED)
            balance[posting.debit] -= points
            balance[posting.credit] += points
    for source in Account:
        for target in Account:
            points = min(-balance[source], balance[target])
            if points > 0:
                balance[source] += points
                balance[target] -= points
                yield source, target, points
