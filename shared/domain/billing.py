"""Billing events of paid memberships become entries, so that whatever follows from them is explained (docs/memberships.md)."""

from collections.abc import Sequence

from shared.domain.awarding import Terms
from shared.domain.calendar import CLOCK_SKEW_MAX
from shared.domain.decision import Decision, ReferralWanted, View, Wanted
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, billing_key
from shared.domain.errors import EntryUnknownError, OccurredInFutureError, ProgramMissingError, RequestInvalidError
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.membership import BillingEvent, Plan, Term, refuse_second_trial, term_of
from shared.domain.program import ProgramVersion
from shared.domain.qualifying import billing_wanted, by_payment, settle
from shared.domain.referral import ByMembership
from shared.domain.referred import Referred
from shared.domain.standing import course_now, told
from shared.domain.subject import Billing
from shared.domain.undoing import Undoing, undone, undone_wanted
from shared.domain.wallet import Wallet


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
    progress = None if _taken_back(wallet, term) else by_payment(view, event, versions)
    undoing = Undoing.of(view, _refunded(view, event, versions), versions)
    effect = Effect(terms=(term,), referral=progress.referred if progress else None)
    if undoing is not None:
        effect = undoing.on(effect)
    effect = told(wallet, course_now(versions, view.now), day_of_entry(wallet, view.now, zone), effect, view.history)
    reason = Reason(
        key=billing_key(event.event_id),
        kind=EntryKind.BILLING,
        occurred_at=event.occurred_at,
        request_hash=digest_of(event),
        why=undoing.why() if undoing else (),
        subject=Billing(plan=plan.id, event=event.kind, starts=term.starts, ends=term.ends),
    )
    entry, after = post(wallet, view.history, effect, reason, now=view.now, zone=zone)
    decision = settle(view, Decision(entry, after), progress, versions)
    return undone(undoing, decision, "refunded", versions)


def wanted(event: BillingEvent, versions: Sequence[ProgramVersion]) -> Wanted:
    """What `tell_billing` reads beside the wallet: more where the event qualifies the member's referral, or undoes it."""
    paid = billing_wanted(event, versions)

    def asked(view: View) -> ReferralWanted | None:
        term = term_of(event, plan_of(event.plan, versions), versions[-1].program.time_zone)
        if _taken_back(view.wallet, term):
            return None
        return undone_wanted(view) if _refunded(view, event, versions) else paid(view)

    return Wanted(referral=asked)


def _taken_back(wallet: Wallet, term: Term) -> bool:
    """Whether it was told before that the payment of a term went back which is only now told: events come in any order."""
    refunds = [end for end in wallet.terms if end.refunded and end.plan == term.plan]
    named = any(end.ends is not None and end.starts == term.starts for end in refunds)
    running = any(end.ends is None and term.starts < end.starts < (term.ends or end.starts) for end in refunds)
    return term.kind == "paid" and (named or running)


def _refunded(view: View, event: BillingEvent, versions: Sequence[ProgramVersion]) -> Referred | None:
    """Where the referral stands that the refunded payment had qualified; None for any other event."""
    referred = view.wallet.referral
    paid = _paid_by(event, view.wallet) if event.kind == "refunded" else None
    if referred is None or paid is None or not referred.hangs_on(paid.event):
        return None
    terms = Terms.of(referred, versions)
    if not isinstance(terms.qualifies, ByMembership):
        return None
    return referred.closed(day_of_entry(view.wallet, view.now, terms.program.time_zone))


def _paid_by(refund: BillingEvent, wallet: Wallet) -> Term | None:
    """The term whose payment goes back: the one that the event names, else the last that had begun, else the first to come."""
    found = [term for term in wallet.terms if term.plan == refund.plan and term.kind == "paid"]
    if refund.starts_at is not None:
        return next((term for term in found if term.starts == refund.starts_at), None)
    begun = [term for term in found if term.starts < (refund.ends_at or refund.occurred_at)]
    return max(begun, key=lambda term: term.starts) if begun else min(found, key=lambda term: term.starts, default=None)


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
