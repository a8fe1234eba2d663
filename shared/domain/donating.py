"""Donations: points that members gave to charities, told by month and by member (docs/donations.md)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shared.domain.entry import Entry, EntryKey, EntryKind, HistoryRow, MemberId, arrival_key, merge_key
from shared.domain.subject import Redemption


@dataclass(frozen=True, slots=True)
class Given:
    """Points that were given, what they are worth in minor units of `money`, and in how many gifts."""

    money: str
    points: int
    value: int
    gifts: int


@dataclass(frozen=True, slots=True)
class CharityMonth:
    """What a charity was given in the calendar month that begins on `month`, of one currency of money."""

    charity: str
    month: date
    given: Given


@dataclass(frozen=True, slots=True)
class Gift:
    """One donation of a member, on a local day of the program's zone. `value` is in minor units of `money`."""

    entry: EntryKey
    day: date
    charity: str
    charity_name: str
    currency: str
    points: int
    value: int
    money: str


def gift_of(entry: Entry) -> Gift | None:
    """The donation that an entry records, where it records one."""
    found = entry.subject
    if not isinstance(found, Redemption) or found.charity is None:
        return None
    return Gift(
        entry=entry.key,
        day=entry.recorded_on,
        charity=found.charity,
        charity_name=found.benefit["charity_name"],
        currency=found.currency,
        points=found.points,
        value=found.value or 0,
        money=found.money,
    )


def may_be_gift(row: HistoryRow) -> bool:
    """Whether the row may be of a donation: of what is fulfilled at once. Only the entry tells which."""
    return row.kind is EntryKind.REDEMPTION and not any(spend.held for spend in row.effect.spends)


def taken_over(row: HistoryRow) -> MemberId | None:
    """The member whose points came over with this entry of a merge; their history goes on in this one."""
    start = arrival_key(merge_key(MemberId("")))
    return MemberId(row.key.removeprefix(start)) if row.key.startswith(start) else None


def summed(parts: Iterable[Given]) -> list[Given]:
    """The sums, one for each currency of money, in the order of their codes."""
    points, value, gifts = Counter[str](), Counter[str](), Counter[str]()
    for part in parts:
        points[part.money] += part.points
        value[part.money] += part.value
        gifts[part.money] += part.gifts
    return [Given(money, points[money], value[money], gifts[money]) for money in sorted(gifts)]
