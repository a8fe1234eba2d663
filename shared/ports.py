"""What the use cases need of the outside world. Adapters implement these; tests use fakes that pass the same suites."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId
from shared.domain.member import Enrolment, Identity, Profile
from shared.domain.program import ProgramVersion
from shared.domain.wallet import Wallet


@dataclass(frozen=True, slots=True)
class View:
    """What a decision sees: one consistent read of the member's wallet, and the time of that read."""

    wallet: Wallet
    now: datetime


Decide = Callable[[View], tuple[Entry, Wallet]]
"""A pure decision: an entry and the wallet after it, or a domain error."""


class Clock(Protocol):
    """The time of the stage, aware UTC."""

    def now(self) -> datetime:
        """The instant of the call."""
        ...


class SettableClock(Clock, Protocol):
    """A sandbox stage's clock: real time until it is set, then it stands still until it is set again."""

    def move_to(self, instant: datetime) -> datetime:
        """Set the clock. Raises ClockBackwardError."""
        ...

    def is_set(self) -> bool:
        """Whether it stands still at a set instant."""
        ...


class Ledger(Protocol):
    """Append-only entries and the wallets they make."""

    def decide_and_post(self, key: EntryKey, member: MemberId, request_hash: bytes, decide: Decide) -> Entry:
        """Read, decide, and post in one transaction; on a clash read and decide again.

        Where `key` was posted before by a request with the same hash, the stored entry is the answer. At most 2 round trips
        when nothing clashes. Raises what `decide` raises, MemberUnknownError, KeyReusedError, TryAgainError.
        """
        ...

    def view(self, member: MemberId) -> View:
        """The wallet as posted (not settled to today) and the time. Raises MemberUnknownError, TryAgainError."""
        ...

    def entry(self, key: EntryKey) -> Entry:
        """One whole entry, strongly consistent. Raises EntryUnknownError, TryAgainError."""
        ...

    def rows(self, wallet: Wallet, start: tuple[int, EntryKey] | None = None, page: int | None = None) -> Iterator[HistoryRow]:
        """The history of `wallet`, newest first and without a gap, from the entry (sequence, key) or its last one on.

        `page` says how many rows are likely to be wanted; without it, all.
        """
        ...


class Members(Protocol):
    """Profiles and the identities that lead to them."""

    def enrol(self, profile: Profile, request_hash: bytes) -> Enrolment:
        """Create profile, wallet and identities at once.

        An equal enrolment of the same customer id answers as the first did. Raises IdentityTakenError, KeyReusedError,
        TryAgainError.
        """
        ...

    def profile(self, member: MemberId) -> Profile:
        """Raises MemberUnknownError, TryAgainError."""
        ...

    def find(self, identity: Identity) -> MemberId:
        """The member with this identity. Raises MemberUnknownError, TryAgainError."""
        ...

    def update(self, member: MemberId, change: Callable[[Profile], Profile]) -> Profile:
        """Change a profile and its identities at once.

        Raises MemberUnknownError, IdentityTakenError, TryAgainError and what `change` raises.
        """
        ...

    def close(self, member: MemberId, key: EntryKey, request_hash: bytes, decide: Decide) -> Entry:
        """Post the closure, erase personal data and free the identities but the customer id, at once.

        Raises as Ledger.decide_and_post.
        """
        ...


class Programs(Protocol):
    """Every version of the program that was ever activated."""

    def versions(self) -> Sequence[ProgramVersion]:
        """In order of version, at most STALENESS_SECONDS_MAX old. Raises TryAgainError."""
        ...

    def latest(self) -> Sequence[ProgramVersion]:
        """As `versions`, read now."""
        ...

    def add(self, version: ProgramVersion) -> None:
        """Keep a new version. Raises TryAgainError where another one was added meanwhile."""
        ...
