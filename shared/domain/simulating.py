"""Dry runs: what a program would have given for orders, refunds and activities, told so that two programs can be compared.

Every decision is the one that is used in earnest (shared.domain.dry_books); nothing is posted anywhere. The rules of a dry
run are in docs/dry-run.md.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Self

from shared.domain.activity import ActivityReport
from shared.domain.calendar import first_instant, local_day
from shared.domain.cap import BudgetKey
from shared.domain.dry_books import Books, Happening, Posted, Shopper, key_of
from shared.domain.entry import EntryKey, MemberId
from shared.domain.errors import InvalidError, LaurelError, RefusedError, UnknownError
from shared.domain.membership import Term
from shared.domain.program import Program, ProgramVersion
from shared.domain.purchase import Purchase

TOP = 10
"""How many of those who win or lose most are named."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that happened. What is not `counted` prepares the ground: it earns and uses caps, and no total tells it."""

    what: Happening
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller knows of a member; `enrolled_at` None: when they first bought or did something."""

    member: MemberId
    enrolled_at: datetime | None = None
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """All that happens in a run, in order of `occurred_at` (as given, where that is equal), and to whom.

    At the end of each of `days`, in order, the members' tiers are counted.
    """

    parts: tuple[Part, ...]
    shoppers: Mapping[MemberId, Shopper]
    days: tuple[date, ...]

    @classmethod
    def of(cls, parts: Iterable[Part], known: Iterable[Known], days: Collection[date], zone: str) -> Self:
        """The script of these parts. Without `days`, the last one on which something happened in `zone`.

        Members of whom neither an enrolment nor anything else is known are left out.
        """
        inorder = tuple(sorted(parts, key=lambda part: part.what.occurred_at))
        shoppers = {
            one.member: Shopper(one.member, one.enrolled_at, one.attributes, one.terms)
            for one in _whole(inorder, known)
            if one.enrolled_at
        }
        if not days and inorder:
            days = [local_day(inorder[-1].what.occurred_at, zone)]
        return cls(inorder, shoppers, tuple(sorted(set(days))))


def _whole(parts: Sequence[Part], known: Iterable[Known]) -> Iterable[Known]:
    """What is known of every member, with the enrolment that their parts give."""
    found = {one.member: one for one in known}
    for part in parts:
        if isinstance(part.what, Purchase | ActivityReport):
            member = MemberId(part.what.member_id)
            one = found.setdefault(member, Known(member))
            if one.enrolled_at is None:
                found[member] = replace(one, enrolled_at=part.what.occurred_at)
    return found.values()


@dataclass(slots=True)
class RuleTotal:
    """A rule's net `points`, in how many orders and activities it gave some, and in how many it applied at all."""

    points: int = 0
    gave: int = 0
    applied: int = 0


@dataclass(slots=True)
class CutTotal:
    """In how many orders a cap left less than its rules wished for, and how many points these missed."""

    orders: int = 0
    points: int = 0


@dataclass(slots=True)
class RefusedTotal:
    """How many of the parts were refused for the same reason, and which one was the first."""

    first: EntryKey
    count: int = 0


