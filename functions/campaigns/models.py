"""Requests and answers of campaigns."""

from typing import Annotated, Any, Self

from pydantic import Field

from functions.campaigns.find_campaign import Status
from shared.api.fields import Answer, Instant, Request
from shared.domain.control import Act, CampaignState
from shared.domain.run import Run, RunKind
from shared.domain.written import Reason


class CampaignActRequest(Request):
    """Why it is done."""

    reason: Reason


class CampaignDryRunRequest(Request):
    """How much of what is given will never be spent, as the shop reckons, in percent."""

    breakage_percent: Annotated[int, Field(ge=0, le=100)] = 0


class CampaignListedAnswer(Answer):
    """A campaign in short, as the program's `version` has it. `in_program` false: no version that holds now or will has it.

    `next_at`: when it comes next for all, or from when on it runs; null where it comes for each member by themselves, or not
    any more.
    """

    id: str
    name: str
    owner: str
    trigger: str
    bonus: str
    state: CampaignState
    next_at: Instant | None
    version: int
    in_program: bool

    @classmethod
    def listed(cls, status: Status) -> "CampaignListedAnswer":
        """The campaign as the list tells it."""
        return CampaignListedAnswer(**_short(status))


def _short(status: Status) -> dict[str, Any]:
    campaign = status.found.campaign
    return {
        "id": campaign.id,
        "name": campaign.name,
        "owner": campaign.owner,
        "trigger": campaign.trigger.kind,
        "bonus": campaign.bonus.kind,
        "state": status.state,
        "next_at": status.next_at,
        "version": status.found.version.version,
        "in_program": status.found.is_there,
    }


class CampaignsAnswer(Answer):
    """The campaigns of the program, in its order."""

    campaigns: list[CampaignListedAnswer]


class CampaignStepAnswer(Answer):
    """What was done with a campaign, by whom (a digest of the operator's login; `schedule` for the end of a date), and why."""

    act: Act
    at: Instant
    by: str
    reason: str


class CampaignRunAnswer(Answer):
    """A run: workers look at everybody. `kind` campaign: a date's; visit: to set everybody's alarm anew; dry_run: to count.

    `due_at` is the moment that it is for, `attempt` how often its workers were started.
    """

    kind: RunKind
    period: str
    version: int
    due_at: Instant
    started_at: Instant
    ended_at: Instant | None
    attempt: int

    @classmethod
    def of(cls, run: Run) -> Self:
        """The run as the API tells it."""
        return cls(**{name: getattr(run, name) for name in CampaignRunAnswer.model_fields})


class CampaignAnswer(CampaignListedAnswer):
    """A campaign: its document, all that was done with it, oldest first, and its newest 50 runs, newest first."""

    document: dict[str, Any]
    steps: list[CampaignStepAnswer]
    runs: list[CampaignRunAnswer]

    @classmethod
    def of(cls, status: Status) -> Self:
        """The campaign as the API tells it."""
        steps = [CampaignStepAnswer(act=one.act, at=one.at, by=one.by, reason=one.reason) for one in status.control.steps]
        return cls(
            **_short(status),
            document=status.found.campaign.model_dump(mode="json", exclude_unset=True),
            steps=steps,
            runs=[CampaignRunAnswer.of(run) for run in status.runs],
        )
