"""The history has no gap, however far its index lags behind the table."""

from __future__ import annotations

import pytest

from shared.adapters.dynamodb import ledger as dynamo_ledger
from shared.adapters.dynamodb.ledger import DynamoLedger
from tests.contract.ledgers import dynamo_place, keys, record, store_of
from tests.engines.engine import Engine
from tests.fakes import grocer
from tests.fakes.clients import LaggingClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, purchase

ENTRIES = 9


@pytest.fixture
def lagging(engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> LaggingClient:
    """A client over Ada's nine entries; the index is read four rows at a time."""
    monkeypatch.setattr(dynamo_ledger, "HISTORY_PAGE", 4)
    place = dynamo_place(store_of(engine), clock)
    place.open(grocer.ADA, grocer.OPENED)
    place.open(grocer.BOB, grocer.OPENED)
    for n in range(1, ENTRIES + 1):
        record(place.ledger, purchase(f"order-{n}"))
    for n in (1, 2):
        record(place.ledger, purchase(f"bobs-{n}", member_id=grocer.BOB))
    return LaggingClient(engine.client, set())


@pytest.fixture
def ledger(engine: Engine, lagging: LaggingClient, clock: FakeClock) -> DynamoLedger:
    """The product's ledger over the lagging client."""
    return DynamoLedger(store_of(engine, lagging), clock)


NEWEST_FIRST = [f"purchase:order-{n}" for n in range(ENTRIES, 0, -1)]


HIDDEN = {
    "up to date": set(),
    "the newest is missing": {9},
    "a whole page is missing": {6, 7, 8, 9},
    "a gap across two pages": {4, 5, 6},
    "the oldest is missing": {1},
    "every other one is missing": {2, 4, 6, 8},
    "the ends are missing": {1, 3, 5, 7, 9},
    "all are missing": set(range(1, 10)),
}
"""What the index may not show yet, by sequence number."""


def test_what_the_index_does_not_show_yet_is_read_from_the_table(ledger: DynamoLedger, lagging: LaggingClient) -> None:
    up_to_date = list(ledger.rows(ledger.view(ADA).wallet))
    assert [row.key for row in up_to_date] == NEWEST_FIRST
    for what, hidden in HIDDEN.items():
        lagging.hidden = hidden
        rows = list(ledger.rows(ledger.view(ADA).wallet))
        assert [(row.key, row.sequence, row.postings, row.after) for row in rows] == [
            (row.key, row.sequence, row.postings, row.after) for row in up_to_date
        ], what


def test_a_page_that_starts_inside_a_gap_has_no_gap_either(ledger: DynamoLedger, lagging: LaggingClient) -> None:
    wallet, fifth = ledger.view(ADA).wallet, ledger.entry(NEWEST_FIRST[4])
    for hidden in (set(), {5}, {3, 4}, {1, 2, 3, 4, 5}):
        lagging.hidden = hidden
        assert [row.key for row in ledger.rows(wallet, (fifth.sequence, fifth.key))] == NEWEST_FIRST[4:], hidden


def test_the_history_shows_no_other_members_entries(ledger: DynamoLedger) -> None:
    assert keys(ledger, grocer.BOB) == ["purchase:bobs-2", "purchase:bobs-1"]


def test_only_what_the_index_does_not_show_is_read_by_itself(
    ledger: DynamoLedger, lagging: LaggingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    get_item = lagging.get_item
    monkeypatch.setattr(lagging, "get_item", lambda **call: (asked.append(call["Key"]["pk"]["S"]), get_item(**call))[1])
    lagging.hidden = {8, 5, 4}
    assert keys(ledger, ADA) == NEWEST_FIRST
    assert asked == ["ORDER#order-8", "ORDER#order-5", "ORDER#order-4"]


def test_only_the_first_page_is_read_where_no_more_is_asked_for(
    ledger: DynamoLedger, lagging: LaggingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = []
    query = lagging.query
    monkeypatch.setattr(lagging, "query", lambda **arguments: (pages.append(1), query(**arguments))[1])
    rows = ledger.rows(ledger.view(ADA).wallet)
    assert [next(rows).key for _ in range(3)] == NEWEST_FIRST[:3]
    assert len(pages) == 1
