"""Use cases: what a campaign would give if it came now, member by member, before it gives anything."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from functions.campaigns.find_campaign import Found, find
from shared.domain.alarm import SHARDS
from shared.domain.campaign import OnPurchase, PointsBonus, RewardBonus
from shared.domain.cap import BudgetKey
from shared.domain.errors import RequestInvalidError, RewardUnknownError
from shared.domain.program import ProgramVersion, version_of
from shared.domain.run import Part, Run, RunKind, summed
from shared.ports import Budgets, Clock, Machine, Programs, Rewards, Runs

ROOM = "room"
"""The part of a dry run that keeps for how many bonuses there was room when it began."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A dry run, what was `counted` so far, and for how many bonuses each limit left `room` when it began."""

    run: Run
    version: ProgramVersion
    counted: Mapping[str, int]
    room: Mapping[str, int]

    @property
    def eligible(self) -> int:
        """Members to whom the campaign would give its bonus, each looked at alone."""
        return self.counted.get("granted", 0)

    @property
    def members(self) -> int:
        """So many of them as there is room for."""
        return min(self.eligible, *self.room.values()) if self.room else self.eligible

    @property
    def given(self) -> Counter[str]:
        """What these are given, as the report of a campaign counts it. Each is given the same."""
        what = {name: count for name, count in self.counted.items() if ":" in name and not name.startswith("passed:")}
        what["multipliers"] = self.counted.get("multipliers", 0)
        share = {name: count * self.members // self.eligible for name, count in what.items() if count}
        return Counter({"granted": self.members, **share})


def begin_dry_run(
    id: str,
    breakage_percent: int,
    *,
    runs: Runs,
    machine: Machine,
    budgets: Budgets,
    rewards: Rewards,
    programs: Programs,
    clock: Clock,
) -> Run:
    """Begin to look at everybody; where the same dry run is under way, that one.

    Raises CampaignUnknownError, RequestInvalidError for a campaign that comes with orders, TryAgainError, FaultError.
    """
    now = clock.now()
    found = find(programs.latest(), id, now)
    if isinstance(found.campaign.trigger, OnPurchase):
        raise RequestInvalidError(faults=[{"path": "campaign_id", "reason": "comes with orders: there is nobody to look at"}])
    run = Run(
        kind=RunKind.DRY_RUN,
        campaign=id,
        period=f"{now:%Y-%m-%dT%H-%M-%SZ}",
        version=found.version.version,
        due_at=now,
        started_at=now,
        member_list=found.campaign.audience.member_list,
        breakage_percent=breakage_percent,
    )
    under_way = next((going for going in runs.going() if _is_same(going, run)), None)
    if under_way is None:
        room = dict(_room(found, now, budgets=budgets, rewards=rewards))
        # Before the run is there: so whoever reads it finds both.
        runs.advance(run, ROOM, Part(), Part(done=True, counts=room, version=1))
        under_way = runs.begin(run) or runs.run(run.name)
    # Once for each attempt: a start whose answer was lost is made up for.
    machine.start(under_way.name, under_way.attempt, range(SHARDS), under_way.member_list)
    return under_way


def _is_same(going: Run, run: Run) -> bool:
    def what(one: Run) -> tuple[RunKind, str | None, int, int]:
        return one.kind, one.campaign, one.version, one.breakage_percent

    return what(going) == what(run)


def _room(found: Found, now: datetime, *, budgets: Budgets, rewards: Rewards) -> Iterator[tuple[str, int]]:
    """For how many bonuses each limit leaves room now."""
    campaign, program = found.campaign, found.version.program
    if campaign.draw and campaign.draw.winners is not None:
        yield "winners", campaign.draw.winners
    if campaign.grants_max is not None:
        key = BudgetKey(f"grants:{campaign.id}", None)
        yield "grants_max", max(0, campaign.grants_max - budgets.spent([key])[key])
    if isinstance(campaign.bonus, PointsBonus):
        caps = [program.caps_by_id[name] for name in campaign.caps]
        for cap in (cap for cap in caps if cap.scope == "program"):
            spent = sum(budgets.spent(cap.keys(found.version.today(now))).values())
            yield f"cap:{cap.id}", max(0, program.limit_of(cap) - spent) // campaign.bonus.points
    if isinstance(campaign.bonus, RewardBonus):
        yield from _stock(campaign.bonus.reward, found.version, now, rewards)


def _stock(reward: str, version: ProgramVersion, now: datetime, rewards: Rewards) -> Iterator[tuple[str, int]]:
    try:
        limited = rewards.get(reward).reward.stock_limited
    except RewardUnknownError:
        yield "stock", 0
        return
    if limited:
        yield "stock", max(0, rewards.stock([reward])[reward].available(version.today(now)))


def read_dry_run(id: str, period: str, *, runs: Runs, programs: Programs) -> Forecast:
    """How far a dry run has come, and what it counted. Raises RunUnknownError, TryAgainError."""
    run = runs.run(f"{RunKind.DRY_RUN}.{id}.{period}")
    parts = dict(runs.parts(run))
    room = parts.pop(ROOM, Part())
    return Forecast(run, version_of(programs.latest(), run.version), summed(iter(parts.values())), room.counts)
