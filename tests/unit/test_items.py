"""What is kept in the table comes back as it was, and stays readable and short."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.dynamodb.items import (
    entry_item,
    entry_of,
    from_wire,
    row_of,
    to_wire,
    wallet_item,
    wallet_of,
)
from shared.adapters.dynamodb.refusals import refusal_item, refusal_of
from shared.adapters.dynamodb.table import HISTORY_PROJECTION, entry_key, is_entry, key_of_entry
from shared.domain.effect import Correction, Effect, Forgiveness, Reopening, Spend
from shared.domain.entry import EntryKey, EntryKind, HistoryRow, Share, arrival_key, cancel_key, refund_key, use_key
from shared.domain.errors import (
    LimitReachedError,
    PointsShortError,
    RecognitionNotOfferedError,
    RefusalError,
    RewardChangedError,
    RewardNotOfferedError,
    SoldOutError,
)
from shared.domain.points import Account, Credit, Lot, merged
from shared.domain.purchase import Line
from shared.domain.purse import Purse
from shared.domain.subject import (
    Adjustment,
    Cancellation,
    Merge,
    Redemption,
    Refund,
    RefundLine,
    Returned,
    Transfer,
    Use,
)
from shared.domain.wallet import Claim, Hold, Wallet
from tests.fakes.grocer import ADA, BOB, NOON, OPENED, earn, purchase, version
from tests.unit.histories import Step, opened, play, steps

REDEEMED = EntryKey("key:till-1:redemption:one")
DAY = st.one_of(st.none(), st.dates(date(2016, 1, 1), date(2400, 1, 1)))


@st.composite
def lots(draw: st.DrawFn) -> tuple[Lot, ...]:
    """Lots as a purse keeps them: gaps where points were spent, some active, some pending."""
    found, serial = [], draw(st.integers(1, 10**6))
    for _ in range(draw(st.integers(0, 8))):
        serial += draw(st.sampled_from([0, 0, 1, 7, 10**9]))
        count = draw(st.integers(1, 10**9))
        found.append(Lot(serial, count, draw(DAY), draw(DAY)))
        serial += count
    return merged(found)


def kept(item: dict[str, Any]) -> dict[str, Any]:
    """An item after its way to the table and back."""
    return from_wire(to_wire(item))


@given(lots(), lots(), st.integers(0, 10**12))
def test_any_wallet_comes_back_as_it_was(some: tuple[Lot, ...], others: tuple[Lot, ...], total: int) -> None:
    purses = (
        Purse("points", some, next_serial=10**12 + 5, debt=3, issued=total, redeemed=4, expired=5, adjusted=-6, transferred=-7),
        Purse("stars", others),
    )
    wallet = Wallet(
        member=ADA,
        enrolled_at=OPENED,
        closed=True,
        merged_into=BOB,
        sequence=7,
        purses=purses,
        holds=(Hold(3, REDEEMED, date(2026, 4, 1)), Hold(5, EntryKey("key:b:redemption:2"), None)),
        claims=(Claim("mug", date(2026, 4, 1), 2), Claim("mug", None, 12)),
    )
    assert wallet_of(kept(wallet_item(wallet))) == wallet


@pytest.mark.parametrize(
    "order",
    [
        purchase(),
        purchase(channel="web", store="Köln 🏬"),
        purchase(lines=(Line("naïve", 0, 0, "fruit"), Line("b", 10**6, 10**9 - 1))),
        purchase(occurred_at=NOON.replace(microsecond=1)),
        purchase("~-._Az9"),
    ],
)
def test_an_entry_keeps_the_order_that_it_answers(order: Any) -> None:
    entry, _ = earn(Wallet(member=ADA, enrolled_at=OPENED), order, [version(12)], now=NOON)
    back = entry_of(kept(entry_item(entry)))
    assert back == entry
    assert back.purchase == order
    assert back.why == (Share("base", 12, "points", entry.why[0].points),)


@given(steps())
def test_the_history_index_carries_all_that_the_fold_needs(history: list[Step]) -> None:
    entries, wallet = play(opened(), history)
    assert wallet_of(kept(wallet_item(wallet))) == wallet
    for entry in entries:
        item = kept(entry_item(entry))
        projected = {name: item[name] for name in (*HISTORY_PROJECTION, "pk", "sk", "member", "seq") if name in item}
        row = row_of(projected)
        assert {name: getattr(entry, name) for name in HistoryRow.__dataclass_fields__} == {
            name: getattr(row, name) for name in HistoryRow.__dataclass_fields__
        }


@st.composite
def effects(draw: st.DrawFn) -> Effect:
    """Anything that an entry may do."""
    currency, points, account = st.sampled_from(["points", "stars"]), st.integers(0, 10**9), st.sampled_from(Account)
    credit = st.builds(Credit, currency, points, st.dates(), DAY, account, st.integers(1, 10**12), points)
    claimed = st.lists(DAY, max_size=2).map(tuple)
    reward = st.one_of(st.none(), st.just("mug"))
    spend = st.builds(Spend, currency, points, account, st.booleans(), DAY, reward, claimed)
    correction = st.builds(Correction, st.integers(1, 10**6), currency, points)
    credits, spends = st.lists(credit, max_size=2).map(tuple), st.lists(spend, max_size=2).map(tuple)
    return draw(
        st.builds(
            Effect,
            credits=credits,
            spends=spends,
            corrections=st.lists(correction, max_size=3).map(tuple),
            uses=st.lists(st.integers(1, 10**6), max_size=2).map(tuple),
            forgives=st.lists(st.builds(Forgiveness, currency, points), max_size=2).map(tuple),
            reopens=st.lists(st.builds(Reopening, st.integers(1, 10**6), credits, spends), max_size=1).map(tuple),
            empties=st.one_of(st.none(), account),
        )
    )


@given(effects())
def test_any_effect_comes_back_as_it_was(effect: Effect) -> None:
    entry, _ = earn(Wallet(member=ADA, enrolled_at=OPENED), purchase(), [version()], now=NOON)
    told = replace(entry, kind=EntryKind.ADJUSTMENT, key=EntryKey("key:a:adjustment:1"), subject=None, told=effect)
    back = entry_of(kept(entry_item(told)))
    assert back == told
    assert row_of({**kept(entry_item(told)), "why": None}).effect == effect


SUBJECTS: dict[EntryKey, tuple[EntryKind, Any]] = {
    REDEEMED: (
        EntryKind.REDEMPTION,
        Redemption(
            reward="trees",
            reward_version=3,
            name="Trees, naïve",
            benefit={"kind": "donation", "charity": "forest", "points": 10, "nested": {"list": [1, True, None, "5"]}},
            currency="points",
            points=50,
            money="USD",
            value=125,
            code="0123456789ABC",
            lapses_on=date(2026, 4, 1),
            gift_card="01HCARD0000000000000000000",
            stocked=True,
            channel="app",
            region="north",
        ),
    ),
    use_key(REDEEMED): (EntryKind.USE, Use(order_id="order-2", amount=500)),
    cancel_key(REDEEMED): (EntryKind.CANCELLATION, Cancellation(reason="2026-03-02")),
    EntryKey("key:b:redemption:bare"): (
        EntryKind.REDEMPTION,
        Redemption(reward="r", reward_version=1, name="n", benefit={"kind": "shipping"}, currency="p", points=1, money="USD"),
    ),
    use_key(EntryKey("key:b:redemption:bare")): (EntryKind.USE, Use(order_id="0")),
    cancel_key(EntryKey("key:b:redemption:bare")): (EntryKind.CANCELLATION, Cancellation()),
    refund_key("order-1", "r1"): (
        EntryKind.REFUND,
        Refund(
            order_id="order-1",
            refund_id="r1",
            lines=(RefundLine(1, 0), RefundLine(500, 10**9)),
            total=10**9,
            net=7,
            returned=(Returned(kind="points", reference=REDEEMED, amount=3),),
        ),
    ),
    refund_key("order-1", "~-._"): (EntryKind.REFUND, Refund(order_id="order-1", refund_id="~-._", amount=5, total=5)),
    EntryKey("key:c:adjustment:1"): (
        EntryKind.ADJUSTMENT,
        Adjustment(currency="points", points=-7, reason="1", operator="staff op", approved_by="staff two"),
    ),
    EntryKey("key:c:transfer:1"): (EntryKind.TRANSFER, Transfer(currency="points", points=7, counterpart=BOB)),
    arrival_key(EntryKey("key:c:transfer:1")): (EntryKind.ARRIVAL, Transfer(currency="points", points=7, counterpart=ADA)),
    EntryKey(f"merge:{ADA}"): (EntryKind.MERGE, Merge(counterpart=BOB, reason="twins")),
    arrival_key(EntryKey(f"merge:{ADA}")): (EntryKind.ARRIVAL, Merge(counterpart=ADA, reason="twins")),
}


@pytest.mark.parametrize("key", SUBJECTS)
def test_an_entry_keeps_what_it_is_about_under_its_own_key(key: EntryKey) -> None:
    kind, subject = SUBJECTS[key]
    entry, _ = earn(Wallet(member=ADA, enrolled_at=OPENED), purchase(), [version()], now=NOON)
    told = replace(entry, key=key, kind=kind, subject=subject, told=Effect(), names=REDEEMED, lapsed=(3, 12))
    assert is_entry(kept(entry_item(told)))
    back = entry_of(kept(entry_item(told)))
    assert back == told
    assert type(back.subject) is type(subject)


def test_no_two_entries_share_a_place() -> None:
    keys = [*SUBJECTS, EntryKey("purchase:order-1"), EntryKey(f"closure:{ADA}"), EntryKey("key:a:b:USE"), EntryKey("key:a:b")]
    places = [tuple(entry_key(key).values()) for key in keys]
    assert len(set(places)) == len(keys)
    assert [key_of_entry(entry_key(key)) for key in keys] == keys


REFUSALS = [
    RewardNotOfferedError(reason="segment"),
    LimitReachedError(limit="per_period", count=3, until=date(2026, 4, 1)),
    LimitReachedError(limit="ever", count=1, until=None),
    SoldOutError(),
    PointsShortError(currency="points", points=50, active=49, short_by=1),
    RewardChangedError(version=2, points=10**9),
    RecognitionNotOfferedError(reason="giver", points_min=1, points_max=9),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_a_kept_refusal_comes_back_as_it_was_and_is_no_entry(refusal: RefusalError) -> None:
    item = kept(refusal_item(REDEEMED, b"h" * 32, refusal))
    back = refusal_of(item)
    assert (type(back), vars(back)) == (type(refusal), vars(refusal))
    assert (item["pk"], item["sk"]) == tuple(entry_key(REDEEMED).values())
    assert not is_entry(item)


def test_every_kind_of_refusal_is_tried() -> None:
    assert {type(refusal) for refusal in REFUSALS} == set(RefusalError.__subclasses__())


def test_attributes_of_a_later_release_are_ignored() -> None:
    entry, wallet = earn(Wallet(member=ADA, enrolled_at=OPENED), purchase(), [version()], now=NOON)
    assert entry_of(kept({**entry_item(entry), "later": {"a": [1]}})) == entry
    assert wallet_of(kept({**wallet_item(wallet), "later": None})) == wallet


def test_a_wallet_of_daily_points_over_a_year_stays_far_below_an_items_limit() -> None:
    daily = merged([Lot(1 + 30 * n, 30, None, date.fromordinal(date(2026, 1, 1).toordinal() + n)) for n in range(365)])
    item = to_wire(wallet_item(replace(opened(), purses=(Purse("points", daily),))))
    assert len(str(item)) < 40_000
