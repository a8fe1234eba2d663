"""Transfers of points between members, and merges of two members into one (docs/transfers.md; the rules of points, 24)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from shared.domain.calendar import first_of_next_month, local_day
from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect, Reopening, Spend
from shared.domain.entry import Entry, EntryKey, EntryKind, HistoryRow, arrival_key, merge_key
from shared.domain.errors import (
    FaultError,
    LimitReachedError,
    MemberUnknownError,
    OpenRedemptionsError,
    PointsShortError,
    TransferNotOfferedError,
)
from shared.domain.history import Reason, day_of_entry, post, standing, upto
from shared.domain.points import Account, Credit, Lot
from shared.domain.program import Program
from shared.domain.purse import Purse
from shared.domain.referred import Referred
from shared.domain.standing import Course, counts_of, merged, told
from shared.domain.subject import Merge, Renumbered, Transfer
from shared.domain.wallet import Wallet

TRANSFER_CLAIM = "#transfer"
"""What counts a member's transfers beside the rewards they took; no reward has such an id."""


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """A member gives `points` to another."""

    member_id: str
    to: str
    currency: str
    points: int

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated request from a changed one."""
        return request_hash("transfer", self)


def transfer(view: View, request: TransferRequest, key: EntryKey, program: Program) -> Decision:
    """Points leave one wallet and reach the other with their dates, each serial told on both sides.

    The giver's points go in spend order. A later correction of the giver's history does not follow them: what it no longer
    covers is the giver's debt. Raises TransferNotOfferedError, LimitReachedError, PointsShortError, MemberMergedError,
    MemberClosedError (of either).
    """
    giver, taker = view.wallet, _other(view).wallet
    giver.check_open()
    taker.check_open()
    terms = program.transfers
    if terms is None or request.currency not in terms.currencies or not terms.points_min <= request.points <= terms.points_max:
        limits = (0, 0) if terms is None or request.currency not in terms.currencies else (terms.points_min, terms.points_max)
        raise TransferNotOfferedError(points_min=limits[0], points_max=limits[1])
    day = day_of_entry(giver, view.now, program.time_zone)
    month_end = first_of_next_month(day)
    now = standing(giver, view.history, day)
    if terms.per_month is not None and now.taken(TRANSFER_CLAIM, month_end) >= terms.per_month:
        raise LimitReachedError(limit="transfers", count=terms.per_month, until=month_end)
    active = now.purse(request.currency).active
    if active < request.points:
        short_by = request.points - active
        raise PointsShortError(currency=request.currency, points=request.points, active=active, short_by=short_by)
    spend = Spend(
        request.currency,
        request.points,
        Account.TRANSFERRED,
        reward=TRANSFER_CLAIM,
        claims=(month_end,) if terms.per_month else (),
    )
    reason = Reason(
        key=key,
        kind=EntryKind.TRANSFER,
        occurred_at=view.now,
        request_hash=request.digest,
        subject=Transfer(currency=request.currency, points=request.points, counterpart=request.to),
    )
    entry, wallet = post(giver, view.history, Effect(spends=(spend,)), reason, now=view.now, zone=program.time_zone)
    # Not the entry's postings: with a lapse that it books, they also tell how earlier transfers are covered from now on.
    _, taken = now.purse(request.currency).spent(request.points, Account.TRANSFERRED)
    lots = [lot for posting in taken for lot in posting.lots]
    return Decision(entry, wallet, others=(_arrived(_other(view), entry, lots, request, program.time_zone),))


def _other(view: View) -> View:
    if view.other is None:
        raise MemberUnknownError
    return view.other


def _arrived(taker: View, left: Entry, lots: list[Lot], request: TransferRequest, zone: str) -> tuple[Entry, Wallet]:
    """The taker's side: a lot for each lot that left, with its dates."""
    day = day_of_entry(taker.wallet, taker.now, zone)
    lots = sorted(lots, key=lambda lot: lot.first)
    credits = tuple(Credit(request.currency, lot.count, day, lot.gone_on, Account.TRANSFERRED) for lot in lots)
    first, renumbered = taker.wallet.purse(request.currency).next_serial, []
    for lot in lots:
        renumbered.append(Renumbered(lot.first, lot.count, first))
        first += lot.count
    reason = Reason(
        key=arrival_key(left.key),
        kind=EntryKind.ARRIVAL,
        occurred_at=taker.now,
        request_hash=request.digest,
        subject=Transfer(currency=request.currency, points=request.points, counterpart=left.member, serials=tuple(renumbered)),
        names=left.key,
    )
    return post(taker.wallet, taker.history, Effect(credits=credits), reason, now=taker.now, zone=zone)


