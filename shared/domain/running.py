"""What is to run now: dated campaigns whose moment came, and members who are to be looked at because a campaign changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import takewhile

from shared.domain.calendar import local_day
from shared.domain.campaign import Campaign, OnDate
from shared.domain.control import Act, CampaignState, Control
from shared.domain.drawing import ticket, ticket_text, wins
from shared.domain.errors import BeforeProgramError
from shared.domain.granting import Offer
from shared.domain.moments import Moment, occurrences, period_of
from shared.domain.program import Program, ProgramVersion, in_force
from shared.domain.run import Run, RunKind
from shared.domain.standing import course_now

MISSED_DAYS = 40
"""The last moment of a campaign that comes again is made up for after so many days at the most; a date always is."""


def runs_due(versions: Sequence[ProgramVersion], controls: Mapping[str, Control], now: datetime) -> Iterator[Run]:
    """The runs that are due now, whether or not they were begun."""
    version = in_force(versions, now)
    program = version.program
    for campaign in program.dated_campaigns:
        control = controls.get(campaign.id, Control(campaign.id))
        moment = _last_moment(campaign, control, versions, now)
        if moment is not None and control.runs(campaign, program.time_zone, now):
            at, holds = moment
            yield _dated(campaign, holds, at, now)
    for campaign in program.alarmed_campaigns:
        control = controls.get(campaign.id, Control(campaign.id))
        if control.runs(campaign, program.time_zone, now):
            told = _since(versions, now, partial(_told_of, campaign.id))
            yield _visit(campaign.id, _hashed(told, str(control.version)), version, now)
    yield _visit(None, _since(versions, now, _told_of_all), version, now)


def _last_moment(
    campaign: Campaign, control: Control, versions: Sequence[ProgramVersion], now: datetime
) -> tuple[datetime, ProgramVersion] | None:
    """The last moment that came since the campaign was started, and the version that holds for it.

    That is the one that was in force then, if it has the campaign; a recurrence comes only when that one says so. A date that
    was moved to a time before the change comes at once, as the changed document has it.
    """
    if control.started_at is None:
        return None
    since, current = control.started_at, in_force(versions, now)
    if not isinstance(campaign.trigger, OnDate):
        since = max(since, now - timedelta(days=MISSED_DAYS))
    for at in sorted(occurrences(campaign, current.program.time_zone, since, now), reverse=True):
        version = _version_at(versions, at, current)
        there = version.program.campaigns_by_id.get(campaign.id)
        if there and _comes(there, version, at):
            return at, version
        if there is None or isinstance(campaign.trigger, OnDate):
            return at, current
    return None


def _version_at(versions: Sequence[ProgramVersion], at: datetime, current: ProgramVersion) -> ProgramVersion:
    try:
        return in_force(versions, at)
    except BeforeProgramError:
        return current


def _comes(campaign: Campaign, version: ProgramVersion, at: datetime) -> bool:
    return at in occurrences(campaign, version.program.time_zone, at - timedelta(minutes=1), at)


def _dated(campaign: Campaign, version: ProgramVersion, at: datetime, now: datetime) -> Run:
    """The run of a moment; the version holds to its end."""
    return Run(
        kind=RunKind.CAMPAIGN,
        campaign=campaign.id,
        period=period_of(campaign, at, version.program.time_zone),
        version=version.version,
        due_at=at,
        started_at=now,
        member_list=version.program.campaigns_by_id[campaign.id].audience.member_list,
    )


def _visit(campaign: str | None, digest: str, version: ProgramVersion, now: datetime) -> Run:
    return Run(kind=RunKind.VISIT, campaign=campaign, period=digest, version=version.version, due_at=now, started_at=now)


def _since(versions: Sequence[ProgramVersion], now: datetime, told: Callable[[Program], str]) -> str:
    """What a program tells, and since which version without a break: what was changed and changed back was changed."""
    found = sorted((v for v in versions if v.effective_from <= now), key=lambda v: (v.effective_from, v.version))
    words = told(found[-1].program)
    same = takewhile(lambda version: told(version.program) == words, reversed(found))
    return _hashed(words, str(min(version.version for version in same)))


def _told_of(id: str, program: Program) -> str:
    """What decides for whom, and when, a campaign comes: if it changes, members are to be looked at anew."""
    campaign = program.campaigns_by_id.get(id)
    if campaign is None:
        return ""
    caps = [program.caps_by_id[cap].model_dump_json() for cap in campaign.caps]
    return "\n".join([campaign.model_dump_json(), *caps, *(cap.model_dump_json() for cap in program.frequency_caps)])


def _told_of_all(program: Program) -> str:
    """What concerns all members: what they are told ahead, and the terms of tiers."""
    days = program.messages.points_expiring_days if program.messages else []
    return "\n".join([repr(days), program.tiers.model_dump_json() if program.tiers else ""])


def _hashed(*words: str) -> str:
    return sha256("\n".join(words).encode()).hexdigest()[:16]


def interrupted(
    run: Run, control: Control, campaign: Campaign | None, zone: str, now: datetime, last_seen: datetime | None = None
) -> bool:
    """Whether a run's workers are to be started again: none got on for long, or the campaign was resumed since."""
    if campaign is not None and run.kind is RunKind.CAMPAIGN:
        if control.state(campaign, zone, control.as_of(now)) is CampaignState.PAUSED:
            return False
        begun = run.attempted_at or run.started_at
        if any(step.act is Act.RESUME and step.at >= begun for step in control.steps):
            return True
    return run.is_late(now, last_seen)


def offer_of(run: Run, campaign: Campaign, versions: Sequence[ProgramVersion], version: ProgramVersion, now: datetime) -> Offer:
    """What a run of a dated campaign brings to everybody, before anything is drawn."""
    zone = campaign.zone(version.program.time_zone)
    moment = Moment(run.period, run.due_at, local_day(run.due_at, zone))
    winners = campaign.draw.winners if campaign.draw else None
    return Offer(campaign, version, course_now(versions, now), moment, winners=winners)


def drawn(offer: Offer, member: str) -> str | None:
    """The ticket of a member who is in; an empty text where nothing is drawn, None for whoever lost."""
    draw = offer.campaign.draw
    if draw is None:
        return ""
    number = ticket(offer.campaign.id, offer.moment.period, draw.seed, member)
    return ticket_text(number) if draw.chance is None or wins(number, draw.chance) else None
