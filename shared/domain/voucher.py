"""Vouchers: where a redemption stands, and how it ends: used at a point of sale, cancelled, or lapsed (docs/redemptions.md)."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from shared.domain.calendar import local_day
from shared.domain.decision import Change, Decision, OrderPaid, StockMoved, View
from shared.domain.effect import Correction, Effect
from shared.domain.entry import Entry, EntryKey, EntryKind, cancel_key, use_key
from shared.domain.errors import (
    RedemptionUnknownError,
    TryAgainError,
    VoucherCancelledError,
    VoucherForeignError,
    VoucherLapsedError,
    VoucherUsedError,
    VoucherWorthError,
)
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.subject import Cancellation, Redemption, Use
from shared.domain.wallet import Wallet


class RedemptionState(StrEnum):
    """Where a redemption stands."""

    ISSUED = "issued"
    REDEEMED = "redeemed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


def redemption_of(entry: Entry) -> Redemption:
    """What a redemption's entry keeps of it. Raises RedemptionUnknownError for any other entry."""
    if not isinstance(entry.subject, Redemption):
        raise RedemptionUnknownError
    return entry.subject


def state_of(redemption: Entry, entries: Mapping[EntryKey, Entry], day: date) -> RedemptionState:
    """Where a redemption stands on the local day; `entries` hold its use and cancellation, where there are."""
    subject = redemption_of(redemption)
    if cancel_key(redemption.key) in entries:
        return RedemptionState.CANCELLED
    if subject.immediate or use_key(redemption.key) in entries:
        return RedemptionState.REDEEMED
    if subject.lapses_on is not None and subject.lapses_on <= day:
        return RedemptionState.EXPIRED
    return RedemptionState.ISSUED


def use(view: View, redemption: Entry, subject: Use, *, member_id: str, digest: bytes) -> Decision:
    """Take a voucher at a point of sale, once.

    Raises VoucherForeignError, VoucherUsedError, VoucherCancelledError, VoucherLapsedError, VoucherWorthError.
    """
    found = redemption_of(redemption)
    if redemption.member != member_id:
        raise VoucherForeignError
    day = day_of_entry(view.wallet, view.now, redemption.zone)
    _check_issued(view, redemption, day)
    if found.value is not None and (subject.amount or 0) > found.value:
        raise VoucherWorthError(value=found.value)
    effect = Effect(uses=(redemption.sequence,), pays=subject.order_id)
    entry, wallet = _posted(view, redemption, use_key(redemption.key), EntryKind.USE, effect, subject, digest)
    changes: list[Change] = [OrderPaid(subject.order_id, redemption.key, subject.amount)]
    if found.stocked and view.stock:
        changes.append(StockMoved(view.stock, view.stock.used_up(found.lapses_on, day)))
    return Decision(entry, wallet, tuple(changes))


def cancel(view: View, redemption: Entry, subject: Cancellation, *, digest: bytes) -> Decision:
    """Take a redemption back before it was used: its points return with their dates, the stock with them.

    Raises VoucherUsedError, VoucherCancelledError, VoucherLapsedError (it returned by itself).
    """
    found = redemption_of(redemption)
    day = day_of_entry(view.wallet, view.now, redemption.zone)
    _check_issued(view, redemption, day)
    effect = Effect(corrections=(Correction(redemption.sequence, found.currency, 0),))
    key = cancel_key(redemption.key)
    entry, wallet = _posted(view, redemption, key, EntryKind.CANCELLATION, effect, subject, digest)
    changes: list[Change] = []
    if found.stocked and view.stock:
        changes.append(StockMoved(view.stock, view.stock.returned(found.lapses_on, day)))
    return Decision(entry, wallet, tuple(changes))


def _posted(
    view: View, redemption: Entry, key: EntryKey, kind: EntryKind, effect: Effect, subject: Use | Cancellation, digest: bytes
) -> tuple[Entry, Wallet]:
    """The entry that ends an issued redemption, and the wallet after it."""
    reason = Reason(key=key, kind=kind, occurred_at=view.now, request_hash=digest, subject=subject, names=redemption.key)
    return post(view.wallet, view.history, effect, reason, now=view.now, zone=redemption.zone)


def _check_issued(view: View, redemption: Entry, day: date) -> None:
    found = redemption_of(redemption)
    match state_of(redemption, view.entries, day):
        case RedemptionState.REDEEMED:
            raise VoucherUsedError
        case RedemptionState.CANCELLED:
            raise VoucherCancelledError
        case RedemptionState.EXPIRED:
            raise VoucherLapsedError(lapsed_on=found.lapses_on or day)
        case RedemptionState.ISSUED if not _is_held(view, redemption, found):
            # The batch is no snapshot: somebody used or cancelled it between the reads of its parts. Or another server's clock
            # has passed midnight before ours, and gave its place in the stock away. Read again.
            raise TryAgainError


def _is_held(view: View, redemption: Entry, found: Redemption) -> bool:
    """Whether the wallet and the stock say so too: both are written under the condition that they are as they were read."""
    in_stock = not found.stocked or view.stock is None or view.stock.held.get(found.lapses_on)
    return bool(in_stock) and any(hold.sequence == redemption.sequence for hold in view.wallet.holds)


def today(redemption: Entry, view: View) -> date:
    """The local day that decides whether a redemption has lapsed."""
    return max(local_day(view.now, redemption.zone), view.wallet.recorded_on or date.min)
