"""The course of a member's tier over the days (the rules of points, 20; docs/tiers.md).

A member's tier on a day is a pure function of the net qualifying credit by local day, so a refund takes an upgrade with it,
late credit lifts a past review, redeeming never matters, and no job has to run for a tier to be right.
"""

from bisect import bisect_left, bisect_right
from calendar import isleap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate, count, islice, pairwise

from shared.domain.tier import (
    SHORTEST_YEAR,
    Anniversary,
    CalendarYear,
    Credit,
    Level,
    Opening,
    Outlook,
    Policies,
    Record,
    Rolling,
    Tiers,
)

_DAY = timedelta(days=1)
_NONE = -1
"""The place below the first level."""
_LEAP_DAY = (2, 29)


def tier_on(record: Record, policies: Policies, day: date) -> Level | None:
    """The level as it stands during `day`, None below the first. Credit of later days is ignored."""
    return _Course(record, policies, day).level(day)


def outlook(record: Record, policies: Policies, day: date) -> Outlook:
    """The tier on `day`, the way to the next one and the day on which it falls. Credit of later days is ignored."""
    course = _Course(record, policies, day)
    stretch = course.stretch(day)
    if stretch is None or stretch.rules.tiers is None:
        return Outlook(level=None)
    rules, place = stretch.rules, course.place(day)
    level, above = rules.level(place), rules.level(place + 1)
    credited = stretch.credited(day)
    return Outlook(
        level=level,
        credited=credited,
        next=above,
        missing=above.threshold - credited if above else None,
        falls_on=(falls_on := course.fall(day, level) if level else None),
        falls_to=course.level(falls_on) if falls_on else None,
        period_start=rules.years.begin(rules.years.containing(day)) if rules.years else rules.window_from(day),
        period_end=rules.years.begin(rules.years.containing(day) + 1) if rules.years else None,
        review_on=course.next_review(day),
    )


def opening_for(record: Record, policies: Policies, keep_from: date) -> Opening:
    """The latest opening that changes no tier from `keep_from` on, whatever credit comes or goes on those days.

    `keep_from` is not before the enrolment.
    Credit before its day may be dropped. A change that `policies` does not hold yet may want to look further back: where
    `keep_from` is at least 731 days ago, the year in which it falls and the one before are still there.
    """
    course = _Course(record, policies, date.max)
    oldest = record.opening or Opening(day=min(course.begin, keep_from))
    return max((oldest, *course.openings(keep_from)), key=lambda opening: opening.day)


class _Sums:
    """Credit, ready to be summed over any run of days."""

    __slots__ = ("days", "sums")

    def __init__(self, credit: Credit, first: date, last: date) -> None:
        if credit and (credit[0][0] < first or credit[-1][0] > last):
            credit = tuple(item for item in credit if first <= item[0] <= last)
        self.days = [day for day, _ in credit]
        self.sums = list(accumulate([amount for _, amount in credit], initial=0))

    def over(self, first: date, last: date) -> int:
        """The credit of `first` to `last`, both included."""
        return self.sums[bisect_right(self.days, last)] - self.sums[bisect_left(self.days, first)]

    def between(self, first: date, last: date) -> list[date]:
        """The days with credit after `first`, up to `last`."""
        return self.days[bisect_right(self.days, first) : bisect_right(self.days, last)]


@dataclass(slots=True)
class _Years:
    """The years of one member under one policy; a year goes by the number of the calendar year in which it begins.

    What was claimed from before the enrolment counts to the first of an anniversary's years.
    """

    month: int
    day: int
    first: int | None = None

    def begin(self, year: int) -> date:
        """The first day of a year."""
        if (self.month, self.day) == _LEAP_DAY and not isleap(year):
            return date(year, self.month, self.day - 1)
        return date(year, self.month, self.day)

    def containing(self, day: date) -> int:
        """The year to which the credit of `day` counts."""
        year = day.year if day >= self.begin(day.year) else day.year - 1
        return year if self.first is None else max(year, self.first)

    def counts_from(self, year: int) -> date:
        """The first day whose credit counts to a year."""
        return date.min if self.first is not None and year <= self.first else self.begin(year)


