"""Telling a member: which e-mail an event is, whether it may be sent now, and if not, when (docs/messages.md).

Everything here is pure: the program's document, the event, the member's profile and the time in; a decision out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.announcing import DomainEvent, EventType, Granted, PointsExpiringSoon, TierReached
from shared.domain.history import History
from shared.domain.member import Profile
from shared.domain.message import Messages
from shared.domain.season import Hours, at_hours
from shared.domain.tier import Tiers

MINUTE = timedelta(minutes=1)


def template_of(messages: Messages, event: DomainEvent) -> str | None:
    """The template that an event is mailed with; None where it is not.

    A grant of a campaign is one e-mail at most: that of its occasion, where this has a template.
    """
    templates: Mapping[str, str] = {str(name): template for name, template in messages.templates.items()}
    own, told = templates.get(event.type), event.detail
    if not isinstance(told, Granted):
        return own
    if event.type is not EventType.BONUS_GRANTED:
        return told.template or own
    return None if told.told_as and (told.template or templates.get(told.told_as)) else own


class Declined(StrEnum):
    """Why nothing is sent."""

    NO_TEMPLATE = "no_template"
    CLOSED = "closed"
    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    NOT_RISEN = "not_risen"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class Send:
    """Mail it now."""

    template: str
    address: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before this instant; then decide again."""

    until: datetime


Verdict = Send | Wait | Declined


def decide(messages: Messages, event: DomainEvent, profile: Profile, zone: str, now: datetime) -> Verdict:
    """Whether a member is told of an event at `now`; `zone` is the program's. Whether a tier `rose` is asked apart."""
    template = template_of(messages, event)
    if template is None:
        return Declined.NO_TEMPLATE
    if profile.closed_at is not None:
        return Declined.CLOSED
    consent = profile.consents.get(messages.consent)
    if consent is None or not consent.granted:
        return Declined.NO_CONSENT
    if profile.email is None:
        return Declined.NO_ADDRESS
    if isinstance(event.detail, PointsExpiringSoon) and event.detail.expires_at <= now:
        return Declined.TOO_LATE
    until = awake_at(messages.quiet_hours, now, profile.time_zone or zone)
    return Send(template, profile.email) if until <= now else Wait(until)


def awake_at(quiet: Hours | None, now: datetime, zone: str) -> datetime:
    """The first instant from `now` on that is outside the quiet hours of a zone; it is `now` where that is.

    Hours are wall times, minute by minute as a clock on the wall shows them: where clocks jump, the hours are as much shorter
    or longer.
    """
    if quiet is None:
        return now
    local = ZoneInfo(zone)
    instant = now
    while at_hours(quiet, instant.astimezone(local)):
        instant = (instant + MINUTE).astimezone(UTC).replace(second=0, microsecond=0)
    return instant


def rose(event: DomainEvent, history: History, tiers: Tiers | None) -> bool:
    """Whether the tier of a TierReached is above the one before, by the order of the levels; `history` is newest first.

    The one before is what an earlier entry told last: the history is read back to that one. Without one it is none.
    """
    reached = event.detail
    if not isinstance(reached, TierReached) or tiers is None:
        return False
    if reached.before is not None:
        return tiers.is_above(reached.tier, reached.before.tier)
    told = (row.effect.stands for row in history if row.sequence < event.sequence and row.effect.stands)
    before = next(told, None)
    return tiers.is_above(reached.tier, before.tier if before else None)


def template_data(event: DomainEvent, profile: Profile, more: Mapping[str, Any]) -> dict[str, Any]:
    """What fills the template: all that the event tells, the member's language and the shop's id of them, and `more`."""
    return {
        **event.detail.model_dump(mode="json"),
        "event": event.type.value,
        "customer_id": profile.customer_id,
        "locale": profile.locale,
        **more,
    }
