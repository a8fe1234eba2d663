"""Whether a campaign runs: what operators did with it, each with its instant, and the state that this comes to."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.domain.campaign import Campaign, OnDate
from shared.domain.errors import CampaignStateError
from shared.domain.season import wall_instant


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Act(StrEnum):
    """What was done with a campaign; `finish` is done by the last run of a date, all else by operators."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Step:
    """An act, when it was done, by whom (a digest), and why; for a start, the `kind` of the campaign's trigger then."""

    act: Act
    at: datetime
    by: str
    reason: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """All that was done with a campaign, oldest first. `version` counts the changes of its item."""

    campaign: str
    steps: tuple[Step, ...] = ()
    version: int = 0

    @property
    def started_at(self) -> datetime | None:
        """When it was started, the last time; None for a draft."""
        return next((step.at for step in reversed(self.steps) if step.act is Act.START), None)

    def state(self, campaign: Campaign, zone: str, at: datetime) -> CampaignState:
        """The state at an instant, as known now; `zone` is the program's."""
        done = [step.act for step in self.steps if step.at <= at]
        kind = next((step.kind for step in reversed(self.steps) if step.act is Act.START and step.at <= at), None)
        # Another campaign took the id over: nobody started that one.
        if not done or kind not in (None, campaign.trigger.kind):
            return CampaignState.DRAFT
        if done[-1] in (Act.CANCEL, Act.FINISH):
            return CampaignState.ENDED
        zone = campaign.zone(zone)
        if campaign.ends and at >= wall_instant(campaign.ends, zone):
            return CampaignState.ENDED
        if done[-1] is Act.PAUSE:
            return CampaignState.PAUSED
        starts = [campaign.starts] if campaign.starts else []
        starts += [campaign.trigger.at] if isinstance(campaign.trigger, OnDate) else []
        if any(at < wall_instant(text, zone) for text in starts):
            return CampaignState.SCHEDULED
        return CampaignState.RUNNING

    def as_of(self, now: datetime) -> datetime:
        """Now, by the clock that is ahead: the server's that asks, or that of whoever did the last thing with the campaign."""
        return max((now, *(step.at for step in self.steps)))

    def runs(self, campaign: Campaign, zone: str, at: datetime) -> bool:
        """Whether it gives something at an instant."""
        return self.state(campaign, zone, at) is CampaignState.RUNNING

    def after(self, step: Step, campaign: Campaign, zone: str) -> "Control":
        """The control after one more act. Raises CampaignStateError where the state does not allow it."""
        at = self.as_of(step.at)
        state = self.state(campaign, zone, at)
        if state not in ALLOWED[step.act]:
            raise CampaignStateError(campaign=self.campaign, state=state, act=step.act)
        kind = campaign.trigger.kind if step.act is Act.START else None
        return replace(self, steps=(*self.steps, replace(step, at=at, kind=kind)), version=self.version + 1)


_LIVE = (CampaignState.SCHEDULED, CampaignState.RUNNING)
ALLOWED = {
    Act.START: (CampaignState.DRAFT,),
    Act.PAUSE: _LIVE,
    Act.RESUME: (CampaignState.PAUSED,),
    Act.CANCEL: (*_LIVE, CampaignState.PAUSED),
    Act.FINISH: (*_LIVE, CampaignState.PAUSED),
}
"""The states in which each act can be done."""
