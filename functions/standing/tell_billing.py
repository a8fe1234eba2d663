"""Use case: a billing provider tells of a paid membership."""

from shared.domain.billing import digest_of, tell_billing, wanted
from shared.domain.entry import Entry, MemberId, billing_key
from shared.domain.membership import BillingEvent
from shared.ports import Ledger, Programs


def record_billing(event: BillingEvent, *, ledger: Ledger, programs: Programs) -> Entry:
    """Keep the event, once under its id.

    Raises what shared.domain.billing.tell_billing raises, MemberUnknownError, KeyReusedError, TryAgainError.
    """
    versions = programs.versions()
    return ledger.decide_and_post(
        billing_key(event.event_id),
        MemberId(event.member_id),
        digest_of(event),
        lambda view: tell_billing(view, event, versions),
        wanted(event, versions),
    )
