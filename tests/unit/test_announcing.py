"""What entries tell the world: from themselves alone, always the same, and right to the point."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, FormatChecker

from infra.openapi import EVENTS_SCHEMA, make_events_schema
from shared.domain.announcing import DATA, DomainEvent, EventType, EventUnreadableError, announced
from shared.domain.effect import Effect, Standing
from shared.domain.entry import (
    BalanceAfter,
    Entry,
    EntryKey,
    EntryKind,
    Share,
    award_key,
    grant_key,
    notice_key,
    of_advocate,
    review_key,
)
from shared.domain.message import Mailed
from shared.domain.points import Account, Lot, Posting
from shared.domain.subject import Award, Grant, Notice, Review, Swept
from tests.fakes.grocer import ADA, BOB, NOON, ZONE
from tests.unit.books import Books, reward, terms
from tests.unit.histories import Step, opened, play, steps

SCHEMA: dict[str, Any] = json.loads(EVENTS_SCHEMA.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def entry(key: str = "sweep:ada:7", kind: EntryKind = EntryKind.SWEEP, **changes: Any) -> Entry:
    """An entry that gives and tells nothing; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "key": EntryKey(key),
        "kind": kind,
        "member": ADA,
        "sequence": 7,
        "previous": EntryKey("purchase:order-6"),
        "occurred_at": NOON,
        "recorded_at": NOON,
        "recorded_on": date(2026, 3, 2),
        "postings": (),
        "after": (),
        "zone": ZONE,
        "request_hash": b"h" * 32,
        **changes,
    }
    return Entry(**fields)


def moved(debit: Account, credit: Account, points: int, *, first: int = 1, currency: str = "points") -> Posting:
    return Posting(debit, credit, currency, (Lot(first, points, None, None),))


def grant(trigger: str = "silence", bonus: str = "points", **changes: Any) -> Entry:
    """An entry of a campaign that gives 50 points, as long as `changes` do not say otherwise."""
    told: dict[str, Any] = {
        "campaign": "back",
        "version": 1,
        "trigger": trigger,
        "period": "2026-01-01",
        "due_at": NOON,
        "bonus": bonus,
        **({"currency": "points", "points": 50} if bonus == "points" else {}),
        **changes,
    }
    key = grant_key("back", "2026-01-01", ADA)
    return entry(key, EntryKind.GRANT, subject=Grant(**told))


def types(told: Entry) -> list[str]:
    return [event.type.value for event in announced(told)]


def data(told: Entry, type: str) -> dict[str, Any]:
    """What the one event of a type tells."""
    [found] = [event for event in announced(told) if event.type == type]
    answer: dict[str, Any] = found.told()["data"]
    return answer


def hold_to_the_schema(told: Entry) -> None:
    """Every event of an entry is what docs/events.schema.json promises, and reads back as it was."""
    for event in announced(told):
        on_the_bus = {"source": "laurel", "detail-type": event.type.value, "detail": json.loads(json.dumps(event.told()))}
        VALIDATOR.validate(on_the_bus)
        assert DomainEvent.parse(on_the_bus["detail-type"], on_the_bus["detail"]) == event


def test_the_published_schema_is_the_one_that_the_code_makes() -> None:
    assert make_events_schema() == SCHEMA, "run python -m infra.openapi and commit what it writes"
    assert len(SCHEMA["oneOf"]) == len(EventType) == len(DATA)


def test_an_event_of_the_bus_is_of_one_schema_only() -> None:
    [event] = announced(entry())
    wrong = {"source": "laurel", "detail-type": "WeMissYou", "detail": event.told()}
    assert not VALIDATOR.is_valid(wrong)


