"""Gift cards on DynamoDB: one consistent batch read, one pure decision, one transaction, as for points.

A card's item holds what its entries made of it; its `number` counts them and is its version.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.adapters.dynamodb.attempts import code_item
from shared.adapters.dynamodb.clock import read_at
from shared.adapters.dynamodb.items import Item, instant_of, to_wire
from shared.adapters.dynamodb.lots import day_number, day_of
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import (
    card_entry_key,
    card_issue_key,
    card_key,
    card_log_pk,
    key_of_card_entry,
    tender_key,
)
from shared.domain.calendar import instant_text
from shared.domain.code import CodeKind, CodeOwner
from shared.domain.entry import MemberId
from shared.domain.errors import GiftCardUnknownError, KeyReusedError, TryAgainError
from shared.domain.gift_card import (
    CardAccount,
    CardEntry,
    CardEntryKind,
    CardId,
    CardKey,
    CardOrder,
    CardPosting,
    CardState,
    CardTerms,
    GiftCard,
)
from shared.ports import Clock, DecideOnCard


@dataclass(frozen=True)
class DynamoGiftCards:
    """Gift cards over a `Store`. With a `TestClock` the time is read in the same batch as the card."""

    store: Store
    clock: Clock

    def issue(
        self, caller: str, key: str, request_hash: bytes, make: Callable[[datetime], Sequence[tuple[CardEntry, GiftCard]]]
    ) -> list[CardEntry]:
        """See ports.GiftCards."""
        issued = card_issue_key(caller, key)
        for _ in self.store.backoff.attempts():
            now, (before,) = read_at(self.store, self.clock, [issued])
            if before is not None:
                if bytes(before["hash"]) != request_hash:
                    raise KeyReusedError(key=key)
                return self._issues(before["cards"])
            made = make(now)
            # The key was never used.
            writes = [self.store.put({**issued, "hash": request_hash, "cards": [card.id for _, card in made]})]
            for entry, card in made:
                writes += card_writes(self.store, entry, None, card)
            if self.store.transact(writes).outcome is Outcome.DONE:
                return [entry for entry, _ in made]
        raise TryAgainError

    def _issues(self, cards: list[str]) -> list[CardEntry]:
        items = self.store.get_all([card_entry_key(card, CardEntryKind.ISSUE) for card in cards])
        return [card_entry_of(item) for item in items if item is not None]

    def decide_and_post(self, card: CardId, key: CardKey, request_hash: bytes, decide: DecideOnCard) -> CardEntry:
        """See ports.GiftCards."""
        for _ in self.store.backoff.attempts():
            now, (found, stored) = read_at(self.store, self.clock, [card_key(card), card_entry_key(card, key)])
            if stored is not None:
                return _replayed(card_entry_of(stored), request_hash)
            if found is None:
                raise GiftCardUnknownError
            before = card_of(found)
            entry, after = decide(before, now)
            if self.store.transact(card_writes(self.store, entry, before, after)).outcome is Outcome.DONE:
                return entry
        raise TryAgainError

    def card(self, card: CardId) -> tuple[GiftCard, datetime]:
        """See ports.GiftCards."""
        now, (found,) = read_at(self.store, self.clock, [card_key(card)])
        if found is None:
            raise GiftCardUnknownError
        return card_of(found), now

    def entries(self, card: CardId) -> list[CardEntry]:
        """See ports.GiftCards."""
        items = self.store.query(
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues=to_wire({":pk": card_log_pk(card)}),
            ConsistentRead=True,
        )
        return sorted(map(card_entry_of, items), key=lambda entry: entry.sequence)


def _replayed(entry: CardEntry, request_hash: bytes) -> CardEntry:
    if entry.request_hash != request_hash:
        raise KeyReusedError(key=entry.key)
    return entry


def card_writes(store: Store, entry: CardEntry, before: GiftCard | None, after: GiftCard) -> list[Any]:
    """The 2 or 3 writes that post an entry, each under its condition, for any transaction; `before` is None for a new card."""
    # The key was never used on this card: this entry is new.
    writes = [store.put(card_entry_item(entry))]
    if before is None:
        # Nobody has the card's id or its code.
        code = code_item(after.terms.code, CodeOwner(CodeKind.GIFT_CARD, after.id, after.terms.member))
        return [*writes, store.put(card_item(after)), store.put(code)]
    # Nobody changed the card since it was read.
    writes.append(store.update(card_item(after), expected={"number": before.sequence}))
    if entry.kind is CardEntryKind.SPEND and entry.order_id is not None:
        # The card never paid for this order; whoever refunds the order finds it here.
        writes.append(store.put({**tender_key(entry.order_id, CodeKind.GIFT_CARD, entry.card), "amount": entry.amount}))
    return writes


def card_item(card: GiftCard) -> Item:
    """The card's whole item."""
    return {
        **card_key(card.id),
        "number": card.sequence,
        "terms": _terms_map(card.terms),
        "activated": card.activated,
        "blocked": card.blocked,
        "money_back": card.money_back,
        "expires_on": day_number(card.expires_on),
        "balance": card.balance,
        "spent": card.spent,
        "expired": card.expired,
        "orders": {order.order_id: [order.spent, order.refunded] for order in card.orders},
        "recorded_at": instant_text(card.recorded_at) if card.recorded_at else None,
        "recorded_on": day_number(card.recorded_on),
    }


