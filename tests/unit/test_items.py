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
from shared.adapters.dynamodb.table import HISTORY_PROJECTION
from shared.domain.earning import earn
from shared.domain.entry import HistoryRow, Share
from shared.domain.points import Lot, Purse, merged
from shared.domain.purchase import Line
from shared.domain.wallet import Wallet
from tests.fakes.grocer import ADA, NOON, OPENED, purchase, version
from tests.unit.histories import Step, opened, play, steps

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
        Purse("points", some, next_serial=10**12 + 5, debt=3, issued=total, redeemed=4, expired=5, adjusted=-6),
        Purse("stars", others),
    )
    wallet = Wallet(member=ADA, enrolled_at=OPENED, closed=True, sequence=7, purses=purses)
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


def test_attributes_of_a_later_release_are_ignored() -> None:
    entry, wallet = earn(Wallet(member=ADA, enrolled_at=OPENED), purchase(), [version()], now=NOON)
    assert entry_of(kept({**entry_item(entry), "later": {"a": [1]}})) == entry
    assert wallet_of(kept({**wallet_item(wallet), "later": None})) == wallet


def test_a_wallet_of_daily_points_over_a_year_stays_far_below_an_items_limit() -> None:
    daily = merged([Lot(1 + 30 * n, 30, None, date.fromordinal(date(2026, 1, 1).toordinal() + n)) for n in range(365)])
    item = to_wire(wallet_item(replace(opened(), purses=(Purse("points", daily),))))
    assert len(str(item)) < 40_000
