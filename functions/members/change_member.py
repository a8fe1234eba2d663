"""Use cases: a profile changes, a member leaves."""

from dataclasses import replace

from functions.members.models import ChangeRequest, MyChangeRequest, check_birth_date
from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, MemberId, closure_key, merge_key
from shared.domain.errors import MemberClosedError, MemberMergedError, RequestInvalidError
from shared.domain.member import Profile, close
from shared.domain.program import zone_of
from shared.domain.standing import course_now
from shared.domain.transferring import merge
from shared.domain.undoing import leaving
from shared.ports import Clock, Members, Programs


def change_member(member: MemberId, request: MyChangeRequest, *, members: Members, clock: Clock) -> Profile:
    """Set the fields that the request names; the same request again changes nothing.

    Raises RequestInvalidError, MemberUnknownError, MemberClosedError, IdentityTakenError, TryAgainError.
    """
    now = clock.now()
    check_birth_date(request.birth_date, now)

    def change(before: Profile) -> Profile:
        if before.merged_into:
            raise MemberMergedError(into=before.merged_into)
        if before.closed_at:
            raise MemberClosedError
        after = before.with_consents(request.consents, now)
        plain = {"email", "phone", "birth_date", "time_zone", "locale"} & request.model_fields_set
        after = replace(after, **{name: getattr(request, name) for name in plain})
        if isinstance(request, ChangeRequest):
            given = {**before.attributes, **request.attributes}
            after = replace(after, attributes={name: value for name, value in given.items() if value is not None})
            if "login" in request.model_fields_set:
                after = replace(after, login=request.login.login() if request.login else None)
            if request.fingerprints is not None:
                after = after.seen_also(request.fingerprints.told())
        # By what it says, not by ==: in Python the attribute True is 1.
        return before if request_hash(after) == request_hash(before) else replace(after, version=before.version + 1)

    return members.update(member, change)


def close_member(member: MemberId, *, members: Members, programs: Programs) -> Entry:
    """Forfeit all points, forgive debt, erase personal data. Once: a second time answers as the first.

    Raises MemberUnknownError, TryAgainError.
    """
    zone = zone_of(programs.versions())
    return members.close(
        member,
        closure_key(member),
        request_hash("closure", member),
        lambda view: leaving(view, Decision(*close(view.wallet, now=view.now, zone=zone, history=view.history)), "left"),
    )


def merge_members(member: MemberId, into: MemberId, reason: str, *, members: Members, programs: Programs) -> Entry:
    """Move all that `member` has to `into` and close `member`. Once: a second time answers as the first.

    Raises RequestInvalidError (with themselves), MemberUnknownError and what shared.domain.transferring.merge raises (either),
    KeyReusedError, TryAgainError.
    """
    if member == into:
        raise RequestInvalidError(faults=[{"path": "into", "reason": "is the member itself"}])
    digest, versions = request_hash("merge", member, into, reason), programs.versions()

    def decide(view: View) -> Decision:
        course = course_now(versions, view.now) if versions else None
        return leaving(view, merge(view, reason, digest, zone_of(versions), course), "merged")

    return members.close(member, merge_key(member), digest, decide, into)
