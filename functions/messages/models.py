"""What the function `messages` is called with: an event of the bus, or the same event again after quiet hours."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.announcing import DomainEvent
from shared.domain.written import Instant


class _Call(BaseModel):
    """As EventBridge calls; all else that it tells is left aside."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field(alias="detail-type")
    detail: dict[str, Any]
    waited_until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An event, and until when it waited, if it did."""

    event: DomainEvent
    waited_until: datetime | None = None

    @classmethod
    def parse(cls, called_with: object) -> Self:
        """Raises ValueError for anything but an event that this code knows."""
        found = _Call.model_validate(called_with)
        return cls(DomainEvent.parse(found.type, found.detail), found.waited_until)

    def again(self, until: datetime) -> dict[str, Any]:
        """What the function is to be called with at `until`."""
        call = _Call.model_validate({"detail-type": self.event.type.value, "detail": self.event.told(), "waited_until": until})
        return call.model_dump(mode="json", by_alias=True)
