"""Domain values as items of the table, and back. Kept readable in the console: names, dates as 20261231, number lists.

In an entry a lot is `[first serial, count, spendable from, gone on]`, a posting `[debit, credit, currency, lot, ...]`; 0
stands for "already" and for "never". A wallet's lots are shorter: see lots.py. Readers ignore attributes they do not know, so
that old and new code can share a table.
"""

from datetime import date, datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from shared.adapters.dynamodb.counts import count_numbers, counts_of
from shared.adapters.dynamodb.lots import active_lots, active_numbers, day_number, day_of, pending_lots, pending_numbers
from shared.adapters.dynamodb.subjects import effect_map, effect_of, plain, standing_map, standing_of, subject_map, subject_of
from shared.adapters.dynamodb.table import ALARM_AT, ALARM_PARTITION, alarm_partition, entry_key, key_of_entry, wallet_key
from shared.domain.alarm import Alarm, shard_of
from shared.domain.calendar import instant_text
from shared.domain.effect import Effect
from shared.domain.entry import BalanceAfter, Entry, EntryKey, EntryKind, HistoryRow, MemberId, Share
from shared.domain.points import Account, Lot, Posting, merged
from shared.domain.purchase import Line, Purchase
from shared.domain.purse import Purse
from shared.domain.subject import Subject
from shared.domain.wallet import Claim, Hold, Wallet

Item = dict[str, Any]
"""An item in plain Python values."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_wire(item: Item) -> dict[str, Any]:
    """An item as the low-level API takes it."""
    return {name: _serialize(value) for name, value in item.items()}


def from_wire(item: dict[str, Any]) -> Item:
    """An item of the low-level API in plain values (numbers are Decimal, binaries `Binary`)."""
    return {name: _deserialize(value) for name, value in item.items()}


def instant_of(text: str) -> datetime:
    """The inverse of `calendar.instant_text`."""
    return datetime.fromisoformat(text)


def _recorded_day(number: Any) -> date:
    return day_of(number) or date.min


def _lot_list(lot: Lot) -> list[int]:
    return [lot.first, lot.count, day_number(lot.spendable_from), day_number(lot.gone_on)]


def _lot_of(numbers: list[Any]) -> Lot:
    first, count, spendable_from, gone_on = numbers
    return Lot(int(first), int(count), day_of(spendable_from), day_of(gone_on))


def _posting_list(posting: Posting) -> list[Any]:
    return [posting.debit, posting.credit, posting.currency, *(_lot_list(lot) for lot in posting.lots)]


def _posting_of(values: list[Any]) -> Posting:
    debit, credit, currency, *lots = values
    return Posting(Account(debit), Account(credit), currency, tuple(_lot_of(lot) for lot in lots))


def wallet_item(wallet: Wallet) -> Item:
    """The wallet's whole item."""
    return {
        **wallet_key(wallet.member),
        "enrolled_at": instant_text(wallet.enrolled_at),
        "closed": wallet.closed,
        "seq": wallet.sequence,
        "last": wallet.last_key,
        "recorded_at": instant_text(wallet.recorded_at) if wallet.recorded_at else None,
        "recorded_on": day_number(wallet.recorded_on),
        "purses": {purse.currency: _purse_map(purse) for purse in wallet.purses},
        "holds": [[hold.sequence, hold.key, day_number(hold.lapses_on)] for hold in wallet.holds],
        "claims": [[claim.reward, day_number(claim.until), claim.count] for claim in wallet.claims],
        "merged_into": wallet.merged_into,
        "counts": count_numbers(wallet.counts),
        "standing": standing_map(wallet),
        **alarm_attributes(wallet.member, wallet.alarm),
    }


def alarm_attributes(member: MemberId, alarm: Alarm) -> Item:
    """What puts a member's item into the index of alarms; nothing where there is no alarm, and then it is in no index."""
    days = {"ahead": list(alarm.ahead), "silent_after": list(alarm.silent_after)}
    kept: Item = {name: told for name, told in days.items() if told}
    if alarm.at is None:
        return kept
    return {ALARM_PARTITION: alarm_partition(shard_of(member)), ALARM_AT: instant_text(alarm.at), **kept}


def _purse_map(purse: Purse) -> Item:
    return {
        "lots": active_numbers(lot for lot in purse.lots if lot.spendable_from is None),
        "pending": pending_numbers(lot for lot in purse.lots if lot.spendable_from is not None),
        "next": purse.next_serial,
        "debt": purse.debt,
        "issued": purse.issued,
        "redeemed": purse.redeemed,
        "expired": purse.expired,
        "adjusted": purse.adjusted,
        "transferred": purse.transferred,
    }


def wallet_of(item: Item) -> Wallet:
    """The wallet that an item holds."""
    return Wallet(
        member=MemberId(item["pk"].removeprefix("MEMBER#")),
        enrolled_at=instant_of(item["enrolled_at"]),
        closed=item["closed"],
        sequence=int(item["seq"]),
        last_key=item["last"],
        recorded_at=instant_of(item["recorded_at"]) if item["recorded_at"] else None,
        recorded_on=day_of(item["recorded_on"]),
        purses=tuple(
            Purse(
                currency=currency,
                lots=merged([*active_lots(purse["lots"]), *pending_lots(purse["pending"])]),
                next_serial=int(purse["next"]),
                debt=int(purse["debt"]),
                issued=int(purse["issued"]),
                redeemed=int(purse["redeemed"]),
                expired=int(purse["expired"]),
                adjusted=int(purse["adjusted"]),
                transferred=int(purse.get("transferred", 0)),
            )
            for currency, purse in sorted(item["purses"].items())
        ),
        holds=tuple(Hold(int(sequence), EntryKey(key), day_of(day)) for sequence, key, day in item.get("holds", ())),
        claims=tuple(Claim(reward, day_of(until), int(count)) for reward, until, count in item.get("claims", ())),
        merged_into=MemberId(item["merged_into"]) if item.get("merged_into") else None,
        counts=counts_of(item.get("counts", {})),
        alarm=alarm_of(item),
        **standing_of(item.get("standing", {})),
    )


