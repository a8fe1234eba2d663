"""What the test clock and the cursor's key promise on every engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.ledger import DynamoLedger
from shared.adapters.dynamodb.secrets import SECRET_BYTES, Secret
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import CURSOR_SECRET
from shared.domain.errors import ClockBackwardError
from tests.contract.ledgers import dynamo_place, record, store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, NOON, purchase


@pytest.fixture
def sandbox_clock(store: Store, clock: FakeClock) -> TestClock:
    return TestClock(store, clock)


def test_a_clock_that_was_never_set_tells_real_time(sandbox_clock: TestClock, clock: FakeClock) -> None:
    assert not sandbox_clock.is_set()
    assert sandbox_clock.now() == NOON
    clock.advance(minutes=1)
    assert sandbox_clock.now() == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("days", [-3650, 0, 3650])
def test_the_first_setting_may_be_any_instant_and_then_it_stands(sandbox_clock: TestClock, clock: FakeClock, days: int) -> None:
    instant = NOON + timedelta(days=days, microseconds=7)
    assert sandbox_clock.move_to(instant) == instant
    clock.advance(hours=5)
    assert sandbox_clock.is_set()
    assert sandbox_clock.now() == instant


def test_it_moves_forward_only(sandbox_clock: TestClock) -> None:
    sandbox_clock.move_to(NOON)
    sandbox_clock.move_to(NOON)
    with pytest.raises(ClockBackwardError) as refused:
        sandbox_clock.move_to(NOON - timedelta(microseconds=1))
    assert refused.value.now == NOON
    assert sandbox_clock.move_to(NOON + timedelta(days=1)) == sandbox_clock.now()


def test_of_two_settings_at_once_the_later_instant_stays(engine: Engine, sandbox_clock: TestClock, clock: FakeClock) -> None:
    sandbox_clock.move_to(NOON)
    late = InterruptedClient(engine.client, lambda: sandbox_clock.move_to(NOON + timedelta(days=2)))
    with pytest.raises(ClockBackwardError):
        TestClock(store_of(engine, late), clock).move_to(NOON + timedelta(days=1))
    assert sandbox_clock.now() == NOON + timedelta(days=2)


def test_of_two_first_settings_at_once_none_moves_it_backward(
    engine: Engine, sandbox_clock: TestClock, clock: FakeClock
) -> None:
    late = InterruptedClient(engine.client, lambda: sandbox_clock.move_to(NOON + timedelta(days=2)))
    with pytest.raises(ClockBackwardError):
        TestClock(store_of(engine, late), clock).move_to(NOON)
    assert sandbox_clock.now() == NOON + timedelta(days=2)


def test_the_ledger_records_in_the_time_of_the_test_clock(store: Store, sandbox_clock: TestClock, clock: FakeClock) -> None:
    place = dynamo_place(store, sandbox_clock)
    place.open(ADA, grocer.OPENED)
    assert place.ledger.view(ADA).now == NOON
    sandbox_clock.move_to(NOON + timedelta(days=40))
    clock.advance(days=3)
    assert place.ledger.view(ADA).now == NOON + timedelta(days=40)
    assert record(place.ledger, purchase()).recorded_at == NOON + timedelta(days=40)


def test_a_ledger_with_a_test_clock_makes_no_more_round_trips(
    store: Store, sandbox_clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamo_place(store, sandbox_clock).open(ADA, grocer.OPENED)
    calls: list[str] = []
    store.client.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    record(DynamoLedger(store, sandbox_clock), purchase())
    assert calls == ["BatchGetItem", "TransactWriteItems"]


def test_every_container_of_a_stage_signs_with_the_same_key(store: Store) -> None:
    value = Secret(store, CURSOR_SECRET).value()
    assert len(value) == SECRET_BYTES
    assert Secret(store, CURSOR_SECRET).value() == value


def test_two_containers_that_make_the_key_at_once_end_with_one(engine: Engine, store: Store) -> None:
    others: list[bytes] = []
    late = store_of(engine, InterruptedClient(engine.client, lambda: others.append(Secret(store, CURSOR_SECRET).value())))
    assert [Secret(late, CURSOR_SECRET).value()] == others


def test_the_key_is_read_once_by_each_container(store: Store) -> None:
    secret = Secret(store, CURSOR_SECRET)
    value = secret.value()
    store.client.delete_table(TableName=store.table)
    assert secret.value() == value


def test_the_key_of_a_new_stage_is_a_new_one(store: Store) -> None:
    first = Secret(store, CURSOR_SECRET).value()
    store.client.delete_item(TableName=store.table, Key={"pk": {"S": "SECRET"}, "sk": {"S": "CURSOR"}})
    assert Secret(store, CURSOR_SECRET).value() != first