class _Rules:
    """A policy from `first` until before `end`, for one member. A level goes by its place, 0 being the lowest."""

    __slots__ = ("end", "first", "grace", "sums", "thresholds", "tiers", "window", "years")

    def __init__(self, record: Record, tiers: Tiers | None, first: date, end: date, sums: _Sums) -> None:
        self.tiers, self.first, self.end, self.sums = tiers, first, end, sums
        self.thresholds = [level.threshold for level in tiers.levels] if tiers else []
        self.grace = timedelta(days=tiers.grace_days if tiers else 0)
        self.years: _Years | None = None
        self.window: Rolling | None = None
        period = tiers.period if tiers else None
        if isinstance(period, CalendarYear):
            self.years = _Years(int(period.starts[:2]), int(period.starts[3:]))
        elif isinstance(period, Anniversary):
            self.years = _Years(record.enrolled_on.month, record.enrolled_on.day, record.enrolled_on.year)
        else:
            self.window = period

    def reached(self, credit: int) -> int:
        """The place that so much credit gives."""
        return bisect_right(self.thresholds, credit) - 1

    def level(self, place: int) -> Level | None:
        """The level at a place; None below the first and above the last."""
        return self.tiers.levels[place] if self.tiers and 0 <= place < len(self.thresholds) else None

    def place(self, level: Level | None) -> int:
        """Where a level of any policy stands here: by its id, else the highest with a threshold not above its own."""
        if level is None:
            return _NONE
        for place, own in enumerate(self.tiers.levels if self.tiers else []):
            if own.id == level.id:
                return place
        return self.reached(level.threshold)

    def review(self, held: int, year: int, on: date) -> int:
        """The place that the review of a year, held `on` a day, leaves to a member who ended the year before at `held`."""
        if self.tiers is None or self.years is None:
            return _NONE
        kept = min(held, self.reached(self.sums.over(self.years.counts_from(year - 1), on - _DAY)))
        return max(kept, held - 1) if self.tiers.downgrade == "one_step" else kept

    def window_from(self, day: date) -> date | None:
        """The first day that counts on `day` in a rolling period."""
        return self.window.first_day(day) if self.window else None

    def looks_back_to(self, day: date) -> date:
        """The first day whose credit may decide, if the policy begins on `day`."""
        if self.years:
            year = self.years.containing(day)
            return self.years.counts_from(year - 1 if day <= self.years.begin(year) + self.grace else year)
        return self.window.first_day(day - self.grace) if self.window else day


@dataclass(slots=True)
class _Stretch:
    """Days from `start` until before `end` on which one rule decides the tier without protection.

    In a year: at least `floor`, and what the credit since `since` gives. `year` is set where a stretch begins with the review
    of a year: its first day.
    """

    start: date
    end: date
    rules: _Rules
    since: date = date.min
    floor: int = _NONE
    year: date | None = None

    def credited(self, day: date) -> int:
        """The credit that counts on `day`."""
        first = self.rules.window_from(day) or self.since
        return self.rules.sums.over(first, day)

    def highest(self, first: date, last: date) -> int:
        """The highest place on any day of the stretch from `first` to `last`; either may lie outside of it."""
        first, last = max(first, self.start), min(last, self.end - _DAY)
        if self.rules.window is None:
            # Within a year credit only grows.
            return max(self.floor, self.rules.reached(self.rules.sums.over(self.since, last)))
        # A window's sum grows only on days with credit; grace lets windows count that ended before.
        opened = first - self.rules.grace
        return self.rules.reached(max(self.credited(day) for day in (opened, *self.rules.sums.between(opened, last))))


@dataclass(slots=True)
class _Standing:
    """Where a member stands in a year: `held` when it began, `base` since its review, `reached` in it under older policies.

    `due`: the review is still to come.
    """

    year: int
    held: int = _NONE
    base: int = _NONE
    reached: int = _NONE
    due: bool = False


