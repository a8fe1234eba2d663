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


def faults_of(found: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Faults of pydantic as paths and reasons, without what was sent and without anything of Python's."""
    return [
        {
            "path": ".".join(str(part) for part in fault["loc"] if part != "body") or "$",
            "reason": _HOUSE_WORDS.get(fault["type"]) or _plain(fault["msg"]),
        }
        for fault in found
    ]


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Dictionary", "Object")
