"""Invitations: a member shares their code, and the shop learns by which channel (docs/referrals.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from shared.domain.counts import Count, taken
from shared.domain.decision import CodeShared, Decision, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKey, EntryKind
from shared.domain.errors import EntryUnknownError, LimitReachedError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.program import ProgramVersion
from shared.domain.standing import course_now, told
from shared.domain.subject import Invitation

INVITATIONS_MAX = 100
"""Invitations that are recorded of a member on one local day."""
INVITED = "limit:#invitation:day"
"""What counts them in the wallet; no rule has such an id."""


@dataclass(frozen=True, kw_only=True)
class InvitationRequest:
    """A member shared their code by `channel`. Which code that is does not tell one request from another."""

    channel: str

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated request from a changed one."""
        return request_hash("invitation", self.channel)


def invite(view: View, request: InvitationRequest, code: str, versions: Sequence[ProgramVersion], key: EntryKey) -> Decision:
    """The entry that records that a member shared their `code`; it gives nothing.

    Raises MemberMergedError, MemberClosedError, LimitReachedError after INVITATIONS_MAX on one local day.
    """
    wallet, course = view.wallet, course_now(versions, view.now)
    wallet.check_open()
    day = day_of_entry(wallet, view.now, course.zone)
    if wallet.counted(INVITED, day) >= INVITATIONS_MAX:
        raise LimitReachedError(limit="invitations", count=INVITATIONS_MAX, until=day + timedelta(days=1))
    # Only the day's own count is ever asked for: a member who shares every day keeps no others.
    over = [count for count in wallet.counts if count.name == INVITED and count.day != day]
    effect = told(wallet, course, day, Effect(counts=(*taken(over), Count(INVITED, day, 1))), view.history)
    reason = Reason(
        key=key,
        kind=EntryKind.INVITATION,
        occurred_at=view.now,
        request_hash=request.digest,
        subject=Invitation(code=code, channel=request.channel),
    )
    entry, after = post(wallet, view.history, effect, reason, now=view.now, zone=course.zone)
    return Decision(entry, after, (CodeShared(wallet.member, entry.recorded_on),))


def invitation_of(entry: Entry) -> Invitation:
    """What an invitation's entry tells. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Invitation):
        raise EntryUnknownError
    return entry.subject
