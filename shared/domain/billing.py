"""Billing events of paid memberships become entries, so that whatever follows from them is explained (docs/memberships.md)."""

from collections.abc import Sequence

from shared.domain.calendar import CLOCK_SKEW_MAX
from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.earning import course_now
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, billing_key
from shared.domain.errors import EntryUnknownError, OccurredInFutureError, ProgramMissingError, RequestInvalidError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.membership import BillingEvent, Plan, refuse_second_trial, term_of
from shared.domain.program import ProgramVersion
from shared.domain.standing import told
from shared.domain.subject import Billing


def digest_of(event: BillingEvent) -> bytes:
    """What tells a repeated event from a changed one."""
    return request_hash("billing", event)


def tell_billing(view: View, event: BillingEvent, versions: Sequence[ProgramVersion]) -> Decision:
    """The entry that keeps what a billing provider told: a term of a membership, its end, or that it will not be renewed.

    The set of events decides, never the order in which they come. Raises TrialUsedError, OccurredInFutureError,
    RequestInvalidError, MemberMergedError, MemberClosedError, ProgramMissingError.
    """
    wallet = view.wallet
    wallet.check_open()
    if event.occurred_at > view.now + CLOCK_SKEW_MAX:
        raise OccurredInFutureError(occurred_at=event.occurred_at, now=view.now)
    plan, zone = plan_of(event.plan, versions), versions[-1].program.time_zone
    term = term_of(event, plan, zone)
    refuse_second_trial(wallet.terms, term)
    effect = Effect(terms=(term,))
    effect = told(wallet, course_now(versions, view.now), day_of_entry(wallet, view.now, zone), effect, view.history)
    reason = Reason(
        key=billing_key(event.event_id),
        kind=EntryKind.BILLING,
        occurred_at=event.occurred_at,
        request_hash=digest_of(event),
        subject=Billing(plan=plan.id, event=event.kind, starts=term.starts, ends=term.ends),
    )
    entry, after = post(wallet, view.history, effect, reason, now=view.now, zone=zone)
    return Decision(entry, after)


def plan_of(id: str, versions: Sequence[ProgramVersion]) -> Plan:
    """The plan as the newest version that has it tells it: one that is sold no more is still billed and lapses.

    Raises RequestInvalidError, ProgramMissingError.
    """
    if not versions:
        raise ProgramMissingError
    for version in reversed(versions):
        for plan in version.program.memberships:
            if plan.id == id:
                return plan
    there = ", ".join(plan.id for plan in versions[-1].program.memberships) or "none"
    raise RequestInvalidError(faults=[{"path": "plan", "reason": f"is no plan of the program; there are: {there}"}])


def billing_of(entry: Entry) -> Billing:
    """What a billing event's entry tells. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Billing):
        raise EntryUnknownError
    return entry.subject
