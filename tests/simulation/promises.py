"""What must be true of redemptions, vouchers, stock and refunds when a world has come to rest: the table against the answers.

Nothing here asks the code under test for more than to read an item; what is due is worked out anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shared.adapters.dynamodb.items import entry_of, from_wire, wallet_of
from shared.adapters.dynamodb.refusals import REFUSAL
from shared.adapters.dynamodb.rewards import stock_of
from shared.adapters.dynamodb.table import is_entry, key_of_entry
from shared.domain.calendar import local_day
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId, caller_key, cancel_key, use_key
from shared.domain.history import standing
from shared.domain.refunding import refund_of
from shared.domain.stock import Stock
from shared.domain.subject import Use
from shared.domain.voucher import redemption_of
from shared.domain.wallet import Wallet
from tests.simulation.clients import told
from tests.simulation.invariants import ZONE, Item
from tests.simulation.service import Answer, Event

Given = list[tuple[Event, Answer]]
CONFLICT, CREATED = 409, 201


@dataclass
class Table:
    """The items of a table at rest, sorted. `codes` and `tenders` by what they lead to."""

    day: date
    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    refusals: set[EntryKey] = field(default_factory=set)
    wallets: dict[MemberId, Wallet] = field(default_factory=dict)
    stocks: list[Stock] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    tenders: list[tuple[str, str]] = field(default_factory=list)
    given: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, items: Iterable[Item], now: datetime) -> Table:
        """Sort the items."""
        table = cls(local_day(now, ZONE))
        for item in map(from_wire, items):
            table._add(item)
        return table

    def _add(self, item: dict[str, Any]) -> None:
        pk, sk = item["pk"], item["sk"]
        if is_entry(item):
            entry = entry_of(item)
            self.entries[entry.key] = entry
        elif item.get("kind") == REFUSAL:
            self.refusals.add(key_of_entry(item))
        elif sk == "WALLET":
            wallet = wallet_of(item)
            self.wallets[wallet.member] = wallet
        elif sk == "STOCK":
            self.stocks.append(stock_of(item))
        elif sk == "CODE" and item["for"] == "redemption":
            self.codes[item["id"]] += 1
        elif sk.startswith("TENDER#redemption:"):
            self.tenders.append((pk.removeprefix("ORDER#"), sk.removeprefix("TENDER#redemption:")))
        elif pk.startswith("CHARITY#"):
            self.given.update(points=int(item["points"]), value=int(item["value"]), gifts=int(item["gifts"]))

    def of_kind(self, kind: EntryKind) -> list[Entry]:
        """The entries of a kind, in no order."""
        return [entry for entry in self.entries.values() if entry.kind is kind]

    def is_used(self, redemption: Entry) -> bool:
        """Whether it was fulfilled: at once or at a till."""
        return redemption_of(redemption).immediate or use_key(redemption.key) in self.entries

    def is_held(self, redemption: Entry) -> bool:
        """Whether it is issued and not used, cancelled or lapsed."""
        if self.is_used(redemption) or cancel_key(redemption.key) in self.entries:
            return False
        lapses_on = redemption_of(redemption).lapses_on
        return lapses_on is None or lapses_on > self.day


def spending_violations(items: list[Item], given: Given, orders: dict[str, MemberId], now: datetime) -> list[str]:
    """Every promise about spending and undoing that a world at rest breaks; `orders` were sent, for these members."""
    table = Table.of(items, now)
    groups = _by_request(given)
    checks = (_answers(groups), _keys(groups, table), _points(table), _stocks(table), _vouchers(table), _refunds(table))
    broken = [sentence for check in checks for sentence in check]
    recorded = {entry.key.removeprefix("purchase:"): entry.member for entry in table.of_kind(EntryKind.PURCHASE)}
    if recorded != orders:
        broken.append(f"orders {sorted(orders.items())} were sent, {sorted(recorded.items())} have entries")
    return broken


def _by_request(given: Given) -> list[tuple[Event, list[Answer]]]:
    """Every answer that any invocation gave to each request: the same caller, path, key and body."""
    groups: dict[str, tuple[Event, list[Answer]]] = {}
    for event, answer in given:
        claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
        request = json.dumps([event["rawPath"], event["body"], event["headers"].get("idempotency-key"), claims])
        groups.setdefault(request, (event, []))[1].append(answer)
    return list(groups.values())


def _final(answers: Iterable[Answer]) -> set[tuple[int, str]]:
    return {told(answer) for answer in answers if answer.status < 500}


def _answers(groups: list[tuple[Event, list[Answer]]]) -> Iterator[str]:
    """One request has one answer, seen or not; nothing is wrong but the network."""
    for event, answers in groups:
        where = f"{event['rawPath']} {event['body']}"
        for answer in answers:
            if answer.status not in (200, CREATED, CONFLICT, 503):
                yield f"{where} was answered {answer.status} {answer.body}"
        if len(_final(answers)) > 1:
            yield f"{where} was answered in {len(_final(answers))} ways: {sorted(_final(answers))}"


def _keys(groups: list[tuple[Event, list[Answer]]], table: Table) -> Iterator[str]:
    """Under a key there is one redemption, or one refusal that stays: whoever was refused was never debited."""
    for event, answers in groups:
        key = _key_of(event)
        if key is None:
            continue
        entry, statuses = table.entries.get(key), {status for status, _ in _final(answers)}
        wished = json.loads(event["body"])
        theirs = entry is not None and redemption_of(entry).channel == wished.get("channel")
        if entry is not None and key in table.refusals:
            yield f"{key} has a redemption and a refusal"
        if entry is None and key not in table.refusals:
            yield f"{key} has neither a redemption nor a refusal"
        if statuses and statuses != {CREATED if theirs else CONFLICT}:
            yield f"{key}: {event['body']} was answered {sorted(statuses)}, the redemption is {entry}"


def _key_of(event: Event) -> EntryKey | None:
    if not event["rawPath"].endswith("/redemptions"):
        return None
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    caller = hashlib.sha256(f"{claims['iss']} {claims.get('sub') or claims['client_id']}".encode()).hexdigest()[:16]
    return caller_key(caller, "redeem", event["headers"]["idempotency-key"])


def _points(table: Table) -> Iterator[str]:
    """What members spent is the sum of their redemptions in effect, less what refunds gave back; charities got theirs."""
    back = Counter[str]()
    for refund in table.of_kind(EntryKind.REFUND):
        back.update({part.reference: part.amount for part in refund_of(refund).returned if part.kind == "points"})
    spent: Counter[tuple[MemberId, str]] = Counter()
    donated: Counter[str] = Counter()
    for redemption in table.of_kind(EntryKind.REDEMPTION):
        found = redemption_of(redemption)
        if table.is_used(redemption) or table.is_held(redemption):
            spent[redemption.member, found.currency] += found.points - back[redemption.key]
        if found.charity:
            donated.update(points=found.points, value=found.value or 0, gifts=1)
    if donated != table.given:
        yield f"{dict(donated)} was donated, the charity has {dict(table.given)}"
    for member, wallet in table.wallets.items():
        rows = sorted((e for e in table.entries.values() if e.member == member), key=lambda entry: -entry.sequence)
        for purse in standing(wallet, rows, max(table.day, wallet.recorded_on or table.day)).purses:
            if purse.redeemed != spent[member, purse.currency]:
                yield f"{member} redeemed {purse.redeemed} {purse.currency}, in effect are {spent[member, purse.currency]}"


def _stocks(table: Table) -> Iterator[str]:
    """Each redemption in effect has one of the stock, and there is no more of it than there was."""
    for stock in table.stocks:
        theirs = [r for r in table.of_kind(EntryKind.REDEMPTION) if redemption_of(r).reward == stock.reward]
        used = sum(table.is_used(redemption) for redemption in theirs)
        held = Counter(redemption_of(redemption).lapses_on for redemption in theirs if table.is_held(redemption))
        if used + held.total() > stock.total:
            yield f"{stock.reward} is oversold: {used} used, {held.total()} held, of {stock.total}"
        counted = {on: count for on, count in stock.held.items() if on is None or on > table.day}
        if (stock.used, counted) != (used, dict(held)):
            yield f"{stock.reward}: {used} used and {dict(held)} held, the stock says {stock}"


def _vouchers(table: Table) -> Iterator[str]:
    """A voucher is used or cancelled, and by one; its code and its order lead to it."""
    redemptions = table.of_kind(EntryKind.REDEMPTION)
    for redemption in redemptions:
        key = redemption.key
        if use_key(key) in table.entries and cancel_key(key) in table.entries:
            yield f"{key} was used and cancelled"
    due = Counter(redemption.key for redemption in redemptions if not redemption_of(redemption).immediate)
    if table.codes != due:
        yield f"vouchers {dict(due)}, codes {dict(table.codes)}"
    used = [
        (entry.subject.order_id, entry.names or "") for entry in table.of_kind(EntryKind.USE) if isinstance(entry.subject, Use)
    ]
    if sorted(used) != sorted(table.tenders):
        yield f"vouchers were used as {sorted(used)}, orders know of {sorted(table.tenders)}"


def _refunds(table: Table) -> Iterator[str]:
    """An order never gives back more than it was, keeps the points of what is left, and returns vouchers by share."""
    by_order: dict[str, list[Entry]] = defaultdict(list)
    for refund in table.of_kind(EntryKind.REFUND):
        by_order[refund_of(refund).order_id].append(refund)
    for order, refunds in by_order.items():
        refunds.sort(key=lambda entry: entry.sequence)
        yield from (f"{order}: {what}" for what in _order_broken(table, table.entries[EntryKey(f"purchase:{order}")], refunds))


def _order_broken(table: Table, bought: Entry, refunds: list[Entry]) -> Iterator[str]:
    purchase, refunded = bought.purchase, 0
    assert purchase is not None
    kept = Counter({share.currency: share.points for share in bought.why})
    for refund in refunds:
        found = refund_of(refund)
        refunded += found.total
        kept.update({share.currency: share.points for share in refund.why})
        if found.net != purchase.amount - refunded or found.net < 0:
            yield f"{refund.key} leaves {found.net} of {purchase.amount} after {refunded}"
    paid = purchase.amount - (purchase.paid_with_rewards or 0)
    net = purchase.amount - refunded
    for share in bought.why:
        rate = {"points": 1, "stars": 3}[share.currency]
        due = net * paid * rate // (100 * purchase.amount) if purchase.amount else 0
        if kept[share.currency] != due:
            yield f"{kept[share.currency]} {share.currency} are left for {net} minor units, due are {due}"
    for use in table.of_kind(EntryKind.USE):
        if isinstance(use.subject, Use) and f"purchase:{use.subject.order_id}" == bought.key and use.member == bought.member:
            points = redemption_of(table.entries[use.names or EntryKey("")]).points
            back = sum(p.amount for r in refunds for p in refund_of(r).returned if p.reference == use.names)
            due = points * refunded // purchase.amount if purchase.amount else points
            # Refunds that came before the voucher did gave nothing of it back.
            if back != due and (use.sequence < refunds[-1].sequence or back):
                yield f"{refunded} of {purchase.amount} came back, of {points} points {back}, due are {due}"
