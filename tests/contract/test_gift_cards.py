"""Gift cards on the engines: once per key, exact when tills clash, whatever answer is lost."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.dynamodb.attempts import owner_of
from shared.adapters.dynamodb.clock import TestClock
from shared.adapters.dynamodb.gift_cards import DynamoGiftCards
from shared.adapters.dynamodb.store import ATTEMPTS_MAX, Backoff, Store
from shared.adapters.dynamodb.table import card_entry_key, code_key, key_of_card_entry, tender_key
from shared.domain.card_audit import audit_card
from shared.domain.card_decision import issue_card, refund_card, refund_hash, refund_key, spend_card, spend_hash, spend_key
from shared.domain.code import CARD_SYMBOLS, CodeKind, CodeOwner, make_code
from shared.domain.errors import (
    GiftCardShortError,
    GiftCardUnknownError,
    KeyReusedError,
    LaurelError,
    OverRefundError,
    TryAgainError,
)
from shared.domain.gift_card import CardEntry, CardId, GiftCard, NewCard
from tests.contract.ledgers import patient, store_of
from tests.engines.engine import Engine
from tests.engines.faults import Fault, FaultyWire, faulty
from tests.fakes import grocer
from tests.fakes.clients import InterruptedClient
from tests.fakes.clock import FakeClock

READ, WRITE = "BatchGetItem", "TransactWriteItems"
TILL = "00112233445566aa"
rng, numbers = random.Random(3), itertools.count(1)

Make = Callable[[datetime], Sequence[tuple[CardEntry, GiftCard]]]


def made(count: int = 1, amount: int = 5000, code: str | None = None) -> Make:
    def make(now: datetime) -> Sequence[tuple[CardEntry, GiftCard]]:
        news = [NewCard(CardId(f"01HCARD{next(numbers):019}"), code or make_code(rng, CARD_SYMBOLS)) for _ in range(count)]
        return [issue_card(new, amount=amount, currency="USD", valid_days=365, now=now, zone=grocer.ZONE) for new in news]

    return make


def issue(cards: DynamoGiftCards, amount: int = 5000) -> CardId:
    return cards.issue(TILL, f"key-{next(numbers)}", b"h", made(amount=amount))[0].card


def spend(cards: DynamoGiftCards, card: CardId, order: str, amount: int) -> CardEntry:
    return cards.decide_and_post(
        card,
        spend_key(order),
        spend_hash(card, order, amount, "USD"),
        lambda found, now: spend_card(found, order, amount, "USD", now=now, zone=grocer.ZONE),
    )


def refund(cards: DynamoGiftCards, card: CardId, order: str, number: str, amount: int) -> CardEntry:
    return cards.decide_and_post(
        card,
        refund_key(order, number),
        refund_hash(card, order, number, amount),
        lambda found, now: refund_card(found, amount=amount, order_id=order, refund_id=number, now=now, zone=grocer.ZONE),
    )


def check(cards: DynamoGiftCards, card: CardId) -> GiftCard:
    """The card, whose books are in order."""
    found, _ = cards.card(card)
    assert list(audit_card(found, cards.entries(card))) == []
    return found


@pytest.fixture
def cards(store: Store, clock: FakeClock) -> DynamoGiftCards:
    """On each engine in turn."""
    return DynamoGiftCards(store, clock)


def test_issued_cards_are_found_by_their_codes_and_answer_the_same_request_alike(cards: DynamoGiftCards) -> None:
    issued = cards.issue(TILL, "key-a", b"hash", made(25))
    assert len({entry.card for entry in issued}) == 25
    assert cards.issue(TILL, "key-a", b"hash", made(25)) == issued
    with pytest.raises(KeyReusedError):
        cards.issue(TILL, "key-a", b"other", made())
    assert cards.issue("another-till", "key-a", b"other", made())[0].card not in {entry.card for entry in issued}
    for entry in issued:
        assert entry.terms is not None
        code = cards.store.get(code_key(entry.terms.code))
        assert code is not None
        assert owner_of(code) == CodeOwner(CodeKind.GIFT_CARD, entry.card)
        assert cards.entries(entry.card) == [entry]
        check(cards, entry.card)


def test_a_code_that_was_given_before_is_never_given_again(cards: DynamoGiftCards) -> None:
    first = make_code(rng, CARD_SYMBOLS)
    old = cards.issue(TILL, "key-a", b"hash", made(code=first))[0]
    tries: list[datetime] = []

    def unlucky(now: datetime) -> Sequence[tuple[CardEntry, GiftCard]]:
        tries.append(now)
        return made(code=first if len(tries) == 1 else None)(now)

    new = cards.issue(TILL, "key-b", b"hash", unlucky)[0]
    assert len(tries) == 2
    owner = cards.store.get(code_key(first))
    assert owner is not None
    assert owner["id"] == old.card != new.card


def test_a_spend_and_a_refund_are_one_entry_each_however_often_they_are_sent(cards: DynamoGiftCards, clock: FakeClock) -> None:
    card = issue(cards)
    entry = spend(cards, card, "order-1", 3000)
    clock.advance(days=1)
    assert spend(cards, card, "order-1", 3000) == entry
    with pytest.raises(KeyReusedError):
        spend(cards, card, "order-1", 2000)
    back = refund(cards, card, "order-1", "r1", 1000)
    assert refund(cards, card, "order-1", "r1", 1000) == back
    with pytest.raises(OverRefundError):
        refund(cards, card, "order-1", "r2", 2001)
    assert check(cards, card).balance == 3000
    assert [found.key for found in cards.entries(card)] == ["issue", "spend:order-1", "refund:order-1:r1"]
    tender = cards.store.get(tender_key("order-1", "gift_card", card))
    assert tender is not None
    assert tender["amount"] == 3000


def test_a_card_that_was_never_issued_is_unknown(cards: DynamoGiftCards) -> None:
    for ask in (lambda: cards.card(CardId("none")), lambda: spend(cards, CardId("none"), "order-1", 1)):
        with pytest.raises(GiftCardUnknownError):
            ask()
    assert cards.entries(CardId("none")) == []


@pytest.mark.parametrize("key", ["issue", "spend:order-1", "refund:o.1:r~1", "block:00112233445566aa:key-1"])
def test_keys_of_entries_survive_the_table(key: str) -> None:
    assert key_of_card_entry(card_entry_key("card", key)) == key


def test_a_sandboxs_clock_is_read_with_the_card(ministack_engine: Engine, clock: FakeClock) -> None:
    store = store_of(ministack_engine)
    test_clock = TestClock(store, clock)
    cards = DynamoGiftCards(store, test_clock)
    card = issue(cards)
    test_clock.move_to(grocer.NOON + timedelta(days=100))
    with faulty(ministack_engine) as wire:
        assert spend(cards, card, "order-1", 1).recorded_at == grocer.NOON + timedelta(days=100)
        assert operations(wire) == [READ, WRITE]


def operations(wire: FaultyWire) -> list[str]:
    return [operation for operation, _ in wire.calls]


@pytest.fixture
def mine(ministack_engine: Engine, clock: FakeClock) -> DynamoGiftCards:
    """On MiniStack only, with a card's id in `card`."""
    return DynamoGiftCards(store_of(ministack_engine, backoff=patient()), clock)


