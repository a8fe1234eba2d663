"""Use cases of redemptions: quote, issue, read, cancel."""

import random

from ulid import ULID

from shared.domain.code import CARD_SYMBOLS, VOUCHER_SYMBOLS, make_code
from shared.domain.decision import Decision, View, Wanted
from shared.domain.digest import request_hash
from shared.domain.entry import Entry, EntryKey, MemberId, cancel_key, use_key
from shared.domain.errors import EntryUnknownError, RedemptionUnknownError
from shared.domain.gift_card import CardId, NewCard
from shared.domain.program import in_force
from shared.domain.redeeming import Issue, Quote, RedemptionRequest, quote, redeem
from shared.domain.standing import Course
from shared.domain.subject import Cancellation
from shared.domain.voucher import RedemptionState, cancel, redemption_of, state_of, today
from shared.ports import Clock, Ledger, Programs


def quote_reward(request: RedemptionRequest, *, ledger: Ledger, programs: Programs, clock: Clock) -> Quote:
    """What a redemption would take now; nothing is written. Raises as `shared.domain.redeeming.quote`."""
    view = ledger.view(MemberId(request.member_id), Wanted(reward=request.reward, profile=True))
    return quote(view, request, _course(programs, clock))


def redeem_reward(
    request: RedemptionRequest, key: EntryKey, *, ledger: Ledger, programs: Programs, clock: Clock, rng: random.Random
) -> Entry:
    """Take the points and issue the voucher, once per key; a refusal is kept under it. `rng` chooses codes.

    Raises what shared.domain.redeeming.redeem raises, MemberUnknownError, KeyReusedError, TryAgainError.
    """
    course = _course(programs, clock)

    def decide(view: View) -> Decision:
        card = NewCard(CardId(str(ULID())), make_code(rng, CARD_SYMBOLS))
        return redeem(view, request, Issue(key, make_code(rng, VOUCHER_SYMBOLS), card), course)

    wanted = Wanted(reward=request.reward, profile=True)
    return ledger.decide_and_post(key, MemberId(request.member_id), request.digest, decide, wanted)


def _course(programs: Programs, clock: Clock) -> Course:
    versions = programs.versions()
    return Course.by(versions, in_force(versions, clock.now()))


def find_redemption(key: EntryKey, *, member: MemberId | None, ledger: Ledger) -> Entry:
    """A redemption as it was issued. `member` is who asks, None for staff. Raises RedemptionUnknownError, TryAgainError."""
    try:
        found = ledger.entry(key)
    except EntryUnknownError as error:
        raise RedemptionUnknownError from error
    redemption_of(found)
    if member not in (None, found.member):
        raise RedemptionUnknownError
    return found


def read_redemption(key: EntryKey, *, member: MemberId | None, ledger: Ledger) -> tuple[Entry, RedemptionState]:
    """A redemption and where it stands. Raises as `find_redemption`."""
    found = find_redemption(key, member=member, ledger=ledger)
    view = ledger.view(found.member, _around(found))
    return found, state_of(found, view.entries, today(found, view))


def open_redemptions(member: MemberId, *, ledger: Ledger) -> list[Entry]:
    """What a member has and did not use yet, oldest first. Raises MemberUnknownError, TryAgainError."""
    view = ledger.view(member)
    keys = tuple(hold.key for hold in view.wallet.holds)
    if not keys:
        return []
    found = ledger.view(member, Wanted(entries=keys)).entries
    return [found[key] for key in keys if state_of(found[key], {}, today(found[key], view)) is RedemptionState.ISSUED]


def cancel_redemption(found: Entry, reason: str | None, *, ledger: Ledger) -> Entry:
    """Take a redemption back; the same again answers as the first.

    Raises VoucherUsedError, VoucherLapsedError (it returned by itself), KeyReusedError (with another reason), TryAgainError.
    """
    subject = Cancellation(reason=reason)
    digest = request_hash("cancel", found.key, subject)
    return ledger.decide_and_post(
        cancel_key(found.key),
        found.member,
        digest,
        lambda view: cancel(view, found, subject, digest=digest),
        _around(found),
    )


def _around(redemption: Entry) -> Wanted:
    """What decides where a redemption stands, and its reward's stock."""
    subject = redemption_of(redemption)
    keys = (use_key(redemption.key), cancel_key(redemption.key))
    return Wanted(entries=keys, reward=subject.reward if subject.stocked else None)
