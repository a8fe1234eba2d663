"""Requests and answers of donations."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Self

from pydantic import Field

from functions.donations.read_statement import Statement
from shared.api.fields import Answer
from shared.domain.donating import CharityMonth, Gift, Given, summed

Month = Annotated[str, Field(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$", examples=["2026-06"])]
"""A calendar month."""

Year = Annotated[str, Field(pattern=r"^2[0-9]{3}$", examples=["2026"])]
"""A calendar year."""


def first_day(month: str) -> date:
    """The day on which a `Month` begins."""
    return date.fromisoformat(f"{month}-01")


class GivenAnswer(Answer):
    """Points that were given in so many gifts, and their worth: `value` in minor units of `money_currency`."""

    points: int
    value: int
    money_currency: str
    gifts: int

    @classmethod
    def of(cls, given: Given) -> Self:
        """The totals as the API tells them."""
        return cls(points=given.points, value=given.value, money_currency=given.money, gifts=given.gifts)


class MonthAnswer(GivenAnswer):
    """What a charity was given in a month."""

    month: str


class CharityTotalsAnswer(Answer):
    """What a charity was given: by month, those without a gift left out, and in all of these months."""

    charity: str
    months: list[MonthAnswer]
    totals: list[GivenAnswer]

    @classmethod
    def of(cls, charity: str, months: list[CharityMonth]) -> Self:
        """The months as the API tells them, and their sum by currency."""
        return cls(
            charity=charity,
            months=[MonthAnswer(month=f"{m.month:%Y-%m}", **GivenAnswer.of(m.given).model_dump()) for m in months],
            totals=[GivenAnswer.of(given) for given in summed(m.given for m in months)],
        )


class DonationAnswer(Answer):
    """One donation. `day` is the local day of the program's zone, `value` is in minor units of `money_currency`."""

    entry_id: str
    day: date
    charity: str
    charity_name: str
    currency: str
    points: int
    value: int
    money_currency: str

    @classmethod
    def of(cls, gift: Gift) -> Self:
        """The gift as the API tells it."""
        return cls(
            entry_id=gift.entry,
            day=gift.day,
            charity=gift.charity,
            charity_name=gift.charity_name,
            currency=gift.currency,
            points=gift.points,
            value=gift.value,
            money_currency=gift.money,
        )


class CharityAnswer(GivenAnswer):
    """What a member gave to one charity, under the name that it had at the last gift."""

    charity: str
    charity_name: str


class StatementAnswer(Answer):
    """A member's donations of a calendar year of `time_zone`, oldest first, and their sums by charity and in all."""

    member_id: str
    year: int
    time_zone: str
    donations: list[DonationAnswer]
    charities: list[CharityAnswer]
    totals: list[GivenAnswer]

    @classmethod
    def of(cls, member: str, statement: Statement) -> Self:
        """The statement as the API tells it."""
        return cls(
            member_id=member,
            year=statement.year,
            time_zone=statement.zone,
            donations=[DonationAnswer.of(gift) for gift in statement.gifts],
            charities=_by_charity(statement.gifts),
            totals=_summed(statement.gifts),
        )


def _summed(gifts: Iterable[Gift]) -> list[GivenAnswer]:
    given = summed(Given(gift.money, gift.points, gift.value, 1) for gift in gifts)
    return [GivenAnswer.of(total) for total in given]


def _by_charity(gifts: tuple[Gift, ...]) -> list[CharityAnswer]:
    names = {gift.charity: gift.charity_name for gift in gifts}
    return [
        CharityAnswer(charity=charity, charity_name=names[charity], **total.model_dump())
        for charity in sorted(names)
        for total in _summed(gift for gift in gifts if gift.charity == charity)
    ]