@pytest.fixture
def card(mine: DynamoGiftCards) -> CardId:
    """A card with 50 dollars."""
    return issue(mine)


@pytest.fixture
def wire(ministack_engine: Engine, card: CardId) -> Iterator[FaultyWire]:
    """The wire to the table, which breaks as told."""
    with faulty(ministack_engine) as wire:
        yield wire


def test_a_spend_is_one_read_and_one_write_and_a_replay_one_read(mine: DynamoGiftCards, card: CardId, wire: FaultyWire) -> None:
    spend(mine, card, "order-1", 1)
    assert operations(wire) == [READ, WRITE]
    spend(mine, card, "order-1", 1)
    assert operations(wire) == [READ, WRITE, READ]


EVERY = [
    Fault.CONFLICT,
    Fault.THROTTLED,
    Fault.THROTTLED_IN_TRANSACTION,
    Fault.SERVER_ERROR,
    Fault.SERVER_ERROR_AFTER,
    Fault.REQUEST_LOST,
    Fault.RESPONSE_LOST,
]


# All was done the first time: the second read finds it.
TIMES = {Fault.SERVER_ERROR_AFTER: 1, Fault.RESPONSE_LOST: 1}


@pytest.mark.parametrize("fault", EVERY)
def test_whatever_happens_to_a_write_the_money_moves_once(
    mine: DynamoGiftCards, card: CardId, wire: FaultyWire, fault: Fault
) -> None:
    wire.next(WRITE, *[fault] * TIMES.get(fault, 2))
    spend(mine, card, "order-1", 3000)
    assert check(mine, card).balance == 2000
    wire.next(WRITE, *[fault] * TIMES.get(fault, 2))
    refund(mine, card, "order-1", "r1", 500)
    assert check(mine, card).balance == 2500


