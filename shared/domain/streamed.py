"""What a record of the table's stream says, as far as entries are concerned."""

from dataclasses import dataclass

from shared.domain.entry import Entry


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry was posted."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Tampered:
    """An entry was changed or removed, which no role may do; `place` says where it was."""

    place: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It cannot be told what was written, and `reason` says why: a kind of entry that this code does not know, for one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unrelated:
    """It is about no entry."""


Change = Posted | Tampered | Unreadable | Unrelated
"""One record of the stream."""

UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, StopIteration)
"""All that reading a malformed record may end in: whatever is in one, those behind it go on."""
