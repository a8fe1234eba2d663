"""Use case: a member gives points to another."""

from shared.domain.decision import Wanted
from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.errors import RequestInvalidError
from shared.domain.program import in_force
from shared.domain.transferring import TransferRequest, transfer
from shared.ports import Clock, Ledger, Programs


def transfer_points(request: TransferRequest, key: EntryKey, *, ledger: Ledger, programs: Programs, clock: Clock) -> Entry:
    """Move points from one member to another, once per key; a refusal for want of points is kept under it.

    Raises what shared.domain.transferring.transfer raises, RequestInvalidError (to themselves), MemberUnknownError (either),
    KeyReusedError, TryAgainError.
    """
    if request.to == request.member_id:
        raise RequestInvalidError(faults=[{"path": "to", "reason": "is the member who gives"}])
    program = in_force(programs.versions(), clock.now()).program
    return ledger.decide_and_post(
        key,
        MemberId(request.member_id),
        request.digest,
        lambda view: transfer(view, request, key, program),
        Wanted(other=MemberId(request.to)),
    )
