"""The two indexes of members in memory: by alarm, and the roster; kept sorted as members are written."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from datetime import datetime
from typing import Any

from shared.domain.alarm import SHARDS, shard_of
from shared.domain.entry import MemberId

Line = tuple[datetime, str, str]
"""A line of the index of alarms: when it rings, whose it is, and of which shelf."""


class MemberIndex:
    """Who has an alarm and who is listed, shard by shard, as the table's indexes have them; with no delay."""

    def __init__(self) -> None:
        self.alarms: list[list[Line]] = [[] for _ in range(SHARDS)]
        self.roster: list[list[MemberId]] = [[] for _ in range(SHARDS)]

    def due(self, shard: int, until: datetime, limit: int, after: Line | None) -> list[Line]:
        """Up to `limit` alarms of a shard that rang by `until`, behind the line `after`."""
        lines = self.alarms[shard]
        first = 0 if after is None else bisect_right(lines, after)
        end = bisect_right(lines, until, key=lambda line: line[0])
        return lines[first : min(end, first + limit)]

    def listed(self, shard: int, limit: int, after: str | None) -> list[MemberId]:
        """Up to `limit` members of a shard, those behind `after`."""
        members = self.roster[shard]
        first = 0 if after is None else bisect_right(members, after)
        return members[first : first + limit]


class Indexed(dict[MemberId, Any]):
    """A shelf of wallets or profiles (`name` says which) that keeps the index as it is written to."""

    def __init__(self, index: MemberIndex, name: str) -> None:
        super().__init__()
        self.index = index
        self.name = name

    def __setitem__(self, member: MemberId, value: Any) -> None:
        before = self.get(member)
        super().__setitem__(member, value)
        was, now = alarm_at(before), alarm_at(value)
        if was != now:
            lines = self.index.alarms[shard_of(member)]
            if was is not None:
                del lines[bisect_left(lines, (was, member, self.name))]
            if now is not None:
                insort(lines, (now, member, self.name))
        if is_listed(before) != is_listed(value):
            members = self.index.roster[shard_of(member)]
            if is_listed(value):
                insort(members, member)
            else:
                del members[bisect_left(members, member)]


def alarm_at(value: Any) -> datetime | None:
    """When a wallet's or a profile's alarm rings, None for never; whoever left has none."""
    at: datetime | None = None if value is None or getattr(value, "closed_at", None) else value.alarm.at
    return at


def is_listed(value: Any) -> bool:
    """Whether a value puts its member into the roster: a profile does until the member leaves."""
    return value is not None and getattr(value, "closed_at", value) is None