@given(steps())
def test_every_entry_is_told_with_all_that_it_moved(history: list[Step]) -> None:
    entries, _ = play(opened((5, 0)), history)
    for told in entries:
        hold_to_the_schema(told)
        found = data(told, "EntryPosted")
        expected: Counter[tuple[str, str, str]] = Counter()
        for posting in told.postings:
            expected[posting.currency, posting.debit.value, posting.credit.value] += posting.points
        assert {(one["currency"], one["debit"], one["credit"]): one["points"] for one in found["moved"]} == dict(expected)
        assert [one["currency"] for one in found["balances"]] == [after.currency for after in told.after]


@given(steps(closing=False))
def test_points_that_expired_are_all_told(history: list[Step]) -> None:
    entries, wallet = play(opened(), history)
    told: Counter[str] = Counter()
    for one in entries:
        if "PointsExpired" in types(one):
            told.update({gone["currency"]: gone["points"] for gone in data(one, "PointsExpired")["currencies"]})
    assert dict(told) == {purse.currency: purse.expired for purse in wallet.purses if purse.expired}


@given(steps())
def test_events_of_a_member_have_ids_and_sequences_that_never_change(history: list[Step]) -> None:
    entries, _ = play(opened(), history)
    events = [event for told in entries for event in announced(told)]
    assert len({event.id for event in events}) == len(events)
    assert [event.id for told in entries for event in announced(told)] == [event.id for event in events]
    # A consumer sees a gap: with the least of them every entry has an event of its own.
    assert sorted({event.sequence for event in events}) == list(range(1, len(entries) + 1))


def test_an_entry_says_what_it_corrects_and_every_balance_after_it() -> None:
    told = entry(
        "refund:order-1:1",
        EntryKind.REFUND,
        names=EntryKey("purchase:order-1"),
        postings=(moved(Account.ACTIVE, Account.ISSUED, 3), moved(Account.ACTIVE, Account.ISSUED, 4, first=9)),
        after=(BalanceAfter("points", active=0, pending=2, debt=5),),
    )
    assert data(told, "EntryPosted") == {
        "kind": "refund",
        "names": "purchase:order-1",
        "moved": [{"currency": "points", "debit": "active", "credit": "issued", "points": 7}],
        "balances": [{"currency": "points", "balance": -5, "active": 0, "pending": 2, "debt": 5}],
    }


def test_the_envelope_names_the_entry_the_member_and_the_place_in_their_history() -> None:
    [event] = announced(entry(occurred_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC)))
    assert {name: value for name, value in event.told().items() if name != "data"} == {
        "id": "sweep:ada:7/EntryPosted",
        "member_id": ADA,
        "sequence": 7,
        "entry_id": "sweep:ada:7",
        "occurred_at": "2026-03-01T23:30:00Z",
        "recorded_at": "2026-03-02T17:00:00Z",
    }


@pytest.mark.parametrize(
    ("trigger", "occasion"),
    [("silence", "WeMissYou"), ("birthday", "HappyBirthday"), ("anniversary", "HappyAnniversary")],
)
def test_the_occasions_of_campaigns_have_events_of_their_own(trigger: str, occasion: str) -> None:
    told = grant(trigger)
    hold_to_the_schema(told)
    assert types(told) == ["EntryPosted", "BonusGranted", occasion]
    assert data(told, "BonusGranted") == {**data(told, occasion), "told_as": occasion}


@pytest.mark.parametrize("trigger", ["tier_reached", "purchase_number", "purchase", "date", "recurrence"])
def test_any_other_campaign_speaks_where_it_has_a_template(trigger: str) -> None:
    assert types(grant(trigger)) == ["EntryPosted", "BonusGranted"]
    assert types(grant(trigger, template="spring")) == ["EntryPosted", "BonusGranted", "CampaignMessage"]
    assert data(grant(trigger, template="spring"), "BonusGranted")["told_as"] == "CampaignMessage"


def test_a_message_alone_is_no_bonus() -> None:
    assert types(grant("date", "message", template="spring")) == ["EntryPosted", "CampaignMessage"]
    assert types(grant("silence", "message", template="spring")) == ["EntryPosted", "WeMissYou"]


