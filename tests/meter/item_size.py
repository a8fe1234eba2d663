"""The size of an item in bytes, as DynamoDB documents it: names and values in UTF-8, and a little for structure.

The developer guide calls its rule for numbers approximate: "1 byte per two significant digits, plus 1". Measured, digits
pair up from the decimal point, so that 123.4 takes the pairs 01 23 .40, and a minus costs a byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

_CONTAINER_BYTES = 3
_ELEMENT_BYTES = 1
_NUMBER_BYTES_MAX = 21


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes of an item of low-level attribute values, such as `{"pk": {"S": "a"}}`; binaries are bytes."""
    return sum(_text_size(name) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """Bytes of one attribute value without its name. Raises ValueError for what is none."""
    if len(value) == 1:
        ((kind, content),) = value.items()
        form, size = _KINDS.get(kind, (None, None))
        if form is not None and size is not None and isinstance(content, form):
            return size(content)
    raise ValueError(f"not an attribute value of DynamoDB's low-level form: {value!r}")


def number_size(text: str) -> int:
    """Bytes of a number: a byte, one for each pair of digits between its first and last that is not zero, one for a minus."""
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int), f"{text} is not a number DynamoDB stores"
    whole = "".join(map(str, digits)).lstrip("0")
    significant = whole.rstrip("0")
    if not significant:
        return 1
    exponent += len(whole) - len(significant)
    after_point = exponent % 2
    pairs = -(-(len(significant) + after_point) // 2)
    return min(_NUMBER_BYTES_MAX, 1 + pairs + sign)


def _text_size(text: str) -> int:
    return len(text.encode("utf-8"))


def _list_size(values: list[Any]) -> int:
    return _CONTAINER_BYTES + sum(_ELEMENT_BYTES + value_size(part) for part in values)


def _map_size(values: dict[str, Any]) -> int:
    return _CONTAINER_BYTES + _ELEMENT_BYTES * len(values) + item_size(values)


_KINDS: dict[str, tuple[type, Callable[[Any], int]]] = {
    "S": (str, _text_size),
    "N": (str, number_size),
    "B": (bytes, len),
    "BOOL": (bool, lambda _: 1),
    "NULL": (bool, lambda _: 1),
    "SS": (list, lambda texts: sum(map(_text_size, texts))),
    "NS": (list, lambda numbers: sum(map(number_size, numbers))),
    "BS": (list, lambda binaries: sum(map(len, binaries))),
    "L": (list, _list_size),
    "M": (dict, _map_size),
}
