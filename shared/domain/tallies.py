"""The proof of what is counted beside the ledger: every charity's totals, every reward's stock, from the entries alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from shared.domain.audit import Break
from shared.domain.donating import CharityMonth, Given, gift_of, summed
from shared.domain.entry import Entry, EntryKind
from shared.domain.stock import Stock
from shared.domain.subject import Redemption


@dataclass(frozen=True, slots=True)
class MonthOf:
    """Which totals: a charity's, of the month that begins on `month`, of one currency of money."""

    charity: str
    month: date
    money: str

    @classmethod
    def of(cls, totals: CharityMonth) -> Self:
        """The place of these totals."""
        return cls(totals.charity, totals.month, totals.given.money)


@dataclass
class Tallies:
    """What the entries of the members so far make due.

    `used` are rewards' redemptions that took one of the stock and are used; `held` those that are neither used nor cancelled,
    by the day on which they lapse.
    """

    given: dict[MonthOf, Given] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    held: dict[str, Counter[date | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, books: Iterable[Sequence[Entry]]) -> Self:
        """The tallies of all members' entries."""
        tallies = cls()
        for entries in books:
            tallies.add(entries)
        return tallies

    def add(self, entries: Sequence[Entry]) -> None:
        """Count one member's entries; all of them, because a use or a cancellation is the same member's."""
        ended = {entry.names: entry.kind for entry in entries if entry.kind in (EntryKind.USE, EntryKind.CANCELLATION)}
        for entry in entries:
            self._add_gift(entry)
            if isinstance(entry.subject, Redemption) and entry.subject.stocked:
                self._add_stocked(entry.subject, ended.get(entry.key))

    def _add_gift(self, entry: Entry) -> None:
        gift = gift_of(entry)
        if gift is None:
            return
        place = MonthOf(gift.charity, gift.day.replace(day=1), gift.money)
        before = self.given.get(place, Given(gift.money, 0, 0, 0))
        [self.given[place]] = summed([before, Given(gift.money, gift.points, gift.value, 1)])

    def _add_stocked(self, found: Redemption, ended: EntryKind | None) -> None:
        if found.immediate or ended is EntryKind.USE:
            self.used[found.reward] += 1
        elif ended is None:
            self.held.setdefault(found.reward, Counter())[found.lapses_on] += 1

    def rewards(self) -> set[str]:
        """Rewards of which the members took one of a stock."""
        return self.used.keys() | self.held.keys()

    def charity_break(self, place: MonthOf, found: Given | None) -> Break | None:
        """Whether these totals, None where there are none, are not the sum of the donations."""
        due = self.given.get(place)
        if found == due:
            return None
        where = f"{place.charity} in {place.month:%Y-%m}"
        return Break("a charity's totals are the sum of its donations", where, f"{found}, due {due}")

    def stock_break(self, reward: str, found: Stock | None, day: date) -> Break | None:
        """Whether a stock does not count the redemptions that took one of it and are in effect on the local day `day`."""
        stock = found or Stock(reward, total=0)
        due = self.used[reward], _on(self.held.get(reward, {}).items(), day)
        told = stock.used, _on(stock.held.items(), day)
        if told == due:
            return None
        promise = "a reward's stock counts the redemptions that took one"
        return Break(promise, reward, f"used and held {told}, due {due}")


def _on(held: Iterable[tuple[date | None, int]], day: date) -> dict[str, int]:
    """Those that have not lapsed on `day`, by the day they do."""
    return {str(lapses_on): count for lapses_on, count in held if count and (lapses_on is None or lapses_on > day)}