@pytest.mark.parametrize(
    "bonus",
    [
        {"bonus": "multiplier", "currency": "points", "percent": 200, "until": date(2026, 3, 16)},
        {"bonus": "reward", "reward": "mug", "redemption": "gift:back:2026:ada"},
        {"bonus": "gift_card", "gift_card": "01HCARD", "code": "K7QM2XWD9HTC", "amount": 500, "money": "USD"},
        {"bonus": "points", "currency": "points", "points": 50, "cause": "purchase:order-1", "ticket": "0123456789abcdef"},
    ],
)
def test_what_was_given_is_told_without_what_would_open_it(bonus: dict[str, Any]) -> None:
    told = grant("birthday", **bonus)
    hold_to_the_schema(told)
    found = data(told, "BonusGranted")
    assert found["bonus"] == bonus["bonus"]
    assert "K7QM2XWD9HTC" not in json.dumps([event.told() for event in announced(told)])
    same = {"currency", "percent", "reward", "redemption", "gift_card", "amount", "cause"}
    assert {name: found[name] for name in same} == {name: bonus.get(name) for name in same}
    assert found["last_day"] == ("2026-03-16" if bonus["bonus"] == "multiplier" else None)


def test_points_that_expire_soon_are_told_with_their_last_day_and_the_first_instant_without_them() -> None:
    notice = Notice(what="expiring", currency="points", points=120, on=date(2026, 3, 9), days=7)
    told = entry(notice_key(ADA, "expiring-points-20260309-7"), EntryKind.NOTICE, subject=notice)
    hold_to_the_schema(told)
    assert data(told, "PointsExpiringSoon") == {
        "currency": "points",
        "points": 120,
        "days": 7,
        "last_day": "2026-03-08",
        # The day before, clocks in New York went forward.
        "expires_at": "2026-03-09T04:00:00Z",
    }


def test_points_whose_wait_is_over_are_told_by_currency_and_debt_apart() -> None:
    told = entry(
        subject=Swept(),
        postings=(
            moved(Account.PENDING, Account.DEBT, 5),
            moved(Account.PENDING, Account.ACTIVE, 15, first=6),
            moved(Account.PENDING, Account.ACTIVE, 7, currency="stars"),
            moved(Account.ISSUED, Account.PENDING, 99, first=50),
        ),
    )
    assert data(told, "PointsActivated") == {
        "currencies": [
            {"currency": "points", "points": 15, "repaid": 5},
            {"currency": "stars", "points": 7, "repaid": 0},
        ]
    }


def test_points_that_are_active_at_once_did_not_wait() -> None:
    assert types(entry(postings=(moved(Account.ISSUED, Account.ACTIVE, 9),))) == ["EntryPosted"]


def test_what_a_correction_takes_back_from_expiry_is_no_expiry() -> None:
    back = moved(Account.EXPIRED, Account.DEBT, 30)
    assert "PointsExpired" not in types(entry(postings=(back,)))
    gone = moved(Account.ACTIVE, Account.EXPIRED, 40, first=100)
    assert data(entry(postings=(gone, back)), "PointsExpired") == {"currencies": [{"currency": "points", "points": 10}]}


def test_a_late_order_whose_points_never_lived_is_told_as_expired() -> None:
    told = entry(postings=(moved(Account.ISSUED, Account.EXPIRED, 19),))
    assert data(told, "PointsExpired")["currencies"] == [{"currency": "points", "points": 19}]


def test_a_tier_is_told_by_whatever_entry_changed_it() -> None:
    told = entry("purchase:order-1", EntryKind.PURCHASE, told=Effect(stands=Standing("gold", date(2026, 3, 2))))
    assert data(told, "TierReached") == {"tier": "gold", "since": "2026-03-02", "before": None}


