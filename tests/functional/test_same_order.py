"""One order is one entry, however often and from wherever it is sent."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.earning.earn_points import record_purchase
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.store import Backoff, Store
from shared.api.answers import EntryAnswer
from shared.domain.errors import KeyReusedError
from shared.domain.purchase import Purchase
from shared.ports import Ledger
from tests.contract.ledgers import opener
from tests.engines.engine import create_table
from tests.engines.ministack import Backend
from tests.engines.wire import set_transport
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order, purchase
from tests.fakes.memory_catalog import FixedPrograms
from tests.fakes.memory_ledger import MemoryLedger
from tests.functional.api import Caller
from tests.functional.conftest import Stage

PATH = "/v1/purchases"
SENDERS = 20


def test_the_same_order_sent_twenty_times_is_one_entry_with_twenty_equal_answers(
    stage: Stage, till: Caller, clock: FakeClock
) -> None:
    answers = set()
    for _ in range(SENDERS):
        answers.add(till.post(PATH, order()).text)
        clock.advance(days=17)
    assert len(answers) == 1
    assert [item["pk"]["S"] for item in stage.items() if item["pk"]["S"].startswith("ORDER#")] == ["ORDER#order-1"]


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(json.dumps(order(), indent=4), id="white space"),
        pytest.param(json.dumps(dict(reversed(order().items()))), id="order of names"),
        pytest.param(json.dumps(order(occurred_at="2026-03-02T12:00:00-05:00")), id="another zone"),
        pytest.param(json.dumps(order(occurred_at="2026-03-02T17:00:00.000000+00:00")), id="the instant in full"),
        pytest.param(json.dumps({**order(), "channel": None, "store": None}), id="null for left out"),
        pytest.param(json.dumps(order()).replace("apples", "\\u0061pples"), id="escapes"),
    ],
)
def test_an_order_written_differently_is_the_same_order(till: Caller, same: str) -> None:
    first = till.post(PATH, order())
    assert till.send("POST", PATH, same).text == first.text


def test_a_replay_answers_as_the_first_time_whatever_the_program_says_now(stage: Stage, till: Caller, clock: FakeClock) -> None:
    first = till.post(PATH, order())
    stage.activate(grocer.version(2, grocer.OPENED, earning_rules=[], late_days_max=0, claim_days=0))
    clock.advance(days=1000)
    assert till.post(PATH, order()).text == first.text


def test_a_replay_tells_the_balances_of_its_own_time(till: Caller) -> None:
    first = till.post(PATH, order())
    till.post(PATH, order("order-2", 5000))
    assert till.post(PATH, order()).text == first.text


@pytest.fixture
def locked_ministack(clock: FakeClock) -> Any:
    """The product's ledger on MiniStack, for threads: requests one at a time, as a table sees them."""
    backend, client, lock = Backend(), product_client(), threading.Lock()

    def send(request: Any) -> Any:
        with lock:
            return backend.send(request)

    set_transport(client, send)
    create_table(client, "laurel-threads")
    store = Store(client, "laurel-threads", Backoff(sleep=lambda _: None))
    for member in (ADA, BOB):
        opener(store)(member, grocer.OPENED)
    yield DynamoLedger(store, clock)
    backend.close()


@pytest.fixture
def memory(clock: FakeClock) -> MemoryLedger:
    """The ledger in memory, which threads may share."""
    ledger = MemoryLedger(clock)
    for member in (ADA, BOB):
        ledger.open(member, grocer.OPENED)
    return ledger


@pytest.fixture(params=["memory", "locked_ministack"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """A ledger that twenty threads can use at once."""
    found: Ledger = request.getfixturevalue(request.param)
    return found


def at_once(ledger: Ledger, *orders: Purchase) -> list[str]:
    """Record the orders in as many threads that start together; each answer as the API would send it."""
    start = threading.Barrier(len(orders))
    programs = FixedPrograms(grocer.version())

    def send(order: Purchase) -> str:
        start.wait()
        try:
            return EntryAnswer.of(record_purchase(order, ledger=ledger, programs=programs)).model_dump_json()
        except KeyReusedError:
            return "409"

    with ThreadPoolExecutor(len(orders)) as senders:
        return list(senders.map(send, orders))


def test_the_same_order_sent_by_twenty_tills_at_once_is_one_entry_with_twenty_equal_answers(ledger: Ledger) -> None:
    answers = at_once(ledger, *[purchase()] * SENDERS)
    assert len(set(answers)) == 1
    wallet = ledger.view(ADA).wallet
    assert (wallet.sequence, wallet.purse("points").active) == (1, 19)


def test_of_two_members_with_the_same_order_id_at_once_one_earns(ledger: Ledger) -> None:
    answers = at_once(ledger, *[purchase(), purchase(member_id=BOB)] * 5)
    assert answers.count("409") == 5
    assert len(set(answers)) == 2
    assert ledger.view(ADA).wallet.sequence + ledger.view(BOB).wallet.sequence == 1


def test_different_orders_of_one_member_at_once_are_all_kept(ledger: Ledger) -> None:
    orders = [purchase(f"order-{n}", 100 * n) for n in range(1, 9)]
    answers = [json.loads(answer) for answer in at_once(ledger, *orders)]
    assert sorted(answer["sequence"] for answer in answers) == list(range(1, 9))
    assert ledger.view(ADA).wallet.purse("points").active == sum(range(1, 9))
