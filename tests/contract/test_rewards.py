"""What the catalog promises on every engine: every version kept, none written over, and stock counted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.adapters.dynamodb.rewards import DynamoRewards, stock_item, stock_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.domain.errors import RewardUnknownError, TryAgainError, VersionStaleError
from shared.domain.reward import Reward, RewardVersion, parse_reward
from shared.domain.stock import Stock
from tests.contract.ledgers import store_of
from tests.engines.engine import Engine
from tests.fakes.clients import InterruptedClient
from tests.fakes.grocer import NOON

TODAY = date(2026, 3, 2)
LATER = NOON + timedelta(days=1, microseconds=1)


@pytest.fixture
def rewards(store: Store) -> DynamoRewards:
    return DynamoRewards(store)


def reward(id: str = "mug", **changes: Any) -> Reward:
    benefit = {"kind": "free_product", "sku": "mug-1"}
    return parse_reward(
        {"id": id, "name": "A mug", "benefit": benefit, "currency": "points", "price": {"points": 50}, **changes}
    )


FULL = {
    "name": "A mug \u2013 caf\u00e9",
    "description": "Blue",
    "stock_limited": True,
    "limits": {"ever": 3, "per_period": {"period": "week", "count": 1}},
    "starts_at": "2026-03-01T00:00:00.000001Z",
    "ends_at": "2026-04-01T00:00:00Z",
    "segments": ["early"],
    "tiers": ["gold"],
    "regions": ["north"],
    "channels": ["app"],
    "lapse_days": None,
}


def write(store: Store, stock: Stock) -> None:
    """What a redemption does to the stock."""
    result = store.transact([store.update(stock_item(stock), expected={"version": stock.version - 1})])
    assert result.outcome is Outcome.DONE


# ---- documents


def test_an_empty_catalog_has_no_rewards(rewards: DynamoRewards) -> None:
    assert rewards.all() == []
    for ask in (rewards.get, rewards.versions):
        with pytest.raises(RewardUnknownError):
            ask("mug")


def test_rewards_come_back_whole_and_in_order_of_id(rewards: DynamoRewards) -> None:
    kept = [rewards.put(reward(id, **FULL), NOON) for id in ("tea", "mug", "cap")]
    assert rewards.all() == kept[::-1]
    assert rewards.get("mug") == RewardVersion(1, NOON, reward("mug", **FULL))
    assert rewards.versions("mug") == [kept[1]]


def test_every_version_is_kept(rewards: DynamoRewards) -> None:
    kept = [rewards.put(reward(price={"points": 50 + n}), NOON + timedelta(hours=n)) for n in range(11)]
    assert [version.version for version in kept] == list(range(1, 12))
    assert rewards.versions("mug") == kept
    assert rewards.get("mug") == kept[-1]
    assert rewards.all() == kept[-1:]


def test_the_same_document_again_is_the_same_version(rewards: DynamoRewards) -> None:
    first = rewards.put(reward(), NOON)
    assert rewards.put(reward(), LATER) == first
    assert rewards.versions("mug") == [first]


def test_a_document_of_before_is_a_new_version(rewards: DynamoRewards) -> None:
    for name in ("A mug", "A cup", "A mug"):
        rewards.put(reward(name=name), NOON)
    assert [version.reward.name for version in rewards.versions("mug")] == ["A mug", "A cup", "A mug"]


def test_a_change_made_from_an_older_version_is_refused(rewards: DynamoRewards) -> None:
    rewards.put(reward(), NOON, 0)
    rewards.put(reward(name="A cup"), NOON, 1)
    for stale in (0, 1, 3):
        with pytest.raises(VersionStaleError) as refused:
            rewards.put(reward(name="A jug"), NOON, stale)
        assert refused.value.version == 2
    assert rewards.get("mug").reward.name == "A cup"


def test_a_repeated_change_meets_what_it_did_before(rewards: DynamoRewards) -> None:
    rewards.put(reward(), NOON)
    first = rewards.put(reward(name="A cup"), NOON, 1)
    assert rewards.put(reward(name="A cup"), LATER, 1) == first


def test_two_changes_at_once_are_two_versions(rewards: DynamoRewards, engine: Engine) -> None:
    rewards.put(reward(), NOON)
    late = InterruptedClient(engine.client, lambda: rewards.put(reward(name="A cup"), NOON))
    after = DynamoRewards(store_of(engine, late)).put(reward(name="A jug"), LATER)
    assert after.version == 3
    assert [version.reward.name for version in rewards.versions("mug")] == ["A mug", "A cup", "A jug"]


def test_of_two_who_change_the_same_version_one_is_refused(rewards: DynamoRewards, engine: Engine) -> None:
    late = InterruptedClient(engine.client, lambda: rewards.put(reward(), NOON, 0))
    with pytest.raises(VersionStaleError):
        DynamoRewards(store_of(engine, late)).put(reward(name="A jug"), LATER, 0)
    assert rewards.versions("mug") == [RewardVersion(1, NOON, reward())]


def test_who_loses_every_race_is_told_to_try_again(rewards: DynamoRewards, engine: Engine) -> None:
    class Outrun:
        """Someone else is always a moment earlier."""

        count = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(engine.client, name)

        def transact_write_items(self, **arguments: Any) -> Any:
            self.count += 1
            rewards.put(reward(name=f"Mug {self.count}"), NOON)
            return engine.client.transact_write_items(**arguments)

    with pytest.raises(TryAgainError):
        DynamoRewards(store_of(engine, Outrun())).put(reward(name="A jug"), NOON)
    assert "A jug" not in [version.reward.name for version in rewards.versions("mug")]


# ---- stock


def test_where_no_stock_was_set_nothing_is_left(rewards: DynamoRewards) -> None:
    assert rewards.stock([]) == {}
    assert rewards.stock(["mug", "tea"]) == {"mug": Stock("mug", 0), "tea": Stock("tea", 0)}


def test_stock_comes_back_whole() -> None:
    stock = Stock("mug", 9, 2, {None: 1, date(2026, 4, 1): 2, date.max: 1}, 7)
    assert stock_of(stock_item(stock)) == stock


def test_the_total_is_set_and_what_is_used_and_held_stays(rewards: DynamoRewards, store: Store) -> None:
    stock = rewards.set_stock("mug", 3, TODAY)
    assert stock == Stock("mug", 3, version=1)
    held = stock.taken(TODAY + timedelta(days=30), TODAY)
    write(store, held)
    write(store, used := held.taken_for_good(TODAY))
    assert rewards.stock(["mug"]) == {"mug": used}
    assert rewards.set_stock("mug", 10, TODAY) == replace(used, total=10, version=used.version + 1)
    assert rewards.stock(["mug"])["mug"].available(TODAY) == 8


def test_the_same_total_again_writes_nothing(rewards: DynamoRewards) -> None:
    first = rewards.set_stock("mug", 0, TODAY)
    assert first.version == 1
    assert rewards.set_stock("mug", 0, TODAY) == first


def test_a_redemption_that_slips_in_is_not_lost(rewards: DynamoRewards, store: Store, engine: Engine) -> None:
    stock = rewards.set_stock("mug", 3, TODAY)
    late = InterruptedClient(engine.client, lambda: write(store, stock.taken(None, TODAY)))
    after = DynamoRewards(store_of(engine, late)).set_stock("mug", 5, TODAY)
    assert (after.total, after.held, after.version) == (5, {None: 1}, 3)
    assert rewards.stock(["mug"]) == {"mug": after}


def test_the_stock_of_many_rewards_is_read_in_batches(rewards: DynamoRewards) -> None:
    ids = [f"reward_{n}" for n in range(105)]
    for id in ids[::13]:
        rewards.set_stock(id, 7, TODAY)
    found = rewards.stock([*ids, *ids])
    assert sorted(found) == sorted(ids)
    assert sum(stock.total for stock in found.values()) == 7 * len(ids[::13])