def alarm_of(item: Item) -> Alarm:
    """The alarm of a member's item."""
    at = item.get(ALARM_AT)
    ahead, silent_after = (tuple(int(days) for days in item.get(name, ())) for name in ("ahead", "silent_after"))
    return Alarm(instant_of(at) if at else None, ahead, silent_after)


def entry_item(entry: Entry) -> Item:
    """The entry's item. It is also its request's answer: everything an answer tells is in it."""
    item: Item = {
        **entry_key(entry.key),
        "member": entry.member,
        "seq": entry.sequence,
        "kind": entry.kind,
        "occurred_at": instant_text(entry.occurred_at),
        "recorded_at": instant_text(entry.recorded_at),
        "recorded_on": day_number(entry.recorded_on),
        "postings": [_posting_list(posting) for posting in entry.postings],
        "after": [[after.currency, after.active, after.pending, after.debt] for after in entry.after],
        "zone": entry.zone,
        "hash": entry.request_hash,
    }
    if entry.previous is not None:
        item["prev"] = entry.previous
    if entry.why:
        item["why"] = [_share_list(share) for share in entry.why]
    if entry.lapsed:
        item["lapsed"] = list(entry.lapsed)
    if entry.told is not None:
        item["effect"] = effect_map(entry.told)
    if entry.names is not None:
        item["names"] = entry.names
    if entry.purchase is not None:
        item |= _purchase_attributes(entry.purchase)
    elif entry.subject is not None:
        item["subject"] = subject_map(entry.subject)
    return item


def _share_list(share: Share) -> list[Any]:
    told = [share.rule, share.program_version, share.currency, share.points]
    return told if share.room is None else [*told, share.room]


def _share_of(told: list[Any]) -> Share:
    rule, version, currency, points, *room = told
    return Share(rule, int(version), currency, int(points), int(room[0]) if room else None)


def _purchase_attributes(purchase: Purchase) -> Item:
    lines = [[line.sku, line.category or "", line.quantity, line.amount] for line in purchase.lines]
    optional = {
        "channel": purchase.channel,
        "store": purchase.store,
        "paid_with_rewards": purchase.paid_with_rewards,
        "attributes": purchase.attributes,
    }
    return {
        "money": purchase.currency,
        "lines": lines,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _row_fields(item: Item) -> dict[str, Any]:
    previous = item.get("prev")
    return {
        "key": key_of_entry(item),
        "kind": EntryKind(item["kind"]),
        "member": MemberId(item["member"]),
        "sequence": int(item["seq"]),
        "previous": None if previous is None else EntryKey(previous),
        "occurred_at": instant_of(item["occurred_at"]),
        "recorded_at": instant_of(item["recorded_at"]),
        "recorded_on": _recorded_day(item["recorded_on"]),
        "postings": tuple(_posting_of(posting) for posting in item["postings"]),
        "after": tuple(
            BalanceAfter(currency, int(active), int(pending), int(debt)) for currency, active, pending, debt in item["after"]
        ),
        "lapsed": tuple(int(sequence) for sequence in item.get("lapsed", ())),
        "told": _told(item),
    }


def _told(item: Item) -> Effect | None:
    if "effect" in item:
        return effect_of(item["effect"])
    return Effect(empties=Account.ADJUSTED) if item["kind"] == EntryKind.CLOSURE else None


def row_of(item: Item) -> HistoryRow:
    """The history row that an item of the table or of the index holds."""
    return HistoryRow(**_row_fields(item))


def entry_of(item: Item) -> Entry:
    """The entry that an item holds."""
    why = tuple(map(_share_of, item.get("why", ())))
    return Entry(
        **_row_fields(item),
        zone=item["zone"],
        request_hash=bytes(item["hash"]),
        why=why,
        subject=_subject_of(item),
        names=EntryKey(item["names"]) if "names" in item else None,
    )


def _subject_of(item: Item) -> Subject | None:
    if item["kind"] == EntryKind.PURCHASE:
        return _purchase_of(item)
    return subject_of(EntryKind(item["kind"]), item["subject"]) if "subject" in item else None


def _purchase_of(item: Item) -> Purchase:
    return Purchase(
        order_id=item["pk"].removeprefix("ORDER#"),
        member_id=item["member"],
        currency=item["money"],
        occurred_at=instant_of(item["occurred_at"]),
        lines=tuple(
            Line(sku, int(quantity), int(amount), category or None) for sku, category, quantity, amount in item["lines"]
        ),
        channel=item.get("channel"),
        store=item.get("store"),
        paid_with_rewards=int(item["paid_with_rewards"]) if "paid_with_rewards" in item else None,
        attributes=plain(item["attributes"]) if "attributes" in item else None,
    )
