"""What a wallet counts beside points: qualifying credit, use of caps and limits, orders. All of it folds as points do.

A count has a name and, where it is for a time, a local day of the program's zone:

| name | day | amount |
|---|---|---|
| `orders` | - | orders that were recorded and not refunded whole |
| `tier:<measure>` | of the order | net qualifying credit: points, minor units, orders or referrals |
| `cap:<cap>` | first of the cap's period | points |
| `limit:<rule>:<per>` | first of the period | how often an activity was rewarded |
| `allowance:<recognition>` | first of the period | points that were given away |
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from shared.domain.tier import Opening

ORDERS = "orders"
CREDIT = "tier:"


@dataclass(frozen=True, slots=True)
class Count:
    """`amount` more of what `name` counts, in the time that begins on `day` (None: without end)."""

    name: str
    day: date | None
    amount: int


ONE_ORDER = Count(ORDERS, None, 1)
"""What every purchase counts."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a wallet does not keep any more: counts of days before `before`, qualifying credit of days before `opening.day`.

    `opening` says what that credit came to for all that follows, for orders of `kept_from` and later; the credit itself is in
    the history.
    """

    kept_from: date
    before: date
    opening: Opening

    def covers(self, count: Count) -> bool:
        """Whether the count is of a day that is not kept."""
        if count.day is None:
            return False
        return count.day < (self.opening.day if count.name.startswith(CREDIT) else self.before)


def credit_name(measure: str) -> str:
    """The name of qualifying credit of a measure (`spend`, `points:stars`)."""
    return CREDIT + measure


def amount_of(counts: Iterable[Count], name: str, day: date | None) -> int:
    """How much was counted; 0 where nothing was."""
    return next((count.amount for count in counts if count.name == name and count.day == day), 0)


def added(counts: tuple[Count, ...], more: Iterable[Count], forgotten: Forgotten | None = None) -> tuple[Count, ...]:
    """The counts with `more` of them (less, where negative), in order of name and day; without zeros and what is forgotten."""
    amounts = {(count.name, count.day): count.amount for count in counts}
    for count in more:
        place = count.name, count.day
        amounts[place] = amounts.get(place, 0) + count.amount
    found = sorted(amounts.items(), key=lambda item: (item[0][0], item[0][1] or date.min))
    kept = (Count(name, day, amount) for (name, day), amount in found if amount)
    return tuple(count for count in kept if forgotten is None or not forgotten.covers(count))


def taken(counts: Iterable[Count]) -> list[Count]:
    """The same with the other sign."""
    return [replace(count, amount=-count.amount) for count in counts]
