"""The program document: what a shop promises its members, as data (the rules of points, 5, 6, 12, 14).

A document says which money it accepts, which currencies of points there are and how long they live, and what earns them.
Versions are kept for ever; an order meets the version in force when it occurred.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from shared.domain.calendar import first_of_next_month, first_of_next_year, local_day, months_after
from shared.domain.document import Code, Document, MoneyCode, Zone
from shared.domain.errors import BeforeProgramError, ProgramInvalidError, ProgramMissingError
from shared.domain.faults import faults_of

STALENESS_SECONDS_MAX = 60
"""A function may still see the version before for this long; so a new version takes effect no sooner after activation."""


_LEAP_CYCLE = [date(2096, 3, 1) + timedelta(days=day) for day in range(8 * 366)]
"""All kinds of days there are, the long wait for a leap year around 2100 included."""


class Expiry(Document):
    """How long points live, counted from the purchase day.

    `rounded_to` day: gone on purchase day + `after` days. month or year: gone after the month or year that contains
    purchase day + `after` months.
    """

    after: int = Field(ge=1, le=3660)
    rounded_to: Literal["day", "month", "year"]

    def gone_on(self, purchase_day: date) -> date:
        """The first local day on which points of `purchase_day` are gone."""
        if self.rounded_to == "day":
            return purchase_day + timedelta(days=self.after)
        reached = months_after(purchase_day, self.after)
        return first_of_next_month(reached) if self.rounded_to == "month" else first_of_next_year(reached)

    def outlives(self, days: int) -> bool:
        """Whether every lot, whatever its purchase day, is still there `days` after it."""
        if self.rounded_to == "day":
            return self.after > days
        # 28 days a month is the shortest; only close calls need a look at every day of a cycle of leap years.
        if self.after * 28 > days:
            return True
        return all((self.gone_on(day) - day).days > days for day in _LEAP_CYCLE)


class PointCurrency(Document):
    """One currency of points. Points can be spent `pending_days` after the purchase day, and expire as `expiry` says."""

    code: Code
    pending_days: int = Field(default=0, ge=0, le=366)
    expiry: Expiry | None = None

    @model_validator(mode="after")
    def _points_mature_before_they_expire(self) -> Self:
        if self.expiry and not self.expiry.outlives(self.pending_days):
            raise ValueError("points would expire before or on the day they can first be spent")
        return self


class PerAmount(Document):
    """`points` for every `minor_units` of the order's total, as one exact fraction: floored once, at the order's end."""

    points: int = Field(ge=0, le=10**6)
    minor_units: int = Field(ge=1, le=10**9)


class EarningRule(Document):
    """What a purchase earns. `currency` names a currency of points of the same document."""

    id: Code
    kind: Literal["purchase"]
    currency: Code
    per_amount: PerAmount


class Transfers(Document):
    """What members may give each other: `points_min` to `points_max` points a time, at most `per_month` times a month."""

    currencies: list[Code] = Field(min_length=1, max_length=10)
    points_min: int = Field(default=1, ge=1, le=10**9)
    points_max: int = Field(ge=1, le=10**9)
    per_month: int | None = Field(default=None, ge=1, le=1000)

    @model_validator(mode="after")
    def _there_is_something_to_give(self) -> Self:
        if self.points_max < self.points_min:
            raise ValueError("points_max must be at least points_min")
        return self


class Program(Document):
    """A whole program document. `time_zone` decides the local days of expiry and maturity and never changes.

    `clawback` says what becomes of points that a refund takes back and that were spent: debt that the next points repay, or
    forgiven. An operator alone adjusts up to `adjustment_limit` points. Without `transfers` members cannot give points to each
    other.
    """

    name: str = Field(min_length=1, max_length=100)
    time_zone: Zone
    money_currency: MoneyCode
    currencies: list[PointCurrency] = Field(min_length=1, max_length=10)
    earning_rules: list[EarningRule] = Field(max_length=1000)
    late_days_max: int = Field(default=400, ge=0, le=3660)
    claim_days: int = Field(default=30, ge=0, le=366)
    clawback: Literal["debt", "forgive"] = "debt"
    adjustment_limit: int = Field(default=10_000, ge=0, le=10**9)
    transfers: Transfers | None = None

    @model_validator(mode="after")
    def _rules_name_what_is_there(self) -> Self:
        codes = [currency.code for currency in self.currencies]
        if len(set(codes)) < len(codes):
            raise ValueError("two currencies have the same code")
        ids = [rule.id for rule in self.earning_rules]
        if len(set(ids)) < len(ids):
            raise ValueError("two earning rules have the same id")
        paid = [rule.currency for rule in self.earning_rules]
        if self.transfers and self.clawback == "forgive":
            raise ValueError("with clawback forgive, points given away and then refunded would stay: leave transfers out")
        given = self.transfers.currencies if self.transfers else []
        if strangers := sorted(set(given) - set(codes)):
            raise ValueError(f"transfers name unknown currencies: {', '.join(strangers)}")
        if strangers := sorted(set(paid) - set(codes)):
            raise ValueError(f"earning rules name unknown currencies: {', '.join(strangers)}")
        if len(set(paid)) < len(paid):
            raise ValueError("two earning rules pay the same currency")
        return self

    def currency(self, code: str) -> PointCurrency:
        """The currency of points with this code; the document's own rules name no other."""
        return next(currency for currency in self.currencies if currency.code == code)


@dataclass(frozen=True, slots=True)
class ProgramVersion:
    """A program document with the number and the instant from which it is in force."""

    version: int
    effective_from: datetime
    activated_at: datetime
    program: Program

    def today(self, now: datetime) -> date:
        """The local day of the program's zone at `now`."""
        return local_day(now, self.program.time_zone)


def parse_program(document: object) -> Program:
    """The program that a JSON value describes. Raises ProgramInvalidError with the path of every fault."""
    try:
        return Program.model_validate_json(json.dumps(document))
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False, include_input=False))
        raise ProgramInvalidError(faults=faults) from error


def zone_of(versions: Sequence[ProgramVersion]) -> str:
    """The zone whose days count: the program's, which no version changes; UTC while there is no program."""
    return versions[-1].program.time_zone if versions else "UTC"


def in_force(versions: Sequence[ProgramVersion], at: datetime) -> ProgramVersion:
    """The version that an order which occurred at `at` meets: the last one that took effect by then.

    Where two versions take effect at the same instant, the later one holds. Raises ProgramMissingError,
    BeforeProgramError.
    """
    if not versions:
        raise ProgramMissingError
    started = [version for version in versions if version.effective_from <= at]
    if not started:
        raise BeforeProgramError(occurred_at=at, program_since=min(v.effective_from for v in versions))
    return max(started, key=lambda version: (version.effective_from, version.version))
