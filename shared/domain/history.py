"""Effective history: a wallet as the fold of its entries, where later entries correct earlier ones (the rules of points, 8-11).

A refund restates what its order earned; a cancellation, or a lapse by date, takes its redemption out. An entry that corrects
posts exactly the difference between the wallet as it is and the wallet as its effective history now gives. To find it, the
wallet is folded back to the oldest entry that is corrected, and forward again.

A history is an iterable of rows, newest first: it may read them as they are looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from shared.domain.alarm import Alarm, dates_of, start_of
from shared.domain.calendar import local_day
from shared.domain.counts import ONE_ORDER, Count, added, taken
from shared.domain.difference import difference
from shared.domain.effect import Correction, Effect, Recount, Reopening, Spend
from shared.domain.entry import Entry, EntryKey, EntryKind, HistoryRow, Share, is_activity
from shared.domain.errors import FaultError
from shared.domain.points import Account, Posting
from shared.domain.subject import Subject
from shared.domain.wallet import Wallet

History = Iterable[HistoryRow]
"""A member's rows, newest first."""


@dataclass(frozen=True, slots=True)
class Reason:
    """All of an entry but its effect: who asked for what, when it happened, and why it gives points."""

    key: EntryKey
    kind: EntryKind
    occurred_at: datetime
    request_hash: bytes
    why: tuple[Share, ...] = ()
    subject: Subject | None = None
    names: EntryKey | None = None

    @property
    def is_activity(self) -> bool:
        """Whether the entry ends the member's silence."""
        return is_activity(self.kind, self.key)


def post(wallet: Wallet, history: History, effect: Effect, reason: Reason, *, now: datetime, zone: str) -> tuple[Entry, Wallet]:
    """The entry that records `effect` on the local day of the program's `zone`, and the wallet after it.

    Time never runs backward within a wallet, whatever the clocks of two servers say; nor does the day, though there were
    zones where midnight came twice.
    """
    recorded_at = max(now, wallet.recorded_at or now)
    day = day_of_entry(wallet, now, zone)
    if reason.kind is EntryKind.PURCHASE:
        effect = replace(effect, counts=(ONE_ORDER, *effect.counts))
    if reason.is_activity:
        effect = replace(effect, active_at=reason.occurred_at)
    step = _step(wallet, history, effect, day, reason.key)
    entry = Entry(
        key=reason.key,
        kind=reason.kind,
        member=wallet.member,
        sequence=step.wallet.sequence,
        previous=wallet.last_key,
        occurred_at=reason.occurred_at,
        recorded_at=recorded_at,
        recorded_on=day,
        postings=step.postings,
        after=step.wallet.balances(),
        lapsed=step.lapsed,
        told=_kept(step.effect, reason),
        zone=zone,
        request_hash=reason.request_hash,
        why=reason.why,
        subject=reason.subject,
        names=reason.names,
    )
    return entry, replace(step.wallet, recorded_at=recorded_at, alarm=_moved_earlier(wallet, step, recorded_at, zone))


def _moved_earlier(before: Wallet, step: "_Step", now: datetime, zone: str) -> Alarm:
    """The wallet's alarm, no later than what the entry made due: by date, or at once where that has come already."""
    alarm, effect, today = step.wallet.alarm, step.effect, local_day(now, zone)
    if step.wallet.closed:
        return Alarm()
    days = dates_of(step.postings, alarm.ahead) | {spend.lapses_on for spend in effect.spends if spend.lapses_on}
    silent = _silent_on(before, effect, alarm, zone)
    # A tier may have changed.
    at_once = bool(effect.stands or effect.recounts or effect.reopens or effect.terms or effect.since)
    at_once = at_once or any(day <= today for day in silent) or _are_soon_gone(before, step.postings, alarm, today)
    return alarm.no_later((start_of(days | silent, today, zone), now if at_once else None))


def _silent_on(before: Wallet, effect: Effect, alarm: Alarm, zone: str) -> set[date]:
    """The local days on which the member is silent after an entry, if nothing else comes; an order may be told late."""
    if effect.active_at is None or (before.active_at is not None and effect.active_at <= before.active_at):
        return set()
    active_on = local_day(effect.active_at, zone)
    return {active_on + timedelta(days=days) for days in alarm.silent_after}


def _are_soon_gone(before: Wallet, postings: Iterable[Posting], alarm: Alarm, today: date) -> bool:
    """Whether points came of which the member is to be told now, because they will be gone soon: no others go with them."""
    if not alarm.ahead:
        return False
    known = {(purse.currency, lot.gone_on) for purse in before.purses for lot in purse.lots if lot.spendable_from is None}
    came = {(posting.currency, lot.gone_on) for posting in postings if posting.credit is Account.ACTIVE for lot in posting.lots}
    return any(gone_on and 0 < (gone_on - today).days <= max(alarm.ahead) for _, gone_on in came - known)


