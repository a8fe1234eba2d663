"""Use cases at a point of sale: is this voucher good, and take it."""

from shared.domain.code import VOUCHER_SYMBOLS, CodeKind, read_code
from shared.domain.decision import View, Wanted
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, EntryKey, MemberId, cancel_key, use_key
from shared.domain.errors import KeyReusedError, VoucherForeignError, VoucherUsedError
from shared.domain.subject import Use
from shared.domain.voucher import RedemptionState, redemption_of, state_of, today, use
from shared.ports import Attempts, Ledger


def validate_voucher(
    code: str, member_id: str, caller: str, *, ledger: Ledger, attempts: Attempts
) -> tuple[Entry, RedemptionState]:
    """The redemption that a code stands for, and where it stands; nothing is written but a miss.

    Raises CodeMalformedError, VoucherUnknownError, TooManyAttemptsError, VoucherForeignError, TryAgainError.
    """
    found, view = _found(code, member_id, caller, ledger=ledger, attempts=attempts)
    return found, state_of(found, view.entries, today(found, view))


def use_voucher(
    code: str, subject: Use, member_id: str, caller: str, *, ledger: Ledger, attempts: Attempts
) -> tuple[Entry, Entry]:
    """Take a voucher for an order, once: the redemption, and the entry that uses it.

    The same order again gets the same answer; any other finds the voucher used. Raises as `validate_voucher`, and
    VoucherUsedError, VoucherCancelledError, VoucherLapsedError.
    """
    found, _ = _found(code, member_id, caller, ledger=ledger, attempts=attempts)
    digest = request_hash("use", found.key, member_id, subject)
    redemption = redemption_of(found)
    wanted = Wanted(
        entries=(use_key(found.key), cancel_key(found.key)), reward=redemption.reward if redemption.stocked else None
    )
    try:
        used = ledger.decide_and_post(
            use_key(found.key),
            found.member,
            digest,
            lambda view: use(view, found, subject, member_id=member_id, digest=digest),
            wanted,
        )
    except KeyReusedError as error:
        # Another order took it: for the till that is no matter of keys.
        raise VoucherUsedError from error
    return found, used


def _found(code: str, member_id: str, caller: str, *, ledger: Ledger, attempts: Attempts) -> tuple[Entry, View]:
    owner = attempts.find(read_code(code, VOUCHER_SYMBOLS), CodeKind.REDEMPTION, caller)
    if owner.member != member_id:
        raise VoucherForeignError
    key = EntryKey(owner.id)
    view = ledger.view(MemberId(member_id), Wanted(entries=(key, use_key(key), cancel_key(key))))
    return view.entries[key], view