def test_a_review_tells_the_tier_before_too() -> None:
    told = entry(
        review_key(ADA, 7),
        EntryKind.REVIEW,
        told=Effect(stands=Standing(None, date(2026, 3, 2))),
        subject=Review(before="silver", after=None),
    )
    hold_to_the_schema(told)
    assert data(told, "TierReached") == {"tier": None, "since": "2026-03-02", "before": {"tier": "silver"}}


def test_vouchers_that_lapsed_are_told_by_the_entry_that_books_it() -> None:
    books = Books(versions=(terms(),), rewards={"mug": reward(lapses=10)})
    books = books.bought("one", 30_000).redeemed("first").on(1).redeemed("second").on(20).bought("two", 100)
    told = books.entries[-1]
    hold_to_the_schema(told)
    assert data(told, "VoucherLapsed") == {"redemptions": [2, 3]}


@pytest.mark.parametrize("side", ["advocate", "friend"])
def test_both_sides_of_a_referral_are_told_what_they_got(side: str) -> None:
    key = award_key(BOB)
    told = entry(
        of_advocate(key) if side == "advocate" else key,
        EntryKind.AWARD,
        subject=Award(friend=BOB, side=side, number=5, held_until=date(2026, 3, 16)),
        why=(Share("referral:advocate:points", 1, "points", 750, room=None), Share("referral:advocate:mb", 1, "mb", 0, room=0)),
    )
    hold_to_the_schema(told)
    assert data(told, "ReferralRewarded") == {
        "side": side,
        "friend": BOB,
        "number": 5,
        "held_until": "2026-03-16",
        "given": [{"currency": "points", "points": 750}],
    }


def test_a_reward_of_nothing_or_of_another_system_is_no_reward() -> None:
    full = Award(friend=BOB, side="advocate", number=33, held_until=date(2026, 3, 16))
    nothing = (Share("referral:advocate:mb", 1, "mb", 0, room=0),)
    assert types(entry(award_key(BOB), EntryKind.AWARD, subject=full, why=nothing)) == ["EntryPosted"]
    imported = replace(full, imported="old-system")
    assert types(entry(award_key(BOB), EntryKind.AWARD, subject=imported)) == ["EntryPosted"]


def test_a_life_with_orders_refunds_rewards_and_a_closure_keeps_to_the_schema() -> None:
    books = Books(versions=(terms(pending=3, lives=40),), rewards={"mug": reward(points=20)})
    books = books.bought("one", 5_000).bought("late", 900, occurred=-50).on(4).redeemed("first").used("first")
    books = books.on(5).refunded("one", amount=4_000).adjusted("gift", 70).redeemed("second").cancelled("second")
    books = books.on(120).bought("last", 100).closed()
    assert books.breaks() == []
    for told in books.entries:
        hold_to_the_schema(told)
    assert {"PointsActivated", "PointsExpired"} <= {type for told in books.entries for type in types(told)}


@pytest.mark.parametrize("kind", EntryKind)
def test_an_entry_of_any_kind_is_told(kind: EntryKind) -> None:
    assert types(entry(kind=kind)) == ["EntryPosted"]
    assert data(entry(kind=kind), "EntryPosted")["kind"] == kind.value


def test_an_event_that_tells_more_than_is_known_is_read_all_the_same() -> None:
    [event] = announced(entry())
    told = event.told()
    newer = {**told, "new": 1, "data": {**told["data"], "new": {"a": 1}}}
    assert DomainEvent.parse("EntryPosted", newer) == event


@pytest.mark.parametrize("type", ["TickWanted", "WeMissYou", ""])
def test_an_event_of_no_known_type_or_without_its_data_cannot_be_read(type: str) -> None:
    [event] = announced(entry())
    with pytest.raises(EventUnreadableError):
        DomainEvent.parse(type, event.told())


def test_all_events_but_those_of_entries_and_of_campaigns_own_words_can_have_a_template() -> None:
    assert set(get_args(Mailed)) == {*EventType} - {EventType.ENTRY_POSTED, EventType.CAMPAIGN_MESSAGE}
