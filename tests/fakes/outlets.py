"""What reaches out of the table, kept instead: a bus, a queue, a post office and schedules, each of which can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.domain.errors import FaultError, TryAgainError
from shared.domain.message import MessageState
from shared.ports import BusEvent, Email, MailAnswer, Recurrence


@dataclass
class FakeBus:
    """Keeps what it took. `refuses` says what it does not take."""

    taken: list[BusEvent] = field(default_factory=list)
    refuses: Callable[[BusEvent], bool] = lambda _: False

    def publish(self, events: Sequence[BusEvent]) -> list[int]:
        """See ports.Bus."""
        missed = [position for position, event in enumerate(events) if self.refuses(event)]
        self.taken += [event for position, event in enumerate(events) if position not in missed]
        return missed

    @property
    def ids(self) -> list[str]:
        """The ids of the events that it took, as often as it took them."""
        return [event.detail["id"] for event in self.taken]


@dataclass
class FakeParked:
    """Keeps what is parked, unless it is full."""

    records: list[Mapping[str, Any]] = field(default_factory=list)
    full: bool = False

    def park(self, record: Mapping[str, Any]) -> None:
        """See ports.Parked."""
        if self.full:
            raise TryAgainError
        self.records.append(record)


@dataclass
class FakeStream:
    """Keeps records, and brings those between two sequence numbers, unless they are too old."""

    records: Sequence[Mapping[str, Any]] = ()
    trimmed: bool = False

    def between(self, stream: str, shard: str, first: str, last: str) -> Sequence[Mapping[str, Any]]:
        """See ports.Stream."""
        if self.trimmed:
            raise FaultError(code="TrimmedDataAccessException")
        return [one for one in self.records if int(first) <= int(one["dynamodb"]["SequenceNumber"]) <= int(last)]


@dataclass
class FakeMail:
    """Keeps what was sent. `next` are the answers that it gives before it sends: a state and a word, or an exception."""

    sent: list[Email] = field(default_factory=list)
    next: list[MailAnswer | BaseException] = field(default_factory=list)

    def send(self, email: Email) -> MailAnswer:
        """See ports.Mail. A crash (an exception) comes when the e-mail is already out."""
        planned = self.next.pop(0) if self.next else MailAnswer(MessageState.SENT, f"mail-{len(self.sent) + 1}")
        if not isinstance(planned, MailAnswer) or planned.state is MessageState.SENT:
            self.sent.append(email)
        if isinstance(planned, BaseException):
            raise planned
        return planned


@dataclass(frozen=True)
class Put:
    """A schedule as it was asked for."""

    at: datetime | Recurrence
    payload: Mapping[str, Any]
    target: str


@dataclass
class FakeSchedules:
    """Keeps the schedules by name."""

    there: dict[str, Put] = field(default_factory=dict)

    def put(self, name: str, when: datetime | Recurrence, payload: Mapping[str, Any], target: str) -> None:
        """See ports.Schedules."""
        self.there[name] = Put(when, payload, target)

    def remove(self, name: str) -> None:
        """See ports.Schedules."""
        self.there.pop(name, None)
