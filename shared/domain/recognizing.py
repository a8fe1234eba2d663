"""Recognitions: a member gives another points out of an allowance of the program's (docs/recognitions.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.domain.calendar import first_after_period, first_of_period
from shared.domain.counts import Count
from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import Entry, EntryKey, EntryKind, Share, arrival_key
from shared.domain.errors import (
    EntryUnknownError,
    LimitReachedError,
    MemberUnknownError,
    RecognitionNotOfferedError,
    RequestInvalidError,
)
from shared.domain.history import Reason, day_of_entry, post
from shared.domain.program import ProgramVersion
from shared.domain.rating import credits_of
from shared.domain.recognition import Recognition, Who
from shared.domain.rule import Occasion, When
from shared.domain.standing import Course, tier_now, told
from shared.domain.subject import Recognized
from shared.domain.wallet import Wallet


@dataclass(frozen=True, kw_only=True)
class RecognitionRequest:
    """The member gives `points` to the member `to`, by the recognition of that id, with a word about why."""

    member_id: str
    to: str
    recognition: str
    points: int
    message: str | None = None

    @cached_property
    def digest(self) -> bytes:
        """What tells a repeated request from a changed one."""
        return request_hash("recognition", self)


def recognize(
    view: View, request: RecognitionRequest, key: EntryKey, versions: Sequence[ProgramVersion], version: ProgramVersion
) -> Decision:
    """The giver's entry, which uses the allowance, and the taker's, which has new points of the program's.

    `view` has both profiles. Raises RecognitionNotOfferedError, LimitReachedError, RequestInvalidError,
    MemberMergedError, MemberClosedError (of either), BalanceOverLimitError.
    """
    program = version.program
    taker = _other(view)
    view.wallet.check_open()
    taker.wallet.check_open()
    offered = _offered(request, program.recognitions)
    course = Course.by(versions, version)
    for side, who, seen in (("giver", offered.givers, view), ("taker", offered.takers, taker)):
        if not _is_one_of(who, seen, course):
            raise RecognitionNotOfferedError(reason=side, points_min=offered.points_min, points_max=offered.points_max)
    if not offered.points_min <= request.points <= offered.points_max:
        raise RecognitionNotOfferedError(reason="points", points_min=offered.points_min, points_max=offered.points_max)
    day = day_of_entry(view.wallet, view.now, program.time_zone)
    count = Count(allowance_name(offered), first_of_period(offered.allowance.per, day), request.points)
    if view.wallet.counted(count.name, count.day) + request.points > offered.allowance.points:
        until = first_after_period(offered.allowance.per, day)
        raise LimitReachedError(limit="allowance", count=offered.allowance.points, until=until)
    effect = told(view.wallet, course, day, Effect(counts=(count,)), view.history)
    reason = Reason(
        key=key,
        kind=EntryKind.RECOGNITION,
        occurred_at=view.now,
        request_hash=request.digest,
        subject=_subject(request, offered, request.to),
    )
    entry, after = post(view.wallet, view.history, effect, reason, now=view.now, zone=program.time_zone)
    return Decision(entry, after, others=(_arrived(taker, entry, request, offered, version),))


def allowance_name(recognition: Recognition) -> str:
    """Under which name a wallet counts what a member gave by a recognition."""
    return f"allowance:{recognition.id}:{recognition.allowance.per}"


def recognized(entry: Entry) -> Recognized:
    """What a recognition's entry tells. Raises EntryUnknownError for any other entry."""
    if not isinstance(entry.subject, Recognized):
        raise EntryUnknownError
    return entry.subject


def _other(view: View) -> View:
    if view.other is None:
        raise MemberUnknownError
    return view.other


def _offered(request: RecognitionRequest, offered: Sequence[Recognition]) -> Recognition:
    for recognition in offered:
        if recognition.id == request.recognition:
            return recognition
    there = ", ".join(recognition.id for recognition in offered) or "none"
    raise RequestInvalidError(faults=[{"path": "recognition", "reason": f"the program has no such; there are: {there}"}])


def _is_one_of(who: Who, view: View, course: Course) -> bool:
    level = tier_now(view.wallet, course, day_of_entry(view.wallet, view.now, course.zone)) if who.tiers else None
    occasion = Occasion(
        at=view.now,
        zone=course.zone,
        tier=level.id if level else None,
        attributes=view.profile.attributes if view.profile else {},
    )
    return occasion.meets(When(segments=who.segments, tiers=who.tiers, attributes=who.attributes))


def _subject(request: RecognitionRequest, offered: Recognition, counterpart: str) -> Recognized:
    return Recognized(
        recognition=offered.id,
        currency=offered.currency,
        points=request.points,
        counterpart=counterpart,
        message=request.message,
    )


def _arrived(
    taker: View, left: Entry, request: RecognitionRequest, offered: Recognition, version: ProgramVersion
) -> tuple[Entry, Wallet]:
    zone = version.program.time_zone
    day = day_of_entry(taker.wallet, taker.now, zone)
    why = (Share(f"recognition:{offered.id}", version.version, offered.currency, request.points),)
    reason = Reason(
        key=arrival_key(left.key),
        kind=EntryKind.ARRIVAL,
        occurred_at=taker.now,
        request_hash=request.digest,
        why=why,
        subject=_subject(request, offered, left.member),
        names=left.key,
    )
    effect = Effect(credits=credits_of(why, version.program, day))
    return post(taker.wallet, taker.history, effect, reason, now=taker.now, zone=zone)
