"""Use case: tell the bus of every entry that a batch of the table's stream posted, at least once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.announcing import DomainEvent, announced
from shared.domain.errors import LaurelError
from shared.domain.streamed import UNREADABLE, Change, Posted, Tampered, Unreadable
from shared.ports import Bus, BusEvent, Parked

Record = Mapping[str, Any]
"""A record of the stream."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch: how many events the bus took, how many records are parked, where entries were tampered with.

    `failed` are the positions of the records that must come again.
    """

    published: int
    parked: int
    tampered: tuple[str, ...]
    failed: tuple[int, ...]


def publish_entries(records: Sequence[Record], *, read: Callable[[Record], Change], bus: Bus, parked: Parked) -> Report:
    """Publish the events of all records; one that cannot be read is parked whole, and the others go on.

    A record whose events were not all taken comes again with all of them, under the same ids. Raises FaultError where the
    bus refuses us: then all come again.
    """
    events: list[BusEvent] = []
    owners: list[int] = []
    tampered: list[str] = []
    waiting = 0
    failed: set[int] = set()
    for position, record in enumerate(records):
        match _told(read(record)):
            case Unreadable(reason):
                kept = _park(record, reason, parked)
                waiting += kept
                failed |= set() if kept else {position}
            case Tampered(place):
                tampered.append(place)
            case told:
                events += [BusEvent(event.type, event.told()) for event in told]
                owners += [position] * len(told)
    missed = bus.publish(events) if events else []
    failed |= {owners[missing] for missing in missed}
    return Report(len(events) - len(missed), waiting, tuple(tampered), tuple(sorted(failed)))


def _told(change: Change) -> Sequence[DomainEvent] | Unreadable | Tampered:
    """The events of what was posted. An entry that nobody can tell of is not readable either."""
    if isinstance(change, Unreadable | Tampered):
        return change
    if not isinstance(change, Posted):
        return ()
    try:
        return announced(change.entry)
    except UNREADABLE as error:
        return Unreadable(f"{type(error).__name__} while telling of {change.entry.key}")


def _park(record: Record, reason: str, parked: Parked) -> bool:
    """Whether a record is parked; where that is not known it must come again, or it would be lost."""
    try:
        parked.park({"reason": reason, "record": record})
    except LaurelError:
        return False
    return True
