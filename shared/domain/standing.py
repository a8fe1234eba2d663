"""A member's standing: the tier that the wallet's qualifying credit comes to, and the paid memberships beside it.

The wallet keeps the credit by local day; the program says what it comes to. Nothing waits for a job: the tier is asked
for whenever something needs it, for the instant of an order or for now. An entry tells a change, so that it is an event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.domain.calendar import CLOCK_SKEW_MAX, first_instant, local_day
from shared.domain.counts import CREDIT, Count, Forgotten, added, credit_name, kept, taken
from shared.domain.effect import Effect, Recount, Reopening, Standing
from shared.domain.entry import EntryKind, HistoryRow
from shared.domain.errors import BeforeProgramError
from shared.domain.history import History, effective
from shared.domain.membership import active_at, protected_days, with_terms
from shared.domain.program import ProgramVersion, in_force
from shared.domain.tier import Benefits, Level, Opening, Outlook, Policies, Record, Tiers
from shared.domain.tier_course import opening_for, outlook, tier_on
from shared.domain.wallet import Wallet

FORGET_AT = 48
"""Days of counts that the wallet need not keep any more before they are dropped, many at once: dropping is a write too."""
DROP_AT = 12
"""Terms of memberships that the wallet need not keep any more before they are dropped, many at once."""


@dataclass(frozen=True, slots=True)
class Course:
    """The versions of the program that took effect by an instant, as far as tiers ask."""

    version: ProgramVersion
    policies: Policies
    zone: str

    @classmethod
    def by(cls, versions: Sequence[ProgramVersion], version: ProgramVersion) -> "Course":
        """The course up to `version`, the one in force. One that took effect during a local day holds from that day on."""
        zone = version.program.time_zone
        if version.program.tiers is None:
            return cls(version, (), zone)
        place = version.effective_from, version.version
        started = sorted(
            (v.effective_from, v.version, v.program.tiers) for v in versions if (v.effective_from, v.version) <= place
        )
        policies: dict[date, Tiers | None] = {}
        for effective_from, _, tiers in started:
            policies[local_day(effective_from, zone)] = tiers
        return cls(version, tuple(policies.items()), zone)

    @property
    def tiers(self) -> Tiers | None:
        """The tiers that hold."""
        return self.version.program.tiers

    def record(self, wallet: Wallet) -> Record:
        """What decides the member's tier, as the wallet keeps it."""
        credit: dict[str, list[tuple[date, int]]] = {}
        for count in wallet.counts:
            if count.day is not None and count.name.startswith(CREDIT):
                credit.setdefault(count.name.removeprefix(CREDIT), []).append((count.day, count.amount))
        measures = {tiers.measure for _, tiers in self.policies if tiers}
        mine = self.tiers.measure if self.tiers else ""
        return Record(
            enrolled_on=min(filter(None, (local_day(wallet.enrolled_at, self.zone), wallet.since))),
            credit=tuple(credit.get(mine, ())),
            opening=wallet.forgotten.opening if wallet.forgotten else None,
            protected=protected_days(wallet.terms, self.version.program.memberships, self.zone),
            others={measure: tuple(credit.get(measure, ())) for measure in measures - {mine}},
        )


def course_now(versions: Sequence[ProgramVersion], now: datetime) -> Course:
    """The course of the program up to now; a till's clock may be a little ahead of the first version."""
    try:
        return Course.by(versions, in_force(versions, now))
    except BeforeProgramError:
        return Course.by(versions, min(versions, key=lambda version: (version.effective_from, version.version)))


def tier_at(wallet: Wallet, history: History, course: Course, at: datetime) -> Level | None:
    """The tier by all credit of what occurred before the instant `at`, as it is known now."""
    if course.tiers is None:
        return None
    day = local_day(at, course.zone)
    name = credit_name(course.tiers.measure)
    # A till's clock may run ahead: what was recorded before may have occurred after.
    late = wallet.recorded_at is not None and at <= wallet.recorded_at + CLOCK_SKEW_MAX
    if late and wallet.counted(name, day):
        # Some of that day's credit may have come later that day.
        wallet = replace(wallet, counts=added(wallet.counts, taken(_since(wallet, history, name, at, day))))
    return tier_on(course.record(wallet), course.policies, day)


