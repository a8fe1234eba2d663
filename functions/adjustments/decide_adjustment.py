"""Use cases: a second operator decides about an adjustment above the limit, once."""

from shared.domain.adjusting import Proposal, Standing, adjust, approval_digest, approved, rejected
from shared.domain.entry import EntryKey, approval_key, is_callers_own
from shared.domain.errors import AdjustmentPostedError, AdjustmentUnknownError
from shared.domain.program import in_force
from shared.ports import Approvals, Clock, Ledger, Programs


def read_adjustment(key: EntryKey, *, approvals: Approvals) -> Standing:
    """Where an adjustment stands. Raises AdjustmentUnknownError, TryAgainError."""
    if not is_callers_own(key):
        raise AdjustmentUnknownError
    return approvals.standing(key)


def approve_adjustment(key: EntryKey, operator: str, *, approvals: Approvals, programs: Programs, clock: Clock) -> Standing:
    """Post what another operator proposed; approved before, the same answer.

    Raises what shared.domain.adjusting.adjust raises (the proposal then waits on), AdjustmentUnknownError, SameOperatorError,
    AdjustmentPostedError (at once, nobody was asked), AdjustmentRejectedError, TryAgainError.
    """
    proposal = _proposed(key, approvals)
    adjustment, digest = approved(proposal, operator), approval_digest(proposal)
    program = in_force(programs.versions(), clock.now()).program
    entry = approvals.approve(
        proposal,
        digest,
        lambda view: adjust(view, adjustment, program, key=approval_key(key), digest=digest),
    )
    return Standing(proposal, entry)


def reject_adjustment(key: EntryKey, operator: str, reason: str, *, approvals: Approvals, ledger: Ledger) -> Standing:
    """Say no to what another operator proposed; rejected before for the same reason, the same answer.

    Raises AdjustmentUnknownError, SameOperatorError, AdjustmentPostedError, KeyReusedError, TryAgainError.
    """
    proposal = _proposed(key, approvals)
    now = ledger.view(proposal.member).now
    rejection = approvals.reject(proposal, rejected(proposal, operator, reason, now))
    return Standing(proposal, rejection=rejection)


def _proposed(key: EntryKey, approvals: Approvals) -> Proposal:
    standing = read_adjustment(key, approvals=approvals)
    if standing.alone:
        raise AdjustmentPostedError
    return standing.proposal
