"""Use case: mail a member what an event tells of them: once, if they want to hear it, and not while they sleep."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from functions.messages.models import Call
from shared.domain.announcing import DomainEvent, EventType, Granted
from shared.domain.entry import EntryKey
from shared.domain.errors import BeforeProgramError, ProgramMissingError
from shared.domain.member import Profile
from shared.domain.message import Message, Messages, MessageState
from shared.domain.program import Program, in_force
from shared.domain.subject import Grant, Redemption
from shared.domain.telling import Declined, Send, Verdict, Wait, decide, rose, template_data
from shared.ports import Clock, Email, Ledger, Mail, Members, Outbox, Programs, Schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class Postroom:
    """All that it takes to mail members. `clock` is the stage's, `real` is that of the schedules, which call `target`."""

    programs: Programs
    members: Members
    ledger: Ledger
    outbox: Outbox
    clock: Clock
    mail: Mail
    schedules: Schedules
    real: Clock
    target: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. `repeated`: the message had been dealt with before, and was left as it was.

    `state` is None where nothing is kept: the program mails nothing, or the message waits.
    """

    state: MessageState | None
    told: str
    repeated: bool = False


def tell_member(call: Call, room: Postroom) -> Outcome:
    """Decide on an event, and do it. What was certainly not sent is PUT_BACK: asked again, it is sent.

    Raises TryAgainError, MemberUnknownError, EntryUnknownError.
    """
    event = call.event
    now = max(room.clock.now(), call.waited_until or room.clock.now())
    program = _program(room, now)
    if program is None or program.messages is None:
        return Outcome(None, "the program mails nothing")
    before = room.outbox.find(event.id)
    if before is not None and before.state is not MessageState.PUT_BACK:
        return Outcome(before.state, before.told or "", repeated=True)
    profile = room.members.profile(event.member)
    match _verdict(program.messages, event, profile, program, now, room):
        case Wait(until):
            return _put_off(event, until, now, room)
        case Send(template, address):
            data = template_data(event, profile, _codes(event, room))
            message = _message(event, MessageState.SENDING, now, template)
            return _send(message, Email(address, template, data), room)
        case declined:
            room.outbox.decline(_message(event, MessageState.DECLINED, now, told=declined))
            return Outcome(MessageState.DECLINED, declined)


def _program(room: Postroom, now: datetime) -> Program | None:
    """The program that is in force, if one is."""
    try:
        return in_force(room.programs.versions(), now).program
    except (ProgramMissingError, BeforeProgramError):
        return None


def _verdict(
    messages: Messages, event: DomainEvent, profile: Profile, program: Program, now: datetime, room: Postroom
) -> Verdict:
    verdict = decide(messages, event, profile, program.time_zone, now)
    if event.type is not EventType.TIER_REACHED or isinstance(verdict, Declined):
        return verdict
    # Asked last: it may read far back.
    return verdict if rose(event, room.ledger.view(event.member).history, program.tiers) else Declined.NOT_RISEN


def _put_off(event: DomainEvent, until: datetime, now: datetime, room: Postroom) -> Outcome:
    """Let the event come again when the quiet hours are over. The stage's time may be a test clock's; a schedule's is real."""
    digest = hashlib.sha256(f"{event.id} {until}".encode()).hexdigest()[:40]
    room.schedules.put(f"message-{digest}", room.real.now() + (until - now), Call(event).again(until), room.target)
    return Outcome(None, f"waits until {until:%Y-%m-%dT%H:%MZ}")


def _send(message: Message, email: Email, room: Postroom) -> Outcome:
    """Say that it is being sent, send it, say what became of it. If we are lost on the way, it is never sent again."""
    if not room.outbox.begin(message):
        return Outcome(MessageState.SENDING, "somebody else sends it", repeated=True)
    answer = room.mail.send(email)
    room.outbox.end(replace(message, state=answer.state, told=answer.told))
    return Outcome(answer.state, answer.told)


def _message(
    event: DomainEvent, state: MessageState, now: datetime, template: str | None = None, told: str | None = None
) -> Message:
    return Message(event=event.id, type=event.type, member=event.member, state=state, at=now, template=template, told=told)


def _codes(event: DomainEvent, room: Postroom) -> dict[str, Any]:
    """What opens what a campaign gave: no event tells it, the ledger does. Null where there is none."""
    if not isinstance(event.detail, Granted):
        return {}
    code, name = None, None
    if event.detail.redemption is not None:
        redeemed = room.ledger.entry(EntryKey(event.detail.redemption)).subject
        if isinstance(redeemed, Redemption):
            code, name = redeemed.code, redeemed.name
    elif event.detail.gift_card is not None:
        grant = room.ledger.entry(event.entry).subject
        code = grant.code if isinstance(grant, Grant) else None
    return {"code": code, "reward_name": name}
