"""Tier reviews: the entry that tells a tier which changed by date alone (the rules of points, 20).

The tier is right in every read whether or not it was told; the entry is the event, posted once however often a job asks.
"""

from collections.abc import Sequence

from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, MemberId, review_key
from shared.domain.errors import EntryUnknownError, NothingDueError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.program import ProgramVersion
from shared.domain.standing import course_now, tier_told, told
from shared.domain.subject import Review


def review_digest(member: MemberId) -> bytes:
    """A review is the same whoever asks for it."""
    return request_hash("review", member)


def review(view: View, versions: Sequence[ProgramVersion]) -> Decision:
    """The entry that tells the tier as it is now, if the last one that was told is another.

    Raises NothingDueError, MemberMergedError, MemberClosedError, ProgramMissingError.
    """
    wallet = view.wallet
    wallet.check_open()
    course = course_now(versions, view.now)
    effect = told(wallet, course, day_of_entry(wallet, view.now, course.zone), Effect(), view.history)
    if effect.stands is None:
        raise NothingDueError
    reason = Reason(
        key=review_key(wallet.member, wallet.sequence + 1),
        kind=EntryKind.REVIEW,
        occurred_at=view.now,
        request_hash=review_digest(wallet.member),
        subject=Review(before=tier_told(wallet, course), after=effect.stands.tier),
    )
    entry, after = post(wallet, view.history, effect, reason, now=view.now, zone=course.zone)
    return Decision(entry, after)


def review_of(entry: Entry) -> Review:
    """What a review's entry tells. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Review):
        raise EntryUnknownError
    return entry.subject
