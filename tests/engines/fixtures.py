"""Fixtures of the engines: a conftest imports those it wants, or `tests/conftest.py` names this in `pytest_plugins`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.dynamodb_local import (
    FOLDER_VARIABLE,
    dynamodb_local_server,
    dynamodb_local_table,
    reason_to_skip,
)
from tests.engines.engine import Engine
from tests.engines.ministack import ministack_table
from tests.engines.moto import moto_table


@pytest.fixture
def moto_engine() -> Iterator[Engine]:
    """An empty table on moto."""
    with moto_table() as engine:
        yield engine


@pytest.fixture
def ministack_engine() -> Iterator[Engine]:
    """An empty table on MiniStack's request handler, in process."""
    with ministack_table() as engine:
        yield engine


@pytest.fixture(scope="session")
def dynamodb_local_address() -> Iterator[str]:
    """A DynamoDB Local started for this session of tests; skips with the reason where it cannot run."""
    reason = reason_to_skip()
    if reason:
        pytest.skip(reason)
    with dynamodb_local_server(Path(os.environ[FOLDER_VARIABLE])) as address:
        yield address


@pytest.fixture
def dynamodb_local_engine(dynamodb_local_address: str) -> Iterator[Engine]:
    """An empty table on DynamoDB Local."""
    with dynamodb_local_table(dynamodb_local_address) as engine:
        yield engine


@pytest.fixture(params=["moto", "ministack", "dynamodb_local"])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """An empty table on each engine in turn: for what must hold on all of them."""
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    return engine
