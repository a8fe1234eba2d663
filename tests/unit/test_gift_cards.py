"""Gift cards: what goes on, what comes off, and what comes back, to the cent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.dynamodb.gift_cards import card_entry_item, card_entry_of, card_item, card_of
from shared.adapters.dynamodb.items import from_wire, to_wire
from shared.domain.card_audit import audit_card
from shared.domain.card_decision import (
    ORDERS_MAX,
    activate_card,
    guard_card,
    guard_key,
    issue_card,
    refund_card,
    spend_card,
)
from shared.domain.errors import (
    CurrencyNotAcceptedError,
    GiftCardActiveError,
    GiftCardBlockedError,
    GiftCardExpiredError,
    GiftCardPendingError,
    GiftCardShortError,
    GiftCardSpendUnknownError,
    GiftCardWornError,
    LaurelError,
    OverRefundError,
)
from shared.domain.gift_card import (
    REFUND_DAYS_MIN,
    CardAccount,
    CardEntry,
    CardEntryKind,
    CardId,
    CardOrder,
    CardPosting,
    CardState,
    GiftCard,
    NewCard,
    fold_card,
)

ZONE = "America/New_York"
NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
TODAY = date(2026, 3, 2)
NEW = NewCard(CardId("01HCARD0000000000000000000"), "0" * 16)


@dataclass
class Book:
    """A card with all its entries, and the time that its tests let pass."""

    card: GiftCard
    entries: list[CardEntry]
    now: datetime = NOON

    @classmethod
    def open(cls, amount: int = 5000, **terms: Any) -> Book:
        entry, card = issue_card(NEW, amount=amount, currency="USD", now=NOON, zone=ZONE, **terms)
        return cls(card, [entry])

    def _post(self, decided: tuple[CardEntry, GiftCard]) -> CardEntry:
        entry, self.card = decided
        self.entries.append(entry)
        return entry

    def wait(self, **by: int) -> Book:
        self.now += timedelta(**by)
        return self

    def activate(self) -> CardEntry:
        return self._post(activate_card(self.card, now=self.now, zone=ZONE))

    def spend(self, order: str, amount: int, currency: str = "USD") -> CardEntry:
        return self._post(spend_card(self.card, order, amount, currency, now=self.now, zone=ZONE))

    def refund(self, order: str, refund: str, amount: int, **more: Any) -> CardEntry:
        decided = refund_card(self.card, amount=amount, order_id=order, refund_id=refund, now=self.now, zone=ZONE, **more)
        return self._post(decided)

    def guard(self, kind: CardEntryKind, key: str = "1") -> CardEntry:
        return self._post(guard_card(self.card, kind, guard_key(kind, "caller", key), "lost", now=self.now, zone=ZONE))

    @property
    def today(self) -> date:
        return self.card.day_of(self.now, ZONE)

    @property
    def state(self) -> CardState:
        return self.card.state(self.today)

    @property
    def balance(self) -> int:
        return self.card.settled(self.today).balance

    def check(self) -> None:
        assert list(audit_card(self.card, self.entries)) == []
        assert fold_card(self.entries) == self.card


def moves(entry: CardEntry) -> list[tuple[str, str, int]]:
    return [(posting.debit.value, posting.credit.value, posting.amount) for posting in entry.postings]


def test_a_card_is_issued_active_with_its_money() -> None:
    book = Book.open(valid_days=365)
    assert moves(book.entries[0]) == [("issued", "card", 5000)]
    assert (book.state, book.balance, book.card.expires_on) == (CardState.ACTIVE, 5000, date(2027, 3, 2))


def test_a_pending_card_is_worth_nothing_until_it_is_activated_and_its_days_begin_then() -> None:
    book = Book.open(pending=True, valid_days=10)
    assert moves(book.entries[0]) == []
    assert (book.state, book.balance, book.card.expires_on) == (CardState.PENDING, 0, None)
    book.wait(days=400)
    assert book.state is CardState.PENDING
    with pytest.raises(GiftCardPendingError):
        book.spend("order-1", 1)
    assert moves(book.activate()) == [("issued", "card", 5000)]
    assert (book.state, book.balance) == (CardState.ACTIVE, 5000)
    assert book.card.expires_on == TODAY + timedelta(days=410)
    with pytest.raises(GiftCardActiveError):
        book.activate()
    book.check()


def test_a_card_pays_until_it_is_empty_and_never_more() -> None:
    book = Book.open()
    assert moves(book.spend("order-1", 1200)) == [("card", "spent", 1200)]
    assert (book.state, book.balance) == (CardState.PARTLY_SPENT, 3800)
    with pytest.raises(GiftCardShortError) as short:
        book.spend("order-2", 3801)
    assert (short.value.balance, short.value.short_by, short.value.currency) == (3800, 1, "USD")
    book.spend("order-2", 3800)
    assert (book.state, book.balance) == (CardState.SPENT, 0)
    with pytest.raises(GiftCardShortError):
        book.spend("order-3", 1)
    book.check()


def test_a_card_pays_in_its_own_currency_only() -> None:
    with pytest.raises(CurrencyNotAcceptedError):
        Book.open().spend("order-1", 1, "EUR")


def test_what_an_order_got_back_is_never_more_than_it_paid_however_it_is_cut() -> None:
    book = Book.open()
    book.spend("order-1", 1000)
    book.spend("order-2", 2000)
    book.refund("order-1", "r1", 400)
    assert (book.state, book.balance) == (CardState.REFUNDED, 2400)
    with pytest.raises(OverRefundError) as over:
        book.refund("order-1", "r2", 601)
    assert over.value.refundable == 600
    book.refund("order-1", "r2", 600)
    with pytest.raises(OverRefundError):
        book.refund("order-1", "r3", 1)
    with pytest.raises(GiftCardSpendUnknownError):
        book.refund("order-9", "r1", 1)
    assert book.card.orders == (CardOrder("order-1", 1000, 1000), CardOrder("order-2", 2000, 0))
    book.spend("order-3", 3000)
    assert (book.state, book.balance) == (CardState.SPENT, 0)
    book.check()


def test_the_share_of_an_orders_refund_and_a_refund_of_the_card_alone_do_not_take_each_others_key() -> None:
    book = Book.open()
    book.spend("order-1", 1000)
    alone = book.refund("order-1", "r1", 100)
    share = book.refund("order-1", "r1", 200, digest=b"d" * 32)
    assert (alone.key, share.key, share.request_hash) == ("refund:order-1:r1", "share:order-1:r1", b"d" * 32)
    book.check()


def test_a_card_can_be_spent_until_the_last_minute_of_its_last_local_day() -> None:
    book = Book.open(valid_days=2)
    book.now = datetime(2026, 3, 4, 4, 59, 59, tzinfo=UTC)
    book.spend("order-1", 1000)
    book.now = datetime(2026, 3, 4, 5, 0, tzinfo=UTC)
    assert (book.state, book.balance) == (CardState.EXPIRED, 0)
    with pytest.raises(GiftCardExpiredError) as gone:
        book.spend("order-2", 1)
    assert gone.value.last_day == date(2026, 3, 3)
    book.check()


def test_what_comes_back_onto_an_expired_card_can_be_spent_for_ninety_days_and_what_expired_stays_gone() -> None:
    book = Book.open(valid_days=10)
    book.spend("order-1", 1000)
    back = book.wait(days=30).refund("order-1", "r1", 600)
    assert moves(back) == [("card", "expired", 4000), ("spent", "card", 600)]
    assert (book.state, book.balance, book.card.expired) == (CardState.REFUNDED, 600, 4000)
    assert book.card.expires_on == book.today + timedelta(days=REFUND_DAYS_MIN)
    book.wait(days=REFUND_DAYS_MIN - 1).spend("order-2", 100)
    book.wait(days=1)
    assert (book.state, book.balance) == (CardState.EXPIRED, 0)
    book.check()


def test_a_refund_never_shortens_a_card() -> None:
    for days, expires_on in ((365, date(2027, 3, 2)), (None, None)):
        book = Book.open(valid_days=days)
        book.spend("order-1", 1000)
        book.refund("order-1", "r1", 1000)
        assert book.card.expires_on == expires_on


def test_a_blocked_card_keeps_its_money_takes_refunds_and_pays_nothing() -> None:
    book = Book.open(valid_days=365)
    book.spend("order-1", 1000)
    assert moves(book.guard(CardEntryKind.BLOCK)) == []
    assert (book.state, book.balance) == (CardState.BLOCKED, 4000)
    with pytest.raises(GiftCardBlockedError):
        book.spend("order-2", 1)
    book.refund("order-1", "r1", 500)
    assert (book.state, book.balance) == (CardState.BLOCKED, 4500)
    book.guard(CardEntryKind.BLOCK, "2")
    book.guard(CardEntryKind.UNBLOCK)
    assert (book.state, book.balance) == (CardState.REFUNDED, 4500)
    book.check()


def test_a_blocked_card_is_not_activated() -> None:
    book = Book.open(pending=True)
    book.guard(CardEntryKind.BLOCK)
    with pytest.raises(GiftCardBlockedError):
        book.activate()


def test_the_money_of_a_blocked_card_expires_by_its_date_too() -> None:
    book = Book.open(valid_days=10)
    book.guard(CardEntryKind.BLOCK)
    book.wait(days=10)
    assert (book.state, book.balance) == (CardState.BLOCKED, 0)
    assert moves(book.guard(CardEntryKind.UNBLOCK)) == [("card", "expired", 5000)]
    assert book.state is CardState.EXPIRED
    book.check()


def test_time_never_runs_backward_within_a_card() -> None:
    book = Book.open(valid_days=1)
    book.now = NOON - timedelta(days=3)
    entry = book.spend("order-1", 1)
    assert (entry.recorded_at, entry.recorded_on) == (NOON, TODAY)
    book.check()


def test_a_card_pays_for_a_bounded_number_of_orders() -> None:
    orders = tuple(CardOrder(f"order-{number:04d}", 1) for number in range(ORDERS_MAX))
    book = Book.open()
    book.card = replace(book.card, orders=orders)
    with pytest.raises(GiftCardWornError):
        book.spend("order-x", 1)
    item = to_wire(card_item(replace(book.card, orders=tuple(CardOrder("o" * 60 + o.order_id[-4:], 10**9) for o in orders))))
    assert len(repr(item)) < 400_000


@dataclass
class Naive:
    """A card as a bookkeeper's four columns, without entries."""

    face: int
    valid_days: int | None
    pending: bool
    balance: int = 0
    gone: date | None = None
    active: bool = False
    blocked: bool = False
    paid: dict[str, int] = field(default_factory=dict)
    back: dict[str, int] = field(default_factory=dict)
    lost: int = 0

    def pass_day(self, day: date) -> None:
        if self.gone is not None and day >= self.gone:
            self.lost, self.balance = self.lost + self.balance, 0

    def activate(self, day: date) -> bool:
        if self.active or self.blocked:
            return False
        self.active, self.balance = True, self.face
        self.gone = None if self.valid_days is None else day + timedelta(days=self.valid_days)
        return True

    def spend(self, order: str, amount: int, day: date) -> bool:
        over = self.gone is not None and day >= self.gone
        if self.blocked or not self.active or over or amount > self.balance:
            return False
        self.balance -= amount
        self.paid[order] = amount
        return True

    def refund(self, order: str, amount: int, day: date) -> bool:
        if amount > self.paid.get(order, 0) - self.back.get(order, 0):
            return False
        self.back[order] = self.back.get(order, 0) + amount
        self.balance += amount
        if self.gone is not None:
            self.gone = max(self.gone, day + timedelta(days=90))
        return True


