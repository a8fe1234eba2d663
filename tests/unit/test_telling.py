"""Whether a member is mailed, with what, and when: what they agreed to, once for each occasion, and never at night."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.announcing import DomainEvent, announced
from shared.domain.effect import Effect, Standing
from shared.domain.entry import EntryKind, review_key
from shared.domain.errors import ProgramInvalidError
from shared.domain.member import Consent, Profile
from shared.domain.message import Messages
from shared.domain.program import parse_program
from shared.domain.season import Hours, at_hours
from shared.domain.subject import Notice, Review
from shared.domain.telling import Declined, Send, Verdict, Wait, awake_at, decide, rose, template_data, template_of
from tests.fakes.grocer import ADA, NOON, OPENED, ZONE, document
from tests.unit.test_announcing import entry, grant
from tests.unit.test_tier import tiers

NIGHT = {"start": "21:00", "end": "08:00"}
AGREED = {"marketing": Consent(granted=True, at=OPENED)}
TEMPLATES = {"WeMissYou": "miss", "BonusGranted": "bonus", "PointsExpiringSoon": "soon", "TierReached": "tier"}


def messages(**changes: Any) -> Messages:
    return Messages.model_validate_json(json.dumps({"templates": TEMPLATES, **changes}))


def event(type: str, told: Any = None) -> DomainEvent:
    """The event of a type that an entry tells; without one, an entry of a silent member's bonus."""
    return next(found for found in announced(told or grant()) if found.type == type)


def ada(consents: Mapping[str, Consent] = AGREED, **changes: Any) -> Profile:
    fields: dict[str, Any] = {"member": ADA, "customer_id": "c-1", "enrolled_at": OPENED, "email": "ada@example.com", **changes}
    return Profile(consents=consents, **fields)


def told(profile: Profile, when: datetime = NOON, what: DomainEvent | None = None, **document: Any) -> Verdict:
    return decide(messages(**document), what or event("WeMissYou"), profile, ZONE, when)


