"""Use case: a shop gave money of an order back."""

from collections.abc import Sequence

from shared.domain.entry import Entry, refund_key
from shared.domain.program import ProgramVersion
from shared.domain.refunding import RefundRequest, refund
from shared.ports import Ledger, Programs


def refund_purchase(request: RefundRequest, *, ledger: Ledger, programs: Programs) -> Entry:
    """Take back what the refunded part earned, and return what paid for it beside money; once per refund id.

    Raises what shared.domain.refunding.refund raises, PurchaseUnknownError, KeyReusedError, TryAgainError.
    """
    return ledger.correct_order(
        request.order_id,
        refund_key(request.order_id, request.refund_id),
        request.digest,
        lambda view, order: refund(view, order, request, versions_with(order.purchase, programs)),
    )


def versions_with(entry: Entry, programs: Programs) -> Sequence[ProgramVersion]:
    """The versions of the program, that of the entry among them: another container may have seen it first."""
    versions = programs.versions()
    newest = max((share.program_version for share in entry.why), default=0)
    return versions if versions and versions[-1].version >= newest else programs.latest()