def merge(view: View, reason: str, digest: bytes, zone: str, course: Course | None = None) -> Decision:
    """All there is of one member goes to another, with dates and debt; the first is closed.

    Serials move up by the survivor's last one; orders, qualifying credit, uses of caps and memberships add up. `course` is the
    program's, None while there is none. Raises MemberMergedError, MemberClosedError (of either), OpenRedemptionsError.
    """
    leaver, survivor = view.wallet, _other(view)
    leaver.check_open()
    survivor.wallet.check_open()
    day = day_of_entry(leaver, view.now, zone)
    before = standing(leaver, view.history, day)
    if before.holds:
        raise OpenRedemptionsError(count=len(before.holds))
    into = survivor.wallet.member
    entry, wallet = post(
        leaver,
        view.history,
        Effect(empties=Account.TRANSFERRED, into=into, referral=_left(leaver, survivor.wallet, day)),
        Reason(
            key=merge_key(leaver.member),
            kind=EntryKind.MERGE,
            occurred_at=view.now,
            request_hash=digest,
            subject=Merge(counterpart=into, reason=reason),
        ),
        now=view.now,
        zone=zone,
    )
    offsets = {purse.currency: survivor.wallet.purse(purse.currency).next_serial - 1 for purse in before.purses}
    effect = Effect(
        credits=(*_reserved(before, offsets, day), *_carried(before, offsets, day)),
        spends=_owed(before),
        counts=before.counts,
        terms=before.terms,
        since=min(filter(None, (before.since, local_day(leaver.enrolled_at, zone)))),
        active_at=leaver.active_at,
        referral=survivor.wallet.referral.merging(leaver.member) if survivor.wallet.referral else None,
    )
    if course is not None:
        there = day_of_entry(survivor.wallet, survivor.now, zone)
        effect = merged(survivor.wallet, leaver, (survivor.history, view.history), effect, course, there)
    arrival = post(
        survivor.wallet,
        survivor.history,
        effect,
        Reason(
            key=arrival_key(entry.key),
            kind=EntryKind.ARRIVAL,
            occurred_at=view.now,
            request_hash=digest,
            subject=Merge(counterpart=leaver.member, reason=reason),
            names=entry.key,
        ),
        now=survivor.now,
        zone=zone,
    )
    return Decision(entry, wallet, others=(arrival,))


def _left(leaver: Wallet, survivor: Wallet, day: date) -> Referred | None:
    """Where the referral stands that a member came by who was merged into another."""
    mine = leaver.referral
    return (mine.abandoned(day) or mine.merging(survivor.member, survivor.referral)) if mine else None


def _reserved(leaver: Wallet, offsets: dict[str, int], day: date) -> Iterator[Credit]:
    """All serials that the leaver ever had, so that the survivor gives none of them again."""
    for purse in leaver.purses:
        if purse.next_serial > 1:
            first, numbered = offsets[purse.currency] + 1, purse.next_serial - 1
            yield Credit(purse.currency, 0, day, None, Account.TRANSFERRED, first, numbered)


def _carried(leaver: Wallet, offsets: dict[str, int], day: date) -> Iterator[Credit]:
    for purse in leaver.purses:
        for lot in purse.lots:
            first = lot.first + offsets[purse.currency]
            start = lot.spendable_from or day
            yield Credit(purse.currency, lot.count, start, lot.gone_on, Account.TRANSFERRED, first, lot.count)


def _owed(leaver: Wallet) -> tuple[Spend, ...]:
    indebted: Iterable[Purse] = (purse for purse in leaver.purses if purse.debt)
    return tuple(Spend(purse.currency, purse.debt, Account.TRANSFERRED) for purse in indebted)


def carried_on(view: View, corrected: Entry, course: Course | None = None) -> tuple[tuple[Entry, Wallet], ...]:
    """What a correction of a merged member's history changes for whoever took over: their opening is restated.

    `corrected` is the entry that was just posted to the merged member's wallet. Nothing where the member was not merged.
    """
    if view.wallet.merged_into is None:
        return ()
    survivor = _other(view)
    row = _last(view, EntryKind.MERGE)
    before = upto(view.wallet, view.history, row, corrected.effect)
    arrival = _arrival(survivor, row)
    offsets = {credit.currency: (credit.first or 1) - 1 for credit in arrival.effect.credits if not credit.points}
    reserved = tuple(credit for credit in arrival.effect.credits if not credit.points)
    credits = (*reserved, *_carried(before, offsets, row.recorded_on))
    counts = before.counts
    if view.wallet.forgotten is not None:
        counts = counts_of(list(view.history)[::-1], view.wallet, corrected.effect, before=row.sequence)
    effect = Effect(reopens=(Reopening(arrival.sequence, credits, _owed(before), counts),))
    if course is not None and not survivor.wallet.closed:
        day = day_of_entry(survivor.wallet, survivor.now, corrected.zone)
        effect = told(survivor.wallet, course, day, effect, survivor.history)
    entry, wallet = post(
        survivor.wallet,
        survivor.history,
        effect,
        Reason(
            key=arrival_key(corrected.key),
            kind=EntryKind.ARRIVAL,
            occurred_at=corrected.occurred_at,
            request_hash=corrected.request_hash,
            subject=Merge(counterpart=view.wallet.member, reason=f"corrected by {corrected.key}"),
            names=arrival.key,
        ),
        now=survivor.now,
        zone=corrected.zone,
    )
    return ((entry, wallet), *carried_on(survivor, entry, course))


def _last(view: View, kind: EntryKind) -> HistoryRow:
    for row in view.history:
        if row.kind is kind:
            return row
    raise FaultError(code=f"history without its {kind}")


def _arrival(survivor: View, merged: HistoryRow) -> HistoryRow:
    for row in survivor.history:
        if row.key == arrival_key(merged.key):
            return row
    raise FaultError(code=f"history without the arrival of {merged.key}")
