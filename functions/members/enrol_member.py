"""Use case: a customer becomes a member, on their own or by somebody's referral code."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress

from ulid import ULID

from functions.members.models import EnrolRequest, check_birth_date
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.errors import (
    InvalidError,
    MemberUnknownError,
    RefusedError,
    SlowDownError,
    UnknownError,
)
from shared.domain.member import Enrolment, Profile
from shared.domain.referral_code import read_referral_code
from shared.domain.referring import Joining
from shared.ports import Clock, Guesser, Members, Programs, ReferralCodes

DEVICE_MISSES_MAX = 20
"""Referral codes that do not exist which a till or shop server may try for one device, in a window."""
CALLER_MISSES_MAX = 1000
"""The same for all devices together: a shop server enrols for many people, some of whom mistype."""


def enrol_member(
    request: EnrolRequest, caller: str, *, members: Members, programs: Programs, codes: ReferralCodes, clock: Clock
) -> Enrolment:
    """Create the member; the same request again gets the same receipt, whatever became of the code meanwhile.

    `caller` is a digest. Where the code leads nowhere nobody is enrolled. 3 round trips with a code, at most 2 without. Raises
    RequestInvalidError, IdentityTakenError, TryAgainError, and with a code what `codes.find` and `join` raise.
    """
    now = clock.now()
    check_birth_date(request.birth_date, now)
    profile = Profile(
        member=MemberId(str(ULID())),
        customer_id=request.customer_id,
        enrolled_at=now,
        email=request.email,
        phone=request.phone,
        birth_date=request.birth_date,
        time_zone=request.time_zone,
        locale=request.locale,
        login=request.login.login() if request.login else None,
        attributes=request.attributes,
    ).with_consents(request.consents, now)
    seen = request.fingerprints.told() if request.fingerprints else ()
    profile = profile.seen_also(seen)
    code = read_referral_code(request.referral.code) if request.referral else None
    digest = request_hash({**request.model_dump(), "fingerprints": seen or None, "referral": code})
    if code is None:
        return members.enrol(profile, digest)
    try:
        introduction = codes.find(code, list(_guessers(request, caller)))
        return members.enrol(profile, digest, Joining(introduction, programs.versions()))
    except (InvalidError, UnknownError, RefusedError, SlowDownError):
        with suppress(MemberUnknownError):
            return members.enrolled(request.customer_id, digest)
        raise


def _guessers(request: EnrolRequest, caller: str) -> Iterator[Guesser]:
    """Who is stopped from guessing codes: the one at the device, where the shop tells it, and the caller as a whole."""
    device = request.fingerprints.device if request.fingerprints else None
    if device is not None:
        yield Guesser(hashlib.sha256(f"{caller} {device}".encode()).hexdigest()[:32], DEVICE_MISSES_MAX)
    yield Guesser(caller, CALLER_MISSES_MAX)
