"""How large wallets, entries and history rows grow over the retail year, as they are stored and as they might be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from infra.local_cloud.retail import RetailOrder
from shared.adapters.dynamodb.items import entry_item, to_wire, wallet_item
from shared.adapters.dynamodb.lots import active_numbers, day_number
from shared.adapters.dynamodb.table import HISTORY_PROJECTION
from shared.domain.entry import MemberId
from shared.domain.points import Lot
from shared.domain.program import ProgramVersion, parse_program
from shared.domain.purchase import Line, Purchase
from shared.domain.wallet import Wallet
from tests.fakes.grocer import earn
from tests.meter.item_size import item_size
from tests.retail.replay import CURRENCY
from tests.retail.shop import DAWN

KILOBYTE = 1024
HISTORY_ATTRIBUTES = frozenset({"pk", "sk", "member", "seq", *HISTORY_PROJECTION})
MEMBER = MemberId("01ARZ3NDEKTSV4RRFFQ69G5FAV")
"""Every household's member id is as long as this one."""

Encoding = Callable[[Sequence[Lot]], Any]


@dataclass
class Sizes:
    """Bytes of one kind of item, one for each order looked at."""

    found: list[int] = field(default_factory=list)

    def quantile(self, percent: int) -> int:
        """The size that `percent` of 100 do not exceed."""
        ordered = sorted(self.found)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    def row(self, *, factor: int) -> list[str]:
        """p50, p95, p99, largest, share within 1 KB, and mean units at `factor` units a started kilobyte."""
        within = sum(size <= KILOBYTE for size in self.found) / len(self.found)
        units = sum(factor * -(-size // KILOBYTE) for size in self.found) / len(self.found)
        sizes = [self.quantile(50), self.quantile(95), self.quantile(99), max(self.found)]
        return [*(f"{size:,}" for size in sizes), f"{within:.1%}", f"{units:.2f}"]


@dataclass
class Growth:
    """Sizes under one program. `alternatives` hold the wallet with its lots encoded in other ways, by name."""

    wallet: Sizes = field(default_factory=Sizes)
    entry: Sizes = field(default_factory=Sizes)
    history: Sizes = field(default_factory=Sizes)
    alternatives: dict[str, Sizes] = field(default_factory=dict)
    year_end: list[int] = field(default_factory=list)


def measure_growth(orders: Iterator[RetailOrder], document: dict[str, Any], *, every: int, done: Callable[[], None]) -> Growth:
    """Let every order earn by a program, and look at the items of every n-th; `done` is called after each order."""
    versions = [ProgramVersion(1, DAWN, DAWN, parse_program(document))]
    growth = Growth(alternatives={name: Sizes() for name in ENCODINGS})
    wallets: dict[str, Wallet] = {}
    for number, order in enumerate(orders):
        before = wallets.get(order.household) or Wallet(member=MEMBER, enrolled_at=order.occurred_at)
        entry, wallet = earn(before, _purchase(order), versions, now=order.occurred_at)
        wallets[order.household] = wallet
        if number % every == 0:
            item = to_wire(entry_item(entry))
            growth.entry.found.append(item_size(item))
            growth.history.found.append(item_size({name: item[name] for name in HISTORY_ATTRIBUTES & item.keys()}))
            growth.wallet.found.append(item_size(to_wire(wallet_item(wallet))))
            for name, encoding in ENCODINGS.items():
                growth.alternatives[name].found.append(_size_with(encoding, wallet))
        done()
    growth.year_end = sorted(item_size(to_wire(wallet_item(wallet))) for wallet in wallets.values())
    return growth


def _purchase(order: RetailOrder) -> Purchase:
    return Purchase(
        order_id=order.order_id,
        member_id=MEMBER,
        currency="USD",
        occurred_at=order.occurred_at,
        lines=tuple(Line(line.sku, line.quantity, line.amount, line.category) for line in order.lines),
        channel="store",
        store=order.store,
    )


def _size_with(encoding: Encoding, wallet: Wallet) -> int:
    item = wallet_item(wallet)
    if CURRENCY in item["purses"]:
        totals = {name: value for name, value in item["purses"][CURRENCY].items() if name not in ("lots", "pending")}
        item["purses"][CURRENCY] = {**totals, "lots": encoding(wallet.purse(CURRENCY).lots)}
    return item_size(to_wire(item))


def _lists_of_four(lots: Sequence[Lot]) -> Any:
    return [[lot.first, lot.count, day_number(lot.spendable_from), day_number(lot.gone_on)] for lot in lots]


def _four_in_a_row(lots: Sequence[Lot]) -> Any:
    return [number for lot in _lists_of_four(lots) for number in lot]


def _one_number(lots: Sequence[Lot]) -> Any:
    """As stored, with count and day in one number: 3520270105 is 35 points gone on 2027-01-05."""
    stored = iter(active_numbers(lots))
    numbers = [next(stored)] if lots else []
    return numbers + [number if number < 0 else number * 10**8 + next(stored) for number in stored]


def _packed(lots: Sequence[Lot]) -> Any:
    """Missing serials, count, and days since the lot before, each in as many bytes as it needs, seven bits a byte."""
    packed = bytearray()
    serial, day = 0, date(2000, 1, 1)
    for lot in lots:
        gone_on = lot.gone_on or day
        for number in (lot.first - serial, lot.count, (gone_on - day).days):
            packed += _varint(number)
        serial, day = lot.last + 1, gone_on
    return bytes(packed)


def _varint(number: int) -> bytes:
    # Zigzag: points may be gone before those of the lot before.
    rest, parts = (number << 1) if number >= 0 else (-number << 1) - 1, bytearray()
    while rest >= 0x80:
        parts.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*parts, rest])


ENCODINGS: dict[str, Encoding] = {
    "a list of 4 numbers a lot": _lists_of_four,
    "flat, 4 numbers a lot": _four_in_a_row,
    "flat, 1 number a lot": _one_number,
    "packed binary": _packed,
}
"""Other ways to write active lots down than shared/adapters/dynamodb/lots.py, the most readable first."""