def _kept(effect: Effect, reason: Reason) -> Effect | None:
    """The effect as the entry keeps it: what its kind, its time and its postings do not tell.

    An entry of an order is by far the most frequent, and kept short.
    """
    if reason.is_activity:
        effect = replace(effect, active_at=None)
    if reason.kind is not EntryKind.PURCHASE:
        return effect
    told = replace(effect, credits=(), counts=tuple(count for count in effect.counts if count != ONE_ORDER))
    return None if told == Effect() else told


def day_of_entry(wallet: Wallet, now: datetime, zone: str) -> date:
    """The local day on which an entry made now counts."""
    return max(local_day(max(now, wallet.recorded_at or now), zone), wallet.recorded_on or date.min)


def standing(wallet: Wallet, history: History, day: date) -> Wallet:
    """The wallet as all dates up to `day` have made it: points that matured or expired, redemptions that lapsed."""
    lapsed = wallet.lapsed(day)
    if not lapsed:
        return wallet.settled(day)[0]
    rows = since(history, min(hold.sequence for hold in lapsed))
    before = _rolled_back(wallet, rows)
    return replace(_forward(before, rows, day)[0].settled(day)[0], sequence=wallet.sequence)


def upto(wallet: Wallet, history: History, row: HistoryRow, effect: Effect) -> Wallet:
    """The wallet just before `row` and settled to its day, as effective history with one more `effect` gives it."""
    rows = since(history, min([row.sequence, *(correction.sequence for correction in _corrected(effect))]))
    effects = effective(rows, row.recorded_on, effect)
    before = _rolled_back(wallet, rows)
    for earlier, restated in zip(rows, effects, strict=True):
        if earlier.sequence < row.sequence:
            before, _ = before.moved(restated, earlier.recorded_on, earlier.key)
    return before.settled(row.recorded_on)[0]


def _corrected(effect: Effect) -> tuple[Correction | Recount | Reopening, ...]:
    return (*effect.corrections, *effect.recounts, *effect.reopens)


def fold(opened: Wallet, rows: Sequence[HistoryRow], day: date | None = None) -> Wallet:
    """The wallet that `rows`, in order of sequence, make of the wallet as it was opened; settled to `day`, if given."""
    if not rows:
        return opened if day is None else opened.settled(day)[0]
    wallet, _ = _forward(opened, rows, day or rows[-1].recorded_on)
    if day is not None:
        wallet = wallet.settled(day)[0]
    return replace(wallet, sequence=rows[-1].sequence, last_key=rows[-1].key, recorded_at=rows[-1].recorded_at)


def folded(wallet: Wallet, history: History, row: HistoryRow) -> tuple[Wallet, tuple[Posting, ...]]:
    """One step of the fold: the wallet after `row`, and the postings that the row ought to hold."""
    step = _step(wallet, history, row.effect, row.recorded_on, row.key)
    return replace(step.wallet, recorded_at=row.recorded_at), step.postings


def since(history: History, sequence: int) -> list[HistoryRow]:
    """The rows from `sequence` on, oldest first; and while one of them corrects an older one, from that one on.

    Raises FaultError where the history ends before.
    """
    rows: list[HistoryRow] = []
    for row in history:
        if row.sequence < sequence:
            break
        rows.append(row)
        sequence = min(sequence, *row.corrects(), sequence)
    if not rows or rows[-1].sequence != sequence:
        raise FaultError(code=f"history without entry {sequence}")
    return rows[::-1]


class _Step(NamedTuple):
    wallet: Wallet
    postings: tuple[Posting, ...]
    lapsed: tuple[int, ...]
    effect: Effect


def _step(wallet: Wallet, history: History, effect: Effect, day: date, key: EntryKey) -> _Step:
    """What one more entry makes of a wallet."""
    lapsed = tuple(hold.sequence for hold in wallet.lapsed(day))
    corrected = [*lapsed, *(part.sequence for part in _corrected(effect))]
    effect = _numbered(wallet, effect)
    if not corrected:
        after, postings = wallet.moved(effect, day, key)
        return _Step(after, postings, (), effect)
    rows = since(history, min(corrected))
    before = _rolled_back(wallet, rows)
    after, made = _forward(before, rows, day, effect, key)
    posted = [posting for row in rows for posting in row.postings]
    currencies = sorted({posting.currency for posting in (*posted, *made)})
    postings = tuple(
        posting
        for currency in currencies
        for posting in difference(
            currency, [p for p in posted if p.currency == currency], [p for p in made if p.currency == currency]
        )
    )
    return _Step(after, postings, lapsed, effect)


