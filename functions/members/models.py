"""Requests and answers of members."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import phonenumbers
from pydantic import AfterValidator, Field

from shared.api.answers import BalanceAnswer
from shared.api.fields import Answer, AttributeValue, Day, Id, Instant, Request, Text
from shared.api.mail import Email, email_of
from shared.domain.document import Code, Zone
from shared.domain.errors import RequestInvalidError
from shared.domain.fingerprint import Fingerprint, FingerprintKind
from shared.domain.member import Enrolment, JoinedBy, Login, Profile
from shared.domain.referral_code import TEXT_MAX

ENTRIES_MAX = 50
"""Consents, and custom attributes, that one profile may hold."""


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("must be an international number, such as +12015550123") from error
    if not value.isascii() or not phonenumbers.is_possible_number(number):
        raise ValueError("must be an international number, such as +12015550123")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


Phone = Annotated[str, Field(max_length=32, examples=["+12015550123"]), AfterValidator(_phone)]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$", examples=["en-US"])]
Consents = Annotated[dict[Code, bool], Field(max_length=ENTRIES_MAX)]
Attributes = Annotated[dict[Code, AttributeValue], Field(max_length=ENTRIES_MAX)]


class LoginRequest(Request):
    """The login that belongs to a member: `subject` of the OIDC `issuer`."""

    issuer: Annotated[str, Field(pattern=r"^https://[!-~]{1,200}$")]
    subject: Annotated[str, Field(pattern=r"^[!-~]{1,128}$")]

    def login(self) -> Login:
        """The domain's login."""
        return Login(self.issuer, self.subject)


Seen = Annotated[str, Field(pattern=r"^[!-~]{8,128}$", examples=["b5bb9d8014a0f9b1d61e21e796d78dcc"])]


class FingerprintsRequest(Request):
    """What a member was seen with: the shop's own opaque hashes of a device and of a way of paying. They are never answered."""

    device: Seen | None = None
    payment: Seen | None = None

    def told(self) -> tuple[Fingerprint, ...]:
        """Those that are given."""
        given = ((FingerprintKind.DEVICE, self.device), (FingerprintKind.PAYMENT, self.payment))
        return tuple(Fingerprint(kind, value) for kind, value in given if value is not None)


class ReferralRequest(Request):
    """By whom a new member comes: the code that was shared, however it is written."""

    code: Annotated[str, Field(min_length=1, max_length=TEXT_MAX, examples=["ANNAS-CAFE"])]


class EnrolRequest(Request):
    """A new member. `customer_id` is the shop's own id of the customer: sending the same enrolment again changes nothing."""

    customer_id: Id
    email: Email | None = None
    phone: Phone | None = None
    birth_date: Day | None = None
    time_zone: Zone | None = None
    locale: Locale | None = None
    login: LoginRequest | None = None
    consents: Consents = {}
    attributes: Attributes = {}
    referral: ReferralRequest | None = None
    fingerprints: FingerprintsRequest | None = None


class JoinedAnswer(Answer):
    """How a new member's referral stood right after the enrolment.

    `state` is joined, qualified, held, rewarded or rejected. A `flagged` one waits for an operator to look at it.
    """

    state: str
    flagged: bool

    @classmethod
    def of(cls, joined: JoinedBy) -> "JoinedAnswer":
        """The referral as the API tells it."""
        return cls(state=joined.state, flagged=joined.flagged)


class EnrolAnswer(Answer):
    """The receipt of an enrolment; read the member for the rest. `referral` is null where no code was given."""

    member_id: str
    customer_id: str
    enrolled_at: Instant
    referral: JoinedAnswer | None

    @classmethod
    def of(cls, enrolment: Enrolment) -> "EnrolAnswer":
        """The receipt as the API tells it."""
        return cls(
            member_id=enrolment.member,
            customer_id=enrolment.customer_id,
            enrolled_at=enrolment.enrolled_at,
            referral=JoinedAnswer.of(enrolment.referral) if enrolment.referral else None,
        )


class MyChangeRequest(Request):
    """What members may change themselves. A field left out stays; null empties it."""

    birth_date: Day | None = None
    time_zone: Zone | None = None
    locale: Locale | None = None
    consents: Consents = {}


class ChangeRequest(MyChangeRequest):
    """What tills and operators may change. Consents and attributes given are merged; an attribute set to null goes away.

    Fingerprints given are added to those that were told before.
    """

    email: Email | None = None
    phone: Phone | None = None
    attributes: Annotated[dict[Code, AttributeValue | None], Field(max_length=ENTRIES_MAX)] = {}
    login: LoginRequest | None = None
    fingerprints: FingerprintsRequest | None = None


def check_birth_date(birth_date: date | None, now: datetime) -> None:
    """Refuse a day that has begun nowhere on earth yet. Raises RequestInvalidError."""
    if birth_date is not None and birth_date > (now + timedelta(days=1)).date():
        raise RequestInvalidError(faults=[{"path": "birth_date", "reason": "is a day to come"}])


class ConsentAnswer(Answer):
    """Whether the member agreed, and when they last said so."""

    granted: bool
    at: Instant


class LoginAnswer(Answer):
    """The login of a member."""

    issuer: str
    subject: str


class MemberAnswer(Answer):
    """A member's profile. `status` is active, closed or merged; the personal data of those who left are gone.

    `merged_into` is the member who has a merged member's points now.
    """

    member_id: str
    customer_id: str
    status: str
    enrolled_at: Instant
    closed_at: Instant | None
    merged_into: str | None
    email: str | None
    phone: str | None
    birth_date: date | None
    time_zone: str | None
    locale: str | None
    login: LoginAnswer | None
    consents: dict[str, ConsentAnswer]
    attributes: dict[str, Any]

    @classmethod
    def of(cls, profile: Profile) -> "MemberAnswer":
        """The profile as the API tells it."""
        login = profile.login
        return cls(
            member_id=profile.member,
            customer_id=profile.customer_id,
            status="merged" if profile.merged_into else "closed" if profile.closed_at else "active",
            enrolled_at=profile.enrolled_at,
            closed_at=profile.closed_at,
            merged_into=profile.merged_into,
            email=profile.email,
            phone=profile.phone,
            birth_date=profile.birth_date,
            time_zone=profile.time_zone,
            locale=profile.locale,
            login=LoginAnswer(issuer=login.issuer, subject=login.subject) if login else None,
            consents={
                name: ConsentAnswer(granted=consent.granted, at=consent.at) for name, consent in profile.consents.items()
            },
            attributes=dict(profile.attributes),
        )


class MergeRequest(Request):
    """The member is the same person as `into`, who takes over all points and debt."""

    into: Id
    reason: Text


class MergedAnswer(Answer):
    """A merge as it was recorded. `balances` are what the member had left: nothing."""

    entry_id: str
    member_id: str
    merged_into: str
    recorded_at: Instant
    balances: list[BalanceAnswer]


class MembersAnswer(Answer):
    """The members found: one or none."""

    members: list[MemberAnswer]


FIND_BY: dict[str, Callable[[str], str]] = {"email": email_of, "phone": _phone}
"""How a value that a till looks up is brought into normal form."""
