"""The meter in memory counts what the meter at the wire counts, so that what it says of a million members can be believed."""

from __future__ import annotations

import pytest

from benchmarks.crowd import Silent, morning, stored_morning
from tests.engines.engine import Engine
from tests.engines.ministack import ministack_table
from tests.fakes.clients import product_client


@pytest.fixture(scope="module")
def silent() -> Silent:
    return Silent.grown()


@pytest.mark.parametrize(("members", "due"), [(40, 0), (300, 30), (400, 260)], ids=["nothing due", "in the tick", "by workers"])
def test_a_morning_costs_the_same_in_memory_and_on_the_table(
    ministack_engine: Engine, silent: Silent, members: int, due: int
) -> None:
    in_memory = morning(members, due, ministack_engine, silent)
    with ministack_table(product_client) as engine:
        assert in_memory.units == stored_morning(members, due, engine, silent).units


def test_who_is_not_due_costs_nothing(silent: Silent) -> None:
    found = []
    for members in (300, 3_000):
        with ministack_table(product_client) as engine:
            found.append(morning(members, 250, engine, silent).units)
    assert found[0] == found[1]
