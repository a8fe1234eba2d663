"""Recognitions as a program offers them: points that members give each other out of an allowance, never out of their own."""

from typing import Self

from pydantic import Field, model_validator

from shared.domain.cap import Period
from shared.domain.document import Code, Document
from shared.domain.rule import Attributes, Codes


class Who(Document):
    """Members of any of `segments` (attributes of the profile that are true), `tiers` and with one of each of `attributes`.

    Nothing given means everybody.
    """

    segments: Codes = []
    tiers: Codes = []
    attributes: Attributes = {}


class Allowance(Document):
    """What a member may give away in a calendar period of the program's zone; what is left of it then is gone."""

    points: int = Field(ge=1, le=10**9)
    per: Period


class Recognition(Document):
    """Members who are `givers` may give `points_min` to `points_max` points of `currency` at a time to `takers`.

    The points come from the program: a giver's own cannot be given, nor the allowance spent.
    """

    id: Code
    currency: Code
    allowance: Allowance
    points_min: int = Field(default=1, ge=1, le=10**9)
    points_max: int = Field(ge=1, le=10**9)
    givers: Who = Who()
    takers: Who = Who()

    @model_validator(mode="after")
    def _there_is_something_to_give(self) -> Self:
        if not self.points_min <= self.points_max <= self.allowance.points:
            raise ValueError("points_min must be at most points_max, and points_max at most the allowance")
        return self
