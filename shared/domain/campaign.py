"""Campaigns of a program: who is given what, when, and within which limits (docs/campaigns.md).

A document says all of a campaign but whether it runs: that is its control (control.py), which an operator moves.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.domain.cap import Period
from shared.domain.document import Code, Document, Zone
from shared.domain.purchase import AMOUNT_MAX
from shared.domain.rule import Attributes, Codes, When
from shared.domain.season import WallTime, Weekday
from shared.domain.written import Name, Reason, Text

LATE_DAYS = 7
"""A birthday or an anniversary that a late sweep finds is still given so many days after it (the rules of points, 22)."""
GIFT_DAYS_MIN = 300
"""A changed birth date gives no gift until more than so many days after the last (the rules of points, 22)."""

LeapDay = Literal["feb28", "mar1"]
"""On which day of common years somebody born on 29 February has their birthday."""


class Birthday(Document):
    """The member's birthday, from the start of the day in their own zone, once for a calendar year."""

    kind: Literal["birthday"]
    leap_day: LeapDay = "feb28"


class Anniversary(Document):
    """The day on which the member enrolled, each year after, in their own zone."""

    kind: Literal["anniversary"]
    leap_day: LeapDay = "feb28"


class Silence(Document):
    """`days` after the local day of the last purchase or redemption, else of the enrolment; once until there is another."""

    kind: Literal["silence"]
    days: int = Field(ge=1, le=3660)


class TierReached(Document):
    """The member rose to one of `tiers` and still has it `hold_days` later, when what was bought may be returned no more.

    Not again until more than `again_after_days` after the last time.
    """

    kind: Literal["tier_reached"]
    tiers: Annotated[list[Code], Field(min_length=1, max_length=20)]
    hold_days: int = Field(default=0, ge=0, le=366)
    again_after_days: int = Field(default=365, ge=1, le=366)


class Chance(Document):
    """`win` of `of` tickets win, by the draw of docs/draws.md."""

    win: int = Field(ge=1, le=10**9)
    of: int = Field(ge=1, le=10**9)

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        if self.win > self.of:
            raise ValueError("win must be at most of")
        return self


class PurchaseNumber(Document):
    """The member's `number`-th order as they are recorded, or `every` n-th; of at least `amount_min` minor units."""

    kind: Literal["purchase_number"]
    number: int | None = Field(default=None, ge=1, le=10**6)
    every: int | None = Field(default=None, ge=1, le=10**6)
    amount_min: int = Field(default=0, ge=0, le=AMOUNT_MAX)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.number is None) == (self.every is None):
            raise ValueError("give exactly one of number and every")
        return self


class PurchaseChance(Document):
    """Any order of at least `amount_min` minor units wins by `chance`. `seed` is a word of the shop's, part of each ticket."""

    kind: Literal["purchase"]
    chance: Chance
    seed: Text
    amount_min: int = Field(default=0, ge=0, le=AMOUNT_MAX)


class Draw(Document):
    """Who of the audience wins: exactly `winners` (fewer where the audience is smaller), or everybody by `chance`.

    `seed` is part of each ticket: announce it, or where it will come from, before the draw (docs/draws.md).
    """

    seed: Text
    winners: int | None = Field(default=None, ge=1, le=1000)
    chance: Chance | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.winners is None) == (self.chance is None):
            raise ValueError("give exactly one of winners and chance")
        return self


class OnDate(Document):
    """One moment, at the wall time `at` of the campaign's zone; with a `draw`, for those who win."""

    kind: Literal["date"]
    at: WallTime
    draw: Draw | None = None


class Recurrence(Document):
    """Each day, week or month at the wall time `at` (HH:MM) of the campaign's zone; with a `draw`, for those who win.

    A week is on `weekday`; a month on `day`, at most 28, so that every month has it. A wall time that clocks jump over comes
    as much later, one that comes twice the first time. What was missed while nothing ran is not made up for, but the last.
    """

    kind: Literal["recurrence"]
    every: Literal["day", "week", "month"]
    at: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:00"])
    weekday: Weekday | None = None
    day: int | None = Field(default=None, ge=1, le=28)
    draw: Draw | None = None

    @model_validator(mode="after")
    def _says_which_day(self) -> Self:
        if (self.weekday is not None) != (self.every == "week"):
            raise ValueError("weekday goes with every week, and with nothing else")
        if (self.day is not None) != (self.every == "month"):
            raise ValueError("day goes with every month, and with nothing else")
        return self


Alarmed = Birthday | Anniversary | Silence | TierReached
"""Triggers that come for each member at a time of their own."""
Dated = OnDate | Recurrence
"""Triggers that come for the whole audience at once."""
OnPurchase = PurchaseNumber | PurchaseChance
"""Triggers that come with an order."""
Trigger = Annotated[
    Birthday | Anniversary | Silence | TierReached | PurchaseNumber | PurchaseChance | OnDate | Recurrence,
    Field(discriminator="kind"),
]
"""When a campaign gives."""