def _since(wallet: Wallet, history: History, name: str, at: datetime, day: date) -> Iterable[Count]:
    """The day's credit by entries that occurred at `at` or later."""
    rows = []
    for row in history:
        # A clock may be ahead, so an order's day may be the one after it was recorded.
        if row.recorded_on < day - timedelta(days=1):
            break
        rows.append(row)
    rows.reverse()
    for row, effect in zip(rows, effective(rows, wallet.recorded_on or day), strict=True):
        # What came over from another member is from before it came, and is taken as known by then.
        if row.occurred_at >= at and row.kind is not EntryKind.ARRIVAL:
            yield from (count for count in effect.counts if (count.name, count.day) == (name, day))


def tier_now(wallet: Wallet, course: Course, day: date) -> Level | None:
    """The tier on the local day `day` by all credit that the wallet has."""
    return tier_on(course.record(wallet), course.policies, day) if course.tiers else None


def outlook_now(wallet: Wallet, course: Course, day: date) -> Outlook:
    """The tier on `day`, what the next one needs, and when it falls."""
    return outlook(course.record(wallet), course.policies, day)


def benefits_at(level: Level | None, wallet: Wallet, course: Course, at: datetime) -> dict[str, Benefits]:
    """What a member has at an instant, by what gives it: `tier:<level>`, `membership:<plan>`."""
    found = {f"tier:{level.id}": level.benefits} if level else {}
    active = active_at(wallet.terms, at)
    return found | {f"membership:{p.id}": p.benefits for p in course.version.program.memberships if p.id in active}


def told(wallet: Wallet, course: Course, day: date, effect: Effect, history: History = ()) -> Effect:
    """The effect with what it does to the member's standing: the tier if it changes, and what the wallet need not keep."""
    after = _after(wallet, effect, history)
    forgets = _reopened(wallet, after, course, effect, history) or _forgets(after, course, day)
    if forgets is not None:
        after = replace(after, forgotten=forgets, counts=kept(after.counts, forgets))
    return replace(effect, stands=_changed(wallet, after, course, day), forgets=forgets, drops=_drops(after, course, day))


def _changed(wallet: Wallet, after: Wallet, course: Course, day: date) -> Standing | None:
    level = tier_now(after, course, day)
    tier = level.id if level else None
    return Standing(tier, day) if tier != tier_told(wallet, course) else None


def tier_told(wallet: Wallet, course: Course) -> str | None:
    """The tier that an entry told last. A level that everybody has is told by nothing."""
    if wallet.standing is not None:
        return wallet.standing.tier
    lowest = course.tiers.levels[0] if course.tiers else None
    return lowest.id if lowest and not lowest.threshold else None


def _after(wallet: Wallet, effect: Effect, history: History) -> Wallet:
    counts = [*effect.counts, *_recounted(wallet, (*effect.recounts, *effect.reopens), history)]
    return replace(
        wallet,
        counts=added(wallet.counts, counts, wallet.forgotten),
        terms=with_terms(wallet.terms, effect.terms),
        since=min(filter(None, (wallet.since, effect.since)), default=None),
    )


def _recounted(wallet: Wallet, recounts: Sequence[Recount | Reopening], history: History) -> list[Count]:
    """The difference that restating entries makes."""
    if not recounts:
        return []
    restated = {recount.sequence: recount.counts for recount in recounts}
    rows = []
    for row in history:
        rows.append(row)
        if row.sequence <= min(restated):
            break
    rows.reverse()
    found: list[Count] = []
    for row, effect in zip(rows, effective(rows, wallet.recorded_on or date.min), strict=True):
        if row.sequence in restated:
            found += [*restated[row.sequence], *taken(effect.counts)]
    return found


def _forgets(wallet: Wallet, course: Course, day: date) -> Forgotten | None:
    """What the wallet need not keep after `day`, if that is worth a word."""
    kept_from = day - timedelta(days=course.version.program.late_days_max)
    if kept_from <= local_day(wallet.enrolled_at, course.zone):
        return None
    if sum(count.day is not None and count.day < kept_from for count in wallet.counts) < FORGET_AT:
        return None
    forgotten = _forgotten(course.record(wallet), course, kept_from, day)
    return forgotten if sum(map(forgotten.covers, wallet.counts)) >= FORGET_AT else None


