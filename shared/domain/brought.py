"""What is told of the friends that a member or a campaign brought, out of the lists and counters beside the ledger."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.entry import MemberId
from shared.domain.program import Program
from shared.domain.referral import ADVOCATE, FRIEND
from shared.domain.referral_counts import COUNTERS
from shared.domain.referred import ReferralState, shown

GIVEN = "given:"
"""How the counters of points begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Friend:
    """A friend as listed with whoever brought them: `source` is a member's id or a campaign's.

    `signs` are the last ones of farming, `reason` is why the referral was undone or rejected. `given` are points by side and
    currency as they were given, also where they were taken back since.
    """

    friend: MemberId
    source: str
    state: ReferralState
    flagged: bool
    joined_on: date
    code: str | None = None
    qualified_on: date | None = None
    held_until: date | None = None
    orders: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    reason: str | None = None
    given: tuple[tuple[str, str, int], ...] = ()

    def shown(self, day: date) -> str:
        """The state as people are told it on a local day."""
        return shown(self.state, self.held_until, day)

    def advocates_points(self) -> dict[str, int] | None:
        """What the advocate has for this friend, by currency; None where there is nothing, or it was taken back."""
        if self.state is not ReferralState.AWARDED:
            return None
        return {currency: points for side, currency, points in self.given if side == ADVOCATE}


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of one source, or of several: by the names of COUNTERS, and points given by side and currency."""

    source: str
    counts: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        """How often something happened."""
        return self.counts.get(name, 0)

    @property
    def acquired(self) -> int:
        """Friends whose award stands: held or rewarded."""
        return acquired(self.counts)

    def given(self) -> list[tuple[str, str, int]]:
        """Points by side and currency, less what was taken back; the advocate's first."""
        return given(self.counts)


def acquired(counts: Mapping[str, int]) -> int:
    """Awards less those that were undone."""
    return counts.get("awarded", 0) - counts.get("cancelled", 0) - counts.get("clawed_back", 0)


def given(counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Points by side and currency, less what was taken back; the advocate's first."""
    found = []
    for side in (ADVOCATE, FRIEND):
        start = f"{GIVEN}{side}:"
        found += [(side, name.removeprefix(start), points) for name, points in sorted(counts.items()) if name.startswith(start)]
    return found


def is_counter(name: str) -> bool:
    """Whether an attribute of a tally or of the funnel counts something."""
    return name in COUNTERS or name.startswith(GIVEN)


def is_member(source: str) -> bool:
    """Whether a source is a member's id: ids of campaigns begin with a small letter, and members' with a digit."""
    return not source[:1].islower()


@dataclass(frozen=True, slots=True)
class Flag:
    """A referral that waits for an operator since `flagged_at`."""

    friend: Friend
    flagged_at: datetime


@dataclass(frozen=True, slots=True)
class Funnel:
    """What referrals did in a time: counters by the names of COUNTERS, and what they cost at the program's costs."""

    counts: Counter[str]
    program: Program

    def cost_of(self, currency: str, points: int) -> int | None:
        """Minor units that points of a currency cost, rounded up; None where the program does not say or has no such."""
        cost = next((one.cost for one in self.program.currencies if one.code == currency), None)
        return cost.of(points) if cost else None

    @property
    def cost(self) -> int | None:
        """Minor units that all points cost; None where some of a currency without a cost were given."""
        points = Counter[str]()
        for _, currency, amount in given(self.counts):
            points[currency] += amount
        costs = [self.cost_of(currency, amount) for currency, amount in points.items() if amount]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    @property
    def cost_per_acquired(self) -> int | None:
        """Minor units a friend whose award stands, rounded up; None where there is none, or no cost."""
        friends, cost = acquired(self.counts), self.cost
        return ceil_div(cost, friends) if cost is not None and friends > 0 else None


def ceil_div(amount: int, parts: int) -> int:
    """The quotient, rounded up."""
    return -(-amount // parts)