class _Course:
    """A member's way through the tiers, as far as it was asked for. Protection comes on top of it."""

    def __init__(self, record: Record, policies: Policies, last: date) -> None:
        self.opening = record.opening
        self.runs = _merged(record.protected)
        firsts = [credit[0][0] for credit in (record.credit, *record.others.values()) if credit]
        self.begin = min(record.opening.day if record.opening else min([record.enrolled_on, *firsts]), last)
        self.policies = _segments(record, policies, self.begin, last)
        self._stretches: list[_Stretch] = []
        self._rest = self._walk()

    def stretches(self) -> Iterator[_Stretch]:
        """All stretches from the first on; walked only as far as they are taken."""
        for index in count():
            if index == len(self._stretches):
                self._stretches.extend(islice(self._rest, 1))
            if index == len(self._stretches):
                return
            yield self._stretches[index]

    def stretch(self, day: date) -> _Stretch | None:
        """The stretch with `day`; None before the first policy."""
        found = next((stretch for stretch in self.stretches() if day < stretch.end), None)
        return found if found and found.start <= day else None

    def place(self, day: date) -> int:
        """The place on `day`, with protection."""
        stretch = self.stretch(day)
        if stretch is None:
            return _NONE
        run = next((run for run in self.runs if run[0] <= day < run[1]), None)
        return self.protected(run, day, stretch.rules) if run else stretch.highest(day, day)

    def level(self, day: date) -> Level | None:
        """The level on `day`, with protection."""
        stretch = self.stretch(day)
        return stretch.rules.level(self.place(day)) if stretch else None

    def protected(self, run: tuple[date, date], day: date, rules: _Rules) -> int:
        """The highest place since the day before a protected run until `day`, among the levels of `rules`."""
        first, place, before = run[0] - _DAY, _NONE, None
        for stretch in self.stretches():
            if stretch.start > day:
                break
            if before is None:
                place = self._held(run, stretch.rules)
            elif before is not stretch.rules:
                place = stretch.rules.place(before.level(place))
            before = stretch.rules
            if stretch.end > first:
                place = max(place, stretch.highest(first, day))
        return rules.place(before.level(place)) if before else _NONE

    def _held(self, run: tuple[date, date], rules: _Rules) -> int:
        opening = self.opening
        if opening is None or opening.held is None or opening.held_since is None or rules.tiers is None:
            return _NONE
        return rules.place(rules.tiers.level(opening.held)) if run[0] <= opening.held_since < run[1] else _NONE

    def next_review(self, day: date) -> date | None:
        """The first day after `day` that begins with a review."""
        until = self._horizon(day)
        for stretch in self.stretches():
            if stretch.start > day and stretch.year:
                return stretch.start
            if stretch.end > until:
                break
        return None

    def fall(self, day: date, level: Level) -> date | None:
        """The first day after `day` on which the level is lower than `level`, if there is one."""
        until = self._horizon(day)
        changes = (rules.first for rules in self.policies if rules.first > day)
        # Without new credit a tier never rises, except where the policy changes.
        for first, end in pairwise(sorted({day + _DAY, *changes, until})):
            if self._lower(end - _DAY, level):
                days = range((end - first).days)
                return first + timedelta(bisect_left(days, True, key=lambda n: self._lower(first + timedelta(n), level)))
        return None

    def _lower(self, day: date, level: Level) -> bool:
        stretch = self.stretch(day)
        if stretch is None or stretch.rules.tiers is None:
            return True
        place = self.place(day)
        if stretch.rules.tiers.level(level.id):
            return place < stretch.rules.place(level)
        now = stretch.rules.level(place)
        return now is None or now.threshold < level.threshold

    def _horizon(self, day: date) -> date:
        """A day by which everything that comes without new credit has come."""
        rules = self.policies[-1]
        known = [rules.first, *(end for _, end in self.runs if end != date.max)]
        reach = 4 * timedelta(days=SHORTEST_YEAR + 1)
        if rules.window:
            reach = day - rules.window.first_day(day) + rules.grace + timedelta(days=5)
        return max(day, *known) + reach

    def openings(self, keep_from: date) -> Iterator[Opening]:
        """Days before which no credit is needed from `keep_from` on, and what must be known instead."""
        for stretch in self.stretches():
            if stretch.start >= keep_from:
                break
            rules = stretch.rules
            if stretch.year and self._suffices(stretch.year, rules):
                tier = rules.level(stretch.floor)
                yield self._holding(Opening(stretch.year, tier.id if tier else None), stretch.start, rules)
            if rules.window and rules.first < keep_from <= rules.end:
                day = rules.window.first_day(keep_from - _DAY - rules.grace)
                if day > self.begin and self._suffices(day, rules):
                    yield self._holding(Opening(day), keep_from, rules)

    def _suffices(self, day: date, rules: _Rules) -> bool:
        """Whether neither these rules nor later ones look further back than `day`."""
        later = [other for other in self.policies if other.first > rules.first]
        return rules.first <= day and all(day <= other.looks_back_to(other.first) for other in later)

    def _holding(self, opening: Opening, on: date, rules: _Rules) -> Opening:
        """The opening, with what a range that is protected `on` a day holds."""
        run = next((run for run in self.runs if run[0] <= on <= run[1]), None)
        held = rules.level(self.protected(run, on - _DAY, rules)) if run else None
        return replace(opening, held=held.id, held_since=run[0]) if run and held else opening

    def _walk(self) -> Iterator[_Stretch]:
        before: _Stretch | None = None
        standing: _Standing | None = None
        for rules in self.policies:
            if rules.years is None:
                before, standing = _Stretch(rules.first, rules.end, rules), None
                yield before
                continue
            standing = self._met(rules, rules.years, before, standing)
            day = rules.first
            while day < rules.end:
                stretches, standing = _year(rules, rules.years, standing, day)
                yield from stretches
                before = stretches[-1]
                day = before.end
                if day < rules.end:
                    standing = _Standing(standing.year + 1, held=before.highest(day - _DAY, day - _DAY), due=True)

    def _met(self, rules: _Rules, years: _Years, before: _Stretch | None, standing: _Standing | None) -> _Standing:
        """Where the member stands when a policy by years begins, after `before` (None: it is the first one)."""
        year = years.containing(rules.first)
        if before is None:
            opened = self.opening and self.opening.tier and rules.tiers and rules.tiers.level(self.opening.tier)
            return _Standing(year, base=rules.place(opened or None))
        last = rules.first - _DAY
        held = rules.place(before.rules.level(before.highest(last, last)))
        if standing is None or before.rules.years != years:
            # Another kind of period: its next review decides, or this year's if it is not over.
            return _Standing(year, held=held, base=held, due=rules.first <= years.begin(year) + rules.grace)
        if year > standing.year:
            return _Standing(year, held=held, due=True)
        own = before.rules.reached(before.credited(last))
        places = (standing.held, standing.base, max(standing.reached, own))
        held, base, reached = (rules.place(before.rules.level(place)) for place in places)
        return _Standing(year, held, base, reached, standing.due)


