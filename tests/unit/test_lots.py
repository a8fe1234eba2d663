"""A wallet's lots survive the table, whatever they are."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.dynamodb.lots import active_lots, active_numbers, pending_lots, pending_numbers
from shared.domain.points import Lot

DAYS = st.integers(0, 3000).map(lambda days: date(2024, 1, 1) + timedelta(days=days))


@st.composite
def lots(draw: st.DrawFn, spendable_from: st.SearchStrategy[date | None]) -> list[Lot]:
    found, following = [], 1
    for _ in range(draw(st.integers(0, 12))):
        first = following + draw(st.sampled_from([0, 0, 1, 7, 10**6]))
        found.append(Lot(first, draw(st.integers(1, 10**9)), draw(spendable_from), draw(st.none() | DAYS)))
        following = found[-1].last + 1
    return found


@given(lots(st.none()))
def test_active_lots_come_back_as_they_were(kept: list[Lot]) -> None:
    assert active_lots(active_numbers(kept)) == kept


@given(lots(DAYS))
def test_pending_lots_come_back_as_they_were(kept: list[Lot]) -> None:
    assert pending_lots(pending_numbers(kept)) == kept


def test_the_numbers_can_be_read_by_a_person() -> None:
    kept = [Lot(1, 35, None, date(2027, 1, 5)), Lot(36, 20, None, date(2027, 1, 7)), Lot(61, 7, None, None)]
    assert active_numbers(kept) == [1, 35, 20270105, 20, 20270107, -5, 7, 0]
    assert pending_numbers([Lot(9, 2, date(2027, 1, 5), None)]) == [9, 2, 20270105, 0]