def _numbered(wallet: Wallet, effect: Effect) -> Effect:
    """The effect with serial numbers for the points it gives, which they keep through every correction."""
    following: dict[str, int] = {}
    credits = []
    for credit in effect.credits:
        if credit.first is not None or not credit.points:
            credits.append(credit)
            continue
        purse = wallet.purse(credit.currency)
        purse.check_room(credit)
        first = following.get(credit.currency, purse.next_serial)
        following[credit.currency] = first + credit.points
        credits.append(replace(credit, first=first, numbered=credit.points))
    return replace(effect, credits=tuple(credits)) if credits else effect


def _forward(
    wallet: Wallet, rows: Sequence[HistoryRow], day: date, last: Effect | None = None, key: EntryKey | None = None
) -> tuple[Wallet, list[Posting]]:
    """The wallet after the effective history of `rows`, and after one more entry on `day`; and all postings on the way."""
    postings: list[Posting] = []
    for row, effect in zip(rows, effective(rows, day, last), strict=True):
        wallet, made = replace(wallet, sequence=row.sequence - 1).moved(effect, row.recorded_on, row.key)
        postings += made
    if last is not None and key is not None:
        wallet, made = wallet.moved(last, day, key)
        postings += made
    return wallet, postings


def effective(rows: Sequence[HistoryRow], day: date, last: Effect | None = None) -> list[Effect]:
    """The effects of `rows` as later ones, `last` and the lapses up to `day` leave them."""
    effects = [row.effect for row in rows]
    kept: dict[int, dict[str, int]] = {}
    recounted: dict[int, tuple[Count, ...]] = {}
    reopened: dict[int, Reopening] = {}
    used: set[int] = set()
    # The last that was recorded holds, also where the rows stand in the order in which they occurred.
    recorded = [effect for _, effect in sorted(zip(rows, effects, strict=True), key=lambda pair: pair[0].sequence)]
    for effect in (*recorded, last or Effect()):
        used.update(effect.uses)
        for correction in effect.corrections:
            kept.setdefault(correction.sequence, {})[correction.currency] = correction.points
        for recount in effect.recounts:
            recounted[recount.sequence] = recount.counts
        for reopening in effect.reopens:
            reopened[reopening.sequence] = reopening
    return [
        _without_lapsed(
            replace(found, counts=recounted.get(row.sequence, found.counts)).corrected(kept.get(row.sequence, {})),
            row.sequence in used,
            day,
        )
        for row, effect in zip(rows, effects, strict=True)
        for found in (_reopened(effect, reopened.get(row.sequence)),)
    ]


def _reopened(effect: Effect, reopening: Reopening | None) -> Effect:
    if reopening is None:
        return effect
    return replace(effect, credits=reopening.credits, spends=reopening.spends, counts=reopening.counts)


def _without_lapsed(effect: Effect, used: bool, day: date) -> Effect:
    if used or not any(_lapsed(spend, day) for spend in effect.spends):
        return effect
    return replace(effect, spends=tuple(spend for spend in effect.spends if not _lapsed(spend, day)))


def _lapsed(spend: Spend, day: date) -> bool:
    return spend.held and spend.lapses_on is not None and spend.lapses_on <= day


def _rolled_back(wallet: Wallet, rows: Sequence[HistoryRow]) -> Wallet:
    """The wallet before `rows`, which were the last to change it; of its claims and holds, those that are older."""
    before = wallet
    for row in reversed(rows):
        for posting in reversed(row.postings):
            before = before.with_purse(before.purse(posting.currency).undone(posting))
        for credit in row.effect.credits:
            if credit.first is not None:
                purse = before.purse(credit.currency)
                before = before.with_purse(replace(purse, next_serial=min(purse.next_serial, credit.first)))
    claimed: dict[tuple[str, date | None], int] = {}
    counted: list[Count] = []
    told: list[str] = []
    for effect in effective(rows, wallet.recorded_on or date.min):
        counted += effect.counts
        told += [term.event for term in effect.terms]
        for spend in effect.spends:
            if spend.reward is not None:
                for until in spend.claims:
                    claimed[spend.reward, until] = claimed.get((spend.reward, until), 0) - 1
    first, left = rows[0], any(row.effect.empties for row in rows)
    return replace(
        before,
        closed=wallet.closed and not left,
        merged_into=None if left else wallet.merged_into,
        sequence=first.sequence - 1,
        last_key=first.previous,
        holds=tuple(hold for hold in wallet.holds if hold.sequence < first.sequence),
        claims=before.claims_with(claimed),
        # What is forgotten and the tier told last stay as they are: the way forward passes the entries that say so again.
        counts=added(before.counts, taken(counted), before.forgotten),
        terms=tuple(term for term in before.terms if term.event not in told),
    )
