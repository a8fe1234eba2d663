"""Use cases: which campaigns there are, where each one stands, and when it comes next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.campaign import Campaign, Dated, OnDate
from shared.domain.control import CampaignState, Control
from shared.domain.errors import BeforeProgramError, CampaignUnknownError, ProgramMissingError
from shared.domain.moments import occurrences
from shared.domain.program import ProgramVersion, in_force
from shared.domain.run import Run
from shared.domain.season import wall_instant
from shared.ports import Campaigns, Clock, Programs, Runs

A_MONTH = timedelta(days=32)
"""Whatever comes again comes again within it."""
RUNS_MAX = 50
"""The newest runs are told, so many of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A campaign as the newest `version` has it of those that hold now or will.

    `is_there` is false where none of these has it: then the version is the last one that had it.
    """

    campaign: Campaign
    version: ProgramVersion
    is_there: bool = True

    @property
    def zone(self) -> str:
        """The program's zone."""
        return self.version.program.time_zone

    @property
    def own_zone(self) -> str:
        """The zone of the campaign's wall times."""
        return self.campaign.zone(self.zone)

    def state(self, control: Control, now: datetime) -> CampaignState:
        """Where it stands after all that was done with it. What is no longer in the program has ended."""
        return control.state(self.campaign, self.zone, control.as_of(now)) if self.is_there else CampaignState.ENDED

    def next_at(self, control: Control, now: datetime) -> datetime | None:
        """When it comes next: a date's next moment, or the instant from which it runs; None where there is none to tell."""
        state, campaign, zone = self.state(control, now), self.campaign, self.own_zone
        if state not in (CampaignState.SCHEDULED, CampaignState.RUNNING):
            return None
        starts = wall_instant(campaign.starts, zone) if campaign.starts else now
        if not isinstance(campaign.trigger, Dated):
            return starts if state is CampaignState.SCHEDULED else None
        # What comes at the very moment at which it starts comes.
        after = max(now, starts - timedelta.resolution)
        until = wall_instant(campaign.trigger.at, zone) if isinstance(campaign.trigger, OnDate) else after + A_MONTH
        at = next(iter(occurrences(campaign, self.zone, after, until)), None)
        return None if at and campaign.ends and at >= wall_instant(campaign.ends, zone) else at


@dataclass(frozen=True, slots=True)
class Status:
    """A campaign, what was done with it, and where that leaves it now."""

    found: Found
    control: Control
    now: datetime
    runs: tuple[Run, ...] = ()

    @property
    def state(self) -> CampaignState:
        """Where it stands."""
        return self.found.state(self.control, self.now)

    @property
    def next_at(self) -> datetime | None:
        """When it comes next."""
        return self.found.next_at(self.control, self.now)


def find_all(versions: Sequence[ProgramVersion], now: datetime) -> list[Found]:
    """The campaigns of the newest version, then those that hold now or will by another one."""
    found: dict[str, Found] = {}
    for version in _holding(versions, now):
        for campaign in version.program.campaigns:
            found.setdefault(campaign.id, Found(campaign, version))
    return list(found.values())


def _holding(versions: Sequence[ProgramVersion], now: datetime) -> list[ProgramVersion]:
    """The versions that hold now or will, the newest first."""
    try:
        current = in_force(versions, now).version
    except (ProgramMissingError, BeforeProgramError):
        current = 0
    return [version for version in reversed(versions) if version.version == current or version.effective_from > now]


def find(versions: Sequence[ProgramVersion], id: str, now: datetime) -> Found:
    """The campaign with this id. Raises CampaignUnknownError where the program never had it."""
    there = _of(id, _holding(versions, now)) or _of(id, reversed(versions), is_there=False)
    if there is None:
        raise CampaignUnknownError
    return there


def _of(id: str, versions: Iterable[ProgramVersion], *, is_there: bool = True) -> Found | None:
    for version in versions:
        if id in version.program.campaigns_by_id:
            return Found(version.program.campaigns_by_id[id], version, is_there)
    return None


def list_campaigns(*, campaigns: Campaigns, programs: Programs, clock: Clock) -> list[Status]:
    """All campaigns of the program. Raises TryAgainError."""
    now = clock.now()
    there = find_all(programs.latest(), now)
    controls = campaigns.controls([found.campaign.id for found in there])
    return [Status(found, controls[found.campaign.id], now) for found in there]


def find_campaign(id: str, *, campaigns: Campaigns, programs: Programs, clock: Clock) -> Status:
    """One campaign. Raises CampaignUnknownError, TryAgainError."""
    now = clock.now()
    return Status(find(programs.latest(), id, now), campaigns.controls([id])[id], now)


def with_runs(status: Status, *, runs: Runs) -> Status:
    """The campaign with its runs, the newest first. Raises TryAgainError."""
    newest = reversed(runs.of(status.found.campaign.id)[-RUNS_MAX:])
    return replace(status, runs=tuple(newest))
