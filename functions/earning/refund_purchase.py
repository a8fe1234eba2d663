"""Use case: a shop gave money of an order back."""

from shared.domain.entry import Entry, refund_key
from shared.domain.refunding import RefundRequest, refund
from shared.ports import Ledger, Programs


def refund_purchase(request: RefundRequest, *, ledger: Ledger, programs: Programs) -> Entry:
    """Take back what the refunded part earned, and return what paid for it beside money; once per refund id.

    Raises what shared.domain.refunding.refund raises, PurchaseUnknownError, KeyReusedError, TryAgainError.
    """
    versions = programs.versions()
    return ledger.correct_order(
        request.order_id,
        refund_key(request.order_id, request.refund_id),
        request.digest,
        lambda view, order: refund(view, order, request, versions),
    )