def _year(rules: _Rules, years: _Years, standing: _Standing, first: date) -> tuple[list[_Stretch], _Standing]:
    """The stretches of a year from `first` on, as far as the policy goes, and the standing after them."""
    begin, end = years.begin(standing.year), min(years.begin(standing.year + 1), rules.end)
    since = years.counts_from(standing.year)
    if not standing.due:
        return [_Stretch(first, end, rules, since, max(standing.base, standing.reached))], standing
    on = max(first, begin + rules.grace)
    waiting = _Stretch(first, min(on, end), rules, since, max(standing.held, standing.reached))
    if on >= end:
        return [waiting], standing
    base = rules.review(standing.held, standing.year, on)
    decided = _Stretch(on, end, rules, since, max(base, standing.reached), year=begin)
    after = _Standing(standing.year, standing.held, base, standing.reached)
    return [waiting, decided] if first < on else [decided], after


def _segments(record: Record, policies: Policies, begin: date, last: date) -> list[_Rules]:
    """The policies from `begin` on, with the credit they count; one that says the same as the one before goes on."""
    sums: dict[str, _Sums] = {}
    changes: list[tuple[date, Tiers | None]] = []
    for first, tiers in dict(policies).items():
        if not changes or (changes[-1][1] is not tiers and changes[-1][1] != tiers):
            changes.append((first, tiers))
    segments = []
    for (first, tiers), (end, _) in pairwise([*changes, (date.max, None)]):
        if end <= begin:
            continue
        measure = tiers.measure if tiers and record.others else ""
        if measure not in sums:
            sums[measure] = _Sums(record.others.get(measure, record.credit), begin, last)
        segments.append(_Rules(record, tiers, max(first, begin), end, sums[measure]))
    return segments


def _merged(ranges: Sequence[tuple[date, date | None]]) -> list[tuple[date, date]]:
    """The ranges in order; those that touch are one, and an open end is the end of all days."""
    runs: list[tuple[date, date]] = []
    for first, end in sorted((first, end or date.max) for first, end in ranges):
        if runs and first <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        elif first < end:
            runs.append((first, end))
    return runs