class Audience(Document):
    """Whom a campaign is for; all that are given must hold, and none means everybody.

    `enrolled_days_min` asks that the member enrolled so many local days ago: who leaves and comes back is new. `segments` are
    attributes of the profile that are true, `attributes` name values of which one must be there, `consent` is a purpose that
    the member agreed to. `member_list` is the key of a JSON array of member ids in the stage's bucket of lists.
    """

    tiers: Codes = []
    memberships: Codes = []
    segments: Codes = []
    attributes: Attributes = {}
    consent: Code | None = None
    enrolled_days_min: int = Field(default=0, ge=0, le=3660)
    member_list: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$", examples=["november.json"])

    @property
    def when(self) -> When:
        """The conditions as rules have them."""
        return When(tiers=self.tiers, memberships=self.memberships, segments=self.segments, attributes=self.attributes)


class PointsBonus(Document):
    """`points` of `currency`, with the dates that points of the day have."""

    kind: Literal["points"]
    currency: Code
    points: int = Field(ge=1, le=10**9)


class MultiplierBonus(Document):
    """A voucher for the next order within `days` local days, the day of the bonus included: as a multiplier of `percent`."""

    kind: Literal["multiplier"]
    currency: Code
    percent: int = Field(ge=101, le=10_000)
    days: int = Field(ge=1, le=366)


class RewardBonus(Document):
    """A reward of the catalog for nothing: its voucher, or what it is where it is fulfilled at once."""

    kind: Literal["reward"]
    reward: Code


class CardBonus(Document):
    """A new gift card of `amount` minor units of the program's money, good for `valid_days` (None: for ever)."""

    kind: Literal["gift_card"]
    amount: int = Field(ge=1, le=AMOUNT_MAX)
    valid_days: int | None = Field(default=None, ge=1, le=3660)


class MessageBonus(Document):
    """Nothing but the message of the campaign's `template`."""

    kind: Literal["message"]


Bonus = Annotated[PointsBonus | MultiplierBonus | RewardBonus | CardBonus | MessageBonus, Field(discriminator="kind")]
"""What a campaign gives."""


class FrequencyCap(Document):
    """A member is given at most `count` bonuses of campaigns a calendar period of the program's zone."""

    per: Period
    count: int = Field(ge=1, le=1000)


class Campaign(Document):
    """A whole campaign.

    `starts` and `ends` are wall times of `time_zone`, else of the program's zone. `caps` are caps of the program, `grants_max`
    is how many bonuses there are in all: both are exact, and a bonus is given whole or not at all. `hold_out_percent` of the
    audience are given nothing, chosen by id. `frequency_capped` says whether it heeds the program's frequency caps, which it
    counts against all the same. `template` names what a member is told by.
    """

    id: Code
    name: Name
    owner: Name
    reason: Reason
    trigger: Trigger
    time_zone: Zone | None = None
    starts: WallTime | None = None
    ends: WallTime | None = None
    audience: Audience = Audience()
    bonus: Bonus
    caps: list[Code] = Field(default=[], max_length=10)
    grants_max: int | None = Field(default=None, ge=1, le=10**9)
    hold_out_percent: int = Field(default=0, ge=0, le=50)
    frequency_capped: bool = True
    template: Code | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.bonus.kind == "message" and self.template is None:
            raise ValueError("a bonus that is a message needs a template")
        if self.caps and not isinstance(self.bonus, PointsBonus):
            raise ValueError("caps are of points: limit other bonuses by grants_max")
        if self.audience.member_list and not isinstance(self.trigger, OnDate | Recurrence):
            raise ValueError("a list is for campaigns of a date or a recurrence")
        if isinstance(self.trigger, PurchaseNumber | PurchaseChance) and self.bonus.kind in ("reward", "gift_card"):
            # A refund takes points back by the fold; a voucher in somebody's hand it cannot.
            raise ValueError("a purchase gives points or a multiplier: give points of a currency that buys the reward for one")
        if self.starts and self.ends and self.ends <= self.starts:
            raise ValueError("ends must be after starts")
        return self

    @property
    def rule(self) -> str:
        """How the campaign is named among the reasons of an entry."""
        return f"grant:{self.id}"

    def zone(self, program_zone: str) -> str:
        """The zone of its wall times."""
        return self.time_zone or program_zone

    @property
    def draw(self) -> Draw | None:
        """Its draw, where a date has one."""
        return self.trigger.draw if isinstance(self.trigger, OnDate | Recurrence) else None
