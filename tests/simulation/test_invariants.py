"""Each invariant is broken by hand once, to see that it is looked at."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engines.engine import Engine
from tests.engines.fixtures import ministack_engine
from tests.engines.ministack import Backend
from tests.engines.wire import given_transport
from tests.meter.shop import open_shop
from tests.simulation.invariants import Item, Witness, ledger_violations
from tests.simulation.world import World

__all__ = ["ministack_engine"]


@pytest.fixture
def items(ministack_engine: Engine) -> Iterator[list[Item]]:
    """A sound table: one member with three purchases, one with one."""
    with open_shop(ministack_engine) as shop:
        member = shop.enrol(1)
        for number in range(3):
            shop.buy(member, f"order-{number}")
        yield ministack_engine.client.scan(TableName=ministack_engine.table, ConsistentRead=True)["Items"]


def entry(items: list[Item], order: str) -> Item:
    return next(item for item in items if item["pk"]["S"] == f"ORDER#{order}")


def wallet(items: list[Item], number: int = 1) -> Item:
    pk = f"MEMBER#01ARZ3NDEKTSV4RRFFQ69G5F{number:02}"
    return next(item for item in items if item["pk"]["S"] == pk and item["sk"]["S"] == "WALLET")


def stock(items: list[Item]) -> Item:
    return next(item for item in items if item["sk"]["S"] == "STOCK")


def test_a_sound_table_breaks_nothing(items: list[Item]) -> None:
    assert ledger_violations(items) == []


def lose_an_entry(items: list[Item]) -> None:
    items.remove(entry(items, "order-1"))


def lose_the_last_entry(items: list[Item]) -> None:
    items.remove(entry(items, "order-2"))


def lose_a_wallet(items: list[Item]) -> None:
    items.remove(wallet(items))


def double_a_sequence(items: list[Item]) -> None:
    entry(items, "order-1")["seq"] = {"N": "1"}


def misname_the_one_before(items: list[Item]) -> None:
    entry(items, "order-2")["prev"] = {"S": "purchase:order-0"}


def record_in_the_past(items: list[Item]) -> None:
    entry(items, "order-2")["recorded_at"] = {"S": "2020-01-01T00:00:00Z"}


def double_a_serial(items: list[Item]) -> None:
    entry(items, "order-1")["postings"] = entry(items, "order-0")["postings"]


def add_a_point(items: list[Item]) -> None:
    purse = wallet(items)["purses"]["M"]["points"]["M"]
    purse["lots"]["L"][1] = {"N": str(int(purse["lots"]["L"][1]["N"]) + 1)}


def forget_what_was_issued(items: list[Item]) -> None:
    wallet(items)["purses"]["M"]["points"]["M"]["issued"] = {"N": "0"}


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lose_an_entry, "has sequence 3 and entries [1, 3]"),
        (lose_the_last_entry, "the wallet's last entry is purchase:order-2"),
        (lose_a_wallet, "who has no wallet"),
        (double_a_sequence, "has sequence 3 and entries [1, 1, 3]"),
        (misname_the_one_before, "as the ones before them"),
        (record_in_the_past, "recorded before the one before it"),
        (double_a_serial, "serial numbers have no gap or overlap"),
        (add_a_point, "the wallet is the fold of its entries"),
        (forget_what_was_issued, "debits equal credits"),
    ],
)
def test_a_broken_table_is_told_from_a_sound_one(items: list[Item], tamper: Callable[[list[Item]], None], said: str) -> None:
    broken = copy.deepcopy(items)
    tamper(broken)
    assert any(said in violation for violation in ledger_violations(broken)), ledger_violations(broken)


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        ("entry", {"kind": {"S": "other"}}, "was changed after it was written"),
        ("wallet", {"seq": {"N": "9"}}, "went from sequence 3 to 9"),
        ("wallet", {"debt": {"N": "1"}}, "went from sequence 3 to 3"),
        ("wallet", {"seq": {"N": "4"}}, None),
        ("stock", {"total": {"N": "99"}}, "STOCK#few went from sequence 1 to 1"),
        ("stock", {"version": {"N": "2"}, "used": {"N": "101"}}, "few is oversold"),
        ("stock", {"version": {"N": "2"}, "used": {"N": "100"}}, None),
    ],
)
def test_a_write_that_changes_an_entry_or_skips_a_sequence_is_seen_at_once(
    ministack_engine: Engine, items: list[Item], place: str, change: dict[str, Any], said: str | None
) -> None:
    transport: Any = given_transport(ministack_engine.client)
    backend: Backend = transport.__self__
    witness, world = Witness(backend, ministack_engine.table), World(0)
    item = {"entry": entry(items, "order-1"), "wallet": wallet(items), "stock": stock(items)}[place]
    ministack_engine.client.put_item(TableName=ministack_engine.table, Item=item | change)
    witness.after_write(world, [{"pk": item["pk"], "sk": item["sk"]}])
    assert bool(world.violations) is (said is not None)
    assert said is None or said in world.violations[0]
