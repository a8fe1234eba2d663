"""Stock counts by date alone: nothing is sold twice, and what lapses is back without a job."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.domain.errors import SoldOutError
from shared.domain.stock import Stock

DAY = date(2026, 3, 2)
LATER = date(2026, 4, 1)


def test_a_hold_takes_one_until_the_day_it_lapses() -> None:
    held = Stock("mug", total=1).taken(LATER, DAY)
    assert held.available(DAY) == 0
    assert held.available(LATER - timedelta(days=1)) == 0
    assert held.available(LATER) == 1


def test_a_hold_without_a_lapse_stays() -> None:
    assert Stock("mug", total=1).taken(None, DAY).available(date.max) == 0


def test_the_last_one_is_sold_once() -> None:
    last = Stock("mug", total=1)
    for sold in (last.taken(LATER, DAY), last.taken_for_good(DAY)):
        with pytest.raises(SoldOutError):
            sold.taken(LATER, DAY)
        with pytest.raises(SoldOutError):
            sold.taken_for_good(DAY)


def test_a_hold_that_has_lapsed_can_be_sold_again_with_nothing_booked() -> None:
    held = Stock("mug", total=1).taken(LATER, DAY)
    again = held.taken(LATER + timedelta(days=30), LATER)
    assert again.held == {LATER + timedelta(days=30): 1}
    assert again.available(LATER) == 0


def test_what_is_used_is_gone_for_good() -> None:
    used = Stock("mug", total=2).taken(LATER, DAY).used_up(LATER, DAY)
    assert (used.used, used.held, used.available(date.max)) == (1, {}, 1)


def test_what_is_returned_before_it_lapses_is_back_at_once() -> None:
    returned = Stock("mug", total=1).taken(LATER, DAY).returned(LATER, DAY)
    assert (returned.available(DAY), returned.held) == (1, {})


def test_a_lapsed_hold_that_is_booked_later_is_not_counted_twice() -> None:
    held = Stock("mug", total=1).taken(LATER, DAY)
    assert held.returned(LATER, LATER).available(LATER) == 1
    assert held.taken_for_good(LATER).returned(LATER, LATER).available(LATER) == 0


def test_a_lapsed_hold_cannot_be_used_any_more() -> None:
    held = Stock("mug", total=1).taken(LATER, DAY)
    with pytest.raises(ValueError, match="is held"):
        held.used_up(LATER, LATER)


def test_what_is_not_held_is_neither_used_nor_returned() -> None:
    for lapses_on in (LATER, None):
        with pytest.raises(ValueError, match="is held"):
            Stock("mug", total=1).used_up(lapses_on, DAY)
        with pytest.raises(ValueError, match="is held"):
            Stock("mug", total=1).returned(lapses_on, DAY)


def test_a_total_set_below_what_is_gone_sells_nothing_until_it_is_above_again() -> None:
    sold = Stock("mug", total=2).taken(LATER, DAY).taken_for_good(DAY)
    cut = sold.resized(1, DAY)
    assert cut.available(DAY) == -1
    with pytest.raises(SoldOutError):
        cut.taken(LATER, DAY)
    assert cut.resized(3, DAY).available(DAY) == 1


@given(total=st.integers(0, 50), used=st.integers(0, 50), held=st.dictionaries(st.none() | st.dates(), st.integers(1, 9)))
def test_what_there_is_is_available_used_or_held(total: int, used: int, held: dict[date | None, int]) -> None:
    stock = Stock("mug", total, used, held)
    assert stock.available(DAY) + stock.used + stock.held_on(DAY) == total


class Shop(RuleBasedStateMachine):
    """Any order of sales, uses, returns and days, against a plain list of what is out."""

    def __init__(self) -> None:
        super().__init__()
        self.stock = Stock("mug", total=0)
        self.day = DAY
        self.out: Counter[date | None] = Counter()
        self.gone = self.changes = 0

    @initialize(total=st.integers(0, 5))
    def opened(self, total: int) -> None:
        self.stock = Stock("mug", total=total)

    def live(self) -> list[date | None]:
        return [on for on, count in self.out.items() if count and (on is None or on > self.day)]

    @rule(days=st.none() | st.integers(1, 10))
    def sell(self, days: int | None) -> None:
        lapses_on = None if days is None else self.day + timedelta(days=days)
        if self.stock.available(self.day) < 1:
            with pytest.raises(SoldOutError):
                self.stock.taken(lapses_on, self.day)
            return
        self.stock = self.stock.taken(lapses_on, self.day)
        self.out[lapses_on] += 1
        self.changes += 1

    @rule()
    def sell_for_good(self) -> None:
        if self.stock.available(self.day) < 1:
            return
        self.stock = self.stock.taken_for_good(self.day)
        self.gone += 1
        self.changes += 1

    @precondition(lambda self: self.live())
    @rule(data=st.data(), used=st.booleans())
    def finish(self, data: st.DataObject, used: bool) -> None:
        lapses_on = data.draw(st.sampled_from(self.live()))
        self.stock = self.stock.used_up(lapses_on, self.day) if used else self.stock.returned(lapses_on, self.day)
        self.out[lapses_on] -= 1
        self.gone += used
        self.changes += 1

    @rule(days=st.integers(1, 12))
    def wait(self, days: int) -> None:
        self.day += timedelta(days=days)

    @invariant()
    def nothing_is_sold_twice_or_lost(self) -> None:
        live = sum(self.out[on] for on in self.live())
        assert self.stock.available(self.day) == self.stock.total - self.gone - live >= 0
        assert self.stock.version == self.changes
        assert all(self.stock.held.values())


TestShop = Shop.TestCase
