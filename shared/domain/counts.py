"""What a wallet counts beside points: qualifying credit, use of caps and limits, orders. All of it folds as points do.

A count has a name and, where it is for a time, a local day of the program's zone:

| name | day | amount |
|---|---|---|
| `orders` | - | orders that were recorded; a refund changes nothing about it |
| `referrals` | - | friends that a reward was given for; taking it back changes nothing about it |
| `tier:<measure>` | of the order | net qualifying credit: points, minor units, orders or referrals |
| `cap:<cap>:<per>` | first of the period | points |
| `limit:<rule>:<per>` | first of the period | how often an activity was rewarded |
| `limit:#invitation:day` | the day | how often a member shared their code |
| `limit:#campaigns:<per>` | first of the period | bonuses of campaigns that the member was given |
| `gifted:<campaign>` | that the bonus was for | 1: a campaign gave for that day |
| `told:<currency>:<days>` | on which it was | 1: the member was told of points that will be gone within so many days |
| `boost:<campaign>:<currency>:<percent>:<since>:day` | last day it is good for | multipliers that are not used yet |
| `allowance:<recognition>:<per>` | first of the period | points that were given away |
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from shared.domain.calendar import first_after_period
from shared.domain.tier import Opening

ORDERS = "orders"
REFERRALS = "referrals"
CREDIT = "tier:"
GIFTED, TOLD = "gifted:", "told:"
GIFTED_DAYS = 400
"""A wallet remembers at least so many days what campaigns gave and members were told: more than lie between two birthdays."""


@dataclass(frozen=True, slots=True)
class Count:
    """`amount` more of what `name` counts, in the time that begins on `day` (None: without end)."""

    name: str
    day: date | None
    amount: int


ONE_ORDER = Count(ORDERS, None, 1)
"""What every purchase counts."""
ONE_REFERRAL = Count(REFERRALS, None, 1)
"""What every award counts for the advocate: numbers are never given again, or a step would be paid again."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a wallet does not keep any more: counts of periods that ended by `kept_from`, credit of days before `opening.day`.

    `opening` says what that credit came to for all that follows, for orders of `kept_from` and later, by the versions of the
    program that held on the day `told_on`; the credit itself is in the history.
    """

    kept_from: date
    told_on: date
    opening: Opening

    def covers(self, count: Count) -> bool:
        """Whether the count is of a time that is not kept."""
        if count.day is None:
            return False
        if count.name.startswith(CREDIT):
            return count.day < self.opening.day
        if count.name.startswith((GIFTED, TOLD)):
            return count.day + timedelta(days=GIFTED_DAYS) <= self.kept_from
        return first_after_period(count.name.rpartition(":")[2], count.day) <= self.kept_from


def credit_name(measure: str) -> str:
    """The name of qualifying credit of a measure (`spend`, `points:stars`)."""
    return CREDIT + measure


def gifted_name(campaign: str) -> str:
    """The name under which a wallet counts the days for which a campaign gave."""
    return GIFTED + campaign


def told_name(currency: str, days: int) -> str:
    """The name under which a wallet counts when the member was told of points that will be gone within so many days."""
    return f"{TOLD}{currency}:{days}"


def amount_of(counts: Iterable[Count], name: str, day: date | None) -> int:
    """How much was counted; 0 where nothing was."""
    return next((count.amount for count in counts if count.name == name and count.day == day), 0)


def _place(count: Count) -> tuple[str, date]:
    return count.name, count.day or date.min


def added(counts: tuple[Count, ...], more: Iterable[Count], forgotten: Forgotten | None = None) -> tuple[Count, ...]:
    """The counts, in order of name and day, with `more` of them (less, where negative); no zeros, nothing that is forgotten."""
    found = list(counts)
    for count in more:
        if forgotten is not None and forgotten.covers(count):
            continue
        at = bisect_left(found, _place(count), key=_place)
        if at == len(found) or _place(found[at]) != _place(count):
            found[at:at] = [count] if count.amount else []
        else:
            amount = found[at].amount + count.amount
            found[at : at + 1] = [replace(count, amount=amount)] if amount else []
    return tuple(found)


def kept(counts: tuple[Count, ...], forgotten: Forgotten) -> tuple[Count, ...]:
    """The counts that are not forgotten."""
    return tuple(count for count in counts if not forgotten.covers(count))


def taken(counts: Iterable[Count]) -> list[Count]:
    """The same with the other sign."""
    return [replace(count, amount=-count.amount) for count in counts]
