"""Equal requests have equal hashes, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.digest import request_hash
from shared.domain.purchase import Line
from tests.fakes.grocer import BOB, NOON, purchase

# Kept: entries of the first release are compared with it for ever.
PINNED = "91713a8ac3f2e7d4577eab5a59d26c03f92fd2b4c0a74b66f8ed8ba5bf7f7b67"


def test_the_hash_of_a_request_is_the_same_in_every_release() -> None:
    order = purchase(lines=(Line("Käse", 2, 1999, "dairy"), Line("bag", 1, 0)), channel="web")
    assert request_hash(order).hex() == PINNED


def test_an_instant_counts_and_not_its_spelling() -> None:
    eastern = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert request_hash(purchase(occurred_at=eastern)) == request_hash(purchase())


def test_a_field_left_out_is_a_field_of_none() -> None:
    assert request_hash({"a": 1, "b": None}) == request_hash({"a": 1})
    assert request_hash({"a": {"b": None}}) == request_hash({"a": {}})
    assert request_hash(purchase(channel=None)) == request_hash(purchase())


def test_the_order_of_names_does_not_count_and_the_order_of_lines_does() -> None:
    assert request_hash({"a": 1, "b": 2}) == request_hash({"b": 2, "a": 1})
    lines = (Line("a", 1, 1), Line("b", 1, 1))
    assert request_hash(purchase(lines=lines)) != request_hash(purchase(lines=lines[::-1]))


def test_every_field_of_an_order_counts() -> None:
    order = purchase(channel="web", store="s")
    line = order.lines[0]
    others = [
        replace(order, order_id="order-2"),
        replace(order, member_id=BOB),
        replace(order, currency="EUR"),
        replace(order, occurred_at=NOON + timedelta(microseconds=1)),
        replace(order, channel="app"),
        replace(order, channel=None),
        replace(order, store="t"),
        replace(order, channel="s", store="web"),
        replace(order, lines=()),
        replace(order, lines=(line, line)),
        *(
            replace(order, lines=(replace(line, **change),))
            for change in ({"sku": "b"}, {"quantity": 2}, {"amount": 1}, {"category": "c"})
        ),
    ]
    assert len({request_hash(other) for other in [order, *others]}) == len(others) + 1


def test_values_of_different_kinds_are_different() -> None:
    values = [1, "1", True, [1], {"1": 1}, {}, [], "", 0, False, date(2026, 3, 2), "None"]
    assert len({request_hash(value) for value in values}) == len(values)
    assert request_hash(1, 2) != request_hash([1, 2])
    assert request_hash("ab", "c") != request_hash("a", "bc")


@given(st.integers(-2_208_988_800, 32_500_000_000), st.integers(-14 * 60, 14 * 60))
def test_any_instant_in_any_zone_has_one_hash(seconds: int, minutes: int) -> None:
    instant = datetime.fromtimestamp(seconds, UTC)
    elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert request_hash({"at": elsewhere}) == request_hash({"at": instant})
