"""Refunds: what is left of an order, what goes back for it, and what is refused (the rules of points, 10 and 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.errors import OccurredInFutureError, OverRefundError, RequestInvalidError, TryAgainError
from shared.domain.purchase import Line, Purchase
from shared.domain.refunding import Net, RefundRequest, refund
from shared.domain.subject import Refund, RefundLine
from tests.fakes.grocer import earning_rule, purchase
from tests.unit.books import Books, noon, terms

AT_ONE_AND_A_HALF = Books(versions=(terms(earning_rules=[earning_rule(points=3, minor_units=200)]),))
EVERY_TEN_DOLLARS = Books(versions=(terms(earning_rules=[earning_rule(points=1, minor_units=1000)]),))


def taken(before: Books, after: Books) -> int:
    """Points that the last refund took back, as its reasons and as the purse tell it."""
    explained = -sum(share.points for share in after.entries[-1].why)
    assert explained == before.purse.issued - after.purse.issued
    assert after.breaks() == []
    return explained


class TestRounding:
    """One floor, at the end of the order: refunding all parts takes back exactly what was earned."""

    def test_three_lines_of_99_cents_at_one_and_a_half(self) -> None:
        for order in permutations((1, 2, 3)):
            books, found = AT_ONE_AND_A_HALF.bought("A", 99, 99, 99), []
            assert books.purse.active == 4
            for line in order:
                after = books.refunded("A", lines=((line, None),))
                found.append(taken(books, after))
                books = after
            assert found == [2, 1, 1]

    def test_a_point_for_every_ten_dollars(self) -> None:
        books, found = EVERY_TEN_DOLLARS.bought("A", 2190), []
        assert books.purse.active == 2
        for amount in (500, 500, 1190):
            after = books.refunded("A", amount=amount)
            found.append(taken(books, after))
            books = after
        assert found == [1, 0, 1]

    def test_a_refund_that_takes_no_point_is_an_entry_all_the_same(self) -> None:
        books = EVERY_TEN_DOLLARS.bought("A", 2190)
        after = books.refunded("A", amount=190)
        assert (taken(books, after), after.entries[-1].postings, after.wallet.sequence) == (0, (), 2)

    def test_what_was_paid_with_points_earned_nothing_and_takes_nothing_back(self) -> None:
        books, found = Books().bought("A", 1_000, paid_with_rewards=500), []
        assert books.purse.active == 5
        for _ in range(4):
            after = books.refunded("A", amount=250)
            found.append(taken(books, after))
            books = after
        assert found == [2, 1, 1, 1]

    def test_an_order_that_earned_in_two_currencies_gives_both_back(self) -> None:
        currencies = [{"code": "points"}, {"code": "stars", "pending_days": 3}]
        rules = [earning_rule(), earning_rule("stars", "stars", 1, 300)]
        books = Books(versions=(terms(currencies=currencies, earning_rules=rules),)).bought("A", 1_000)
        books = books.refunded("A", amount=150)
        assert [(p.currency, p.active, p.pending) for p in books.wallet.purses] == [("points", 8, 0), ("stars", 0, 2)]
        assert books.breaks() == []

    def test_a_refund_asks_the_rules_that_the_order_met_whatever_holds_now(self) -> None:
        dearer = terms(2, 5, earning_rules=[earning_rule(points=10)])
        books = Books(versions=(terms(), dearer)).bought("A", 1_000)
        after = books.on(10).refunded("A", amount=400)
        assert taken(books.on(10), after) == 4
        assert {share.program_version for share in after.entries[-1].why} == {1}


class TestWhatIsRefused:
    """A refund that gives back more than was paid writes nothing."""

    BOOKS = Books().bought("A", 600, 400)

    @pytest.mark.parametrize(
        ("asked", "refundable"),
        [
            ({"amount": 1_001}, 1_000),
            ({"lines": ((1, 601),)}, 600),
            ({"lines": ((2, 200), (2, 201))}, 200),
            ({"lines": ((1, 600), (2, 300), (2, 101))}, 100),
        ],
    )
    def test_more_than_there_is(self, asked: dict[str, Any], refundable: int) -> None:
        with pytest.raises(OverRefundError) as refusal:
            self.BOOKS.refunded("A", **asked)
        assert refusal.value.refundable == refundable

    def test_a_line_after_an_amount_gives_no_more_than_is_left_of_the_order(self) -> None:
        books = self.BOOKS.refunded("A", amount=700)
        with pytest.raises(OverRefundError) as refusal:
            books.refunded("A", lines=((1, 301),))
        assert refusal.value.refundable == 300
        assert books.refunded("A", lines=((1, 300),)).purse.active == 0

    def test_a_line_without_an_amount_is_all_that_is_left_of_it(self) -> None:
        books = self.BOOKS.refunded("A", amount=700).refunded("A", lines=((1, None), (2, None)))
        subject = books.entries[-1].subject
        assert isinstance(subject, Refund)
        assert (subject.lines, subject.total, subject.net) == ((RefundLine(1, 300), RefundLine(2, 0)), 300, 0)

    @pytest.mark.parametrize("line", [0, 3, -1])
    def test_a_line_that_the_order_has_not(self, line: int) -> None:
        with pytest.raises(RequestInvalidError) as refusal:
            self.BOOKS.refunded("A", lines=((1, 1), (line, 1)))
        assert refusal.value.faults == [{"path": "lines.1.line", "reason": "the order has lines 1 to 2"}]

    def test_a_refund_from_the_future(self) -> None:
        request = RefundRequest(order_id="A", refund_id="1", occurred_at=noon(1))
        with pytest.raises(OccurredInFutureError):
            refund(self.BOOKS.view(), self.BOOKS.order("A"), request, self.BOOKS.versions)

    def test_a_refund_that_came_between_reading_the_order_and_the_wallet_is_seen(self) -> None:
        """Else two refunds of 600 of an order of 1,000, at once, would both go through."""
        order = self.BOOKS.order("A")
        refunded = self.BOOKS.refunded("A", "first", amount=600)
        request = RefundRequest(order_id="A", refund_id="second", occurred_at=noon(0), amount=600)
        with pytest.raises(TryAgainError):
            refund(refunded.view(), order, request, refunded.versions)
        with pytest.raises(OverRefundError):
            refund(refunded.view(), refunded.order("A"), request, refunded.versions)

    def test_an_order_that_was_read_after_the_wallet_shows_a_refund_the_wallet_does_not_know(self) -> None:
        """That is no hindrance: the entry is refused by the wallet's version, and all is read again."""
        refunded = self.BOOKS.refunded("A", "first", amount=600)
        request = RefundRequest(order_id="A", refund_id="second", occurred_at=noon(0), amount=400)
        decision = refund(self.BOOKS.view(), refunded.order("A"), request, self.BOOKS.versions)
        assert decision.entry.sequence == refunded.entries[-1].sequence

    def test_orders_whose_names_begin_alike_do_not_share_refunds(self) -> None:
        books = self.BOOKS.bought("A-1", 500).refunded("A-1", amount=500).refunded("A", amount=1_000)
        assert (books.purse.active, books.purse.issued) == (0, 0)


