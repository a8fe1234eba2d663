"""What members are mailed, as the program's document says it, and what became of it (docs/messages.md).

telling.py decides by the document.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.domain.document import Code, Document
from shared.domain.season import Hours

Template = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["we_miss_you"])]
"""The name of a template of the mail provider."""

Mailed = Literal[
    "BonusGranted",
    "WeMissYou",
    "HappyBirthday",
    "HappyAnniversary",
    "PointsExpiringSoon",
    "PointsActivated",
    "PointsExpired",
    "TierReached",
    "VoucherLapsed",
    "ReferralRewarded",
]
"""Events that a program may give a template to; a CampaignMessage has its campaign's."""


class Messages(Document):
    """What members are mailed.

    `templates` name a template for events; an event without one is not mailed, but a campaign's own template goes before.
    Nobody is mailed who has not agreed to the purpose `consent`, and nobody within `quiet_hours` of their own zone, else the
    program's. `points_expiring_days` are how many days before points are gone the member is told.
    """

    consent: Code = "marketing"
    quiet_hours: Hours | None = None
    templates: dict[Mailed, Template] = {}
    points_expiring_days: list[Annotated[int, Field(ge=1, le=90)]] = Field(default=[], max_length=5)

    @model_validator(mode="after")
    def _lets_through(self) -> Self:
        days = self.points_expiring_days
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("points_expiring_days must rise, none of them twice")
        hours = self.quiet_hours
        if hours and (hours.start == hours.end or (hours.start, hours.end) == ("00:00", "24:00")):
            raise ValueError("quiet_hours would never end")
        return self


class MessageState(StrEnum):
    """Where a message stands. A message that is `sending` and comes again may have been sent: it is left alone."""

    SENDING = "sending"
    SENT = "sent"
    PUT_BACK = "put_back"
    FAILED = "failed"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What became of the message of an event, at the stage's time `at`.

    `told` is the provider's id of a message that was sent, else why it was not.
    """

    event: str
    type: str
    member: str
    state: MessageState
    at: datetime
    template: str | None = None
    told: str | None = None
