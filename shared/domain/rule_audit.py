"""The proof that an entry gave what rules of its program version may give, and counted it: shares, caps, limits, credit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor

from shared.domain.calendar import first_of_period, local_day
from shared.domain.cap import BudgetKey, Cap
from shared.domain.counts import Count, credit_name
from shared.domain.entry import Entry, EntryKey, EntryKind, Share, award_key
from shared.domain.grant_audit import day_of_grant, grant_breaks, multiplier_of
from shared.domain.grant_books import of_grant
from shared.domain.program import Program, ProgramVersion
from shared.domain.rating import basket_of
from shared.domain.referral_audit import award_breaks, of_referral, step_breaks
from shared.domain.rule import ActivityRule, EarningRule
from shared.domain.subject import Activity, Award, Grant, Recognized
from shared.domain.wallet import Wallet

Found = tuple[str, str]
"""A promise, and what was found instead."""
GIVING = (EntryKind.PURCHASE, EntryKind.ACTIVITY)
"""Entries of which rules decide."""
TAKING_BACK = (EntryKind.REFUND, EntryKind.VOID, EntryKind.CLAWBACK, EntryKind.BILLING)
"""Entries that take back what such an entry or an award gave."""
BY_RULES = "rules give what their program version says"
IN_ROOM = "no cap or limit of a member is exceeded"
COUNTED = "what an entry counts is what its rules gave"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The versions of a program by number."""

    versions: Mapping[int, ProgramVersion]

    @classmethod
    def of(cls, versions: Sequence[ProgramVersion]) -> "Rulebook":
        """The rulebook of all versions there are."""
        return cls({version.version: version for version in versions})

    def program(self, entry: Entry) -> Program | None:
        """The program that an entry's reasons name; None where it has none, or names a version that is not there."""
        found = self.versions.get(entry.why[0].program_version) if entry.why else None
        return found.program if found else None

    def breaks(self, entry: Entry, before: Wallet) -> Iterator[Found]:
        """What is wrong with an entry, where `before` is the wallet before it. Without any versions nothing is said."""
        if isinstance(entry.subject, Recognized):
            yield from _recognition(entry, entry.subject)
        yield from step_breaks(entry, before, self.versions)
        yield from award_breaks(entry, before, self.versions)
        yield from grant_breaks(entry, before, self.versions)
        if not self.versions or entry.kind not in (*GIVING, EntryKind.AWARD, EntryKind.GRANT) or not entry.why:
            return
        program = self.program(entry)
        if program is None:
            yield BY_RULES, f"there is no version {entry.why[0].program_version}"
            return
        yield from _caps(entry, program, before)
        if entry.kind not in GIVING:
            return
        yield from _shares(entry, program, self.versions)
        yield from _limits(entry, program, before)
        yield from _credit(entry, program)


def _rules(entry: Entry, program: Program) -> Iterator[tuple[EarningRule, int]]:
    """The rules of the document among the reasons, with the points of each."""
    for share in entry.why:
        if rule := program.rules_by_id.get(share.rule):
            yield rule, share.points


def _shares(entry: Entry, program: Program, versions: Mapping[int, ProgramVersion]) -> Iterator[Found]:
    """Each share is of a rule or benefit of one version, not negative, and within the room that its caps left."""
    levels = {f"tier:{level.id}" for level in program.tiers.levels} if program.tiers else set()
    benefits = levels | {f"membership:{plan.id}" for plan in program.memberships}
    activity = entry.subject.activity if isinstance(entry.subject, Activity) else None
    for share in entry.why:
        rule = program.rules_by_id.get(share.rule)
        known = share.rule in benefits or multiplier_of(share, versions) if rule is None else rule.currency == share.currency
        if isinstance(rule, ActivityRule) or activity is not None:
            known = isinstance(rule, ActivityRule) and rule.activity == activity and share.points <= rule.points
        if not known or share.program_version != entry.why[0].program_version:
            yield BY_RULES, f"{share}"
        if not 0 <= share.points <= (share.points if share.room is None else share.room):
            yield IN_ROOM, f"{share}"
        if (share.room is not None) != bool(rule and rule.caps):
            yield BY_RULES, f"{share}, caps {rule.caps if rule else []}"


def _day_of(entry: Entry, program: Program) -> date:
    """The local day whose caps and budgets an entry uses."""
    if isinstance(entry.subject, Award):
        return entry.subject.given_on or entry.recorded_on
    if isinstance(entry.subject, Grant):
        return day_of_grant(entry, entry.subject, program)
    return local_day(entry.occurred_at, program.time_zone)


def _caps(entry: Entry, program: Program, before: Wallet) -> Iterator[Found]:
    day = _day_of(entry, program)
    due: dict[tuple[Cap, str], int] = {}
    for name, points in _by_cap(entry, program).items():
        cap = program.caps_by_id[name]
        if cap.scope == "program" or not points:
            continue
        due[cap, name] = points
        used = before.counted(cap.count_name, cap.since(day))
        if used + points > program.limit_of(cap):
            yield IN_ROOM, f"{used} and {points} more of {name}, the limit is {program.limit_of(cap)}"
    counts = {Count(cap.count_name, cap.since(day), points) for (cap, _), points in due.items()}
    told = {count for count in entry.effect.counts if count.name.startswith("cap:")}
    if told != counts:
        yield COUNTED, f"{told}, due {counts}"


