"""Misses of codes: exact, counted before they are told, and only the guesser is stopped."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.dynamodb.attempts import (
    ATTEMPT_WINDOW,
    MISSES_MAX,
    DynamoAttempts,
    blocked_until,
    code_item,
    owner_of,
)
from shared.adapters.dynamodb.store import ATTEMPTS_MAX, Backoff, Store
from shared.adapters.dynamodb.table import attempts_key
from shared.domain.code import CARD_SYMBOLS, VOUCHER_SYMBOLS, CodeKind, CodeOwner, make_code
from shared.domain.errors import GiftCardUnknownError, LaurelError, TooManyAttemptsError, TryAgainError, VoucherUnknownError
from tests.contract.ledgers import patient, store_of
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock

READ, WRITE = "BatchGetItem", "TransactWriteItems"
GUESSER, OTHER = "00112233445566aa", "ffeeddccbbaa9988"
CODE = make_code(random.Random(1), VOUCHER_SYMBOLS)
OWNER = CodeOwner(CodeKind.REDEMPTION, "key:till:redeem:1", grocer.ADA)
CARD = CodeOwner(CodeKind.GIFT_CARD, "01HCARD0000000000000000000")
rng = random.Random(2)


def wrong() -> str:
    return make_code(rng, VOUCHER_SYMBOLS)


@pytest.fixture
def attempts(store: Store, clock: FakeClock) -> DynamoAttempts:
    """Two codes exist: a voucher's and a gift card's."""
    store.transact([store.put(code_item(CODE, OWNER)), store.put(code_item("0" * CARD_SYMBOLS, CARD))])
    return DynamoAttempts(store, clock)


def miss(attempts: DynamoAttempts, times: int = 1, caller: str = GUESSER) -> None:
    for _ in range(times):
        with pytest.raises(VoucherUnknownError):
            attempts.find(wrong(), CodeKind.REDEMPTION, caller)


def test_a_code_leads_to_what_it_was_made_for(attempts: DynamoAttempts) -> None:
    assert attempts.find(CODE, CodeKind.REDEMPTION, GUESSER) == OWNER
    assert attempts.find("0" * CARD_SYMBOLS, CodeKind.GIFT_CARD, GUESSER) == CARD
    with pytest.raises(GiftCardUnknownError):
        attempts.find(CODE, CodeKind.GIFT_CARD, GUESSER)


def test_owners_survive_the_table() -> None:
    for owner in (OWNER, CARD):
        assert owner_of(code_item(CODE, owner)) == owner


def test_after_twenty_misses_the_caller_waits_whatever_the_code_and_nobody_else_does(
    attempts: DynamoAttempts, clock: FakeClock
) -> None:
    miss(attempts, MISSES_MAX)
    clock.advance(minutes=5)
    for code in (CODE, wrong()):
        with pytest.raises(TooManyAttemptsError) as refused:
            attempts.find(code, CodeKind.REDEMPTION, GUESSER)
        assert refused.value.retry_after == 600
    assert attempts.find(CODE, CodeKind.REDEMPTION, OTHER) == OWNER
    miss(attempts, caller=OTHER)


def test_who_waits_as_long_as_told_may_go_on_and_not_a_second_earlier(attempts: DynamoAttempts, clock: FakeClock) -> None:
    miss(attempts, MISSES_MAX)
    clock.advance(minutes=14, seconds=59, microseconds=999_999)
    with pytest.raises(TooManyAttemptsError) as refused:
        attempts.find(CODE, CodeKind.REDEMPTION, GUESSER)
    assert refused.value.retry_after == 1
    clock.advance(microseconds=1)
    assert attempts.find(CODE, CodeKind.REDEMPTION, GUESSER) == OWNER
    miss(attempts, MISSES_MAX)
    with pytest.raises(TooManyAttemptsError):
        attempts.find(CODE, CodeKind.REDEMPTION, GUESSER)


def test_hits_neither_count_nor_wipe_out_misses(attempts: DynamoAttempts) -> None:
    for _ in range(3 * MISSES_MAX):
        attempts.find(CODE, CodeKind.REDEMPTION, GUESSER)
    miss(attempts, MISSES_MAX - 1)
    attempts.find(CODE, CodeKind.REDEMPTION, GUESSER)
    miss(attempts)
    with pytest.raises(TooManyAttemptsError):
        attempts.find(CODE, CodeKind.REDEMPTION, GUESSER)


def test_misses_of_an_old_window_are_forgotten(attempts: DynamoAttempts, clock: FakeClock) -> None:
    miss(attempts, MISSES_MAX - 1)
    clock.instant += ATTEMPT_WINDOW
    miss(attempts, MISSES_MAX)


def test_a_server_whose_clock_is_behind_never_says_to_wait_longer_than_a_window(attempts: DynamoAttempts, store: Store) -> None:
    miss(attempts, MISSES_MAX)
    item = store.get(attempts_key(GUESSER))
    early = grocer.NOON - timedelta(minutes=4)
    assert blocked_until(item, early) == early + ATTEMPT_WINDOW


@pytest.fixture
def slept() -> list[Any]:
    """The seconds that the store would have slept."""
    return []


@pytest.fixture
def small(ministack_engine: Engine, clock: FakeClock, slept: list[Any]) -> DynamoAttempts:
    """Only on MiniStack, with one code."""
    store = store_of(ministack_engine, backoff=patient(slept))
    store.transact([store.put(code_item(CODE, OWNER))])
    return DynamoAttempts(store, clock)


@pytest.fixture
def wire(ministack_engine: Engine, small: DynamoAttempts) -> Iterator[FaultyWire]:
    """The wire to the table, which breaks as told."""
    with faulty(ministack_engine) as wire:
        yield wire


def operations(wire: FaultyWire) -> list[str]:
    return [operation for operation, _ in wire.calls]


def test_a_hit_is_one_round_trip_a_miss_two_and_a_blocked_caller_one(small: DynamoAttempts, wire: FaultyWire) -> None:
    small.find(CODE, CodeKind.REDEMPTION, GUESSER)
    assert operations(wire) == [READ]
    wire.calls.clear()
    miss(small)
    miss(small)
    assert operations(wire) == [READ, WRITE] * 2
    miss(small, MISSES_MAX - 2)
    wire.calls.clear()
    with pytest.raises(TooManyAttemptsError):
        small.find(wrong(), CodeKind.REDEMPTION, GUESSER)
    assert operations(wire) == [READ]


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.THROTTLED, Fault.REQUEST_LOST])
def test_a_miss_is_not_told_before_it_is_counted(small: DynamoAttempts, wire: FaultyWire, fault: Fault) -> None:
    wire.next(WRITE, *[fault] * ATTEMPTS_MAX)
    with pytest.raises(TryAgainError):
        small.find(wrong(), CodeKind.REDEMPTION, GUESSER)
    wire.next(WRITE, fault)
    miss(small, MISSES_MAX)
    with pytest.raises(TooManyAttemptsError):
        small.find(wrong(), CodeKind.REDEMPTION, GUESSER)


def test_another_miss_between_reading_and_counting_is_counted_too(
    small: DynamoAttempts, ministack_engine: Engine, clock: FakeClock
) -> None:
    late = DynamoAttempts(store_of(ministack_engine, InterruptedClient(ministack_engine.client, lambda: miss(small, 3))), clock)
    miss(late)
    miss(small, MISSES_MAX - 4)
    with pytest.raises(TooManyAttemptsError):
        small.find(CODE, CodeKind.REDEMPTION, GUESSER)


def test_a_guess_that_is_overtaken_by_the_last_miss_is_told_to_wait_and_not_that_it_missed(
    small: DynamoAttempts, ministack_engine: Engine, clock: FakeClock
) -> None:
    meanwhile = InterruptedClient(ministack_engine.client, lambda: miss(small, MISSES_MAX))
    with pytest.raises(TooManyAttemptsError):
        DynamoAttempts(store_of(ministack_engine, meanwhile), clock).find(wrong(), CodeKind.REDEMPTION, GUESSER)


def test_forty_guesses_at_once_are_told_of_exactly_twenty_misses(ministack_engine: Engine, clock: FakeClock) -> None:
    store = Store(ministack_engine.client, ministack_engine.table, Backoff(rng=random.Random(1)))
    attempts = DynamoAttempts(store, clock)
    codes = [wrong() for _ in range(40)]

    def guess(code: str) -> str:
        while True:
            try:
                attempts.find(code, CodeKind.REDEMPTION, GUESSER)
            except TryAgainError:
                continue
            except LaurelError as error:
                return type(error).__name__
            return "hit"

    with ThreadPoolExecutor(8) as pool:
        told = Counter(pool.map(guess, codes))
    assert told == {"VoucherUnknownError": MISSES_MAX, "TooManyAttemptsError": 40 - MISSES_MAX}


def test_ten_thousand_guesses_find_nothing_and_cost_the_next_customer_nothing(small: DynamoAttempts) -> None:
    told: Counter[str] = Counter()
    for number in range(10_000):
        with pytest.raises(LaurelError) as refused:
            small.find(wrong(), CodeKind.REDEMPTION, GUESSER)
        told[type(refused.value).__name__] += 1
        if number % 1000 == 0:
            assert small.find(CODE, CodeKind.REDEMPTION, OTHER) == OWNER
    assert told == {"VoucherUnknownError": MISSES_MAX, "TooManyAttemptsError": 10_000 - MISSES_MAX}
