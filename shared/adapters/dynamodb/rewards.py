"""The catalog of rewards on DynamoDB: one item for the newest version of each, one for every version, one for the stock."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.adapters.dynamodb.items import Item, instant_of, to_wire
from shared.adapters.dynamodb.lots import day_number, day_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import CATALOG_PK, Key, catalog_key, reward_version_key, stock_key
from shared.domain.calendar import instant_text
from shared.domain.errors import RewardUnknownError, TryAgainError, VersionStaleError
from shared.domain.reward import Reward, RewardVersion, parse_reward
from shared.domain.stock import Stock


@dataclass(frozen=True)
class DynamoRewards:
    """Rewards over a `Store`."""

    store: Store

    def put(self, reward: Reward, now: datetime, expected_version: int | None = None) -> RewardVersion:
        """See ports.Rewards."""
        for _ in self.store.backoff.attempts():
            item = self.store.get(catalog_key(reward.id))
            before = reward_of(item) if item else None
            # A repeated request finds what its first one did, whatever version it was made from.
            if before is not None and before.reward == reward:
                return before
            newest = before.version if before else 0
            if expected_version not in (None, newest):
                raise VersionStaleError(version=newest)
            after = RewardVersion(newest + 1, now, reward)
            if self.store.transact(self._writes(before, after)).outcome is Outcome.DONE:
                return after
        raise TryAgainError

    def _writes(self, before: RewardVersion | None, after: RewardVersion) -> list[Any]:
        newest = _reward_item(catalog_key(after.reward.id), after)
        # Nobody else changed the reward since it was read, or made one with this id.
        in_catalog = self.store.update(newest, expected={"version": before.version}) if before else self.store.put(newest)
        # A version is never written over.
        return [in_catalog, self.store.put(_reward_item(reward_version_key(after.reward.id, after.version), after))]

    def get(self, reward: str) -> RewardVersion:
        """See ports.Rewards."""
        item = self.store.get(catalog_key(reward))
        if item is None:
            raise RewardUnknownError
        return reward_of(item)

    def versions(self, reward: str) -> Sequence[RewardVersion]:
        """See ports.Rewards."""
        pk, prefix = reward_version_key(reward, 0)["pk"], "VERSION#"
        found = self.store.query(
            KeyConditionExpression="#pk = :pk AND begins_with(#sk, :prefix)",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=to_wire({":pk": pk, ":prefix": prefix}),
            ConsistentRead=True,
        )
        versions = [reward_of(item) for item in found]
        if not versions:
            raise RewardUnknownError
        return versions

    def all(self) -> Sequence[RewardVersion]:
        """See ports.Rewards."""
        found = self.store.query(
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues=to_wire({":pk": CATALOG_PK}),
            ConsistentRead=True,
        )
        return [reward_of(item) for item in found]

    def stock(self, rewards: Collection[str]) -> Mapping[str, Stock]:
        """See ports.Rewards."""
        wanted = sorted(set(rewards))
        items = self.store.get_all([stock_key(reward) for reward in wanted])
        return {reward: _stock_or_none_left(reward, item) for reward, item in zip(wanted, items, strict=True)}

    def set_stock(self, reward: str, total: int, day: date) -> Stock:
        """See ports.Rewards."""
        for _ in self.store.backoff.attempts():
            before = _stock_or_none_left(reward, self.store.get(stock_key(reward)))
            if before.version and before.total == total:
                return before
            after = before.resized(total, day)
            # Nobody redeemed, returned or counted since it was read.
            item, expected = stock_item(after), {"version": before.version}
            write = self.store.update(item, expected=expected) if before.version else self.store.put(item)
            if self.store.transact([write]).outcome is Outcome.DONE:
                return after
        raise TryAgainError


def _reward_item(key: Key, version: RewardVersion) -> Item:
    return {
        **key,
        "version": version.version,
        "changed_at": instant_text(version.changed_at),
        # With every default written out: what was promised stays, whatever defaults become.
        "document": version.reward.model_dump_json(),
    }


def reward_of(item: Item) -> RewardVersion:
    """The version of a reward that an item of the catalog or of the reward's history holds."""
    return RewardVersion(
        version=int(item["version"]),
        changed_at=instant_of(item["changed_at"]),
        reward=parse_reward(json.loads(item["document"])),
    )


def stock_item(stock: Stock) -> Item:
    """The stock's whole item. Holds stand under the day they lapse, `20261231`, or `0` for never."""
    return {
        **stock_key(stock.reward),
        "total": stock.total,
        "used": stock.used,
        "held": {str(day_number(lapses_on)): count for lapses_on, count in stock.held.items()},
        "version": stock.version,
    }


def stock_of(item: Item) -> Stock:
    """The stock that an item holds."""
    return Stock(
        reward=item["pk"].removeprefix("STOCK#"),
        total=int(item["total"]),
        used=int(item["used"]),
        held={day_of(int(number)): int(count) for number, count in item["held"].items()},
        version=int(item["version"]),
    )


def _stock_or_none_left(reward: str, item: Item | None) -> Stock:
    return stock_of(item) if item else Stock(reward, total=0)
