"""Members with a long past, put into a table without sending every order of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from shared.adapters.dynamodb.items import entry_item, to_wire, wallet_item
from shared.domain.entry import Entry, MemberId
from shared.domain.purchase import Line, Purchase
from shared.domain.wallet import Wallet
from tests.fakes.grocer import earn
from tests.retail.shop import StoredShop

BATCH_WRITE_MAX = 25
PAST = timedelta(days=364)


def enrol_regular(shop: StoredShop, name: str, orders: int, *, now: datetime) -> MemberId:
    """Enrol a member at the shop's time and give them `orders` past orders, spread evenly over the year before `now`.

    The domain decides each of them as it would have then; wallet and entries are written as the ledger writes them. The
    shop's clock, which must stand a year before `now` or earlier, is at `now` afterwards.
    """
    member = shop.enrol(name)
    wallet, entries = _past(shop, member, name, orders, now)
    items: Iterator[Any] = iter([wallet_item(wallet), *map(entry_item, entries)])
    while batch := [{"PutRequest": {"Item": to_wire(item)}} for item in islice(items, BATCH_WRITE_MAX)]:
        writes: Any = {shop.store.table: batch}
        answer = shop.store.client.batch_write_item(RequestItems=writes)
        assert not answer.get("UnprocessedItems"), answer["UnprocessedItems"]
    shop.clock.instant = now
    return member


def _past(shop: StoredShop, member: MemberId, name: str, orders: int, now: datetime) -> tuple[Wallet, list[Entry]]:
    wallet, versions = shop.ledger.view(member).wallet, shop.programs.versions()
    entries = []
    for number in range(orders):
        at = now - PAST + PAST * number // max(orders, 1)
        purchase = Purchase(
            order_id=f"{name}-{number}",
            member_id=member,
            currency="USD",
            occurred_at=at.replace(microsecond=0),
            lines=(Line("apples", 1, 2_949),),
            channel="store",
            store="406",
        )
        entry, wallet = earn(wallet, purchase, versions, now=at.replace(microsecond=0))
        entries.append(entry)
    return wallet, entries