CENTS = st.one_of(st.integers(0, 30), st.integers(0, 10**6))


@st.composite
def refunds(draw: st.DrawFn) -> tuple[Purchase, list[Refund]]:
    """An order, and refunds by line and by amount that together give back no more than there is."""
    bought = purchase(lines=tuple(Line("x", 1, amount) for amount in draw(st.lists(CENTS, min_size=1, max_size=5))))
    net, found = Net.of(bought, ()), []
    for number in range(draw(st.integers(0, 6))):
        lines: tuple[RefundLine, ...] = ()
        amount = 0
        if draw(st.booleans()):
            amount = draw(st.integers(0, net.total))
        else:
            at = draw(st.integers(1, len(bought.lines)))
            lines = (RefundLine(at, draw(st.integers(0, net.left_of(at)))),)
        found.append(Refund(order_id="order-1", refund_id=str(number), lines=lines, amount=amount))
        net = net.less(lines, amount)
    return bought, found


def cut(found: Sequence[Refund]) -> list[Refund]:
    """The refunds, each in two."""
    halves = []
    for part in found:
        lines = tuple(RefundLine(line.line, line.amount // 3) for line in part.lines)
        rest = tuple(RefundLine(line.line, line.amount - line.amount // 3) for line in part.lines)
        halves.append(replace(part, lines=lines, amount=part.amount // 3))
        halves.append(replace(part, lines=rest, amount=part.amount - part.amount // 3))
    return halves


@given(refunds(), st.randoms(use_true_random=False))
def test_only_totals_matter_never_the_order_nor_the_parts(case: tuple[Purchase, list[Refund]], chance: Random) -> None:
    bought, found = case
    net = Net.of(bought, found)
    shuffled = cut(found)
    chance.shuffle(shuffled)
    other = Net.of(bought, shuffled)
    assert (other.amounts(), other.total, other.refunded) == (net.amounts(), net.total, net.refunded)
    if bought.amount:
        assert [other.returned(units) for units in (1, 7, 100)] == [net.returned(units) for units in (1, 7, 100)]
    assert [other.left_of(n) for n in range(1, len(bought.lines) + 1)] == [
        net.left_of(n) for n in range(1, len(bought.lines) + 1)
    ]


@given(refunds(), st.randoms(use_true_random=False))
def test_refunds_allowed_in_one_order_are_allowed_in_every_other(case: tuple[Purchase, list[Refund]], chance: Random) -> None:
    bought, found = case
    chance.shuffle(found)
    net = Net.of(bought, ())
    for part in found:
        assert part.amount <= net.total
        for line in part.lines:
            assert line.amount <= net.left_of(line.line)
        net = net.less(part.lines, part.amount)


@given(refunds())
def test_the_lines_amounts_are_exact_and_sum_to_what_is_left(case: tuple[Purchase, list[Refund]]) -> None:
    bought, found = case
    net = Net.of(bought, found)
    amounts = net.amounts()
    assert sum(amounts) == net.total == bought.amount - net.refunded
    left = [line.amount - taken for line, taken in zip(bought.lines, net.lines, strict=True)]
    assert all(0 <= amount <= whole for amount, whole in zip(amounts, left, strict=True))
    assert len({amount / whole for amount, whole in zip(amounts, left, strict=True) if whole}) <= 1, "the same fraction of each"


@given(refunds(), st.integers(1, 10**6))
def test_what_goes_back_of_another_tender_never_exceeds_it_and_adds_up(case: tuple[Purchase, list[Refund]], units: int) -> None:
    bought, found = case
    assume(bought.amount)
    net, back = Net.of(bought, ()), 0
    for part in found:
        after = net.less(part.lines, part.amount)
        step = after.returned(units) - net.returned(units)
        assert step >= 0
        back, net = back + step, after
    assert back == net.returned(units) <= units
    assert Fraction(units * net.refunded, bought.amount) - 1 < back <= Fraction(units * net.refunded, bought.amount)
    assert net.less((), net.total).returned(units) == units


@given(refunds(), st.integers(1, 5), st.sampled_from([1, 40, 100, 150, 999]), st.randoms(use_true_random=False))
def test_an_order_refunded_in_any_parts_and_order_keeps_the_floor_of_what_is_left(
    case: tuple[Purchase, list[Refund]], points: int, per: int, chance: Random
) -> None:
    bought, found = case
    start = Books(versions=(terms(earning_rules=[earning_rule(points=points, minor_units=per)]),))
    start = start.bought("A", *(line.amount for line in bought.lines))
    chance.shuffle(found)
    books = start
    for part in found:
        lines = tuple((line.line, line.amount) for line in part.lines)
        books = books.refunded("A", lines=lines) if lines else books.refunded("A", amount=part.amount)
    left = bought.amount - Net.of(bought, found).refunded
    assert books.purse.issued == left * points // per
    assert books.refunded("A").purse.issued == 0


class TestNumbers:
    """A member's orders are numbered as they are recorded, and no number is given again."""

    @staticmethod
    def bonuses(books: Books) -> int:
        return sum(share.points for entry in books.entries for share in entry.why if share.rule == "bonus")

    @pytest.mark.parametrize("when", [{"order_number": 5}, {"order_every": 5}])
    def test_refunding_other_orders_earns_the_bonus_of_a_number_no_second_time(self, when: dict[str, int]) -> None:
        bonus = {"id": "bonus", "kind": "bonus", "currency": "points", "points": 500, "when": when}
        books = Books(versions=(terms(earning_rules=[earning_rule(), bonus]),))
        for number in range(4):
            books = books.bought(f"dummy-{number}", 100)
        books = books.bought("fifth", 100)
        for number in range(4):
            books = books.refunded(f"dummy-{number}").bought(f"next-{number}", 100)
        assert self.bonuses(books) == 500
