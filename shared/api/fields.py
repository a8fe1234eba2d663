"""Types of the API's fields: strict, bounded, ASCII where a name must be safe in a key or a path."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.domain import written
from shared.domain.document import Code
from shared.domain.purchase import AMOUNT_MAX

ID_PATTERN = r"^[._~-]*[A-Za-z0-9][A-Za-z0-9._~-]*$"
"""Unreserved characters of a URL, one of them a letter or digit: an id stands in a path as it is, and is never `..`."""

_DAY = re.compile(r"(19|20|2[1-9])\d{2}-\d\d-\d\d", re.ASCII)


class Request(BaseModel):
    """A body: unknown fields are refused, and `"1"`, `true` and `1.5` are no whole numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Answer(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(frozen=True)


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day such as 2026-06-30")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("is no day of the calendar") from None


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("must be digits only")
    return value


def _unescaped(value: Any) -> Any:
    # Clients may escape the colon; the gateway hands the path over as it came.
    return value.replace("%3A", ":").replace("%3a", ":") if isinstance(value, str) else value


Id = Annotated[str, Field(pattern=ID_PATTERN, max_length=64)]
"""An id of the shop's or of ours, at most 64 characters."""

EntryId = Annotated[
    str,
    BeforeValidator(_unescaped),
    Field(pattern=r"^[a-z]+(:[A-Za-z0-9._~-]{1,64}){1,20}$", examples=["purchase:order-1001"]),
]
"""The id of an entry."""

Text = written.Text
"""Printable text of any script, at most 64 characters."""

Amount = Annotated[int, Field(ge=0, le=AMOUNT_MAX, examples=[1999])]
"""Minor units of the order's currency (cents), at most 10^9."""

MoneyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
"""An ISO 4217 code."""

AttributeValue = Annotated[str, Field(max_length=256)] | bool | Annotated[int, Field(ge=-(10**12), le=10**12)]
"""What a custom attribute may be."""

Attributes = Annotated[dict[Code, AttributeValue], Field(max_length=20)]
"""Custom attributes of an order or an activity."""

PageSize = Annotated[
    int, BeforeValidator(_digits), Field(ge=1, le=100), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100})
]
"""How many of a list to answer at most, written in digits only."""

Instant = written.Instant
"""An RFC 3339 time with a zone; answered in UTC."""

Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-06-30"]}),
]
"""A calendar day."""

IdempotencyKey = Annotated[
    Id,
    Header(
        alias="Idempotency-Key", description="the caller's own key of this request: sent again with it, it takes effect once"
    ),
]
"""The caller's key of a request that has no natural one."""
