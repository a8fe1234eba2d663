"""Faults that pydantic finds in a document, in the words of the house."""

from collections.abc import Iterable, Mapping
from typing import Any

# Where the words of the validator would speak of Python.
_HOUSE_WORDS = {
    "bytes_type": "must be text",
    "dict_type": "must be an object",
    "extra_forbidden": "is not a field of this request",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "list_type": "must be a list",
    "missing": "is required",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_type": "must be text",
    "string_unicode": "must be Unicode text",
    "tuple_type": "must be a list",
}


# The same for limits, with the limit in its place.
_HOUSE_LIMITS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
}


def faults_of(found: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Faults of pydantic as paths and reasons, without what was sent and without anything of Python's."""
    return [
        {"path": ".".join(str(part) for part in fault["loc"] if part != "body") or "$", "reason": _reason(fault)}
        for fault in found
    ]


def _reason(fault: Mapping[str, Any]) -> str:
    kind = fault["type"]
    if kind in _HOUSE_LIMITS:
        return _HOUSE_LIMITS[kind].format(**fault["ctx"])
    return _HOUSE_WORDS.get(kind) or str(fault["msg"]).removeprefix("Value error, ")
