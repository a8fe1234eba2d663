"""A quarter of the published retail year through the deployed API, to the point."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from infra.local_cloud.demo import Replay, Replayed
from infra.local_cloud.retail import RetailOrder, read_orders
from infra.local_cloud.state import REPOSITORY
from tests.e2e.laurel import Laurel
from tests.retail.figures import expected_mini_balances

pytestmark = pytest.mark.e2e

QUARTER_END = date(2017, 3, 31)
ALL_GONE = datetime(2018, 3, 31, 12, tzinfo=UTC)
"""365 days after the quarter's last day."""


@pytest.fixture(scope="module")
def orders() -> list[RetailOrder]:
    """The first quarter's orders of a hundredth of the households."""
    return [order for order in read_orders(modulus=100, remainder=7) if order.local_day <= QUARTER_END]


@pytest.fixture(scope="module")
def households(laurel: Laurel, orders: list[RetailOrder]) -> list[Replayed]:
    """The households, after their orders were sent in their own time."""
    return Replay(laurel.pos, laurel.operator).run(orders)


def _balances(laurel: Laurel, households: list[Replayed], query: str = "") -> dict[str, int]:
    wallets = {one.household: laurel.pos.expect("GET", f"/v1/members/{one.member_id}/wallet{query}") for one in households}
    return {household: wallet["currencies"][0]["balance"] for household, wallet in wallets.items()}


def test_every_balance_is_what_was_computed_apart_from_laurel(
    laurel: Laurel, orders: list[RetailOrder], households: list[Replayed]
) -> None:
    assert len(orders) >= 500
    assert sum(one.orders for one in households) == len(orders)
    expected = expected_mini_balances()[QUARTER_END]
    # Who bought nothing in the quarter is not a member yet.
    assert _balances(laurel, households) == {one.household: expected[one.household] for one in households}
    assert sum(points for household, points in expected.items() if int(household) % 100 == 7) == sum(
        _balances(laurel, households).values()
    )


def test_an_order_sent_again_after_all_of_them_changes_nothing(
    laurel: Laurel, orders: list[RetailOrder], households: list[Replayed]
) -> None:
    before = _balances(laurel, households)
    replay = Replay(laurel.pos, laurel.operator)
    replay.run(orders[:20])
    assert _balances(laurel, households) == before


def test_a_year_later_all_of_it_is_gone_and_the_past_is_still_what_it_was(laurel: Laurel, households: list[Replayed]) -> None:
    then = _balances(laurel, households)
    Replay(laurel.pos, laurel.operator).move_clock(ALL_GONE)
    assert set(_balances(laurel, households).values()) == {0}
    assert _balances(laurel, households, f"?as_of={QUARTER_END}") == then


@pytest.mark.usefixtures("households")
def test_the_books_are_proven_on_the_deployed_table(laurel: Laurel) -> None:
    command = [sys.executable, "-m", "shared.audit", "--table", laurel.outputs["TableName"]]
    proof = subprocess.run(command, cwd=REPOSITORY, env=laurel.cloud.environment(), capture_output=True, text=True, check=False)
    assert proof.returncode == 0, proof.stdout + proof.stderr
