"""Use case: an operator gives or takes points, alone up to the program's limit."""

from shared.domain.adjusting import AdjustmentRequest, Standing, adjust, needs_approval, posted, propose
from shared.domain.entry import EntryKey, MemberId
from shared.domain.program import in_force
from shared.ports import Approvals, Clock, Ledger, Programs


def adjust_points(
    request: AdjustmentRequest,
    key: EntryKey,
    operator: str,
    *,
    ledger: Ledger,
    approvals: Approvals,
    programs: Programs,
    clock: Clock,
) -> Standing:
    """Post the adjustment, or let it wait for a second operator; once per key, as it was decided the first time.

    Raises what shared.domain.adjusting.adjust raises, MemberUnknownError, ProgramMissingError, KeyReusedError, TryAgainError.
    """
    before = approvals.answered(key, request.digest)
    if before is not None:
        return before
    program, member = in_force(programs.versions(), clock.now()).program, MemberId(request.member_id)
    if needs_approval(request, program):
        return approvals.propose(propose(ledger.view(member), request, program, key=key, operator=operator))
    adjustment = request.by(operator)
    entry = ledger.decide_and_post(
        key, member, request.digest, lambda view: adjust(view, adjustment, program, key=key, digest=request.digest)
    )
    return posted(entry)
