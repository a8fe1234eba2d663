"""Adjustments: operators give or take points and say why; above a limit a second one decides (docs/adjustments.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect, Spend
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId
from shared.domain.errors import (
    AdjustmentUnknownError,
    PointsShortError,
    RequestInvalidError,
    SameOperatorError,
)
from shared.domain.history import Reason, day_of_entry, post, standing
from shared.domain.points import Account, Credit
from shared.domain.program import Program
from shared.domain.subject import Adjustment


@dataclass(frozen=True, kw_only=True)
class AdjustmentRequest:
    """Points that a member is to get (above zero) or to lose (below zero), and why."""

    member_id: str
    currency: str
    points: int
    reason: str

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated request from a changed one."""
        return request_hash("adjustment", self)

    def by(self, operator: str) -> Adjustment:
        """What `operator` (by digest) asks for."""
        return Adjustment(currency=self.currency, points=self.points, reason=self.reason, operator=operator)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An adjustment that needs a second operator, under the key that its entry would have had."""

    key: EntryKey
    member: MemberId
    adjustment: Adjustment
    proposed_at: datetime
    request_hash: bytes


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A second operator said no, and why."""

    reason: str
    operator: str
    rejected_at: datetime
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """An adjustment as it was asked for, and what came of it: an entry or a rejection, neither while it waits."""

    proposal: Proposal
    entry: Entry | None = None
    rejection: Rejection | None = None

    @property
    def alone(self) -> bool:
        """Whether one operator was enough, so that it was posted at once."""
        return self.entry is not None and self.entry.key == self.proposal.key


def posted(entry: Entry) -> Standing:
    """Where an adjustment stands that one operator made. Raises AdjustmentUnknownError for any other entry."""
    asked = Proposal(
        key=entry.key,
        member=entry.member,
        adjustment=adjustment_of(entry),
        proposed_at=entry.recorded_at,
        request_hash=entry.request_hash,
    )
    return Standing(asked, entry)


def needs_approval(request: AdjustmentRequest, program: Program) -> bool:
    """Whether it is more than one operator may give or take alone."""
    return abs(request.points) > program.adjustment_limit


def propose(view: View, request: AdjustmentRequest, program: Program, *, key: EntryKey, operator: str) -> Proposal:
    """What waits for a second operator. What the member has is looked at when it is approved, not now.

    Raises MemberMergedError, MemberClosedError, RequestInvalidError (a currency that is not there).
    """
    adjustment = request.by(operator)
    _check_possible(view, adjustment, program)
    return Proposal(
        key=key, member=view.wallet.member, adjustment=adjustment, proposed_at=view.now, request_hash=request.digest
    )


def adjust(view: View, adjustment: Adjustment, program: Program, *, key: EntryKey, digest: bytes) -> Decision:
    """The entry that gives or takes the points, under `key` for the request with this digest.

    Points that are given have new serials, can be spent at once (after they repaid debt), and expire as points of a purchase
    made today would. Raises MemberMergedError, MemberClosedError, RequestInvalidError, PointsShortError,
    BalanceOverLimitError.
    """
    _check_possible(view, adjustment, program)
    day = day_of_entry(view.wallet, view.now, program.time_zone)
    effect = _given(adjustment, program, day) if adjustment.points > 0 else _taken(view, adjustment, day)
    reason = Reason(key=key, kind=EntryKind.ADJUSTMENT, occurred_at=view.now, request_hash=digest, subject=adjustment)
    entry, wallet = post(view.wallet, view.history, effect, reason, now=view.now, zone=program.time_zone)
    return Decision(entry, wallet)


def approved(proposal: Proposal, operator: str) -> Adjustment:
    """The adjustment as the second operator lets it pass. Raises SameOperatorError."""
    check_second(proposal, operator)
    return replace(proposal.adjustment, approved_by=operator)


def approval_digest(proposal: Proposal) -> bytes:
    """An approval is the same whoever gives it and however often."""
    return request_hash("approval", proposal.key)


def rejected(proposal: Proposal, operator: str, reason: str, now: datetime) -> Rejection:
    """The second operator's no. Raises SameOperatorError."""
    check_second(proposal, operator)
    digest = request_hash("rejection", proposal.key, reason)
    return Rejection(reason=reason, operator=operator, rejected_at=now, request_hash=digest)


def check_second(proposal: Proposal, operator: str) -> None:
    """Refuse whoever proposed it. Raises SameOperatorError."""
    if operator == proposal.adjustment.operator:
        raise SameOperatorError


def adjustment_of(entry: Entry) -> Adjustment:
    """What an adjustment's entry keeps of it. Raises AdjustmentUnknownError for any other entry."""
    if not isinstance(entry.subject, Adjustment):
        raise AdjustmentUnknownError
    return entry.subject


def oldest_first(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Those that wait longest first."""
    return sorted(proposals, key=lambda proposal: (proposal.proposed_at, proposal.key))


def _check_possible(view: View, adjustment: Adjustment, program: Program) -> None:
    view.wallet.check_open()
    known = {currency.code for currency in program.currencies}
    if adjustment.points < 0:
        # A currency that the program gave up can still be taken from those who have some.
        known |= {purse.currency for purse in view.wallet.purses}
    if adjustment.currency not in known:
        reason = f"the program has {', '.join(sorted(known))}"
        raise RequestInvalidError(faults=[{"path": "currency", "reason": reason}])


def _given(adjustment: Adjustment, program: Program, day: date) -> Effect:
    expiry = program.currency(adjustment.currency).expiry
    gone_on = expiry.gone_on(day) if expiry else None
    return Effect(credits=(Credit(adjustment.currency, adjustment.points, day, gone_on, Account.ADJUSTED),))


def _taken(view: View, adjustment: Adjustment, day: date) -> Effect:
    points, active = -adjustment.points, standing(view.wallet, view.history, day).purse(adjustment.currency).active
    if active < points:
        raise PointsShortError(currency=adjustment.currency, points=points, active=active, short_by=points - active)
    return Effect(spends=(Spend(adjustment.currency, points, Account.ADJUSTED),))