def _by_cap(entry: Entry, program: Program) -> dict[str, int]:
    found: dict[str, int] = {}
    for share in entry.why:
        for cap in program.caps_of_rules.get(share.rule, ()):
            found[cap] = found.get(cap, 0) + share.points
    return found


def _limits(entry: Entry, program: Program, before: Wallet) -> Iterator[Found]:
    day = local_day(entry.occurred_at, program.time_zone)
    counts = set()
    for rule, _ in _rules(entry, program):
        for limit in rule.limits if isinstance(rule, ActivityRule) else ():
            count = Count(f"limit:{rule.id}:{limit.per}", None if limit.per == "ever" else first_of_period(limit.per, day), 1)
            counts.add(count)
            if before.counted(count.name, count.day) >= limit.count:
                yield IN_ROOM, f"{count} beyond {limit.count} times"
    told = {count for count in entry.effect.counts if count.name.startswith("limit:")}
    if told != counts:
        yield COUNTED, f"{told}, due {counts}"


def _credit(entry: Entry, program: Program) -> Iterator[Found]:
    """Credit is of the order's day and of the measure that tiers have, and as much as what the entry is about."""
    told = [count for count in entry.effect.counts if count.name.startswith("tier:")]
    tiers, day = program.tiers, local_day(entry.occurred_at, program.time_zone)
    place = (credit_name(tiers.measure), day) if tiers else None
    least, most = _creditable(entry, program)
    amount = sum(count.amount for count in told)
    if any((count.name, count.day) != place for count in told) or len(told) > 1 or not least <= amount <= most:
        yield COUNTED, f"{told}, due {least} to {most} at {place}"


def _creditable(entry: Entry, program: Program) -> tuple[int, int]:
    """The least and the most credit that an entry may count."""
    tiers, order = program.tiers, entry.purchase
    if tiers is None:
        return 0, 0
    if tiers.metric == "points":
        # The floor of what the rules gave exactly: their shares have floors of their own, and the base's has the others' rests.
        own = [share for share in entry.why if share.currency == tiers.currency]
        shares = [points for rule, points in _rules(entry, program) if rule.qualifying and rule.currency == tiers.currency]
        return max(0, sum(shares) - len(own[1:])), sum(shares) + len(shares[1:])
    if order is None:
        return 0, 0
    basket = basket_of(order, [line.amount for line in order.lines], program)
    due = {"spend": floor(basket.money()), "orders": int(basket.money() > 0)}.get(tiers.metric, 0)
    return due, due


def _recognition(entry: Entry, subject: Recognized) -> Iterator[Found]:
    """A recognition uses the giver's allowance and gives the taker new points, as many."""
    given = sum(credit.points for credit in entry.effect.credits if credit.currency == subject.currency)
    used = sum(count.amount for count in entry.effect.counts if count.name.startswith(f"allowance:{subject.recognition}:"))
    due = (0, subject.points) if entry.kind is EntryKind.RECOGNITION else (subject.points, 0)
    if (given, used) != due:
        yield COUNTED, f"gave {given} and used {used} of an allowance, due {due}"


def drawn(rulebook: Rulebook, entries: Sequence[Entry]) -> Iterator[tuple[BudgetKey, int]]:
    """What one member's entries drew from budgets or returned to them, all shards of a budget together."""
    by_key: dict[EntryKey, Entry] = {entry.key: entry for entry in entries}
    for entry in entries:
        # A refund may take back what an order gave and brought, and what a referral gave, each by a version of its own.
        for share in entry.why:
            version, origin = rulebook.versions.get(share.program_version), _origin(share, entry, by_key)
            if version is None or origin is None or not share.points:
                continue
            for name in version.program.caps_of_rules.get(share.rule, ()):
                cap = version.program.caps_by_id[name]
                if cap.scope == "program":
                    yield BudgetKey(name, cap.since(_day_of(origin, version.program))), share.points


def _origin(share: Share, entry: Entry, by_key: Mapping[EntryKey, Entry]) -> Entry | None:
    """The entry that gave the points which a reason gives or takes back; None where it is not there."""
    if entry.kind in (*GIVING, EntryKind.AWARD, EntryKind.GRANT):
        return entry
    if entry.kind not in TAKING_BACK:
        return None
    if of_grant(share):
        order = by_key.get(entry.names or entry.key)
        grants = (by_key.get(EntryKey(key)) for key in order.effect.gave) if order else ()
        return next((grant for grant in grants if grant and share.rule in {one.rule for one in grant.why}), None)
    named = award_key(entry.member) if of_referral(share) and entry.kind is not EntryKind.CLAWBACK else entry.names
    return by_key.get(named or entry.key)
