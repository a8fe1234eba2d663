"""What makes a referral qualify, and what follows at once: it is awarded, flagged for an operator, or rejected."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from shared.domain.assessing import assess, names_of, worst
from shared.domain.awarding import Terms, award, award_wanted
from shared.domain.calendar import CLOCK_SKEW_MAX, local_day
from shared.domain.decision import BudgetMoved, Decision, ReferralMoved, ReferralWanted, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKind, ruling_key
from shared.domain.errors import TryAgainError
from shared.domain.history import Reason, post
from shared.domain.membership import BillingEvent
from shared.domain.program import ProgramVersion
from shared.domain.purchase import Purchase
from shared.domain.rating import together
from shared.domain.referral import ByMembership, ByOrders, Verdict
from shared.domain.referred import ReferralState, Referred
from shared.domain.subject import Ruling
from shared.domain.wallet import Wallet

POLICY = "policy"
"""Who rejects a referral where no operator looked at it."""
PAID = ("started", "renewed")
"""Billing events that a payment makes."""


class Progress(NamedTuple):
    """Where a referral stands by what just happened, and what the signs of farming lead to."""

    referred: Referred
    verdict: Verdict = "allow"


def order_wanted(purchase: Purchase, versions: Sequence[ProgramVersion]) -> Callable[[View], ReferralWanted | None]:
    """What an order reads besides where it may qualify the member's referral."""

    def wanted(view: View) -> ReferralWanted | None:
        referred = _after_order(view.wallet, purchase, versions)
        return _wanted(view, referred, versions)

    return wanted


def billing_wanted(event: BillingEvent, versions: Sequence[ProgramVersion]) -> Callable[[View], ReferralWanted | None]:
    """What a billing event reads besides where it may qualify the member's referral."""

    def wanted(view: View) -> ReferralWanted | None:
        return _wanted(view, _after_payment(view.wallet, event, versions), versions)

    return wanted


def _wanted(view: View, referred: Referred | None, versions: Sequence[ProgramVersion]) -> ReferralWanted | None:
    if referred is None or referred.state is not ReferralState.QUALIFIED or referred.flagged:
        return None
    return award_wanted(view, referred, Terms.of(referred, versions))


def by_order(view: View, purchase: Purchase, versions: Sequence[ProgramVersion]) -> Progress | None:
    """Where the member's referral stands after an order; None where that changes nothing about it."""
    return _assessed(view, _after_order(view.wallet, purchase, versions), versions)


def by_payment(view: View, event: BillingEvent, versions: Sequence[ProgramVersion]) -> Progress | None:
    """Where the member's referral stands after a billing event; None where that changes nothing about it."""
    return _assessed(view, _after_payment(view.wallet, event, versions), versions)


def _after_order(wallet: Wallet, purchase: Purchase, versions: Sequence[ProgramVersion]) -> Referred | None:
    referred = wallet.referral
    if referred is None or referred.state is not ReferralState.JOINED:
        return None
    terms = Terms.of(referred, versions)
    qualifies, day = terms.qualifies, local_day(purchase.occurred_at, terms.program.time_zone)
    if not isinstance(qualifies, ByOrders) or referred.is_late(day, qualifies.within_days):
        return None
    # What was bought before the friend joined was not brought about by the advocate.
    if purchase.occurred_at < wallet.enrolled_at - CLOCK_SKEW_MAX:
        return None
    if terms.money(purchase, [line.amount for line in purchase.lines]) < max(1, qualifies.net_min):
        return None
    referred = replace(referred, orders=(*referred.orders, purchase.order_id))
    return _qualified(referred, day) if len(referred.orders) >= qualifies.orders else referred


def _after_payment(wallet: Wallet, event: BillingEvent, versions: Sequence[ProgramVersion]) -> Referred | None:
    referred = wallet.referral
    if referred is None or referred.state is not ReferralState.JOINED or event.kind not in PAID:
        return None
    terms = Terms.of(referred, versions)
    qualifies, day = terms.qualifies, local_day(event.occurred_at, terms.program.time_zone)
    if not isinstance(qualifies, ByMembership) or referred.is_late(day, qualifies.within_days):
        return None
    # What was paid before the friend joined was not brought about by the advocate.
    if event.occurred_at < wallet.enrolled_at - CLOCK_SKEW_MAX or (qualifies.plans and event.plan not in qualifies.plans):
        return None
    free = {plan.id for plan in terms.program.memberships if not plan.price}
    if event.plan in free and event.plan not in qualifies.plans:
        return None
    return _qualified(replace(referred, orders=(event.event_id,)), day)


def _qualified(referred: Referred, day: date) -> Referred:
    return replace(referred, state=ReferralState.QUALIFIED, qualified_on=day)


def _assessed(view: View, referred: Referred | None, versions: Sequence[ProgramVersion]) -> Progress | None:
    """Look once more for signs of farming: the shop may have told devices and payments since the friend joined."""
    if referred is None:
        return None
    if referred.state is not ReferralState.QUALIFIED or referred.flagged or referred.cleared:
        return Progress(referred)
    if view.referral is None or view.referral.friend is None:
        # The view does not hold what its own wallet asks for.
        raise TryAgainError
    signs = assess(view.referral.friend, view.referral, Terms.of(referred, versions).abuse)
    verdict = worst(signs)
    return Progress(replace(referred, flagged=verdict == "review", signs=names_of(signs)), verdict)


def settle(
    view: View, decision: Decision, progress: Progress | None, versions: Sequence[ProgramVersion], code: str | None = None
) -> Decision:
    """The decision with all that follows from where the referral stands now; its own entry has told that already."""
    if progress is None:
        return decision
    (referred, verdict), friend = progress, view.wallet.member
    posted, moves = decision.posted, [change for change in decision.changes if isinstance(change, BudgetMoved)]
    given: tuple[tuple[str, str, int], ...] = ()
    reason = None
    if verdict == "reject" and referred.open:
        reason = ", ".join(referred.signs)
        posted = (*posted, _rejected(view.after(posted), decision.entry, referred, reason))
    elif referred.state is ReferralState.QUALIFIED and not referred.flagged:
        awarded = award(view.after(posted), referred, decision.entry, versions, moves)
        posted, moves, given = (*posted, *awarded.posted), [*moves, *awarded.budgets], awarded.given
    after = next(wallet.referral for _, wallet in reversed(posted) if wallet.member == friend)
    entry = decision.entry
    moved = ReferralMoved(
        friend=friend,
        before=view.wallet.referral,
        after=after or referred,
        day=entry.recorded_on,
        changed_at=entry.recorded_at,
        signs=referred.signs,
        reason=reason,
        given=given,
        code=code,
        joins=view.referral.joins if view.referral else None,
    )
    changes = [change for change in decision.changes if not isinstance(change, BudgetMoved)]
    return Decision(entry, decision.wallet, (*together(moves), *changes, moved), posted[1:])


def _rejected(view: View, cause: Entry, referred: Referred, reason: str) -> tuple[Entry, Wallet]:
    """The entry by which the policy rejects a referral that had not been rejected as the friend joined."""
    key = ruling_key(view.wallet.member, passed=False)
    return post(
        view.wallet,
        view.history,
        Effect(referral=replace(referred, state=ReferralState.REJECTED, flagged=False)),
        Reason(
            key=key,
            kind=EntryKind.RULING,
            occurred_at=cause.occurred_at,
            request_hash=request_hash("policy", cause.key),
            subject=Ruling(friend=view.wallet.member, passed=False, reason=reason, operator=POLICY),
            names=cause.key,
        ),
        now=view.now,
        zone=cause.zone,
    )
