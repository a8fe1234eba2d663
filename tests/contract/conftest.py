"""Fixtures of the contracts: every engine, with the product's own client settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.adapters.dynamodb.store import Store
from tests.contract.ledgers import Place, dynamo_place, memory_place, store_of
from tests.engines.dynamodb_local import reason_to_skip
from tests.engines.engine import Engine
from tests.engines.fixtures import dynamodb_local_address, dynamodb_local_engine
from tests.engines.ministack import ministack_table
from tests.engines.moto import moto_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock

__all__ = ["dynamodb_local_address", "dynamodb_local_engine"]

ENGINES = ["moto", "ministack", *([] if reason_to_skip() else ["dynamodb_local"])]
"""Where DynamoDB Local is not set up, one test skips and says why, instead of a third of them all."""


@pytest.fixture
def clock() -> FakeClock:
    """Stands at noon."""
    return FakeClock(grocer.NOON)


@pytest.fixture
def moto_engine() -> Iterator[Engine]:
    """An empty table on moto."""
    with moto_table(product_client) as engine:
        yield engine


@pytest.fixture
def ministack_engine() -> Iterator[Engine]:
    """An empty table on MiniStack's request handler, in process."""
    with ministack_table(product_client) as engine:
        yield engine


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """An empty table on each engine in turn."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def store(engine: Engine) -> Store:
    """The product's store on each engine in turn."""
    return store_of(engine)


@pytest.fixture(params=["memory", *ENGINES])
def place(request: pytest.FixtureRequest, clock: FakeClock) -> Place:
    """A ledger of each kind in turn, where Ada and Bob have empty wallets."""
    if request.param == "memory":
        found = memory_place(clock)
    else:
        found = dynamo_place(store_of(request.getfixturevalue(f"{request.param}_engine")), clock)
    found.open(grocer.ADA, grocer.OPENED)
    found.open(grocer.BOB, grocer.OPENED)
    return found