@dataclass(slots=True)
class Outcome:
    """What a version makes of a script.

    `points` are net, by currency and member; `rules` by currency and rule, those included that never applied; `tiers` by
    the end of a day, None for members without one; `spent` what all budgets gave, with what they had given before.
    """

    version: ProgramVersion
    points: dict[str, Counter[MemberId]]
    rules: dict[tuple[str, str], RuleTotal]
    cuts: dict[str, CutTotal]
    refused: dict[type[LaurelError], RefusedTotal] = field(default_factory=dict)
    tiers: dict[date, dict[str | None, int]] = field(default_factory=dict)
    spent: Mapping[BudgetKey, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, version: ProgramVersion) -> Self:
        """Nothing yet, of everything that the program has."""
        program = version.program
        return cls(
            version,
            points={currency.code: Counter() for currency in program.currencies},
            rules={(rule.currency, rule.id): RuleTotal() for rule in program.earning_rules},
            cuts={cap.id: CutTotal() for cap in program.caps},
        )

    @property
    def program(self) -> Program:
        """The version's document."""
        return self.version.program

    def total(self, currency: str) -> int:
        """Net points of a currency; 0 where the program does not have it."""
        return sum(self.points.get(currency, Counter()).values())

    def cost(self, currency: str) -> int | None:
        """What these points cost in minor units; None where the program does not say."""
        found = next((one for one in self.program.currencies if one.code == currency), None)
        return found.cost.of(self.total(currency)) if found and found.cost else None

    def give(self, posted: Posted) -> None:
        """Count what an entry gave or took back, and what caps kept from it."""
        entry = posted.entry
        for share in entry.why:
            self.points[share.currency][entry.member] += share.points
            rule = self.rules.setdefault((share.currency, share.rule), RuleTotal())
            rule.points += share.points
            if entry.names is None:
                rule.applied += 1
                rule.gave += share.points > 0
        for cap, points in posted.missed.items():
            self.cuts[cap].orders += 1
            self.cuts[cap].points += points

    def refuse(self, error: LaurelError, key: EntryKey) -> None:
        """Count what was refused."""
        self.refused.setdefault(type(error), RefusedTotal(key)).count += 1


def run(version: ProgramVersion, script: Script, spent: Mapping[BudgetKey, int]) -> Outcome:
    """What the version gives for the script where its budgets had given `spent` before."""
    books, outcome, waiting = Books(version, script.shoppers, spent), Outcome.empty(version), list(script.days)
    for part in script.parts:
        while waiting and part.what.occurred_at >= _end(waiting[0], version.program.time_zone):
            day = waiting.pop(0)
            outcome.tiers[day] = books.tiers(day)
        _play(books, part, outcome)
    for day in waiting:
        outcome.tiers[day] = books.tiers(day)
    outcome.spent = books.spent
    return outcome


def _end(day: date, zone: str) -> datetime:
    return first_instant(day + timedelta(days=1), zone)


def _play(books: Books, part: Part, outcome: Outcome) -> None:
    try:
        posted = books.post(part.what)
    except (InvalidError, UnknownError, RefusedError) as error:
        if part.counted:
            outcome.refuse(error, key_of(part.what))
        return
    if posted is not None and part.counted:
        outcome.give(posted)


@dataclass(frozen=True, slots=True)
class Change:
    """A member's net points of a currency under two programs."""

    member: MemberId
    draft: int
    active: int

    @property
    def difference(self) -> int:
        """What the draft gives more."""
        return self.draft - self.active


@dataclass(frozen=True, slots=True)
class Group:
    """Members for whom a currency's points differ in one direction: how many, by how much in all, and the first TOP."""

    members: int
    points: int
    top: tuple[Change, ...]

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Self:
        """The group of these; those with the greatest difference first, by their ids on a tie."""
        found = sorted(changes, key=lambda change: (-abs(change.difference), change.member))
        return cls(len(found), sum(change.difference for change in found), tuple(found[:TOP]))


@dataclass(frozen=True, slots=True)
class Swing:
    """Who gets more of a currency under the draft, and who less."""

    currency: str
    winners: Group
    losers: Group


def swings(draft: Outcome, active: Outcome | None) -> list[Swing]:
    """How two programs differ for members, by each currency that one of them has; `active` None gives nothing."""
    others = active.points if active else {}
    found = []
    for currency in dict.fromkeys([*draft.points, *others]):
        mine, theirs = draft.points.get(currency, Counter()), others.get(currency, Counter())
        changes = [Change(member, mine[member], theirs[member]) for member in {**mine, **theirs}]
        winners = Group.of(change for change in changes if change.difference > 0)
        found.append(Swing(currency, winners, Group.of(change for change in changes if change.difference < 0)))
    return found
