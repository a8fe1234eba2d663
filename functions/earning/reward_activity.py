"""Use cases of activities: reward one, and void one that did not count."""

from functions.earning.refund_purchase import versions_with
from shared.domain.activity import ActivityReport, activity_of, reward_activity, void_activity, wanted
from shared.domain.decision import Wanted
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, MemberId, activity_key, void_key
from shared.domain.errors import ActivityUnknownError, EntryUnknownError
from shared.domain.subject import Void
from shared.ports import Ledger, Programs


def record_activity(report: ActivityReport, *, ledger: Ledger, programs: Programs) -> Entry:
    """Reward an activity, once for its proof.

    Raises what shared.domain.activity.reward_activity raises, MemberUnknownError, KeyReusedError, TryAgainError.
    """
    versions = programs.versions()
    return ledger.decide_and_post(
        activity_key(report.activity, report.activity_id),
        MemberId(report.member_id),
        report.digest,
        lambda view: reward_activity(view, report, versions),
        wanted(report, versions),
    )


def undo_activity(activity: str, activity_id: str, void: Void, *, ledger: Ledger, programs: Programs) -> Entry:
    """Take back what an activity gave; the same again answers as the first.

    What that was worth to a member who left, or to whoever took over, goes too. Raises ActivityUnknownError, KeyReusedError
    (for another reason), TryAgainError.
    """
    try:
        found = ledger.entry(activity_key(activity, activity_id))
    except EntryUnknownError as error:
        raise ActivityUnknownError from error
    activity_of(found)
    digest = request_hash("void", found.key, void)
    versions = versions_with(found, programs)
    return ledger.decide_and_post(
        void_key(found.key),
        found.member,
        digest,
        lambda view: void_activity(view, found, void, versions, digest),
        Wanted(survivors=True),
    )
