"""Use cases of purchases: record and quote."""

from shared.domain.earning import earn, wanted
from shared.domain.entry import Entry, MemberId, purchase_key
from shared.domain.purchase import Purchase
from shared.ports import Ledger, Programs


def record_purchase(purchase: Purchase, *, ledger: Ledger, programs: Programs) -> Entry:
    """Give the purchase's points to its member, once.

    Raises what shared.domain.earning.earn raises, MemberUnknownError, KeyReusedError, TryAgainError.
    """
    versions = programs.versions()
    return ledger.decide_and_post(
        purchase_key(purchase.order_id),
        MemberId(purchase.member_id),
        purchase.digest,
        lambda view: earn(view, purchase, versions),
        wanted(purchase, versions),
    )


def quote_purchase(purchase: Purchase, *, ledger: Ledger, programs: Programs) -> Entry:
    """The entry that the purchase would become now; nothing is written. Raises as `record_purchase`."""
    versions = programs.versions()
    return earn(ledger.view(MemberId(purchase.member_id), wanted(purchase, versions)), purchase, versions).entry