def at(text: str) -> datetime:
    """An instant, or a wall time in the program's zone."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(ZONE))).astimezone(UTC)


# --- who is told


def test_a_member_who_agreed_is_mailed_with_the_programs_template() -> None:
    assert told(ada()) == Send("miss", "ada@example.com")


@pytest.mark.parametrize("consents", [{}, {"marketing": Consent(granted=False, at=OPENED)}, {"news": AGREED["marketing"]}])
def test_nobody_is_mailed_who_has_not_agreed_to_this_very_purpose(consents: Mapping[str, Consent]) -> None:
    assert told(ada(consents)) is Declined.NO_CONSENT


def test_the_program_names_the_purpose() -> None:
    assert told(ada(), consent="club_news") is Declined.NO_CONSENT
    assert told(ada({"club_news": Consent(granted=True, at=OPENED)}), consent="club_news") == Send("miss", "ada@example.com")


def test_a_member_without_an_address_or_who_left_is_not_mailed() -> None:
    assert told(ada(email=None)) is Declined.NO_ADDRESS
    assert told(ada().erased(NOON)) is Declined.CLOSED


def test_an_event_without_a_template_is_not_mailed() -> None:
    assert told(ada(), what=event("HappyBirthday", grant("birthday"))) is Declined.NO_TEMPLATE
    assert told(ada(), templates={}) is Declined.NO_TEMPLATE


def test_points_that_are_gone_by_now_are_not_said_to_expire_soon() -> None:
    notice = Notice(what="expiring", currency="points", points=5, on=date(2026, 3, 9), days=7)
    soon = event("PointsExpiringSoon", entry(kind=EntryKind.NOTICE, subject=notice))
    assert told(ada(), at("2026-03-08T23:59"), soon) == Send("soon", "ada@example.com")
    assert told(ada(), at("2026-03-09T00:00"), soon) is Declined.TOO_LATE


# --- by which template


def test_a_campaigns_own_template_goes_before_the_programs() -> None:
    assert template_of(messages(), event("WeMissYou", grant(template="come_back"))) == "come_back"
    assert template_of(messages(), event("CampaignMessage", grant("date", template="spring"))) == "spring"


@pytest.mark.parametrize(
    ("told", "templates", "mailed"),
    [
        (grant(), {"WeMissYou": "miss", "BonusGranted": "bonus"}, {"WeMissYou": "miss"}),
        (grant(), {"BonusGranted": "bonus"}, {"BonusGranted": "bonus"}),
        (grant(), {}, {}),
        (grant(template="own"), {"WeMissYou": "miss", "BonusGranted": "bonus"}, {"WeMissYou": "own"}),
        (grant(template="own"), {"BonusGranted": "bonus"}, {"WeMissYou": "own"}),
        (grant("date", template="own"), {"BonusGranted": "bonus"}, {"CampaignMessage": "own"}),
        (grant("date"), {"BonusGranted": "bonus"}, {"BonusGranted": "bonus"}),
        (grant("birthday", "message", template="own"), {"BonusGranted": "bonus"}, {"HappyBirthday": "own"}),
    ],
)
def test_a_bonus_is_one_e_mail_at_most(told: Any, templates: dict[str, str], mailed: dict[str, str]) -> None:
    document = messages(templates=templates)
    found = {event.type.value: template_of(document, event) for event in announced(told)}
    assert {type: template for type, template in found.items() if template} == mailed


def test_a_template_is_filled_with_all_that_the_event_tells() -> None:
    found = template_data(event("WeMissYou"), ada(locale="de-AT"), {"code": None})
    assert (found["points"], found["campaign"], found["event"]) == (50, "back", "WeMissYou")
    assert (found["customer_id"], found["locale"], found["code"]) == ("c-1", "de-AT", None)
    assert "ada@example.com" not in json.dumps(found)


# --- when


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02T20:59", None),
        ("2026-03-02T21:00", "2026-03-03T08:00"),
        ("2026-03-03T03:30:59", "2026-03-03T08:00"),
        ("2026-03-03T07:59:59", "2026-03-03T08:00"),
        ("2026-03-03T08:00", None),
        # Clocks go forward at 02:00 on the 8th, and back at 02:00 on 1 November.
        ("2026-03-07T23:00", "2026-03-08T08:00"),
        ("2026-10-31T23:00", "2026-11-01T08:00"),
    ],
)
def test_quiet_hours_end_in_the_morning(now: str, until: str | None) -> None:
    verdict = told(ada(), at(now), quiet_hours=NIGHT)
    assert verdict == (Send("miss", "ada@example.com") if until is None else Wait(at(until)))


def test_quiet_hours_are_the_members_own() -> None:
    auckland = ada(time_zone="Pacific/Auckland")
    # Noon in New York is six in the morning in Auckland.
    assert told(auckland, quiet_hours=NIGHT) == Wait(datetime(2026, 3, 2, 19, 0, tzinfo=UTC))
    assert told(auckland, datetime(2026, 3, 2, 19, 0, tzinfo=UTC), quiet_hours=NIGHT) == Send("miss", "ada@example.com")


def test_consent_is_asked_before_anybody_waits() -> None:
    assert told(ada({}), at("2026-03-02T23:00"), quiet_hours=NIGHT) is Declined.NO_CONSENT


@pytest.mark.parametrize(
    ("hours", "zone", "now", "until"),
    [
        # Up to midnight, and a day that begins at 01:00 because clocks jump over midnight.
        ({"start": "22:00", "end": "24:00"}, "Asia/Beirut", "2026-03-28T20:30Z", "2026-03-28T22:00Z"),
        # Hours that end in the hour that is jumped over end with the jump.
        ({"start": "22:00", "end": "02:30"}, "America/New_York", "2026-03-08T04:00Z", "2026-03-08T07:00Z"),
        # Hours that end in the hour that comes twice end the first time, and begin again as the clock on the wall says.
        ({"start": "22:00", "end": "01:30"}, "America/New_York", "2026-11-01T05:00Z", "2026-11-01T05:30Z"),
        ({"start": "22:00", "end": "01:30"}, "America/New_York", "2026-11-01T06:00Z", "2026-11-01T06:30Z"),
        # Half-hour zones.
        ({"start": "21:00", "end": "08:00"}, "Asia/Kolkata", "2026-03-02T20:00Z", "2026-03-03T02:30Z"),
    ],
)
def test_clock_changes_do_not_wake_anybody(hours: dict[str, str], zone: str, now: str, until: str) -> None:
    assert awake_at(Hours(**hours), at(now), zone) == at(until)


ZONES = ["America/New_York", "Pacific/Auckland", "Asia/Kolkata", "Asia/Beirut", "Australia/Lord_Howe", "Africa/Casablanca"]
CLOCK = st.integers(0, 47).map(lambda half: f"{half // 2:02}:{half % 2 * 30:02}")


@given(CLOCK, CLOCK, st.sampled_from(ZONES), st.timedeltas(timedelta(0), timedelta(days=365)))
def test_the_end_of_quiet_hours_is_the_first_moment_outside_of_them(start: str, end: str, zone: str, passed: timedelta) -> None:
    if start == end:
        return
    hours, now = Hours(start=start, end=end), OPENED + passed
    until = awake_at(hours, now, zone)
    tz = ZoneInfo(zone)
    assert until >= now
    assert not at_hours(hours, until.astimezone(tz))
    if until > now:
        assert at_hours(hours, (until - timedelta(microseconds=1)).astimezone(tz))
        minutes = int((until - now).total_seconds() // 60)
        assert all(at_hours(hours, (now + timedelta(minutes=n)).astimezone(tz)) for n in range(0, minutes, 7))


# --- which tiers are good news


METALS = tiers({"bronze": 0, "silver": 100, "gold": 200})


def stands(tier: str | None, sequence: int) -> Any:
    """An order after which the member has a tier."""
    told = Effect(stands=Standing(tier, date(2026, 3, 2)))
    return replace(entry(f"purchase:order-{sequence}", EntryKind.PURCHASE, told=told), sequence=sequence)


@pytest.mark.parametrize(
    ("course", "risen"),
    [
        (["silver"], True),
        (["silver", "gold"], True),
        (["gold", "silver"], False),
        (["gold", None], False),
        (["gold", None, "silver"], True),
        (["a level of old", "silver"], True),
        (["silver", "a level of old"], False),
    ],
)
def test_a_tier_is_good_news_where_the_one_told_before_was_lower(course: list[str | None], risen: bool) -> None:
    history = [stands(tier, 2 * number) for number, tier in enumerate(course, start=1)]
    quiet = [entry(f"purchase:order-{n}", EntryKind.PURCHASE, sequence=n) for n in (1, 3, 5, 7)]
    rows = sorted([*history, *quiet], key=lambda row: -row.sequence)
    assert rose(event("TierReached", history[-1]), rows, METALS) is risen


def test_what_came_after_an_event_does_not_change_it() -> None:
    rows = [stands("silver", 3), stands("gold", 2), stands("silver", 1)]
    assert rose(event("TierReached", rows[1]), rows, METALS)


@pytest.mark.parametrize(
    ("before", "after", "risen"), [(None, "silver", True), ("gold", "silver", False), ("gold", None, False)]
)
def test_a_review_is_believed(before: str | None, after: str | None, risen: bool) -> None:
    told = Effect(stands=Standing(after, date(2026, 3, 2)))
    review = entry(review_key(ADA, 7), EntryKind.REVIEW, told=told, subject=Review(before=before, after=after))
    assert rose(event("TierReached", review), [], METALS) is risen


# --- what a document may say


@pytest.mark.parametrize(
    "faulty",
    [
        {"quiet_hours": {"start": "21:00", "end": "21:00"}},
        {"quiet_hours": {"start": "00:00", "end": "24:00"}},
        {"points_expiring_days": [7, 30, 30]},
        {"points_expiring_days": [30, 7]},
        {"points_expiring_days": [0]},
        {"points_expiring_days": [91]},
        {"points_expiring_days": [1, 2, 3, 4, 5, 6]},
        {"templates": {"EntryPosted": "receipt"}},
        {"templates": {"CampaignMessage": "spring"}},
        {"templates": {"WeMissYou": "no blanks"}},
        {"consent": "Marketing"},
        {"sender": "a@example.com"},
    ],
)
def test_a_document_that_could_not_be_kept_is_refused(faulty: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        messages(**faulty)
    with pytest.raises(ProgramInvalidError) as refused:
        parse_program(document(messages=faulty))
    assert all(fault["path"].startswith("messages") for fault in refused.value.faults)


def test_a_program_says_nothing_of_messages_unless_it_wants_them() -> None:
    assert parse_program(document()).messages is None
    found = parse_program(document(messages={})).messages
    assert found == Messages()
    assert (found.consent, found.quiet_hours, found.templates) == ("marketing", None, {})
