"""Use case: a customer becomes a member."""

from ulid import ULID

from functions.members.models import EnrolRequest, check_birth_date
from shared.domain.digest import request_hash
from shared.domain.entry import MemberId
from shared.domain.member import Enrolment, Profile
from shared.ports import Clock, Members


def enrol_member(request: EnrolRequest, *, members: Members, clock: Clock) -> Enrolment:
    """Create the member; the same request again gets the same receipt.

    Raises RequestInvalidError, IdentityTakenError, TryAgainError.
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
    return members.enrol(profile, request_hash(request.model_dump()))
