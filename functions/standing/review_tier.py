"""Use case: tell a tier that changed by date, once however often somebody asks."""

from shared.domain.entry import Entry, MemberId, review_key
from shared.domain.errors import NothingDueError
from shared.domain.reviewing import review, review_digest
from shared.ports import Ledger, Programs


def review_tier(member: MemberId, *, ledger: Ledger, programs: Programs) -> Entry | None:
    """The entry that tells the change; None where nothing has changed since the last one that did.

    Raises MemberUnknownError, MemberMergedError, MemberClosedError, ProgramMissingError, TryAgainError.
    """
    versions = programs.versions()
    view = ledger.view(member)
    try:
        review(view, versions)
        key = review_key(member, view.wallet.sequence + 1)
        return ledger.decide_and_post(key, member, review_digest(member), lambda now: review(now, versions))
    except NothingDueError:
        # Another entry told it meanwhile, or there was nothing to tell.
        return None