@pytest.mark.parametrize("fault", EVERY)
def test_whatever_happens_to_an_issue_the_cards_are_issued_once(
    mine: DynamoGiftCards, wire: FaultyWire, ministack_engine: Engine, fault: Fault
) -> None:
    wire.next(WRITE, *[fault] * TIMES.get(fault, 2))
    issued = mine.issue(TILL, "key-a", b"h", made(3))
    assert mine.issue(TILL, "key-a", b"h", made(3)) == issued
    found = ministack_engine.client.scan(TableName=ministack_engine.table, ConsistentRead=True)["Items"]
    assert sum(item["sk"]["S"] == "CARD" for item in found) == 4


def test_a_busy_table_ends_in_try_again_and_nothing_moved(mine: DynamoGiftCards, card: CardId, wire: FaultyWire) -> None:
    wire.next(WRITE, *[Fault.CONFLICT] * ATTEMPTS_MAX)
    with pytest.raises(TryAgainError):
        spend(mine, card, "order-1", 1)
    assert check(mine, card).balance == 5000


def test_a_till_that_is_overtaken_decides_again_on_what_is_left(
    mine: DynamoGiftCards, card: CardId, ministack_engine: Engine, clock: FakeClock
) -> None:
    other = InterruptedClient(ministack_engine.client, lambda: spend(mine, card, "order-1", 4000))
    late = DynamoGiftCards(store_of(ministack_engine, other), clock)
    with pytest.raises(GiftCardShortError) as short:
        spend(late, card, "order-2", 1001)
    assert short.value.balance == 1000
    assert check(mine, card).balance == 1000


def test_two_requests_of_one_key_at_once_issue_the_cards_once(
    mine: DynamoGiftCards, ministack_engine: Engine, clock: FakeClock
) -> None:
    first: list[list[CardEntry]] = []
    twin = InterruptedClient(ministack_engine.client, lambda: first.append(mine.issue(TILL, "key-a", b"h", made(3))))
    late = DynamoGiftCards(store_of(ministack_engine, twin), clock)
    assert late.issue(TILL, "key-a", b"h", made(3)) == first[0]
    found = ministack_engine.client.scan(TableName=ministack_engine.table, ConsistentRead=True)["Items"]
    assert sum(item["sk"]["S"] == "CARD" for item in found) == 3


def told(act: Callable[[], Any]) -> str:
    """How an act ended, repeated until it is known."""
    while True:
        try:
            act()
        except TryAgainError:
            continue
        except LaurelError as error:
            return type(error).__name__
        return "done"


def test_two_tills_never_spend_the_same_money(ministack_engine: Engine, clock: FakeClock) -> None:
    cards = DynamoGiftCards(Store(ministack_engine.client, ministack_engine.table, Backoff(rng=random.Random(1))), clock)
    card = issue(cards, amount=1000)
    tills = [lambda order=f"order-{number}": spend(cards, card, order, 300) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        ends = Counter(pool.map(told, tills))
    assert ends == {"done": 3, "GiftCardShortError": 5}
    assert check(cards, card).balance == 100


def test_two_tills_never_give_back_the_same_money(ministack_engine: Engine, clock: FakeClock) -> None:
    cards = DynamoGiftCards(Store(ministack_engine.client, ministack_engine.table, Backoff(rng=random.Random(1))), clock)
    card = issue(cards, amount=1000)
    spend(cards, card, "order-1", 900)
    tills = [lambda number=str(number): refund(cards, card, "order-1", number, 400) for number in range(6)]
    tills += [lambda: refund(cards, card, "order-1", "twice", 100)] * 4
    with ThreadPoolExecutor(8) as pool:
        ends = Counter(pool.map(told, tills))
    found = check(cards, card)
    assert found.order("order-1").refunded == 900
    assert found.balance == 1000
    assert ends["done"] == 2 + 4
