"""Lazy alarms: each wallet says when anything may be due for it, at the earliest.

Whatever writes a wallet moves its alarm earlier where need be, never later. The sweep opens those that are due, lets the
domain decide, and sets the next one. So nothing is scanned, and a member for whom nothing is due costs nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zlib import crc32

from shared.domain.calendar import first_instant
from shared.domain.points import Account, Posting

SHARDS = 32
"""Partitions of the index of alarms, and of the members' roster."""
STEP = timedelta(minutes=15)
"""Alarms are rounded down to it: every zone's midnight is on it, and the sweep comes as often."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """The earliest instant at which something may be due; None for never.

    `ahead` are days before the one on which points are gone, on which the member is to be told; `silent_after` days after the
    last activity, on which they are silent: both as the program had them when the sweep came last.
    """

    at: datetime | None = None
    ahead: tuple[int, ...] = ()
    silent_after: tuple[int, ...] = ()

    def no_later(self, instants: Iterable[datetime | None]) -> "Alarm":
        """The alarm that rings no later than any of these."""
        found = min((instant for instant in (self.at, *instants) if instant is not None), default=None)
        return self if found is None else replace(self, at=floored(found))


def floored(instant: datetime) -> datetime:
    """An instant rounded down to STEP, in UTC."""
    instant = instant.astimezone(UTC)
    return instant.replace(minute=instant.minute - instant.minute % 15, second=0, microsecond=0)


def shard_of(member: str) -> int:
    """The shard that a member's alarm and their line in the roster are in."""
    return crc32(member.encode()) % SHARDS


def dates_of(postings: Iterable[Posting], ahead: Iterable[int]) -> set[date]:
    """The local days on which points that these postings brought to the member mature, are announced, and expire."""
    found: set[date] = set()
    for posting in postings:
        if posting.credit not in (Account.ACTIVE, Account.PENDING):
            continue
        for lot in posting.lots:
            if posting.credit is Account.PENDING and lot.spendable_from is not None:
                found.add(lot.spendable_from)
            if lot.gone_on is not None:
                found |= {lot.gone_on - timedelta(days=days) for days in (0, *ahead)}
    return found


def start_of(days: Iterable[date], today: date, zone: str) -> datetime | None:
    """The start of the first of these days that is still to come; None where none is."""
    day = min((day for day in days if day > today), default=None)
    return None if day is None else first_instant(day, zone)
