"""Members: who they are to the shop, and the decisions about them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from shared.domain.alarm import Alarm
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, MemberId, closure_key
from shared.domain.errors import MemberMergedError
from shared.domain.fingerprint import KEPT_MAX, Fingerprint, FingerprintKind
from shared.domain.history import History, Reason, day_of_entry, post
from shared.domain.mailbox import mailbox_of
from shared.domain.points import Account
from shared.domain.wallet import Wallet


class IdentityKind(StrEnum):
    """What leads to a member; each value belongs to one member at a time."""

    CUSTOMER_ID = "customer_id"
    EMAIL = "email"
    PHONE = "phone"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity in its normal form: lower-case e-mail, E.164 phone, `issuer subject` for a login."""

    kind: IdentityKind
    value: str


@dataclass(frozen=True, slots=True)
class Login:
    """The subject of an OIDC issuer that a member signs in as."""

    issuer: str
    subject: str

    @property
    def identity(self) -> Identity:
        """The login as an identity."""
        return Identity(IdentityKind.LOGIN, f"{self.issuer} {self.subject}")


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether the member agreed to a purpose, and when they last said so."""

    granted: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All that the shop knows of a member but their points. `time_zone` None means the program's.

    `merged_into` is the member who took over everything when this one was closed, if one did. `seen_with` are devices and ways
    of paying that the shop told. `alarm` says when something of the profile, such as a birthday, may be due.
    """

    member: MemberId
    customer_id: str
    enrolled_at: datetime
    version: int = 1
    closed_at: datetime | None = None
    merged_into: MemberId | None = None
    email: str | None = None
    phone: str | None = None
    birth_date: date | None = None
    time_zone: str | None = None
    locale: str | None = None
    login: Login | None = None
    consents: Mapping[str, Consent] = field(default_factory=dict)
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    seen_with: tuple[Fingerprint, ...] = ()
    alarm: Alarm = field(default=Alarm(), compare=False)

    def identities(self) -> frozenset[Identity]:
        """All identities that lead to this member."""
        found = {Identity(IdentityKind.CUSTOMER_ID, self.customer_id)}
        if self.email:
            found.add(Identity(IdentityKind.EMAIL, self.email))
        if self.phone:
            found.add(Identity(IdentityKind.PHONE, self.phone))
        if self.login:
            found.add(self.login.identity)
        return frozenset(found)

    def fingerprints(self) -> frozenset[Fingerprint]:
        """All that tells whether two members may be one person."""
        found = set(self.seen_with)
        if self.email:
            found.add(Fingerprint(FingerprintKind.MAILBOX, mailbox_of(self.email)))
        if self.phone:
            found.add(Fingerprint(FingerprintKind.PHONE, self.phone))
        return frozenset(found)

    def seen_also(self, more: Iterable[Fingerprint]) -> "Profile":
        """The profile with devices and ways of paying that are new to it; it keeps the last ones of each kind."""
        told = [*self.seen_with, *(one for one in dict.fromkeys(more) if one not in self.seen_with)]
        kept = [one for n, one in enumerate(told) if sum(later.kind is one.kind for later in told[n:]) <= KEPT_MAX]
        return replace(self, seen_with=tuple(kept))

    def erased(self, at: datetime, into: MemberId | None = None) -> "Profile":
        """What stays of a closed member: the ids and dates that the ledger hangs on, nothing personal, and who took over.

        The customer id stays claimed, so that a delayed enrolment cannot bring the member back by accident.
        """
        return Profile(
            member=self.member,
            customer_id=self.customer_id,
            enrolled_at=self.enrolled_at,
            version=self.version + 1,
            closed_at=at,
            merged_into=into,
        )

    def with_consents(self, given: Mapping[str, bool], at: datetime) -> "Profile":
        """The profile after the member said yes or no to some purposes; one said before in the same way keeps its time."""
        consents = dict(self.consents)
        for purpose, granted in given.items():
            if purpose not in consents or consents[purpose].granted != granted:
                consents[purpose] = Consent(granted, at)
        return replace(self, consents=consents)


@dataclass(frozen=True, slots=True)
class JoinedBy:
    """How a referral stood right after the enrolment: its state as people are told it, and whether an operator is to look."""

    state: str
    flagged: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The receipt of an enrolment; it never changes, so the same request meets the same answer for ever."""

    member: MemberId
    customer_id: str
    enrolled_at: datetime
    referral: JoinedBy | None = None


def close(wallet: Wallet, *, now: datetime, zone: str, history: History = ()) -> tuple[Entry, Wallet]:
    """The entry that forfeits all points and forgives all debt, and the closed wallet (the rules of points, 24).

    Raises MemberMergedError: whoever was merged has nothing left to forfeit, and their orders are the survivor's.
    """
    if wallet.merged_into is not None:
        raise MemberMergedError(into=wallet.merged_into)
    reason = Reason(
        key=closure_key(wallet.member),
        kind=EntryKind.CLOSURE,
        occurred_at=max(now, wallet.recorded_at or now),
        request_hash=request_hash("closure", wallet.member),
    )
    abandoned = wallet.referral.abandoned(day_of_entry(wallet, now, zone)) if wallet.referral else None
    effect = Effect(empties=Account.ADJUSTED, referral=abandoned)
    return post(wallet, history, effect, reason, now=now, zone=zone)
