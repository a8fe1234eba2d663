"""The network's fates, one at a time, on the smallest program that shows each: a naive wallet, and one done right."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.engines.engine import create_table
from tests.engines.faults import Fault
from tests.engines.ministack import Backend
from tests.simulation.mutations import without_condition, without_retry_token
from tests.simulation.network import Network, Rewrite
from tests.simulation.plan import FATES, Fate, Interruption, Plan
from tests.simulation.sdk import Clients
from tests.simulation.virtual import virtual
from tests.simulation.world import World

TABLE = "toy"
WALLET = {"pk": {"S": "wallet"}, "sk": {"S": "-"}}


class Scripted(Plan):
    """Fates in the order of calls, then none."""

    def __init__(self, *fates: Fate | None, apart: bool = False) -> None:
        super().__init__(reads_apart_rate=1.0 if apart else 0.0)
        self._fates = list(fates)

    def fate(self, operation: str, chance: random.Random) -> Fate | None:
        return self._fates.pop(0) if self._fates else None


class Toy:
    """A world with one table, one wallet item and one client."""

    def __init__(self, plan: Plan, *, seed: int = 0, rewrite: Rewrite | None = None) -> None:
        self.world, self.backend, self.clients = World(seed), Backend(), Clients()
        create_table(self.clients.take(self.backend.send), TABLE)
        self.backend.ask("PutItem", TableName=TABLE, Item=WALLET | {"n": {"N": "0"}})
        self.network = Network(self.world, self.backend, plan, rewrite=rewrite)
        self.client: Any = self.clients.take(self.network.send)

    def run(self, *works: Callable[[], None]) -> None:
        for number, work in enumerate(works):
            self.world.spawn(f"task {number}", work)
        with virtual(self.world):
            self.world.run()
            self.world.close()

    def close(self) -> None:
        self.clients.give_back()
        self.backend.close()

    @property
    def count(self) -> int:
        return int(self.backend.ask("GetItem", TableName=TABLE, Key=WALLET)["Item"]["n"]["N"])

    def bare_add(self) -> None:
        self.client.update_item(
            TableName=TABLE,
            Key=WALLET,
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    def transacted_add(self) -> None:
        update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
        self.client.transact_write_items(TransactItems=[{"Update": update | {"TableName": TABLE, "Key": WALLET}}])

    def guarded_add(self) -> None:
        """Read, then write on the condition that nobody wrote since; again until it is done."""
        while True:
            try:
                read = self.client.get_item(TableName=TABLE, Key=WALLET, ConsistentRead=True)["Item"]["n"]["N"]
                update = {
                    "TableName": TABLE,
                    "Key": WALLET,
                    "UpdateExpression": "SET n = :next",
                    "ConditionExpression": "n = :read",
                    "ExpressionAttributeValues": {":read": {"N": read}, ":next": {"N": str(int(read) + 1)}},
                }
                self.client.transact_write_items(TransactItems=[{"Update": update}])
                return
            except (ClientError, BotoCoreError):
                continue


@pytest.fixture
def toy() -> Iterator[Callable[..., Toy]]:
    made: list[Toy] = []

    def make(*fates: Fate | None, **options: Any) -> Toy:
        apart = options.pop("apart", False)
        made.append(Toy(options.pop("plan", None) or Scripted(*fates, apart=apart), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("fate", "count"),
    [
        (None, 1),
        (Fault.REQUEST_LOST, 1),
        (Fault.RESPONSE_LOST, 2),
        (Fault.SERVER_ERROR_AFTER, 2),
        (Interruption.ARRIVES_LATE, 2),
        (Interruption.ARRIVES_TWICE, 2),
        (Interruption.KILLED_BEFORE, 0),
        (Interruption.KILLED_AFTER, 1),
        (Interruption.STALLED_BEFORE, 1),
        (Interruption.STALLED_AFTER, 1),
    ],
)
def test_each_fate_leaves_its_mark_on_a_bare_add(toy: Callable[..., Toy], fate: Fate | None, count: int) -> None:
    world = toy(fate)
    world.run(world.bare_add)
    assert world.count == count


def test_a_lost_answer_costs_the_sdks_read_timeout(toy: Callable[..., Toy]) -> None:
    world = toy(Fault.RESPONSE_LOST)
    world.run(world.bare_add)
    assert world.world.elapsed_microseconds > 2_000_000


def test_two_guarded_adds_at_once_are_two(toy: Callable[..., Toy]) -> None:
    for seed in range(10):
        world = toy(seed=seed)
        world.run(world.guarded_add, world.guarded_add)
        assert world.count == 2


def test_without_the_condition_some_order_of_turns_loses_an_add(toy: Callable[..., Toy]) -> None:
    counts = []
    for seed in range(10):
        world = toy(seed=seed, rewrite=without_condition("Update"))
        world.run(world.guarded_add, world.guarded_add)
        counts.append(world.count)
    assert 1 in counts


@pytest.mark.parametrize(("rewrite", "count"), [(None, 1), (without_retry_token, 2)])
def test_a_transaction_that_arrives_twice_counts_once_by_its_token(
    toy: Callable[..., Toy], rewrite: Rewrite | None, count: int
) -> None:
    # Here the second arrival comes within DynamoDB's ten minutes; after them the token would not help.
    world = toy(Interruption.ARRIVES_TWICE, seed=10, rewrite=rewrite)
    world.run(world.transacted_add)
    assert world.world.elapsed_microseconds < 600_000_000
    assert world.count == count


def test_a_batch_may_be_read_apart_and_still_gives_every_item(toy: Callable[..., Toy]) -> None:
    world = toy(apart=True)
    world.backend.ask("PutItem", TableName=TABLE, Item=WALLET | {"sk": {"S": "other"}})
    found: list[Any] = []

    def read() -> None:
        keys = [WALLET, WALLET | {"sk": {"S": "other"}}, WALLET | {"sk": {"S": "missing"}}]
        found.extend(world.client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})["Responses"][TABLE])

    world.run(read)
    assert sorted(item["sk"]["S"] for item in found) == ["-", "other"]


def test_others_write_between_the_reads_of_one_batch(toy: Callable[..., Toy]) -> None:
    """The two halves of one batch can come from before and after one transaction."""
    torn = 0
    for seed in range(20):
        world = toy(apart=True, seed=seed)
        other = WALLET | {"sk": {"S": "other"}}
        world.backend.ask("PutItem", TableName=TABLE, Item=other | {"n": {"N": "0"}})
        found: list[str] = []

        def read(world: Toy = world, found: list[str] = found, other: Any = other) -> None:
            page = world.client.batch_get_item(RequestItems={TABLE: {"Keys": [WALLET, other]}})
            found.extend(item["n"]["N"] for item in page["Responses"][TABLE])

        def write(world: Toy = world, other: Any = other) -> None:
            update = {
                "TableName": TABLE,
                "UpdateExpression": "SET n = :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
            writes = [{"Update": update | {"Key": key}} for key in (WALLET, other)]
            world.client.transact_write_items(TransactItems=writes)

        world.run(read, write)
        torn += len(set(found)) == 2
    assert 0 < torn < 20


def test_every_fate_is_drawn_and_faults_end() -> None:
    happened: set[str] = set()
    for seed in range(300):
        chance = random.Random(seed)
        plan = Plan.drawn(chance)
        for _ in range(400):
            for operation in ("TransactWriteItems", "BatchGetItem"):
                plan.fate(operation, chance)
        assert plan.left == 0
        assert plan.fate("TransactWriteItems", chance) is None
        happened |= plan.happened.keys()
    assert happened == {fate.value for fate in FATES}
