"""The proof of what is counted beside the ledger, from the entries alone: charities, rewards' stocks, budgets, referrals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from shared.domain.audit import Break
from shared.domain.cap import BudgetKey
from shared.domain.donating import CharityMonth, Given, gift_of, summed
from shared.domain.entry import Entry, EntryKind
from shared.domain.grant_books import limits_drawn, tallied
from shared.domain.program import ProgramVersion
from shared.domain.referral_books import Beside, ReferralTallies
from shared.domain.rule_audit import Rulebook, drawn
from shared.domain.stock import Stock
from shared.domain.subject import Redemption

NOTHING_BESIDE = Beside()
CampaignPeriod = tuple[str, str]
"""A campaign, and the period of a date; `ever` for what is of no date."""


@dataclass(frozen=True, slots=True)
class MonthOf:
    """Which totals: a charity's, of the month that begins on `month`, of one currency of money."""

    charity: str
    month: date
    money: str

    @classmethod
    def of(cls, totals: CharityMonth) -> Self:
        """The place of these totals."""
        return cls(totals.charity, totals.month, totals.given.money)


@dataclass
class Tallies:
    """What the entries of the members so far make due.

    `used` are rewards' redemptions that took one of the stock and are used; `held` those that are neither used nor cancelled,
    by the day on which they lapse. `drawn` are points of budgets, all shards together, by the rules of `rulebook`; and bonuses
    of campaigns and draws that have only so many, which are `limited`. `referrals` are the counters of referrals, `campaigns`
    those of what campaigns gave, by campaign and period.
    """

    rulebook: Rulebook = field(default_factory=lambda: Rulebook({}))
    given: dict[MonthOf, Given] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    held: dict[str, Counter[date | None]] = field(default_factory=dict)
    drawn: Counter[BudgetKey] = field(default_factory=Counter)
    limited: dict[BudgetKey, int] = field(default_factory=dict)
    referrals: ReferralTallies = field(default_factory=ReferralTallies)
    campaigns: dict[CampaignPeriod, Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, books: Iterable[Sequence[Entry]], versions: Sequence[ProgramVersion] = ()) -> Self:
        """The tallies of all members' entries, with all versions of the program."""
        tallies = cls(Rulebook.of(versions))
        for entries in books:
            tallies.add(entries)
        return tallies

    def add(self, entries: Sequence[Entry], beside: Beside = NOTHING_BESIDE) -> None:
        """Count one member's entries; all of them, because a use or a cancellation is the same member's.

        `beside` is what stands of the member's referral in other books.
        """
        self.referrals.add(entries, beside)
        ended = {entry.names: entry.kind for entry in entries if entry.kind in (EntryKind.USE, EntryKind.CANCELLATION)}
        for budget, points in drawn(self.rulebook, entries):
            self.drawn[budget] += points
        for budget, count, most in limits_drawn(entries, self.rulebook.versions):
            self.drawn[budget] += count
            self.limited[budget] = max(most, self.limited.get(budget, 0))
        for campaign, period, counts in tallied(entries):
            self.campaigns.setdefault((campaign, period), Counter()).update(counts)
        for entry in entries:
            self._add_gift(entry)
            if isinstance(entry.subject, Redemption) and entry.subject.stocked:
                self._add_stocked(entry.subject, ended.get(entry.key))

    def pass_over(self, campaign: str, period: str, reason: str) -> None:
        """Count that a campaign passed somebody over, under a period."""
        self.campaigns.setdefault((campaign, period), Counter())[f"passed:{reason}"] += 1

    def _add_gift(self, entry: Entry) -> None:
        gift = gift_of(entry)
        if gift is None:
            return
        place = MonthOf(gift.charity, gift.day.replace(day=1), gift.money)
        before = self.given.get(place, Given(gift.money, 0, 0, 0))
        [self.given[place]] = summed([before, Given(gift.money, gift.points, gift.value, 1)])

    def _add_stocked(self, found: Redemption, ended: EntryKind | None) -> None:
        if found.immediate or ended is EntryKind.USE:
            self.used[found.reward] += 1
        elif ended is None:
            self.held.setdefault(found.reward, Counter())[found.lapses_on] += 1

    def rewards(self) -> set[str]:
        """Rewards of which the members took one of a stock."""
        return self.used.keys() | self.held.keys()

    def charity_break(self, place: MonthOf, found: Given | None) -> Break | None:
        """Whether these totals, None where there are none, are not the sum of the donations."""
        due = self.given.get(place)
        if found == due:
            return None
        where = f"{place.charity} in {place.month:%Y-%m}"
        return Break("a charity's totals are the sum of its donations", where, f"{found}, due {due}")

    def stock_break(self, reward: str, found: Stock | None, day: date) -> Break | None:
        """Whether a stock does not count the redemptions that took one of it and are in effect on the local day `day`."""
        stock = found or Stock(reward, total=0)
        due = self.used[reward], _on(self.held.get(reward, {}).items(), day)
        told = stock.used, _on(stock.held.items(), day)
        if told == due:
            return None
        promise = "a reward's stock counts the redemptions that took one"
        return Break(promise, reward, f"used and held {told}, due {due}")

    def budget_break(self, budget: BudgetKey, spent: int) -> Break | None:
        """Whether the shards of a budget do not count the points that its rules gave, or count more than any version allows."""
        due, most = self.drawn[budget], self.limited.get(budget, 0) or self._limit(budget.cap)
        where = f"{budget.cap} since {budget.since}" if budget.since else budget.cap
        if spent != due:
            return Break("a budget counts the points that its rules gave", where, f"{spent}, due {due}")
        if not 0 <= due <= most:
            return Break("a budget counts the points that its rules gave", where, f"{due} given, the limit is {most}")
        return None

    def campaign_break(self, campaign: str, period: str, found: Mapping[str, int]) -> Break | None:
        """Whether the counters of a campaign are not what its grants, refunds and markers come to."""
        due, told = (+Counter(counts) for counts in (self.campaigns.get((campaign, period), {}), found))
        if told == due and all(count > 0 for count in found.values()):
            return None
        return Break(
            "what a campaign gave is counted as it was given", f"{campaign} of {period}", f"{dict(found)}, due {dict(due)}"
        )

    def _limit(self, cap: str) -> int:
        """The most that any version allows: one may have lowered it later."""
        programs = [version.program for version in self.rulebook.versions.values()]
        limits = (program.limit_of(program.caps_by_id[cap]) for program in programs if cap in program.caps_by_id)
        return max(limits, default=0)


def _on(held: Iterable[tuple[date | None, int]], day: date) -> dict[str, int]:
    """Those that have not lapsed on `day`, by the day they do."""
    return {str(lapses_on): count for lapses_on, count in held if count and (lapses_on is None or lapses_on > day)}