steps = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 60)),
    st.tuples(st.just("activate")),
    st.tuples(st.just("spend"), st.sampled_from("abcdef"), st.integers(1, 60)),
    st.tuples(st.just("refund"), st.sampled_from("abcdef"), st.integers(1, 40)),
    st.tuples(st.sampled_from(["block", "unblock"])),
)


@given(st.integers(1, 100), st.none() | st.integers(1, 200), st.booleans(), st.lists(steps, max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_sequence_leaves_what_a_naive_bookkeeper_counts(
    face: int, valid_days: int | None, pending: bool, steps: list[tuple[Any, ...]]
) -> None:
    book, naive = Book.open(face, pending=pending, valid_days=valid_days), Naive(face, valid_days, pending)
    if not pending:
        naive.activate(TODAY)
    for number, (what, *values) in enumerate(steps):
        if what == "wait":
            book.wait(days=values[0])
            naive.pass_day(book.today)
        elif what in ("block", "unblock"):
            book.guard(CardEntryKind(what), str(number))
            naive.blocked = what == "block"
        elif what == "spend" and values[0] in naive.paid:
            continue  # the key was used: the ledger answers with the first entry and never decides
        else:
            expected = getattr(naive, what)(*values, book.today)
            arguments = (values[0], str(number), values[1]) if what == "refund" else values
            try:
                getattr(book, what)(*arguments)
                done = True
            except LaurelError:
                done = False
            assert done == expected
        assert book.balance == naive.balance
        settled = book.card.settled(book.today)
        assert settled.expired == naive.lost
        assert settled.issued == (face if naive.active else 0)
        assert {order.order_id: order.spent for order in settled.orders} == naive.paid
    book.check()
    assert card_of(from_wire(to_wire(card_item(book.card)))) == book.card
    assert [card_entry_of(from_wire(to_wire(card_entry_item(entry)))) for entry in book.entries] == book.entries


@pytest.fixture
def honest() -> Book:
    """A card that saw everything."""
    book = Book.open(pending=True, valid_days=20)
    book.activate()
    book.spend("order-1", 3000)
    book.spend("order-2", 500)
    book.wait(days=30).refund("order-1", "r1", 1000)
    book.guard(CardEntryKind.BLOCK)
    book.check()
    return book


def broken(book: Book) -> set[str]:
    return {found.promise for found in audit_card(book.card, book.entries)}


def test_the_proof_finds_a_lost_entry(honest: Book) -> None:
    del honest.entries[2]
    assert {"a card's sequences have no gap", "a card counts its entries", "a card is the fold of its entries"} <= broken(
        honest
    )
    del honest.entries[0]
    assert broken(honest) == {"a card begins with its issue"}


FOLD, KEEPS, ACCOUNTS = (
    "a card is the fold of its entries",
    "a card entry keeps the card after it",
    "a card's accounts sum to zero",
)


@pytest.mark.parametrize(
    ("change", "promises"),
    [
        ({"balance": 1}, {FOLD, ACCOUNTS}),
        ({"spent": 1}, {FOLD, ACCOUNTS}),
        ({"orders": ()}, {FOLD, "a card knows what it paid for each order"}),
        ({"expires_on": None}, {FOLD}),
        ({"blocked": False}, {FOLD}),
        ({"sequence": 5}, {FOLD, "a card counts its entries"}),
    ],
)
def test_the_proof_finds_a_changed_card(honest: Book, change: dict[str, Any], promises: set[str]) -> None:
    honest.card = replace(honest.card, **change)
    assert broken(honest) == promises


MINT = CardPosting(CardAccount.ISSUED, CardAccount.CARD, 1)


@pytest.mark.parametrize(
    ("at", "change", "promises"),
    [
        (2, {"postings": ()}, {"a card entry's postings follow from the rules", ACCOUNTS}),
        (2, {"postings": (MINT,)}, {"a card entry's postings follow from the rules", "no card gives more than was put on it"}),
        (2, {"amount": 2999}, {"a card entry's postings follow from the rules", FOLD}),
        (2, {"balance": 1}, {KEEPS}),
        (2, {"currency": "EUR"}, {KEEPS}),
        (2, {"order_id": "order-2"}, {"an order gets back at most what it paid with a card"}),
        (4, {"amount": 4000}, {"an order gets back at most what it paid with a card"}),
        (4, {"recorded_on": TODAY}, {KEEPS, FOLD}),
        (2, {"recorded_at": NOON + timedelta(hours=1)}, {"a card's time never runs backward"}),
    ],
)
def test_the_proof_finds_a_changed_entry(honest: Book, at: int, change: dict[str, Any], promises: set[str]) -> None:
    honest.entries[at] = replace(honest.entries[at], **change)
    assert promises <= broken(honest)
