"""Sizes by the documented rule: worked by hand, and held against engines that have the rule built in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb  # type: ignore[import-untyped]

from tests.engines.engine import Engine
from tests.meter.item_size import item_size, number_size, value_size
from tests.meter.units import WRITE_UNIT_BYTES


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("0", 1),
        ("0.000", 1),
        ("7", 2),
        ("99", 2),
        ("100", 2),  # trailing zeros are trimmed
        ("101", 3),
        ("1000", 2),
        ("12345", 4),
        ("-5", 3),
        ("1E+10", 2),
        ("0.5", 2),
        ("0.05", 2),
        ("0.005", 2),
        ("123.4", 4),  # 01 23 .40
        ("20261231", 5),
        ("12345678901234567890123456789012345678", 20),
        ("-12345678901234567890123456789012345678", 21),
    ],
)
def test_a_number_takes_a_byte_and_one_for_each_pair_of_its_digits(number: str, size: int) -> None:
    assert number_size(number) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "yellow"}, 6),
        ({"S": "é"}, 2),
        ({"S": "🙂"}, 4),
        ({"B": b"\0\1\2"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "100"]}, 4),
        ({"BS": [b"a", b"bc"]}, 3),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"N": "1"}, {"S": "ab"}]}, 3 + 1 + 2 + 1 + 2),
        ({"M": {"k": {"N": "1"}}}, 3 + 1 + 1 + 2),
    ],
)
def test_a_value_takes_what_the_guide_says(value: dict[str, Any], size: int) -> None:
    assert value_size(value) == size


def test_an_item_is_its_names_and_values() -> None:
    assert item_size({"shirt-color": {"S": "R"}, "shirt-size": {"S": "L"}}) == 23


@pytest.mark.parametrize("value", [{}, {"S": 1}, {"N": 5}, {"S": "a", "N": "1"}, {"X": "?"}])
def test_what_is_no_attribute_value_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an attribute value"):
        value_size(value)


numbers = st.decimals(min_value="-1e20", max_value="1e20", allow_nan=False, allow_infinity=False, places=4)
values = st.recursive(
    st.one_of(
        st.text(max_size=12).map(lambda text: {"S": text}),
        numbers.map(lambda number: {"N": format(number, "f")}),
        st.booleans().map(lambda truth: {"BOOL": truth}),
        st.just({"NULL": True}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: {"L": parts}),
        st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=4).map(lambda parts: {"M": parts}),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), values, max_size=6))
def test_sizes_agree_with_ministacks_own_measure(item: dict[str, Any]) -> None:
    """Another reading of the same rule, which its authors took from answers of AWS."""
    assert item_size(item) == dynamodb._item_size_bytes(item)


ITEMS: dict[str, dict[str, Any]] = {
    "text": {"t": {"S": "é" * 50}},
    "integers": {"n": {"L": [{"N": str(number)} for number in (0, 7, 10, 99, 100, 12_345, 20_261_231, -5)]}},
    "fractions": {"n": {"L": [{"N": number} for number in ("0.5", "0.05", "123.4", "-0.001", "1E+30")]}},
    "binary": {"b": {"B": b"\0" * 33}},
    "nested": {"m": {"M": {"lots": {"L": [{"L": [{"N": "1"}, {"N": "250"}]}]}, "empty": {"M": {}}}}},
    "flags": {"t": {"BOOL": True}, "n": {"NULL": True}},
    "sets": {"s": {"SS": ["a", "bcd"]}, "n": {"NS": ["1", "1000"]}},
}


def units_of_put(engine: Engine, item: dict[str, Any], size: int) -> float:
    """What the engine charges for the item, filled up to `size` bytes with text."""
    keyed = {"pk": {"S": "size"}, "sk": {"S": "-"}} | item
    filled = keyed | {"fill": {"S": "x" * (size - item_size(keyed) - len("fill"))}}
    answer = engine.client.put_item(TableName=engine.table, Item=filled, ReturnConsumedCapacity="TOTAL")
    return answer["ConsumedCapacity"]["CapacityUnits"]


@pytest.mark.parametrize("name", ITEMS)
@pytest.mark.parametrize("engine", ["ministack_engine", "dynamodb_local_engine"])
def test_an_engine_charges_one_unit_up_to_the_last_byte_of_a_kilobyte(
    request: pytest.FixtureRequest, engine: str, name: str
) -> None:
    """To the byte: at 1,024 one unit, at 1,025 two."""
    at: Engine = request.getfixturevalue(engine)
    assert units_of_put(at, ITEMS[name], WRITE_UNIT_BYTES) == 1
    at.client.delete_item(TableName=at.table, Key={"pk": {"S": "size"}, "sk": {"S": "-"}})
    assert units_of_put(at, ITEMS[name], WRITE_UNIT_BYTES + 1) == 2
