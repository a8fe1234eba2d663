"""Instants and names as people and programs write them, in documents and in requests alike."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from shared.domain.calendar import instant_text

_INSTANT = re.compile(r"(19|20|2[1-9])\d{2}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC)
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("must be an RFC 3339 time with a zone, such as 2026-06-30T09:30:00Z")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no instant of the calendar") from None


def _printable(value: str) -> str:
    if unicodedata.normalize("NFC", value) != value:
        raise ValueError("must be in Unicode's normal form C")
    if value != value.strip() or any(unicodedata.category(symbol)[0] == "C" for symbol in value):
        raise ValueError("must be printable text without space at its ends")
    return value


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(instant_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-06-30T09:30:00Z"]}),
]
"""An RFC 3339 time with a zone; answered in UTC."""

Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
"""Printable text that people read, at most 100 characters."""

Text = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
"""Printable text of any script, at most 64 characters."""

Reason = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
"""Why somebody did something, in printable text of at most 200 characters."""
