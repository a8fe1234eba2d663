"""The proof holds lists, queue, counters and codes of referrals to the entries: each is falsified once here."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from shared.adapters.dynamodb.attempts import DynamoAttempts
from shared.adapters.dynamodb.items import Item, to_wire
from shared.adapters.dynamodb.programs import DynamoPrograms
from shared.adapters.dynamodb.referral_codes import DynamoReferralCodes
from shared.adapters.dynamodb.store import Store
from shared.adapters.dynamodb.table import (
    Key,
    code_key,
    entry_key,
    flag_key,
    friend_key,
    funnel_key,
    own_code_key,
    tally_key,
    wallet_key,
)
from shared.audit.__main__ import prove
from shared.audit.books import Books
from shared.audit.counted import READINGS_MAX
from shared.audit.referrals import code_break, first_referral_break, referral_break_again
from shared.domain.entry import MemberId, award_key, of_advocate
from shared.domain.referral_counts import shard_of
from tests.audit.referral_story import CANCELLED, FLAGGED, HELD, OPEN, REWARDED, SPRING, live, version
from tests.contract.counter import Counter
from tests.contract.ledgers import dynamo_place, store_of
from tests.engines.ministack import ministack_table
from tests.fakes import grocer
from tests.fakes.clients import product_client
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT

FIRST = grocer.NOON.date()


@dataclass
class Stage:
    """The stage of the story on MiniStack, where Ada shows a code and a campaign has one."""

    store: Store
    counter: Counter
    code: str

    def change(self, key: Key, **changes: Any) -> None:
        """Write past the ledger; None takes an attribute away."""
        item = {**(self.store.get(key) or key), **changes}
        kept = {name: value for name, value in item.items() if value is not None}
        self.store.client.put_item(TableName=self.store.table, Item=to_wire(kept))

    def drop(self, key: Key) -> None:
        """Drop an item past the ledger."""
        self.store.client.delete_item(TableName=self.store.table, Key=to_wire(key))

    def more(self, key: Key, counter: str, by: int = 1) -> None:
        """Count something once more."""
        item = self.store.get(key) or {}
        self.change(key, **{counter: int(item.get(counter, 0)) + by})


@pytest.fixture(scope="module")
def lived() -> Iterator[Stage]:
    """One stage for all tests."""
    with ministack_table(product_client) as engine:
        clock, store = FakeClock(grocer.NOON), store_of(engine)
        DynamoPrograms(store, 0).add(version())
        counter = live(dynamo_place(store, clock), clock)
        codes = DynamoReferralCodes(store, DynamoAttempts(store, clock), random.Random(1))
        codes.for_campaign("spring", "SPRING-26")
        codes.change(ADA, "ADAS-CAFE", freely=True)
        yield Stage(store, counter, codes.own(ADA).code)


@pytest.fixture
def stage(lived: Stage) -> Iterator[Stage]:
    """Every test finds the table as it was lived."""
    before = items(lived.store)
    yield lived
    after = items(lived.store)
    for place in after.keys() - before.keys():
        lived.drop({"pk": place[0], "sk": place[1]})
    for place, item in before.items():
        if after.get(place) != item:
            lived.store.client.put_item(TableName=lived.store.table, Item=item)


def items(store: Store) -> dict[tuple[str, str], Any]:
    found = store.client.scan(TableName=store.table, ConsistentRead=True)["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in found}


def test_an_honest_stage_has_no_break(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert prove(stage.store) == 0
    assert "referral" in capsys.readouterr().out


def funnel_of(friend: MemberId, day: date = FIRST) -> Key:
    return funnel_key(shard_of(friend), day)


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (lambda stage: stage.change(friend_key(ADA, REWARDED), state="clawed_back"), REWARDED),
        (lambda stage: stage.change(friend_key(ADA, REWARDED), held_until=20260317), REWARDED),
        (lambda stage: stage.change(friend_key(ADA, REWARDED), orders=[]), REWARDED),
        (lambda stage: stage.change(friend_key(ADA, REWARDED), given=None), REWARDED),
        (lambda stage: stage.change(friend_key(ADA, REWARDED), given={"advocate:points": 501}), REWARDED),
        (lambda stage: stage.change(friend_key(CAT, FLAGGED), flagged=False), FLAGGED),
        (lambda stage: stage.drop(friend_key(ADA, OPEN)), OPEN),
        (lambda stage: stage.drop(friend_key("spring", SPRING)), SPRING),
        (lambda stage: stage.change(friend_key(BOB, OPEN), **_plain(stage.store.get(friend_key(ADA, OPEN)))), OPEN),
        (
            lambda stage: stage.change(
                friend_key(ADA, CAT), **_plain(stage.store.get(friend_key(ADA, OPEN))) | {"friend": CAT}
            ),
            CAT,
        ),
        (lambda stage: stage.drop(flag_key(FLAGGED)), FLAGGED),
        (lambda stage: stage.change(flag_key(OPEN), friend=OPEN, source=ADA), OPEN),
        (lambda stage: stage.change(flag_key("01HN0B0DY00000000000000000"), friend="x", source=ADA), "01HN0B0DY"),
        (lambda stage: stage.more(tally_key(ADA), "awarded"), ADA),
        (lambda stage: stage.more(tally_key(ADA), "cancelled", -1), ADA),
        (lambda stage: stage.more(tally_key(ADA), "given:advocate:points"), ADA),
        (lambda stage: stage.more(tally_key(ADA), "shared"), ADA),
        (lambda stage: stage.more(tally_key(ADA), "rank"), ADA),
        (lambda stage: stage.more(tally_key("spring"), "joined"), "spring"),
        (lambda stage: stage.drop(tally_key(BOB)), BOB),
        (lambda stage: stage.more(tally_key("winter"), "joined"), "winter"),
        (lambda stage: stage.more(funnel_of(REWARDED), "qualified"), "funnel"),
        (lambda stage: stage.more(funnel_of(REWARDED, date(2026, 3, 16)), "rewarded", -1), "funnel"),
        (lambda stage: stage.more(funnel_of(REWARDED, date(2020, 1, 1)), "joined"), "on 2020-01-01"),
        (lambda stage: stage.drop(funnel_of(HELD, date(2026, 3, 17))), "funnel"),
        (lambda stage: stage.drop(code_key(stage.code)), "leads nowhere"),
        (lambda stage: stage.change(code_key(stage.code), id=BOB), "shown by"),
        (lambda stage: stage.change(code_key("0THER"), **{"for": "referral", "id": "01HN0B0DY"}), "is no member"),
        (lambda stage: stage.change(own_code_key(CAT), code=stage.code, shown="X", chosen=True), "shown by"),
    ],
)
def test_what_is_listed_counted_or_shown_falsely_is_found(
    stage: Stage, capsys: pytest.CaptureFixture[str], tamper: Callable[[Stage], None], where: str
) -> None:
    tamper(stage)
    assert prove(stage.store) == 1
    assert where in capsys.readouterr().out


def _plain(item: Item | None) -> Item:
    """An item without its place."""
    return {name: value for name, value in (item or {}).items() if name not in ("pk", "sk")}


def test_an_advocates_entry_that_is_gone_is_found(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.drop(entry_key(of_advocate(award_key(REWARDED))))
    assert prove(stage.store) == 1
    assert "sequences have no gap" in capsys.readouterr().out


class BusyClient:
    """A client on which something happens after each of the first scans."""

    def __init__(self, client: Any, happens: Callable[[int], object], scans: int) -> None:
        self._client, self._happens, self._left = client, happens, scans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **arguments: Any) -> Any:
        """What was read is old news a moment later."""
        page = self._client.scan(**arguments)
        if self._left:
            self._left -= 1
            self._happens(self._left)
        return page


@pytest.mark.parametrize("scans", [1, 2, 1 + READINGS_MAX, 5 + READINGS_MAX])
@pytest.mark.parametrize("kind", ["friend", "tally", "funnel"])
def test_a_stage_in_use_is_not_accused(stage: Stage, scans: int, kind: str) -> None:
    """Half of the items are read before a friend comes and buys, half after."""

    def comes(number: int) -> None:
        friend = MemberId(f"01HBVSY{number:019d}")
        stage.counter.join(friend, ADA)
        stage.counter.buy(f"order-{friend}", 60, member_id=friend)

    client: Any = BusyClient(stage.store.client, comes, scans)
    busy = Store(client, stage.store.table, stage.store.backoff)
    assert prove(busy) == 0
    # As if the scan had met the lists and counters before the entries.
    books = Books.read(stage.store, lambda _: None)
    books.database.execute("DELETE FROM items WHERE kind = ? AND item LIKE ?", (kind, "%REFERRER#%"))
    for member, _, entries in books.members():
        assert first_referral_break(stage.store, books, member, entries, books.beside(member)) is None


def test_a_code_that_was_claimed_during_the_scan_is_read_again(stage: Stage) -> None:
    books = Books.read(stage.store, lambda _: None)
    books.database.execute("DELETE FROM items WHERE kind = 'code' AND sequence = 0")
    assert code_break(stage.store, books) is None
    books.database.execute("DELETE FROM items WHERE kind = 'member'")
    assert code_break(stage.store, books) is None


def test_a_friend_who_enrolled_during_the_scan_is_no_stray(stage: Stage) -> None:
    books = Books.read(stage.store, lambda _: None)
    books.database.execute("DELETE FROM items WHERE kind = 'member' AND owner = ?", (CANCELLED,))
    assert list(books.strays()) == [CANCELLED]
    assert referral_break_again(stage.store, CANCELLED, [ADA]) is None
    stage.drop(wallet_key(CANCELLED))
    assert referral_break_again(stage.store, CANCELLED, [ADA]) is not None
