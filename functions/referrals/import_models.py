"""Requests and answers of what operators bring in and take out: referrals of another system, mail domains, campaigns' codes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from functions.referrals.campaign_codes import CampaignCode
from shared.api.fields import Amount, Answer, Id, Instant, Request, Text
from shared.api.mail import MailDomain
from shared.domain.document import Code
from shared.domain.entry import Entry
from shared.domain.importing import ExportedReferral, ImportState
from shared.domain.referral import ADVOCATE, FRIEND
from shared.domain.referral_code import TEXT_MAX
from shared.domain.referring import referral_of

IMPORT_MAX = 25
"""Referrals that one request may bring in."""
DOMAINS_MAX = 100
"""Mail domains that one request may list."""

PointsByCurrency = Annotated[dict[Code, Amount], Field(max_length=10)]


class PersonRequest(Request):
    """A member by exactly one of the shop's own id and Laurel's."""

    customer_id: Id | None = None
    member_id: Id | None = None

    @model_validator(mode="after")
    def _one_id(self) -> Self:
        if (self.customer_id is None) == (self.member_id is None):
            raise ValueError("give exactly one of customer_id and member_id")
        return self


class GivenRequest(Request):
    """What both sides had been given, in points by currency."""

    advocate: PointsByCurrency = {}
    friend: PointsByCurrency = {}

    def told(self) -> tuple[tuple[str, str, int], ...]:
        """By side and currency, in a fixed order, without what is nothing."""
        sides = ((ADVOCATE, self.advocate), (FRIEND, self.friend))
        return tuple((side, currency, points) for side, given in sides for currency, points in sorted(given.items()) if points)


class ImportRow(Request):
    """A referral as another system, `source`, has it: a friend, and the advocate or the campaign that brought them.

    A `joined` one may still qualify by the terms in force now, with days counted from `joined_at`. A `rewarded` one counts as
    the advocate's next friend, and `given` against their caps. Nothing is given for it here.
    """

    friend: PersonRequest
    advocate: PersonRequest | None = None
    campaign: Code | None = None
    joined_at: Instant
    state: ImportState
    source: Text
    given: GivenRequest | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.advocate is None) == (self.campaign is None):
            raise ValueError("give exactly one of advocate and campaign")
        return self


class ImportRequestBody(Request):
    """Referrals of another system, each with a result of its own."""

    referrals: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=IMPORT_MAX)]


class ImportedAnswer(Answer):
    """A referral as it was taken over: `state` is joined, rewarded or rejected."""

    entry_id: str
    member_id: str
    advocate_id: str | None
    campaign: str | None
    sequence: int
    joined_at: Instant
    recorded_at: Instant
    state: str
    source: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer that the friend's entry stands for."""
        subject, referred = referral_of(entry), entry.effect.referral
        return cls(
            entry_id=entry.key,
            member_id=entry.member,
            advocate_id=subject.advocate,
            campaign=subject.campaign,
            sequence=entry.sequence,
            joined_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            state=referred.shown(entry.recorded_on) if referred else "",
            source=subject.imported or "",
        )


class ImportResult(Answer):
    """How one referral ended: the status and the body that it would have met alone."""

    status: int
    referral: ImportedAnswer | None = None
    problem: dict[str, Any] | None = None


class ImportAnswer(Answer):
    """A result for each referral, in the order in which they were sent."""

    results: list[ImportResult]


class ExportedPerson(Answer):
    """A member by the shop's own id."""

    customer_id: str


class ExportedGiven(Answer):
    """What both sides were given, in points by currency."""

    advocate: dict[str, int]
    friend: dict[str, int]

    @classmethod
    def of(cls, given: Sequence[tuple[str, str, int]]) -> Self:
        """Points by side and currency as the API tells them."""
        return cls(advocate=_side(given, ADVOCATE), friend=_side(given, FRIEND))


def _side(given: Sequence[tuple[str, str, int]], side: str) -> Mapping[str, int]:
    return {currency: points for of, currency, points in sorted(given) if of == side}


class ExportRow(Answer):
    """A referral in the form in which it can be imported; `source` is `laurel` for what began here."""

    friend: ExportedPerson
    advocate: ExportedPerson | None
    campaign: str | None
    joined_at: Instant
    state: str
    source: str
    given: ExportedGiven | None

    @classmethod
    def of(cls, found: ExportedReferral) -> Self:
        """The referral as the API tells it."""
        return cls(
            friend=ExportedPerson(customer_id=found.friend),
            advocate=ExportedPerson(customer_id=found.advocate) if found.advocate else None,
            campaign=found.campaign,
            joined_at=found.joined_at,
            state=found.state,
            source=found.source,
            given=ExportedGiven.of(found.given) if found.given else None,
        )


class ExportAnswer(Answer):
    """A page of all referrals. It may be short; the list ends where `cursor` is null."""

    referrals: list[ExportRow]
    cursor: str | None


class DomainsRequest(Request):
    """Mail domains to list as disposable; those under them count too."""

    domains: Annotated[list[MailDomain], Field(min_length=1, max_length=DOMAINS_MAX)]


class DomainsAnswer(Answer):
    """Mail domains in their one form."""

    domains: list[str]


class DomainPage(DomainsAnswer):
    """A page of the list, in order."""

    cursor: str | None


class DomainAnswer(Answer):
    """Whether a mail domain is listed now."""

    domain: str
    listed: bool


class CampaignCodeRequest(Request):
    """The code to give a campaign; without one it gets one that is made, the same each time."""

    code: Annotated[str, Field(min_length=1, max_length=TEXT_MAX, examples=["SPRING-26"])] | None = None


class CampaignCodeAnswer(Answer):
    """A campaign's code, as it is shown; `link` is null where the program has none."""

    campaign: str
    code: str
    link: str | None

    @classmethod
    def of(cls, found: CampaignCode) -> Self:
        """The code as the API tells it."""
        return cls(campaign=found.campaign, code=found.shown, link=found.link)
