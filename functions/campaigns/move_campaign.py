"""Use case: an operator starts, pauses, resumes or cancels a campaign."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from functions.campaigns.find_campaign import Found, Status, find
from shared.domain.campaign import Campaign, OnDate, Recurrence
from shared.domain.control import Act, CampaignState, Control, Step
from shared.domain.errors import CampaignOverError, CampaignStateError, FaultError, LaurelError, TryAgainError
from shared.domain.season import wall_instant
from shared.ports import Campaigns, Clock, Programs, Schedules
from shared.ports import Recurrence as Again

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""What EventBridge Scheduler replaces by the instant that a call was due at."""
GOES_ON = (Act.START, Act.RESUME)


@dataclass(frozen=True)
class Calendar:
    """Where a dated campaign's moments are kept, so that they come to the minute: as calls of the function `target`.

    Nothing hangs on them: the standing tick finds what they missed. `failed` tells what could not be removed.
    """

    schedules: Schedules
    target: str
    stage: str
    failed: Callable[[LaurelError], None]

    def name(self, id: str) -> str:
        """The schedule of a campaign."""
        return f"{self.stage}-campaign-{id}"

    def put(self, found: Found) -> None:
        """Let a dated campaign come at its moments. Raises TryAgainError, FaultError."""
        when = moments_of(found.campaign, found.own_zone)
        if when is not None:
            payload = {"task": "fire", "campaign": found.campaign.id, "at": SCHEDULED_TIME}
            self.schedules.put(self.name(found.campaign.id), when, payload, self.target)

    def remove(self, found: Found) -> None:
        """Let it come no more. What is left of it calls for a tick, and gives nothing."""
        try:
            self.schedules.remove(self.name(found.campaign.id))
        except (TryAgainError, FaultError) as error:
            self.failed(error)


def moments_of(campaign: Campaign, zone: str) -> datetime | Again | None:
    """When a dated campaign comes, at the wall clock of `zone`; None for one that comes for each member by themselves."""
    match campaign.trigger:
        case OnDate(at=at):
            return wall_instant(at, zone)
        case Recurrence(every=every, at=at, weekday=weekday, day=day):
            hour, minute = int(at[:2]), int(at[3:])
            days = {"day": "* * ?", "week": f"? * {(weekday or '')[:3].upper()}", "month": f"{day} * ?"}
            return Again(f"{minute} {hour} {days[every]} *", zone)
    return None


def move_campaign(
    id: str,
    act: Act,
    operator: str,
    reason: str,
    *,
    campaigns: Campaigns,
    programs: Programs,
    clock: Clock,
    calendar: Calendar,
) -> Status:
    """Do something with a campaign; what the same operator did last, for the same reason, is not done twice.

    Its moments are kept before it is started or resumed, and dropped after it is paused or cancelled: so they are never
    missing. Raises CampaignUnknownError, CampaignStateError, CampaignOverError, TryAgainError, FaultError.
    """
    now = clock.now()
    found = find(programs.latest(), id, now)
    step = Step(act, now, operator, reason)
    before = campaigns.controls([id])[id]
    _moved(before, step, found)
    if act in GOES_ON:
        calendar.put(found)
    after = campaigns.change(id, lambda control: _moved(control, step, found))
    if act not in GOES_ON:
        calendar.remove(found)
    return Status(found, after, now)


def _moved(control: Control, step: Step, found: Found) -> Control:
    if _is_repeated(control, step):
        return control
    if not found.is_there and step.act is not Act.CANCEL:
        raise CampaignStateError(campaign=control.campaign, state=CampaignState.ENDED, act=step.act)
    if step.act is Act.START:
        _refuse_what_is_over(found, step.at)
    return control.after(step, found.campaign, found.zone)


def _is_repeated(control: Control, step: Step) -> bool:
    """Whether an operator's last act was this one."""
    last = next((done for done in reversed(control.steps) if done.act is not Act.FINISH), None)
    return last is not None and (last.act, last.by, last.reason) == (step.act, step.by, step.reason)


def _refuse_what_is_over(found: Found, now: datetime) -> None:
    """Raises CampaignOverError for a campaign that could give nothing any more."""
    campaign, trigger = found.campaign, found.campaign.trigger
    for text in (trigger.at if isinstance(trigger, OnDate) else None, campaign.ends):
        if text is not None and (at := wall_instant(text, found.own_zone)) <= now:
            raise CampaignOverError(campaign=campaign.id, at=at)
