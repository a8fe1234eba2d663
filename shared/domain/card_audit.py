"""The proof of gift cards: what must hold of a card and its entries, checked from nothing but the entries.

Two independent ways: the entries are folded again with the rules, and the money is added up by account and by order without
them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from shared.domain.audit import Break
from shared.domain.gift_card import CardAccount, CardEntry, CardEntryKind, CardOrder, GiftCard, folded


def audit_card(card: GiftCard, entries: Sequence[CardEntry]) -> Iterator[Break]:
    """Every break of one card's books. `entries` are all of the card's, in order of sequence."""
    if not entries or entries[0].terms is None:
        yield Break("a card begins with its issue", card.id, f"{len(entries)} entries")
        return
    yield from _chain(card, entries)
    yield from _refold(card, entries)
    yield from _accounts(card, entries)
    yield from _orders(card, entries)


def _chain(card: GiftCard, entries: Sequence[CardEntry]) -> Iterator[Break]:
    """Sequences count from 1 without a gap, and time never runs backward."""
    for number, entry in enumerate(entries, start=1):
        if entry.sequence != number or entry.card != card.id:
            yield Break("a card's sequences have no gap", _where(entry), f"sequence {entry.sequence} where {number} was due")
    for before, entry in pairwise(entries):
        if entry.recorded_at < before.recorded_at or entry.recorded_on < before.recorded_on:
            yield Break("a card's time never runs backward", _where(entry), f"{entry.recorded_at} after {before.recorded_at}")
    if card.sequence != len(entries):
        yield Break("a card counts its entries", card.id, f"sequence {card.sequence}, {len(entries)} entries")


def _refold(card: GiftCard, entries: Sequence[CardEntry]) -> Iterator[Break]:
    """Each entry holds what the rules make of it, and the card is the fold of all."""
    state: GiftCard | None = None
    for entry in entries:
        state, due = folded(state, entry)
        if due != entry.postings:
            yield Break("a card entry's postings follow from the rules", _where(entry), f"{entry.postings}, due {due}")
        told = entry.balance, entry.state, entry.expires_on, entry.currency
        after = state.balance, state.state(entry.recorded_on), state.expires_on, state.terms.currency
        if told != after:
            yield Break("a card entry keeps the card after it", _where(entry), f"{told}, due {after}")
    if state != card:
        yield Break("a card is the fold of its entries", card.id, f"{card}, fold {state}")


def _accounts(card: GiftCard, entries: Sequence[CardEntry]) -> Iterator[Break]:
    """No account but `issued` is ever below zero, no more is issued than the face, and the card tells what is in each."""
    held = dict.fromkeys(CardAccount, 0)
    for entry in entries:
        for posting in entry.postings:
            held[posting.debit] -= posting.amount
            held[posting.credit] += posting.amount
        below = [account for account in CardAccount if account is not CardAccount.ISSUED and held[account] < 0]
        if below or -held[CardAccount.ISSUED] not in (0, card.terms.face):
            yield Break("no card gives more than was put on it", _where(entry), f"{held}")
    due = {CardAccount.CARD: card.balance, CardAccount.SPENT: card.spent, CardAccount.EXPIRED: card.expired}
    if held != {CardAccount.ISSUED: -card.issued, **due}:
        yield Break("a card's accounts sum to zero", card.id, f"{held}, the card tells {due}")


def _orders(card: GiftCard, entries: Sequence[CardEntry]) -> Iterator[Break]:
    """Each order is paid for once and gets back at most what it paid."""
    due: dict[str, CardOrder] = {}
    for entry in entries:
        if entry.order_id is None:
            continue
        before = due.get(entry.order_id, CardOrder(entry.order_id))
        spent = entry.amount if entry.kind is CardEntryKind.SPEND else 0
        after = CardOrder(entry.order_id, before.spent + spent, before.refunded + entry.amount - spent)
        if after.refundable < 0 or (spent and before.spent):
            yield Break("an order gets back at most what it paid with a card", _where(entry), f"{after}")
        due[entry.order_id] = after
    if tuple(due[order_id] for order_id in sorted(due)) != card.orders:
        yield Break("a card knows what it paid for each order", card.id, f"{card.orders}, due {due}")


def _where(entry: CardEntry) -> str:
    return f"{entry.card} {entry.key}"
