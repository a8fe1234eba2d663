"""The proof reads gift cards out of the table, tells what is owed on them, and names what was tampered with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.dynamodb.gift_cards import DynamoGiftCards, card_item
from shared.adapters.dynamodb.items import Item, to_wire
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import card_entry_key, card_key, tender_key
from shared.audit.__main__ import prove
from shared.domain.card_decision import issue_card, refund_card, refund_hash, refund_key, spend_card, spend_hash, spend_key
from shared.domain.gift_card import CardId, NewCard
from tests.engines.ministack import ministack_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock

CARD, OTHER = CardId("01HCARD0000000000000000001"), CardId("01HCARD0000000000000000002")


@pytest.fixture
def store() -> Iterator[Store]:
    """A table with two cards; one paid for an order and got a part of it back."""
    with ministack_table(product_client) as engine:
        store = Store(engine.client, engine.table)
        cards = DynamoGiftCards(store, FakeClock(grocer.NOON))
        news = [NewCard(CARD, "0" * 16), NewCard(OTHER, "1" * 16)]
        cards.issue(
            "caller",
            "key",
            b"h",
            lambda now: [issue_card(new, amount=5000, currency="USD", now=now, zone=grocer.ZONE) for new in news],
        )
        cards.decide_and_post(
            CARD,
            spend_key("order-1"),
            spend_hash(CARD, "order-1", 1200, "USD"),
            lambda card, now: spend_card(card, "order-1", 1200, "USD", now=now, zone=grocer.ZONE),
        )
        cards.decide_and_post(
            CARD,
            refund_key("order-1", "r1"),
            refund_hash(CARD, "order-1", "r1", 200),
            lambda card, now: refund_card(card, amount=200, order_id="order-1", refund_id="r1", now=now, zone=grocer.ZONE),
        )
        yield store


def overwrite(store: Store, item: Item) -> None:
    store.client.put_item(TableName=store.table, Item=to_wire(item))


def change(store: Store, key: dict[str, str], **changes: Any) -> None:
    found = store.get(key)
    assert found is not None
    overwrite(store, {**found, **changes})


def remove(store: Store, key: dict[str, str]) -> None:
    store.client.delete_item(TableName=store.table, Key=to_wire(key))


def test_honest_cards_are_proven_and_what_is_owed_on_them_is_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert prove(store) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "4 entries of 0 members" in told
    assert "2 gift cards with 9,000 minor units of USD" in told


@pytest.mark.parametrize(
    ("tamper", "promise"),
    [
        (lambda s: change(s, card_key(CARD), balance=5000), "a card is the fold of its entries"),
        (lambda s: change(s, card_entry_key(CARD, "spend:order-1"), amount=1), "a card entry's postings follow from the rules"),
        (lambda s: remove(s, card_entry_key(CARD, "refund:order-1:r1")), "a card counts its entries"),
        (lambda s: remove(s, card_entry_key(CARD, "issue")), "a card begins with its issue"),
        (lambda s: remove(s, card_key(OTHER)), "every entry of a gift card has its card"),
        (lambda s: remove(s, tender_key("order-1", "gift_card", CARD)), "an order knows the gift cards that paid for it"),
        (
            lambda s: change(s, tender_key("order-1", "gift_card", CARD), amount=1201),
            "an order knows the gift cards that paid for it",
        ),
        (
            lambda s: overwrite(s, {**tender_key("order-2", "gift_card", OTHER), "amount": 1}),
            "an order knows the gift cards that paid for it",
        ),
    ],
)
def test_whatever_is_tampered_with_is_named(
    store: Store, capsys: pytest.CaptureFixture[str], tamper: Any, promise: str
) -> None:
    tamper(store)
    code = prove(store)
    told = " ".join(capsys.readouterr().out.split())
    assert (code, f"broken: {promise}" in told) == (1, True), told


def test_what_only_looked_broken_because_the_scan_is_no_snapshot_does_not_count(store: Store) -> None:
    """The scan saw the card before an entry and the entry after it."""

    class Torn:
        """Shows the scan a card as it was before its last two entries."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store.client, name)

        def scan(self, **arguments: Any) -> Any:
            page = store.client.scan(**arguments)
            fresh = issue_card(NewCard(CARD, "0" * 16), amount=5000, currency="USD", now=grocer.NOON, zone=grocer.ZONE)[1]
            page["Items"] = [to_wire(card_item(fresh)) if item["pk"]["S"] == f"CARD#{CARD}" else item for item in page["Items"]]
            return page

    assert prove(Store(Torn(), store.table)) == 0  # type: ignore[arg-type]
