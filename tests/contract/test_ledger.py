"""What every ledger promises, in memory and on every engine."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, EntryKey, HistoryRow, closure_key, purchase_key
from shared.domain.errors import (
    EntryUnknownError,
    KeyReusedError,
    MemberClosedError,
    MemberUnknownError,
    TryAgainError,
)
from shared.domain.history import fold
from shared.domain.purchase import Line
from shared.domain.wallet import Wallet
from tests.contract.conftest import ENGINES
from tests.contract.ledgers import Place, closing, earning, keys, never, record
from tests.engines.dynamodb_local import reason_to_skip
from tests.fakes import grocer
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, CAT, purchase


def summary(row: HistoryRow) -> dict[str, Any]:
    """What the history tells of an entry."""
    return {part.name: getattr(row, part.name) for part in fields(HistoryRow)}


def test_the_contract_holds_on_dynamodb_local_where_it_is_set_up() -> None:
    reason = reason_to_skip()
    if reason:
        pytest.skip(reason)
    assert "dynamodb_local" in ENGINES


def test_a_new_member_has_an_empty_wallet_and_no_history(place: Place, clock: FakeClock) -> None:
    view = place.ledger.view(ADA)
    assert (view.wallet, view.now) == (Wallet(member=ADA, enrolled_at=grocer.OPENED), clock.now())
    assert list(view.history) == []
    assert keys(place.ledger, ADA) == []


def test_a_posted_entry_can_be_read_back_whole(place: Place) -> None:
    order = purchase(lines=(Line("apples", 3, 1250, "fruit"), Line("naïve 🍐", 0, 0)), channel="web", store="store-7")
    entry = record(place.ledger, order)
    assert place.ledger.entry(purchase_key("order-1")) == entry
    assert entry.purchase == order
    assert entry.minted()["points"][0].count == 12


def test_the_decision_sees_the_wallet_as_it_was_posted_and_the_time(place: Place, clock: FakeClock) -> None:
    first = record(place.ledger, purchase("order-1", 1000))
    clock.advance(days=3)
    seen: list[View] = []

    def decide(view: View) -> Decision:
        seen.append(view)
        return earning(purchase("order-2", 500))(view)

    record(place.ledger, purchase("order-2", 500), decide)
    [view] = seen
    assert view.now == clock.now()
    assert view.wallet.sequence == 1
    assert view.wallet.last_key == first.key
    assert view.wallet.recorded_at == first.recorded_at
    assert view.wallet.purse("points").active == 10


def test_the_same_request_again_meets_the_same_entry_and_decides_nothing(place: Place, clock: FakeClock) -> None:
    first = record(place.ledger, purchase())
    clock.advance(days=500)
    assert record(place.ledger, purchase(), never) == first
    assert keys(place.ledger, ADA) == [first.key]


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(place: Place) -> None:
    first = record(place.ledger, purchase(amount=1000))
    with pytest.raises(KeyReusedError) as refused:
        record(place.ledger, purchase(amount=1001), never)
    assert refused.value.key == first.key
    assert keys(place.ledger, ADA) == [first.key]
    assert place.ledger.entry(first.key) == first


def test_the_same_key_for_another_member_is_refused_and_gives_that_member_nothing(place: Place) -> None:
    record(place.ledger, purchase())
    with pytest.raises(KeyReusedError):
        record(place.ledger, purchase(member_id=BOB), never)
    assert place.ledger.view(BOB).wallet.sequence == 0


def test_an_unknown_member_is_refused_before_anything_is_decided(place: Place) -> None:
    with pytest.raises(MemberUnknownError):
        record(place.ledger, purchase(member_id=CAT), never)
    with pytest.raises(MemberUnknownError):
        place.ledger.view(CAT)
    with pytest.raises(EntryUnknownError):
        place.ledger.entry(purchase_key("order-1"))


def test_a_refused_decision_writes_nothing_and_claims_no_key(place: Place) -> None:
    def refuse(view: View) -> Any:
        raise MemberClosedError

    with pytest.raises(MemberClosedError):
        record(place.ledger, purchase(), refuse)
    with pytest.raises(EntryUnknownError):
        place.ledger.entry(purchase_key("order-1"))
    assert place.ledger.view(ADA).wallet.sequence == 0
    assert record(place.ledger, purchase()).sequence == 1


def test_sequences_count_each_members_entries_from_one_and_each_entry_names_the_one_before(place: Place) -> None:
    entries = [record(place.ledger, purchase(f"order-{n}")) for n in range(1, 5)]
    other = record(place.ledger, purchase("order-of-bob", member_id=BOB))
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4]
    assert [entry.previous for entry in entries] == [None, *(entry.key for entry in entries[:-1])]
    assert (other.sequence, other.previous) == (1, None)


def test_the_history_lists_every_entry_once_newest_first(place: Place) -> None:
    entries = [record(place.ledger, purchase(f"order-{n}", 100 * n)) for n in range(1, 8)]
    rows = list(place.ledger.rows(place.ledger.view(ADA).wallet))
    assert [row.sequence for row in rows] == [7, 6, 5, 4, 3, 2, 1]
    assert list(map(summary, rows)) == list(map(summary, reversed(entries)))


def test_the_history_goes_on_from_any_entry(place: Place) -> None:
    entries = [record(place.ledger, purchase(f"order-{n}")) for n in range(1, 6)]
    wallet = place.ledger.view(ADA).wallet
    third = entries[2]
    assert [row.sequence for row in place.ledger.rows(wallet, (third.sequence, third.key))] == [3, 2, 1]


def test_a_history_read_from_an_older_wallet_ends_where_that_wallet_stood(place: Place) -> None:
    record(place.ledger, purchase("order-1"))
    older = place.ledger.view(ADA).wallet
    record(place.ledger, purchase("order-2"))
    assert [row.sequence for row in place.ledger.rows(older)] == [1]


def test_the_wallet_is_the_fold_of_its_history(place: Place, clock: FakeClock) -> None:
    for n, days in enumerate([0, 200, 170, 400, 1]):
        occurred = clock.advance(days=days) - timedelta(days=7 * n)
        record(place.ledger, purchase(f"order-{n}", 1000 + n, occurred_at=occurred))
    wallet = place.ledger.view(ADA).wallet
    opened = Wallet(member=ADA, enrolled_at=grocer.OPENED)
    assert fold(opened, list(place.ledger.rows(wallet))[::-1]) == wallet
    assert wallet.purse("points").expired == 30


def test_a_closing_entry_is_kept_under_the_members_own_key(place: Place) -> None:
    record(place.ledger, purchase(amount=700))
    key = closure_key(ADA)
    digest = request_hash("closure", ADA)

    closed = place.ledger.decide_and_post(key, ADA, digest, closing)
    assert place.ledger.entry(key) == closed
    assert place.ledger.decide_and_post(key, ADA, digest, never) == closed
    assert place.ledger.view(ADA).wallet.closed
    assert keys(place.ledger, ADA) == [key, purchase_key("order-1")]


@pytest.mark.parametrize("key", ["purchase:nobody-sent-it", "closure:01HADA00000000000000000000", "gift:1", "wallet"])
def test_an_entry_that_is_not_there_is_unknown(place: Place, key: str) -> None:
    with pytest.raises(EntryUnknownError):
        place.ledger.entry(EntryKey(key))


def test_a_clash_is_decided_again_on_the_wallet_that_won(place: Place) -> None:
    seen: list[int] = []

    def decide(view: View) -> Decision:
        seen.append(view.wallet.sequence)
        if len(seen) == 1:
            record(place.ledger, purchase("order-that-slips-in", 400))
        return earning(purchase())(view)

    entry = record(place.ledger, purchase(), decide)
    assert seen == [0, 1]
    assert (entry.sequence, entry.previous) == (2, "purchase:order-that-slips-in")
    assert entry.after[0].active == 23
    assert keys(place.ledger, ADA) == ["purchase:order-1", "purchase:order-that-slips-in"]


def test_a_clash_may_end_in_a_refusal_that_writes_nothing(place: Place) -> None:
    def decide(view: View) -> Decision:
        if not view.wallet.closed:
            place.ledger.decide_and_post(closure_key(ADA), ADA, b"c" * 32, closing)
        return earning(purchase())(view)

    with pytest.raises(MemberClosedError):
        record(place.ledger, purchase(), decide)
    assert keys(place.ledger, ADA) == [closure_key(ADA)]


def test_two_senders_of_the_same_order_meet_the_same_entry(place: Place) -> None:
    answers: list[Entry] = []

    def decide(view: View) -> Decision:
        answers.append(record(place.ledger, purchase()))
        return earning(purchase())(view)

    assert record(place.ledger, purchase(), decide) == answers[0]
    assert len(answers) == 1
    assert keys(place.ledger, ADA) == ["purchase:order-1"]


def test_the_loser_of_a_race_for_one_key_with_another_body_is_refused(place: Place) -> None:
    def decide(view: View) -> Decision:
        record(place.ledger, purchase(amount=1))
        return earning(purchase(amount=2))(view)

    with pytest.raises(KeyReusedError):
        record(place.ledger, purchase(amount=2), decide)


def test_a_race_for_one_key_between_two_members_is_won_by_one(place: Place) -> None:
    def decide(view: View) -> Decision:
        record(place.ledger, purchase(member_id=BOB))
        return earning(purchase())(view)

    with pytest.raises(KeyReusedError):
        record(place.ledger, purchase(), decide)
    assert place.ledger.view(ADA).wallet.sequence == 0
    assert place.ledger.view(BOB).wallet.sequence == 1


def test_whoever_loses_every_race_is_told_to_try_again_and_wrote_nothing(place: Place) -> None:
    rivals: list[str] = []

    def decide(view: View) -> Decision:
        rivals.append(f"rival-{len(rivals)}")
        record(place.ledger, purchase(rivals[-1]))
        return earning(purchase())(view)

    with pytest.raises(TryAgainError):
        record(place.ledger, purchase(), decide)
    assert place.ledger.view(ADA).wallet.sequence == len(rivals)
    with pytest.raises(EntryUnknownError):
        place.ledger.entry(purchase_key("order-1"))


def test_entries_never_change_whatever_is_posted_after_them(place: Place, clock: FakeClock) -> None:
    first = record(place.ledger, purchase(amount=5000))
    clock.advance(days=366)
    record(place.ledger, purchase("order-2", occurred_at=clock.now()))
    with pytest.raises(KeyReusedError):
        record(place.ledger, replace(purchase(), channel="web"))
    assert place.ledger.entry(first.key) == first


def test_a_server_whose_clock_is_behind_records_no_earlier_than_the_entry_before(place: Place, clock: FakeClock) -> None:
    first = record(place.ledger, purchase())
    clock.advance(minutes=-3)
    second = record(place.ledger, purchase("order-2"))
    assert second.recorded_at == first.recorded_at