def _drops(wallet: Wallet, course: Course, day: date) -> tuple[str, ...]:
    """Billing events that can decide nothing any more, if there are many: terms that were over before any order could ask.

    A trial is kept, because there is one; an end, because it may still cut a term that is told late; and terms that protect
    tiers.
    """
    kept_from = first_instant(day - timedelta(days=course.version.program.late_days_max), course.zone)
    protecting = {plan.id for plan in course.version.program.memberships if plan.protects_tier}
    over = [
        term.event
        for term in wallet.terms
        if term.kind in ("paid", "cancelled") and (term.ends or term.starts) < kept_from and term.plan not in protecting
    ]
    return tuple(over) if len(over) >= DROP_AT else ()


def _forgotten(record: Record, course: Course, kept_from: date, told_on: date) -> Forgotten:
    known = [(first, tiers) for first, tiers in course.policies if first <= told_on]
    opening = opening_for(record, known, kept_from) if known else Opening(kept_from)
    return Forgotten(kept_from, told_on, opening)


def _told_anew(whole: Wallet, course: Course, forgotten: Forgotten) -> Forgotten:
    """What was forgotten, as the whole of a wallet's counts now gives it; never of fewer days, whose counts are gone."""
    anew = _forgotten(course.record(whole), course, forgotten.kept_from, forgotten.told_on)
    return anew if anew.opening.day >= forgotten.opening.day else forgotten


def _reopened(wallet: Wallet, after: Wallet, course: Course, effect: Effect, history: History) -> Forgotten | None:
    """What was forgotten, told anew where credit or protection of that time is restated: out of the whole history."""
    forgotten = wallet.forgotten
    restated = {recount.sequence for recount in effect.recounts} | {reopening.sequence for reopening in effect.reopens}
    if forgotten is None or course.tiers is None or not (restated or effect.terms):
        return None
    if effect.terms and not _protects_otherwise(wallet, after, course, forgotten):
        return None
    rows = list(history)[::-1]
    recounted = any(forgotten.covers(count) for row in rows if row.sequence in restated for count in row.effect.counts)
    if restated and not recounted:
        return None
    whole = replace(after, counts=counts_of(rows, wallet, effect), forgotten=None)
    return _told_anew(whole, course, forgotten)


def counts_of(
    rows: Sequence[HistoryRow], wallet: Wallet, effect: Effect | None = None, before: int | None = None
) -> tuple[Count, ...]:
    """All that these rows of a wallet's history, oldest first, ever counted and count after one more `effect`.

    `before` is the sequence of the entry up to which it is counted; later ones may restate earlier ones all the same.
    """
    counts: tuple[Count, ...] = ()
    for row, restored in zip(rows, effective(rows, wallet.recorded_on or date.min, effect), strict=True):
        if before is None or row.sequence < before:
            counts = added(counts, restored.counts)
    return counts


def merged(
    survivor: Wallet, leaver: Wallet, histories: tuple[History, History], effect: Effect, course: Course, day: date
) -> Effect:
    """The arrival of a merged member's counts, with what both together come to.

    `histories` are the survivor's and the leaver's. What either wallet had forgotten is counted once more.
    """
    if leaver.forgotten is not None:
        effect = replace(effect, counts=counts_of(list(histories[1])[::-1], leaver))
    if survivor.forgotten is None:
        return told(survivor, course, day, effect)
    # Years that began on other days could not be told from what is kept.
    effect = replace(effect, since=None)
    whole = _after(replace(survivor, counts=counts_of(list(histories[0])[::-1], survivor), forgotten=None), effect, ())
    forgets = _told_anew(whole, course, survivor.forgotten)
    stands = _changed(survivor, replace(whole, forgotten=forgets, counts=kept(whole.counts, forgets)), course, day)
    return replace(effect, forgets=forgets, stands=stands)


def _protects_otherwise(wallet: Wallet, after: Wallet, course: Course, forgotten: Forgotten) -> bool:
    """Whether a membership that is told late changes what protected the tier in the time that was forgotten."""
    last = forgotten.kept_from

    def spans(there: Wallet) -> list[tuple[date, date]]:
        found = course.record(there).protected
        return [(first, min(end or last, last)) for first, end in found if first <= forgotten.opening.day]

    return spans(wallet) != spans(after)
