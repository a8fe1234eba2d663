"""What documents (programs, rewards) are made of: strict, frozen, known fields only; and the names they use."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.domain.calendar import zone_names


class Document(BaseModel):
    """A part of a document: unknown fields are refused, `"1"` is no number, and nothing changes it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _known_zone(zone: str) -> str:
    if zone not in zone_names():
        raise ValueError("must be an IANA time zone, such as America/New_York")
    return zone


Zone = Annotated[str, Field(max_length=64, examples=["America/New_York"]), AfterValidator(_known_zone)]
"""An IANA time zone."""
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A short name by which documents, requests and answers speak of a part: of a currency, a rule, a tier, a reward."""
MoneyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""
