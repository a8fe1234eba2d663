"""A member's standing: the tier that the wallet's qualifying credit comes to, and the paid memberships beside it.

The wallet keeps the credit by local day; the program says what it comes to. Nothing waits for a job: the tier is asked
for whenever something needs it, for the instant of an order or for now. An entry tells a change, so that it is an event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.domain.calendar import first_of_period, local_day
from shared.domain.counts import CREDIT, Count, Forgotten, added, credit_name, taken
from shared.domain.effect import Effect, Recount, Standing
from shared.domain.history import History, effective
from shared.domain.membership import active_at, protected_days
from shared.domain.program import ProgramVersion
from shared.domain.tier import Benefits, Level, Outlook, Policies, Record, Tiers, opening_for, outlook, tier_on
from shared.domain.wallet import Wallet

FORGET_AT = 48
"""Days of counts that the wallet need not keep any more before they are dropped, many at once: dropping is a write too."""


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
            enrolled_on=local_day(wallet.enrolled_at, self.zone),
            credit=tuple(credit.get(mine, ())),
            opening=wallet.forgotten.opening if wallet.forgotten else None,
            protected=protected_days(wallet.terms, self.version.program.memberships, self.zone),
            others={measure: tuple(credit.get(measure, ())) for measure in measures - {mine}},
        )


def tier_at(wallet: Wallet, history: History, course: Course, at: datetime) -> Level | None:
    """The tier by all credit of what occurred before the instant `at`, as it is known now."""
    if course.tiers is None:
        return None
    day = local_day(at, course.zone)
    name = credit_name(course.tiers.measure)
    if wallet.recorded_at is not None and at <= wallet.recorded_at and wallet.counted(name, day):
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
        if row.occurred_at >= at:
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
    forgets = _reopened(wallet, course, effect, history) or _forgets(after, course, day)
    if forgets is not None:
        after = replace(after, forgotten=forgets)
    level = tier_now(after, course, day)
    tier = level.id if level else None
    before = wallet.standing.tier if wallet.standing else None
    return replace(effect, stands=Standing(tier, day) if tier != before else None, forgets=forgets)


def _after(wallet: Wallet, effect: Effect, history: History) -> Wallet:
    counts = [*effect.counts, *_recounted(wallet, effect.recounts, history)]
    terms = (*(term for term in wallet.terms if term.event not in {t.event for t in effect.terms}), *effect.terms)
    return replace(wallet, counts=added(wallet.counts, counts, wallet.forgotten), terms=terms)


def _recounted(wallet: Wallet, recounts: Sequence[Recount], history: History) -> list[Count]:
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
    return _forgotten(course.record(wallet), course, kept_from)


def _forgotten(record: Record, course: Course, kept_from: date) -> Forgotten:
    # A cap's period may be a year, which began before; its week may have begun before that.
    before = first_of_period("week", first_of_period("year", kept_from))
    return Forgotten(kept_from, before, opening_for(record, course.policies, kept_from))


def _reopened(wallet: Wallet, course: Course, effect: Effect, history: History) -> Forgotten | None:
    """What was forgotten, told anew where credit of that time is restated: out of the whole history."""
    forgotten = wallet.forgotten
    if forgotten is None or course.tiers is None or not effect.recounts:
        return None
    rows = list(history)[::-1]
    restated = {recount.sequence for recount in effect.recounts}
    if not any(forgotten.covers(count) for row in rows if row.sequence in restated for count in row.effect.counts):
        return None
    counts: tuple[Count, ...] = ()
    for restored in effective(rows, wallet.recorded_on or date.min, effect):
        counts = added(counts, restored.counts)
    whole = replace(wallet, counts=counts, forgotten=None)
    return _forgotten(course.record(whole), course, forgotten.kept_from)
