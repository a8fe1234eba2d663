"""Members in memory: profiles as they are changed and closed, beside a ledger in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.domain.alarm import Alarm
from shared.domain.decision import Wanted
from shared.domain.entry import Entry, EntryKey, MemberId
from shared.domain.errors import IdentityTakenError, MemberUnknownError
from shared.domain.member import Enrolment, Identity, IdentityKind, Profile
from shared.domain.referring import Joining
from shared.ports import Decide
from tests.fakes.memory_ledger import MemoryLedger, Write


@dataclass(frozen=True)
class MemoryMembers:
    """Implements shared.ports.Members for members who share no identity but their customer id."""

    ledger: MemoryLedger

    def enrol(self, profile: Profile, request_hash: bytes, joining: Joining | None = None) -> Enrolment:
        """See shared.ports.Members."""
        return self.ledger.enrol(profile, request_hash, joining)

    def enrolled(self, customer_id: str, request_hash: bytes) -> Enrolment:
        """See shared.ports.Members."""
        if customer_id not in self.ledger.enrolled:
            raise MemberUnknownError
        digest, receipt = self.ledger.enrolled[customer_id]
        if digest != request_hash:
            raise IdentityTakenError(identity=IdentityKind.CUSTOMER_ID)
        return receipt

    def profile(self, member: MemberId) -> Profile:
        """See shared.ports.Members."""
        if member not in self.ledger.profiles:
            raise MemberUnknownError
        return self.ledger.profiles[member]

    def find(self, identity: Identity) -> MemberId:
        """See shared.ports.Members; by customer id alone."""
        if identity.value not in self.ledger.enrolled:
            raise MemberUnknownError
        return self.ledger.enrolled[identity.value][1].member

    def update(self, member: MemberId, change: Callable[[Profile], Profile]) -> Profile:
        """See shared.ports.Members."""
        with self.ledger.lock:
            before = self.profile(member)
            after = change(before)
            if after != before:
                self.ledger.profiles[member] = replace(after, alarm=Alarm().no_later([before.enrolled_at]))
            return self.ledger.profiles[member]

    def close(
        self, member: MemberId, key: EntryKey, request_hash: bytes, decide: Decide, into: MemberId | None = None
    ) -> Entry:
        """See shared.ports.Members."""

        def erase() -> list[Write]:
            before = self.profile(member)
            after = before.erased(self.ledger.clock.now(), into)
            return [
                Write(self.ledger.profiles, member, lambda now: now.version == before.version, lambda _: after),
            ]

        return self.ledger.decide_and_post(key, member, request_hash, decide, Wanted(other=into), also=erase)
