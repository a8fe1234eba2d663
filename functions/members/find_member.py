"""Use case: a till finds a member by what the customer tells it."""

from functions.members.models import FIND_BY
from shared.domain.errors import LoginUnknownError, MemberUnknownError, RequestInvalidError
from shared.domain.member import Identity, IdentityKind, Login, Profile
from shared.ports import Members


def find_members(given: dict[str, str | None], *, members: Members) -> list[Profile]:
    """The member with the one identity that is given, or none. Raises RequestInvalidError, TryAgainError."""
    named = {kind: value for kind, value in given.items() if value is not None}
    if len(named) != 1:
        raise RequestInvalidError(faults=[{"path": "query", "reason": f"give exactly one of {', '.join(given)}"}])
    kind, value = named.popitem()
    try:
        normal = FIND_BY[kind](value) if kind in FIND_BY else value
    except ValueError as error:
        raise RequestInvalidError(faults=[{"path": f"query.{kind}", "reason": str(error)}]) from error
    try:
        return [members.profile(members.find(Identity(IdentityKind(kind), normal)))]
    except MemberUnknownError:
        return []


def find_me(login: Login, *, members: Members) -> Profile:
    """The member whom a login belongs to. Raises LoginUnknownError, TryAgainError."""
    try:
        return members.profile(members.find(login.identity))
    except MemberUnknownError as error:
        raise LoginUnknownError from error