def card_of(item: Item) -> GiftCard:
    """The card that an item holds."""
    return GiftCard(
        id=CardId(item["pk"].removeprefix("CARD#")),
        sequence=int(item["number"]),
        terms=_terms_of(item["terms"]),
        activated=item["activated"],
        blocked=item["blocked"],
        money_back=item["money_back"],
        expires_on=day_of(item["expires_on"]),
        balance=int(item["balance"]),
        spent=int(item["spent"]),
        expired=int(item["expired"]),
        orders=tuple(
            CardOrder(order_id, int(spent), int(refunded)) for order_id, (spent, refunded) in sorted(item["orders"].items())
        ),
        recorded_at=instant_of(item["recorded_at"]) if item["recorded_at"] else None,
        recorded_on=day_of(item["recorded_on"]),
    )


def _terms_map(terms: CardTerms) -> Item:
    fields = {
        "code": terms.code,
        "currency": terms.currency,
        "face": terms.face,
        "source": terms.source,
        "member": terms.member,
        "pending": terms.pending,
        "valid_days": terms.valid_days,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _terms_of(fields: Item) -> CardTerms:
    member, days = fields.get("member"), fields.get("valid_days")
    return CardTerms(
        code=fields["code"],
        currency=fields["currency"],
        face=int(fields["face"]),
        source=fields["source"],
        member=None if member is None else MemberId(member),
        pending=fields["pending"],
        valid_days=None if days is None else int(days),
    )


def card_entry_item(entry: CardEntry) -> Item:
    """The entry's item. It is also its request's answer: everything an answer tells is in it."""
    item: Item = {
        **card_entry_key(entry.card, entry.key),
        "number": entry.sequence,
        "kind": entry.kind,
        "amount": entry.amount,
        "currency": entry.currency,
        "zone": entry.zone,
        "postings": [[posting.debit, posting.credit, posting.amount] for posting in entry.postings],
        "balance": entry.balance,
        "state": entry.state,
        "expires_on": day_number(entry.expires_on),
        "recorded_at": instant_text(entry.recorded_at),
        "recorded_on": day_number(entry.recorded_on),
        "hash": entry.request_hash,
    }
    optional = {
        "order": entry.order_id,
        "refund": entry.refund_id,
        "reason": entry.reason,
        "terms": None if entry.terms is None else _terms_map(entry.terms),
    }
    return item | {name: value for name, value in optional.items() if value is not None}


def card_entry_of(item: Item) -> CardEntry:
    """The entry that an item holds."""
    return CardEntry(
        card=CardId(item["pk"].removeprefix("CARDLOG#")),
        key=CardKey(key_of_card_entry(item)),
        sequence=int(item["number"]),
        kind=CardEntryKind(item["kind"]),
        amount=int(item["amount"]),
        currency=item["currency"],
        zone=item["zone"],
        postings=tuple(
            CardPosting(CardAccount(debit), CardAccount(credit), int(amount)) for debit, credit, amount in item["postings"]
        ),
        balance=int(item["balance"]),
        state=CardState(item["state"]),
        expires_on=day_of(item["expires_on"]),
        recorded_at=instant_of(item["recorded_at"]),
        recorded_on=day_of(item["recorded_on"]) or date.min,
        request_hash=bytes(item["hash"]),
        order_id=item.get("order"),
        refund_id=item.get("refund"),
        reason=item.get("reason"),
        terms=_terms_of(item["terms"]) if "terms" in item else None,
    )
