"""Alarms and the roster on DynamoDB: who may have something due, and who there is, shard by shard."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.dynamodb.items import Item, alarm_attributes, to_wire
from shared.adapters.dynamodb.store import ABSENT, Store
from shared.adapters.dynamodb.table import (
    ALARM_AT,
    ALARM_DAYS,
    ALARM_INDEX,
    ALARM_KEYS,
    ALARM_PARTITION,
    ROSTER_INDEX,
    ROSTER_PARTITION,
    alarm_partition,
    profile_key,
    roster_partition,
    wallet_key,
)
from shared.domain.alarm import Alarm
from shared.domain.calendar import instant_text
from shared.domain.decision import View
from shared.domain.entry import MemberId

MEMBER = "MEMBER#"


@dataclass(frozen=True)
class DynamoAlarms:
    """Alarms over a `Store`."""

    store: Store

    def due(self, shard: int, until: datetime, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """See ports.Alarms."""
        items = self._page(
            ALARM_INDEX,
            f"#{ALARM_PARTITION} = :part AND #{ALARM_AT} <= :until",
            {":part": alarm_partition(shard), ":until": instant_text(until)},
            limit,
            _start(shard, after),
        )
        cursor = "|".join((items[-1][ALARM_AT], items[-1]["pk"], items[-1]["sk"])) if len(items) == limit else None
        return list(dict.fromkeys(map(_member, items))), cursor

    def roster(self, shard: int, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """See ports.Alarms."""
        values = {":part": roster_partition(shard), **({":after": MEMBER + after} if after else {})}
        condition = f"#{ROSTER_PARTITION} = :part" + (" AND #pk > :after" if after else "")
        members = [_member(item) for item in self._page(ROSTER_INDEX, condition, values, limit)]
        return members, members[-1] if len(members) == limit else None

    def _page(
        self, index: str, condition: str, values: dict[str, Any], limit: int, start: dict[str, Any] | None = None
    ) -> list[Item]:
        names = [name for name in (ALARM_PARTITION, ALARM_AT, ROSTER_PARTITION, "pk") if f"#{name} " in condition]
        found: Iterator[Item] = self.store.query(
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={f"#{name}": name for name in names},
            ExpressionAttributeValues=to_wire(values),
            Limit=limit,
            **({"ExclusiveStartKey": to_wire(start)} if start else {}),
        )
        return [item for _, item in zip(range(limit), found, strict=False)]

    def settle(self, view: View, wallet: Alarm, profile: Alarm) -> bool:
        """See ports.Alarms."""
        done = True
        if view.wallet.alarm != wallet:
            read = {"seq": view.wallet.sequence, **alarm_read(view.wallet.alarm)}
            done = self._set(wallet_key(view.wallet.member), read, view.wallet.member, wallet)
        if view.profile is not None and view.profile.alarm != profile:
            key = profile_key(view.wallet.member)
            read = {"version": view.profile.version, **alarm_read(view.profile.alarm)}
            done = self._set(key, read, view.wallet.member, profile) and done
        return done

    def _set(self, key: dict[str, str], read: Item, member: MemberId, alarm: Alarm) -> bool:
        # Nobody wrote the item since the alarm was decided, and nobody else set it: either may have moved it earlier.
        item = {**key, **alarm_attributes(member, alarm)}
        return self.store.set(self.store.update(item, expected=read, sparse=(*ALARM_KEYS, *ALARM_DAYS)))


def alarm_read(alarm: Alarm) -> Item:
    """What a write that decides on an alarm expects of it: that it rings when it was read to."""
    return {ALARM_AT: instant_text(alarm.at) if alarm.at else ABSENT}


def _start(shard: int, after: str | None) -> dict[str, Any] | None:
    if after is None:
        return None
    at, pk, sk = after.split("|")
    return {ALARM_PARTITION: alarm_partition(shard), ALARM_AT: at, "pk": pk, "sk": sk}


def _member(item: Item) -> MemberId:
    return MemberId(item["pk"].removeprefix(MEMBER))
